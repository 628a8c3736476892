//! Retry: trials that failed or diverged are tried again, with all their tries.

use sweep_proto::{SweepId, Timestamp, TrialId};

use super::reopen::reopened_state;
use super::{Decided, known_sweep};
use crate::command::{Rejection, Reply, Retried};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::index::{awaits_test, gave_up};
use crate::quota::{self, Quota, Totals};
use crate::record::{SearchRecord, SweepRecord, SweepState, TrialRecord, TrialState};
use crate::retention;
use crate::view::waiting_state;

/// Tries a slice of the trials again; the answer tells how many are left.
pub(crate) fn retry(
    engine: &Engine,
    now: Timestamp,
    id: SweepId,
    which: &Retried,
    (caller, quota): (Option<&str>, &Quota),
) -> Decided {
    let sweep = known_sweep(engine, id)?;
    if sweep.state == SweepState::Cancelled {
        return Err(Rejection::WrongState { sweep: id, state: sweep.state, verb: "retried" });
    }
    retention::check_models(sweep)?;
    let mut chosen = chosen(engine, sweep, which)?;
    let opens_again = |trial: &&TrialId| {
        engine.tables.trials.get(trial).is_some_and(|trial| trial.state != TrialState::Completed)
    };
    if let Some(part) = sweep.spent().filter(|_| chosen.iter().any(|trial| opens_again(&trial))) {
        return Err(Rejection::NothingToRetry(format!(
            "the budget of {part} of sweep {id} is spent, so no trial of it begins: raise it, and try again (`sweep extend {id} --{part} N`)"
        )));
    }
    let opened = chosen.iter().filter(opens_again).count() as u64;
    quota::check_growth(engine, quota, sweep, caller, Totals::of_trials_again(&sweep.spec, opened))?;
    let left = chosen.len().saturating_sub(engine.slice.0) as u64;
    chosen.truncate(engine.slice.0);
    let count = chosen.len() as u64;
    let mut draft = Draft::new(engine, now);
    draft.revoke_evaluation(id);
    let state = reopened_state(sweep);
    for trial in chosen {
        draft.try_again(trial, state);
    }
    let mut reopened = draft.reopened(sweep);
    if opened == 0 {
        // What is only measured again changes nothing of what the search has found.
        reopened.conclusion.clone_from(&sweep.conclusion);
        if sweep.conclusion.is_some() {
            reopened.search =
                sweep.search.map(|search| SearchRecord { version: search.version + 1, ..search });
        }
    }
    draft.set_sweep(reopened);
    if opened == 0 {
        // What is only measured again lets no search go on, whatever is left of its budget.
        draft.begin_evaluation(id);
    }
    Ok(draft.finish(Reply::Retried { count, left }))
}

fn chosen(engine: &Engine, sweep: &SweepRecord, which: &Retried) -> Result<Vec<TrialId>, Rejection> {
    let id = sweep.id;
    let chosen = engine.chosen(sweep);
    let can_be = |trial: &TrialRecord, failed: bool, diverged: bool| match trial.state {
        TrialState::Failed => failed,
        TrialState::Diverged => diverged,
        // Trained, but never measured on the test split although it was to be.
        TrialState::Completed => {
            failed
                && matches!(sweep.state, SweepState::Finished | SweepState::Evaluating)
                && awaits_test(chosen, trial)
                && gave_up(sweep, trial, engine.tables.attempts_of(trial.spec.id))
        }
        _ => false,
    };
    let found: Vec<TrialId> = match which {
        Retried::Trials(indices) => {
            let ids = indices.iter().map(|index| TrialId { sweep: id, index: *index });
            let wrong = |trial: &TrialId| {
                !engine.tables.trials.get(trial).is_some_and(|trial| can_be(trial, true, true))
            };
            let ids: std::collections::BTreeSet<_> = ids.collect();
            if let Some(trial) = ids.iter().find(|trial| wrong(trial)) {
                let problem = match engine.tables.trials.get(trial) {
                    None => format!("there is no trial {trial}"),
                    Some(known) => format!(
                        "trial {trial} is {}, and only failed and diverged trials are tried again",
                        known.state.name()
                    ),
                };
                return Err(Rejection::NothingToRetry(problem));
            }
            ids.into_iter().collect()
        }
        Retried::Every { failed, diverged } => {
            let trials = engine.tables.trials_of(id).filter(|trial| can_be(trial, *failed, *diverged));
            trials.map(|trial| trial.spec.id).collect()
        }
    };
    if found.is_empty() {
        let what = match which {
            Retried::Every { failed: true, diverged: true } => "has failed or diverged",
            Retried::Every { diverged: true, .. } => "has diverged",
            _ => "has failed",
        };
        return Err(Rejection::NothingToRetry(format!(
            "nothing to try again: no trial of sweep {id} {what}"
        )));
    }
    Ok(found)
}

impl Draft<'_> {
    /// Gives a trial all its tries back. Trained ones are only measured again.
    fn try_again(&mut self, id: TrialId, sweep: SweepState) {
        let Some(mut trial) = self.trial(id).cloned() else { return };
        trial.forgiven = trial.attempts;
        trial.last_error = None;
        // What is forgiven counts nowhere, whether the trial is trained again or only measured.
        (trial.failures, trial.out_of_memory, trial.outgrown_bytes) = (0, 0, None);
        if trial.state != TrialState::Completed {
            trial.state = waiting_state(sweep).unwrap_or(TrialState::Pending);
            (trial.diverged_epoch, trial.ended_at, trial.ended_number) = (None, None, None);
            trial.until_epoch = self.first_rung(&trial);
            self.forget_epochs(id);
        }
        self.set_trial(trial);
    }
}

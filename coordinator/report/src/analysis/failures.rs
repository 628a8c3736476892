//! Every attempt that brought no result: who, why, and what followed from it.

use std::collections::BTreeMap;

use coordinator_core::{AttemptRecord, AttemptState, TrialState};
use sweep_proto::{TrialId, WorkKind};

use crate::input::ReportInput;
use crate::model::FailedAttempt;
use crate::table::{Table, TrialRow};

/// The attempts by id.
pub fn failures(input: &ReportInput, table: &Table) -> Vec<FailedAttempt> {
    let trials: BTreeMap<TrialId, &TrialRow> = table.trials.iter().map(|trial| (trial.id, trial)).collect();
    let mut attempts: Vec<_> =
        input.attempts.iter().filter(|attempt| outcome(attempt.state).is_some()).collect();
    attempts.sort_by_key(|attempt| attempt.id);
    let rows = attempts.into_iter().filter_map(|attempt| {
        let trial = *trials.get(&attempt.id.trial)?;
        Some(FailedAttempt {
            attempt: attempt.id.to_string(),
            label: table.label(trial.configuration),
            replicate: trial.replicate,
            work: match attempt.work {
                WorkKind::Train => "train",
                WorkKind::Evaluate => "evaluate",
            },
            worker: attempt.worker_name.clone(),
            outcome: outcome(attempt.state)?,
            kind: attempt.failure.map(sweep_proto::FailureKind::name),
            reason: attempt.error.clone(),
            seconds: attempt.ended_at.map(|ended| ended.since_ms(attempt.started_at) as f64 / 1_000.0),
            consequence: consequence(attempt, trial),
        })
    });
    rows.collect()
}

fn outcome(state: AttemptState) -> Option<&'static str> {
    match state {
        AttemptState::Running | AttemptState::Succeeded => None,
        AttemptState::Diverged => Some("diverged"),
        AttemptState::Failed => Some("failed"),
        AttemptState::Released => Some("released"),
        AttemptState::Expired => Some("expired"),
        AttemptState::Revoked => Some("revoked"),
    }
}

fn consequence(attempt: &AttemptRecord, trial: &TrialRow) -> String {
    if attempt.work == WorkKind::Evaluate {
        return match trial.test {
            Some(_) => "tried again and measured: no effect on the numbers".to_owned(),
            None => "the test split is not measured for this trial".to_owned(),
        };
    }
    match trial.state {
        TrialState::Completed => "tried again and completed: no effect on the numbers".to_owned(),
        TrialState::Diverged => match trial.diverged_epoch {
            Some(epoch) => format!("the trial diverged in epoch {epoch}: left out of every mean"),
            None => "the trial diverged: left out of every mean".to_owned(),
        },
        TrialState::Failed => "its tries are spent: left out of every mean".to_owned(),
        TrialState::Cancelled => "the sweep was cancelled: left out of every mean".to_owned(),
        TrialState::Pruned => "the trial was stopped early: left out of every mean".to_owned(),
        TrialState::Pending | TrialState::Leased | TrialState::Paused => {
            "the trial will be tried again".to_owned()
        }
    }
}

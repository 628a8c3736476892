//! The coordinator's own fault: it cannot give what trials need. Nobody's tries are spent on that.

use sweep_proto::{Digest, SweepId, Timestamp, TrialId, WorkKind};

use crate::command::{Decision, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::limits::HOLD_REASON_CHARACTERS_MAX;
use crate::record::{AttemptState, SweepRecord, SweepState, TrialRecord};

/// Sweeps that need the artifact are held, until the operator has mended it and resumes them. A checkpoint that is gone
/// for good costs what was trained since the one before: its trials begin again.
pub(crate) fn unreadable(
    engine: &Engine,
    now: Timestamp,
    artifact: Digest,
    is_gone: bool,
    reason: &str,
) -> Decision {
    let mut draft = Draft::new(engine, now);
    for sweep in engine.tables.sweeps.values() {
        if !matches!(sweep.state, SweepState::Open | SweepState::Evaluating) {
            continue;
        }
        let resuming: Vec<TrialId> = engine
            .running(sweep.id)
            .filter(|trial| resumes_from(trial, artifact))
            .map(|trial| trial.spec.id)
            .collect();
        if is_needed(engine, sweep, artifact) || (!resuming.is_empty() && !is_gone) {
            draft.hold(sweep, reason);
        } else {
            resuming.into_iter().for_each(|trial| draft.forget_checkpoint(trial, artifact));
        }
    }
    draft.finish(Reply::Done)
}

/// Whether the sweep cannot go on without the artifact: one of its datasets, or a model that is to be measured.
fn is_needed(engine: &Engine, sweep: &SweepRecord, artifact: Digest) -> bool {
    let outstanding = engine.index.sweeps.get(&sweep.id).into_iter().flat_map(|index| &index.outstanding);
    let mut measured =
        outstanding.filter_map(|index| engine.tables.trials.get(&TrialId { sweep: sweep.id, index: *index }));
    sweep.datasets.iter().any(|dataset| dataset.artifact.digest == artifact)
        || measured.any(|trial| trial.result.as_ref().is_some_and(|result| result.model.digest == artifact))
}

fn resumes_from(trial: &TrialRecord, artifact: Digest) -> bool {
    let trains = trial.lease.is_some_and(|lease| lease.work == WorkKind::Train);
    trains && trial.checkpoint.iter().chain(&trial.underway).any(|one| one.artifact.digest == artifact)
}

impl Draft<'_> {
    /// Pauses a sweep until the operator has mended what is wrong and resumes it.
    pub(super) fn hold(&mut self, sweep: &SweepRecord, reason: &str) {
        let id: SweepId = sweep.id;
        let reason = reason.chars().take(HOLD_REASON_CHARACTERS_MAX).collect();
        self.set_sweep(SweepRecord { state: SweepState::Paused, held: Some(reason), ..sweep.clone() });
        // A trial that has no dataset cannot be made: it follows later, or when the sweep goes on.
        _ = self.let_trials_follow(id);
    }

    fn forget_checkpoint(&mut self, id: TrialId, artifact: Digest) {
        let Some((mut trial, _)) = self.end_attempt(id, AttemptState::Revoked) else { return };
        if trial.underway.take().is_some() {
            self.underway_is_lost(id);
        }
        if trial.checkpoint.is_some_and(|checkpoint| checkpoint.artifact.digest == artifact) {
            trial.checkpoint = None;
            self.forget_epochs(id);
        }
        self.requeue(trial);
    }
}

//! What must hold of trials that were stopped when a budget of hours or money was spent.

use super::Audit;
use crate::record::{SweepRecord, SweepState, TrialRecord, TrialState};
use crate::search;

/// Whether a trial ended without a number because a budget was spent: it is shelved, or was until its checkpoint went with the models
/// of its sweep, or because that was cancelled.
pub(super) fn was_shelved(sweep: &SweepRecord, trial: &TrialRecord) -> bool {
    let is_cleared = sweep.state == SweepState::Cancelled || trial.spec.id.index < sweep.cleared.models;
    let has_lost_checkpoint = is_cleared && trial.state == TrialState::Pruned && trial.ended_number.is_none();
    let may_be = sweep.spec.metered_ms().is_some() || search::is_steered(&sweep.spec);
    may_be && (trial.is_shelved() || has_lost_checkpoint)
}

impl Audit<'_> {
    /// No trial stays behind where its sweep goes on: what was cancelled or shelved goes on, and so does what waits between two rungs.
    pub(super) fn revival(&mut self, sweep: &SweepRecord, trials: &[&TrialRecord]) {
        let id = sweep.id;
        self.expect(!(sweep.is_reviving() && sweep.state.is_ended()), || {
            format!("sweep {id} has ended, and its trials are to go on")
        });
        if sweep.state == SweepState::Cancelled || sweep.spent().is_some() || sweep.conclusion.is_some() {
            return;
        }
        let Some(index) = self.engine.index_of(id) else { return };
        let followed = sweep.search.and_then(|search| search.revives_from).unwrap_or(u32::MAX);
        let is_behind = |trial: &&&TrialRecord| {
            let number = trial.spec.id.index;
            let has_stopped = trial.state == TrialState::Cancelled || trial.is_shelved();
            // What has ended at a rung stands so in rows of an earlier program, and goes on when it follows (`decide/revive.rs`).
            let trains_on =
                index.courses.train_on.contains(&number) && !index.courses.ended_at_rungs.contains(&number);
            number < followed && (has_stopped || trains_on)
        };
        let behind: Vec<_> = trials.iter().filter(is_behind).map(|trial| trial.spec.id.to_string()).collect();
        self.expect(behind.is_empty(), || {
            format!(
                "sweep {id} goes on after its budget was spent, and leaves behind what had stopped: {}",
                behind.join(", ")
            )
        });
    }
}

//! Ends: of attempts and of trials, and what becomes of a trial whose attempt brought no result.

use sweep_proto::{AttemptId, TrialId, WorkKind};

use crate::command::{Decision, Reply};
use crate::draft::Draft;
use crate::limits::{ATTEMPTS_MAX, WORKERS_LOST_MAX};
use crate::record::{AttemptRecord, AttemptState, SweepState, TrialRecord, TrialState};

impl Draft<'_> {
    /// The decision, every touched sweep settled.
    pub(crate) fn finish(mut self, reply: Reply) -> Decision {
        self.settle();
        self.log_searches();
        self.into_decision(reply)
    }

    /// Removes all epochs of a trial, if it has any: what was done for them is done again.
    pub(crate) fn forget_epochs(&mut self, trial: TrialId) {
        self.nothing_is_kept(trial);
        if self.engine.tables.epochs_of(trial).next().is_some() {
            self.truncate_epochs(trial);
        }
    }

    /// Ends the attempt under a trial's live lease and takes the lease from the trial, which is
    /// returned for the caller to set, with the attempt that ended.
    pub(crate) fn end_attempt(
        &mut self,
        trial: TrialId,
        state: AttemptState,
    ) -> Option<(TrialRecord, AttemptRecord)> {
        let mut trial = self.trial(trial)?.clone();
        let lease = trial.lease.take()?;
        let id = AttemptId { trial: trial.spec.id, number: lease.attempt };
        let mut attempt = self.attempt(id)?.clone();
        attempt.state = state;
        attempt.ended_at = Some(self.now);
        attempt.heard_at = self.last_sign_of_life(&attempt);
        self.set_attempt(attempt.clone());
        Some((trial, attempt))
    }

    /// Takes a live lease away without the trial's fault: the trial waits for another worker.
    pub(crate) fn take_back(&mut self, trial: TrialId, state: AttemptState) {
        if let Some((trial, attempt)) = self.end_attempt(trial, state) {
            match attempt.work {
                WorkKind::Train if self.takes_workers_down(&trial, &attempt) => self.give_up(trial, &attempt),
                WorkKind::Train => self.requeue(trial),
                WorkKind::Evaluate => self.set_trial(trial),
            }
        }
    }

    /// Fails a trial whose attempts end with their workers again and again.
    fn give_up(&mut self, mut trial: TrialRecord, last: &AttemptRecord) {
        trial.last_error = Some(format!(
            "{WORKERS_LOST_MAX} attempts in a row ended with their workers before epoch {} was complete: the trial may take \
             its machine down (memory?); the workers' logs tell more",
            last.first_epoch
        ));
        self.end_trial(trial, TrialState::Failed);
    }

    /// Puts a trial without a lease back in the queue, or fails it where it was tried too often.
    pub(crate) fn requeue(&mut self, mut trial: TrialRecord) {
        if trial.attempts - trial.forgiven >= ATTEMPTS_MAX {
            trial.last_error = Some(format!("{ATTEMPTS_MAX} attempts ended without a result"));
            self.end_trial(trial, TrialState::Failed);
            return;
        }
        let paused = self.sweep(trial.spec.id.sweep).is_some_and(|sweep| sweep.state == SweepState::Paused);
        trial.state = if paused { TrialState::Paused } else { TrialState::Pending };
        self.set_trial(trial);
    }

    /// Ends a trial. A terminal trial never goes on, so it lets go of its checkpoint.
    pub(crate) fn end_trial(&mut self, mut trial: TrialRecord, state: TrialState) {
        trial.state = state;
        if state == TrialState::Failed {
            let trained = trial.checkpoint.map_or(1, |checkpoint| checkpoint.epoch.max(1));
            trial.until_epoch = trial.until_epoch.or(Some(trained));
        }
        trial.checkpoint = None;
        trial.underway = None;
        trial.ended_at = Some(self.now);
        trial.ended_number = self.ended_number(trial.spec.id, state);
        self.set_trial(trial);
    }

    /// Completes a trial that has not run to its end with the result of a trained one of the same key.
    pub(crate) fn reuse(&mut self, mut trial: TrialRecord, origin: &TrialRecord) {
        self.forget_epochs(trial.spec.id);
        trial.result.clone_from(&origin.result);
        trial.reused_from = Some(origin.spec.id);
        let result = origin.result.as_ref();
        let score = |result| self.objective_score(trial.spec.id.sweep, origin.spec.id, result);
        trial.objective_score = result.and_then(score);
        self.end_trial(trial, TrialState::Completed);
    }
}

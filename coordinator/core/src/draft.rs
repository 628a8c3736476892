//! A decision in the making: rows as they would become, over the engine as it is.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{
    AttemptId, Configuration, ConfigurationIndex, LeaseToken, SweepId, Timestamp, TrialId, WorkKind, WorkerId,
};

use crate::command::{Decision, Reply, Touch};
use crate::engine::Engine;
use crate::index::SweepIndex;
use crate::limits::{ATTEMPTS_MAX, WORKERS_LOST_MAX};
use crate::mutation::{Key, Mutation};
use crate::record::{
    AnsweredRequest, AttemptRecord, AttemptState, EpochRecord, SweepRecord, SweepState, TrialRecord,
    TrialState, WorkerRecord, WorkerState,
};
use crate::source;

/// Rows that change, each at most once, and what is asked of them while they do.
pub(crate) struct Draft<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) now: Timestamp,
    sweeps: BTreeMap<SweepId, SweepRecord>,
    trials: BTreeMap<TrialId, TrialRecord>,
    attempts: BTreeMap<AttemptId, AttemptRecord>,
    truncations: BTreeMap<TrialId, u32>,
    epochs: Vec<EpochRecord>,
    workers: BTreeMap<WorkerId, WorkerRecord>,
    last_token: u64,
    /// Change in the number of trials that have not ended, by sweep.
    open_change: BTreeMap<SweepId, i64>,
    /// New trials, by sweep.
    added: BTreeMap<SweepId, u64>,
    /// Numbers of configurations that no trial had before, by sweep.
    pub(crate) numbered: BTreeMap<SweepId, BTreeMap<Configuration, ConfigurationIndex>>,
    /// Sweeps that may have reached a new state.
    pub(crate) unsettled: BTreeSet<SweepId>,
    touches: Vec<Touch>,
    removals: Vec<Key>,
}

impl<'a> Draft<'a> {
    /// Nothing changes yet.
    pub(crate) fn new(engine: &'a Engine, now: Timestamp) -> Self {
        Self {
            engine,
            now,
            sweeps: BTreeMap::new(),
            trials: BTreeMap::new(),
            attempts: BTreeMap::new(),
            truncations: BTreeMap::new(),
            epochs: Vec::new(),
            workers: BTreeMap::new(),
            last_token: engine.tables.last_token,
            open_change: BTreeMap::new(),
            added: BTreeMap::new(),
            numbered: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            touches: Vec::new(),
            removals: Vec::new(),
        }
    }

    /// A sweep as it would become.
    pub(crate) fn sweep(&self, id: SweepId) -> Option<&SweepRecord> {
        self.sweeps.get(&id).or_else(|| self.engine.tables.sweeps.get(&id))
    }

    /// A trial as it would become.
    pub(crate) fn trial(&self, id: TrialId) -> Option<&TrialRecord> {
        self.trials.get(&id).or_else(|| self.engine.tables.trials.get(&id))
    }

    /// The trials of a sweep that this decision has set, in order.
    pub(crate) fn changed_trials(&self, sweep: SweepId) -> impl Iterator<Item = &TrialRecord> {
        let range = TrialId { sweep, index: 0 }..=TrialId { sweep, index: u32::MAX };
        self.trials.range(range).map(|(_, trial)| trial)
    }

    /// The attempts of a trial as they would become; without those that this decision begins.
    pub(crate) fn attempts_of(&self, trial: TrialId) -> impl Iterator<Item = &AttemptRecord> {
        self.engine.tables.attempts_of(trial).map(|one| self.attempts.get(&one.id).unwrap_or(one))
    }

    /// Trials of a sweep that would not have ended, those that are yet to be made included.
    pub(crate) fn open_trials(&self, sweep: SweepId) -> u64 {
        let before = self.engine.index.sweeps.get(&sweep).map_or(0, SweepIndex::open_trials);
        let made = before.saturating_add_signed(self.open_change.get(&sweep).copied().unwrap_or(0));
        let target = self.sweep(sweep).map_or(0, |sweep| source::of(sweep).target());
        made + target.saturating_sub(self.made(sweep))
    }

    /// Trials of a sweep that there would be.
    pub(crate) fn made(&self, sweep: SweepId) -> u64 {
        let before = self.engine.index.sweeps.get(&sweep).map_or(0, SweepIndex::made);
        before + self.added.get(&sweep).copied().unwrap_or(0)
    }

    /// Sets a sweep.
    pub(crate) fn set_sweep(&mut self, sweep: SweepRecord) {
        self.unsettled.insert(sweep.id);
        self.sweeps.insert(sweep.id, sweep);
    }

    /// Sets a trial.
    pub(crate) fn set_trial(&mut self, trial: TrialRecord) {
        let id = trial.spec.id;
        let before = self.trial(id).map(|before| !before.state.is_terminal());
        if before.is_none() {
            *self.added.entry(id.sweep).or_default() += 1;
        }
        let was_open = before.unwrap_or(false);
        let change = i64::from(!trial.state.is_terminal()) - i64::from(was_open);
        *self.open_change.entry(id.sweep).or_default() += change;
        self.unsettled.insert(id.sweep);
        self.trials.insert(id, trial);
    }

    /// Sets an attempt.
    pub(crate) fn set_attempt(&mut self, attempt: AttemptRecord) {
        self.attempts.insert(attempt.id, attempt);
    }

    /// Adds an epoch.
    pub(crate) fn add_epoch(&mut self, epoch: EpochRecord) {
        self.epochs.push(epoch);
    }

    /// Removes all epochs of a trial, if it has any: what was done for them is done again.
    pub(crate) fn forget_epochs(&mut self, trial: TrialId) {
        self.nothing_is_kept(trial);
        if self.engine.tables.epochs_of(trial).next().is_some() {
            self.truncations.insert(trial, 0);
        }
    }

    /// A worker as it would become.
    pub(crate) fn worker(&self, id: WorkerId) -> Option<&WorkerRecord> {
        self.workers.get(&id).or_else(|| self.engine.tables.workers.get(&id))
    }

    /// Sets a worker.
    pub(crate) fn set_worker(&mut self, mut worker: WorkerRecord) {
        worker.left_at = match worker.state {
            WorkerState::Ready | WorkerState::Draining => None,
            WorkerState::Departed => worker.left_at.or(Some(self.now)),
            WorkerState::Lost => worker.left_at.or(self.engine.heard_at(worker.id)).or(Some(self.now)),
        };
        self.workers.insert(worker.id, worker);
    }

    /// Keeps what a worker's request got, for its repetition.
    pub(crate) fn set_answered(&mut self, worker: &WorkerRecord, answered: AnsweredRequest) {
        let row = self.workers.entry(worker.id).or_insert_with(|| worker.clone());
        let before = row.answered.replace(answered);
        row.process.remember(before);
    }

    /// A token that was never given before.
    pub(crate) fn next_token(&mut self) -> LeaseToken {
        self.last_token += 1;
        LeaseToken(self.last_token)
    }

    /// Never again gives a token up to this one.
    pub(crate) fn raise_last_token(&mut self, floor: u64) {
        self.last_token = self.last_token.max(floor);
    }

    /// Adds a volatile fact.
    pub(crate) fn touch(&mut self, touch: Touch) {
        self.touches.push(touch);
    }

    /// Removes a row and everything below it, after all other changes.
    pub(crate) fn remove(&mut self, key: Key) {
        self.removals.push(key);
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
        let mut attempt = self.attempts.get(&id).or_else(|| self.engine.tables.attempts.get(&id))?.clone();
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
        trial.checkpoint = None;
        trial.underway = None;
        trial.ended_at = Some(self.now);
        self.set_trial(trial);
    }

    /// Completes a trial that has not run to its end with the result of a trained one of the same key.
    pub(crate) fn reuse(&mut self, mut trial: TrialRecord, origin: &TrialRecord) {
        self.forget_epochs(trial.spec.id);
        trial.result.clone_from(&origin.result);
        trial.reused_from = Some(origin.spec.id);
        self.end_trial(trial, TrialState::Completed);
    }

    /// The decision: sweeps settled, rows that do not change left out, parents before children.
    pub(crate) fn finish(mut self, reply: Reply) -> Decision {
        self.settle();
        let tables = &self.engine.tables;
        let mut mutations = Vec::new();
        let sweeps = self.sweeps.into_values().filter(|row| tables.sweeps.get(&row.id) != Some(row));
        mutations.extend(sweeps.map(Mutation::Sweep));
        let workers = self.workers.into_values().filter(|row| tables.workers.get(&row.id) != Some(row));
        mutations.extend(workers.map(Mutation::Worker));
        let trials = self.trials.into_values().filter(|row| tables.trials.get(&row.spec.id) != Some(row));
        mutations.extend(trials.map(Mutation::Trial));
        let attempts = self.attempts.into_values().filter(|row| tables.attempts.get(&row.id) != Some(row));
        mutations.extend(attempts.map(Mutation::Attempt));
        let truncations = self.truncations.into_iter();
        mutations.extend(truncations.map(|(trial, epoch)| Mutation::TruncateEpochs { trial, epoch }));
        mutations.extend(self.epochs.into_iter().map(Mutation::Epoch));
        if self.last_token != tables.last_token {
            mutations.push(Mutation::LastToken(self.last_token));
        }
        mutations.extend(self.removals.into_iter().map(Mutation::Remove));
        Decision { mutations, touches: self.touches, reply }
    }
}

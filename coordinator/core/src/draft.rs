//! A decision in the making: rows as they would become, over the engine as it is.

use std::collections::{BTreeMap, BTreeSet};

use coordinator_search::SearchEvent;
use sweep_proto::{
    AttemptId, Configuration, ConfigurationIndex, LeaseToken, SharedDigest, SweepId, Timestamp, TrialId,
    WorkerId,
};

use crate::command::{Decision, Reply, Touch};
use crate::engine::Engine;
use crate::index::SweepIndex;
use crate::mutation::{Key, Mutation};
use crate::record::{
    AnsweredRequest, AttemptRecord, EpochRecord, SearchEventRecord, SweepRecord, TrialRecord, WorkerRecord,
    WorkerState,
};
use crate::source::{self, Tally};
use crate::tables::share;

/// Rows that change, each at most once, and what is asked of them while they do.
pub(crate) struct Draft<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) now: Timestamp,
    sweeps: BTreeMap<SweepId, SweepRecord>,
    trials: BTreeMap<TrialId, TrialRecord>,
    attempts: BTreeMap<AttemptId, AttemptRecord>,
    truncations: BTreeMap<TrialId, u32>,
    epochs: Vec<EpochRecord>,
    search_events: Vec<SearchEventRecord>,
    workers: BTreeMap<WorkerId, WorkerRecord>,
    last_token: u64,
    /// Change in the number of trials that have not ended, by sweep.
    open_change: BTreeMap<SweepId, i64>,
    /// Change in what a source depends on, by sweep.
    tallies: BTreeMap<SweepId, [Tally; 2]>,
    /// Numbers of configurations that no trial had before, by sweep.
    pub(crate) numbered: BTreeMap<SweepId, BTreeMap<Configuration, ConfigurationIndex>>,
    /// Datasets of the trials, which share them.
    datasets: BTreeSet<SharedDigest>,
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
            search_events: Vec::new(),
            workers: BTreeMap::new(),
            last_token: engine.tables.last_token,
            open_change: BTreeMap::new(),
            tallies: BTreeMap::new(),
            numbered: BTreeMap::new(),
            datasets: BTreeSet::new(),
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
        let target = self.sweep(sweep).map_or(0, |one| source::of(one, self.tally(sweep)).target());
        made + target.saturating_sub(self.made(sweep))
    }

    /// Trials of a sweep that there would be.
    pub(crate) fn made(&self, sweep: SweepId) -> u64 {
        self.tally(sweep).made
    }

    /// What the source of a sweep would depend on.
    pub(crate) fn tally(&self, sweep: SweepId) -> Tally {
        let before = self.engine.index.sweeps.get(&sweep).map_or(Tally::default(), SweepIndex::tally);
        let [more, less] = self.tallies.get(&sweep).copied().unwrap_or_default();
        before.plus(more).minus(less)
    }

    /// Sets a sweep.
    pub(crate) fn set_sweep(&mut self, sweep: SweepRecord) {
        self.unsettled.insert(sweep.id);
        self.sweeps.insert(sweep.id, sweep);
    }

    /// Sets a trial.
    pub(crate) fn set_trial(&mut self, mut trial: TrialRecord) {
        share(&mut self.datasets, &mut trial.spec.dataset);
        let id = trial.spec.id;
        let before = self.trial(id);
        let was_open = before.is_some_and(|before| !before.state.is_terminal());
        let left = before.map_or(Tally::default(), Tally::of);
        let [more, less] = self.tallies.entry(id.sweep).or_default();
        (*more, *less) = (more.plus(Tally::of(&trial)), less.plus(left));
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

    /// Removes all epochs of a trial.
    pub(crate) fn truncate_epochs(&mut self, trial: TrialId) {
        self.truncations.insert(trial, 0);
    }

    /// The epochs that a trial gets.
    pub(crate) fn added_epochs(&self, trial: TrialId) -> impl Iterator<Item = &EpochRecord> {
        self.epochs.iter().filter(move |epoch| epoch.trial == trial)
    }

    /// How many epochs of a trial are kept; `None` where it loses none.
    pub(crate) fn truncated(&self, trial: TrialId) -> Option<u32> {
        self.truncations.get(&trial).copied()
    }

    /// Trials that get or lose epochs.
    pub(crate) fn touched_by_epochs(&self) -> impl Iterator<Item = TrialId> {
        self.truncations.keys().copied().chain(self.epochs.iter().map(|epoch| epoch.trial))
    }

    /// Sweeps that change, or some trial of which does.
    pub(crate) fn touched_sweeps(&self) -> BTreeSet<SweepId> {
        let of_trials = self.trials.keys().copied().chain(self.touched_by_epochs()).map(|trial| trial.sweep);
        self.sweeps.keys().copied().chain(of_trials).collect()
    }

    /// Appends to the log of a steered search; gives the number of the last event, where there is any.
    pub(crate) fn log(&mut self, sweep: SweepId, events: &[SearchEvent]) -> Option<u64> {
        let own =
            self.search_events.iter().rev().find(|event| event.sweep == sweep).map(|event| event.number);
        let recorded = || self.engine.tables.search_events_recorded(sweep);
        let mut number = own.unwrap_or_else(recorded);
        for event in events {
            number += 1;
            self.search_events.push(SearchEventRecord { sweep, number, event: *event });
        }
        (!events.is_empty()).then_some(number)
    }

    /// An attempt as it would become.
    pub(crate) fn attempt(&self, id: AttemptId) -> Option<&AttemptRecord> {
        self.attempts.get(&id).or_else(|| self.engine.tables.attempts.get(&id))
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

    /// The decision: rows that do not change left out, parents before children.
    pub(crate) fn into_decision(self, reply: Reply) -> Decision {
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
        mutations.extend(self.search_events.into_iter().map(Mutation::SearchEvent));
        if self.last_token != tables.last_token {
            mutations.push(Mutation::LastToken(self.last_token));
        }
        mutations.extend(self.removals.into_iter().map(Mutation::Remove));
        Decision { mutations, touches: self.touches, reply }
    }
}

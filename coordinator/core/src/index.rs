//! Indices derived from the tables, so that no decision has to search: always equal to a rebuild.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{AttemptId, FailureKind, LeaseToken, SweepId, TrialId, TrialKey, WorkKind, WorkerId};

use crate::limits::ATTEMPTS_MAX;
use crate::record::{AttemptRecord, AttemptState, SweepRecord, SweepState, TrialRecord, TrialState};
use crate::tables::Tables;

/// Where a sweep stands in the queue for workers: evaluation first, then the fewest leases, then the oldest.
pub(crate) type ReadyKey = (Phase, usize, SweepId);

/// What a sweep has to hand out. Evaluation comes first: it is short, and a sweep's answer waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Trials to measure on the test split.
    Evaluate,
    /// Trials to train.
    Train,
}

/// All indices.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Index {
    /// Per sweep.
    pub(crate) sweeps: BTreeMap<SweepId, SweepIndex>,
    /// Sweeps that have work to hand out.
    pub(crate) ready: BTreeSet<ReadyKey>,
    /// The trial of each live lease.
    pub(crate) live: BTreeMap<LeaseToken, TrialId>,
    /// The attempt of each token ever granted.
    pub(crate) attempts: BTreeMap<LeaseToken, AttemptId>,
    /// The live leases of each worker that has any.
    pub(crate) leases: BTreeMap<WorkerId, BTreeSet<LeaseToken>>,
    /// The first completed trial of each key that was trained, not reused.
    pub(crate) trained: BTreeMap<TrialKey, TrialId>,
    /// The first trial of each key that has a test measurement.
    pub(crate) tested: BTreeMap<TrialKey, TrialId>,
    /// The newest sweep of each name.
    pub(crate) names: BTreeMap<String, SweepId>,
}

/// The indices of one sweep. Trials are named by their index in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SweepIndex {
    /// Pending trials, in the order in which they are handed out: replicate by replicate, so that
    /// early answers are broad.
    pub(crate) pending: BTreeSet<(u32, u32)>,
    /// Trials with a live lease of either kind.
    pub(crate) leased: BTreeSet<u32>,
    /// Paused trials.
    pub(crate) paused: BTreeSet<u32>,
    /// Trials whose test measurement the sweep waits for.
    pub(crate) outstanding: BTreeSet<u32>,
    /// Those of `outstanding` that nobody measures now.
    pub(crate) evaluable: BTreeSet<u32>,
    /// Trials by state, in the order of [`TrialState::ALL`].
    pub(crate) counts: [u64; 8],
    /// Completed trials that another one stands in for.
    pub(crate) reused: u64,
    /// Its entry in [`Index::ready`].
    ready: Option<ReadyKey>,
}

impl SweepIndex {
    /// Trials that have not ended.
    pub(crate) fn open_trials(&self) -> u64 {
        TrialState::ALL
            .iter()
            .zip(self.counts)
            .filter(|(state, _)| !state.is_terminal())
            .map(|(_, count)| count)
            .sum()
    }

    fn remove(&mut self, trial: &TrialRecord) {
        let index = trial.spec.id.index;
        match trial.state {
            TrialState::Pending => _ = self.pending.remove(&(trial.spec.replicate, index)),
            TrialState::Paused => _ = self.paused.remove(&index),
            _ => {}
        }
        if trial.lease.is_some() {
            self.leased.remove(&index);
        }
        self.counts[trial.state as usize] -= 1;
        self.reused -= u64::from(trial.reused_from.is_some());
    }

    fn insert(&mut self, trial: &TrialRecord) {
        let index = trial.spec.id.index;
        match trial.state {
            TrialState::Pending => _ = self.pending.insert((trial.spec.replicate, index)),
            TrialState::Paused => _ = self.paused.insert(index),
            _ => {}
        }
        if trial.lease.is_some() {
            self.leased.insert(index);
        }
        self.counts[trial.state as usize] += 1;
        self.reused += u64::from(trial.reused_from.is_some());
    }
}

impl Index {
    /// The indices of these tables.
    pub(crate) fn rebuild(tables: &Tables) -> Self {
        let mut index = Self::default();
        for sweep in tables.sweeps.values() {
            index.names.insert(sweep.spec.name.clone(), sweep.id);
            index.sweeps.entry(sweep.id).or_default();
        }
        for attempt in tables.attempts.values() {
            index.attempts.insert(attempt.token, attempt.id);
        }
        for trial in tables.trials.values() {
            index.trial_changed(tables, None, trial);
        }
        index
    }

    /// A trial's row was replaced; `tables` hold the new one.
    pub(crate) fn trial_changed(
        &mut self,
        tables: &Tables,
        before: Option<&TrialRecord>,
        trial: &TrialRecord,
    ) {
        let id = trial.spec.id;
        let sweep = self.sweeps.entry(id.sweep).or_default();
        if let Some(before) = before {
            sweep.remove(before);
        }
        sweep.insert(trial);
        let old_lease = before.and_then(|before| before.lease);
        if old_lease != trial.lease {
            if let Some(lease) = old_lease {
                self.live.remove(&lease.token);
                if let Some(tokens) = self.leases.get_mut(&lease.worker) {
                    tokens.remove(&lease.token);
                    if tokens.is_empty() {
                        self.leases.remove(&lease.worker);
                    }
                }
            }
            if let Some(lease) = trial.lease {
                self.live.insert(lease.token, id);
                self.leases.entry(lease.worker).or_default().insert(lease.token);
            }
        }
        if trial.state == TrialState::Completed && trial.reused_from.is_none() {
            self.trained.entry(trial.key).and_modify(|first| *first = id.min(*first)).or_insert(id);
        }
        if trial.test.is_some() {
            self.tested.entry(trial.key).and_modify(|first| *first = id.min(*first)).or_insert(id);
        }
        self.refresh_evaluation(tables, id);
        self.refresh_ready(tables, id.sweep);
    }

    /// A sweep's row was replaced; `tables` hold the new one.
    pub(crate) fn sweep_changed(
        &mut self,
        tables: &Tables,
        before: Option<&SweepRecord>,
        sweep: &SweepRecord,
    ) {
        let newest = self.names.entry(sweep.spec.name.clone()).or_insert(sweep.id);
        *newest = sweep.id.max(*newest);
        let waits = |sweep: &SweepRecord| sweep.state == SweepState::Evaluating;
        let same =
            before.is_some_and(|before| before.chosen == sweep.chosen && waits(before) == waits(sweep));
        let entry = self.sweeps.entry(sweep.id).or_default();
        if !same {
            entry.outstanding.clear();
            entry.evaluable.clear();
            if waits(sweep) {
                for trial in tables.trials_of(sweep.id) {
                    self.refresh_evaluation(tables, trial.spec.id);
                }
            }
        }
        self.refresh_ready(tables, sweep.id);
    }

    /// An attempt's row was replaced; `tables` hold the new one.
    pub(crate) fn attempt_changed(&mut self, tables: &Tables, attempt: &AttemptRecord) {
        self.attempts.insert(attempt.token, attempt.id);
        if attempt.work == WorkKind::Evaluate {
            self.refresh_evaluation(tables, attempt.id.trial);
            self.refresh_ready(tables, attempt.id.trial.sweep);
        }
    }

    fn refresh_evaluation(&mut self, tables: &Tables, id: TrialId) {
        let (Some(sweep), Some(trial)) = (tables.sweeps.get(&id.sweep), tables.trials.get(&id)) else {
            return;
        };
        if sweep.state != SweepState::Evaluating {
            return;
        }
        let entry = self.sweeps.entry(id.sweep).or_default();
        let outstanding = awaits_test(sweep, trial) && !gave_up(sweep, trial, tables.attempts_of(id));
        if outstanding {
            entry.outstanding.insert(id.index);
        } else {
            entry.outstanding.remove(&id.index);
        }
        if outstanding && trial.lease.is_none() {
            entry.evaluable.insert(id.index);
        } else {
            entry.evaluable.remove(&id.index);
        }
    }

    fn refresh_ready(&mut self, tables: &Tables, id: SweepId) {
        let (Some(sweep), Some(entry)) = (tables.sweeps.get(&id), self.sweeps.get_mut(&id)) else { return };
        let key = match sweep.state {
            SweepState::Open if !entry.pending.is_empty() => Some((Phase::Train, entry.leased.len(), id)),
            SweepState::Evaluating if !entry.evaluable.is_empty() => {
                Some((Phase::Evaluate, entry.leased.len(), id))
            }
            _ => None,
        };
        if entry.ready != key {
            if let Some(old) = entry.ready {
                self.ready.remove(&old);
            }
            self.ready.extend(key);
            entry.ready = key;
        }
    }
}

/// Whether a trial belongs to the chosen configuration and has not been measured on the test split.
pub(crate) fn awaits_test(sweep: &SweepRecord, trial: &TrialRecord) -> bool {
    trial.state == TrialState::Completed
        && trial.test.is_none()
        && sweep.chosen.as_ref() == Some(&trial.spec.configuration)
}

/// Whether evaluation of a trial failed for good. Its failures are counted apart from those of training.
pub(crate) fn gave_up<'a>(
    sweep: &SweepRecord,
    trial: &TrialRecord,
    attempts: impl Iterator<Item = &'a AttemptRecord>,
) -> bool {
    let mut failures = 0;
    for attempt in attempts.filter(|one| one.work == WorkKind::Evaluate && one.state == AttemptState::Failed)
    {
        failures += 1;
        if !attempt.failure.is_none_or(FailureKind::is_retryable) {
            return true;
        }
    }
    failures >= sweep.spec.failures_max || (trial.attempts >= ATTEMPTS_MAX && trial.lease.is_none())
}

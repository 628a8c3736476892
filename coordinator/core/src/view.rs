//! What the shell may read of the engine without deciding anything.

use sweep_proto::{LeaseToken, SweepId, Timestamp, TrialId, WorkerId};

use crate::choice::{self, ConfigurationMean};
use crate::engine::Engine;
use crate::record::{SweepRecord, TrialRecord, TrialState};

/// A sweep's trials by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// All trials: the sum over the states.
    pub planned: u64,
    /// Trials by state, in the order of [`TrialState::ALL`].
    pub by_state: [u64; 8],
    /// Of the completed ones, those that a trial of another sweep stands in for.
    pub reused: u64,
}

impl Ledger {
    /// Trials in one state.
    pub fn of(&self, state: TrialState) -> u64 {
        self.by_state[state as usize]
    }

    /// Trials in a state that does not change any more.
    pub fn ended(&self) -> u64 {
        TrialState::ALL.iter().filter(|state| state.is_terminal()).map(|state| self.of(*state)).sum()
    }
}

impl Engine {
    /// A sweep.
    pub fn sweep(&self, id: SweepId) -> Option<&SweepRecord> {
        self.tables.sweeps.get(&id)
    }

    /// A sweep by its number, or else the newest of that name.
    pub fn resolve(&self, name_or_number: &str) -> Option<SweepId> {
        let number = name_or_number.parse().ok().filter(|id| self.tables.sweeps.contains_key(id));
        number.or_else(|| self.index.names.get(name_or_number).copied())
    }

    /// A sweep's ledger; empty where there is no such sweep.
    pub fn ledger(&self, sweep: SweepId) -> Ledger {
        let Some(index) = self.index.sweeps.get(&sweep) else { return Ledger::default() };
        Ledger { planned: index.counts.iter().sum(), by_state: index.counts, reused: index.reused }
    }

    /// The trials of a sweep under a live lease, in order.
    pub fn running(&self, sweep: SweepId) -> impl Iterator<Item = &TrialRecord> {
        let leased = self.index.sweeps.get(&sweep).into_iter().flat_map(|index| &index.leased);
        leased.filter_map(move |index| self.tables.trials.get(&TrialId { sweep, index: *index }))
    }

    /// The trial, the attempt and the worker of a live lease; `None` where the token is stale.
    pub fn lease_holder(&self, token: LeaseToken) -> Option<(TrialId, u32, WorkerId)> {
        let trial = self.index.live.get(&token)?;
        let lease = self.tables.trials.get(trial)?.lease?;
        Some((*trial, lease.attempt, lease.worker))
    }

    /// Who was granted a token, live or stale; `None` where nobody was.
    pub fn attempt_worker(&self, token: LeaseToken) -> Option<WorkerId> {
        let attempt = self.index.attempts.get(&token)?;
        self.tables.attempts.get(attempt).map(|attempt| attempt.worker)
    }

    /// The live leases of a worker, in the order of their tokens.
    pub fn leases_of(&self, worker: WorkerId) -> impl Iterator<Item = LeaseToken> {
        self.index.leases.get(&worker).into_iter().flatten().copied()
    }

    /// When a worker was last heard by this coordinator process.
    pub fn heard_at(&self, worker: WorkerId) -> Option<Timestamp> {
        self.volatile.heard_at(worker)
    }

    /// Mean score and accuracy of each configuration over its completed replicates, best first.
    /// Reads every trial of the sweep.
    pub fn configurations(&self, sweep: SweepId) -> Vec<ConfigurationMean> {
        let Some(record) = self.sweep(sweep) else { return Vec::new() };
        choice::means(&record.spec, self.tables.trials_of(sweep))
    }

    /// The completed trial of a sweep with the lowest score. Reads every trial of the sweep.
    pub fn lowest_trial(&self, sweep: SweepId) -> Option<&TrialRecord> {
        choice::lowest_trial(self.tables.trials_of(sweep))
    }

    /// When a tick will next have something to do.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.volatile.next_deadline()
    }

    /// Whether a worker that asked now could get something.
    pub fn has_pending_work(&self) -> bool {
        !self.index.ready.is_empty()
    }
}

//! What is known only while the coordinator runs: when leases end, and who was heard.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{LeaseToken, Timestamp, TrialId, WorkerId};

use crate::engine::is_watched;
use crate::limits::{LEASE_TTL_MS, WORKER_SILENCE_MS};
use crate::tables::Tables;

/// Volatile facts, each derived from a [`Touch`](crate::command::Touch).
#[derive(Clone, Debug, Default)]
pub(crate) struct Volatile {
    /// When each live lease runs out.
    expiry: BTreeMap<LeaseToken, Timestamp>,
    /// The same, soonest first.
    expiring: BTreeSet<(Timestamp, LeaseToken)>,
    /// When each live lease's holder was last heard of it.
    held: BTreeMap<LeaseToken, Timestamp>,
    /// When each worker was last heard.
    heard: BTreeMap<WorkerId, Timestamp>,
    /// Workers without a session that have not been heard since.
    disconnected: BTreeSet<WorkerId>,
    /// Workers whose silence matters, longest silent first.
    watched: BTreeSet<(Timestamp, WorkerId)>,
    /// Trials that failed, and when they may be tried again. A restart forgets it: that was a pause, too.
    put_off: BTreeMap<TrialId, Timestamp>,
    /// The last tick.
    pub(crate) last_tick: Option<Timestamp>,
}

impl Volatile {
    /// Every live lease with a fresh term. Every worker has as long as one that was just heard, and counts as not connected
    /// until it is: nobody has a session with this process yet, and who lives is heard within seconds.
    pub(crate) fn restore(tables: &Tables, now: Timestamp) -> Self {
        let mut volatile = Self { last_tick: Some(now), ..Self::default() };
        for lease in tables.trials.values().filter_map(|trial| trial.lease) {
            volatile.set_expiry(lease.token, now.plus_ms(LEASE_TTL_MS));
        }
        for worker in tables.workers.values().filter(|worker| is_watched(worker.state)) {
            volatile.hear(worker.id, now);
            volatile.watch(worker.id, true);
        }
        tables.workers.keys().for_each(|worker| volatile.disconnect(*worker));
        volatile
    }

    /// The holder of a lease was heard of it.
    pub(crate) fn hear_of(&mut self, token: LeaseToken, heard: Timestamp) {
        self.set_expiry(token, heard.plus_ms(LEASE_TTL_MS));
        self.held.insert(token, heard);
    }

    /// When the holder of a live lease was last heard of it by this coordinator process.
    pub(crate) fn held_at(&self, token: LeaseToken) -> Option<Timestamp> {
        self.held.get(&token).copied()
    }

    /// Sets when a lease runs out.
    pub(crate) fn set_expiry(&mut self, token: LeaseToken, expires: Timestamp) {
        self.forget_expiry(token);
        self.expiry.insert(token, expires);
        self.expiring.insert((expires, token));
    }

    /// Forgets a lease that ended.
    pub(crate) fn forget_lease(&mut self, token: LeaseToken) {
        self.forget_expiry(token);
        self.held.remove(&token);
    }

    fn forget_expiry(&mut self, token: LeaseToken) {
        if let Some(expires) = self.expiry.remove(&token) {
            self.expiring.remove(&(expires, token));
        }
    }

    /// A worker was heard.
    pub(crate) fn hear(&mut self, worker: WorkerId, heard: Timestamp) {
        self.disconnected.remove(&worker);
        if let Some(before) = self.heard.insert(worker, heard)
            && self.watched.remove(&(before, worker))
        {
            self.watched.insert((heard, worker));
        }
    }

    /// A worker's last session has ended.
    pub(crate) fn disconnect(&mut self, worker: WorkerId) {
        self.disconnected.insert(worker);
    }

    /// A worker is not known any more.
    pub(crate) fn forget_worker(&mut self, worker: WorkerId) {
        self.watch(worker, false);
        self.heard.remove(&worker);
        self.disconnected.remove(&worker);
    }

    /// Whether a worker's last session has ended, and it was not heard since.
    pub(crate) fn is_disconnected(&self, worker: WorkerId) -> bool {
        self.disconnected.contains(&worker)
    }

    /// Begins or ends watching a worker's silence. Without a time at which it was heard nothing is watched.
    pub(crate) fn watch(&mut self, worker: WorkerId, watched: bool) {
        if let Some(heard) = self.heard.get(&worker) {
            if watched {
                self.watched.insert((*heard, worker));
            } else {
                self.watched.remove(&(*heard, worker));
            }
        }
    }

    /// A trial shall wait until then.
    pub(crate) fn put_off(&mut self, trial: TrialId, due: Timestamp) {
        self.put_off.insert(trial, due);
    }

    /// Whether a trial still has to wait.
    pub(crate) fn is_put_off(&self, trial: TrialId, now: Timestamp) -> bool {
        self.put_off.get(&trial).is_some_and(|due| now < *due)
    }

    /// Forgets pauses that have passed.
    pub(crate) fn forget_pauses(&mut self, now: Timestamp) {
        self.put_off.retain(|_, due| now < *due);
    }

    /// When a worker was last heard by this coordinator process.
    pub(crate) fn heard_at(&self, worker: WorkerId) -> Option<Timestamp> {
        self.heard.get(&worker).copied()
    }

    /// When any worker was last heard by this coordinator process.
    pub(crate) fn last_heard_at(&self) -> Option<Timestamp> {
        self.heard.values().max().copied()
    }

    /// Live leases with their ends, soonest first.
    pub(crate) fn expiring(&self) -> impl Iterator<Item = (Timestamp, LeaseToken)> {
        self.expiring.iter().copied()
    }

    /// Watched workers with the time at which they count as lost, soonest first.
    pub(crate) fn falling_silent(&self) -> impl Iterator<Item = (Timestamp, WorkerId)> {
        self.watched.iter().map(|(heard, worker)| (heard.plus_ms(WORKER_SILENCE_MS), *worker))
    }

    /// How many workers are there.
    pub(crate) fn watched_workers(&self) -> usize {
        self.watched.len()
    }

    /// When the next lease or worker runs out.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let lease = self.expiring().next().map(|(expires, _)| expires);
        let worker = self.falling_silent().next().map(|(lost, _)| lost);
        lease.into_iter().chain(worker).min()
    }
}

//! Who is told of changes: watchers of a sweep, and idle workers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use coordinator_core::{CertificateId, InstanceId};
use sweep_proto::{SweepId, TokenId, WorkerId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the driver can do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Availability {
    /// Everything.
    Serving,
    /// Nothing, until the store is available again.
    #[default]
    Unavailable,
    /// Nothing, because another coordinator leads.
    Standby,
}

/// Which rows of a sweep somebody has seen: where it is equal, so are they.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version {
    /// How often the store was loaded: what it held then may have been written by others.
    pub(crate) loads: u64,
    /// Commits since then that changed the sweep.
    pub(crate) changes: u64,
}

/// Change counters. A receiver that is slow sees one change where several happened.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    sweeps: Mutex<BTreeMap<SweepId, watch::Sender<u64>>>,
    work: watch::Sender<u64>,
    steering: watch::Sender<u64>,
    availability: watch::Sender<Availability>,
    connections: Mutex<BTreeMap<CertificateId, CancellationToken>>,
    processes: Mutex<BTreeMap<WorkerId, watch::Sender<Option<InstanceId>>>>,
    tokens: Mutex<BTreeMap<TokenId, watch::Sender<bool>>>,
    versions: Mutex<Versions>,
}

/// See [`Version`].
#[derive(Debug, Default)]
struct Versions {
    loads: u64,
    /// Of sweeps that have changed since the store was loaded.
    changes: BTreeMap<SweepId, u64>,
}

impl Notices {
    /// Changes of one sweep from now on.
    pub(crate) fn of_sweep(&self, sweep: SweepId) -> watch::Receiver<u64> {
        let mut sweeps = self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.entry(sweep).or_default().subscribe()
    }

    /// Appearances of work that can be handed out, from now on.
    pub(crate) fn of_work(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }

    /// Changes of what workers shall do with what they hold, from now on.
    pub(crate) fn of_steering(&self) -> watch::Receiver<u64> {
        self.steering.subscribe()
    }

    /// What the driver can do, now and from now on.
    pub(crate) fn of_availability(&self) -> watch::Receiver<Availability> {
        self.availability.subscribe()
    }

    /// The version of a sweep's rows: rows that are read later are of this version or a later one.
    pub(crate) fn version(&self, sweep: SweepId) -> Version {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        Version { loads: versions.loads, changes: versions.changes.get(&sweep).copied().unwrap_or(0) }
    }

    pub(super) fn becomes(&self, availability: Availability) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        *versions = Versions { loads: versions.loads + 1, changes: BTreeMap::new() };
        drop(versions);
        self.availability.send_if_modified(|before| std::mem::replace(before, availability) != availability);
    }

    /// Cancelled when this certificate is revoked: whatever it has opened is cut then.
    pub(crate) fn connection_of(&self, certificate: CertificateId) -> CancellationToken {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.entry(certificate).or_default().clone()
    }

    pub(super) fn revoked(&self, certificate: CertificateId) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = connections.remove(&certificate) {
            connection.cancel();
        }
    }

    /// Whether a token is revoked from now on: whatever streams to its bearer is cut then.
    pub(crate) fn of_token(&self, token: TokenId) -> watch::Receiver<bool> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, sender| sender.receiver_count() > 0);
        tokens.entry(token).or_default().subscribe()
    }

    pub(super) fn token_revoked(&self, token: TokenId) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = tokens.remove(&token) {
            sender.send_replace(true);
        }
    }

    /// Which process speaks for a worker from now on; nothing where that does not change.
    pub(crate) fn of_process(&self, worker: WorkerId) -> watch::Receiver<Option<InstanceId>> {
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        processes.retain(|_, sender| sender.receiver_count() > 0);
        processes.entry(worker).or_default().subscribe()
    }

    pub(super) fn speaks(&self, worker: WorkerId, instance: Option<InstanceId>) {
        let processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = processes.get(&worker) {
            sender.send_if_modified(|before| std::mem::replace(before, instance) != instance);
        }
    }

    pub(crate) fn sweeps_changed(&self, changed: &BTreeSet<SweepId>) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        for sweep in changed {
            *versions.changes.entry(*sweep).or_default() += 1;
        }
        drop(versions);
        let mut sweeps = self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.retain(|sweep, sender| {
            if changed.contains(sweep) {
                sender.send_modify(|count| *count += 1);
            }
            sender.receiver_count() > 0
        });
    }

    pub(super) fn work_appeared(&self) {
        self.work.send_modify(|count| *count += 1);
    }

    pub(super) fn steered(&self) {
        self.steering.send_modify(|count| *count += 1);
    }
}

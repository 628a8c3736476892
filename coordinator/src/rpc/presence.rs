//! Which workers have a session: the end of a worker's last one is told to the engine at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use coordinator_core::Command;
use sweep_proto::WorkerId;

use crate::driver::Driver;

/// Sessions of each worker that has one. A worker that reconnects has two for a moment.
#[derive(Debug, Default)]
pub(crate) struct Presence(Mutex<BTreeMap<WorkerId, usize>>);

impl Presence {
    /// A session has begun.
    pub(super) fn enter(&self, worker: WorkerId) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(worker).or_default() += 1;
    }

    /// A session has ended; tells whether it was the last one.
    fn leave(&self, worker: WorkerId) -> bool {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = sessions.get_mut(&worker).map_or(0, |count| {
            *count -= 1;
            *count
        });
        if left == 0 {
            sessions.remove(&worker);
        }
        left == 0
    }
}

/// Tells the engine where this was the last session of a worker.
pub(super) async fn left(presence: &Arc<Presence>, driver: &Driver, worker: WorkerId) {
    if presence.leave(worker)
        && let Err(error) = driver.command(Command::Disconnected(worker)).await
    {
        // A driver without a store counts every worker as heard when it comes back.
        tracing::debug!(%error, %worker, "the end of a session is not noted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_session_of_a_worker_ends_its_presence() {
        let presence = Presence::default();
        let worker = WorkerId(uuid::Uuid::from_u128(1));
        presence.enter(worker);
        presence.enter(worker);
        assert!(!presence.leave(worker));
        assert!(presence.leave(worker));
    }
}

//! A worker in one look at the engine.

use coordinator_core::{Engine, WorkerRecord, WorkerState};
use sweep_proto::{Timestamp, WorkerCondition};

use super::WorkerView;

impl WorkerView {
    pub(crate) fn of(engine: &Engine, worker: &WorkerRecord, now: Timestamp) -> Self {
        let leases = engine.leases_of(worker.id).filter_map(|token| engine.lease_holder(token));
        // A worker that this process never heard was there when it began at the latest.
        let heard = engine.heard_at(worker.id).unwrap_or(worker.registered_at);
        Self {
            id: worker.id,
            profile: worker.profile.clone(),
            condition: condition(engine, worker, now),
            last_seen_ms: now.since_ms(heard),
            trials: leases.map(|(trial, _, _)| trial).collect(),
        }
    }
}

/// How a worker is, as people see it.
fn condition(engine: &Engine, worker: &WorkerRecord, now: Timestamp) -> WorkerCondition {
    match worker.state {
        WorkerState::Ready if engine.is_disconnected(worker.id) => WorkerCondition::Disconnected,
        WorkerState::Ready if engine.is_resting(worker, now) => WorkerCondition::Resting,
        state => state.into(),
    }
}

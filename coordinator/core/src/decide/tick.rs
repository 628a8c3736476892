//! Time passed: leases run out, silent workers are lost.

use sweep_proto::Timestamp;

use crate::command::{Decision, Reply, Touch};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::limits::{LEASE_TTL_MS, STALL_MS};
use crate::record::{AttemptState, WorkerRecord, WorkerState};

pub(crate) fn tick(engine: &Engine, now: Timestamp) -> Decision {
    let mut draft = Draft::new(engine, now);
    draft.touch(Touch::Tick(now));
    if engine.volatile.last_tick.is_some_and(|last| now.since_ms(last) > STALL_MS) {
        forgive(&mut draft);
        return draft.finish(Reply::Done);
    }
    for (_, token) in engine.volatile.expiring().take_while(|(expires, _)| *expires <= now) {
        if let Some(trial) = engine.index.live.get(&token) {
            draft.take_back(*trial, AttemptState::Expired);
        }
    }
    for (_, id) in engine.volatile.falling_silent().take_while(|(lost, _)| *lost <= now) {
        if let Some(worker) = engine.tables.workers.get(&id) {
            let state = match worker.state {
                WorkerState::Draining => WorkerState::Departed,
                _ => WorkerState::Lost,
            };
            draft.set_worker(WorkerRecord { state, ..worker.clone() });
        }
    }
    draft.spend_budgets();
    draft.finish(Reply::Done)
}

/// The coordinator stood still and heard nobody: everyone gets one more term, as after a restart.
fn forgive(draft: &mut Draft<'_>) {
    let (engine, now) = (draft.engine, draft.now);
    let expires = now.plus_ms(LEASE_TTL_MS);
    for (_, token) in engine.volatile.expiring().take_while(|(ends, _)| *ends < expires) {
        draft.touch(Touch::Lease(token, expires));
    }
    for (_, worker) in engine.volatile.falling_silent() {
        draft.touch(Touch::Worker(worker, now));
    }
}

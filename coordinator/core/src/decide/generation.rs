//! A restored store begins a new generation: nobody of the old world holds anything in it.

use sweep_proto::Timestamp;

use super::worker::take_back_all;
use crate::command::{Decision, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{AttemptState, WorkerRecord, WorkerState};

/// Minutes per generation, shifted above every token that one generation grants: workers that got tokens
/// after the backup was made hold smaller ones than the restored coordinator will ever grant.
const GENERATION_SHIFT: u32 = 32;

/// The token below which a generation that begins at `now` grants none. Two restorations of one backup
/// differ, unless they are made within the same minute.
fn floor(now: Timestamp) -> u64 {
    (now.0 / 60_000) << GENERATION_SHIFT
}

pub(crate) fn begin(engine: &Engine, now: Timestamp) -> Decision {
    let mut draft = Draft::new(engine, now);
    for worker in engine.tables.workers.values().filter(|worker| worker.state != WorkerState::Departed) {
        take_back_all(&mut draft, worker.id, AttemptState::Revoked);
        draft.set_worker(WorkerRecord { state: WorkerState::Departed, answered: None, ..worker.clone() });
    }
    draft.raise_last_token(floor(now));
    draft.finish(Reply::Done)
}

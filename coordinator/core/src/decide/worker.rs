//! Workers come, live and go: register, heartbeat, drain, deregister.

use sweep_proto::protocol::{PROTOCOL_VERSION, ProtocolVersion};
use sweep_proto::{LeaseToken, Timestamp, WorkerId, WorkerProfile};

use super::{Decided, known_worker, loss_reason};
use crate::command::{Decision, LeaseStanding, Rejection, Reply, Touch};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::limits::{HEARTBEAT_TOKENS_MAX, heartbeat_interval_ms};
use crate::record::{AttemptState, InstanceId, SweepState, WorkerRecord, WorkerState};

/// Who registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Newcomer {
    /// The worker.
    pub(crate) id: WorkerId,
    /// Whether it says that it is a new process.
    pub(crate) fresh: bool,
    /// Which process it is.
    pub(crate) instance: Option<InstanceId>,
}

pub(crate) fn register(
    engine: &Engine,
    now: Timestamp,
    newcomer: Newcomer,
    protocol: ProtocolVersion,
    profile: &WorkerProfile,
) -> Decided {
    let Newcomer { id, fresh, instance } = newcomer;
    if !PROTOCOL_VERSION.is_compatible_with(protocol) {
        return Err(Rejection::Protocol { worker: protocol, coordinator: PROTOCOL_VERSION });
    }
    if profile.slots == 0 {
        return Err(Rejection::Invalid(format!("worker {id} has no slot; it needs at least one")));
    }
    let before = engine.tables.workers.get(&id);
    let mut process = before.map(|before| before.process.clone()).unwrap_or_default();
    if instance.is_some_and(|instance| process.replaced.contains(&instance)) {
        return Err(Rejection::Replaced(id));
    }
    // A registration that comes again is no new process, however late it comes.
    let is_known = instance.is_some() && process.instance == instance;
    let is_other = instance.is_some() && process.instance.is_some() && !is_known;
    let fresh = is_other || fresh && !is_known;
    if !is_known {
        process.replace(instance);
    }
    let answered = before.and_then(|before| before.answered.clone());
    if fresh {
        process.remember(answered.clone());
    }
    // A worker that only reconnects must still drain; a new process has nothing to hand back.
    let keeps_draining = !fresh && before.is_some_and(|before| before.state == WorkerState::Draining);
    let mut draft = Draft::new(engine, now);
    if fresh {
        take_back_all(&mut draft, id, AttemptState::Expired);
    }
    draft.set_worker(WorkerRecord {
        id,
        profile: profile.clone(),
        state: if keeps_draining { WorkerState::Draining } else { WorkerState::Ready },
        registered_at: before.map_or(now, |before| before.registered_at),
        answered: answered.filter(|_| !fresh),
        // A new process may be a mended one.
        troubles: before.filter(|_| !fresh).map(|before| before.troubles.clone()).unwrap_or_default(),
        process,
        left_at: None,
    });
    draft.touch(Touch::Worker(id, now));
    let heartbeat_interval_ms = heartbeat_interval_ms(engine.volatile.watched_workers());
    Ok(draft.finish(Reply::Registered { heartbeat_interval_ms }))
}

pub(crate) fn heartbeat(engine: &Engine, now: Timestamp, id: WorkerId, tokens: &[LeaseToken]) -> Decided {
    if tokens.len() > HEARTBEAT_TOKENS_MAX {
        let problem =
            format!("{} leases in one heartbeat; at most {HEARTBEAT_TOKENS_MAX} may be", tokens.len());
        return Err(Rejection::Invalid(problem));
    }
    let worker = known_worker(engine, id)?;
    let drain = worker.state == WorkerState::Draining;
    let mut draft = Draft::new(engine, now);
    draft.hear(worker);
    let mut leases = Vec::with_capacity(tokens.len());
    for token in tokens {
        let standing = standing(engine, id, *token, drain);
        if !matches!(standing, LeaseStanding::Drop(_)) {
            draft.touch(Touch::Held(*token, now));
            draft.sign_of_life(*token);
        }
        leases.push((*token, standing));
    }
    Ok(draft.finish(Reply::Heartbeat { leases, drain }))
}

pub(crate) fn disconnected(engine: &Engine, id: WorkerId) -> Decision {
    let is_known = engine.tables.workers.contains_key(&id);
    Decision {
        touches: is_known.then_some(Touch::Disconnected(id)).into_iter().collect(),
        ..Decision::default()
    }
}

fn standing(engine: &Engine, worker: WorkerId, token: LeaseToken, drain: bool) -> LeaseStanding {
    let held = engine.lease_holder(token).filter(|(_, _, holder)| *holder == worker);
    let Some((trial, _, _)) = held else { return LeaseStanding::Drop(loss_reason(engine, token)) };
    if drain {
        return LeaseStanding::Release("the worker drains".to_owned());
    }
    match engine.tables.sweeps.get(&trial.sweep).map(|sweep| sweep.state) {
        Some(SweepState::Paused) => LeaseStanding::Release(format!("sweep {} is paused", trial.sweep)),
        _ => LeaseStanding::Continue,
    }
}

pub(crate) fn drain(engine: &Engine, now: Timestamp, id: WorkerId) -> Decided {
    let worker = engine.tables.workers.get(&id).ok_or(Rejection::UnknownWorker(id))?;
    let mut draft = Draft::new(engine, now);
    if worker.state != WorkerState::Departed {
        draft.set_worker(WorkerRecord { state: WorkerState::Draining, ..worker.clone() });
        if worker.state == WorkerState::Lost {
            // It gets one more term to come back and hear of it.
            draft.touch(Touch::Worker(id, now));
        }
    }
    Ok(draft.finish(Reply::Done))
}

pub(crate) fn deregister(engine: &Engine, now: Timestamp, id: WorkerId) -> Decided {
    let worker = engine.tables.workers.get(&id).ok_or(Rejection::UnknownWorker(id))?;
    if worker.state == WorkerState::Departed {
        return Ok(Decision::default());
    }
    let mut draft = Draft::new(engine, now);
    // What it hands back it says lease by lease, before: of the rest nothing is known.
    take_back_all(&mut draft, id, AttemptState::Expired);
    draft.set_worker(WorkerRecord { state: WorkerState::Departed, ..worker.clone() });
    Ok(draft.finish(Reply::Done))
}

pub(super) fn take_back_all(draft: &mut Draft<'_>, worker: WorkerId, state: AttemptState) {
    let engine = draft.engine;
    for token in engine.leases_of(worker) {
        if let Some(trial) = engine.index.live.get(&token) {
            draft.take_back(*trial, state);
        }
    }
}

//! Sweeps and workers as people see them, by name and in lists.

use coordinator_core::{Engine, WorkerRecord};
use sweep_proto::{SweepId, Timestamp, WorkerId, wire};
use tonic::Status;

use super::{Shared, launch, status, sweep_status};

/// Most sweeps in one list, newest first: more do not fit into a message.
const LIST_MAX: usize = 1_000;

/// Most characters of a sweep's or worker's name in a request.
const NAME_BYTES_MAX: usize = 1_024;

/// The sweep that a name or number stands for.
pub(crate) async fn resolve(shared: &Shared, name: String) -> Result<SweepId, Status> {
    if name.len() > NAME_BYTES_MAX {
        return Err(status::invalid("the name of the sweep is too long"));
    }
    let shown = name.clone();
    let found = shared.driver.read(move |engine, _| engine.resolve(&name)).await;
    found.map_err(status::of_driver)?.ok_or_else(|| {
        Status::not_found(format!("there is no sweep \"{shown}\"; `sweep list` shows those there are"))
    })
}

/// One sweep, by name or number.
pub(crate) async fn sweep(shared: &Shared, name: String) -> Result<wire::SweepStatus, Status> {
    let sweep = resolve(shared, name).await?;
    launch::status_of(shared, sweep).await
}

/// Every sweep, oldest first; the newest where there are too many.
pub(crate) async fn sweeps(shared: &Shared) -> Result<Vec<wire::SweepStatus>, Status> {
    let look = |engine: &Engine, _| {
        let newest = engine.tables().sweeps.keys().rev().take(LIST_MAX);
        newest.filter_map(|sweep| sweep_status::for_list(engine, *sweep)).collect::<Vec<_>>()
    };
    let mut sweeps = shared.driver.read(look).await.map_err(status::of_driver)?;
    sweeps.reverse();
    Ok(sweeps)
}

/// Every worker.
pub(crate) async fn workers(shared: &Shared) -> Result<Vec<wire::WorkerStatus>, Status> {
    let look = |engine: &Engine, now| {
        engine.tables().workers.values().map(|worker| worker_status(engine, worker, now)).collect()
    };
    shared.driver.read(look).await.map_err(status::of_driver)
}

/// The worker that an id or a name stands for.
pub(crate) async fn resolve_worker(shared: &Shared, name: String) -> Result<WorkerId, Status> {
    if name.len() > NAME_BYTES_MAX {
        return Err(status::invalid("the name of the worker is too long"));
    }
    shared.driver.read(move |engine, _| find_worker(engine, &name)).await.map_err(status::of_driver)?
}

pub(crate) fn worker_status(engine: &Engine, worker: &WorkerRecord, now: Timestamp) -> wire::WorkerStatus {
    let leases = engine.leases_of(worker.id).filter_map(|token| engine.lease_holder(token));
    // A worker that this process never heard was there when it began at the latest.
    let heard = engine.heard_at(worker.id).unwrap_or(worker.registered_at);
    wire::WorkerStatus {
        id: worker.id.to_string(),
        profile: Some(worker.profile.clone().into()),
        state: if engine.is_resting(worker, now) { "resting" } else { worker.state.name() }.to_owned(),
        last_seen_ms: now.since_ms(heard),
        trials: leases.map(|(trial, _, _)| trial.to_string()).collect(),
    }
}

/// A worker by id, or by name where only one present has it.
fn find_worker(engine: &Engine, name: &str) -> Result<WorkerId, Status> {
    let workers = &engine.tables().workers;
    if let Some(id) = name.parse().ok().filter(|id| workers.contains_key(id)) {
        return Ok(id);
    }
    let present = |worker: &&WorkerRecord| {
        worker.profile.name == name && worker.state != coordinator_core::WorkerState::Departed
    };
    let mut named = workers.values().filter(present);
    match (named.next(), named.next()) {
        (Some(worker), None) => Ok(worker.id),
        (None, _) => {
            Err(Status::not_found(format!("there is no worker \"{name}\"; `sweep workers` shows them")))
        }
        (Some(_), Some(_)) => {
            Err(status::invalid(format!("several workers are named \"{name}\"; name one by its id")))
        }
    }
}

//! Sweeps and workers as people see them, by name and in lists.

use std::sync::Arc;

use coordinator_core::{Engine, WorkerRecord, WorkerState};
use sweep_proto::{SweepId, WorkerId};
use tonic::Status;

use super::{Shared, launch, status};
use crate::view::{SweepView, WorkerView};

/// Most sweeps in one list, newest first: more do not fit into a message.
const LIST_MAX: usize = 1_000;

/// Most characters of a sweep's or worker's name in a request.
const NAME_BYTES_MAX: usize = 1_024;

/// Most ids of workers of one name that a message lists.
const NAMED_MAX: usize = 8;

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
pub(crate) async fn sweep(shared: &Shared, name: String) -> Result<SweepView, Status> {
    let sweep = resolve(shared, name).await?;
    launch::status_of(shared, sweep).await
}

/// Every sweep, oldest first; the newest where there are too many.
pub(crate) async fn sweeps(shared: &Shared) -> Result<Vec<SweepView>, Status> {
    let logs = Arc::clone(&shared.attempt_logs);
    let look = move |engine: &Engine, now| {
        let newest = engine.sweeps().rev().take(LIST_MAX);
        newest.filter_map(|sweep| SweepView::for_list(engine, sweep.id, now, &logs)).collect::<Vec<_>>()
    };
    let mut sweeps = shared.driver.read(look).await.map_err(status::of_driver)?;
    sweeps.reverse();
    Ok(sweeps)
}

/// Every worker.
pub(crate) async fn workers(shared: &Shared) -> Result<Vec<WorkerView>, Status> {
    let look = |engine: &Engine, now| {
        engine.tables().workers.values().map(|worker| WorkerView::of(engine, worker, now)).collect()
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

/// How surely a worker is alive: the first of these that has somebody of a name decides whom it means.
fn liveliness(engine: &Engine, worker: &WorkerRecord) -> Option<u8> {
    match worker.state {
        WorkerState::Ready | WorkerState::Draining if !engine.is_disconnected(worker.id) => Some(0),
        WorkerState::Ready | WorkerState::Draining => Some(1),
        WorkerState::Lost => Some(2),
        WorkerState::Departed => None,
    }
}

/// A worker by id, or by name: the living come first, and among them only one may have it.
fn find_worker(engine: &Engine, name: &str) -> Result<WorkerId, Status> {
    let workers = &engine.tables().workers;
    if let Some(id) = name.parse().ok().filter(|id| workers.contains_key(id)) {
        return Ok(id);
    }
    let named = workers.values().filter(|worker| worker.profile.name == name);
    let mut present: Vec<_> =
        named.filter_map(|worker| Some((liveliness(engine, worker)?, worker.id))).collect();
    present.sort();
    let first = present.first().map(|(liveliness, _)| *liveliness);
    present.retain(|(liveliness, _)| Some(*liveliness) == first);
    match present[..] {
        [(_, worker)] => Ok(worker),
        [] => Err(Status::not_found(format!("there is no worker \"{name}\"; `sweep workers` shows them"))),
        _ => {
            let ids: Vec<_> = present.iter().take(NAMED_MAX).map(|(_, worker)| worker.to_string()).collect();
            let problem = format!("{} workers are named \"{name}\"; name one by its id", present.len());
            Err(status::invalid(format!("{problem}: {}", ids.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use coordinator_core::Command;
    use sweep_proto::protocol::PROTOCOL_VERSION;
    use sweep_proto::{Timestamp, WorkerProfile};
    use tonic::Code;

    use super::*;

    fn worker(number: u128) -> WorkerId {
        WorkerId(uuid::Uuid::from_u128(number))
    }

    fn run(engine: &mut Engine, at_ms: u64, command: &Command) {
        let decision = engine.decide(Timestamp(at_ms), command).expect("decided");
        engine.fold(&decision);
    }

    /// Workers of one name: those that registered at these times.
    fn engine(registered_ms: &[u64]) -> Engine {
        let mut engine = Engine::default();
        for (number, at_ms) in (1..).zip(registered_ms) {
            let profile = WorkerProfile {
                name: "vm".into(),
                build: "1".into(),
                slots: 1,
                devices: Vec::new(),
                group: 1,
            };
            let (worker, protocol) = (worker(number), PROTOCOL_VERSION);
            let register = Command::Register { worker, protocol, profile, fresh: true, instance: None };
            run(&mut engine, *at_ms, &register);
        }
        engine
    }

    fn state(engine: &Engine, number: u128) -> &'static str {
        WorkerView::of(engine, &engine.tables().workers[&worker(number)], Timestamp(0)).condition.name()
    }

    #[test]
    fn a_name_means_the_one_that_lives() {
        let mut engine = engine(&[0, 1, 2]);
        assert_eq!(find_worker(&engine, "vm").map_err(|error| error.code()), Err(Code::InvalidArgument));
        let several = find_worker(&engine, "vm").expect_err("several");
        assert!(several.message().contains(&worker(3).to_string()), "{several}");
        run(&mut engine, 3, &Command::Disconnected(worker(1)));
        run(&mut engine, 3, &Command::Deregister(worker(2)));
        assert_eq!(find_worker(&engine, "vm").expect("one lives"), worker(3));
        run(&mut engine, 4, &Command::Deregister(worker(3)));
        assert_eq!(find_worker(&engine, "vm").expect("one may come back"), worker(1));
        run(&mut engine, 5, &Command::Deregister(worker(1)));
        assert_eq!(find_worker(&engine, "vm").map_err(|error| error.code()), Err(Code::NotFound));
    }

    #[test]
    fn the_end_of_the_last_session_is_seen_at_once_and_costs_nothing() {
        let mut engine = engine(&[0]);
        assert_eq!(state(&engine, 1), "ready");
        run(&mut engine, 1, &Command::Disconnected(worker(1)));
        assert_eq!(state(&engine, 1), "disconnected");
        run(&mut engine, 2, &Command::Heartbeat { worker: worker(1), tokens: Vec::new() });
        assert_eq!(state(&engine, 1), "ready");
    }
}

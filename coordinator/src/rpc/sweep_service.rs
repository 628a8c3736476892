//! What people and scripts call.

use std::time::Duration;

use coordinator_core::{Command, Engine, WorkerRecord};
use sweep_proto::wire::sweep_service_server::SweepService;
use sweep_proto::{SweepId, Timestamp, WorkerId, wire};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::blobs::FileParts;
use super::launch::{self, Events};
use super::{Shared, best_model, report, status, sweep_status};

/// Shortest time between two messages of one watch: five a second are a smooth picture.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

/// Most sweeps in one list, newest first: more do not fit into a message.
const LIST_MAX: usize = 1_000;

/// Most characters of a sweep's or worker's name in a request.
const NAME_BYTES_MAX: usize = 1_024;

/// The sweep service.
#[derive(Clone, Debug)]
pub(crate) struct SweepRpc {
    shared: Shared,
}

impl SweepRpc {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared }
    }

    /// The sweep that a request names by number or name.
    async fn resolve(&self, name: String) -> Result<SweepId, Status> {
        if name.len() > NAME_BYTES_MAX {
            return Err(status::invalid("the name of the sweep is too long"));
        }
        let shown = name.clone();
        let found = self.shared.driver.read(move |engine, _| engine.resolve(&name)).await;
        found.map_err(status::of_driver)?.ok_or_else(|| {
            Status::not_found(format!("there is no sweep \"{shown}\"; `sweep list` shows those there are"))
        })
    }

    async fn control(
        &self,
        request: Request<wire::GetRequest>,
        command: fn(SweepId) -> Command,
    ) -> Result<Response<wire::SweepStatus>, Status> {
        let sweep = self.resolve(request.into_inner().sweep).await?;
        self.shared.driver.command(command(sweep)).await.map_err(status::of_driver)?;
        Ok(Response::new(launch::status_of(&self.shared, sweep).await?))
    }
}

#[tonic::async_trait]
impl SweepService for SweepRpc {
    type LaunchStream = Events;
    type WatchStream = ReceiverStream<Result<wire::SweepStatus, Status>>;
    type ReportStream = FileParts;
    type BestModelStream = FileParts;

    async fn launch(&self, request: Request<wire::LaunchRequest>) -> Result<Response<Events>, Status> {
        Ok(Response::new(launch::launch(&self.shared, request.into_inner())?))
    }

    async fn list(&self, _request: Request<wire::ListRequest>) -> Result<Response<wire::ListReply>, Status> {
        let look = |engine: &Engine, _| {
            let newest = engine.tables().sweeps.keys().rev().take(LIST_MAX);
            newest.filter_map(|sweep| sweep_status::for_list(engine, *sweep)).collect::<Vec<_>>()
        };
        let mut sweeps = self.shared.driver.read(look).await.map_err(status::of_driver)?;
        sweeps.reverse();
        Ok(Response::new(wire::ListReply { sweeps }))
    }

    async fn get(&self, request: Request<wire::GetRequest>) -> Result<Response<wire::SweepStatus>, Status> {
        let sweep = self.resolve(request.into_inner().sweep).await?;
        Ok(Response::new(launch::status_of(&self.shared, sweep).await?))
    }

    async fn watch(&self, request: Request<wire::GetRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let sweep = self.resolve(request.into_inner().sweep).await?;
        let (updates, stream) = mpsc::channel(1);
        let shared = self.shared.clone();
        tokio::spawn(async move {
            if let Err(error) = watch(&shared, sweep, &updates).await {
                // Whoever watched may have gone.
                _ = updates.send(Err(error)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn cancel(
        &self,
        request: Request<wire::GetRequest>,
    ) -> Result<Response<wire::SweepStatus>, Status> {
        self.control(request, Command::Cancel).await
    }

    async fn pause(&self, request: Request<wire::GetRequest>) -> Result<Response<wire::SweepStatus>, Status> {
        self.control(request, Command::Pause).await
    }

    async fn resume(
        &self,
        request: Request<wire::GetRequest>,
    ) -> Result<Response<wire::SweepStatus>, Status> {
        self.control(request, Command::Resume).await
    }

    async fn extend(
        &self,
        request: Request<wire::ExtendRequest>,
    ) -> Result<Response<wire::SweepStatus>, Status> {
        let request = request.into_inner();
        let sweep = self.resolve(request.sweep.clone()).await?;
        launch::extend(&self.shared, sweep, request).await?;
        Ok(Response::new(launch::status_of(&self.shared, sweep).await?))
    }

    async fn report(&self, request: Request<wire::ReportRequest>) -> Result<Response<FileParts>, Status> {
        let sweep = self.resolve(request.into_inner().sweep).await?;
        Ok(Response::new(report::report(&self.shared, sweep).await?))
    }

    async fn best_model(&self, request: Request<wire::GetRequest>) -> Result<Response<FileParts>, Status> {
        let sweep = self.resolve(request.into_inner().sweep).await?;
        Ok(Response::new(best_model::best_model(&self.shared, sweep).await?))
    }

    async fn workers(
        &self,
        _request: Request<wire::WorkersRequest>,
    ) -> Result<Response<wire::WorkersReply>, Status> {
        let look = |engine: &Engine, now| {
            engine.tables().workers.values().map(|worker| worker_status(engine, worker, now)).collect()
        };
        let workers = self.shared.driver.read(look).await.map_err(status::of_driver)?;
        Ok(Response::new(wire::WorkersReply { workers }))
    }

    async fn drain(
        &self,
        request: Request<wire::DrainRequest>,
    ) -> Result<Response<wire::DrainReply>, Status> {
        let name = request.into_inner().worker;
        if name.len() > NAME_BYTES_MAX {
            return Err(status::invalid("the name of the worker is too long"));
        }
        let worker = self.shared.driver.read(move |engine, _| find_worker(engine, &name)).await;
        let worker = worker.map_err(status::of_driver)??;
        self.shared.driver.command(Command::Drain(worker)).await.map_err(status::of_driver)?;
        Ok(Response::new(wire::DrainReply {}))
    }
}

/// Sends the status now and after every change, at a rate that eyes can follow, until the sweep has ended.
async fn watch(
    shared: &Shared,
    sweep: SweepId,
    updates: &mpsc::Sender<Result<wire::SweepStatus, Status>>,
) -> Result<(), Status> {
    let mut changes = shared.driver.notices().of_sweep(sweep);
    loop {
        changes.mark_unchanged();
        let look = move |engine: &Engine, _| {
            let ended = engine.sweep(sweep).is_none_or(|sweep| sweep.state.is_ended());
            (sweep_status::of(engine, sweep), ended)
        };
        let (current, ended) = shared.driver.read(look).await.map_err(status::of_driver)?;
        let current = current.ok_or_else(|| Status::not_found("there is no such sweep"))?;
        if updates.send(Ok(current)).await.is_err() || ended {
            return Ok(());
        }
        tokio::select! {
            () = shared.shutdown.cancelled() => return Err(status::stopping()),
            () = updates.closed() => return Ok(()),
            _ = changes.changed() => tokio::time::sleep(WATCH_INTERVAL).await,
        }
    }
}

fn worker_status(engine: &Engine, worker: &WorkerRecord, now: Timestamp) -> wire::WorkerStatus {
    let leases = engine.leases_of(worker.id).filter_map(|token| engine.lease_holder(token));
    // A worker that this process never heard was there when it began at the latest.
    let heard = engine.heard_at(worker.id).unwrap_or(worker.registered_at);
    wire::WorkerStatus {
        id: worker.id.to_string(),
        profile: Some(worker.profile.clone().into()),
        state: worker.state.name().to_owned(),
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

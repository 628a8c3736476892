//! What workers call.

use coordinator_core::limits::LEASE_TTL_MS;
use coordinator_core::{Command, Engine, InstanceId, Reply};
use sweep_proto::protocol::PROTOCOL_VERSION;
use sweep_proto::wire::worker_service_server::WorkerService;
use sweep_proto::{AttemptOutcome, LeaseToken, WorkerId, convert, wire};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::blobs::{self, Chunks, Reported};
use super::caller::Act;
use super::{Shared, logs, session, status};

/// The worker service.
#[derive(Clone, Debug)]
pub(crate) struct WorkerRpc {
    shared: Shared,
}

impl WorkerRpc {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared }
    }
}

pub(super) fn worker_id(text: &str) -> Result<WorkerId, Status> {
    text.parse().map_err(status::invalid)
}

/// The process that speaks; `None` where its build does not tell.
pub(super) fn instance(text: &str) -> Result<Option<InstanceId>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = text.parse().map_err(|_| status::invalid("the instance of a worker must be a UUID"))?;
    Ok(Some(InstanceId(parsed)))
}

/// Whether another process has taken the place of this one.
pub(super) fn is_replaced(current: Option<InstanceId>, instance: Option<InstanceId>) -> bool {
    instance.is_some() && current.is_some() && current != instance
}

/// Refuses a process that another one has taken the place of.
pub(super) async fn check_process(
    shared: &Shared,
    worker: WorkerId,
    instance: Option<InstanceId>,
) -> Result<(), Status> {
    let look = move |engine: &Engine, _| engine.tables().workers.get(&worker)?.process.instance;
    let current = shared.driver.read(look).await.map_err(status::of_driver)?;
    if is_replaced(current, instance) { Err(status::replaced(worker)) } else { Ok(()) }
}

#[tonic::async_trait]
impl WorkerService for WorkerRpc {
    type SessionStream = ReceiverStream<Result<wire::CoordinatorMessage, Status>>;
    type FetchStream = Chunks;

    async fn register(
        &self,
        request: Request<wire::RegisterRequest>,
    ) -> Result<Response<wire::RegisterReply>, Status> {
        let caller = Act::of(&request).caller;
        let request = request.into_inner();
        let worker = worker_id(&request.worker_id)?;
        caller.speaks_for(worker)?;
        let protocol = convert::protocol_version(request.protocol).map_err(status::of_conversion)?;
        let profile = request.profile.ok_or_else(|| status::invalid("the registration lacks a profile"))?;
        let profile = profile.try_into().map_err(status::of_conversion)?;
        let instance = instance(&request.instance)?;
        let command = Command::Register { worker, protocol, profile, fresh: request.fresh, instance };
        match self.shared.driver.command(command).await.map_err(status::of_driver)? {
            Reply::Registered { heartbeat_interval_ms } => Ok(Response::new(wire::RegisterReply {
                protocol: Some(PROTOCOL_VERSION.into()),
                lease_ttl_ms: LEASE_TTL_MS,
                heartbeat_interval_ms,
            })),
            other => Err(status::internal(format!("a registration was answered with {other:?}"))),
        }
    }

    async fn session(
        &self,
        request: Request<Streaming<wire::WorkerMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        Ok(Response::new(session::open(self.shared.clone(), Act::of(&request).caller, request.into_inner())))
    }

    async fn fetch(&self, request: Request<wire::FetchRequest>) -> Result<Response<Chunks>, Status> {
        let caller = Act::of(&request).caller;
        Ok(Response::new(blobs::fetch(&self.shared, caller, request.into_inner()).await?))
    }

    async fn upload(
        &self,
        request: Request<Streaming<wire::UploadPart>>,
    ) -> Result<Response<wire::UploadReply>, Status> {
        let caller = Act::of(&request).caller;
        blobs::upload(&self.shared, caller, request.into_inner()).await?;
        Ok(Response::new(wire::UploadReply {}))
    }

    async fn complete(
        &self,
        request: Request<wire::CompleteRequest>,
    ) -> Result<Response<wire::CompleteReply>, Status> {
        let caller = Act::of(&request).caller;
        let request = request.into_inner();
        let token = LeaseToken(request.token);
        let outcome = request.outcome.ok_or_else(|| status::invalid("the completion lacks an outcome"))?;
        let outcome: AttemptOutcome = outcome.try_into().map_err(status::of_conversion)?;
        let named = match &outcome {
            AttemptOutcome::Trained(result) => Some((result.model, "model")),
            AttemptOutcome::Released { checkpoint: Some(one) } if one.batches > 0 => {
                Some((one.artifact, "checkpoint"))
            }
            _ => None,
        };
        let mut pinned = None;
        if let Some((artifact, what)) = named {
            match blobs::check_reported(&self.shared, caller, token, artifact, what).await? {
                Reported::Fit(pins) => pinned = Some(pins),
                Reported::Unfit(why) => return Err(why),
            }
        }
        // Before the lease ends, with which it ends, too.
        if let Some(log) = request.log.filter(|log| log.token == token.0) {
            logs::take(&self.shared, caller.worker(), vec![log]).await?;
        }
        let outcome = self.shared.excused(caller, token, outcome).await?;
        let command = caller.under_lease(Command::Complete { token, outcome });
        self.shared.driver.command(command).await.map_err(status::of_driver)?;
        drop(pinned);
        if let (Some(worker), Some((artifact, _))) = (caller.worker(), named) {
            self.shared.uploads.reported(worker, token, artifact.digest);
        }
        Ok(Response::new(wire::CompleteReply {}))
    }

    async fn deregister(
        &self,
        request: Request<wire::DeregisterRequest>,
    ) -> Result<Response<wire::DeregisterReply>, Status> {
        let caller = Act::of(&request).caller;
        let request = request.into_inner();
        let worker = worker_id(&request.worker_id)?;
        caller.speaks_for(worker)?;
        check_process(&self.shared, worker, instance(&request.instance)?).await?;
        self.shared.driver.command(Command::Deregister(worker)).await.map_err(status::of_driver)?;
        Ok(Response::new(wire::DeregisterReply {}))
    }
}

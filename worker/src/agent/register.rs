//! Announces the worker to the coordinator.

use std::time::Duration;

use sweep_proto::protocol::PROTOCOL_VERSION;
use sweep_proto::wire;
use tonic::{Code, Status};

use super::Shared;

/// How long a unary call may take before it is tried again.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Bounds of the heartbeat interval, whatever a coordinator says.
const HEARTBEAT_INTERVAL_MIN: Duration = Duration::from_millis(100);
const HEARTBEAT_INTERVAL_MAX: Duration = Duration::from_mins(1);

/// The terms of a registration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) heartbeat_interval: Duration,
}

/// Registers once. `is_fresh`: this process has not registered before.
pub(super) async fn register(shared: &Shared, is_fresh: bool) -> Result<Terms, Status> {
    let request = wire::RegisterRequest {
        worker_id: shared.settings.worker.to_string(),
        protocol: Some(PROTOCOL_VERSION.into()),
        profile: Some(shared.settings.profile.clone().into()),
        fresh: is_fresh,
        instance: shared.instance.clone(),
    };
    let reply = unary(shared.client.clone().register(request)).await?;
    let interval = Duration::from_millis(reply.heartbeat_interval_ms);
    Ok(Terms { heartbeat_interval: interval.clamp(HEARTBEAT_INTERVAL_MIN, HEARTBEAT_INTERVAL_MAX) })
}

/// Whether asking again is useless until a person changes something.
pub(super) fn is_final(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::FailedPrecondition
            | Code::InvalidArgument
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::Unimplemented
    )
}

/// A unary call with a time limit.
pub(super) async fn unary<T>(
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, Status> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(answer) => answer.map(tonic::Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded("the coordinator did not answer in time")),
    }
}

//! The only map from errors to gRPC statuses, and from those to HTTP's.

use coordinator_core::Rejection;
use coordinator_dataset::DatasetError;
use http::StatusCode;
use sweep_proto::WorkerId;
use sweep_proto::convert::ConvertError;
use tonic::{Code, Status};

use crate::artifacts::ArtifactError;
use crate::driver::DriverError;
use crate::prepare::PrepareError;
use crate::readers::ReadError;

/// An error as the other side sees it.
pub(crate) fn of_driver(error: DriverError) -> Status {
    match error {
        DriverError::Rejected(rejection) => of_rejection(&rejection),
        DriverError::Overloaded | DriverError::DiskFull(_) => Status::resource_exhausted(error.to_string()),
        DriverError::Unavailable(_) => Status::unavailable(error.to_string()),
    }
}

/// The engine could not be asked who somebody is: that is no refusal of theirs, whatever the reason.
#[allow(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
pub(crate) fn unasked(error: DriverError) -> Status {
    Status::unavailable(error.to_string())
}

/// A status where HTTP is spoken.
pub(crate) fn http_code(status: &Status) -> StatusCode {
    match status.code() {
        Code::NotFound | Code::Unimplemented => StatusCode::NOT_FOUND,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::DeadlineExceeded => StatusCode::REQUEST_TIMEOUT,
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::FailedPrecondition => StatusCode::CONFLICT,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

pub(super) fn of_rejection(rejection: &Rejection) -> Status {
    let message = rejection.to_string();
    match rejection {
        Rejection::UnknownSweep(_) | Rejection::UnknownWorker(_) | Rejection::UnknownToken(_) => {
            Status::not_found(message)
        }
        Rejection::LeaseLost { .. }
        | Rejection::Protocol { .. }
        | Rejection::Replaced(_)
        | Rejection::WrongState { .. }
        | Rejection::NotEnded { .. }
        | Rejection::NothingToRetry(_) => Status::failed_precondition(message),
        Rejection::NotOwner { .. } | Rejection::NotHolder { .. } => Status::permission_denied(message),
        Rejection::Denied(_) => Status::unauthenticated(message),
        Rejection::TooMuch(_) => Status::resource_exhausted(message),
        Rejection::EpochOutOfOrder { .. } | Rejection::Invalid(_) => Status::invalid_argument(message),
    }
}

/// A reader took nothing of a stream for too long.
pub(super) fn given_up() -> Status {
    Status::deadline_exceeded("nothing of the stream was read for too long, and its rest was given up")
}

/// Another process speaks for this worker now.
pub(super) fn replaced(worker: WorkerId) -> Status {
    of_rejection(&Rejection::Replaced(worker))
}

/// A message that does not say what it must.
#[allow(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
pub(super) fn of_conversion(error: ConvertError) -> Status {
    Status::invalid_argument(error.to_string())
}

/// Anything else that is wrong with a request.
pub(super) fn invalid(problem: impl std::fmt::Display) -> Status {
    Status::invalid_argument(problem.to_string())
}

/// A blob that was not taken.
pub(super) fn of_artifact(error: &ArtifactError) -> Status {
    match error {
        ArtifactError::Mismatch(_) => Status::invalid_argument(error.to_string()),
        ArtifactError::Offset { .. } => Status::out_of_range(error.to_string()),
        ArtifactError::NotFound(_) => Status::not_found(error.to_string()),
        ArtifactError::Disk(cause) if cause.kind() == std::io::ErrorKind::StorageFull => {
            tracing::error!(%error, "the disk is full");
            Status::resource_exhausted(error.to_string())
        }
        ArtifactError::Disk(_) | ArtifactError::Objects(_) => {
            tracing::error!(%error, "an artifact was not stored");
            Status::unavailable(error.to_string())
        }
    }
}

/// Data that cannot be prepared: the user's to mend, unless the disk is in the way.
pub(super) fn of_preparation(error: &PrepareError) -> Status {
    match error {
        PrepareError::Artifact(error) => of_artifact(error),
        PrepareError::Read(ReadError::Dataset(error)) => of_dataset(error),
        PrepareError::Read(ReadError::Refused { reason, is_out_of_reach: true }) => {
            Status::permission_denied(reason)
        }
        PrepareError::Read(error @ ReadError::Broke(_)) => Status::internal(error.to_string()),
        PrepareError::Read(error) => Status::invalid_argument(error.to_string()),
    }
}

/// What is wrong with a dataset.
pub(super) fn of_dataset(error: &DatasetError) -> Status {
    let said = with_causes(error);
    match error {
        DatasetError::OutOfReach { .. } => Status::permission_denied(said),
        _ => Status::invalid_argument(said),
    }
}

/// Something that should not happen: the log has the details under an id, the other side the id.
pub(crate) fn internal(error: impl std::fmt::Display) -> Status {
    let id = uuid::Uuid::now_v7();
    tracing::error!(%id, %error, "internal error");
    Status::internal(format!("internal error; the coordinator's log has the details under {id}"))
}

/// The server is about to end.
pub(super) fn stopping() -> Status {
    Status::unavailable("the coordinator is stopping")
}

pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // Many errors quote their cause already.
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

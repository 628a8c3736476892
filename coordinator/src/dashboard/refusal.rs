//! Why there is no page: as a page, with the status beside it for the audit log.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use coordinator_report::ReportError;
use tonic::{Code, Status};

use crate::driver::DriverError;
use crate::rpc::status;

/// A refusal on its way to the viewer.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) Status);

impl From<Status> for Refusal {
    fn from(refusal: Status) -> Self {
        Self(refusal)
    }
}

impl From<DriverError> for Refusal {
    fn from(error: DriverError) -> Self {
        Self(status::of_driver(error))
    }
}

impl From<ReportError> for Refusal {
    fn from(error: ReportError) -> Self {
        Self(status::internal(error))
    }
}

#[derive(Template)]
#[template(path = "dashboard/refusal.html")]
struct Page<'a> {
    title: &'static str,
    reason: &'a str,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, title) = match self.0.code() {
            Code::NotFound | Code::Unimplemented => (StatusCode::NOT_FOUND, "Not found"),
            Code::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "Too much at once"),
            Code::DeadlineExceeded => (StatusCode::REQUEST_TIMEOUT, "Too slow"),
            Code::InvalidArgument => (StatusCode::BAD_REQUEST, "Not understood"),
            Code::FailedPrecondition => (StatusCode::CONFLICT, "Not possible now"),
            Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "Not logged in"),
            Code::PermissionDenied => (StatusCode::FORBIDDEN, "Not allowed"),
            Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Something broke"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "Not available"),
        };
        let reason = self.0.message();
        let page = Page { title, reason }.render().unwrap_or_else(|_| title.to_owned());
        let mut response = (code, Html(page)).into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

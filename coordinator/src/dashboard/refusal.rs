//! Why there is no page: as a page, with the status beside it for the audit log.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use coordinator_report::ReportError;
use tonic::Status;

use crate::driver::DriverError;
use crate::status;

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
        let code = status::http_code(&self.0);
        let title = match code {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::TOO_MANY_REQUESTS => "Too much at once",
            StatusCode::REQUEST_TIMEOUT => "Too slow",
            StatusCode::BAD_REQUEST => "Not understood",
            StatusCode::CONFLICT => "Not possible now",
            StatusCode::UNAUTHORIZED => "Not logged in",
            StatusCode::FORBIDDEN => "Not allowed",
            StatusCode::INTERNAL_SERVER_ERROR => "Something broke",
            _ => "Not available",
        };
        let reason = self.0.message();
        let page = Page { title, reason }.render().unwrap_or_else(|_| title.to_owned());
        let mut response = (code, Html(page)).into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

//! Logging in with a token, and out.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::{HeaderName, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;
use sweep_proto::{Role, TokenId};
use tonic::Status;

use super::Dashboard;
use super::frame::{Frame, Viewer, page, page_with};
use super::refusal::Refusal;
use crate::security::caller::Caller;
use crate::security::host;
use crate::security::tokens::{self, KnownToken};
use crate::status;

/// Browsers say with this where a form stood.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[derive(Template)]
#[template(path = "dashboard/login.html")]
struct Page {
    frame: Frame,
    next: String,
    problem: Option<String>,
}

/// Where to go after the login.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    next: String,
}

/// What the form brings.
#[derive(Deserialize)]
pub(super) struct Shown {
    token: String,
    #[serde(default)]
    next: String,
}

/// What the form of the way out brings.
#[derive(Debug, Deserialize)]
pub(super) struct Leaving {
    #[serde(default)]
    key: String,
}

/// `GET /login`
pub(super) async fn ask(viewer: Viewer, Query(wanted): Query<Wanted>) -> Result<Response, Refusal> {
    if viewer.act.caller == Caller::Local || viewer.is_logged_in() {
        return Ok(Redirect::to(host::own_page(&wanted.next)).into_response());
    }
    page(&Page { frame: Frame::of(&viewer), next: host::own_page(&wanted.next).to_owned(), problem: None })
}

/// `POST /login`
pub(super) async fn begin(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    headers: HeaderMap,
    Form(shown): Form<Shown>,
) -> Result<Response, Refusal> {
    let next = host::own_page(&shown.next).to_owned();
    if headers.get(SEC_FETCH_SITE).is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none")) {
        return Err(Status::permission_denied("the form stood on another site").into());
    }
    match admitted(&dashboard, &shown.token).await {
        Ok((id, role)) => {
            let shared = &dashboard.shared;
            shared.check_login(&viewer.act)?;
            shared.record(&viewer.act, "log in", format!("{role} token {id}")).await?;
            let cookie = shared.sessions.begin(id).map_err(status::internal)?;
            Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(&next)).into_response())
        }
        Err(refusal) => {
            let problem = Some(refusal.message().to_owned());
            let shown = Page { frame: Frame::of(&viewer), next, problem };
            let mut response = page_with(StatusCode::UNAUTHORIZED, &shown)?;
            // For the audit log.
            response.extensions_mut().insert(refusal);
            Ok(response)
        }
    }
}

/// `POST /logout`
pub(super) async fn end(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    headers: HeaderMap,
    Form(leaving): Form<Leaving>,
) -> Result<Response, Refusal> {
    viewer.check(&leaving.key)?;
    let cookie = dashboard.shared.sessions.end(&headers);
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to("/login")).into_response())
}

/// Whose token this is, where it is one for people.
async fn admitted(dashboard: &Dashboard, text: &str) -> Result<(TokenId, Role), Status> {
    match tokens::find(&dashboard.shared.driver, &tokens::read(text.trim())?).await? {
        KnownToken { role: Role::Worker, .. } => {
            Err(Status::unauthenticated("a worker's token is for joining; log in with one of another role"))
        }
        KnownToken { refusal: Some(refusal), role, .. } => Err(tokens::refused(refusal, Some(role))),
        KnownToken { id, role, refusal: None } => Ok((id, role)),
    }
}

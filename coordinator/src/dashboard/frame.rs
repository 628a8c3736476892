//! What stands around every page, and for whom the page is.

use std::convert::Infallible;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use coordinator_core::Engine;
use sweep_proto::{Role, SweepId};
use tonic::Status;

use super::Dashboard;
use super::refusal::Refusal;
use crate::rpc::Act;
use crate::security::caller::Caller;
use crate::security::sessions::FormKey;
use crate::status;

/// Who looks at a page.
#[derive(Clone, Debug)]
pub(super) struct Viewer {
    pub(super) act: Act,
    /// What forms bring back; programs with a token in their request have none.
    form_key: Option<FormKey>,
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self { act: Act::from(&parts.extensions), form_key: parts.extensions.get::<FormKey>().cloned() })
    }
}

impl Viewer {
    /// Checks that a form came from a page of this viewer.
    pub(super) fn check(&self, shown: &str) -> Result<(), Refusal> {
        if self.form_key.as_ref().is_some_and(|key| key.admits(shown)) {
            return Ok(());
        }
        Err(Status::permission_denied(
            "the form is not of a page of yours, or is too old; open the page again",
        )
        .into())
    }

    /// Whether this is a browser that has logged in.
    pub(super) fn is_logged_in(&self) -> bool {
        self.form_key.is_some() && self.act.caller != Caller::Local
    }

    fn may(&self, roles: &[Role]) -> bool {
        match self.act.caller {
            Caller::Local => true,
            Caller::Token { role, .. } => roles.contains(&role),
            Caller::Nobody | Caller::Worker { .. } => false,
        }
    }
}

/// What the template around a page needs.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Who looks.
    pub(super) who: String,
    /// Whether to show what changes sweeps. The gate decides what happens, not this.
    pub(super) may_submit: bool,
    /// As `may_submit`, for workers.
    pub(super) may_administer: bool,
    pub(super) is_logged_in: bool,
    pub(super) key: String,
    pub(super) build: &'static str,
}

impl Frame {
    pub(super) fn of(viewer: &Viewer) -> Self {
        Self {
            who: viewer.act.caller.to_string(),
            may_submit: viewer.may(&[Role::Admin, Role::Submitter]),
            may_administer: viewer.may(&[Role::Admin]),
            is_logged_in: viewer.is_logged_in(),
            key: viewer.form_key.as_ref().map(|key| key.reveal().to_owned()).unwrap_or_default(),
            build: env!("CARGO_PKG_VERSION"),
        }
    }
}

impl Dashboard {
    /// Around a page of a sweep: shows what changes it to those whom the engine lets change it.
    pub(super) async fn frame_of_sweep(&self, viewer: &Viewer, id: SweepId) -> Result<Frame, Refusal> {
        let (frame, shown) = (Frame::of(viewer), viewer.act.shown());
        let look = move |engine: &Engine, _| engine.may_change(shown, id).is_ok();
        let may_submit = match viewer.act.caller {
            // Who shows no token would be taken for the operator.
            Caller::Nobody | Caller::Worker { .. } => false,
            Caller::Local | Caller::Token { .. } => self.shared.driver.read(look).await?,
        };
        Ok(Frame { may_submit, ..frame })
    }
}

/// A page of a template.
pub(super) fn page(template: &impl Template) -> Result<Response, Refusal> {
    Ok(Html(rendered(template)?).into_response())
}

/// A page that tells of a refusal.
pub(super) fn page_with(code: StatusCode, template: &impl Template) -> Result<Response, Refusal> {
    Ok((code, Html(rendered(template)?)).into_response())
}

/// The HTML of a template.
pub(super) fn rendered(template: &impl Template) -> Result<String, Refusal> {
    template.render().map_err(|error| status::internal(error).into())
}

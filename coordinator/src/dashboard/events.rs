//! Server-sent events: pages that stay open are told what has changed, for as long as their viewer may see it.

use std::io;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use coordinator_core::Engine;
use sweep_proto::Timestamp;

use super::Dashboard;
use super::frame::Viewer;
use crate::rpc::{PatientSender, patient};
use crate::security::caller::Caller;

/// How long a page may hear nothing before it is told again: times on it go on, and rights may have ended.
pub(super) const IDLE: Duration = Duration::from_secs(10);

/// Where the events of one open page go.
pub(super) struct Events {
    pub(super) dashboard: Dashboard,
    sender: PatientSender<Event, io::Error>,
    viewer: Viewer,
    headers: HeaderMap,
}

/// There is nobody to tell any more.
#[derive(Debug)]
pub(super) struct Over;

/// Answers with a stream that `tell` fills until it ends, the viewer goes, or the coordinator stops.
pub(super) fn stream<F>(
    dashboard: Dashboard,
    viewer: Viewer,
    headers: HeaderMap,
    tell: impl FnOnce(Events) -> F,
) -> Response
where
    F: Future<Output = Result<(), Over>> + Send + 'static,
{
    let shutdown = dashboard.shared.shutdown.clone();
    // A page whose stream ends before the last event asks for another one.
    let (sender, stream) = patient(1, || io::Error::other("nothing was read for too long"));
    let telling = tell(Events { dashboard, sender, viewer, headers });
    tokio::spawn(async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            _ = telling => {}
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default()).into_response()
}

impl Events {
    /// Sends the parts of a page that may have changed, as JSON.
    ///
    /// # Errors
    /// [`Over`] where nobody listens, or who listens may do so no more.
    pub(super) async fn send(&self, message: &str) -> Result<(), Over> {
        if !self.may_listen().await {
            return Err(Over);
        }
        self.sender.send(Ok(Event::default().data(message))).await.map_err(|_| Over)
    }

    /// Tells that nothing more will come, so that the page does not ask again.
    pub(super) async fn end(&self) -> Result<(), Over> {
        // Browsers drop events without data.
        self.sender.send(Ok(Event::default().event("end").data("{}"))).await.map_err(|_| Over)
    }

    /// Waits until the viewer has gone.
    pub(super) async fn closed(&self) {
        self.sender.closed().await;
    }

    /// Whether the token is still worth something, and its bearer still logged in.
    async fn may_listen(&self) -> bool {
        let Caller::Token { id, .. } = self.viewer.act.caller else { return true };
        if self.viewer.is_logged_in() && self.dashboard.shared.sessions.find(&self.headers).is_none() {
            return false;
        }
        let look = move |engine: &Engine, now: Timestamp| {
            engine.tables().tokens.get(&id).is_some_and(|token| token.refusal(now).is_none())
        };
        self.dashboard.shared.driver.read(look).await.unwrap_or(false)
    }
}

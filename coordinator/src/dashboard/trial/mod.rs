//! The page of a trial: what it is, how it goes, and how to train it again.

mod picture;
mod steps;
mod view;

use std::fmt::Display;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use coordinator_report::render::html::embedded;
use serde_json::json;
use sweep_proto::{SweepId, TrialId};
use tokio::time::Instant;
use tonic::Status;

use self::picture::TrialPicture;
use self::steps::Steps;
pub(super) use self::view::View;
use super::Dashboard;
use super::cache::Seen;
use super::events::{self, Events, IDLE, Over};
use super::frame::{Frame, Viewer, page as page_of};
use super::refusal::Refusal;
use crate::rpc::lists;
use crate::status;

#[derive(Template)]
#[template(path = "dashboard/trial.html")]
struct Page {
    frame: Frame,
    view: Arc<View>,
    data: String,
}

/// `GET /sweeps/{sweep}/trials/{trial}`
pub(super) async fn page(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    Path(path): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let id = dashboard.trial_at(path).await?;
    let Seen { value: view, .. } = dashboard.trial(id).await?;
    let name = format!("trial-{}-{}", id.sweep, id.index);
    let data = embedded(&json!({ "name": name, "charts": view.charts }))?;
    page_of(&Page { frame: Frame::of(&viewer), view, data })
}

/// `GET /sweeps/{sweep}/trials/{trial}/events`
pub(super) async fn events(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    Path(path): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id = dashboard.trial_at(path).await?;
    // Where there is no such trial, the answer says so.
    dashboard.trial(id).await?;
    Ok(events::stream(dashboard, viewer, headers, move |events| tell(events, id)))
}

async fn tell(events: Events, id: TrialId) -> Result<(), Over> {
    let mut changes = events.dashboard.shared.driver.notices().of_sweep(id.sweep);
    let mut told: Option<Arc<View>> = None;
    let mut told_at = Instant::now();
    loop {
        changes.mark_unchanged();
        let Seen { value: view, renewable_at, .. } = events.dashboard.trial(id).await.map_err(|_| Over)?;
        let news = view.since(told.as_deref());
        // Who may listen no more is found out by telling.
        if news.is_some() || told_at.elapsed() >= IDLE {
            events.send(&news.unwrap_or_else(|| json!({ "parts": {} })).to_string()).await?;
            told_at = Instant::now();
        }
        if view.picture.has_ended {
            return events.end().await;
        }
        told = Some(view);
        tokio::select! {
            () = events.closed() => return Err(Over),
            _ = changes.changed() => {}
            () = tokio::time::sleep(view::AGE_MAX) => {}
        }
        // Before, the same would be seen again.
        tokio::time::sleep_until(renewable_at).await;
    }
}

impl Dashboard {
    /// The trial that an address names.
    async fn trial_at(&self, (name, index): (String, String)) -> Result<TrialId, Refusal> {
        let sweep = lists::resolve(&self.shared, name).await?;
        // One trial has one address.
        let number = index.parse().ok().filter(|number: &u32| number.to_string() == index);
        let index = number.ok_or_else(|| missing(sweep, &index))?;
        Ok(TrialId { sweep, index })
    }

    async fn trial(&self, id: TrialId) -> Result<Seen<View>, Refusal> {
        let state = self.state(id.sweep).await?;
        let shared = self.shared.clone();
        let make = move |before: Option<Arc<View>>| async move {
            let picture = shared.driver.read(move |engine, _| TrialPicture::of(engine, id)).await?;
            let picture = picture.ok_or_else(|| missing(id.sweep, id.index))?.with_logs(&shared.attempt_logs);
            let attempt = picture.last_training().map(|attempt| attempt.id);
            let mut steps = Steps::continued(attempt, before.as_ref().map(|before| &before.steps));
            let reader = if steps.may_grow() { Some(shared.driver.reader().await?) } else { None };
            let made = tokio::task::spawn_blocking(move || {
                if let (Some(mut reader), Some(attempt)) = (reader, picture.last_training()) {
                    steps.read(&mut *reader, attempt.state).map_err(status::internal)?;
                }
                View::of(picture, steps)
            });
            made.await.map_err(status::internal)?
        };
        self.trials.get(self.shared.driver.notices(), (id, state), make).await
    }
}

fn missing(sweep: SweepId, index: impl Display) -> Status {
    Status::not_found(format!("sweep {sweep} has no trial \"{index}\"; they are counted from 0"))
}

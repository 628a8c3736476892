//! What the finished trials say so far: sections of the report inside the live page.

use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use coordinator_report::render::html::fragment;
use coordinator_report::{Language, some_sections};
use serde_json::json;

use super::Dashboard;
use super::frame::Viewer;
use super::refusal::Refusal;
use crate::rpc::{Work, lists};
use crate::status;

/// The sections, in the report's order.
const SECTIONS: [&str; 5] = ["effects", "importance", "interactions", "parallel", "front"];

/// The sections' HTML and the data of their charts, as JSON.
#[derive(Debug)]
pub(super) struct Analysis(String);

/// `GET /sweeps/{sweep}/analysis`
pub(super) async fn analysis(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let id = lists::resolve(&dashboard.shared, name).await?;
    let state = dashboard.state(id).await?;
    let (shared, caller) = (dashboard.shared.clone(), viewer.act.caller);
    let make = move |_| async move {
        let permit = shared.turn(Work::Report, caller).await?;
        let input = shared.report_input(id).await?;
        let made = tokio::task::spawn_blocking(move || {
            let _held = permit;
            let sections = some_sections(&input, &SECTIONS, Language::English);
            let (html, charts) = fragment(&sections, Language::English)?;
            Ok::<_, Refusal>(Analysis(json!({ "html": html, "charts": charts }).to_string()))
        });
        made.await.map_err(status::internal)?
    };
    let seen = dashboard.analyses.get(dashboard.shared.driver.notices(), (id, state), make).await?;
    Ok(([(CONTENT_TYPE, "application/json")], seen.value.0.clone()).into_response())
}

//! The report of a sweep, one click away: its page to read, its other files to keep.

use std::ffi::OsStr;
use std::path::Path as FilePath;

use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use coordinator_report::Language;
use serde::Deserialize;
use sweep_proto::SweepId;
use tonic::Status;

use super::cache::Cache;
use super::frame::Viewer;
use super::refusal::Refusal;
use super::{ANALYSES_MAX, ANALYSIS_INTERVAL, Dashboard, Rules};
use crate::rpc::lists;
use crate::rpc::report::{self, Wishes};

/// The page names its own scripts by their hashes; here it gets an origin of its own, too, away from cookies and forms.
const SANDBOX: &str = "sandbox allow-scripts allow-downloads allow-modals; frame-ancestors 'none'";

/// The files of one report.
#[derive(Debug)]
pub(super) struct Files(Vec<(String, Bytes)>);

/// The reports of the sweeps that were asked for lately, those of each language by themselves.
#[derive(Debug)]
pub(super) struct Reports {
    english: Cache<SweepId, Files>,
    korean: Cache<SweepId, Files>,
}

impl Default for Reports {
    fn default() -> Self {
        let cache =
            || Cache::new(Rules { slots_max: ANALYSES_MAX, interval: ANALYSIS_INTERVAL, age_max: |_| None });
        Self { english: cache(), korean: cache() }
    }
}

impl Reports {
    fn of(&self, language: Language) -> &Cache<SweepId, Files> {
        match language {
            Language::English => &self.english,
            Language::Korean => &self.korean,
        }
    }
}

/// What may stand behind the address.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    /// The language, English where left out.
    #[serde(default)]
    language: String,
}

/// `GET /sweeps/{sweep}/report/{file}?language=ko`
pub(super) async fn file(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    Path((name, file)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let language = report::language(&wanted.language)?;
    let id = lists::resolve(&dashboard.shared, name).await?;
    let state = dashboard.state(id).await?;
    let (shared, caller) = (dashboard.shared.clone(), viewer.act.caller);
    let make = move |_| async move {
        let wishes = Wishes { language, ..Wishes::default() };
        let files = report::files(&shared, caller, id, wishes).await?;
        Ok::<_, Refusal>(Files(files.to_vec()))
    };
    let reports = dashboard.reports.of(language);
    let files = reports.get(dashboard.shared.driver.notices(), (id, state), make).await?.value;
    let found = files.0.iter().find(|(known, _)| *known == file).map(|(_, bytes)| bytes.clone());
    let bytes = found.ok_or_else(|| Status::not_found(format!("a report has no file \"{file}\"")))?;
    let kind = match FilePath::new(&file).extension().and_then(OsStr::to_str) {
        Some("html") => {
            let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, SANDBOX)];
            return Ok((headers, bytes).into_response());
        }
        Some("json") => "application/json",
        Some("csv") => "text/csv; charset=utf-8",
        Some("md" | "tex") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    // A file that was found has one of the report's own names.
    let disposition = format!("attachment; filename=\"sweep-{id}-{file}\"");
    Ok(([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], bytes).into_response())
}

//! The page of a sweep, whole and in parts that follow what happens.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use coordinator_report::Language;
use coordinator_report::render::Format;
use coordinator_report::render::html::{ScoreWords, embedded, metric_choice};
use coordinator_report::sections::format;
use serde_json::json;
use sweep_proto::{SweepId, SweepState, TestFigure, TrialState};
use tonic::Status;

use super::cache::Seen;
use super::events::{self, Events, IDLE, Over};
use super::frame::{Frame, Viewer, page as page_of, rendered};
use super::parts::Parts;
use super::picture::{self, CURVES_MAX, Failure, Picture};
use super::refusal::Refusal;
use super::{Dashboard, charts, map};
use crate::json::{Best, Count, HandBack, Running, Shown, Sweep};
use crate::report_signature::FILE_NAME;
use crate::rpc::lists;
use crate::status;

/// Rows of the table of running trials; the map has all of them.
const RUNNING_ROWS_MAX: usize = 50;

/// Hand-backs beside the figures; the section of failures has all that are told.
const HAND_BACKS_MAX: usize = 3;

/// Trials up to which the analysis is made without being asked for.
const ANALYSED_UNASKED_MAX: u64 = 2_000;

/// A sweep as its page shows it, for everybody who looks.
#[derive(Debug)]
pub(super) struct View {
    name: String,
    has_ended: bool,
    /// Whether its choice is final.
    has_finished: bool,
    is_analysed_unasked: bool,
    parts: Parts,
    /// What the scripts draw, for inside the page.
    data: String,
    /// Parts and data, for pages that are open.
    message: String,
}

impl View {
    /// What is true of workers, and the time that is left, change without a word of the sweep.
    pub(super) fn age_max(&self) -> Option<Duration> {
        (!self.has_ended).then_some(IDLE)
    }
}

#[derive(Template)]
#[template(path = "dashboard/sweep.html")]
struct Page {
    frame: Frame,
    id: SweepId,
    view: Arc<View>,
    files: Vec<&'static str>,
    /// Those that the report can be read in besides.
    languages: Vec<Language>,
    /// What the curves show, to choose.
    metric_choice: String,
    curves_max: usize,
}

/// What is true of the sweep as a whole, and what can be done with it.
#[derive(Template)]
#[template(path = "dashboard/sweep_progress.html")]
struct Progress<'a> {
    sweep: &'a Sweep,
    hand_backs_max: usize,
}

/// What preparing the data found.
#[derive(Template)]
#[template(path = "dashboard/sweep_data.html")]
struct DataTable<'a> {
    sweep: &'a Sweep,
}

#[derive(Template)]
#[template(path = "dashboard/sweep_best.html")]
struct BestTable<'a> {
    sweep: &'a Sweep,
}

#[derive(Template)]
#[template(path = "dashboard/sweep_running.html")]
struct RunningTable<'a> {
    sweep: &'a Sweep,
    rows_max: usize,
}

#[derive(Template)]
#[template(path = "dashboard/sweep_failures.html")]
struct FailuresTable<'a> {
    failures: &'a [Failure],
    count: u64,
    handed_back: &'a [HandBack],
}

/// `GET /sweeps/{sweep}`
pub(super) async fn page(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let id = lists::resolve(&dashboard.shared, name).await?;
    let Seen { value: view, .. } = dashboard.view(id).await?;
    let names = Format::ALL.map(Format::file_name).into_iter().filter(|name| *name != "report.html");
    let files = names.chain(dashboard.shared.signer.is_some().then_some(FILE_NAME)).collect();
    let languages = Language::ALL.into_iter().filter(|one| *one != Language::default()).collect();
    let metric_choice = metric_choice(Language::English)?;
    page_of(&Page {
        frame: dashboard.frame_of_sweep(&viewer, id).await?,
        id,
        view,
        files,
        languages,
        metric_choice,
        curves_max: CURVES_MAX,
    })
}

/// `GET /sweeps/{sweep}/events`
pub(super) async fn events(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id = lists::resolve(&dashboard.shared, name).await?;
    Ok(events::stream(dashboard, viewer, headers, move |events| tell(events, id)))
}

async fn tell(events: Events, id: SweepId) -> Result<(), Over> {
    let mut changes = events.dashboard.shared.driver.notices().of_sweep(id);
    loop {
        changes.mark_unchanged();
        let Seen { value: view, renewable_at, .. } = events.dashboard.view(id).await.map_err(|_| Over)?;
        events.send(&view.message).await?;
        if view.has_ended {
            return events.end().await;
        }
        tokio::select! {
            () = events.closed() => return Err(Over),
            _ = changes.changed() => {}
            () = tokio::time::sleep(IDLE) => {}
        }
        // Before, the same would be seen again.
        tokio::time::sleep_until(renewable_at).await;
    }
}

impl Dashboard {
    async fn view(&self, id: SweepId) -> Result<Seen<View>, Refusal> {
        let state = self.state(id).await?;
        let (driver, logs) = (self.shared.driver.clone(), Arc::clone(&self.shared.attempt_logs));
        let make = move |_| async move {
            let picture = driver
                .read(move |engine, now| picture::of(engine, id, now, &logs))
                .await
                .map_err(status::of_driver)?;
            let picture = picture.ok_or_else(|| Status::not_found("there is no such sweep"))?;
            let made = tokio::task::spawn_blocking(move || View::of(&picture)).await;
            made.map_err(status::internal)?
        };
        self.views.get(self.shared.driver.notices(), (id, state), make).await
    }
}

impl View {
    fn of(picture: &Picture) -> Result<Self, Refusal> {
        let sweep = &picture.status;
        let failures = FailuresTable {
            failures: &picture.failures,
            count: picture.failures_count,
            handed_back: &sweep.handed_back,
        };
        let parts = Parts(vec![
            ("progress", rendered(&Progress { sweep, hand_backs_max: HAND_BACKS_MAX })?),
            ("data-found", rendered(&DataTable { sweep })?),
            ("best", rendered(&BestTable { sweep })?),
            ("running", rendered(&RunningTable { sweep, rows_max: RUNNING_ROWS_MAX })?),
            ("failures", rendered(&failures)?),
        ]);
        let charts = vec![charts::running(&picture.curves)];
        let map = map::of(&picture.trials, sweep.objective);
        // The page's own words are English; so is what it calls a score.
        let score = ScoreWords::of(sweep.objective, Language::English);
        let data = json!({
            "name": format!("sweep-{}", sweep.id), "sweep": sweep.id, "charts": charts, "map": map, "states": map::legend(), "score": score,
        });
        let message = json!({ "parts": parts.since(None), "charts": charts, "map": map });
        Ok(Self {
            name: sweep.name.clone(),
            has_ended: sweep.has_ended(),
            has_finished: sweep.has_finished(),
            is_analysed_unasked: sweep.ledger.planned <= ANALYSED_UNASKED_MAX,
            data: embedded(&data)?,
            message: message.to_string(),
            parts,
        })
    }
}

impl Progress<'_> {
    /// How many trials are in each state that occurs.
    fn segments(&self) -> Vec<Count<'_>> {
        self.sweep.ledger.counts().collect()
    }

    fn cancelled(&self) -> u64 {
        self.sweep.ledger.of(TrialState::Cancelled)
    }

    fn is_paused(&self) -> bool {
        self.sweep.state == SweepState::Paused
    }

    /// Why nothing happens although the sweep has not ended.
    fn idleness(&self) -> Option<String> {
        self.sweep.idleness(format::time)
    }

    fn can_be_retried(&self) -> bool {
        self.sweep.state != SweepState::Cancelled && self.sweep.ledger.of(TrialState::Failed) > 0
    }

    fn is_running(&self) -> bool {
        self.sweep.state.known().is_some_and(SweepState::is_running)
    }

    fn epochs_percent(&self) -> String {
        format::percent(self.sweep.share_done())
    }
}

impl RunningTable<'_> {
    fn path_of(running: &Running) -> String {
        path_of(&running.trial)
    }
}

impl BestTable<'_> {
    fn title(&self, figure: Shown) -> String {
        let words = match figure {
            Shown::Objective => self.sweep.objective.words(),
            Shown::Loss => "loss",
            Shown::Accuracy => "accuracy",
        };
        format!("validation {words}")
    }

    fn value(&self, best: &Best, figure: Shown) -> String {
        match figure {
            Shown::Objective => self.sweep.told_value(best.objective),
            Shown::Loss => format::optional(best.validation_loss),
            Shown::Accuracy => format::optional_percent(best.validation_accuracy),
        }
    }

    fn path_of(trial: &str) -> String {
        path_of(trial)
    }
}

/// Where the page of a trial is, after that of all sweeps.
fn path_of(trial: &str) -> String {
    trial.replacen('/', "/trials/", 1)
}

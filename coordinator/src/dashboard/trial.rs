//! The page of a trial: what it is, how it went, and how to train it again.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use coordinator_core::{AttemptRecord, Engine, TrialRecord};
use coordinator_report::render::html::embedded;
use coordinator_report::sections::format;
use serde_json::json;
use sweep_proto::{AttemptId, EpochMetric, SweepSpec, TrialId, TrialSpec, WorkKind};
use tonic::Status;

use super::Dashboard;
use super::frame::{Frame, Viewer, page as page_of};
use super::refusal::Refusal;
use super::{charts, picture};
use crate::attempt_logs::AttemptLog;
use crate::rpc::{lists, status};

/// Step metrics that are read for one page, the first ones; the report has no more either.
const STEPS_MAX: usize = 100_000;

/// Epochs in the table; the charts, and the report's files, have all of them.
const EPOCH_ROWS_MAX: usize = 500;

/// Attempts on one page, the newest ones.
const ATTEMPTS_MAX: usize = 100;

/// Logs on one page, those of the newest attempts.
const LOGS_MAX: usize = 10;

/// A trial at one moment.
struct Look {
    trial: TrialRecord,
    label: String,
    attempts: Vec<AttemptRecord>,
    /// Of the trial, or of the one whose result it reuses.
    epochs: Vec<EpochMetric>,
    spec: SweepSpec,
    /// Whether the newest attempt has told metrics inside epochs.
    has_steps: bool,
    /// Of the attempts that have one, the newest first, with the attempt's number.
    logs: Vec<(u32, AttemptLog)>,
}

#[derive(Template)]
#[template(path = "dashboard/trial.html")]
struct Page {
    frame: Frame,
    look: Look,
    /// A sweep file that trains this trial, and its replicates before it.
    file: String,
    data: String,
}

/// `GET /sweeps/{sweep}/trials/{trial}`
pub(super) async fn page(
    State(dashboard): State<Dashboard>,
    viewer: Viewer,
    Path((name, index)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let sweep = lists::resolve(&dashboard.shared, name).await?;
    let missing =
        || Status::not_found(format!("sweep {sweep} has no trial \"{index}\"; they are counted from 0"));
    // One trial has one address.
    let number = index.parse().ok().filter(|number: &u32| number.to_string() == index);
    let id = TrialId { sweep, index: number.ok_or_else(missing)? };
    let look = dashboard.shared.driver.read(move |engine, _| Look::of(engine, id)).await?;
    let mut look = look.ok_or_else(missing)?;
    let steps = match look.attempts.iter().rfind(|attempt| attempt.work == WorkKind::Train) {
        Some(attempt) => dashboard.steps(attempt.id).await?,
        None => Vec::new(),
    };
    look.has_steps = !steps.is_empty();
    look.logs = dashboard.logs(&look.attempts);
    let charts = charts::of_trial(look.epochs.clone(), steps);
    let data = embedded(&json!({ "name": format!("trial-{}-{}", id.sweep, id.index), "charts": charts }))?;
    let file = reproduction(&look.spec, &look.trial.spec).to_toml();
    page_of(&Page { frame: Frame::of(&viewer), look, file, data })
}

impl Dashboard {
    async fn steps(&self, attempt: AttemptId) -> Result<Vec<sweep_proto::StepMetric>, Refusal> {
        let mut reader = self.shared.driver.reader().await?;
        let read = tokio::task::spawn_blocking(move || reader.read_steps(attempt, 0, STEPS_MAX)).await;
        Ok(read.map_err(status::internal)?.map_err(status::internal)?)
    }
}

impl Dashboard {
    fn logs(&self, attempts: &[AttemptRecord]) -> Vec<(u32, AttemptLog)> {
        let log =
            |attempt: &AttemptRecord| Some((attempt.id.number, self.shared.attempt_logs.of(attempt.id)?));
        attempts.iter().rev().filter_map(log).take(LOGS_MAX).collect()
    }
}

impl Look {
    fn of(engine: &Engine, id: TrialId) -> Option<Self> {
        let tables = engine.tables();
        let trial = tables.trials.get(&id)?.clone();
        let source = trial.reused_from.unwrap_or(id);
        let mut attempts: Vec<_> = tables.attempts_of(source).cloned().collect();
        attempts.drain(..attempts.len().saturating_sub(ATTEMPTS_MAX));
        Some(Self {
            label: picture::label(engine, &trial),
            attempts,
            epochs: tables.epochs_of(source).map(|epoch| epoch.metric.clone()).collect(),
            spec: engine.sweep(id.sweep)?.spec.clone(),
            has_steps: false,
            logs: Vec::new(),
            trial,
        })
    }

    fn id(&self) -> TrialId {
        self.trial.spec.id
    }

    /// Every hyperparameter with its value.
    fn configuration(&self) -> Vec<(String, String)> {
        self.trial
            .spec
            .configuration
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    /// The epochs of the table, the newest ones.
    fn last_epochs(&self) -> &[EpochMetric] {
        &self.epochs[self.epochs.len().saturating_sub(EPOCH_ROWS_MAX)..]
    }

    fn work(attempt: &AttemptRecord) -> &'static str {
        match attempt.work {
            WorkKind::Train => "training",
            WorkKind::Evaluate => "test split",
        }
    }
}

/// The sweep of this trial's configuration alone.
fn reproduction(sweep: &SweepSpec, trial: &TrialSpec) -> SweepSpec {
    SweepSpec {
        axes: Vec::new(),
        fixed: trial.configuration.clone(),
        replicates: trial.replicate + 1,
        reuse: false,
        ..sweep.clone()
    }
}

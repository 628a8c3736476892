//! A sweep in the formats of other tools: one run per trial that has begun.

mod event;
mod mlflow;
mod tensorboard;

use std::collections::BTreeMap;

use coordinator_core::TrialState;
use sweep_proto::{Configuration, Digest, EpochMetric, TestFigure, TrialId, Value, WorkKind};
use thiserror::Error;

use crate::input::ReportInput;
use crate::table::{Table, TrialRow};

/// Most runs of one MLflow export: each is about forty small files.
pub const MLFLOW_RUNS_MAX: usize = 20_000;

/// Which tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Event files, a folder for each run.
    TensorBoard,
    /// The folder `mlruns` of a file store.
    Mlflow {
        /// URI of the folder that `mlruns` lies in, with a slash at its end. MLflow looks for artifacts there, from
        /// wherever it works; under `./` only from that folder.
        folder_uri: String,
    },
}

/// What tells the sweep from all others, those of other coordinators included, and is the same whenever it is exported.
fn identity(input: &ReportInput) -> Digest {
    let sweep = &input.sweep;
    Digest::of(format!("{} {} {}", sweep.id.0, sweep.created_at.0, sweep.spec.name).as_bytes())
}

/// Why a sweep cannot be exported.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ExportError {
    /// Nothing has been trained.
    #[error("no trial of the sweep has begun: there is nothing to export yet")]
    Empty,
    /// Too many files.
    #[error(
        "the sweep has {runs} runs: an MLflow folder is made of at most {MLFLOW_RUNS_MAX}, \
         because each takes some forty files; TensorBoard's format takes one file a run"
    )]
    TooMany {
        /// How many.
        runs: usize,
    },
}

/// Every file with its path, `/` between folders: made of numbers and of our own names only, so that no string from
/// outside can lead elsewhere. The same bytes for the same input.
///
/// # Errors
/// [`ExportError`] says what stands in the way.
pub fn export(input: &ReportInput, format: &ExportFormat) -> Result<Vec<(String, Vec<u8>)>, ExportError> {
    let table = Table::new(input);
    let started = started_ms(input);
    let runs: Vec<Run<'_>> = table
        .trials
        .iter()
        .filter(|trial| trial.outcome.is_some() || !trial.epochs.is_empty())
        .map(|trial| Run::new(input, &table, trial, &started))
        .collect();
    if runs.is_empty() {
        return Err(ExportError::Empty);
    }
    match format {
        ExportFormat::TensorBoard => Ok(tensorboard::files(input, &runs)),
        ExportFormat::Mlflow { .. } if runs.len() > MLFLOW_RUNS_MAX => {
            Err(ExportError::TooMany { runs: runs.len() })
        }
        ExportFormat::Mlflow { folder_uri } => Ok(mlflow::files(input, &runs, folder_uri)),
    }
}

/// One trial as other tools see it.
struct Run<'a> {
    trial: &'a TrialRow,
    configuration: &'a Configuration,
    /// Its swept values, in words.
    label: String,
    /// Every hyperparameter, the replicate and the seed.
    parameters: Vec<(&'static str, Parameter)>,
    /// What was measured once.
    finals: Vec<(&'static str, f64)>,
    /// When its first attempt began, in milliseconds since the Unix epoch.
    started_ms: u64,
}

enum Parameter {
    Value(Value),
    Number(u64),
}

impl<'a> Run<'a> {
    fn new(
        input: &ReportInput,
        table: &'a Table,
        trial: &'a TrialRow,
        started: &BTreeMap<TrialId, u64>,
    ) -> Self {
        let configuration = &table.configurations[trial.configuration];
        let mut parameters: Vec<_> =
            configuration.iter().map(|(one, value)| (one.name(), Parameter::Value(value))).collect();
        parameters.push(("replicate", Parameter::Number(u64::from(trial.replicate))));
        parameters.push(("seed", Parameter::Number(trial.seed)));
        let mut finals = Vec::new();
        if let Some(outcome) = trial.outcome {
            finals.push(("best/validation_loss", outcome.loss));
            finals.push(("best/validation_accuracy", outcome.accuracy));
            finals.push(("best/epoch", f64::from(outcome.best_epoch)));
            finals.push(("model/parameters", outcome.parameters as f64));
        }
        if let Some(test) = &trial.test {
            let figures = TestFigure::ALL.into_iter();
            finals.extend(figures.filter_map(|figure| Some((figure.chart(), figure.of(test)?))));
        }
        let origin = trial.reused_from.unwrap_or(trial.id);
        let began = started.get(&trial.id).or_else(|| started.get(&origin));
        Self {
            trial,
            configuration,
            label: table.label(trial.configuration),
            parameters,
            finals,
            started_ms: began.copied().unwrap_or(input.sweep.created_at.0),
        }
    }

    /// Each epoch with when it ended: the seconds of training count from the first attempt's begin.
    fn epochs(&self) -> impl Iterator<Item = (u64, &EpochMetric)> {
        let mut seconds = 0.0;
        self.trial.epochs.iter().map(move |epoch| {
            seconds += epoch.seconds.max(0.0);
            (self.started_ms.saturating_add((seconds * 1_000.0) as u64), epoch)
        })
    }

    /// When its last epoch ended.
    fn ended_ms(&self) -> u64 {
        self.epochs().last().map_or(self.started_ms, |(at, _)| at)
    }

    /// The last epoch, for what was measured once.
    fn last_epoch(&self) -> u32 {
        self.trial.epochs.last().map_or(0, |epoch| epoch.epoch)
    }

    fn is_completed(&self) -> bool {
        self.trial.state == TrialState::Completed
    }
}

/// When each trial's first training attempt began.
fn started_ms(input: &ReportInput) -> BTreeMap<TrialId, u64> {
    let mut started = BTreeMap::new();
    for attempt in input.attempts.iter().filter(|attempt| attempt.work == WorkKind::Train) {
        let first = started.entry(attempt.id.trial).or_insert(attempt.started_at.0);
        *first = (*first).min(attempt.started_at.0);
    }
    started
}

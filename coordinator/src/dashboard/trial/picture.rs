//! What the page of a trial shows, copied from the engine.

use coordinator_core::{AttemptRecord, AttemptState, Engine, TrialRecord};
use coordinator_report::sections::format;
use sweep_proto::metric::figure::Unit;
use sweep_proto::{EpochMetric, SweepSpec, TestFigure, TestMetric, TrialId, WorkKind};

use crate::attempt_logs::{AttemptLog, AttemptLogs};
use crate::dashboard::picture;

/// Epochs in the table; the charts, and the report's files, have all of them.
const EPOCH_ROWS_MAX: usize = 200;

/// Attempts on one page, the newest ones.
const ATTEMPTS_MAX: usize = 100;

/// Logs on one page, those of the newest attempts.
const LOGS_MAX: usize = 10;

/// A trial at one moment.
#[derive(Debug)]
pub(super) struct TrialPicture {
    pub(super) trial: TrialRecord,
    pub(super) label: String,
    pub(super) attempts: Vec<AttemptRecord>,
    /// Of the trial, or of the one whose result it reuses.
    pub(super) epochs: Vec<EpochMetric>,
    pub(super) spec: SweepSpec,
    /// Whether nothing of it changes any more.
    pub(super) has_ended: bool,
    /// Whether the sweep is there whose result it reuses: a deleted one has no pages.
    pub(super) has_origin_page: bool,
    /// Of the attempts that have one, the newest first, with the attempt's number.
    pub(super) logs: Vec<(u32, AttemptLog)>,
}

impl TrialPicture {
    /// The trial; `None` where there is none. Its logs are added by [`TrialPicture::with_logs`].
    pub(super) fn of(engine: &Engine, id: TrialId) -> Option<Self> {
        let tables = engine.tables();
        let trial = tables.trials.get(&id)?.clone();
        let sweep = engine.sweep(id.sweep)?;
        let source = trial.reused_from.unwrap_or(id);
        let mut attempts: Vec<_> = tables.attempts_of(source).cloned().collect();
        attempts.drain(..attempts.len().saturating_sub(ATTEMPTS_MAX));
        Some(Self {
            label: picture::label(engine, &trial),
            attempts,
            epochs: tables.epochs_of(source).map(|epoch| epoch.metric.clone()).collect(),
            spec: sweep.spec.clone(),
            has_origin_page: trial.reused_from.is_some_and(|origin| engine.sweep(origin.sweep).is_some()),
            has_ended: sweep.state.is_ended() && trial.lease.is_none(),
            logs: Vec::new(),
            trial,
        })
    }

    /// With what the workers logged.
    pub(super) fn with_logs(mut self, kept: &AttemptLogs) -> Self {
        let log = |attempt: &AttemptRecord| Some((attempt.id.number, kept.of(attempt.id)?));
        self.logs = self.attempts.iter().rev().filter_map(log).take(LOGS_MAX).collect();
        self
    }

    pub(super) fn id(&self) -> TrialId {
        self.trial.spec.id
    }

    /// The attempt that trained last, or still does.
    pub(super) fn last_training(&self) -> Option<&AttemptRecord> {
        self.attempts.iter().rfind(|attempt| attempt.work == WorkKind::Train)
    }

    /// Its state as people say it.
    pub(super) fn state(&self) -> &'static str {
        self.trial.state.words()
    }

    /// What it reached on the test split beside the accuracy, in words.
    pub(super) fn figures(test: &TestMetric) -> String {
        let others = TestFigure::ALL.into_iter().filter(|figure| *figure != TestFigure::Accuracy);
        let told = others.filter_map(|figure| {
            let value = figure.of(test)?;
            let value = match figure.row().unit {
                Unit::Fraction => format::percent(value),
                _ => format::number(value),
            };
            Some(format!("{} {value}", figure.words()))
        });
        told.collect::<Vec<_>>().join(", ")
    }

    /// The attempt that a worker is at.
    pub(super) fn running(&self) -> Option<&AttemptRecord> {
        self.attempts.last().filter(|attempt| attempt.state == AttemptState::Running)
    }

    /// How many epochs it trains for, unless it is stopped early.
    pub(super) fn epochs_planned(&self) -> u64 {
        self.trial.spec.configuration.epochs()
    }

    /// Every hyperparameter with its value.
    pub(super) fn configuration(&self) -> Vec<(String, String)> {
        let values = self.trial.spec.configuration.iter();
        values.map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    /// The epochs of the table, the newest ones.
    pub(super) fn last_epochs(&self) -> &[EpochMetric] {
        &self.epochs[self.epochs.len().saturating_sub(EPOCH_ROWS_MAX)..]
    }

    pub(super) fn work(attempt: &AttemptRecord) -> &'static str {
        match attempt.work {
            WorkKind::Train => "training",
            WorkKind::Evaluate => "test split",
        }
    }

    /// The sweep of this trial's configuration alone.
    pub(super) fn reproduction(&self) -> SweepSpec {
        let trial = &self.trial.spec;
        self.spec.of_configuration(trial.configuration.clone(), trial.replicate + 1)
    }
}

//! Tidy rows: one per trial and one per epoch of a trial, sorted, with reused epochs under their user.

use std::collections::BTreeMap;

use coordinator_core::{AttemptRecord, TrialState};
use coordinator_statistics::means::mean;
use sweep_proto::metric::figure::NUMBER_MAX;
use sweep_proto::text::inert_lines;
use sweep_proto::{
    AttemptId, Configuration, Digest, EpochFigure, EpochMetric, Hyperparameter, Objective, TestFigure,
    TestMetric, TrialId, TrialKey, Value,
};

use crate::input::ReportInput;

/// The label of a configuration where nothing is swept: no swept value is written so.
pub const ONLY_CONFIGURATION: &str = "the only configuration";

/// One trial.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialRow {
    /// The trial.
    pub id: TrialId,
    /// Index of its configuration in [`Table::configurations`].
    pub configuration: usize,
    /// Its replicate.
    pub replicate: u32,
    /// Its seed.
    pub seed: u64,
    /// Its content address.
    pub key: TrialKey,
    /// Its encoded dataset.
    pub dataset: Digest,
    /// Its state.
    pub state: TrialState,
    /// Its result, where completed and finite.
    pub outcome: Option<TrialOutcome>,
    /// Its test metric, where measured and finite.
    pub test: Option<TestMetric>,
    /// Its epochs in order, without gap or duplicate of a number; only those that are finite.
    pub epochs: Vec<EpochMetric>,
    /// Attempts begun.
    pub attempts: u32,
    /// Attempts failed.
    pub failures: u32,
    /// The trial that stands in for it.
    pub reused_from: Option<TrialId>,
    /// The epoch in which it diverged.
    pub diverged_epoch: Option<u32>,
    /// Why its last failed or diverged attempt ended.
    pub error: Option<String>,
    /// The worker of the last training attempt of the trial, or of the one that stands in for it.
    pub worker: Option<String>,
}

/// The numbers of a completed trial; all finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrialOutcome {
    /// What it is ranked by, lower being better: see [`Objective::score`]. Of the validation loss, the loss itself.
    pub score: f64,
    /// Validation loss at the best epoch.
    pub loss: f64,
    /// Validation accuracy at the best epoch.
    pub accuracy: f64,
    /// The best epoch, from 1.
    pub best_epoch: u32,
    /// Epochs trained.
    pub epochs: u32,
    /// Whether patience ran out.
    pub early_stopped: bool,
    /// Whether more epochs might have lowered its loss.
    pub was_still_learning: bool,
    /// Trained numbers of the model.
    pub parameters: u64,
}

impl TrialRow {
    /// The epoch whose weights are kept; `None` without a result, or without that epoch.
    pub fn kept_epoch(&self) -> Option<&EpochMetric> {
        let best = self.outcome?.best_epoch;
        self.epochs.iter().find(|epoch| epoch.epoch == best)
    }

    /// Seconds inside epochs; `None` without epochs.
    pub fn seconds(&self) -> Option<f64> {
        (!self.epochs.is_empty()).then(|| self.epochs.iter().map(|epoch| epoch.seconds).sum())
    }

    /// Mean over epochs of the training examples per second; `None` without epochs.
    pub fn examples_per_second(&self) -> Option<f64> {
        mean(self.epochs.iter().map(|epoch| epoch.examples_per_second))
    }

    /// Largest resident memory of its epochs, in bytes.
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.epochs.iter().map(|epoch| epoch.peak_memory_bytes).max()
    }

    /// Energy of its device inside epochs, in joules; `None` unless it is known of every epoch.
    pub fn energy_joules(&self) -> Option<f64> {
        if self.epochs.is_empty() {
            return None;
        }
        self.epochs.iter().map(|epoch| epoch.energy_joules).sum()
    }
}

/// The rows of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The swept hyperparameters, in the order of the sweep file.
    pub swept: Vec<Hyperparameter>,
    /// Every configuration that a trial has, in the order of first appearance.
    pub configurations: Vec<Configuration>,
    /// The trials by id.
    pub trials: Vec<TrialRow>,
    /// Whether all combinations of levels are to be trained, so that trials with the same other values stand at every level.
    pub is_whole_grid: bool,
}

impl Table {
    /// Sorts the records and joins them; scores are those of the sweep's objective.
    pub fn new(input: &ReportInput) -> Self {
        Self::by(input, input.sweep.spec.objective)
    }

    /// As [`Self::new`], with scores by this objective.
    pub fn by(input: &ReportInput, objective: Objective) -> Self {
        let epochs = epochs_by_trial(input);
        let attempts: BTreeMap<AttemptId, &AttemptRecord> =
            input.attempts.iter().map(|attempt| (attempt.id, attempt)).collect();
        let mut records: Vec<_> = input.trials.iter().collect();
        records.sort_by_key(|trial| trial.spec.id);

        let mut positions: BTreeMap<&Configuration, usize> = BTreeMap::new();
        let mut configurations = Vec::new();
        let mut trials = Vec::with_capacity(records.len());
        for record in records {
            let configuration = *positions.entry(&record.spec.configuration).or_insert_with(|| {
                configurations.push(record.spec.configuration.clone());
                configurations.len() - 1
            });
            let id = record.spec.id;
            // A reused trial has no epochs of its own: those of its original stand in.
            let result = record.result.as_ref();
            let origin = if epochs.contains_key(&id) { id } else { record.reused_from.unwrap_or(id) };
            trials.push(TrialRow {
                id,
                configuration,
                replicate: record.spec.replicate,
                seed: record.spec.seed,
                key: record.key(),
                dataset: *record.spec.dataset,
                state: record.state,
                outcome: outcome(record, objective, || {
                    epochs.get(&origin)?.get(&result?.best_epoch).copied()
                }),
                test: record
                    .test
                    .as_deref()
                    .filter(|test| TestFigure::ALL.iter().filter_map(|one| one.of(test)).all(is_sensible))
                    .cloned(),
                epochs: epochs
                    .get(&origin)
                    .map(|of| of.values().copied().cloned().collect())
                    .unwrap_or_default(),
                attempts: record.attempts,
                failures: record.failures,
                reused_from: record.reused_from,
                diverged_epoch: record.diverged_epoch,
                error: record.last_error.as_deref().map(inert_lines),
                worker: last_worker(&attempts, record.reused_from.unwrap_or(id)),
            });
        }
        let spec = &input.sweep.spec;
        Self { swept: spec.swept(), configurations, trials, is_whole_grid: spec.is_whole_grid() }
    }

    /// The trials with a result.
    pub fn completed(&self) -> impl Iterator<Item = (&TrialRow, TrialOutcome)> {
        self.trials.iter().filter_map(|trial| trial.outcome.map(|outcome| (trial, outcome)))
    }

    /// The trials with a result, by their level of a hyperparameter.
    pub fn completed_by_level(&self, of: Hyperparameter) -> BTreeMap<Value, Vec<(&TrialRow, TrialOutcome)>> {
        let mut by_level: BTreeMap<Value, Vec<_>> = BTreeMap::new();
        for (trial, outcome) in self.completed() {
            let level = self.configurations[trial.configuration].get(of);
            by_level.entry(level).or_default().push((trial, outcome));
        }
        by_level
    }

    /// The swept values of a configuration, in words.
    pub fn label(&self, configuration: usize) -> String {
        if self.swept.is_empty() {
            return ONLY_CONFIGURATION.to_owned();
        }
        self.configurations.get(configuration).map(|one| one.label(&self.swept)).unwrap_or_default()
    }

    /// The swept hyperparameters, then all others in table order: the order of columns.
    pub fn columns(&self) -> Vec<Hyperparameter> {
        let others = Hyperparameter::ALL.iter().copied().filter(|one| !self.swept.contains(one));
        self.swept.iter().copied().chain(others).collect()
    }
}

fn epochs_by_trial(input: &ReportInput) -> BTreeMap<TrialId, BTreeMap<u32, &EpochMetric>> {
    let mut sorted: Vec<_> = input.epochs.iter().collect();
    // Where an epoch stands twice, the later attempt's counts.
    sorted.sort_by_key(|record| (record.trial, record.metric.epoch, record.attempt));
    let mut by_trial: BTreeMap<TrialId, BTreeMap<u32, &EpochMetric>> = BTreeMap::new();
    for record in sorted.into_iter().filter(|record| is_finite(&record.metric)) {
        by_trial.entry(record.trial).or_default().insert(record.metric.epoch, &record.metric);
    }
    by_trial
}

/// A diverged epoch may hold NaN or infinite numbers: it belongs to the failures, not to means.
pub(crate) fn is_finite(metric: &EpochMetric) -> bool {
    EpochFigure::ALL.iter().filter_map(|figure| figure.of(metric)).all(is_sensible)
}

fn is_sensible(number: f64) -> bool {
    number.abs() <= NUMBER_MAX
}

pub(crate) fn all_finite(numbers: &[f64]) -> bool {
    numbers.iter().copied().all(is_sensible)
}

/// `kept` is the epoch whose weights are kept.
fn outcome<'e>(
    record: &coordinator_core::TrialRecord,
    objective: Objective,
    kept: impl FnOnce() -> Option<&'e EpochMetric>,
) -> Option<TrialOutcome> {
    let result = record.result.as_ref().filter(|_| record.state == TrialState::Completed)?;
    let score = if objective == Objective::default() { result.score } else { objective.score_of(kept()?)? };
    all_finite(&[score, result.score, result.accuracy]).then_some(TrialOutcome {
        score,
        loss: result.score,
        accuracy: result.accuracy,
        best_epoch: result.best_epoch,
        epochs: result.epochs,
        early_stopped: result.early_stopped,
        was_still_learning: result.was_still_learning(),
        parameters: result.parameters,
    })
}

fn last_worker(attempts: &BTreeMap<AttemptId, &AttemptRecord>, trial: TrialId) -> Option<String> {
    attempts
        .range(AttemptId { trial, number: 0 }..=AttemptId { trial, number: u32::MAX })
        .rev()
        .find(|(_, attempt)| attempt.work == sweep_proto::WorkKind::Train)
        .map(|(_, attempt)| attempt.worker_name.to_string())
}

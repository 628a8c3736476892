//! The contract of `report.json`: every number of the report, and nothing about its looks.
//!
//! Losses are mean cross-entropies in nats, accuracies fractions in `0..=1`, spreads sample standard
//! deviations. A value that does not exist is `null`, never NaN. Fields are only ever added; a change
//! of meaning raises [`SCHEMA_VERSION`].

mod answer;
pub mod comparison;
mod conclusion;
mod effects;
mod findings;
mod front;
mod search_end;
mod test_split;

use std::collections::BTreeMap;

use serde::Serialize;
use sweep_proto::left_out::is_default;
use sweep_proto::metric::figure::Better;
use sweep_proto::{
    DataAccount, DataSpec, DataWarning, Hyperparameter, MeteredPart, Objective, Search, Value,
};

pub use coordinator_statistics::interval::{Band, Interval, ReplicateMean, Summary};

pub use self::answer::{
    Answer, BesideStudy, BestBy, CrossFittedGap, Gap, PastChoice, Strongest, StudyVerdict, TestFigures,
};
pub use self::conclusion::{ChosenPlace, Conclusion, FrontNote, NextStep, Worth};
pub use self::effects::{
    Effect, Factor, FactorTest, Factorial, Fanova, HeldLevel, HyperparameterImportance, Importance,
    Interaction, LevelComparison, LevelEffect, LevelQuantiles, LossQuantiles, MainEffects, OneFactor,
    Variance, VarianceShare,
};
pub use self::findings::{
    Consequence, GroupLabel, PanelTitle, ReplicatesNeeded, Setting, SettingValue, VerdictReason, VerdictRule,
};
pub use self::front::{BeatingMember, CheapestMember, Front, WeighedConfiguration, WeighedObjective};
pub use self::search_end::SearchEnd;
pub use self::test_split::{Baseline, HardestExample, ReliabilityBin, TestSplit};

/// Version of `report.json`.
pub const SCHEMA_VERSION: u32 = 4;

/// The values of the hyperparameters, by name.
pub type Values = BTreeMap<Hyperparameter, Value>;

/// Every number of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReportModel {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Of when the report is, in milliseconds since the Unix epoch: the end of an ended sweep, else when it was made.
    pub generated_at_ms: u64,
    /// The version of the program that made it.
    pub build: String,
    /// What configurations are ranked by, where that is not the validation loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<SweepObjective>,
    /// The answer to the sweep's question.
    pub answer: Answer,
    /// The chosen configuration on the test split; `null` where it was not measured.
    pub test_split: Option<TestSplit>,
    /// What became of every planned trial.
    pub ledger: TrialAccount,
    /// What was found in the data that changes the meaning of the answer, the gravest first.
    pub data_warnings: Vec<DataWarning>,
    /// What was launched, on what, by whom.
    pub set_up: SetUp,
    /// Learning curves: one panel per swept hyperparameter, then the extremes.
    pub curves: Vec<CurvePanel>,
    /// The effect of each swept hyperparameter on its own.
    pub main_effects: MainEffects,
    /// The analysis of variance; `null` unless some replicates are complete on a full grid.
    pub factorial: Option<Factorial>,
    /// What sets the best trials apart; `null` below two swept hyperparameters or twenty results.
    pub importance: Option<Importance>,
    /// Each swept hyperparameter by itself, the others held at the best configuration.
    pub one_factor_at_a_time: Vec<OneFactor>,
    /// Mean scores of pairs of levels, for pairs of swept hyperparameters.
    pub interactions: Vec<Interaction>,
    /// How the validation losses at each level are distributed, for each swept hyperparameter.
    pub loss_quantiles: Vec<LossQuantiles>,
    /// Every configuration with a completed trial, best first: most completed replicates, then lowest mean
    /// validation loss.
    pub ranking: Vec<RankedConfiguration>,
    /// What may be traded for what; left out of a sweep with one objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub front: Option<Front>,
    /// What it cost.
    pub cost: Cost,
    /// How steady each ranked configuration's last epochs are, in ranking order.
    pub stability: Vec<Stability>,
    /// How soon each ranked configuration learns, in ranking order.
    pub convergence: Vec<Convergence>,
    /// Every attempt that did not bring a result.
    pub failures: Vec<FailedAttempt>,
    /// The answer if trials without a result had been the worst; `null` where every trial that ended has a result.
    pub if_failures_were_worst: Option<Sensitivity>,
}

impl ReportModel {
    /// What configurations are ranked by.
    pub fn objective(&self) -> Objective {
        self.objective.as_ref().map_or_else(Objective::default, |one| one.metric)
    }
}

/// The objective of a sweep that is not ranked by the validation loss.
///
/// Its analysis is that of scores: fields that are named after the loss hold them, and files name these `score`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SweepObjective {
    /// The metric.
    pub metric: Objective,
    /// `minimize` or `maximize`.
    pub direction: &'static str,
    /// What a score is, such as `1 - validation_accuracy`; lower is better.
    pub score: String,
}

impl SweepObjective {
    /// `None` of the validation loss.
    pub fn of(objective: Objective) -> Option<Self> {
        let score = match objective.figure().row().better {
            Better::Lower => objective.name().to_owned(),
            Better::Higher => format!("1 - {objective}"),
        };
        let is_other = objective != Objective::default();
        is_other.then(|| Self { metric: objective, direction: objective.direction(), score })
    }
}

/// What became of every planned trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialAccount {
    /// Grid points times replicates, from the sweep's specification. `null` where hours or money alone bound a search: it has as many as
    /// they allow.
    pub planned: Option<u64>,
    /// Trials in each state, every state named.
    pub states: BTreeMap<&'static str, u64>,
    /// Trials that have a record.
    pub recorded: u64,
    /// Trials without one: of a large sweep that was cancelled they were never made, of one that runs they are yet to be made.
    /// Among the states they stand as what they are, or are going to be.
    #[serde(skip_serializing_if = "is_default")]
    pub unmade: u64,
    /// Trials that stand twice for the same configuration and replicate.
    pub duplicates: u64,
    /// Completed trials without a result.
    pub without_result: u64,
    /// Whether `planned` is the sum over the states, with no duplicate and no completed trial without a result.
    pub balanced: bool,
    /// Completed trials whose result an earlier trial gave.
    pub reused: u64,
    /// Pruned trials that had begun and not ended when a budget of hours or money was spent. They go on where it is raised, as long as
    /// their checkpoints are kept.
    #[serde(skip_serializing_if = "is_default")]
    pub shelved: u64,
    /// Attempts of this sweep's trials, of either kind.
    pub attempts: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
    /// Attempts that diverged.
    pub diverged_attempts: u64,
    /// Attempts whose lease was lost: it ran out without a word, or its worker left or began again without handing it back.
    pub lost_leases: u64,
    /// Attempts handed back by their worker.
    pub released_attempts: u64,
    /// Attempts ended by a command: a cancel, an extension, a worker that was shut out.
    pub revoked_attempts: u64,
}

impl TrialAccount {
    /// Trials that there are to be; where nobody knows, those that were made.
    pub fn all(&self) -> u64 {
        self.planned.unwrap_or(self.recorded)
    }
}

/// What was launched, on what, by whom.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetUp {
    /// The sweep's number.
    pub sweep: u64,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: &'static str,
    /// When it was launched, in milliseconds since the Unix epoch.
    pub created_at_ms: u64,
    /// When it ended.
    pub ended_at_ms: Option<u64>,
    /// The dataset.
    pub data: DataSpec,
    /// The values that are not swept.
    pub fixed: Values,
    /// What is swept.
    pub axes: Vec<Levels>,
    /// What every configuration fulfils.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// How the space was searched; left out where every configuration was trained to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
    /// The part of its budget because of which no trial began any more: hours or money; left out where none did that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<MeteredPart>,
    /// Whether combinations of levels are left out: by conditions, constraints or a search.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub leaves_out: bool,
    /// Replicates per configuration.
    pub replicates: u32,
    /// The seed from which the replicates' seeds derive.
    pub seed: u64,
    /// The seed of each replicate, from replicate 0.
    pub replicate_seeds: Vec<u64>,
    /// Attempts of one trial that may fail.
    pub failures_max: u32,
    /// Whether finished trials of earlier sweeps stand in.
    pub reuse: bool,
    /// The version of the trainer's numerics, part of every trial's key.
    pub numerics_version: u32,
    /// The encoded datasets.
    pub datasets: Vec<Dataset>,
    /// The workers.
    pub workers: Vec<Worker>,
    /// A sweep file that reproduces the sweep as it stands: every value written out, levels and replicates
    /// that were added later too, paths as the coordinator resolved them.
    pub sweep_file: String,
    /// The sweep file as it was launched.
    pub file_text: String,
    /// Whether the space of a search was extended after its launch, so that the sweep file proposes other trials.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub space_was_extended: bool,
}

/// One swept hyperparameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Levels {
    /// The hyperparameter.
    pub hyperparameter: Hyperparameter,
    /// Its levels; none of a range.
    pub levels: Vec<Value>,
    /// Its range, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_written")]
    pub range: Option<sweep_proto::Range>,
    /// The values of other hyperparameters with which it is varied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<sweep_proto::Condition>,
}

impl Levels {
    /// Those of an axis.
    pub fn of(axis: &sweep_proto::Axis) -> Self {
        Self {
            hyperparameter: axis.hyperparameter,
            levels: axis.levels().to_vec(),
            range: axis.range().copied(),
            when: axis.when.clone(),
        }
    }

    /// The range as it stands in a sweep file, or the levels with commas between them.
    pub fn words(&self) -> String {
        self.range.map_or_else(|| listed(&self.levels), |range| range.to_string())
    }

    /// Its conditions as equations: `layers = 2, 3`; `None` where it is always varied.
    pub fn conditions(&self) -> Option<String> {
        let equations =
            self.when.iter().map(|one| format!("{} = {}", one.hyperparameter, listed(&one.values)));
        (!self.when.is_empty()).then(|| equations.collect::<Vec<_>>().join("; "))
    }
}

fn listed(values: &[Value]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A range as it stands in a sweep file.
#[allow(clippy::ref_option, reason = "serde asks so")]
fn as_written<S: serde::Serializer>(
    range: &Option<sweep_proto::Range>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match range {
        Some(range) => serializer.collect_str(range),
        None => serializer.serialize_none(),
    }
}

/// An encoded dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dataset {
    /// The data hyperparameters that it was encoded with.
    pub variant: Values,
    /// SHA-256 of the encoded file.
    pub digest: String,
    /// Size of the encoded file.
    pub bytes: u64,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Distinct tokens.
    pub vocabulary: u32,
    /// Rows of the training split.
    pub train_rows: u64,
    /// Rows of the validation split.
    pub validation_rows: u64,
    /// Rows of the test split.
    pub test_rows: u64,
    /// What its preparation found; `null` for sweeps of versions that did not keep it.
    pub account: Option<DataAccount>,
}

/// A worker process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worker {
    /// Its identity.
    pub id: String,
    /// Its machine's name.
    pub name: String,
    /// Its program version.
    pub build: String,
    /// Its state.
    pub state: &'static str,
    /// Trials side by side.
    pub slots: u32,
    /// Its devices, in words.
    pub devices: Vec<String>,
    /// Attempts of this sweep that it ran.
    pub attempts: u64,
}

/// Learning curves of several groups of completed trials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurvePanel {
    /// What the groups are levels of; `null` where they are not.
    pub hyperparameter: Option<Hyperparameter>,
    /// The panel's title.
    pub title: PanelTitle,
    /// One curve each.
    pub groups: Vec<CurveGroup>,
}

/// The mean curve of a group of trials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurveGroup {
    /// The level or configuration.
    pub label: GroupLabel,
    /// Completed trials in the group.
    pub trials: u32,
    /// One point per epoch, thinned where there are very many.
    pub points: Vec<CurvePoint>,
}

/// One epoch of a mean curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// The epoch, from 1.
    pub epoch: u32,
    /// Trials that reached it.
    pub trials: u32,
    /// Training loss.
    pub train_loss: Band,
    /// Validation loss.
    pub validation_loss: Band,
    /// Training accuracy.
    pub train_accuracy: Band,
    /// Validation accuracy.
    pub validation_accuracy: Band,
}

/// One configuration in the ranking.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankedConfiguration {
    /// Its place, from 1.
    pub rank: u32,
    /// Its swept values, in words.
    pub label: String,
    /// Its swept values.
    pub values: Values,
    /// Its score.
    pub validation_loss: Summary,
    /// Whether it completed the very replicates of the first, so that their means can be compared.
    pub is_covered_like_first: bool,
    /// Of its expected loss; `null` below three replicates.
    pub validation_loss_interval: Option<Interval>,
    /// The probability that it is the best of those covered like the best.
    pub probability_best: Option<f64>,
    /// The share of sweeps, drawn from the replicates with replacement, in which it is; `null` below ten replicates.
    pub bootstrap_share_best: Option<f64>,
    /// Its accuracy.
    pub validation_accuracy: Summary,
    /// Replicates planned: fewer completed ones make its mean less sure.
    pub replicates_planned: u32,
    /// Trained numbers of its model.
    pub parameters: u64,
    /// Mean best epoch.
    pub best_epoch: f64,
    /// Mean test accuracy, where it was chosen and measured.
    pub test_accuracy: Option<f64>,
}

/// What the sweep cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// From launch to end, or to the making of the report, in seconds: on the calendar, with what the sweep stood still.
    pub wall_seconds: f64,
    /// Seconds in which attempts of this sweep ran: the union of their times under leases, with pauses of up to ten seconds.
    pub running_seconds: f64,
    /// Seconds inside the epochs of the results, reused trials left out.
    pub training_seconds: f64,
    /// Seconds that ended attempts of this sweep held their slots: to their end, or to the last sign of life of a worker that died.
    pub attempt_seconds: f64,
    /// Of these, seconds of work that had to be done again: what came after the newest checkpoint that was kept.
    pub lost_attempt_seconds: f64,
    /// Seconds of training that reused trials saved.
    pub reused_seconds: f64,
    /// Hours of devices in `attempt_seconds`; slots share a device in equal parts.
    pub device_hours: f64,
    /// The same of `lost_attempt_seconds`.
    pub lost_device_hours: f64,
    /// In money; `null` without a price that fits a device.
    pub money: Option<Money>,
    /// How well the time left was foretold after the first trials; `null` for a sweep of few trials, and where trials were
    /// tried twice.
    pub forecast: Option<ForecastCheck>,
    /// Each device model, by name.
    pub by_device: Vec<Usage>,
    /// Each worker, by name.
    pub by_worker: Vec<Usage>,
    /// Each ranked configuration, in ranking order.
    pub configurations: Vec<ConfigurationCost>,
}

/// A forecast of the time left, held against what came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ForecastCheck {
    /// Trials that were complete when it was made.
    pub completed: u64,
    /// Seconds that it gave the other trials.
    pub forecast_seconds: f64,
    /// Lower end of its interval.
    pub low_seconds: f64,
    /// Upper end of its interval.
    pub high_seconds: f64,
    /// Seconds that they took.
    pub seconds: f64,
    /// Forecasts that were made again from here to the end, at most 20.
    pub made: u64,
    /// Of these, forecasts whose interval held the end; nine of ten are to.
    pub held: u64,
}

/// What the device hours cost, in the currency of the prices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Money {
    /// Of all device hours with a price.
    pub total: f64,
    /// Of these, of work that had to be done again.
    pub lost: f64,
    /// Device hours without a price.
    pub unpriced_device_hours: f64,
}

/// What a worker, or all devices of one model, did for the sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Usage {
    /// The worker's name, or the device's model.
    pub name: String,
    /// The device's model.
    pub device: String,
    /// Attempts begun, of either kind.
    pub attempts: u64,
    /// Trials whose result it brought.
    pub trials: u64,
    /// Epochs that it trained, of those that lead to results.
    pub epochs: u64,
    /// Mean over these of the training examples per second.
    pub examples_per_second: Option<f64>,
    /// Seconds that its ended attempts held their slots.
    pub lease_seconds: f64,
    /// The same in hours of devices: slots share a device in equal parts.
    pub device_hours: f64,
    /// Of these, of work that had to be done again.
    pub lost_device_hours: f64,
    /// Its price, where one fits.
    pub price_per_device_hour: Option<f64>,
    /// What its device hours cost.
    pub money: Option<f64>,
    /// Energy of its devices in its epochs, where any is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<Energy>,
}

/// Energy of devices inside epochs: what goes on beside epochs, and devices that do not tell, are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Energy {
    /// In watt-hours.
    pub watt_hours: f64,
    /// Epochs of which it is known.
    pub epochs: u64,
}

/// What one trial of a configuration costs; means over its completed trials with epochs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfigurationCost {
    /// Its place in the ranking.
    pub rank: u32,
    /// Its swept values, in words.
    pub label: String,
    /// Seconds inside epochs per trial.
    pub seconds: Option<f64>,
    /// Training examples per second.
    pub examples_per_second: Option<f64>,
    /// Largest resident memory seen.
    pub peak_memory_bytes: Option<u64>,
    /// Energy of the device inside epochs per trial, in joules, over the trials of which it is known whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_joules: Option<f64>,
    /// Trained numbers of its model.
    pub parameters: u64,
    /// Its mean validation accuracy.
    pub validation_accuracy: f64,
    /// Whether no other configuration is at least as accurate, as fast and as small, and better in one of the
    /// three; up to version 2 of the schema, size did not count.
    pub on_front: bool,
}

/// How steady a configuration's curves end; means over its completed trials with epochs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stability {
    /// Its place in the ranking.
    pub rank: u32,
    /// Its swept values, in words.
    pub label: String,
    /// Least-squares slope of the validation loss over the last epochs, per epoch.
    pub last_epochs_slope: Option<f64>,
    /// Standard deviation of the validation loss over the last epochs.
    pub last_epochs_standard_deviation: Option<f64>,
    /// Validation loss of the last epoch less that of the best: what training too long cost.
    pub overfitting: Option<f64>,
    /// Validation loss less training loss at the last epoch.
    pub generalization_gap: Option<f64>,
}

/// How soon a configuration learns; means over its completed trials with epochs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Convergence {
    /// Its place in the ranking.
    pub rank: u32,
    /// Its swept values, in words.
    pub label: String,
    /// The epoch of the lowest validation loss, the first where several are equal.
    pub lowest_loss_epoch: Option<Summary>,
    /// Epochs until the validation loss is within 5 % of the trial's lowest.
    pub epochs_to_near_lowest: Option<Summary>,
    /// Seconds inside these epochs.
    pub seconds_to_near_lowest: Option<Summary>,
}

/// What failed and diverged trials could change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sensitivity {
    /// Failed and diverged trials, each taken to have the highest validation loss of all completed ones.
    pub without_result: u32,
    /// The configuration with the lowest mean then, in words.
    pub best: String,
    /// Whether it is the one that is the best without them.
    pub is_same: bool,
}

/// An attempt that brought no result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailedAttempt {
    /// The attempt, written `sweep/trial/number`.
    pub attempt: String,
    /// The trial's swept values, in words.
    pub label: String,
    /// Its replicate.
    pub replicate: u32,
    /// What was done: `train` or `evaluate`.
    pub work: &'static str,
    /// Its worker's name.
    pub worker: String,
    /// `failed`, `diverged`, `expired`, `released` or `revoked`.
    pub outcome: &'static str,
    /// What kind of failure, where failed.
    pub kind: Option<&'static str>,
    /// What the worker said.
    pub reason: Option<String>,
    /// Seconds that it held its lease.
    pub seconds: Option<f64>,
    /// What followed for the trial and for the conclusions.
    pub consequence: Consequence,
}

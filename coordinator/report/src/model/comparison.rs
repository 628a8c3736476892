//! The contract of `comparison.json`: two sweeps side by side.

use serde::Serialize;
use sweep_proto::left_out::is_default;
use sweep_proto::{Hyperparameter, Objective};

use super::{CurvePanel, Interval, Setting, SettingValue, Summary, Values};

/// Two sweeps side by side. Differences are the second less the first: below 0, the second has the lower loss.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When the comparison was made, in milliseconds since the Unix epoch.
    pub generated_at_ms: u64,
    /// The version of the program that made it.
    pub build: String,
    /// The two sweeps.
    pub sweeps: [ComparedSweep; 2],
    /// What both are ranked and compared by; left out where that is the validation loss. Of another objective, fields that are named
    /// after the loss hold scores, as in `report.json`.
    #[serde(skip_serializing_if = "is_default")]
    pub objective: Objective,
    /// The objectives of the two, where they differ: then both are compared by the validation loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objectives: Option<[Objective; 2]>,
    /// Whether both were trained and validated on the same rows.
    pub is_same_data: bool,
    /// What stands differently in the two.
    pub settings: Vec<SettingDifference>,
    /// Hyperparameters that neither sweeps and that differ: configurations are matched by all others.
    pub under_study: Vec<Hyperparameter>,
    /// Configurations with a result in both.
    pub matched: u64,
    /// Those of them with a common seed, in the ranking of the first.
    pub pairs: Vec<PairedConfiguration>,
    /// The mean over the matched configurations, seed by seed, over the seeds that all of them have in both.
    pub overall: Option<PairedDifference>,
    /// Configurations with a result that only one of the two has.
    pub unmatched: [u64; 2],
    /// Whether both were trained on one device model by one build: else their numbers differ by rounding, too.
    pub is_same_machine: bool,
    /// Learning curves of the best configuration of each.
    pub curves: CurvePanel,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedSweep {
    /// Its number.
    pub sweep: u64,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: &'static str,
    /// Whether trials are still open.
    pub provisional: bool,
    /// Trials planned; those that were made where hours or money alone bound a search.
    pub trials_planned: u64,
    /// Trials completed.
    pub trials_completed: u64,
    /// Trials that failed for good: without a result, they count in no mean.
    pub trials_failed: u64,
    /// Trials that diverged, alike.
    pub trials_diverged: u64,
    /// Models of the devices of the workers that trained for it, each once.
    pub devices: Vec<String>,
    /// Versions of their programs, each once.
    pub builds: Vec<String>,
    /// How many choices of it were measured on the test split: above 1 its test score is optimistic.
    pub test_split_uses: u64,
    /// Its best configuration; `null` where no trial completed.
    pub best: Option<BestConfiguration>,
    /// Its best configuration by its own objective, where the two sweeps have different ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_best: Option<OwnBest>,
}

/// The best configuration of a sweep by its own objective.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OwnBest {
    /// Its swept values, in words.
    pub label: String,
    /// The objective.
    pub objective: Objective,
    /// Its mean of that metric: the metric itself, and not a score.
    pub mean: f64,
}

/// The best configuration of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BestConfiguration {
    /// Its swept values, in words.
    pub label: String,
    /// Every value of it.
    pub values: Values,
    /// Its score.
    pub validation_loss: Summary,
    /// Of its expected loss, as if it had been named beforehand.
    pub validation_loss_interval: Option<Interval>,
    /// Its accuracy.
    pub validation_accuracy: Summary,
    /// Mean accuracy on the test split, where measured.
    pub test_accuracy: Option<f64>,
}

/// One setting that stands differently.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SettingDifference {
    /// Its name.
    pub setting: Setting,
    /// How it stands in each, in words.
    pub values: [SettingValue; 2],
}

/// One configuration in both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairedConfiguration {
    /// The values that are swept in one of the two, in words.
    pub label: String,
    /// Its mean validation loss in each, over the common seeds.
    pub validation_loss: [f64; 2],
    /// The difference over the common seeds.
    pub difference: PairedDifference,
    /// Its probability, corrected by Holm over all configurations that have one.
    pub p_holm: Option<f64>,
}

/// A mean of differences of two numbers that share a seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PairedDifference {
    /// Seeds that both have.
    pub seeds: u32,
    /// Mean over the seeds, the second less the first.
    pub mean: f64,
    /// Of the differences; `null` below two seeds.
    pub standard_deviation: Option<f64>,
    /// Of the expected difference; `null` below three seeds, or where every seed gave the same.
    pub interval: Option<Interval>,
    /// Of no difference, by Student's t, two-sided; `null` below two seeds, or where every seed gave the same.
    pub p: Option<f64>,
}

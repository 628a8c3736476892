//! The answer's numbers: the best configuration, its distance from the worst, what matters most.

use serde::{Serialize, Serializer};
use sweep_proto::{Hyperparameter, TestFigure};

use super::search_end::SearchEnd;
use super::{Conclusion, Interval, Summary, Values, VerdictReason, VerdictRule};

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// What to use, how well it does and what to do next, in a sentence or two; `null` where no trial has completed.
    pub conclusion: Option<Conclusion>,
    /// How its search came to its end, where that was steered; else `null`.
    pub search_end: Option<SearchEnd>,
    /// Whether trials are still open, so that the answer may change.
    pub provisional: bool,
    /// The swept values of the chosen configuration, in words; empty where none has a result.
    pub label: String,
    /// Every value of the chosen configuration: lowest mean validation loss among those with the most
    /// completed replicates.
    pub configuration: Option<Values>,
    /// Its score: validation loss at each replicate's best epoch.
    pub validation_loss: Option<Summary>,
    /// Of its expected loss under other seeds and on the same rows, as if it had been named beforehand; `null` below three
    /// replicates.
    pub validation_loss_interval: Option<Interval>,
    /// Its validation accuracy at the same epochs.
    pub validation_accuracy: Option<Summary>,
    /// Of its expected accuracy under other seeds and on other rows, alike.
    pub validation_accuracy_interval: Option<Interval>,
    /// The same of other rows alone (Wilson): what so few validation rows leave open, however many replicates there are.
    pub validation_accuracy_rows_interval: Option<Interval>,
    /// Rows of the validation split; `null` where the dataset is not known.
    pub validation_rows: Option<u64>,
    /// The probability that no configuration covered like it has a lower expected loss; `null` below two of
    /// them or two replicates.
    pub probability_best: Option<f64>,
    /// Whose noise that probability and the gap's interval count; `null` where there is none.
    pub probability_best_by: Option<BestBy>,
    /// The share of sweeps, drawn from its replicates with replacement, in which it has the lowest mean; `null` below
    /// ten replicates.
    pub bootstrap_share_best: Option<f64>,
    /// Mean accuracy of its replicates on the test split, a fraction; `null` when not measured.
    pub test_accuracy: Option<f64>,
    /// The same with its spread.
    pub test_accuracy_summary: Option<Summary>,
    /// Of its expected accuracy under other seeds and on other test rows, by Student's t over its replicates and
    /// Wilson's interval over the rows; `null` below three replicates.
    pub test_accuracy_interval: Option<Interval>,
    /// The same of other rows alone.
    pub test_accuracy_rows_interval: Option<Interval>,
    /// Rows of the test split; `null` where it is not measured.
    pub test_rows: Option<u64>,
    /// Means of its replicates on the test split: `test_loss`, `test_macro_f1` and so on, every figure of the table of metrics but
    /// the accuracy above.
    #[serde(flatten)]
    pub test_figures: TestFigures,
    /// `confusion[truth][predicted]`, summed over its measured replicates.
    pub test_confusion: Option<Vec<Vec<u64>>>,
    /// Best against worst configuration; `null` below two configurations.
    pub gap: Option<Gap>,
    /// Which hyperparameter matters most, or that it is undecided.
    pub strongest_hyperparameter: Strongest,
    /// What the study behind this program found, beside this; `null` unless the sweep varies the study's three
    /// hyperparameters.
    pub study: Option<BesideStudy>,
    /// Completed trials with their lowest validation loss in the last of several epochs, which patience did not end: more
    /// epochs might have lowered it.
    pub trials_still_improving: u64,
    /// How many choices were measured on the test split. Above 1 the sweep went on after a measurement, and the last test score
    /// is optimistic.
    pub test_split_uses: u64,
    /// The choices before this one that were measured, oldest first.
    pub earlier_choices: Vec<PastChoice>,
}

/// Means over replicates of the figures of the test split; `null` where one was not measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TestFigures([Option<f64>; TestFigure::COUNT]);

impl TestFigures {
    /// What `mean` says of each figure.
    pub fn of_each(mean: impl Fn(TestFigure) -> Option<f64>) -> Self {
        Self(TestFigure::ALL.map(mean))
    }

    /// One of them.
    pub fn of(&self, figure: TestFigure) -> Option<f64> {
        self.0[figure as usize]
    }

    /// Those beside the accuracy, which stands by itself.
    pub fn beside_accuracy() -> impl Iterator<Item = TestFigure> {
        TestFigure::ALL.into_iter().filter(|figure| *figure != TestFigure::Accuracy)
    }
}

impl Serialize for TestFigures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Self::beside_accuracy().map(|figure| (figure.column(), self.of(figure))))
    }
}

/// A choice that was measured on the test split before the sweep was extended or retried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PastChoice {
    /// The swept values, in words.
    pub label: String,
    /// When the sweep ended with it, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Completed trials that it was chosen from.
    pub trials: u64,
    /// Mean accuracy of its replicates on the test split, a fraction.
    pub test_accuracy: f64,
}

/// Whose noise the probability of being the best counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BestBy {
    /// That of the error strata: configurations that share a level share its seed noise.
    Strata,
    /// The residual with one degree of freedom less than there are replicates, where the grid is not complete.
    Residual,
}

/// How far the best configuration is from the worst.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// The best configuration, in words.
    pub best: String,
    /// The worst configuration, in words: the highest mean loss among those with as many completed
    /// replicates as the best; the last of the ranking where there is no such one.
    pub worst: String,
    /// `(worst - best) / worst * 100` over the configurations' mean losses; `null` where worst is 0.
    pub loss_percent: Option<f64>,
    /// `worst - best` over the configurations' mean losses; below 0 only where the worst completed fewer
    /// replicates.
    pub loss_absolute: f64,
    /// Mean accuracy of the best less that of the worst (both chosen by loss), times 100.
    pub accuracy_points: f64,
    /// Of `loss_absolute`, whichever two configurations are the extremes; `null` below three replicates, or where the two
    /// did not complete the same ones.
    pub loss_absolute_interval: Option<Interval>,
    /// The same in % of the worst configuration's mean loss.
    pub loss_percent_interval: Option<Interval>,
    /// Of `accuracy_points`, alike.
    pub accuracy_points_interval: Option<Interval>,
    /// The same, best and worst selected on all replicates but one and measured on that one, averaged
    /// over which one; `null` below two replicates that every configuration completed.
    pub cross_fitted: Option<CrossFittedGap>,
}

/// The gap without the bias of selecting and measuring on the same replicates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CrossFittedGap {
    /// Replicates, each left out once.
    pub replicates: u32,
    /// As [`Gap::loss_percent`].
    pub loss_percent: Option<f64>,
    /// As [`Gap::loss_absolute`].
    pub loss_absolute: f64,
    /// As [`Gap::accuracy_points`].
    pub accuracy_points: f64,
}

/// Which hyperparameter matters most.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Strongest {
    /// The hyperparameter's name, or `undecided`.
    pub verdict: String,
    /// Whether the rule was met.
    pub decided: bool,
    /// The one with the largest share of the sum of squares, decided or not.
    pub leading: Option<Hyperparameter>,
    /// The one after it.
    pub runner_up: Option<Hyperparameter>,
    /// The probability that the leading one spreads the expected losses the most.
    pub probability: Option<f64>,
    /// Replicates per configuration with which the rule would about be met, if the effects are as they look;
    /// `null` where it is met, where nothing can be said, and beyond 1,000.
    pub replicates_needed: Option<u32>,
    /// The rule, in words.
    pub rule: VerdictRule,
    /// Why the rule gave this verdict, with its numbers.
    pub reason: VerdictReason,
}

/// What the study found, and whether this sweep bears it out.
///
/// Kim and Park, "Analysis of Accuracy and Loss Performance According to Hyperparameter in RNN Model", Journal of
/// Convergence for Information Technology 11(7), 2021, 31-38: the figures are those of its abstract, which tells neither data
/// nor levels, nor whether the accuracy is in points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BesideStudy {
    /// Its difference in loss between the best and the other settings, in %.
    pub loss_percent: f64,
    /// Its difference in accuracy, in %.
    pub accuracy_percent: f64,
    /// The one that it found the strongest of its three hyperparameters.
    pub strongest: Hyperparameter,
    /// What this sweep says of that.
    pub verdict: StudyVerdict,
}

/// What a sweep says of the study's strongest hyperparameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StudyVerdict {
    /// It is the strongest here, too.
    Supported,
    /// Another one of the three is stronger.
    Contradicted,
    /// Seed noise does not let it be told.
    Undecided,
}

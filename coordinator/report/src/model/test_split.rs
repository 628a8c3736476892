//! What the test split tells beside its scores, as it stands in `report.json`: calibration and the hardest examples.

use serde::Serialize;

use super::Summary;

/// The chosen configuration's models on the test split; its scores stand in the answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TestSplit {
    /// Replicates that were measured.
    pub replicates: u32,
    /// What is reached without reading the text; `null` where no trainer told the classes.
    pub baseline: Option<Baseline>,
    /// Expected calibration error of each replicate's model, in `0..=1`; `null` where no trainer told.
    pub expected_calibration_error: Option<Summary>,
    /// Mean probability of the predicted class less the accuracy, of each replicate's model: above 0 it claims more than it
    /// holds.
    pub overconfidence: Option<Summary>,
    /// The test examples of all replicates by the probability of their predicted class: parts of equal width from 0 to 1, empty
    /// ones too; none where no trainer told.
    pub reliability: Vec<ReliabilityBin>,
    /// The hardest test examples: those in the lists of the most replicates first, of these the highest loss first.
    pub hardest: Vec<HardestExample>,
}

/// What the classes of the test split alone give.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Baseline {
    /// The accuracy of always saying the most frequent class.
    pub accuracy: f64,
    /// The accuracy that this passes by luck of the draw of the test examples with a probability of 2.5 %.
    pub lucky_accuracy: f64,
    /// The cross-entropy of always giving the shares of the classes, in nats: their entropy.
    pub loss: f64,
}

impl Baseline {
    /// Whether an accuracy on the same examples says more than whoever reads nothing and is lucky.
    pub fn is_beaten_by(&self, accuracy: f64) -> bool {
        accuracy > self.lucky_accuracy
    }
}

/// The test examples whose predicted class got a probability in one part of the range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Where the part begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Its examples, each counted once for each replicate.
    pub examples: u64,
    /// Mean of their probabilities; `null` without examples.
    pub mean_confidence: Option<f64>,
    /// Share of them that is classified correctly; `null` without examples.
    pub accuracy: Option<f64>,
}

/// A test example that is among the hardest of at least one replicate's model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HardestExample {
    /// Its row in the test split, from 0.
    pub row: u64,
    /// The name of its class.
    pub truth: String,
    /// The name of the class that was predicted, by the replicate with the highest loss.
    pub predicted: String,
    /// The probability of that class.
    pub probability: f64,
    /// The highest cross-entropy, in nats.
    pub loss: f64,
    /// Replicates that have it among their hardest.
    pub replicates: u32,
    /// The beginning of its text; spelled from its tokens where only those are left; not there where the report is without texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

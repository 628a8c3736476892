//! What a trial measures: epoch metrics steer, step metrics draw curves, test metrics are taken once. Their figures stand in one
//! table (`metric/figure.rs`).

pub mod figure;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use figure::{EpochFigure, TestFigure};

/// Measured at the end of one epoch. All losses are means over examples of the cross-entropy in nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetric {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// Mean loss over the training examples as they were trained on.
    pub train_loss: f64,
    /// Share of training examples classified correctly as they were trained on.
    pub train_accuracy: f64,
    /// Mean loss over the validation split.
    pub validation_loss: f64,
    /// Share of the validation split classified correctly.
    pub validation_accuracy: f64,
    /// Unweighted mean over classes of the validation F1.
    pub validation_macro_f1: f64,
    /// Wall-clock seconds of this epoch: training and validation.
    pub seconds: f64,
    /// Training examples per second of training time.
    pub examples_per_second: f64,
    /// Peak resident memory of the slot process so far, in bytes.
    pub peak_memory_bytes: u64,
    /// Energy of the slot's device in this epoch, in joules: its part where slots share the device. `None` where that is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_joules: Option<f64>,
}

/// Measured inside an epoch, for curves only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepMetric {
    /// Position in the attempt's stream of step metrics, from 0, without a gap.
    pub sequence: u64,
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// Optimiser steps since the trial began.
    pub step: u64,
    /// Mean training loss since the point before.
    pub loss: f64,
    /// Training examples per second since the point before.
    pub examples_per_second: f64,
}

/// A trial's best weights on the test split, measured once for the chosen configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestMetric {
    /// Mean loss over the test split.
    pub loss: f64,
    /// Share of the test split classified correctly.
    pub accuracy: f64,
    /// Unweighted mean over classes of the F1.
    pub macro_f1: f64,
    /// `confusion[truth][predicted]`: counts of test examples.
    pub confusion: Vec<Vec<u64>>,
    /// How far its probabilities can be trusted: [`CONFIDENCE_BINS`] parts of `0..=1` of equal width, by the probability of the
    /// predicted class. Empty where the trainer did not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<ConfidenceBin>,
    /// The examples with the highest loss, that one first; at most [`HARDEST_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hardest: Vec<HardExample>,
    /// Figures that came to the table later, as far as the trainer measured them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<TestFigure, f64>,
}

/// Parts of the range of probabilities.
pub const CONFIDENCE_BINS: usize = 10;
/// Hardest examples of a test metric: as many as a person looks at.
pub const HARDEST_MAX: usize = 10;

/// The test examples whose predicted class got a probability in one part of the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceBin {
    /// Test examples.
    pub rows: u64,
    /// Of these, classified correctly.
    pub correct: u64,
    /// Sum over them of the probability of the predicted class.
    pub confidence: f64,
}

/// A test example that the model gets wrong, or right without knowing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HardExample {
    /// Its position in the test split, from 0.
    pub row: u64,
    /// Its class.
    pub truth: u32,
    /// The class that was predicted.
    pub predicted: u32,
    /// The probability of the predicted class.
    pub probability: f64,
    /// Its cross-entropy in nats.
    pub loss: f64,
}

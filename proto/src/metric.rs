//! What a trial measures: epoch metrics steer, step metrics draw curves, test metrics are taken once.

use serde::{Deserialize, Serialize};

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
}

//! How an attempt ends.

use serde::{Deserialize, Serialize};

use crate::artifact::{ArtifactRef, CheckpointRef};
use crate::metric::TestMetric;

/// What a completed trial leaves behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// The epoch with the lowest validation loss, counted from 1: its weights are `model`.
    pub best_epoch: u32,
    /// Epochs trained; fewer than configured where `early_stopped`.
    pub epochs: u32,
    /// Whether patience ran out.
    pub early_stopped: bool,
    /// The score: validation loss at the best epoch.
    pub score: f64,
    /// Validation accuracy at the best epoch.
    pub accuracy: f64,
    /// Trained numbers in the model.
    pub parameters: u64,
    /// The best epoch's weights.
    pub model: ArtifactRef,
}

impl TrialResult {
    /// Whether a trial of the same key that may train that many epochs would end with this result: it ran out of patience earlier, or
    /// trained exactly as far.
    pub fn stands_in_for(&self, epochs: u64) -> bool {
        let trained = u64::from(self.epochs);
        if self.early_stopped { trained < epochs } else { trained == epochs }
    }

    /// Whether the last of several epochs was the best, and not patience ended the trial: more epochs might have lowered
    /// its loss.
    pub fn was_still_learning(&self) -> bool {
        self.epochs > 1 && self.best_epoch == self.epochs && !self.early_stopped
    }
}

/// Why an attempt failed; decides whether it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The slot process died or panicked.
    Crashed,
    /// Memory of the machine or the device did not suffice.
    OutOfMemory,
    /// The dataset could not be fetched or read.
    Data,
    /// The device failed.
    Device,
    /// The trainer refused the trial: another try would fail alike.
    Rejected,
    /// The slot process lived but trained no batch for too long.
    Stalled,
}

impl FailureKind {
    /// Whether another attempt may succeed.
    pub fn is_retryable(self) -> bool {
        !matches!(self, FailureKind::Rejected)
    }

    /// The name in reports and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Crashed => "crashed",
            FailureKind::OutOfMemory => "out_of_memory",
            FailureKind::Data => "data",
            FailureKind::Device => "device",
            FailureKind::Rejected => "rejected",
            FailureKind::Stalled => "stalled",
        }
    }
}

/// How an attempt ended, as its worker reports it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Training came to its end.
    Trained(TrialResult),
    /// The test split was measured.
    Evaluated(TestMetric),
    /// The loss became NaN or infinite, or left every sensible bound.
    Diverged {
        /// The epoch in which it happened, counted from 1.
        epoch: u32,
        /// What was seen.
        message: String,
    },
    /// The attempt failed.
    Failed {
        /// What kind of failure.
        kind: FailureKind,
        /// What was seen.
        message: String,
    },
    /// Training came as far as the grant said, which is not the trial's end: it goes on from the checkpoint of that epoch where it
    /// is promoted.
    Reached {
        /// The last epoch trained, from 1.
        epoch: u32,
    },
    /// The worker hands the trial back unfinished: it drains, or was told to stop.
    Released {
        /// The newest checkpoint that was uploaded, if any.
        checkpoint: Option<CheckpointRef>,
    },
}

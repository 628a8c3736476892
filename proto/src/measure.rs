//! What `sweep plan` asks `sweep-worker measure`, and what it answers: JSON over standard input and output.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::configuration::Configuration;
use crate::digest::Digest;
use crate::worker::WorkerProfile;

/// What to measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureRequest {
    /// One after another, each on every slot at once, as in a sweep.
    pub trials: Vec<MeasureTrial>,
    /// Seconds to train each of them, at least a few batches.
    pub seconds: f64,
    /// An existing folder for checkpoints, on the disk that a sweep would use.
    pub directory: PathBuf,
}

/// A configuration to train a little.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureTrial {
    /// What to train.
    pub configuration: Configuration,
    /// Its encoded dataset.
    pub dataset: PathBuf,
    /// The dataset's digest.
    pub digest: Digest,
}

/// What a machine offers, and how fast it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What this machine would register as.
    pub profile: WorkerProfile,
    /// In the order of the request.
    pub trials: Vec<MeasuredTrial>,
}

/// One configuration; means over the slots that trained it at the same time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum MeasuredTrial {
    /// It was trained for a while.
    Trained(Speed),
    /// It could not be trained on this machine.
    Failed {
        /// Why, in a person's words.
        message: String,
    },
}

/// How fast a configuration trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Whole epochs measured, with validation and checkpoint.
    pub epochs: f64,
    /// Seconds of one of them; 0 where none was completed.
    pub epoch_seconds: f64,
    /// Training batches measured.
    pub batches: f64,
    /// Seconds of one of them.
    pub batch_seconds: f64,
    /// Seconds from the start of a slot's process to its first batch.
    pub start_seconds: f64,
    /// Peak resident memory of a slot's process, in bytes.
    pub peak_memory_bytes: u64,
}

//! What is asked of the trainer and what it answers.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sweep_proto::TrialSpec;

use crate::DeviceChoice;

/// One attempt at a trial.
#[derive(Clone, Copy, Debug)]
pub struct TrainRequest<'a> {
    /// What to train.
    pub spec: &'a TrialSpec,
    /// The encoded dataset's file; its digest was checked by whoever fetched it.
    pub dataset: &'a Path,
    /// The checkpoint to go on from, written by an earlier attempt at the same trial.
    pub checkpoint: Option<&'a Path>,
    /// Stop once this epoch is complete, unless the trial ends before; `None`: train to its end.
    pub until_epoch: Option<u32>,
    /// An existing directory for `checkpoint.safetensors` and `model.safetensors`.
    pub directory: &'a Path,
    /// What to train on.
    pub device: DeviceChoice,
}

/// A trial that came to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Completed {
    /// The epoch with the lowest validation loss, counted from 1.
    pub best_epoch: u32,
    /// Epochs trained, those before a checkpoint included.
    pub epochs: u32,
    /// Whether patience ran out before the configured number of epochs.
    pub early_stopped: bool,
    /// Validation loss at the best epoch.
    pub score: f64,
    /// Validation accuracy at the best epoch.
    pub accuracy: f64,
    /// Trained numbers in the model.
    pub parameters: u64,
    /// `model.safetensors`: the best epoch's weights under PyTorch's names.
    pub model: PathBuf,
}

/// How training ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// All epochs were trained, or patience ran out.
    Completed(Completed),
    /// The loss or the gradient became NaN or infinite.
    Diverged {
        /// The epoch in which it happened, counted from 1.
        epoch: u32,
        /// What was seen.
        message: String,
    },
    /// Came to the request's `until_epoch`, which is not the trial's end. Going on from that epoch's checkpoint gives the same bits
    /// as no pause.
    Reached {
        /// The epoch, from 1.
        epoch: u32,
    },
    /// A stop was requested. Going on from the checkpoint gives the same bits as no interruption.
    Stopped {
        /// The newest checkpoint, up to the last batch before the stop. It is the request's own where this
        /// attempt completed no batch, and there is none before the first.
        checkpoint: Option<Halt>,
    },
}

/// A checkpoint, and how far it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Epochs complete.
    pub epoch: u32,
    /// Batches done of the epoch after those.
    pub batches: u32,
    /// The file.
    pub path: PathBuf,
}

/// What a model says of one text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The name of the most probable class.
    pub label: String,
    /// Its probability.
    pub probability: f64,
    /// Each class with its probability, in the order of `labels.json`.
    pub probabilities: Vec<(String, f64)>,
}

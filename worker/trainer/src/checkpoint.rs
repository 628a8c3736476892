//! The checkpoint of a trial after an epoch or in one: one file with everything that what follows depends on.
//!
//! A safetensors file with `weights/NAME`, `best/NAME` and `optimizer/NAME`, and in its metadata under
//! `trial` the JSON of [`Progress`]. There is no generator state: random numbers depend on seed and counters.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sweep_proto::{TrialKey, TrialSpec};

use crate::error::TrainError;
use crate::model::{ModelShape, Named};
use crate::training::Underway;
use crate::weights_file::{self, Expected};

/// The version of the format.
const FORMAT: u32 = 1;

/// Where a trial stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    format: u32,
    /// The trial that this belongs to.
    trial: TrialKey,
    /// Epochs complete.
    pub(crate) epoch: u32,
    /// Optimiser steps done.
    pub(crate) steps: u64,
    /// The epoch with the lowest validation loss so far.
    pub(crate) best_epoch: u32,
    /// That loss.
    pub(crate) best_loss: f64,
    /// The validation accuracy of that epoch.
    pub(crate) best_accuracy: f64,
    /// What is done of the next epoch, where a stop came in mid-epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) underway: Option<Underway>,
}

impl Progress {
    /// Before the first epoch.
    pub(crate) fn start(spec: &TrialSpec) -> Self {
        // JSON has no infinity: the largest number stands for "none yet".
        let best_loss = f64::MAX;
        Self {
            format: FORMAT,
            // The form that earlier programs read and write: a trial goes on at any of them.
            trial: spec.key_with_epochs(),
            epoch: 0,
            steps: 0,
            best_epoch: 0,
            best_loss,
            best_accuracy: 0.0,
            underway: None,
        }
    }

    /// Whether the counters can belong together.
    fn is_sensible(&self) -> bool {
        let begins = match &self.underway {
            None => self.epoch > 0,
            Some(one) => {
                one.batches > 0
                    && one.seconds.is_finite()
                    && one.all.is_sensible()
                    && one.recent.is_sensible()
            }
        };
        begins
            && (self.epoch.min(1)..=self.epoch).contains(&self.best_epoch)
            && self.steps >= u64::from(self.epoch)
            && self.best_loss.is_finite()
            && self.best_accuracy.is_finite()
    }

    /// Epochs since the best one.
    pub(crate) fn epochs_without_improvement(&self) -> u32 {
        self.epoch.saturating_sub(self.best_epoch)
    }
}

/// A checkpoint in memory.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    pub(crate) progress: Progress,
    pub(crate) weights: Named,
    pub(crate) best: Named,
    pub(crate) optimizer: Named,
}

const PARTS: [&str; 3] = ["weights", "best", "optimizer"];

impl Checkpoint {
    /// Writes the checkpoint; it is on disk on return and replaces the one before as a whole.
    pub(crate) fn write(&self, path: &Path) -> Result<(), TrainError> {
        let mut all = Named::new();
        for (part, tensors) in PARTS.iter().zip([&self.weights, &self.best, &self.optimizer]) {
            all.extend(tensors.iter().map(|(name, tensor)| (format!("{part}/{name}"), tensor.clone())));
        }
        let progress = serde_json::to_string(&self.progress).map_err(|error| TrainError::File {
            action: "written",
            path: path.to_owned(),
            source: error.into(),
        })?;
        weights_file::write(path, &all, ("trial", progress))
    }

    /// Reads a checkpoint of this trial. The bytes may be anything; what is not this trial's is refused.
    pub(crate) fn read(
        path: &Path,
        spec: &TrialSpec,
        shape: &ModelShape,
        optimizer_state: &Named,
    ) -> Result<Self, TrainError> {
        let mut expected = Expected::new();
        for parameter in shape.parameters() {
            expected.insert(format!("weights/{}", parameter.name), parameter.dimensions.clone());
            expected.insert(format!("best/{}", parameter.name), parameter.dimensions);
        }
        expected.extend(
            optimizer_state.iter().map(|(name, one)| (format!("optimizer/{name}"), one.dims().to_vec())),
        );
        let file = weights_file::read(path, &expected)?;
        let damaged = |reason: String| TrainError::Weights { path: path.to_owned(), reason };
        let json =
            file.metadata.get("trial").ok_or_else(|| damaged("it does not say how far it is".into()))?;
        let progress: Progress = serde_json::from_str(json).map_err(|error| damaged(error.to_string()))?;
        if progress.format != FORMAT {
            return Err(damaged(format!("its format is {}, this build reads {FORMAT}", progress.format)));
        }
        if progress.trial != spec.key_with_epochs() {
            return Err(damaged("it belongs to another trial".into()));
        }
        if !progress.is_sensible() {
            return Err(damaged("its counters contradict each other".into()));
        }
        let mut parts = PARTS.map(|_| Named::new());
        for (name, tensor) in file.tensors {
            for (part, prefix) in parts.iter_mut().zip(PARTS) {
                if let Some(rest) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')) {
                    part.insert(rest.to_owned(), tensor.clone());
                }
            }
        }
        let [weights, best, optimizer] = parts;
        Ok(Self { progress, weights, best, optimizer })
    }
}

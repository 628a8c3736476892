//! What a worker needs to know to do one piece of work, and what makes a trial the same trial.

use serde::{Deserialize, Serialize};

use crate::configuration::Configuration;
use crate::digest::{Digest, SharedDigest};
use crate::hyperparameter::Hyperparameter;
use crate::ids::{TrialId, TrialKey};

/// Raised whenever the trainer's results change for the same input by more than rounding, so that old results are not
/// reused. By rounding they differ between CPUs of one sweep, too: the widest vectors of each add up in another order.
pub const NUMERICS_VERSION: u32 = 1;

/// What is done under a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// Train the trial, from its checkpoint if it has one.
    Train,
    /// Measure the trial's best weights on the test split.
    Evaluate,
}

/// The unchanging description of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialSpec {
    /// Which trial of which sweep.
    pub id: TrialId,
    /// Every hyperparameter's value.
    pub configuration: Configuration,
    /// Which replicate, from 0. The same replicate has the same seed in every configuration.
    pub replicate: u32,
    /// The seed of initial values, dropout masks and shuffles.
    pub seed: u64,
    /// The encoded dataset.
    pub dataset: SharedDigest,
}

impl TrialSpec {
    /// The content address of this trial: equal keys mean equal results, as far as both were trained. How far a trial may train is not
    /// part of it.
    pub fn key(&self) -> TrialKey {
        self.digest("trial 2", |hyperparameter| hyperparameter != Hyperparameter::Epochs)
    }

    /// The content address by which earlier programs knew this trial: how far it may train is part of it. Rows, reports and checkpoints
    /// of theirs hold it.
    pub fn key_with_epochs(&self) -> TrialKey {
        self.digest("trial", |_| true)
    }

    /// Whether a key is this trial's, in either form.
    pub fn has_key(&self, key: TrialKey) -> bool {
        key == self.key() || key == self.key_with_epochs()
    }

    fn digest(&self, form: &str, is_part: impl Fn(Hyperparameter) -> bool) -> TrialKey {
        let mut text =
            format!("{form}\nnumerics {NUMERICS_VERSION}\ndataset {}\nseed {}\n", *self.dataset, self.seed);
        for (hyperparameter, value) in self.configuration.iter().filter(|(one, _)| is_part(*one)) {
            text.push_str(hyperparameter.name());
            text.push(' ');
            text.push_str(&value.quoted());
            text.push('\n');
        }
        TrialKey(Digest::of(text.as_bytes()))
    }
}

/// The seed of a replicate: the same in every configuration of a sweep, and in every sweep with the
/// same base seed, so that comparisons are paired and finished trials can be reused.
pub fn replicate_seed(sweep_seed: u64, replicate: u32) -> u64 {
    let digest = Digest::of(format!("replicate\n{sweep_seed}\n{replicate}\n").as_bytes());
    let mut first_eight = [0_u8; 8];
    first_eight.copy_from_slice(&digest.as_bytes()[..8]);
    // 53 bits survive JSON readers that hold numbers as doubles.
    u64::from_le_bytes(first_eight) >> 11
}

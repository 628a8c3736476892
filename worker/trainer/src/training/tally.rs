//! Sums over the examples of an epoch, as they come and as a checkpoint in mid-epoch keeps them.

use serde::{Deserialize, Serialize};

use crate::model::loss::Scored;

/// Sums over examples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tally {
    examples: u64,
    /// Cross-entropy in nats.
    loss: f64,
    correct: u64,
}

impl Tally {
    pub(super) fn add(&mut self, scored: &Scored, labels: &[u32]) {
        self.examples += labels.len() as u64;
        self.loss += scored.losses.iter().sum::<f64>();
        self.correct +=
            scored.predicted.iter().zip(labels).filter(|(left, right)| left == right).count() as u64;
    }

    /// Mean cross-entropy in nats.
    pub(super) fn loss(&self) -> f64 {
        self.loss / self.examples.max(1) as f64
    }

    /// Share classified correctly.
    pub(super) fn accuracy(&self) -> f64 {
        self.correct as f64 / self.examples.max(1) as f64
    }

    /// Examples a second.
    pub(super) fn rate(&self, seconds: f64) -> f64 {
        self.examples as f64 / seconds.max(1e-9)
    }

    /// Whether it can be what a checkpoint kept.
    pub(crate) fn is_sensible(&self) -> bool {
        self.loss.is_finite() && self.correct <= self.examples
    }
}

/// How far an epoch was trained when a stop interrupted it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Underway {
    /// Batches done, in the epoch's order.
    pub(crate) batches: u32,
    /// Time that they took.
    pub(crate) seconds: f64,
    /// Over all of them.
    pub(crate) all: Tally,
    /// Over those since the last step metric.
    pub(crate) recent: Tally,
}

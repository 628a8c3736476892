//! The median pruner: a trial goes no further whose best loss is above the median of what the others had reached by the same epoch.

use super::{Pruner, Standings, Verdict};

/// Trials that must have reached an epoch before others are judged by them there, as in Optuna.
pub const OTHERS_MIN: usize = 5;

/// Prunes the worse half, epoch by epoch.
#[derive(Clone, Copy, Debug)]
pub struct Median {
    min_epochs: u32,
}

impl Median {
    /// Prunes nothing before that many epochs.
    pub fn new(min_epochs: u32) -> Self {
        Self { min_epochs }
    }
}

impl Pruner for Median {
    fn one_in(&self) -> u32 {
        2
    }

    fn first_rung(&self, _epochs: u64) -> Option<u32> {
        None
    }

    fn next_rung(&self, _rung: u32, _epochs: u64) -> Option<u32> {
        None
    }

    fn judge(&self, standings: &Standings, epoch: u32, best: f64) -> Verdict {
        let others = standings.at(epoch).filter(|others| others.len() >= OTHERS_MIN);
        let is_worse =
            others.filter(|_| epoch >= self.min_epochs).is_some_and(|one| one.median_is_below(best));
        if is_worse { Verdict::Prune } else { Verdict::GoOn }
    }
}

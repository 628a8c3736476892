//! No pruner: every trial trains to its end.

use super::{Pruner, Standings, Verdict};

/// Prunes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Never;

impl Pruner for Never {
    fn one_in(&self) -> u32 {
        1
    }

    fn first_rung(&self, _epochs: u64) -> Option<u32> {
        None
    }

    fn next_rung(&self, _rung: u32, _epochs: u64) -> Option<u32> {
        None
    }

    fn judge(&self, _standings: &Standings, _epoch: u32, _best: f64) -> Verdict {
        Verdict::GoOn
    }
}

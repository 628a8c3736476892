//! Asynchronous successive halving (ASHA, Li et al. 2020): trials wait at rungs, and the best 1/eta of those that have reached one go on
//! from their checkpoints.
//!
//! Rungs stand after `min_epochs`, `min_epochs * eta`, `min_epochs * eta^2`, ... epochs.

use super::{Pruner, Standings, Verdict};

/// Promotes the best `1 / eta` at each rung.
#[derive(Clone, Copy, Debug)]
pub struct Asha {
    eta: u32,
    min_epochs: u32,
}

impl Asha {
    /// With fewer than two trials for one promotion it would promote everything.
    pub fn new(eta: u32, min_epochs: u32) -> Self {
        Self { eta: eta.max(2), min_epochs: min_epochs.max(1) }
    }
}

/// A rung, where it lies before the end of the trial: at its end nothing is left to wait for.
fn before_end(rung: u32, epochs: u64) -> Option<u32> {
    (u64::from(rung) < epochs).then_some(rung)
}

impl Pruner for Asha {
    fn one_in(&self) -> u32 {
        self.eta
    }

    fn first_rung(&self, epochs: u64) -> Option<u32> {
        before_end(self.min_epochs, epochs)
    }

    fn next_rung(&self, rung: u32, epochs: u64) -> Option<u32> {
        rung.checked_mul(self.eta).and_then(|next| before_end(next, epochs))
    }

    fn judge(&self, _standings: &Standings, _epoch: u32, _best: f64) -> Verdict {
        Verdict::GoOn
    }
}

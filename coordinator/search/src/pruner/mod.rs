//! Pruners: which trials go no further, and which that wait at a rung are promoted.
//!
//! A pruner compares the *best* validation loss that trials have reached so far, never that of their last epoch: on real curves an
//! epoch's last loss ranks trials backwards once the best ones have begun to overfit.

mod asha;
mod median;
mod ranking;
mod standings;

use sweep_proto::search::ETA;
use sweep_proto::{PrunerName, Search};

pub use asha::Asha;
pub use median::{Median, OTHERS_MIN};
pub use standings::{AtEpoch, EPOCHS_RANKED_MAX, Shown, Standings};

/// What becomes of a trial that has measured an epoch and is not at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    GoOn,
    /// It goes no further.
    Prune,
}

/// Decides by what the trials of a sweep have shown.
pub trait Pruner {
    /// Trials are ranked so that one in this number is among the best.
    fn one_in(&self) -> u32;

    /// The epoch after which a trial of at most `epochs` epochs first waits to be promoted; `None`: it never waits.
    fn first_rung(&self, epochs: u64) -> Option<u32>;

    /// The rung after that one; `None`: a trial that is promoted from it trains to its end.
    fn next_rung(&self, rung: u32, epochs: u64) -> Option<u32>;

    /// What becomes of a trial whose best loss up to an epoch is `best`. `standings` hold what the others have shown; of the trial
    /// itself they do not hold that epoch.
    fn judge(&self, standings: &Standings, epoch: u32, best: f64) -> Verdict;
}

/// The pruner of a search: the one place that knows all of them. `None`: every trial trains to its end.
pub fn of(search: &Search) -> Option<Box<dyn Pruner>> {
    let min_epochs = search.min_epochs.unwrap_or(1);
    match search.pruner {
        PrunerName::None => None,
        PrunerName::Median => Some(Box::new(Median::new(min_epochs))),
        PrunerName::Asha => Some(Box::new(Asha::new(search.eta.unwrap_or(ETA), min_epochs))),
    }
}

#[cfg(test)]
mod tests;

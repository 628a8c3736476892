//! Replays searches against recorded results: workers on a simulated clock, and what a search would have named after each epoch.
//!
//! [`play`] trains epoch by epoch and takes any [`Strategy`]; [`Replay`] runs a sampler alone over whole trials, in spaces that may be
//! endless.

mod auto;
mod clock;
mod entrant;
pub mod generator;
mod judge;
mod listed;
mod means;
mod paired;
mod play;
mod proposer;
pub mod recorded;
mod sampled;
mod samplers;
mod strategy;
mod table;

use std::collections::BTreeMap;

use sweep_proto::Configuration;

pub use entrant::Entrant;
pub use judge::{Judge, Judgement, least_difference};
pub use listed::Listed;
pub use paired::Paired;
pub use play::{Course, Trace, play};
pub use proposer::{Played, Setup};
pub use sampled::{Places, Sampled};
pub use samplers::Replay;
pub use strategy::Strategy;
pub use table::{CurveTable, TableError};

/// One epoch of a recorded trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Validation loss.
    pub loss: f64,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// What trials showed, or what a function says that they show.
pub trait Table {
    /// The epochs of a trial, at least one; `None` where it was not recorded.
    fn curve(&self, configuration: &Configuration, replicate: u32) -> Option<Vec<Epoch>>;
}

impl Table for BTreeMap<(Configuration, u32), Vec<Epoch>> {
    fn curve(&self, configuration: &Configuration, replicate: u32) -> Option<Vec<Epoch>> {
        self.get(&(configuration.clone(), replicate)).cloned()
    }
}

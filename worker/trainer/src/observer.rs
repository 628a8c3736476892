//! What the training loop tells its surroundings, and what it asks them.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sweep_proto::{EpochMetric, StepMetric};

/// Hears what a trial measures, in order.
pub trait Observer {
    /// Step metrics, in order of their sequence; at most a few hundred an epoch.
    ///
    /// # Errors
    /// Whatever keeps the points from being passed on; it ends the attempt.
    fn steps(&mut self, points: &[StepMetric]) -> io::Result<()>;

    /// An epoch begins; `is_resumed`: an earlier attempt did some of its batches.
    fn epoch_begins(&mut self, _is_resumed: bool) {}

    /// An epoch has ended. `checkpoint` was written durably before this call and holds that epoch; the
    /// next epoch replaces it.
    ///
    /// # Errors
    /// Whatever keeps the metric from being passed on; it ends the attempt.
    fn epoch(&mut self, metric: &EpochMetric, checkpoint: &Path) -> io::Result<()>;
}

/// Says whether work shall end early. Asked before every batch of training, validation and evaluation.
pub trait StopSignal {
    /// Whether a stop was requested.
    fn requested(&self) -> bool;
}

impl StopSignal for AtomicBool {
    fn requested(&self) -> bool {
        self.load(Ordering::Relaxed)
    }
}

impl<F: Fn() -> bool> StopSignal for F {
    fn requested(&self) -> bool {
        self()
    }
}

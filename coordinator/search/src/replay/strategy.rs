//! What a search must be able to do to be replayed.

use crate::auto::{Job, Verdict};

/// A search over the configurations of a table, which it knows by their indices.
pub trait Strategy {
    /// The next trial for one of `workers` workers; `None` where it has nothing to hand out now.
    ///
    /// # Errors
    /// Why it cannot go on.
    fn ask(&mut self, workers: usize) -> Result<Option<Job>, String>;

    /// A trial has measured an epoch, counted from 1. A trial that is to pause may be handed out again and goes on from there. A loss that
    /// is no number ends it: it has diverged.
    ///
    /// # Errors
    /// Why it cannot go on.
    fn report(&mut self, job: Job, epoch: u32, loss: f64) -> Result<Verdict, String>;

    /// The trainer has ended a trial that has not diverged: it has all its epochs, or patience has ended it.
    fn finish(&mut self, job: Job);

    /// A trial has failed before its first epoch and is not to be handed out again. A strategy that does not know failures is told that it
    /// diverged.
    ///
    /// # Errors
    /// Why it cannot go on.
    fn fail(&mut self, job: Job) -> Result<(), String> {
        self.report(job, 1, f64::NAN).map(|_| ())
    }

    /// The configuration that it would name now. To ask changes no later answer.
    fn named(&mut self) -> Option<usize>;

    /// Where it has stopped by itself: by how much, in the logarithms of scores, no configuration should be better than the named one.
    fn stop(&self) -> Option<f64>;
}

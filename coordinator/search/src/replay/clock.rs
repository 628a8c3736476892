//! Workers that take work at one simulated moment and have done it at a later one.

use std::collections::BTreeSet;

/// A number of workers, and what they do.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    workers: u64,
    now_ms: u64,
    /// When each running work ends, by the order of numbers that were given with it.
    running: BTreeSet<(u64, u64)>,
}

impl Clock {
    /// All workers are idle.
    pub(super) fn new(workers: u64) -> Self {
        Self { workers, now_ms: 0, running: BTreeSet::new() }
    }

    /// The simulated moment, in milliseconds.
    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Whether a worker is idle.
    pub(super) fn has_idle(&self) -> bool {
        (self.running.len() as u64) < self.workers
    }

    /// An idle worker takes the work of a number, which takes that long.
    pub(super) fn begin(&mut self, number: u64, takes_ms: u64) {
        self.running.insert((self.now_ms.saturating_add(takes_ms), number));
    }

    /// The next work that ends, which is now; of those that end together the lowest number. `None` where all workers are idle.
    pub(super) fn end(&mut self) -> Option<u64> {
        let (at_ms, number) = self.running.pop_first()?;
        self.now_ms = at_ms;
        Some(number)
    }
}

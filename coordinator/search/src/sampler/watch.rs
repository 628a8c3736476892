//! How a sampler looks: at one candidate after the other, until one is new, or until it is called off.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sweep_proto::Configuration;

use super::{Asked, Nothing};

/// Tells a sampler on another thread that nobody wants its answer any more. Copies are one flag.
#[derive(Clone, Debug, Default)]
pub struct CalledOff(Arc<AtomicBool>);

impl CalledOff {
    /// Calls it off.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was called off.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Watches over one question: counts what is looked at, and knows whether it was called off.
#[derive(Debug)]
pub struct Watch<'a> {
    called_off: &'a CalledOff,
    looked_at: Cell<u64>,
}

impl<'a> Watch<'a> {
    /// Nothing was looked at yet.
    pub fn new(called_off: &'a CalledOff) -> Self {
        Self { called_off, looked_at: Cell::new(0) }
    }

    /// Candidates that were looked at.
    pub fn looked_at(&self) -> u64 {
        self.looked_at.get()
    }
}

/// The first candidate at which a configuration stands that was not made, and the configuration. Where the candidates end, the
/// space counts as exhausted.
pub(super) fn first_new(
    asked: &Asked<'_>,
    candidates: impl IntoIterator<Item = u64>,
    mut at: impl FnMut(u64) -> Option<Configuration>,
) -> Result<(u64, Configuration), Nothing> {
    let Watch { called_off, looked_at } = asked.watch;
    for candidate in candidates {
        if called_off.is_set() {
            return Err(Nothing::CalledOff);
        }
        looked_at.set(looked_at.get() + 1);
        if let Some(configuration) = at(candidate).filter(|one| !asked.seen.has(one)) {
            return Ok((candidate, configuration));
        }
    }
    Err(Nothing::Exhausted)
}

//! Blobs that somebody is about to name: a launch whose data is prepared, until its rows are there or it is given up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sweep_proto::Digest;

use super::GRACE;

/// Which blobs are pinned.
#[derive(Clone, Debug, Default)]
pub(super) struct Pinned(Arc<Mutex<BTreeMap<Digest, Pin>>>);

#[derive(Debug, Default)]
struct Pin {
    holders: usize,
    /// When the last one let go. A removal that was decided before the rows came may still be on its way.
    released: Option<Instant>,
}

impl Pin {
    fn holds(&self) -> bool {
        self.holders > 0 || self.released.is_some_and(|at| at.elapsed() < GRACE)
    }
}

impl Pinned {
    pub(super) fn holds(&self, digest: Digest) -> bool {
        self.lock().get(&digest).is_some_and(Pin::holds)
    }

    pub(super) fn all(&self) -> Vec<Digest> {
        self.lock().iter().filter(|(_, pin)| pin.holds()).map(|(digest, _)| *digest).collect()
    }

    pub(super) fn pins(&self) -> Pins {
        Pins { of: self.clone(), digests: Vec::new() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Digest, Pin>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The blobs that one caller has pinned; dropping it lets go of them.
#[derive(Debug)]
pub(crate) struct Pins {
    of: Pinned,
    digests: Vec<Digest>,
}

impl Pins {
    pub(super) fn add(&mut self, digest: Digest) {
        let mut pinned = self.of.lock();
        pinned.retain(|_, pin| pin.holds());
        pinned.entry(digest).or_default().holders += 1;
        self.digests.push(digest);
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        let mut pinned = self.of.lock();
        for digest in &self.digests {
            if let Some(pin) = pinned.get_mut(digest) {
                pin.holders -= 1;
                pin.released = Some(Instant::now());
            }
        }
    }
}

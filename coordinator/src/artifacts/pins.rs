//! Blobs that somebody is about to name: the data of a launch and what a worker reports, until their rows are there or they are
//! given up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sweep_proto::Digest;

/// Which blobs are pinned, and by how many.
#[derive(Clone, Debug, Default)]
pub(super) struct Pinned(Arc<Mutex<BTreeMap<Digest, usize>>>);

impl Pinned {
    pub(super) fn all(&self) -> BTreeSet<Digest> {
        self.lock().keys().copied().collect()
    }

    pub(super) fn pins(&self) -> Pins {
        Pins { of: self.clone(), digests: Vec::new() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Digest, usize>> {
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
    pub(crate) fn add(&mut self, digest: Digest) {
        *self.of.lock().entry(digest).or_default() += 1;
        self.digests.push(digest);
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        let mut pinned = self.of.lock();
        for digest in &self.digests {
            if let Some(holders) = pinned.get_mut(digest) {
                *holders -= 1;
                if *holders == 0 {
                    pinned.remove(digest);
                }
            }
        }
    }
}

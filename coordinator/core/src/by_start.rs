//! Trials found by a digest, of which only the first bytes are kept: different digests may share them, if hardly ever, so whoever
//! finds a trial looks at its row.

use sweep_proto::{Digest, SweepId, TrialId};

use crate::packed::Packed;

/// A set of digests, each with a trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ByStart(Packed<Entry>);

/// Flat, so that it takes 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    start: [u8; 4],
    sweep: SweepId,
    index: u32,
}

impl Entry {
    fn new(digest: Digest, trial: TrialId) -> Self {
        let start = digest.as_bytes().first_chunk().copied().unwrap_or_default();
        Self { start, sweep: trial.sweep, index: trial.index }
    }
}

impl ByStart {
    pub(crate) fn insert(&mut self, digest: Digest, trial: TrialId) {
        self.0.insert(Entry::new(digest, trial));
    }

    /// Takes out what was put in, and everything of that trial whose digest begins alike.
    pub(crate) fn remove(&mut self, digest: Digest, trial: TrialId) {
        self.0.remove(&Entry::new(digest, trial));
    }

    /// The trials under digests that begin as this one, in order.
    pub(crate) fn like(&self, digest: Digest) -> impl Iterator<Item = TrialId> {
        let first = Entry::new(digest, TrialId { sweep: SweepId(0), index: 0 });
        let last = Entry::new(digest, TrialId { sweep: SweepId(u64::MAX), index: u32::MAX });
        self.0.range(first..=last).map(|entry| TrialId { sweep: entry.sweep, index: entry.index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_are_found_in_order_by_the_start_of_a_digest_and_entries_are_small() {
        let digest = |last: u8| {
            let mut bytes = [7; 32];
            bytes[31] = last;
            Digest::from(bytes)
        };
        let trial = |sweep, index| TrialId { sweep: SweepId(sweep), index };
        let mut known = ByStart::default();
        for one in [trial(2, 0), trial(1, u32::MAX), trial(1, 3), trial(u64::MAX, 1)] {
            known.insert(digest(one.index as u8), one);
        }
        known.insert(Digest::from([8; 32]), trial(1, 0));
        let found: Vec<_> = known.like(digest(9)).collect();
        assert_eq!(found, [trial(1, 3), trial(1, u32::MAX), trial(2, 0), trial(u64::MAX, 1)]);
        known.remove(digest(3), trial(1, 3));
        assert_eq!(known.like(digest(9)).count(), 3);
        assert_eq!(size_of::<Entry>(), 16);
    }
}

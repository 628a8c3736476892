//! Trials in the order of their losses: how many come before a loss is found at once, however many there are.

use std::cmp::Ordering;

/// A loss with the trial that has it, in the order of [`f64::total_cmp`], equal ones in the order of their trials.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) loss: f64,
    pub(super) trial: u32,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.loss.total_cmp(&other.loss).then(self.trial.cmp(&other.trial))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

/// Most entries of a block: one is moved in memory at each change.
const BLOCK_MAX: usize = 256;

/// Entries in their order, in blocks that follow each other and of which none is empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranking {
    blocks: Vec<Vec<Entry>>,
    len: usize,
}

/// By what stands in them: where blocks begin depends on the order in which entries came.
impl PartialEq for Ranking {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.blocks.iter().flatten().eq(other.blocks.iter().flatten())
    }
}

impl Ranking {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        let (at, place) = self.find(&entry);
        // Behind all others it joins the last block.
        let at = at.min(self.blocks.len().saturating_sub(1));
        let Some(block) = self.blocks.get_mut(at) else {
            self.blocks.push(vec![entry]);
            self.len = 1;
            return;
        };
        let place = place.unwrap_or(block.len());
        if block.get(place) == Some(&entry) {
            return;
        }
        block.insert(place, entry);
        self.len += 1;
        if block.len() > BLOCK_MAX {
            let upper = block.split_off(BLOCK_MAX / 2);
            self.blocks.insert(at + 1, upper);
        }
    }

    pub(super) fn remove(&mut self, entry: Entry) {
        let (at, Some(place)) = self.find(&entry) else { return };
        if self.blocks[at][place] != entry {
            return;
        }
        self.blocks[at].remove(place);
        self.len -= 1;
        if self.blocks[at].is_empty() {
            self.blocks.remove(at);
        }
    }

    /// How many come before an entry, which need not be there.
    pub(super) fn before(&self, entry: &Entry) -> usize {
        let (at, place) = self.find(entry);
        self.blocks[..at].iter().map(Vec::len).sum::<usize>() + place.unwrap_or(0)
    }

    /// The last entry before one that need not be there, and the first that is not before it.
    pub(super) fn neighbours(&self, entry: &Entry) -> (Option<Entry>, Option<Entry>) {
        let (at, place) = self.find(entry);
        let next = place.map(|place| self.blocks[at][place]);
        let in_block = place.and_then(|place| place.checked_sub(1)).map(|place| self.blocks[at][place]);
        let last = in_block.or_else(|| self.blocks[..at].last()?.last().copied());
        (last, next)
    }

    /// The block with the first entry that is not before the given one, and the place of it there; behind the last block and none where
    /// all are before it.
    fn find(&self, entry: &Entry) -> (usize, Option<usize>) {
        let at = self.blocks.partition_point(|block| block.last() < Some(entry));
        let place = self.blocks.get(at).map(|block| block.partition_point(|one| one < entry));
        (at, place)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn entries_stand_where_they_stand_in_a_sorted_list(
            changes in proptest::collection::vec((any::<bool>(), 0_u32..40, 0_u32..200), 0..3_000), probe in (0_u32..40, 0_u32..200),
        ) {
            let entry = |(loss, trial): (u32, u32)| Entry { loss: f64::from(loss) / 8.0, trial };
            let (mut ranking, mut sorted) = (Ranking::default(), BTreeSet::new());
            for (is_added, loss, trial) in changes {
                let one = entry((loss, trial));
                if is_added {
                    ranking.insert(one);
                    sorted.insert(one);
                } else {
                    ranking.remove(one);
                    sorted.remove(&one);
                }
            }
            prop_assert!(ranking.blocks.iter().all(|block| (1..=BLOCK_MAX).contains(&block.len())));
            prop_assert_eq!(ranking.len(), sorted.len());
            prop_assert!(ranking.blocks.iter().flatten().eq(sorted.iter()));
            let probe = entry(probe);
            prop_assert_eq!(ranking.before(&probe), sorted.range(..probe).count());
            let neighbours = (sorted.range(..probe).next_back().copied(), sorted.range(probe..).next().copied());
            prop_assert_eq!(ranking.neighbours(&probe), neighbours);
            let mut again = Ranking::default();
            sorted.iter().rev().for_each(|one| again.insert(*one));
            prop_assert!(ranking == again, "the order of changes shows");
        }
    }
}

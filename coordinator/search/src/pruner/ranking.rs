//! Trials in the order of their losses, split between the best and the rest: both ends of the split are found at once, however many
//! there are.

use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A loss with the trial that has it, in the order of [`f64::total_cmp`], equal ones in the order of their trials.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
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

/// The losses of an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    one_in: usize,
    /// One in `one_in` of all, rounded down: the lowest losses.
    best: BTreeSet<Entry>,
    rest: BTreeSet<Entry>,
}

impl Ranking {
    pub(super) fn new(one_in: u32) -> Self {
        Self { one_in: (one_in as usize).max(1), best: BTreeSet::new(), rest: BTreeSet::new() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.best.len() + self.rest.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        if self.best.last().is_some_and(|last| entry < *last) {
            self.best.insert(entry);
        } else {
            self.rest.insert(entry);
        }
        self.balance();
    }

    pub(super) fn remove(&mut self, entry: Entry) {
        if !self.best.remove(&entry) {
            self.rest.remove(&entry);
        }
        self.balance();
    }

    /// Whether an entry is among the best.
    pub(super) fn has_among_best(&self, entry: Entry) -> bool {
        self.best.contains(&entry)
    }

    /// The median loss, of a ranking that is split in halves.
    pub(super) fn median(&self) -> Option<f64> {
        let upper = self.rest.first()?.loss;
        let is_odd = self.len() % 2 == 1;
        self.best
            .last()
            .filter(|_| !is_odd)
            .map_or(Some(upper), |lower| Some(f64::midpoint(lower.loss, upper)))
    }

    fn balance(&mut self) {
        let wanted = self.len() / self.one_in;
        while self.best.len() > wanted {
            let Some(last) = self.best.pop_last() else { break };
            self.rest.insert(last);
        }
        while self.best.len() < wanted {
            let Some(first) = self.rest.pop_first() else { break };
            self.best.insert(first);
        }
    }
}

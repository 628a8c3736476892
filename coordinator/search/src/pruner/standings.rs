//! What the trials of a sweep have shown so far, and which of them wait at rungs.

use std::collections::{BTreeMap, BTreeSet};

use super::ranking::{Entry, Ranking};

/// Epochs after which trials are ranked: beyond them nobody is pruned.
pub const EPOCHS_RANKED_MAX: usize = 10_000;

/// A trial's part in the standings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// The score that it would have if it ended with each epoch that it measured, of the first [`EPOCHS_RANKED_MAX`]; lower is better.
    pub best_so_far: Vec<f64>,
    /// Whether patience has ended it: what it reached is what it would have after any further epoch.
    pub lasts: bool,
    /// The rung at which it waits.
    pub waits_at: Option<u32>,
    /// Whether it may bring the best result, or has: it has a result, or may still get one.
    pub is_in_the_running: bool,
}

impl Shown {
    fn best(&self) -> Option<f64> {
        self.best_so_far.last().copied()
    }
}

/// The standings of a sweep's trials, which are known by their numbers in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Standings {
    one_in: u32,
    trials: BTreeMap<u32, Shown>,
    /// Those that have measured each epoch, from the first.
    epochs: Vec<Ranking>,
    /// Those that patience has ended, by their last epoch.
    lasting: BTreeMap<u32, Ranking>,
    /// Who waits at each rung, lowest loss first.
    waiting: BTreeMap<u32, BTreeSet<Entry>>,
    /// Those in the running by their lowest loss.
    running: BTreeSet<Entry>,
}

/// The trials that have a loss for an epoch: measured in it, or lasting from an earlier one.
#[derive(Clone, Copy, Debug)]
pub struct AtEpoch<'s> {
    one_in: usize,
    epoch: u32,
    measured: Option<&'s Ranking>,
    lasting: &'s BTreeMap<u32, Ranking>,
}

impl<'s> AtEpoch<'s> {
    fn parts(self) -> impl Iterator<Item = &'s Ranking> {
        let lasting = self.lasting.range(..self.epoch).map(|(_, ranking)| ranking);
        self.measured.into_iter().chain(lasting)
    }

    fn before(self, entry: &Entry) -> usize {
        self.parts().map(|ranking| ranking.before(entry)).sum()
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.parts().map(Ranking::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.parts().all(Ranking::is_empty)
    }

    /// Whether an entry of them is among the best: one in `one_in` of all, rounded down.
    fn has_among_best(self, entry: &Entry) -> bool {
        self.before(entry) < self.len() / self.one_in
    }

    /// Whether a loss is above their median.
    pub(super) fn median_is_below(self, loss: f64) -> bool {
        // Before every trial that has the same loss.
        let probe = Entry { loss, trial: 0 };
        let (before, half) = (self.before(&probe), self.len() / 2);
        if self.len() % 2 == 1 || before != half {
            return before > half;
        }
        let neighbours = || self.parts().map(|ranking| ranking.neighbours(&probe));
        let lower = neighbours().filter_map(|(last, _)| last).max();
        let upper = neighbours().filter_map(|(_, next)| next).min();
        lower.zip(upper).is_some_and(|(lower, upper)| loss > f64::midpoint(lower.loss, upper.loss))
    }
}

impl Standings {
    /// Nobody has shown anything.
    pub fn new(one_in: u32) -> Self {
        Self {
            one_in,
            trials: BTreeMap::new(),
            epochs: Vec::new(),
            lasting: BTreeMap::new(),
            waiting: BTreeMap::new(),
            running: BTreeSet::new(),
        }
    }

    /// Who has a loss for an epoch; `None` where nobody has, or so far out that trials are not ranked.
    pub fn at(&self, epoch: u32) -> Option<AtEpoch<'_>> {
        let place = (epoch as usize).checked_sub(1).filter(|place| *place < EPOCHS_RANKED_MAX)?;
        let one_in = (self.one_in as usize).max(1);
        let at = AtEpoch { one_in, epoch, measured: self.epochs.get(place), lasting: &self.lasting };
        (!at.is_empty()).then_some(at)
    }

    /// Losses that are held: one of a trial for each epoch that it measured, and one more where it lasts.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.epochs.iter().chain(self.lasting.values()).map(Ranking::len).sum()
    }

    /// Trials that wait at rungs.
    pub fn waiting(&self) -> impl Iterator<Item = u32> {
        self.waiting.values().flatten().map(|entry| entry.trial)
    }

    /// Trials that wait at a rung and are among its best: they are to be promoted, the furthest first.
    pub fn promotable(&self) -> impl Iterator<Item = u32> {
        self.promotable_from(|_| true).map(|(_, trial)| trial)
    }

    /// The same of the rungs that pass, each trial with its rung.
    pub fn promotable_from(&self, passes: impl Fn(u32) -> bool) -> impl Iterator<Item = (u32, u32)> {
        let rungs = self.waiting.iter().rev().filter(move |(rung, _)| passes(**rung));
        rungs.flat_map(|(rung, waiting)| {
            let ranking = self.at(*rung);
            let is_among_best = move |entry: &&Entry| ranking.is_some_and(|one| one.has_among_best(entry));
            waiting.iter().take_while(is_among_best).map(move |entry| (*rung, entry.trial))
        })
    }

    /// The trial with the lowest loss of those in the running.
    pub fn leader(&self) -> Option<u32> {
        self.running.first().map(|entry| entry.trial)
    }

    /// A trial has shown this by now; the default: nothing.
    pub fn set(&mut self, trial: u32, shown: Shown) {
        let before = self.trials.remove(&trial).unwrap_or_default();
        if before != shown {
            self.rank(trial, &before.best_so_far, &shown.best_so_far);
            self.enlist(trial, &before, &shown);
        }
        // Who has shown nothing has no place among them.
        if !shown.best_so_far.is_empty() {
            self.trials.insert(trial, shown);
        }
    }

    fn rank(&mut self, trial: u32, before: &[f64], after: &[f64]) {
        let same = |(old, new): &(&f64, &f64)| old.total_cmp(new).is_eq();
        let kept = before.iter().zip(after).take_while(same).count();
        for (at, loss) in before.iter().enumerate().skip(kept) {
            if let Some(ranking) = self.epochs.get_mut(at) {
                ranking.remove(Entry { loss: *loss, trial });
            }
        }
        if self.epochs.len() < after.len() {
            self.epochs.resize(after.len(), Ranking::default());
        }
        for (at, loss) in after.iter().enumerate().skip(kept) {
            if let Some(ranking) = self.epochs.get_mut(at) {
                ranking.insert(Entry { loss: *loss, trial });
            }
        }
        while self.epochs.last().is_some_and(Ranking::is_empty) {
            self.epochs.pop();
        }
    }

    fn enlist(&mut self, trial: u32, before: &Shown, after: &Shown) {
        let entry = |shown: &Shown| shown.best().map(|loss| Entry { loss, trial });
        let last_epoch = |shown: &Shown| shown.best_so_far.len() as u32;
        if let Some(entry) = entry(before).filter(|_| before.lasts)
            && let Some(lasting) = self.lasting.get_mut(&last_epoch(before))
        {
            lasting.remove(entry);
            if lasting.is_empty() {
                self.lasting.remove(&last_epoch(before));
            }
        }
        if let Some(entry) = entry(after).filter(|_| after.lasts) {
            self.lasting.entry(last_epoch(after)).or_default().insert(entry);
        }
        if let (Some(rung), Some(entry)) = (before.waits_at, entry(before))
            && let Some(waiting) = self.waiting.get_mut(&rung)
        {
            waiting.remove(&entry);
            if waiting.is_empty() {
                self.waiting.remove(&rung);
            }
        }
        if let (Some(rung), Some(entry)) = (after.waits_at, entry(after)) {
            self.waiting.entry(rung).or_default().insert(entry);
        }
        if let Some(entry) = entry(before).filter(|_| before.is_in_the_running) {
            self.running.remove(&entry);
        }
        if let Some(entry) = entry(after).filter(|_| after.is_in_the_running) {
            self.running.insert(entry);
        }
    }
}

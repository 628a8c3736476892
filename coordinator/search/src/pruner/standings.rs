//! What the trials of a sweep have shown so far, and which of them wait at rungs.

use std::collections::{BTreeMap, BTreeSet};

use super::ranking::{Entry, Ranking};

/// A trial's part in the standings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// The lowest validation loss up to each epoch; of a trial that came to its end before its last epoch, up to that one.
    pub best_so_far: Vec<f64>,
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
    /// The ranking after each epoch, from the first.
    epochs: Vec<Ranking>,
    /// Who waits at each rung, lowest loss first.
    waiting: BTreeMap<u32, BTreeSet<Entry>>,
    /// Those in the running by their lowest loss.
    running: BTreeSet<Entry>,
}

impl Standings {
    /// Nobody has shown anything.
    pub fn new(one_in: u32) -> Self {
        Self {
            one_in,
            trials: BTreeMap::new(),
            epochs: Vec::new(),
            waiting: BTreeMap::new(),
            running: BTreeSet::new(),
        }
    }

    /// The ranking after an epoch; `None` where no trial has come so far.
    pub fn at(&self, epoch: u32) -> Option<&Ranking> {
        self.epochs.get((epoch as usize).checked_sub(1)?).filter(|ranking| !ranking.is_empty())
    }

    /// Trials that wait at rungs.
    pub fn waiting(&self) -> impl Iterator<Item = u32> {
        self.waiting.values().flatten().map(|entry| entry.trial)
    }

    /// Whether a trial waits at a rung.
    pub fn waits(&self, trial: u32) -> bool {
        self.trials.get(&trial).is_some_and(|shown| shown.waits_at.is_some())
    }

    /// Trials that wait at a rung and are among its best: they are to be promoted, the furthest first.
    pub fn promotable(&self) -> impl Iterator<Item = u32> {
        self.waiting.iter().rev().flat_map(|(rung, waiting)| {
            let ranking = self.at(*rung);
            let is_among_best = move |entry: &&Entry| ranking.is_some_and(|one| one.has_among_best(**entry));
            waiting.iter().take_while(is_among_best).map(|entry| entry.trial)
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
            self.epochs.resize(after.len(), Ranking::new(self.one_in));
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

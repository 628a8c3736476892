//! The trials of a search: what becomes of each, and which may be handed out.

use std::collections::BTreeMap;

use crate::auto::candidates::{CandidateError, Candidates};
use crate::auto::curves::{Curves, Key, Outlook};
use crate::auto::trial::{State, Trial};

/// All trials that were handed out.
#[derive(Clone, Debug)]
pub(crate) struct Trials {
    pub(super) candidates: Candidates,
    pub(super) curves: Curves,
    pub(super) all: BTreeMap<Key, Trial>,
    pub(super) chance_loss: f64,
    replicates: u32,
    finished: usize,
}

impl Trials {
    pub(crate) fn new(candidates: Candidates, replicates: u32, chance_loss: f64) -> Self {
        let curves = Curves::new(chance_loss);
        Self { candidates, curves, all: BTreeMap::new(), replicates, chance_loss, finished: 0 }
    }

    pub(crate) fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    /// Takes further candidates in.
    pub(crate) fn extend(&mut self, points: &[Vec<f64>]) -> Result<(), CandidateError> {
        self.candidates = self.candidates.with(points)?;
        Ok(())
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Trial> {
        self.all.get(&key)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Trial> {
        self.all.get_mut(&key)
    }

    /// The trial runs; tells whether it goes on from epochs that it has trained.
    pub(crate) fn run(&mut self, key: Key) -> bool {
        let trial = self.all.entry(key).or_insert_with(Trial::new);
        trial.state = State::Running;
        !trial.losses.is_empty()
    }

    /// The trial runs no more, and may be handed out again; without an epoch it is forgotten. One that has ended stays as it is.
    pub(crate) fn pause(&mut self, key: Key) {
        let Some(trial) = self.all.get_mut(&key).filter(|trial| trial.is_open()) else { return };
        if trial.losses.is_empty() {
            self.all.remove(&key);
        } else {
            trial.state = State::Paused;
        }
    }

    /// Nobody is to train the trial any more, whether anybody ever did or not. One that has ended stays as it is.
    pub(crate) fn retire(&mut self, key: Key) {
        let trial = self.all.entry(key).or_insert_with(Trial::new);
        if trial.is_open() {
            trial.state = State::Retired;
        }
    }

    /// The trial is never handed out again, and what it has shown does not count. One that has ended stays as it is. Tells whether something
    /// does not count any more that was taken into account for good.
    pub(crate) fn fail(&mut self, key: Key) -> bool {
        let trial = self.all.entry(key).or_insert_with(Trial::new);
        if !(trial.is_open() || trial.state == State::Retired) {
            return false;
        }
        trial.state = State::Failed;
        trial.settled.take().is_some()
    }

    /// The trial is over, with the score of guessing. One that has ended stays as it is.
    pub(crate) fn diverge(&mut self, key: Key) {
        let trial = self.all.entry(key).or_insert_with(Trial::new);
        if trial.is_open() {
            trial.has_diverged = true;
            self.finish(key);
        }
    }

    /// Nothing is to be gained from the trial any more.
    pub(crate) fn finish(&mut self, key: Key) {
        let Some(trial) = self.all.get_mut(&key).filter(|trial| trial.is_open()) else {
            return;
        };
        trial.state = State::Finished;
        self.finished += 1;
        if !trial.has_diverged {
            self.curves.learn(key, &trial.losses);
        }
    }

    /// Only the first `epochs` epochs of the trial count. One that had ended runs again; one that waits still does, or is forgotten where
    /// no epoch is left. Tells whether something does not count any more that was taken into account for good.
    pub(crate) fn rewind(&mut self, key: Key, epochs: usize) -> bool {
        let Some(trial) = self.all.get_mut(&key) else { return false };
        let (state, had_diverged) = (trial.state, trial.has_diverged);
        let is_void = |by: usize| state == State::Finished || had_diverged || by > epochs;
        let was_settled = trial.settled.take_if(|(_, by)| is_void(*by)).is_some();
        trial.cut(epochs);
        if state == State::Paused {
            self.pause(key);
        } else {
            trial.state = State::Running;
        }
        if state == State::Finished {
            self.finished -= 1;
            self.curves.forget(key);
        }
        was_settled
    }

    /// Trials that have finished.
    pub(crate) fn finished(&self) -> usize {
        self.finished
    }

    /// Trials that have shown something.
    pub(crate) fn shown(&self) -> usize {
        self.all.values().filter(|trial| trial.has_shown()).count()
    }

    /// Trials of a configuration of which nothing more is to be expected.
    pub(crate) fn ended(&self, configuration: usize) -> usize {
        self.of(configuration).filter(|(_, trial)| !trial.is_open()).count()
    }

    fn of(&self, configuration: usize) -> impl Iterator<Item = (u32, &Trial)> {
        self.all.range((configuration, 0)..(configuration + 1, 0)).map(|(key, trial)| (key.1, trial))
    }

    /// The replicate of a configuration that would be trained next: the first that is paused, or else the first that was never handed out.
    pub(crate) fn next(&self, configuration: usize) -> Option<u32> {
        let mut unused = 0;
        for (replicate, trial) in self.of(configuration) {
            if trial.state == State::Paused {
                return Some(replicate);
            }
            unused += u32::from(replicate == unused);
        }
        (unused < self.replicates).then_some(unused)
    }

    /// Configurations of trials that run, in their order.
    pub(crate) fn running(&self) -> Vec<usize> {
        let running = self.all.iter().filter(|(_, trial)| trial.state == State::Running);
        let mut configurations: Vec<usize> = running.map(|(key, _)| key.0).collect();
        configurations.dedup();
        configurations
    }

    /// How many configurations have a trial.
    pub(crate) fn tried(&self) -> usize {
        let mut configurations: Vec<usize> = self.all.keys().map(|key| key.0).collect();
        configurations.dedup();
        configurations.len()
    }

    /// The mean score of a configuration's finished trials.
    pub(crate) fn mean_score(&self, configuration: usize) -> f64 {
        let finished = self.of(configuration).filter(|(_, trial)| trial.state == State::Finished);
        let scores: Vec<f64> = finished.map(|(_, trial)| trial.score(self.chance_loss)).collect();
        scores.iter().sum::<f64>() / scores.len() as f64
    }

    /// What is foretold of a trial.
    pub(crate) fn outlook(&mut self, key: Key) -> Option<Outlook> {
        let trial = self.all.get_mut(&key)?;
        Some(trial.outlook(&self.candidates, &mut self.curves, key.0))
    }

    /// The configuration of the lowest value among those that have a finished trial; the first of equal ones.
    pub(crate) fn lowest(&self, value: impl Fn(usize) -> Option<f64>) -> Option<usize> {
        let finished = self.all.iter().filter(|(_, trial)| trial.state == State::Finished);
        let mut configurations: Vec<usize> = finished.map(|(key, _)| key.0).collect();
        configurations.dedup();
        let valued = configurations.into_iter().filter_map(|one| Some((one, value(one)?)));
        valued.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(one, _)| one)
    }
}

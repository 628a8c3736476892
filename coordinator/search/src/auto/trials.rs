//! The trials of a search: what each has shown, and what is to become of it.

use std::collections::BTreeMap;

use crate::auto::candidates::{CandidateError, Candidates};
use crate::auto::curves::{Curves, DOUBT, Key, Outlook};
use crate::auto::model::Observation;

/// A finished score counts as no more than this number of deviations above the median: one diverged trial must not widen every other prediction.
const DEVIATIONS_MAX: f64 = 3.0;

/// Scores from which a median deviation is computed.
const SCORES_MIN: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Paused,
    Finished,
    /// Nobody is to train it any more, but what it has shown counts.
    Retired,
    /// It will never show anything, or anything more.
    Failed,
}

#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) state: State,
    /// Validation loss of each epoch.
    pub(crate) losses: Vec<f64>,
    /// Where a loss was no number: the score is that of guessing.
    pub(crate) has_diverged: bool,
    /// Whether its score was taken into account for good.
    is_absorbed: bool,
    /// What was foretold, with what was known then.
    outlook: Option<(u32, usize, Outlook)>,
}

impl Trial {
    fn new() -> Self {
        Self {
            state: State::Running,
            losses: Vec::new(),
            has_diverged: false,
            is_absorbed: false,
            outlook: None,
        }
    }

    /// What is foretold of it; computed once for as long as nothing has changed.
    fn outlook(&mut self, candidates: &Candidates, curves: &mut Curves, configuration: usize) -> Outlook {
        let known = (curves.version(), self.losses.len());
        match self.outlook {
            Some((version, epochs, outlook)) if (version, epochs) == known => outlook,
            _ => {
                let outlook = curves.outlook(candidates, configuration, &self.losses);
                self.outlook = Some((known.0, known.1, outlook));
                outlook
            }
        }
    }

    /// Whether it may still show something.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Running | State::Paused)
    }

    /// Whether it may be handed out.
    pub(crate) fn may_run(&self) -> bool {
        matches!(self.state, State::Paused | State::Retired)
    }

    /// Whether what it has shown counts.
    fn has_shown(&self) -> bool {
        self.state != State::Failed && (self.has_diverged || !self.losses.is_empty())
    }

    /// Its lowest loss.
    pub(crate) fn best(&self) -> Option<f64> {
        self.losses.iter().copied().min_by(f64::total_cmp)
    }

    /// Epochs since the loss was lowest.
    pub(crate) fn epochs_since_best(&self) -> usize {
        let lowest = self.losses.iter().enumerate().min_by(|one, other| one.1.total_cmp(other.1));
        lowest.map_or(0, |(at, _)| self.losses.len() - 1 - at)
    }
}

/// All trials that were handed out.
#[derive(Clone, Debug)]
pub(crate) struct Trials {
    candidates: Candidates,
    curves: Curves,
    all: BTreeMap<Key, Trial>,
    replicates: u32,
    chance_loss: f64,
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

    /// The trial is not to be handed out again, whether it ever was or not. One that has ended stays as it is.
    pub(crate) fn end(&mut self, key: Key, state: State) {
        let trial = self.all.entry(key).or_insert_with(Trial::new);
        if trial.is_open() || trial.state == State::Retired {
            trial.state = state;
        }
    }

    /// The trial is over, with the score of guessing. One that has ended stays as it is.
    pub(crate) fn diverge(&mut self, key: Key) {
        let trial = self.all.entry(key).or_insert_with(Trial::new);
        if trial.is_open() {
            trial.has_diverged = true;
            self.finish(key);
        }
    }

    /// Only the first `epochs` epochs of the trial count. One that had ended runs again; one that waits still does, or is forgotten where
    /// no epoch is left. Tells whether its score was taken into account for good.
    pub(crate) fn rewind(&mut self, key: Key, epochs: usize) -> bool {
        let Some(trial) = self.all.get_mut(&key) else { return false };
        trial.losses.truncate(epochs);
        trial.outlook = None;
        trial.has_diverged = false;
        match trial.state {
            State::Running => {}
            State::Paused => self.pause(key),
            State::Finished => {
                trial.state = State::Running;
                self.finished -= 1;
                self.curves.forget(key);
                return std::mem::take(&mut trial.is_absorbed);
            }
            State::Retired | State::Failed => trial.state = State::Running,
        }
        false
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

    /// Trials that have finished.
    pub(crate) fn finished(&self) -> usize {
        self.finished
    }

    /// Trials that have shown something.
    pub(crate) fn shown(&self) -> usize {
        self.all.values().filter(|trial| trial.has_shown()).count()
    }

    /// Trials of a configuration that have finished or failed.
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

    /// Configurations that have a trial, in their order.
    pub(crate) fn configurations(&self) -> Vec<usize> {
        let mut configurations: Vec<usize> = self.all.keys().map(|key| key.0).collect();
        configurations.dedup();
        configurations
    }

    /// The mean score of a configuration's finished trials.
    pub(crate) fn mean_score(&self, configuration: usize) -> f64 {
        let finished = self.of(configuration).filter(|(_, trial)| trial.state == State::Finished);
        let scores: Vec<f64> = finished.map(|(_, trial)| score(trial, self.chance_loss)).collect();
        scores.iter().sum::<f64>() / scores.len() as f64
    }

    /// What finished trials have shown, sorted, and the highest score that counts in full.
    pub(crate) fn finished_observations(&self) -> (Vec<Observation>, f64) {
        let finished = self.all.iter().filter(|(_, trial)| trial.state == State::Finished);
        let mut observations: Vec<Observation> =
            finished.map(|(key, trial)| self.observation(*key, trial, f64::INFINITY)).collect();
        let highest = highest_counted(observations.iter().map(|one| one.value).collect());
        observations.iter_mut().for_each(|one| one.value = one.value.min(highest));
        (observations, highest)
    }

    fn observation(&self, key: Key, trial: &Trial, highest: f64) -> Observation {
        let value = libm::log(score(trial, self.chance_loss)).min(highest);
        Observation { configuration: key.0, replicate: key.1, value, variance: 0.0 }
    }

    /// What finished trials have shown that were not yet absorbed, sorted; they are now.
    pub(crate) fn absorb(&mut self, highest: f64) -> Vec<Observation> {
        let is_new = |trial: &Trial| trial.state == State::Finished && !trial.is_absorbed;
        let new: Vec<Key> = self.all.iter().filter(|(_, trial)| is_new(trial)).map(|(key, _)| *key).collect();
        let observations =
            new.iter().filter_map(|key| Some(self.observation(*key, self.all.get(key)?, highest))).collect();
        for key in new {
            if let Some(trial) = self.all.get_mut(&key) {
                trial.is_absorbed = true;
            }
        }
        observations
    }

    /// What all trials have shown that were not absorbed, sorted: finished ones, and the others extrapolated to their ends. `is_ahead`: how
    /// sure that is a little later. Those that run and have shown nothing have ended then, though nobody knows how, and of those that
    /// have shown something the extrapolation is not doubted any more. To take these as ended, too, made searches later, not sooner.
    pub(crate) fn open_observations(&mut self, highest: f64, is_ahead: bool) -> Vec<Observation> {
        let mut observations = Vec::new();
        for (key, trial) in &mut self.all {
            let is_known_soon = is_ahead && trial.state == State::Running;
            if trial.is_absorbed || !(trial.has_shown() || is_known_soon) {
                continue;
            }
            let so_far = libm::log(score(trial, self.chance_loss));
            let (value, variance) = if trial.has_diverged || trial.state == State::Finished {
                (so_far.min(highest), 0.0)
            } else if trial.has_shown() {
                let outlook = trial.outlook(&self.candidates, &mut self.curves, key.0);
                ((so_far + outlook.change).min(highest), outlook.variance)
            } else {
                (0.0, 0.0)
            };
            let variance = if is_known_soon { variance / DOUBT } else { variance };
            observations.push(Observation { configuration: key.0, replicate: key.1, value, variance });
        }
        observations
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

/// The lowest loss. One above that of guessing counts as that: however far a loss explodes, the model is of no use.
fn score(trial: &Trial, chance_loss: f64) -> f64 {
    match trial.best() {
        Some(best) if !trial.has_diverged => best.min(chance_loss),
        _ => chance_loss,
    }
}

/// The highest score that counts in full.
fn highest_counted(mut values: Vec<f64>) -> f64 {
    /// Median absolute deviations of a normal distribution in one standard deviation.
    const OF_NORMAL: f64 = 1.4826;
    if values.len() < SCORES_MIN {
        return f64::INFINITY;
    }
    values.sort_by(f64::total_cmp);
    let median = values[values.len() / 2];
    let above: Vec<f64> = values.iter().filter(|one| **one > median).map(|one| one - median).collect();
    // The lower one of the middle two: of two scores above the median one may be the outlier itself.
    above
        .get(above.len().saturating_sub(1) / 2)
        .map_or(f64::INFINITY, |deviation| median + DEVIATIONS_MAX * OF_NORMAL * deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outlier_among_few_scores_does_not_count_in_full() {
        for usual in [vec![1.0, 1.01, 1.02, 1.03], vec![1.0, 1.01, 1.02, 1.03, 1.04]] {
            let highest = highest_counted(usual.iter().copied().chain([5.0]).collect());
            assert!(usual.iter().all(|one| *one <= highest) && highest < 1.2, "{highest}");
        }
        assert_eq!(highest_counted(vec![1.0, 2.0, 3.0, 4.0]), f64::INFINITY, "of four nobody can say");
        assert_eq!(highest_counted(vec![1.0; 9]), f64::INFINITY, "nothing is above the median");
    }
}

//! How much lower the best loss of a trial will still get, judged by the curves of trials that have finished.
//!
//! For each number of epochs there is a Gaussian process over how far below chance the best loss is, what the last epoch gained, and
//! the configuration. What it foretells is doubted: only what was worth finishing has taught it.

use std::collections::BTreeMap;

use crate::auto::candidates::Candidates;
use crate::auto::linear::{Cholesky, Matrix};
use crate::auto::scores::lowest;

/// A trial: its configuration and its replicate.
pub(crate) type Key = (usize, u32);

/// Finished trials that must have passed an epoch before others are judged by them there.
const TEACHERS_MIN: usize = 4;

/// Most finished trials by which an epoch is judged: those that ended lowest. Each trial that finishes changes the processes of all epochs,
/// and one of so many teachers takes a third of a millisecond.
const TEACHERS_MAX: usize = 128;

/// What is expected while few trials have finished: 3 % lower, give or take 5 %.
const UNTAUGHT: Outlook = Outlook { change: -0.03, variance: 0.05 * 0.05 };

/// Factor on the variance of what is foretold. Slow starters that end best are why it is not 1.
pub(crate) const DOUBT: f64 = 4.0;

/// A tenth of the variance of changes is noise, and 0.2 % more.
const NOISE_SHARE: f64 = 0.1;
const NOISE: f64 = 0.002 * 0.002;

/// Scales of the features, in units of the process's length.
const DEPTH_SCALE: f64 = 8.0;
const GAIN_SCALE: f64 = 15.0;
const GAIN_MAX: f64 = 0.15;
const PLACE_SCALE: f64 = 2.0;

/// What is foretold of a trial: the change of the logarithm of its best loss until its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outlook {
    /// Mean, at most 0.
    pub(crate) change: f64,
    /// Variance.
    pub(crate) variance: f64,
}

/// What a finished trial teaches of an epoch.
#[derive(Clone, Debug)]
struct Lesson {
    features: Vec<f64>,
    change: f64,
}

/// The process of one epoch.
#[derive(Clone, Debug)]
struct Process {
    features: Vec<Vec<f64>>,
    mean: f64,
    variance: f64,
    factor: Cholesky,
    weights: Vec<f64>,
}

/// What finished trials teach, epoch by epoch.
#[derive(Clone, Debug)]
pub(crate) struct Curves {
    chance_loss: f64,
    /// The losses of each finished trial, and their lowest.
    finished: BTreeMap<Key, (Vec<f64>, f64)>,
    processes: Vec<Option<Process>>,
    /// Grows with each change.
    version: u32,
}

fn similarity(one: &[f64], other: &[f64]) -> f64 {
    let squared: f64 = one.iter().zip(other).map(|(one, other)| (one - other) * (one - other)).sum();
    libm::exp(-0.5 * squared)
}

impl Process {
    /// The process that these lessons teach.
    fn new(lessons: Vec<Lesson>) -> Option<Self> {
        let count = lessons.len();
        let mean = lessons.iter().map(|one| one.change).sum::<f64>() / count as f64;
        let squares = lessons.iter().map(|one| (one.change - mean) * (one.change - mean));
        let variance = squares.sum::<f64>() / count as f64 + 1e-6;
        let mut covariance = Matrix::zeros(count, count);
        for (row, one) in lessons.iter().enumerate() {
            let values = covariance.row_mut(row);
            values[row] = variance * (1.0 + NOISE_SHARE) + NOISE;
            for (value, other) in values.iter_mut().zip(&lessons).skip(row + 1) {
                *value = variance * similarity(&one.features, &other.features);
            }
        }
        let factor = Cholesky::of(covariance)?;
        let mut weights: Vec<f64> = lessons.iter().map(|one| one.change - mean).collect();
        factor.forward_one(&mut weights);
        factor.backward_one(&mut weights);
        let features = lessons.into_iter().map(|one| one.features).collect();
        Some(Self { features, mean, variance, factor, weights })
    }

    fn outlook(&self, features: &[f64]) -> Outlook {
        let mut near: Vec<f64> =
            self.features.iter().map(|one| self.variance * similarity(one, features)).collect();
        let change =
            self.mean + near.iter().zip(&self.weights).map(|(one, weight)| one * weight).sum::<f64>();
        self.factor.forward_one(&mut near);
        let explained: f64 = near.iter().map(|one| one * one).sum();
        let variance = (self.variance + NOISE - explained).max(1e-8);
        Outlook { change: change.min(0.0), variance: DOUBT * variance }
    }
}

impl Curves {
    /// Nothing is known; a model that guesses has the loss `chance_loss`.
    pub(crate) fn new(chance_loss: f64) -> Self {
        Self { chance_loss, finished: BTreeMap::new(), processes: Vec::new(), version: 0 }
    }

    /// Changes whenever what is foretold may.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Learns from a trial that has finished with these losses.
    pub(crate) fn learn(&mut self, key: Key, losses: &[f64]) {
        self.finished.insert(key, (losses.to_vec(), lowest(losses)));
        self.changed();
    }

    /// Forgets what a trial has taught that has not finished after all.
    pub(crate) fn forget(&mut self, key: Key) {
        self.finished.remove(&key);
        self.changed();
    }

    fn changed(&mut self) {
        self.version += 1;
        self.processes.clear();
    }

    /// What is foretold of a trial of this configuration after these losses.
    pub(crate) fn outlook(
        &mut self,
        candidates: &Candidates,
        configuration: usize,
        losses: &[f64],
    ) -> Outlook {
        let at = losses.len().saturating_sub(1);
        if self.processes.len() <= at {
            self.processes.resize(at + 1, None);
        }
        if self.processes[at].is_none() {
            self.processes[at] = self.process(candidates, at);
        }
        let features = self.features(candidates, configuration, losses);
        self.processes[at].as_ref().map_or(UNTAUGHT, |process| process.outlook(&features))
    }

    /// What is taught by those of the finished trials that went on after the epoch at `at`; of many, by those that ended lowest.
    fn process(&self, candidates: &Candidates, at: usize) -> Option<Process> {
        let went_on = self.finished.iter().filter(|(_, (losses, _))| losses.len() > at + 1);
        let mut teachers: Vec<(f64, &Key, &Vec<f64>)> =
            went_on.map(|(key, (losses, end))| (*end, key, losses)).collect();
        if teachers.len() < TEACHERS_MIN {
            return None;
        }
        if teachers.len() > TEACHERS_MAX {
            teachers.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(other.1)));
            teachers.truncate(TEACHERS_MAX);
            teachers.sort_by_key(|one| one.1);
        }
        let lesson = |(end, key, losses): (f64, &Key, &Vec<f64>)| {
            let best = lowest(&losses[..=at]);
            // As scores count: nothing above the loss of guessing.
            let change = libm::log(end.min(self.chance_loss) / best.min(self.chance_loss));
            Lesson { features: self.features(candidates, key.0, &losses[..=at]), change }
        };
        Process::new(teachers.into_iter().map(lesson).collect())
    }

    fn features(&self, candidates: &Candidates, configuration: usize, losses: &[f64]) -> Vec<f64> {
        let (last, earlier) =
            losses.split_last().map_or((self.chance_loss, losses), |(last, rest)| (*last, rest));
        let before = if earlier.is_empty() { self.chance_loss } else { lowest(earlier) };
        let best = lowest(losses);
        // Where the last epoch gained nothing: how far above the best it ended.
        let gain = if last < before { libm::log(before / last) } else { -libm::log(last / best) };
        let depth = if best < self.chance_loss { libm::log(self.chance_loss / best) } else { 0.0 };
        let places = (0..candidates.axes()).map(|axis| PLACE_SCALE * candidates.place(configuration, axis));
        [DEPTH_SCALE * depth, GAIN_SCALE * gain.clamp(-GAIN_MAX, GAIN_MAX)]
            .into_iter()
            .chain(places)
            .collect()
    }
}

//! How much lower the best loss of a trial will still get, judged by the curves of trials that have finished.
//!
//! For each number of epochs there is a Gaussian process over how far below chance the best loss is, what the last epoch gained, and
//! the configuration. What it foretells is doubted: only what was worth finishing has taught it.

use crate::auto::candidates::Candidates;
use crate::auto::linear::{Cholesky, Matrix};

/// A trial: its configuration and its replicate.
pub(crate) type Key = (usize, u32);

/// Finished trials that must have passed an epoch before others are judged by them there.
const TEACHERS_MIN: usize = 4;

/// Most finished trials by which an epoch is judged: those that ended lowest.
const TEACHERS_MAX: usize = 256;

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

#[derive(Clone, Debug)]
struct Lesson {
    key: Key,
    features: Vec<f64>,
    /// Its similarity with each lesson before it.
    similar: Vec<f64>,
    change: f64,
    /// The best loss at the end.
    end: f64,
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
    /// Of each epoch, in the order in which trials finished.
    lessons: Vec<Vec<Lesson>>,
    processes: Vec<Option<Process>>,
    /// Grows with each finished trial.
    version: u32,
}

fn similarity(one: &[f64], other: &[f64]) -> f64 {
    let squared: f64 = one.iter().zip(other).map(|(one, other)| (one - other) * (one - other)).sum();
    libm::exp(-0.5 * squared)
}

impl Process {
    /// The process that these lessons teach, whatever the order in which they came.
    fn new(lessons: &[Lesson]) -> Option<Self> {
        let mut order: Vec<usize> = (0..lessons.len()).collect();
        if order.len() > TEACHERS_MAX {
            order.sort_by(|one, other| {
                let (one, other) = (&lessons[*one], &lessons[*other]);
                one.end.total_cmp(&other.end).then(one.key.cmp(&other.key))
            });
            order.truncate(TEACHERS_MAX);
        }
        order.sort_by_key(|at| lessons[*at].key);
        let changes: Vec<f64> = order.iter().map(|at| lessons[*at].change).collect();
        let count = changes.len();
        let mean = changes.iter().sum::<f64>() / count as f64;
        let variance =
            changes.iter().map(|one| (one - mean) * (one - mean)).sum::<f64>() / count as f64 + 1e-6;
        let mut covariance = Matrix::zeros(count, count);
        for (row, one) in order.iter().enumerate() {
            let values = covariance.row_mut(row);
            values[row] = variance * (1.0 + NOISE_SHARE) + NOISE;
            for (value, other) in values.iter_mut().zip(&order).skip(row + 1) {
                *value = variance * lessons[*one.max(other)].similar[*one.min(other)];
            }
        }
        let factor = Cholesky::of(covariance)?;
        let mut weights: Vec<f64> = changes.iter().map(|one| one - mean).collect();
        factor.forward_one(&mut weights);
        factor.backward_one(&mut weights);
        let features = order.iter().map(|at| lessons[*at].features.clone()).collect();
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
        Self { chance_loss, lessons: Vec::new(), processes: Vec::new(), version: 0 }
    }

    /// Changes whenever what is foretold may.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Learns from a trial that has finished with these losses.
    pub(crate) fn learn(&mut self, candidates: &Candidates, key: Key, losses: &[f64]) {
        self.version += 1;
        let end = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let epochs = losses.len().saturating_sub(1);
        if self.lessons.len() < epochs {
            self.lessons.resize(epochs, Vec::new());
            self.processes.resize(epochs, None);
        }
        let mut best = f64::INFINITY;
        for (at, loss) in losses.iter().take(epochs).enumerate() {
            best = best.min(*loss);
            let features = self.features(candidates, key.0, &losses[..=at]);
            let lessons = &mut self.lessons[at];
            let similar = lessons.iter().map(|one| similarity(&one.features, &features)).collect();
            // As scores count: nothing above the loss of guessing.
            let change = libm::log(end.min(self.chance_loss) / best.min(self.chance_loss));
            lessons.push(Lesson { key, features, similar, change, end });
            self.processes[at] = None;
        }
    }

    /// What is foretold of a trial of this configuration after these losses.
    pub(crate) fn outlook(
        &mut self,
        candidates: &Candidates,
        configuration: usize,
        losses: &[f64],
    ) -> Outlook {
        let at = losses.len().saturating_sub(1);
        let Some(lessons) = self.lessons.get(at).filter(|lessons| lessons.len() >= TEACHERS_MIN) else {
            return UNTAUGHT;
        };
        if self.processes[at].is_none() {
            self.processes[at] = Process::new(lessons);
        }
        let features = self.features(candidates, configuration, losses);
        self.processes[at].as_ref().map_or(UNTAUGHT, |process| process.outlook(&features))
    }

    fn features(&self, candidates: &Candidates, configuration: usize, losses: &[f64]) -> Vec<f64> {
        let lowest = |losses: &[f64]| losses.iter().copied().fold(f64::INFINITY, f64::min);
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

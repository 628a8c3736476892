//! What is believed of scores: a normal distribution over some candidates and the replicates' common parts, before and after trials
//! have shown something. Candidates are known by their places among these.

use crate::auto::candidates::Candidates;
use crate::auto::linear::{Cholesky, Matrix, subtract, subtract_gram};
use crate::auto::model::{LEVEL_VARIANCE, Observation, Parameters};

/// Observations that are taken into account together: of one after another the time grows with their number, of all at once with its cube.
const ABSORBED: usize = 128;

/// A normal distribution: first each candidate's score, then what each replicate adds.
#[derive(Clone, Debug)]
pub(crate) struct Belief {
    candidates: usize,
    pub(crate) mean: Vec<f64>,
    covariance: Matrix,
    /// Seed noise of each candidate.
    noises: Vec<f64>,
}

/// A belief that takes a few more observations into account; covariances are computed where they are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Updated<'b> {
    before: &'b Belief,
    pub(crate) mean: Vec<f64>,
    roots: Matrix,
}

impl Belief {
    /// Of the candidates at these points, before any trial; scores are about `level`.
    pub(crate) fn prior(
        candidates: &Candidates,
        points: &[usize],
        parameters: &Parameters,
        replicates: u32,
        level: f64,
    ) -> Self {
        let count = points.len();
        let size = count + replicates as usize;
        let mut covariance = Matrix::zeros(size, size);
        for one in 0..count {
            for other in one..count {
                let value = parameters.covariance(candidates, points[one], points[other]) + LEVEL_VARIANCE;
                covariance.row_mut(one)[other] = value;
                covariance.row_mut(other)[one] = value;
            }
        }
        (count..size).for_each(|replicate| covariance.row_mut(replicate)[replicate] = parameters.block);
        let mut mean = vec![level; count];
        mean.resize(size, 0.0);
        let noises = points.iter().map(|one| parameters.noise_of(candidates, *one)).collect();
        Self { candidates: count, mean, covariance, noises }
    }

    /// Seed noise of a candidate, as a variance.
    pub(crate) fn noise(&self, candidate: usize) -> f64 {
        self.noises[candidate]
    }

    /// Where a replicate's common part stands.
    fn place(&self, replicate: u32) -> usize {
        self.candidates + replicate as usize
    }

    /// Covariances of one trial's score, without its noise, with everything.
    fn of_trial(&self, configuration: usize, replicate: u32) -> impl Iterator<Item = f64> {
        let common = self.covariance.row(self.place(replicate));
        self.covariance.row(configuration).iter().zip(common).map(|(one, other)| one + other)
    }

    /// The belief after further observations. `None` only where numbers have lost their meaning.
    pub(crate) fn updated(&self, observations: &[Observation]) -> Option<Updated<'_>> {
        let count = observations.len();
        let mut roots = Matrix::zeros(count, self.mean.len());
        let mut surprises = Vec::with_capacity(count);
        for (row, one) in observations.iter().enumerate() {
            let covariances = self.of_trial(one.configuration, one.replicate);
            roots.row_mut(row).iter_mut().zip(covariances).for_each(|(root, value)| *root = value);
            surprises.push(one.value - self.mean[one.configuration] - self.mean[self.place(one.replicate)]);
        }
        if count == 0 {
            return Some(Updated { before: self, mean: self.mean.clone(), roots });
        }
        let mut spread = Matrix::zeros(count, count);
        for (row, one) in observations.iter().enumerate() {
            for (column, other) in observations.iter().enumerate().skip(row) {
                let noise = if row == column { self.noises[one.configuration] + one.variance } else { 0.0 };
                spread.row_mut(row)[column] =
                    roots.at(row, other.configuration) + roots.at(row, self.place(other.replicate)) + noise;
            }
        }
        let factor = Cholesky::of(spread)?;
        factor.forward(&mut roots);
        factor.forward_one(&mut surprises);
        let mut mean = self.mean.clone();
        for (row, surprise) in surprises.iter().enumerate() {
            mean.iter_mut().zip(roots.row(row)).for_each(|(value, root)| *value += root * surprise);
        }
        Some(Updated { before: self, mean, roots })
    }

    /// Takes observations into account for good.
    pub(crate) fn absorb(&mut self, observations: &[Observation]) {
        for part in observations.chunks(ABSORBED) {
            let Some(Updated { mean, roots, .. }) = self.updated(part) else { return };
            self.mean = mean;
            subtract_gram(&mut self.covariance, &roots);
        }
    }
}

impl Updated<'_> {
    /// Covariances of one candidate's score with those of all.
    pub(crate) fn covariances(&self, one: usize) -> Vec<f64> {
        let mut covariances = self.before.covariance.row(one)[..self.before.candidates].to_vec();
        for row in 0..self.roots.rows() {
            let factor = self.roots.at(row, one);
            covariances.iter_mut().zip(self.roots.row(row)).for_each(|(value, root)| *value -= factor * root);
        }
        covariances
    }

    /// Variances of all candidates' scores.
    pub(crate) fn variances(&self) -> Vec<f64> {
        let mut variances: Vec<f64> =
            (0..self.before.candidates).map(|one| self.before.covariance.at(one, one)).collect();
        for row in 0..self.roots.rows() {
            variances.iter_mut().zip(self.roots.row(row)).for_each(|(value, root)| *value -= root * root);
        }
        variances
    }

    /// Covariances of one trial's score, without its noise, with those of the `kept` candidates; and its variance.
    pub(crate) fn of_trial(&self, trial: (usize, u32), kept: &Kept<'_>, covariances: &mut [f64]) -> f64 {
        let (own, common) = (trial.0, self.before.place(trial.1));
        let rows = [self.before.covariance.row(own), self.before.covariance.row(common)];
        for (value, at) in covariances.iter_mut().zip(kept.candidates) {
            *value = rows[0][*at] + rows[1][*at];
        }
        let weights: Vec<f64> =
            (0..self.roots.rows()).map(|row| self.roots.at(row, own) + self.roots.at(row, common)).collect();
        subtract(&mut covariances[..kept.candidates.len()], &weights, &kept.roots, 0);
        let explained: f64 = weights.iter().map(|one| one * one).sum();
        rows[0][own] + rows[0][common] + rows[1][own] + rows[1][common] - explained
    }

    /// What is needed of some candidates to compute their covariances quickly.
    pub(crate) fn kept<'k>(&self, candidates: &'k [usize]) -> Kept<'k> {
        let mut roots = Matrix::zeros(self.roots.rows(), candidates.len());
        for row in 0..self.roots.rows() {
            let from = self.roots.row(row);
            roots.row_mut(row).iter_mut().zip(candidates).for_each(|(root, at)| *root = from[*at]);
        }
        Kept { candidates, roots }
    }

    /// Seed noise of a candidate, as a variance.
    pub(crate) fn noise(&self, candidate: usize) -> f64 {
        self.before.noise(candidate)
    }
}

/// Some candidates of a belief.
#[derive(Clone, Debug)]
pub(crate) struct Kept<'k> {
    candidates: &'k [usize],
    roots: Matrix,
}

//! What is believed of all scores: a normal distribution over the candidates and the replicates' common parts, before and after trials
//! have shown something.

use crate::auto::candidates::Candidates;
use crate::auto::linear::{Cholesky, Matrix, subtract_gram};
use crate::auto::model::{LEVEL_VARIANCE, Observation, Parameters};

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
    /// Before any trial; scores are about `level` where people start.
    pub(crate) fn prior(
        candidates: &Candidates,
        parameters: &Parameters,
        replicates: u32,
        level: f64,
    ) -> Self {
        let count = candidates.len();
        let size = count + replicates as usize;
        let mut covariance = Matrix::zeros(size, size);
        for one in 0..count {
            for other in one..count {
                let value = parameters.covariance(candidates, one, other) + LEVEL_VARIANCE;
                covariance.row_mut(one)[other] = value;
                covariance.row_mut(other)[one] = value;
            }
        }
        (count..size).for_each(|replicate| covariance.row_mut(replicate)[replicate] = parameters.block);
        let mut mean: Vec<f64> = (0..count).map(|one| level + candidates.expected(one)).collect();
        mean.resize(size, 0.0);
        let noises = (0..count).map(|one| parameters.noise_of(candidates, one)).collect();
        Self { candidates: count, mean, covariance, noises }
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

    /// Covariance of two candidates' scores.
    pub(crate) fn covariance(&self, one: usize, other: usize) -> f64 {
        self.covariance.at(one, other)
    }

    /// How the mean of everything would move if a further trial scored one standard deviation above what is expected of it.
    pub(crate) fn moves(&self, configuration: usize, replicate: u32, moves: &mut Vec<f64>) {
        moves.clear();
        moves.extend(self.of_trial(configuration, replicate));
        let variance = moves[configuration] + moves[self.place(replicate)] + self.noises[configuration];
        let scale = 1.0 / variance.sqrt();
        moves.iter_mut().for_each(|one| *one *= scale);
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
            (0..self.before.candidates).map(|one| self.before.covariance(one, one)).collect();
        for row in 0..self.roots.rows() {
            variances.iter_mut().zip(self.roots.row(row)).for_each(|(value, root)| *value -= root * root);
        }
        variances
    }

    /// The same belief with all its covariances.
    pub(crate) fn whole(self) -> Belief {
        let Self { before, mean, roots } = self;
        let mut covariance = before.covariance.clone();
        subtract_gram(&mut covariance, &roots);
        Belief { candidates: before.candidates, mean, covariance, noises: before.noises.clone() }
    }
}

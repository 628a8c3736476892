//! The model of scores: a Gaussian process over the candidates, with the seeds as blocks.
//!
//! The logarithm of the score of configuration `c` under replicate `r` is `level + f(c) + b(r) + noise(c)`, where
//! `cov f = scale² (∏ⱼ (1 + aⱼ kⱼ) − 1) + own² [same configuration]`: main effects along each axis and all their interactions, and a part
//! that no neighbour tells. Replicate `r` is the same seed in every configuration, so its `b(r)` is shared.

use crate::auto::candidates::Candidates;
use crate::auto::linear::{Cholesky, Matrix};
use crate::auto::minimise::{Value, minimise};

/// Variance of the level that all scores share: logarithms of losses differ by less than a few tenths from their mean.
pub(crate) const LEVEL_VARIANCE: f64 = 0.01;

/// Steps of the fit: it has long converged, or is near enough.
const STEPS_MAX: usize = 40;

/// The fit ends where no parameter would move by more than about this part of its prior standard deviation.
const FLAT: f64 = 3e-3;

/// What a trial has shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// Its configuration.
    pub configuration: usize,
    /// Its replicate.
    pub replicate: u32,
    /// The logarithm of its score.
    pub value: f64,
    /// Variance beyond the seed noise: of a score that is extrapolated.
    pub variance: f64,
}

/// A parameter's prior: normal, of its logarithm.
#[derive(Clone, Copy, Debug)]
struct Prior {
    mean: f64,
    deviation: f64,
}

/// Centres and widths of the priors. Learning curves of text classifiers have shown effects of 5 to 30 %, seed noise of 1 to 4 %, of which about a
/// half is shared by all configurations of a replicate.
const SCALE: (f64, f64) = (0.04, 1.0);
const WEIGHT: (f64, f64) = (0.5, 1.2);
const OWN: (f64, f64) = (0.002, 0.8);
const NOISE: (f64, f64) = (0.012, 0.7);
const BLOCK: (f64, f64) = (0.006, 0.8);
/// Of the logarithm of the noise's ratio between the two ends of an axis, which is 0 at the centre.
const SLOPE_DEVIATION: f64 = 0.2;

/// The parameters of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Variance of the smooth part.
    pub scale: f64,
    /// Weight of each axis.
    pub weights: Vec<f64>,
    /// Variance of each configuration's own part.
    pub own: f64,
    /// Variance of the seed noise in the middle of all axes.
    pub noise: f64,
    /// Variance of what a replicate's configurations share.
    pub block: f64,
    /// How the logarithm of the noise's standard deviation grows along each axis.
    pub slopes: Vec<f64>,
}

fn priors(axes: usize) -> Vec<Prior> {
    let of = |(centre, deviation): (f64, f64)| Prior { mean: libm::log(centre), deviation };
    let weights = (0..axes).map(|_| of(WEIGHT));
    let slopes = (0..axes).map(|_| Prior { mean: 0.0, deviation: SLOPE_DEVIATION });
    [of(SCALE)].into_iter().chain(weights).chain([of(OWN), of(NOISE), of(BLOCK)]).chain(slopes).collect()
}

impl Parameters {
    /// The centre of the prior.
    pub fn prior(axes: usize) -> Self {
        Self::at(axes, &vec![0.0; 2 * axes + 4])
    }

    /// The parameters at these distances from the centre, in prior standard deviations.
    pub(super) fn at(axes: usize, whitened: &[f64]) -> Self {
        let logarithms: Vec<f64> = priors(axes)
            .iter()
            .zip(whitened)
            .map(|(prior, place)| prior.mean + prior.deviation * place)
            .collect();
        let variance = |at: usize| libm::exp(2.0 * logarithms[at]);
        Self {
            scale: variance(0),
            weights: logarithms[1..=axes].iter().map(|one| libm::exp(*one)).collect(),
            own: variance(axes + 1),
            noise: variance(axes + 2),
            block: variance(axes + 3),
            slopes: logarithms[axes + 4..].to_vec(),
        }
    }

    /// Covariance of two configurations' scores, without the level and noise.
    pub(crate) fn covariance(&self, candidates: &Candidates, one: usize, other: usize) -> f64 {
        let factor = |(axis, weight): (usize, &f64)| 1.0 + weight * candidates.similarity(axis, one, other);
        let product: f64 = self.weights.iter().enumerate().map(factor).product();
        self.scale * (product - 1.0) + if one == other { self.own } else { 0.0 }
    }

    /// Variance of the seed noise of a configuration.
    pub fn noise_of(&self, candidates: &Candidates, configuration: usize) -> f64 {
        let growth: f64 = self
            .slopes
            .iter()
            .enumerate()
            .map(|(axis, slope)| slope * candidates.offset(configuration, axis))
            .sum();
        self.noise * libm::exp(2.0 * growth)
    }

    /// The most probable parameters given what trials have shown, whose scores are about `level`. It starts from the centre of the prior, so it follows
    /// from the observations alone.
    pub fn fit(candidates: &Candidates, observations: &[Observation], level: f64) -> Self {
        let found = Posterior::new(candidates, observations, level).most_probable();
        Self::at(candidates.axes(), &found)
    }
}

/// The negative logarithm of the posterior density of parameters, up to a constant.
pub(crate) struct Posterior<'a> {
    candidates: &'a Candidates,
    observations: &'a [Observation],
    values: Vec<f64>,
    /// Similarity of each two observations' configurations, axis by axis: row after row of the upper triangle without the diagonal.
    similarities: Vec<Vec<f64>>,
}

impl<'a> Posterior<'a> {
    pub(crate) fn new(candidates: &'a Candidates, observations: &'a [Observation], level: f64) -> Self {
        let configuration = |at: usize| observations[at].configuration;
        let pairs = || {
            (0..observations.len()).flat_map(|row| (row + 1..observations.len()).map(move |one| (row, one)))
        };
        let along = |axis| {
            pairs()
                .map(|(one, other)| candidates.similarity(axis, configuration(one), configuration(other)))
                .collect()
        };
        Self {
            candidates,
            observations,
            values: observations.iter().map(|one| one.value - level).collect(),
            similarities: (0..candidates.axes()).map(along).collect(),
        }
    }

    /// The place of the lowest value, downhill from the centre of the prior.
    pub(crate) fn most_probable(&self) -> Vec<f64> {
        let start = vec![0.0; 2 * self.candidates.axes() + 4];
        minimise(&start, FLAT, STEPS_MAX, |place| self.at(place))
    }

    /// Its value and gradient at a place that is given in prior standard deviations.
    pub(crate) fn at(&self, whitened: &[f64]) -> Option<Value> {
        let axes = self.candidates.axes();
        let parameters = Parameters::at(axes, whitened);
        let size = self.observations.len();
        let whole: f64 = parameters.weights.iter().map(|weight| 1.0 + weight).product();
        let noises: Vec<f64> = self
            .observations
            .iter()
            .map(|one| parameters.noise_of(self.candidates, one.configuration))
            .collect();
        let mut products = Vec::with_capacity(size * size.saturating_sub(1) / 2);
        let mut covariance = Matrix::zeros(size, size);
        for (row, noise) in noises.iter().enumerate() {
            let one = self.observations[row];
            covariance.row_mut(row)[row] = parameters.scale * (whole - 1.0)
                + parameters.own
                + parameters.block
                + LEVEL_VARIANCE
                + noise
                + one.variance;
            for column in row + 1..size {
                let other = self.observations[column];
                let mut product = 1.0;
                for (weight, similarities) in parameters.weights.iter().zip(&self.similarities) {
                    product *= 1.0 + weight * similarities[products.len()];
                }
                products.push(product);
                let own = if one.configuration == other.configuration { parameters.own } else { 0.0 };
                let block = if one.replicate == other.replicate { parameters.block } else { 0.0 };
                covariance.row_mut(row)[column] =
                    parameters.scale * (product - 1.0) + own + block + LEVEL_VARIANCE;
            }
        }
        let factor = Cholesky::of(covariance)?;
        let mut weighed = self.values.clone();
        factor.forward_one(&mut weighed);
        let misfit: f64 = weighed.iter().map(|one| one * one).sum();
        factor.backward_one(&mut weighed);
        let penalty: f64 = whitened.iter().map(|one| one * one).sum();
        let value = 0.5 * (misfit + factor.log_determinant() + penalty);
        let slopes = self.slopes(&parameters, &factor.inverse(), &weighed, &products, &noises, whole);
        // The prior, and the chain rule of what is given in its deviations.
        let gradient = slopes
            .iter()
            .zip(whitened)
            .zip(priors(axes))
            .map(|((slope, place), prior)| place - prior.deviation * slope)
            .collect();
        value.is_finite().then_some(Value { value, gradient })
    }

    /// Derivatives of the logarithm of the likelihood by the logarithms of the parameters:
    /// `½ tr((α αᵀ − K⁻¹) ∂K)`, each pair of observations twice.
    fn slopes(
        &self,
        parameters: &Parameters,
        inverse: &Matrix,
        weighed: &[f64],
        products: &[f64],
        noises: &[f64],
        whole: f64,
    ) -> Vec<f64> {
        let axes = self.candidates.axes();
        let size = self.observations.len();
        let mut slopes = vec![0.0; 2 * axes + 4];
        let (mut smooth, mut own, mut noise, mut block) = (0.0, 0.0, 0.0, 0.0);
        let mut along = vec![0.0; axes];
        let mut pair = 0;
        for row in 0..size {
            let one = self.observations[row];
            let diagonal = 0.5 * (weighed[row] * weighed[row] - inverse.at(row, row));
            smooth += diagonal * (whole - 1.0);
            own += diagonal;
            block += diagonal;
            noise += diagonal * noises[row];
            for (axis, weight) in parameters.weights.iter().enumerate() {
                along[axis] += diagonal * whole * (weight / (1.0 + weight));
                slopes[axes + 4 + axis] +=
                    diagonal * noises[row] * 2.0 * self.candidates.offset(one.configuration, axis);
            }
            for column in row + 1..size {
                let other = self.observations[column];
                let twice = weighed[row] * weighed[column] - inverse.at(row, column);
                let product = products[pair];
                smooth += twice * (product - 1.0);
                for (sum, (weight, similarities)) in
                    along.iter_mut().zip(parameters.weights.iter().zip(&self.similarities))
                {
                    let part = weight * similarities[pair];
                    *sum += twice * product * (part / (1.0 + part));
                }
                own += if one.configuration == other.configuration { twice } else { 0.0 };
                block += if one.replicate == other.replicate { twice } else { 0.0 };
                pair += 1;
            }
        }
        slopes[0] = 2.0 * parameters.scale * smooth;
        along.iter().enumerate().for_each(|(axis, sum)| slopes[1 + axis] = parameters.scale * sum);
        slopes[axes + 1] = 2.0 * parameters.own * own;
        slopes[axes + 2] = 2.0 * noise;
        slopes[axes + 3] = 2.0 * parameters.block * block;
        slopes
    }
}

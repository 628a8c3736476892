//! How probable it is that each configuration is the best, and how far any two differ by seed noise alone.
//!
//! Configurations that share a level share its seed noise, so their means are drawn from the covariance that the strata
//! give: `Σ λ P / r` over all strata, `P` the projection on the stratum and `λ` its mean square, itself known only with
//! its degrees of freedom. No configuration is preferred before the trials are seen (a flat prior; equally, the
//! parametric bootstrap of the model).

use sweep_random::{Analysed, Stream};

use crate::distributions::{CONFIDENCE, normal_density, normal_tail, scale_nodes};
use crate::means::rounding;
use crate::random::normal;
use crate::strata::{Strata, Stratum};

/// Drawn sweeps: a probability is known to ± 0.01 where it is worst known (two standard errors).
const DRAWS: usize = 10_000;
/// Drawn sweeps below which quantiles say nothing.
const DRAWS_MIN: usize = 200;
/// Multiplications in all: fewer sweeps are drawn where each has very many configurations.
const WORK_MAX: usize = 400_000_000;

/// What drawn sweeps tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The probability of each mean that its configuration has the lowest expected loss; they add up to 1.
    pub probabilities: Vec<f64>,
    /// How far the difference of any two configurations may be from the expected one: all such intervals hold together.
    pub range: f64,
}

/// Draws the expected losses around the means of a full grid; `None` of one replicate, and of very many configurations.
pub fn drawn(means: &[f64], strata: &Strata) -> Option<Drawn> {
    let noise = NoiseOfGrid::of(strata)?;
    let count = means.len();
    let draws = DRAWS.min(WORK_MAX / (count * strata.counts().iter().sum::<usize>()).max(1));
    if draws < DRAWS_MIN {
        return None;
    }
    let places = strata.places();
    let tie = rounding(means.iter().copied());
    let mut random = Stream::of_analysis(0);
    let (mut values, mut spare) = (vec![0.0; count], vec![0.0; count]);
    let mut probabilities = vec![0.0; count];
    let mut ranges = Vec::with_capacity(draws);
    for _ in 0..draws {
        noise.draw(&mut values, &mut spare, &mut random);
        let (least, most) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), one| (least.min(*one), most.max(*one)));
        ranges.push(most - least);
        let loss = |at: usize| means[at] + values[places[at]];
        let lowest = (0..count).map(loss).fold(f64::INFINITY, f64::min);
        let tied = (0..count).filter(|at| loss(*at) - lowest <= tie).count() as f64;
        for (at, probability) in probabilities.iter_mut().enumerate() {
            if loss(at) - lowest <= tie {
                *probability += 1.0 / (tied * draws as f64);
            }
        }
    }
    ranges.sort_by(f64::total_cmp);
    let range = ranges[((CONFIDENCE * draws as f64).ceil() as usize).clamp(1, draws) - 1];
    Some(Drawn { probabilities, range })
}

/// The noise of the means of a grid, as numbers on an orthonormal basis of which each vector lies in one stratum.
struct NoiseOfGrid {
    /// For each axis a square matrix, row by row: the first column is constant, the others are contrasts (Helmert).
    bases: Vec<Vec<f64>>,
    counts: Vec<usize>,
    /// The stratum of each number; `None` of the one that all configurations share.
    strata: Vec<Option<usize>>,
    /// Standard deviation of the numbers of each stratum.
    deviations: Vec<f64>,
    /// Scales by which each deviation may be wrong, equally probable.
    scales: Vec<Vec<f64>>,
}

impl NoiseOfGrid {
    fn of(strata: &Strata) -> Option<Self> {
        let errors: Option<Vec<f64>> = strata.parts.iter().map(Stratum::error).collect();
        let counts = strata.counts().to_vec();
        let stratum_of = |mut place: usize| {
            let mut axes: Vec<usize> = Vec::new();
            for axis in (0..counts.len()).rev() {
                if !place.is_multiple_of(counts[axis]) {
                    axes.insert(0, axis);
                }
                place /= counts[axis];
            }
            let position = strata.parts.iter().position(|part| part.axes == axes && !axes.is_empty());
            position.or_else(|| {
                (axes.len() > 1).then(|| strata.parts.iter().position(|part| part.axes.is_empty())).flatten()
            })
        };
        Some(Self {
            bases: counts.iter().map(|count| helmert(*count)).collect(),
            strata: (0..strata.configurations()).map(stratum_of).collect(),
            deviations: errors?.iter().map(|error| (error / strata.replicates as f64).sqrt()).collect(),
            scales: strata
                .parts
                .iter()
                .map(|part| scale_nodes(part.error_degrees_of_freedom as f64))
                .collect(),
            counts,
        })
    }

    /// Writes one drawing, in the order of the grid.
    fn draw(&self, values: &mut Vec<f64>, spare: &mut Vec<f64>, random: &mut Stream<Analysed>) {
        let deviations: Vec<f64> = self
            .deviations
            .iter()
            .zip(&self.scales)
            .map(|(deviation, scales)| {
                deviation * scales.get(random.place(scales.len().max(1))).unwrap_or(&1.0)
            })
            .collect();
        for (value, stratum) in values.iter_mut().zip(&self.strata) {
            *value = stratum.map_or(0.0, |at| deviations[at] * normal(random));
        }
        let mut inner = 1;
        for (basis, count) in self.bases.iter().zip(&self.counts).rev() {
            along_axis(basis, *count, inner, values, spare);
            std::mem::swap(values, spare);
            inner *= count;
        }
    }
}

/// Multiplies every line along one axis, whose neighbours lie `inner` apart, by a square matrix.
fn along_axis(basis: &[f64], count: usize, inner: usize, from: &[f64], to: &mut [f64]) {
    for (block, written) in from.chunks(count * inner).zip(to.chunks_mut(count * inner)) {
        for (row, line) in basis.chunks(count).zip(written.chunks_mut(inner)) {
            line.fill(0.0);
            for (factor, numbers) in row.iter().zip(block.chunks(inner)) {
                for (sum, number) in line.iter_mut().zip(numbers) {
                    *sum += factor * number;
                }
            }
        }
    }
}

/// An orthonormal matrix whose first column is constant: Helmert's contrasts.
fn helmert(count: usize) -> Vec<f64> {
    let mut matrix = vec![0.0; count * count];
    for row in 0..count {
        matrix[row * count] = 1.0 / (count as f64).sqrt();
        for column in 1..count {
            let size = column as f64;
            matrix[row * count + column] = match row {
                _ if row < column => 1.0,
                _ if row == column => -size,
                _ => 0.0,
            } / (size * (size + 1.0)).sqrt();
        }
    }
    matrix
}

/// Steps over the loss of the best configuration.
const STEPS: u32 = 128;
/// Standard errors around the lowest mean within which the best loss lies.
const FAR: f64 = 8.0;

/// The probability of each mean that its configuration has the lowest expected loss, where the grid is not complete and
/// its strata are not known: all noise is taken as independent with one standard error, known with these degrees
/// of freedom.
///
/// `P(i) = ∫∫ φ((x - mᵢ)/s) ∏ⱼ≠ᵢ Φ((mⱼ - x)/s) dx dF(s)`, which two sums evaluate without drawing numbers; Bechhofer,
/// Santner and Goldsman, *Design and Analysis of Experiments for Statistical Selection, Screening, and Multiple
/// Comparisons* (1995), chapter 2. Equal shares where nothing varies. The probabilities add up to 1.
pub fn probabilities_of_best(means: &[f64], error: f64, degrees_of_freedom: f64) -> Vec<f64> {
    let lowest = means.iter().copied().fold(f64::INFINITY, f64::min);
    let mut probabilities = vec![0.0; means.len()];
    if error > 0.0 {
        for scale in scale_nodes(degrees_of_freedom) {
            add_of_error(&mut probabilities, means, lowest, error * scale);
        }
    } else {
        let tie = rounding(means.iter().copied());
        let is_lowest = |mean: &f64| if mean - lowest <= tie { 1.0 } else { 0.0 };
        probabilities = means.iter().map(is_lowest).collect();
    }
    let sum: f64 = probabilities.iter().sum();
    probabilities.iter().map(|one| one / sum).collect()
}

/// Adds the probabilities under one standard error of a mean.
fn add_of_error(probabilities: &mut [f64], means: &[f64], lowest: f64, error: f64) {
    // Means further up are never the best: their density is nil wherever the best loss may lie.
    let near: Vec<usize> = (0..means.len()).filter(|at| means[*at] - lowest < 2.0 * FAR * error).collect();
    let step = 2.0 * FAR / f64::from(STEPS);
    let mut tails = vec![0.0; near.len()];
    for at in 0..=STEPS {
        let x = error.mul_add(f64::from(at).mul_add(step, -FAR), lowest);
        for (tail, configuration) in tails.iter_mut().zip(&near) {
            *tail = normal_tail((x - means[*configuration]) / error);
        }
        let all: f64 = tails.iter().map(|tail| tail.ln()).sum();
        for (tail, configuration) in tails.iter().zip(&near) {
            let others = (all - tail.ln()).exp();
            if others > 0.0 {
                let density = normal_density((x - means[*configuration]) / error);
                probabilities[*configuration] += density * others * step;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basis_is_orthonormal_and_its_first_vector_is_shared() {
        for count in 1..6 {
            let matrix = helmert(count);
            for (one, other) in (0..count).flat_map(|one| (0..count).map(move |other| (one, other))) {
                let product: f64 =
                    (0..count).map(|row| matrix[row * count + one] * matrix[row * count + other]).sum();
                assert!(
                    (product - f64::from(one == other)).abs() < 1e-12,
                    "{count}: {one} {other} {product}"
                );
            }
        }
    }

    #[test]
    fn drawn_noise_has_the_covariance_of_the_strata() {
        // 2 × 3 configurations; only the first axis interacts with the seed.
        let levels = vec![vec![0, 0, 0, 1, 1, 1], vec![0, 1, 2, 0, 1, 2]];
        let scores: Vec<Vec<f64>> = (0..6)
            .map(|at| (0..40).map(|seed| if (at < 3) == (seed % 2 == 0) { 0.6 } else { 0.4 }).collect())
            .collect();
        let strata = Strata::of(&scores, levels).unwrap();
        let noise = NoiseOfGrid::of(&strata).unwrap();
        let mut random = Stream::of_analysis(1);
        let (mut values, mut spare) = (vec![0.0; 6], vec![0.0; 6]);
        let mut square = 0.0;
        for _ in 0..2_000 {
            noise.draw(&mut values, &mut spare, &mut random);
            for pair in [[0, 1], [1, 2], [3, 4]] {
                assert!((values[pair[0]] - values[pair[1]]).abs() < 1e-12, "{values:?}");
            }
            square += (values[0] - values[3]).powi(2) / 2_000.0;
        }
        // The difference of two configurations, with the variance of a variance of 39 degrees of freedom.
        let expected = strata.difference_of_configurations(0, 3).unwrap();
        assert!((expected.degrees_of_freedom - 39.0).abs() < 1e-6);
        assert!((square / (expected.variance * 39.0 / 37.0) - 1.0).abs() < 0.15, "{square} {expected:?}");
    }
}

//! How probable it is that each configuration is the best.

use super::balanced::rounding;
use super::distributions::{normal_density, normal_tail, scale_nodes};
use super::noise::Noise;

/// Steps over the loss of the best configuration.
const STEPS: u32 = 128;
/// Standard errors around the lowest mean within which the best loss lies.
const FAR: f64 = 8.0;

/// The probability of each mean that its configuration has the lowest expected loss.
///
/// Means are independent normal around the expected losses but for the seeds that they share, with the ANOVA's
/// pooled residual variance, itself known only with its degrees of freedom; no configuration is preferred before
/// the trials are seen (a flat prior; equally, the parametric bootstrap of the model). Then
/// `P(i) = ∫∫ φ((x - mᵢ)/s) ∏ⱼ≠ᵢ Φ((mⱼ - x)/s) dx dF(s)`, which two sums evaluate without drawing numbers; Bechhofer,
/// Santner and Goldsman, *Design and Analysis of Experiments for Statistical Selection, Screening, and Multiple
/// Comparisons* (1995), chapter 2. Equal shares where nothing varies. The probabilities add up to 1.
pub fn probabilities_of_best(means: &[f64], noise: &Noise) -> Vec<f64> {
    let lowest = means.iter().copied().fold(f64::INFINITY, f64::min);
    let error = noise.variance_of_part(noise.configurations).sqrt();
    let mut probabilities = vec![0.0; means.len()];
    if error > 0.0 {
        for scale in scale_nodes(noise.degrees_of_freedom()) {
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

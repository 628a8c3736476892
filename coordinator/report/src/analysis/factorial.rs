//! The exact analysis of variance of a balanced grid: main effects and interactions up to third order.
//!
//! A factorial in randomised complete blocks, the replicates being random blocks; Montgomery, *Design and Analysis of
//! Experiments*, chapters 4, 5 and 13. Every effect is tested against its own interaction with the seed (see
//! [`coordinator_statistics::strata`]). ω² is Hays' less biased share: `(SS - df·MSE) / (SST + MSE)` with that interaction as the error;
//! Olejnik and Algina, *Psychological Methods* 8 (2003).

use sweep_proto::{Axis, Hyperparameter, SweepSpec};

use super::balanced::Balanced;
use crate::model::{Effect, Factorial};
use coordinator_statistics::distributions::f_tail;
use coordinator_statistics::means::{between_groups, rounding};
use coordinator_statistics::noise::Noise;
use coordinator_statistics::strata::{Strata, Stratum};

/// The effects of the swept hyperparameters; `None` where all scores are equal. Without a swept one, only seed and
/// residual are told apart.
pub fn factorial(
    balanced: &Balanced,
    noise: Option<&Noise>,
    strata: &Strata,
    spec: &SweepSpec,
) -> Option<Factorial> {
    let axes: Vec<&Axis> = spec.swept_axes().collect();
    let replicates = balanced.replicates.len();
    let configurations = balanced.configurations.len();
    let scores: Vec<f64> = balanced.scores.iter().flatten().copied().collect();
    let each: Vec<usize> = (0..scores.len()).collect();
    let total = between_groups(&scores, &each);
    let floor = scores.len() as f64 * rounding(scores.iter().copied()).powi(2);
    if !total.is_finite() || total <= floor {
        return None;
    }
    let effect = |part: &Stratum| Effect {
        of: part.axes.iter().filter_map(|at| Some(axes.get(*at)?.hyperparameter)).collect(),
        ..tested(part, total)
    };
    let residual = noise.map_or(0.0, |noise| noise.residual * noise.degrees_of_freedom());
    Some(Factorial {
        configurations: configurations as u32,
        replicates: replicates as u32,
        effects: strata.parts.iter().map(effect).collect(),
        seed: untested(strata.seed_sum_of_squares, replicates as u64 - 1, total),
        residual: untested(residual, ((configurations - 1) * (replicates - 1)) as u64, total),
        total_sum_of_squares: total,
    })
}

/// A share of the total sum of squares that no error stands against. Without degrees of freedom nothing is known of it.
fn untested(sum_of_squares: f64, degrees_of_freedom: u64, total: f64) -> Effect {
    Effect {
        of: Vec::new(),
        degrees_of_freedom,
        sum_of_squares: (degrees_of_freedom > 0).then_some(sum_of_squares),
        mean_square: (degrees_of_freedom > 0).then(|| sum_of_squares / degrees_of_freedom as f64),
        error_mean_square: None,
        error_degrees_of_freedom: None,
        f: None,
        p: None,
        eta_squared: (degrees_of_freedom > 0).then(|| (sum_of_squares / total).clamp(0.0, 1.0)),
        omega_squared: None,
    }
}

fn tested(part: &Stratum, total: f64) -> Effect {
    let effect = untested(part.sum_of_squares, part.degrees_of_freedom, total);
    let Some(error) = part.error() else { return effect };
    let degrees = part.degrees_of_freedom as f64;
    // Without any noise an effect is certain, and nothing is no effect.
    let mean_square = part.sum_of_squares / degrees;
    let f = if mean_square > 0.0 { mean_square / error } else { 0.0 };
    Effect {
        error_mean_square: Some(error),
        error_degrees_of_freedom: Some(part.error_degrees_of_freedom),
        f: Some(f).filter(|f| f.is_finite()),
        p: f_tail(f, degrees, part.error_degrees_of_freedom as f64),
        omega_squared: Some(((part.sum_of_squares - degrees * error) / (total + error)).max(0.0)),
        ..effect
    }
}

/// The effect of one hyperparameter by itself.
pub fn main_effect(factorial: &Factorial, hyperparameter: Hyperparameter) -> Option<&Effect> {
    factorial.effects.iter().find(|effect| effect.of == [hyperparameter])
}

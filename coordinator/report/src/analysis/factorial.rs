//! The exact analysis of variance of a balanced grid: main effects and interactions up to third order.
//!
//! A factorial in randomised complete blocks, the replicates being the blocks; Montgomery, *Design and Analysis of
//! Experiments*, chapters 4 and 5. Every effect is tested against the residual of configurations by replicates.
//! ω² is Hays' less biased share: `(SS - df·MSE) / (SST + MSE)`; Olejnik and Algina, *Psychological Methods* 8 (2003).

use std::collections::BTreeMap;

use sweep_proto::{Axis, Hyperparameter, SweepSpec};

use super::balanced::{Balanced, between_groups, rounding};
use super::distributions::f_tail;
use super::noise::Noise;
use crate::model::{Effect, Factorial};
use crate::table::Table;

/// Hyperparameters of the largest interaction that is told apart.
const ORDER_MAX: usize = 3;
/// Effects that are told apart: those of ten swept hyperparameters. Beyond, only lower orders are.
const EFFECTS_MAX: usize = 175;

/// The effects of the swept hyperparameters; `None` where all scores are equal. Without a swept one, only seed and
/// residual are told apart.
pub fn factorial(
    balanced: &Balanced,
    noise: Option<&Noise>,
    table: &Table,
    spec: &SweepSpec,
) -> Option<Factorial> {
    let axes: Vec<&Axis> = spec.swept_axes().collect();
    let replicates = balanced.replicates.len();
    let scores: Vec<f64> = balanced.scores.iter().flatten().copied().collect();
    let each: Vec<usize> = (0..scores.len()).collect();
    let total = between_groups(&scores, &each);
    let floor = scores.len() as f64 * rounding(scores.iter().copied()).powi(2);
    if !total.is_finite() || total <= floor {
        return None;
    }
    // Sums of squares that rounding alone explains are nothing.
    let measured = |sum_of_squares: f64| if sum_of_squares <= floor { 0.0 } else { sum_of_squares };
    let of_configurations = replicates as f64 * between_groups(&balanced.configuration_means(), &each);
    let of_replicates = between_groups(&scores, &each.iter().map(|at| at % replicates).collect::<Vec<_>>());
    let configurations = balanced.configurations.len();
    let residual = Part {
        sum_of_squares: noise.map_or(0.0, |noise| noise.residual * noise.degrees_of_freedom()),
        degrees_of_freedom: ((configurations - 1) * (replicates - 1)) as u64,
    };
    let mut parts = parts(balanced, table, &axes);
    parts.iter_mut().for_each(|(_, part)| part.sum_of_squares = measured(part.sum_of_squares));
    let known = |of: fn(&Part) -> f64| parts.iter().map(|(_, part)| of(part)).sum::<f64>();
    let higher = Part {
        sum_of_squares: measured(of_configurations - known(|part| part.sum_of_squares)),
        degrees_of_freedom: (configurations as u64 - 1)
            .saturating_sub(parts.iter().map(|(_, part)| part.degrees_of_freedom).sum()),
    };
    let measure = |part: &Part| part.effect(&residual, total);
    let name = |subset: &[usize]| subset.iter().map(|at| axes[*at].hyperparameter).collect::<Vec<_>>();
    let mut effects: Vec<Effect> =
        parts.iter().map(|(subset, part)| Effect { of: name(subset), ..measure(part) }).collect();
    if higher.degrees_of_freedom > 0 {
        effects.push(measure(&higher));
    }
    let seed = Part { sum_of_squares: measured(of_replicates), degrees_of_freedom: replicates as u64 - 1 };
    Some(Factorial {
        configurations: configurations as u32,
        replicates: replicates as u32,
        effects,
        seed: measure(&seed),
        residual: Effect { f: None, p: None, omega_squared: None, ..measure(&residual) },
        total_sum_of_squares: total,
    })
}

/// A part of the total sum of squares.
#[derive(Clone, Copy, Debug)]
struct Part {
    sum_of_squares: f64,
    degrees_of_freedom: u64,
}

impl Part {
    fn mean_square(&self) -> Option<f64> {
        (self.degrees_of_freedom > 0).then(|| self.sum_of_squares / self.degrees_of_freedom as f64)
    }

    fn effect(&self, residual: &Part, total: f64) -> Effect {
        let noise = residual.mean_square();
        // Without any noise an effect is certain, and nothing is no effect.
        let f = self
            .mean_square()
            .zip(noise)
            .map(|(mean_square, noise)| if mean_square > 0.0 { mean_square / noise } else { 0.0 });
        let degrees = self.degrees_of_freedom as f64;
        Effect {
            of: Vec::new(),
            degrees_of_freedom: self.degrees_of_freedom,
            sum_of_squares: self.sum_of_squares,
            mean_square: self.mean_square(),
            f: f.filter(|f| f.is_finite()),
            p: f.and_then(|f| f_tail(f, degrees, residual.degrees_of_freedom as f64)),
            eta_squared: (self.sum_of_squares / total).clamp(0.0, 1.0),
            omega_squared: noise
                .map(|noise| ((self.sum_of_squares - degrees * noise) / (total + noise)).max(0.0)),
        }
    }
}

/// Every subset of the axes up to [`ORDER_MAX`] with its part, lower orders first.
fn parts(balanced: &Balanced, table: &Table, axes: &[&Axis]) -> Vec<(Vec<usize>, Part)> {
    let replicates = balanced.replicates.len() as f64;
    let means = balanced.configuration_means();
    let levels: Vec<Vec<usize>> =
        axes.iter().map(|axis| balanced.levels_of(table, axis.hyperparameter)).collect();
    let mut sums: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
    let mut parts = Vec::new();
    for subset in subsets(axes.len()) {
        // The cell of each configuration, written in mixed radix over the subset's levels.
        let cell = |configuration: usize| {
            subset.iter().fold(0, |cell, at| cell * axes[*at].levels.len() + levels[*at][configuration])
        };
        let cells: Vec<usize> = (0..means.len()).map(cell).collect();
        let within: f64 = sums
            .iter()
            .filter(|(smaller, _)| smaller.iter().all(|at| subset.contains(at)))
            .map(|(_, sum)| sum)
            .sum();
        let sum_of_squares = (replicates * between_groups(&means, &cells) - within).max(0.0);
        let degrees_of_freedom = subset.iter().map(|at| axes[*at].levels.len() as u64 - 1).product();
        sums.insert(subset.clone(), sum_of_squares);
        parts.push((subset, Part { sum_of_squares, degrees_of_freedom }));
    }
    parts
}

/// Subsets of `0..count` by size, then in order: each size whole or not at all.
fn subsets(count: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = Vec::new();
    let mut of_size: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..ORDER_MAX.min(count) {
        of_size = of_size
            .iter()
            .flat_map(|smaller| {
                let next = smaller.last().map_or(0, |last| last + 1);
                (next..count).map(|at| smaller.iter().copied().chain([at]).collect())
            })
            .collect();
        if all.len() + of_size.len() > EFFECTS_MAX {
            break;
        }
        all.extend(of_size.iter().cloned());
    }
    all
}

/// The effect of one hyperparameter by itself.
pub fn main_effect(factorial: &Factorial, hyperparameter: Hyperparameter) -> Option<&Effect> {
    factorial.effects.iter().find(|effect| effect.of == [hyperparameter])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_come_whole_by_size() {
        assert_eq!(
            subsets(3),
            [vec![0], vec![1], vec![2], vec![0, 1], vec![0, 2], vec![1, 2], vec![0, 1, 2]]
        );
        assert_eq!(subsets(10).len(), EFFECTS_MAX);
        assert_eq!(subsets(11).len(), 11 + 55);
    }
}

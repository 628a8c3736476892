//! Main effects: marginal means per level with intervals, tests, and each hyperparameter's share of the variance.
//!
//! On a balanced grid the sum of squares of the scores splits exactly into main effects, interactions, replicates
//! (blocks) and each of these by the replicates: a randomised complete block design, Montgomery, *Design and Analysis of
//! Experiments*, chapters 4 and 5. The share SS(effect) / SS(total) is η². The error of a hyperparameter's test, intervals
//! and comparisons is its own interaction with the seed (see [`coordinator_statistics::strata`]).

use std::collections::BTreeMap;

use sweep_proto::{Axis, SweepSpec};

use super::balanced::Balanced;
use super::factorial::main_effect;
use super::matched::matched;
use crate::model::{
    Effect, Factor, FactorTest, Factorial, Interval, LevelComparison, LevelEffect, MainEffects, Variance,
};
use crate::table::Table;
use coordinator_statistics::distributions::{holm, t_two_sided};
use coordinator_statistics::equal_noise::equal_noise;
use coordinator_statistics::means::{column_means, rounding};
use coordinator_statistics::noise::Noise;
use coordinator_statistics::permutation::permutation_test;
use coordinator_statistics::strata::{Estimate, Strata};
use coordinator_statistics::summary::{band, replicate_means};

/// Pairs of levels that are compared: those of 64 levels. More of them no reader looks at.
const COMPARISONS_MAX: usize = 64 * 63 / 2;

/// The full grid and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Grid<'a> {
    /// Its scores.
    pub balanced: &'a Balanced,
    /// Its strata.
    pub strata: &'a Strata,
    /// Its seed noise all together; `None` below two replicates.
    pub noise: Option<&'a Noise>,
    /// Its analysis of variance; `None` where all scores are equal.
    pub factorial: Option<&'a Factorial>,
}

/// Marginal means of every swept hyperparameter, with the decomposition and the tests where the grid is balanced.
pub fn main_effects(table: &Table, spec: &SweepSpec, grid: Option<Grid<'_>>) -> MainEffects {
    let variance = grid.and_then(|grid| grid.factorial).map(variance);
    let mut factors: Vec<Factor> = spec.swept_axes().map(|axis| factor(table, axis)).collect();
    if let Some(grid) = grid {
        for (axis, factor) in factors.iter_mut().enumerate() {
            let share_of = |factorial| {
                main_effect(factorial, factor.hyperparameter)
                    .and_then(|effect| effect.eta_squared)
                    .unwrap_or(0.0)
            };
            factor.share = grid.factorial.map(share_of);
            measure(factor, axis, table, &grid);
        }
        correct(&mut factors);
    }
    MainEffects { factors, variance }
}

/// Adds the test, the intervals and the comparisons of one hyperparameter; `axis` is its position among the swept ones.
fn measure(factor: &mut Factor, axis: usize, table: &Table, grid: &Grid<'_>) {
    let (Some(noise), strata) = (grid.noise, grid.strata) else { return };
    let by_replicate = grid.balanced.level_means(table, factor.hyperparameter);
    let means = column_means(&by_replicate);
    let Some(difference) = strata.difference_of_levels(axis).filter(|_| means.len() == factor.levels.len())
    else {
        return;
    };
    let order = level_order(grid.balanced, table, factor);
    // An interval stands only beside the mean of the very trials that it is made of.
    let trials = noise.configurations * noise.replicates / means.len();
    for (level, mean) in order.iter().zip(&means) {
        if let Some(level) =
            factor.levels.get_mut(*level).filter(|level| level.compared_trials as usize == trials)
        {
            level.validation_loss_interval =
                strata.interval(*mean, strata.mean_of_level(axis)).map(Interval::of_losses);
        }
    }
    factor.least_significant_difference =
        strata.interval(0.0, Some(difference)).map(|interval| interval.high);
    factor.comparisons = comparisons(factor, grid, difference, &order, &means);
    let effect = grid.factorial.and_then(|factorial| main_effect(factorial, factor.hyperparameter));
    factor.test = effect.and_then(|effect| {
        let permuted = permutation_test(&by_replicate);
        let positions = grid.balanced.levels_of(table, factor.hyperparameter);
        Some(FactorTest {
            f: effect.f,
            degrees_of_freedom: effect.degrees_of_freedom,
            error_mean_square: effect.error_mean_square?,
            error_degrees_of_freedom: effect.error_degrees_of_freedom?,
            p: effect.p?,
            p_holm: effect.p?,
            omega_squared: effect.omega_squared?,
            equal_noise_p: equal_noise(&grid.balanced.scores, &positions),
            permutation_p: permuted.map(|one| one.p),
            permutation_p_min: permuted.map(|one| one.p_min),
        })
    });
}

/// The position in `factor.levels` of each level in the order of [`Balanced::levels_of`].
fn level_order(balanced: &Balanced, table: &Table, factor: &Factor) -> Vec<usize> {
    let places: BTreeMap<_, _> = factor.levels.iter().enumerate().map(|(at, one)| (&one.level, at)).collect();
    let mut order = vec![usize::MAX; factor.levels.len()];
    let positions = balanced.levels_of(table, factor.hyperparameter);
    for (configuration, position) in balanced.configurations.iter().zip(positions) {
        let level = table.configurations[*configuration].get(factor.hyperparameter);
        if let (Some(known), Some(at)) = (order.get_mut(position), places.get(&level)) {
            *known = *at;
        }
    }
    order
}

/// Every pair of levels, in the order of the sweep file.
fn comparisons(
    factor: &Factor,
    grid: &Grid<'_>,
    of_difference: Estimate,
    order: &[usize],
    means: &[f64],
) -> Vec<LevelComparison> {
    let count = means.len();
    if count * count.saturating_sub(1) / 2 > COMPARISONS_MAX {
        return Vec::new();
    }
    let mut sorted = vec![0.0; count];
    for (at, mean) in order.iter().zip(means) {
        if let Some(place) = sorted.get_mut(*at) {
            *place = *mean;
        }
    }
    let error = of_difference.variance.sqrt();
    let seed_deviation = grid.noise.map_or(0.0, |noise| noise.residual.sqrt());
    let pairs: Vec<(usize, usize)> =
        (0..count).flat_map(|other| (other + 1..count).map(move |level| (level, other))).collect();
    let probability = |difference: f64| {
        let t = if difference == 0.0 { 0.0 } else { difference / error };
        t_two_sided(t, of_difference.degrees_of_freedom).unwrap_or(1.0)
    };
    let tie = rounding(means.iter().copied());
    let difference = |(level, other): &(usize, usize)| {
        Some(sorted[*level] - sorted[*other]).filter(|difference| difference.abs() > tie).unwrap_or_default()
    };
    let differences: Vec<f64> = pairs.iter().map(difference).collect();
    let corrected = holm(&differences.iter().map(|one| probability(*one)).collect::<Vec<_>>());
    pairs
        .into_iter()
        .zip(differences.iter().zip(corrected))
        .map(|((level, other), (difference, p_holm))| LevelComparison {
            level: factor.levels[level].level.clone(),
            other: factor.levels[other].level.clone(),
            difference: *difference,
            interval: grid.strata.interval(*difference, Some(of_difference)),
            effect_size: Some(difference / seed_deviation).filter(|size| size.is_finite()),
            p_holm,
        })
        .collect()
}

/// Corrects the tests for their number.
fn correct(factors: &mut [Factor]) {
    let mut tests: Vec<&mut FactorTest> =
        factors.iter_mut().filter_map(|factor| factor.test.as_mut()).collect();
    let corrected = holm(&tests.iter().map(|test| test.p).collect::<Vec<_>>());
    for (test, p_holm) in tests.iter_mut().zip(corrected) {
        test.p_holm = p_holm;
    }
}

fn factor(table: &Table, axis: &Axis) -> Factor {
    let matched = matched(table, &[axis]);
    let levels: Vec<LevelEffect> = axis
        .levels()
        .iter()
        .zip(matched.cells.iter().zip(&matched.completed))
        .map(|(level, (compared, completed))| {
            let scores: Vec<_> = compared.iter().map(|(trial, one)| (trial.replicate, one.score)).collect();
            let accuracies: Vec<_> =
                compared.iter().map(|(trial, one)| (trial.replicate, one.accuracy)).collect();
            LevelEffect {
                level: level.clone(),
                trials: *completed,
                compared_trials: compared.len() as u32,
                validation_loss: band(&scores),
                validation_loss_interval: None,
                validation_accuracy: band(&accuracies),
                by_replicate: replicate_means(&scores),
            }
        })
        .collect();
    let means = || levels.iter().filter_map(|level| level.validation_loss).map(|loss| loss.mean);
    let largest = means().max_by(f64::total_cmp);
    let smallest = means().min_by(f64::total_cmp);
    let range =
        largest.zip(smallest).map(|(largest, smallest)| largest - smallest).filter(|range| range.is_finite());
    Factor {
        hyperparameter: axis.hyperparameter,
        levels,
        range,
        share: None,
        test: None,
        least_significant_difference: None,
        comparisons: Vec::new(),
    }
}

/// The shares of the analysis of variance, summed up.
fn variance(factorial: &Factorial) -> Variance {
    let share = |is_counted: fn(&Effect) -> bool| -> f64 {
        let shares = factorial
            .effects
            .iter()
            .filter(|effect| is_counted(effect))
            .filter_map(|effect| effect.eta_squared);
        // The sum of nothing is -0.0, which is written like that.
        0.0 + shares.sum::<f64>()
    };
    Variance {
        configurations: factorial.configurations,
        replicates: factorial.replicates,
        total_sum_of_squares: factorial.total_sum_of_squares,
        main_effects_share: share(|effect| effect.of.len() == 1),
        interactions_share: share(|effect| effect.of.len() != 1),
        replicates_share: factorial.seed.eta_squared,
        residual_share: factorial.residual.eta_squared,
        residual_mean_square: factorial.residual.mean_square,
        residual_degrees_of_freedom: factorial.residual.degrees_of_freedom as u32,
    }
}

//! Main effects: marginal means per level, and each hyperparameter's exact share of the variance.
//!
//! On a balanced grid the sum of squares of the scores splits exactly into main effects, interactions,
//! replicates (blocks) and residual: a randomised complete block design, Montgomery, *Design and Analysis
//! of Experiments*, chapters 4 and 5. The share SS(effect) / SS(total) is η².

use sweep_proto::{Axis, SweepSpec};

use super::balanced::{Balanced, between_groups};
use super::statistics::band;
use crate::model::{Factor, LevelEffect, MainEffects, Variance};
use crate::table::Table;

/// Marginal means of every axis, with the decomposition where the grid is balanced.
pub fn main_effects(table: &Table, spec: &SweepSpec) -> MainEffects {
    let balanced = Balanced::new(table, spec);
    let variance = balanced.as_ref().and_then(|balanced| variance(balanced, table, spec));
    let factors = spec
        .axes
        .iter()
        .map(|axis| {
            let mut factor = factor(table, axis);
            if let (Some(balanced), Some(variance)) = (&balanced, &variance) {
                factor.share = Some(
                    (axis_sum_of_squares(balanced, table, axis) / variance.total_sum_of_squares)
                        .clamp(0.0, 1.0),
                );
            }
            factor
        })
        .collect();
    MainEffects { factors, variance }
}

fn factor(table: &Table, axis: &Axis) -> Factor {
    let levels: Vec<LevelEffect> = axis
        .levels
        .iter()
        .map(|level| {
            let of_level: Vec<_> = table
                .completed()
                .filter(|(trial, _)| {
                    table.configurations[trial.configuration].get(axis.hyperparameter) == level
                })
                .collect();
            let scores: Vec<_> = of_level.iter().map(|(trial, one)| (trial.replicate, one.score)).collect();
            let accuracies: Vec<_> =
                of_level.iter().map(|(trial, one)| (trial.replicate, one.accuracy)).collect();
            LevelEffect {
                level: level.clone(),
                trials: of_level.len() as u32,
                validation_loss: band(&scores),
                validation_accuracy: band(&accuracies),
            }
        })
        .collect();
    let means = || levels.iter().filter_map(|level| level.validation_loss).map(|loss| loss.mean);
    let largest = means().max_by(f64::total_cmp);
    let smallest = means().min_by(f64::total_cmp);
    let range =
        largest.zip(smallest).map(|(largest, smallest)| largest - smallest).filter(|range| range.is_finite());
    Factor { hyperparameter: axis.hyperparameter, levels, range, share: None }
}

/// The main-effect sum of squares of one axis over all balanced scores.
fn axis_sum_of_squares(balanced: &Balanced, table: &Table, axis: &Axis) -> f64 {
    let replicates = balanced.replicates.len() as f64;
    let groups = balanced.levels_of(table, axis.hyperparameter);
    replicates * between_groups(&balanced.configuration_means(), &groups)
}

fn variance(balanced: &Balanced, table: &Table, spec: &SweepSpec) -> Option<Variance> {
    let configurations = balanced.configurations.len();
    let replicates = balanced.replicates.len();
    let all: Vec<f64> = balanced.scores.iter().flatten().copied().collect();
    let each: Vec<usize> = (0..all.len()).collect();
    let by_configuration: Vec<usize> = each.iter().map(|at| at / replicates).collect();
    let by_replicate: Vec<usize> = each.iter().map(|at| at % replicates).collect();

    let total = between_groups(&all, &each);
    if !total.is_finite() || total <= 0.0 {
        return None;
    }
    let share = |sum_of_squares: f64| (sum_of_squares / total).clamp(0.0, 1.0);
    let between_configurations = between_groups(&all, &by_configuration);
    let between_replicates = between_groups(&all, &by_replicate);
    let main: f64 = spec.axes.iter().map(|axis| axis_sum_of_squares(balanced, table, axis)).sum();
    // Differences of exact sums: rounding may leave a tiny negative number.
    let residual = (total - between_configurations - between_replicates).max(0.0);
    let degrees_of_freedom = (configurations - 1) * (replicates - 1);
    Some(Variance {
        configurations: configurations as u32,
        replicates: replicates as u32,
        total_sum_of_squares: total,
        main_effects_share: share(main),
        interactions_share: share(between_configurations - main),
        replicates_share: share(between_replicates),
        residual_share: share(residual),
        residual_mean_square: (degrees_of_freedom > 0).then(|| residual / degrees_of_freedom as f64),
        residual_degrees_of_freedom: degrees_of_freedom as u32,
    })
}

//! The answer: the chosen configuration, its test measurement, the gap to the worst, what matters most.

use coordinator_core::SweepState;
use sweep_proto::TestMetric;

use super::balanced::Balanced;
use super::ranking::{Standing, extremes};
use super::statistics::summary;
use super::strongest::strongest;
use crate::input::ReportInput;
use crate::model::{Answer, CrossFittedGap, Gap, MainEffects};
use crate::table::{Table, mean};

/// The answer from the standings: the coordinator's choice, or the best so far where it has made none.
pub fn answer(
    input: &ReportInput,
    table: &Table,
    standings: &[Standing<'_>],
    effects: &MainEffects,
) -> Answer {
    let chosen = input.sweep.chosen.as_ref();
    let standing = standings
        .iter()
        .find(|standing| chosen == table.configurations.get(standing.configuration))
        .or_else(|| standings.first());
    let tests: Vec<&TestMetric> = standing
        .map(|standing| standing.trials.values().filter_map(|(trial, _)| trial.test.as_ref()).collect())
        .unwrap_or_default();
    let accuracies: Vec<f64> = tests.iter().map(|test| test.accuracy).collect();
    let configuration = standing.and_then(|standing| table.configurations.get(standing.configuration));
    Answer {
        provisional: input.sweep.state != SweepState::Finished,
        label: standing.map(|standing| table.label(standing.configuration)).unwrap_or_default(),
        configuration: configuration
            .map(|one| one.iter().map(|(name, value)| (name, value.clone())).collect()),
        validation_loss: standing.map(|standing| standing.loss),
        validation_accuracy: standing.map(|standing| standing.accuracy),
        test_accuracy: mean(accuracies.iter().copied()),
        test_accuracy_summary: summary(&accuracies),
        test_loss: mean(tests.iter().map(|test| test.loss)),
        test_macro_f1: mean(tests.iter().map(|test| test.macro_f1)),
        test_confusion: confusion(&tests),
        gap: gap(input, table, standings),
        strongest_hyperparameter: strongest(table, &input.sweep.spec, effects),
    }
}

fn confusion(tests: &[&TestMetric]) -> Option<Vec<Vec<u64>>> {
    let mut sum = tests.first()?.confusion.clone();
    for test in &tests[1..] {
        for (row, add) in sum.iter_mut().zip(&test.confusion) {
            for (cell, add) in row.iter_mut().zip(add) {
                *cell = cell.saturating_add(*add);
            }
        }
    }
    Some(sum)
}

fn gap(input: &ReportInput, table: &Table, standings: &[Standing<'_>]) -> Option<Gap> {
    let (best, worst) = extremes(standings)?;
    let loss_absolute = worst.loss.mean - best.loss.mean;
    loss_absolute.is_finite().then(|| Gap {
        best: table.label(best.configuration),
        worst: table.label(worst.configuration),
        loss_percent: percent(loss_absolute, worst.loss.mean),
        loss_absolute,
        accuracy_points: (best.accuracy.mean - worst.accuracy.mean) * 100.0,
        cross_fitted: Balanced::new(table, &input.sweep.spec).and_then(|balanced| cross_fitted(&balanced)),
    })
}

fn percent(part: f64, whole: f64) -> Option<f64> {
    Some(part / whole * 100.0).filter(|percent| percent.is_finite())
}

/// Leaves out each replicate in turn, selects best and worst on the others and measures them on it.
fn cross_fitted(balanced: &Balanced) -> Option<CrossFittedGap> {
    let folds = balanced.replicates.len();
    if folds < 2 || balanced.scores.len() < 2 {
        return None;
    }
    let (mut best_losses, mut worst_losses, mut points) = (Vec::new(), Vec::new(), Vec::new());
    for held_out in 0..folds {
        let others: Vec<f64> = balanced
            .scores
            .iter()
            .map(|row| row.iter().enumerate().filter(|(at, _)| *at != held_out).map(|(_, score)| score).sum())
            .collect();
        let best = others.iter().enumerate().min_by(|left, right| left.1.total_cmp(right.1))?.0;
        let worst = others.iter().enumerate().max_by(|left, right| left.1.total_cmp(right.1))?.0;
        best_losses.push(balanced.scores[best][held_out]);
        worst_losses.push(balanced.scores[worst][held_out]);
        points.push((balanced.accuracies[best][held_out] - balanced.accuracies[worst][held_out]) * 100.0);
    }
    let worst = mean(worst_losses)?;
    let loss_absolute = worst - mean(best_losses)?;
    loss_absolute.is_finite().then_some(CrossFittedGap {
        replicates: folds as u32,
        loss_percent: percent(loss_absolute, worst),
        loss_absolute,
        accuracy_points: mean(points)?,
    })
}

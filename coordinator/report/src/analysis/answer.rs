//! The answer: the chosen configuration, its test measurement, the gap to the worst, what matters most.

use coordinator_core::SweepState;
use sweep_proto::TestMetric;

use super::balanced::Balanced;
use super::ranking::{Contest, Standing, extremes};
use super::statistics::{interval_of_mean, summary};
use super::study::beside_study;
use crate::input::ReportInput;
use crate::model::{Answer, CrossFittedGap, Gap, Interval, Strongest};
use crate::table::{Table, mean};

/// The answer from the standings: the coordinator's choice, or the best so far where it has made none.
pub fn answer(
    input: &ReportInput,
    table: &Table,
    standings: &[Standing<'_>],
    contest: &Contest,
    balanced: Option<&Balanced>,
    strongest_hyperparameter: Strongest,
) -> Answer {
    let standing = chosen(input, table, standings);
    let tests: Vec<&TestMetric> = standing
        .map(|standing| standing.trials.values().filter_map(|(trial, _)| trial.test.as_ref()).collect())
        .unwrap_or_default();
    let accuracies: Vec<f64> = tests.iter().map(|test| test.accuracy).collect();
    let chance = standing.and_then(|standing| contest.chance(standing.configuration));
    let configuration = standing.and_then(|standing| table.configurations.get(standing.configuration));
    Answer {
        provisional: input.sweep.state != SweepState::Finished,
        label: standing.map(|standing| table.label(standing.configuration)).unwrap_or_default(),
        configuration: configuration
            .map(|one| one.iter().map(|(name, value)| (name, value.clone())).collect()),
        validation_loss: standing.map(|standing| standing.loss),
        // Alone, a configuration's own replicates are all that is known of its noise.
        validation_loss_interval: chance
            .and_then(|chance| chance.interval)
            .or_else(|| Some(interval_of_mean(&standing?.loss)?.of_losses())),
        validation_accuracy: standing.map(|standing| standing.accuracy),
        validation_accuracy_interval: standing.and_then(|standing| accuracy_interval(standing, contest)),
        probability_best: chance.map(|chance| chance.probability),
        bootstrap_share_best: chance.and_then(|chance| chance.bootstrap_share),
        test_accuracy: mean(accuracies.iter().copied()),
        test_accuracy_summary: summary(&accuracies),
        test_accuracy_interval: summary(&accuracies)
            .and_then(|summary| interval_of_mean(&summary))
            .map(Interval::of_shares),
        test_loss: mean(tests.iter().map(|test| test.loss)),
        test_macro_f1: mean(tests.iter().map(|test| test.macro_f1)),
        test_confusion: confusion(&tests),
        gap: gap(table, standings, contest, balanced),
        study: beside_study(&input.sweep.spec, &strongest_hyperparameter),
        strongest_hyperparameter,
        trials_still_improving: table.completed().filter(|(_, outcome)| outcome.was_still_learning).count()
            as u64,
    }
}

/// The configuration that the coordinator chose, or the best so far where it has chosen none.
pub fn chosen<'s, 'a>(
    input: &ReportInput,
    table: &Table,
    standings: &'s [Standing<'a>],
) -> Option<&'s Standing<'a>> {
    let chosen = input.sweep.chosen.as_ref();
    standings
        .iter()
        .find(|standing| chosen == table.configurations.get(standing.configuration))
        .or_else(|| standings.first())
}

fn accuracy_interval(standing: &Standing<'_>, contest: &Contest) -> Option<Interval> {
    let accuracy = standing.accuracy;
    let interval = match (contest.chance(standing.configuration), contest.noise) {
        (Some(_), Some([_, noise])) => noise.interval_of_part(accuracy.mean, noise.configurations),
        _ => interval_of_mean(&accuracy),
    };
    interval.map(Interval::of_shares)
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

fn gap(
    table: &Table,
    standings: &[Standing<'_>],
    contest: &Contest,
    balanced: Option<&Balanced>,
) -> Option<Gap> {
    let (best, worst) = extremes(standings)?;
    let loss_absolute = worst.loss.mean - best.loss.mean;
    let accuracy_points = (best.accuracy.mean - worst.accuracy.mean) * 100.0;
    // Both must be among those whose noise is known.
    let noise = contest.noise.filter(|_| contest.chance(worst.configuration).is_some());
    let critical = noise.and_then(|[losses, _]| losses.range_critical());
    let any_difference =
        |of: usize, difference| Some(noise?[of].interval_of_any_difference(difference, critical?));
    let interval = any_difference(0, loss_absolute);
    loss_absolute.is_finite().then(|| Gap {
        best: table.label(best.configuration),
        worst: table.label(worst.configuration),
        loss_percent: percent(loss_absolute, worst.loss.mean),
        loss_absolute,
        accuracy_points,
        loss_absolute_interval: interval,
        loss_percent_interval: interval
            .map(|interval| interval.times(100.0 / worst.loss.mean))
            .filter(|interval| interval.low.is_finite() && interval.high.is_finite()),
        accuracy_points_interval: any_difference(1, accuracy_points / 100.0)
            .map(|interval| interval.times(100.0)),
        cross_fitted: balanced.and_then(cross_fitted),
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

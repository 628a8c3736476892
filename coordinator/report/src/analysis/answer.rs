//! The answer: the chosen configuration, its test measurement, the gap to the worst, what matters most.

use coordinator_core::{DatasetRecord, SweepState};
use sweep_proto::{TestFigure, TestMetric};

use super::balanced::Balanced;
use super::contest::Contest;
use super::ranking::{Contender, extremes};
use super::search_end::search_end;
use super::study::beside_study;
use crate::input::ReportInput;
use crate::model::{Answer, CrossFittedGap, Gap, Interval, PastChoice, Strongest, TestFigures};
use crate::table::Table;
use coordinator_statistics::means::mean;
use coordinator_statistics::summary::{both, interval_of_mean, interval_of_rows, summary};

/// The answer from the contenders: the coordinator's choice, or the best so far where it has made none.
pub fn answer(
    input: &ReportInput,
    table: &Table,
    contenders: &[Contender<'_>],
    contest: &Contest,
    balanced: Option<&Balanced>,
    strongest_hyperparameter: Strongest,
) -> Answer {
    let contender = chosen(input, table, contenders);
    let tests: Vec<&TestMetric> = contender
        .map(|contender| contender.trials.values().filter_map(|(trial, _)| trial.test.as_ref()).collect())
        .unwrap_or_default();
    let accuracies: Vec<f64> = tests.iter().map(|test| test.accuracy).collect();
    let chance = contender.and_then(|contender| contest.chance(contender.configuration));
    let configuration = contender.and_then(|contender| table.configurations.get(contender.configuration));
    let rows = contender.and_then(|contender| rows(input, contender));
    let of_rows = |share: Option<f64>, split: usize| interval_of_rows(share?, *rows?.get(split)?);
    let validation_accuracy = contender.map(|contender| contender.accuracy.mean);
    let validation_of_rows = of_rows(validation_accuracy, 1);
    let test_of_rows = of_rows(mean(accuracies.iter().copied()), 2);
    Answer {
        // It follows from the rest, and from the test split.
        conclusion: None,
        search_end: search_end(input),
        provisional: input.sweep.state != SweepState::Finished,
        label: contender.map(|contender| table.label(contender.configuration)).unwrap_or_default(),
        configuration: configuration
            .map(|one| one.iter().map(|(name, value)| (name, value.clone())).collect()),
        validation_loss: contender.map(|contender| contender.loss),
        validation_loss_interval: contender
            .and_then(|contender| contest.interval_of_loss(contender.configuration, &contender.loss)),
        validation_accuracy: contender.map(|contender| contender.accuracy),
        validation_accuracy_interval: contender
            .and_then(|one| contest.interval_of_accuracy(one.configuration, &one.accuracy))
            .zip(validation_accuracy)
            .map(|(seeds, accuracy)| with_rows(accuracy, seeds, validation_of_rows)),
        validation_accuracy_rows_interval: validation_of_rows,
        validation_rows: rows.map(|[_, validation, _]| validation),
        probability_best_by: contest.by.filter(|_| chance.is_some()),
        probability_best: chance.map(|chance| chance.probability),
        bootstrap_share_best: chance.and_then(|chance| chance.bootstrap_share),
        test_accuracy: mean(accuracies.iter().copied()),
        test_accuracy_summary: summary(&accuracies),
        test_accuracy_interval: summary(&accuracies)
            .and_then(|summary| Some((summary.mean, interval_of_mean(&summary)?)))
            .map(|(accuracy, seeds)| with_rows(accuracy, seeds, test_of_rows)),
        test_accuracy_rows_interval: test_of_rows,
        test_rows: rows.map(|[_, _, test]| test).filter(|_| !tests.is_empty()),
        test_figures: TestFigures::of_each(|figure| mean_of(&tests, figure)),
        test_confusion: confusion(&tests),
        gap: gap(table, contenders, contest, balanced),
        study: beside_study(&input.sweep.spec, &strongest_hyperparameter),
        strongest_hyperparameter,
        trials_still_improving: table.completed().filter(|(_, outcome)| outcome.was_still_learning).count()
            as u64,
        test_split_uses: input.sweep.tests_so_far(!tests.is_empty()),
        earlier_choices: earlier_choices(input),
    }
}

/// The mean of a figure over models; `None` unless it is known of every one of them.
fn mean_of(tests: &[&TestMetric], figure: TestFigure) -> Option<f64> {
    let figures: Option<Vec<f64>> = tests.iter().map(|test| figure.of(test)).collect();
    mean(figures?)
}

fn earlier_choices(input: &ReportInput) -> Vec<PastChoice> {
    let swept = input.sweep.spec.swept();
    let past = input.sweep.earlier_choices.iter().map(|one| PastChoice {
        label: one.configuration.label(&swept),
        at_ms: one.at.0,
        trials: one.trials,
        test_accuracy: one.accuracy,
    });
    past.collect()
}

/// The configuration that the coordinator chose, or the best so far where it has chosen none.
pub fn chosen<'s, 'a>(
    input: &ReportInput,
    table: &Table,
    contenders: &'s [Contender<'a>],
) -> Option<&'s Contender<'a>> {
    let chosen = input.sweep.chosen.as_ref();
    contenders
        .iter()
        .find(|contender| chosen == table.configurations.get(contender.configuration))
        .or_else(|| contenders.first())
}

/// Rows of the training, the validation and the test split of the dataset that a configuration was trained on.
fn rows(input: &ReportInput, contender: &Contender<'_>) -> Option<[u64; 3]> {
    let (trial, _) = contender.trials.values().next()?;
    let is_its = |one: &&DatasetRecord| one.artifact.digest == trial.dataset;
    input.sweep.datasets.iter().find(is_its).map(|one| one.rows)
}

/// An interval of an accuracy under other seeds and other rows: the same rows are counted in every replicate, so that more
/// replicates do not make up for few rows.
fn with_rows(accuracy: f64, seeds: Interval, rows: Option<Interval>) -> Interval {
    rows.map_or(seeds, |rows| both(accuracy, seeds, rows)).of_shares()
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
    contenders: &[Contender<'_>],
    contest: &Contest,
    balanced: Option<&Balanced>,
) -> Option<Gap> {
    let (best, worst) = extremes(contenders)?;
    let loss_absolute = worst.loss.mean - best.loss.mean;
    let accuracy_points = (best.accuracy.mean - worst.accuracy.mean) * 100.0;
    // Both must be among those whose noise is known.
    let is_known = contest.chance(best.configuration).and(contest.chance(worst.configuration)).is_some();
    let interval = contest.interval_of_gap(loss_absolute).filter(|_| is_known);
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
        accuracy_points_interval: contest
            .interval_of_accuracy_gap(accuracy_points / 100.0)
            .filter(|_| is_known)
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

//! Learning curves: means over completed trials per level, with the spread over replicates.

use std::collections::BTreeMap;

use sweep_proto::{EpochMetric, SweepSpec, Value};

use super::ranking::{Contender, extremes};
use crate::model::{CurveGroup, CurvePanel, CurvePoint, GroupLabel, PanelTitle};
use crate::table::{Table, TrialRow};
use coordinator_statistics::summary::band;

/// Points of a drawn curve: a screen shows no more. Longer curves keep every n-th epoch and the last.
const CURVE_POINTS_MAX: usize = 400;
/// Configurations with a curve of their own: as many as charts have colours. `epochs.csv` has all.
const CONFIGURATIONS_MAX: usize = 8;

/// One panel per swept hyperparameter (or one of all trials where nothing is swept), then the extremes, then the
/// first of the ranking where they are more than these two.
/// `levelled` are the rows of `table`, with levels in place of ranges.
pub fn curves(
    (table, levelled): (&Table, &Table),
    spec: &SweepSpec,
    contenders: &[Contender<'_>],
) -> Vec<CurvePanel> {
    let mut panels: Vec<CurvePanel> = spec
        .swept_axes()
        .map(|axis| {
            let completed = levelled.completed_by_level(axis.hyperparameter);
            let of_level = |level: &Value| {
                let trials = completed.get(level).into_iter().flatten().map(|(trial, _)| *trial);
                group(GroupLabel::Level(level.to_string()), trials)
            };
            CurvePanel {
                hyperparameter: Some(axis.hyperparameter),
                title: PanelTitle::Levels(axis.hyperparameter),
                groups: axis.levels().iter().map(of_level).collect(),
            }
        })
        .collect();
    if panels.is_empty() {
        let label = GroupLabel::Configuration(table.label(0));
        let groups = vec![group(label, table.completed().map(|(trial, _)| trial))];
        panels.push(CurvePanel { hyperparameter: None, title: PanelTitle::AllTrials, groups });
    }
    if let Some((best, worst)) = extremes(contenders) {
        let groups = vec![group_of(GroupLabel::Best, best), group_of(GroupLabel::Worst, worst)];
        let (best, worst) = (table.label(best.configuration), table.label(worst.configuration));
        let title = PanelTitle::Extremes { best, worst };
        panels.push(CurvePanel { hyperparameter: None, title, groups });
    }
    if contenders.len() > 2 {
        panels.push(first(table, contenders));
    }
    panels
}

/// The first configurations of the ranking, each with its own curve.
fn first(table: &Table, contenders: &[Contender<'_>]) -> CurvePanel {
    let shown = &contenders[..contenders.len().min(CONFIGURATIONS_MAX)];
    let of = |contender: &Contender<'_>| {
        group_of(GroupLabel::Configuration(table.label(contender.configuration)), contender)
    };
    CurvePanel {
        hyperparameter: None,
        title: PanelTitle::First { shown: shown.len() as u32, ranked: contenders.len() as u32 },
        groups: shown.iter().map(of).collect(),
    }
}

/// The mean curve of a configuration.
pub(super) fn group_of(label: GroupLabel, contender: &Contender<'_>) -> CurveGroup {
    group(label, contender.trials.values().map(|(trial, _)| *trial))
}

/// The mean curve of some trials.
fn group<'a>(label: GroupLabel, trials: impl Iterator<Item = &'a TrialRow>) -> CurveGroup {
    let mut by_epoch: BTreeMap<u32, Vec<(u32, &EpochMetric)>> = BTreeMap::new();
    let mut count = 0;
    for trial in trials {
        count += 1;
        for metric in &trial.epochs {
            by_epoch.entry(metric.epoch).or_default().push((trial.replicate, metric));
        }
    }
    let stride = by_epoch.len().div_ceil(CURVE_POINTS_MAX).max(1);
    let last = by_epoch.len().saturating_sub(1);
    let points = by_epoch
        .into_iter()
        .enumerate()
        .filter(|(position, _)| position % stride == 0 || *position == last)
        .filter_map(|(_, (epoch, metrics))| point(epoch, &metrics))
        .collect();
    CurveGroup { label, trials: count, points }
}

fn point(epoch: u32, metrics: &[(u32, &EpochMetric)]) -> Option<CurvePoint> {
    let of = |number: fn(&EpochMetric) -> f64| {
        band(&metrics.iter().map(|(replicate, metric)| (*replicate, number(metric))).collect::<Vec<_>>())
    };
    Some(CurvePoint {
        epoch,
        trials: metrics.len() as u32,
        train_loss: of(|metric| metric.train_loss)?,
        validation_loss: of(|metric| metric.validation_loss)?,
        train_accuracy: of(|metric| metric.train_accuracy)?,
        validation_accuracy: of(|metric| metric.validation_accuracy)?,
    })
}

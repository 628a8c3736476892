//! One hyperparameter at a time, the others held at the best configuration: the view of the 2021 study.
//!
//! Kim and Park, "Analysis of Accuracy and Loss Performance According to Hyperparameter in RNN Model", *Journal of
//! Convergence for Information Technology* 11(7), 2021. It looks at one row of the grid for each hyperparameter, so it
//! sees neither interactions nor what the other rows say; the analysis of variance beside it does.

use std::collections::BTreeMap;

use sweep_proto::space::with_values;
use sweep_proto::{Axis, Configuration, SweepSpec, Value};

use super::ranking::Contender;
use crate::model::{HeldLevel, OneFactor};
use crate::table::Table;

/// One row of the grid through the best configuration for each swept hyperparameter; nothing without a result.
pub fn one_factor_at_a_time(table: &Table, spec: &SweepSpec, contenders: &[Contender<'_>]) -> Vec<OneFactor> {
    let Some(best) = contenders.first().and_then(|one| table.configurations.get(one.configuration)) else {
        return Vec::new();
    };
    let known: BTreeMap<&Configuration, &Contender<'_>> = contenders
        .iter()
        .filter_map(|contender| Some((table.configurations.get(contender.configuration)?, contender)))
        .collect();
    let swept = spec.swept();
    // A range has no row of values beside the best one.
    spec.swept_axes()
        .filter(|axis| axis.range().is_none())
        .map(|axis| {
            let levels: Vec<HeldLevel> = axis
                .levels()
                .iter()
                .filter_map(|level| {
                    let contender = known.get(&beside(spec, best, axis, level)?);
                    Some(HeldLevel {
                        level: level.clone(),
                        validation_loss: contender.map(|one| one.loss),
                        validation_accuracy: contender.map(|one| one.accuracy),
                    })
                })
                .collect();
            let held: Vec<_> = swept.iter().copied().filter(|one| *one != axis.hyperparameter).collect();
            let is_like_best = |one: &&&Contender<'_>| {
                contenders.first().is_some_and(|best| one.trials.keys().eq(best.trials.keys()))
            };
            // Means over other replicates would tell of their seeds.
            let losses = || {
                let row = axis.levels().iter();
                let row = row.filter_map(|level| known.get(&beside(spec, best, axis, level)?));
                row.filter(is_like_best).map(|one| one.loss.mean)
            };
            let range = losses().max_by(f64::total_cmp).zip(losses().min_by(f64::total_cmp));
            OneFactor {
                hyperparameter: axis.hyperparameter,
                held: best.label(&held),
                range: range
                    .filter(|_| losses().count() > 1)
                    .map(|(largest, smallest)| largest - smallest)
                    .filter(|range| range.is_finite()),
                levels,
            }
        })
        // With one level there is nothing to compare: a condition forbids the others.
        .filter(|row| row.levels.len() > 1)
        .collect()
}

/// The best configuration with another level of one hyperparameter; `None` where conditions and constraints forbid it.
fn beside(spec: &SweepSpec, best: &Configuration, axis: &Axis, level: &Value) -> Option<Configuration> {
    let value = |one: &Axis| {
        if one.hyperparameter == axis.hyperparameter { level.clone() } else { best.get(one.hyperparameter) }
    };
    let values: Vec<Value> = spec.axes.iter().map(value).collect();
    let configuration = with_values(&spec.axes, &spec.fixed, &values)?;
    let is_moved = configuration.get(axis.hyperparameter) == *level;
    (is_moved && spec.allows(&configuration)).then_some(configuration)
}

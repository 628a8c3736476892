//! The completed trials of a sweep, coded for methods that know axes and levels only.

use std::collections::BTreeMap;

use coordinator_statistics::coded::CodedTrials;
use sweep_proto::{Axis, Value};

use crate::table::Table;

/// Along these axes, trials in the table's order; those whose levels do not stand in the grid are left out.
pub fn coded(table: &Table, axes: &[&Axis]) -> CodedTrials {
    let places: Vec<BTreeMap<&Value, usize>> = axes
        .iter()
        .map(|axis| {
            let mut levels: Vec<&Value> = axis.levels().iter().collect();
            levels.sort_unstable();
            levels.into_iter().enumerate().map(|(at, one)| (one, at)).collect()
        })
        .collect();
    let mut trials = CodedTrials {
        scores: Vec::new(),
        levels: vec![Vec::new(); axes.len()],
        counts: axes.iter().map(|axis| axis.levels().len()).collect(),
    };
    for (trial, outcome) in table.completed() {
        let configuration = &table.configurations[trial.configuration];
        let levels: Option<Vec<usize>> = axes
            .iter()
            .zip(&places)
            .map(|(axis, places)| places.get(&configuration.get(axis.hyperparameter)).copied())
            .collect();
        let Some(levels) = levels else { continue };
        trials.scores.push(outcome.score);
        for (list, level) in trials.levels.iter_mut().zip(levels) {
            list.push(level);
        }
    }
    trials
}

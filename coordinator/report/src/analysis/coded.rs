//! The completed trials as methods for any sweep see them: scores, and the place of each level on its axis.

use std::collections::BTreeMap;

use sweep_proto::{Axis, Value};

use crate::table::Table;

/// The completed trials whose levels stand in the grid.
pub struct CodedTrials {
    /// Scores, by trial.
    pub scores: Vec<f64>,
    /// `levels[axis][trial]`: the level's place among the axis' levels, from the smallest.
    pub levels: Vec<Vec<usize>>,
    /// Levels of each axis.
    pub counts: Vec<usize>,
}

impl CodedTrials {
    /// Along these axes, trials in the table's order.
    pub fn of(table: &Table, axes: &[&Axis]) -> Self {
        let places: Vec<BTreeMap<&Value, usize>> = axes
            .iter()
            .map(|axis| {
                let mut levels: Vec<&Value> = axis.levels.iter().collect();
                levels.sort_unstable();
                levels.into_iter().enumerate().map(|(at, one)| (one, at)).collect()
            })
            .collect();
        let mut trials = Self {
            scores: Vec::new(),
            levels: vec![Vec::new(); axes.len()],
            counts: axes.iter().map(|axis| axis.levels.len()).collect(),
        };
        for (trial, outcome) in table.completed() {
            let configuration = &table.configurations[trial.configuration];
            let levels: Option<Vec<usize>> = axes
                .iter()
                .zip(&places)
                .map(|(axis, places)| places.get(configuration.get(axis.hyperparameter)).copied())
                .collect();
            let Some(levels) = levels else { continue };
            trials.scores.push(outcome.score);
            for (list, level) in trials.levels.iter_mut().zip(levels) {
                list.push(level);
            }
        }
        trials
    }
}

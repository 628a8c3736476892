//! Interactions: the mean score of each pair of levels of two hyperparameters.

use sweep_proto::{Axis, SweepSpec};

use crate::model::{Interaction, Levels};
use crate::table::{Table, mean};

/// Pairs that are shown: those of six swept hyperparameters.
const PAIRS_MAX: usize = 15;

/// Every pair of swept hyperparameters with at least two levels each, in the order of the sweep file.
pub fn interactions(table: &Table, spec: &SweepSpec) -> Vec<Interaction> {
    let axes: Vec<&Axis> = spec.swept_axes().collect();
    let pairs = axes
        .iter()
        .enumerate()
        .flat_map(|(at, rows)| axes[at + 1..].iter().map(move |columns| (*rows, *columns)));
    pairs.take(PAIRS_MAX).map(|(rows, columns)| interaction(table, rows, columns)).collect()
}

fn interaction(table: &Table, rows: &Axis, columns: &Axis) -> Interaction {
    let mut scores = vec![vec![Vec::new(); columns.levels.len()]; rows.levels.len()];
    for (trial, outcome) in table.completed() {
        let configuration = &table.configurations[trial.configuration];
        let level =
            |axis: &Axis| axis.levels.iter().position(|one| one == configuration.get(axis.hyperparameter));
        if let (Some(row), Some(column)) = (level(rows), level(columns)) {
            scores[row][column].push(outcome.score);
        }
    }
    let levels = |axis: &Axis| Levels { hyperparameter: axis.hyperparameter, levels: axis.levels.clone() };
    Interaction {
        rows: levels(rows),
        columns: levels(columns),
        cells: scores.into_iter().map(|row| row.into_iter().map(mean).collect()).collect(),
    }
}

//! Interactions: the mean score of each pair of levels of two hyperparameters.

use sweep_proto::{Axis, SweepSpec};

use super::matched::matched;
use crate::model::{Interaction, Levels};
use crate::table::Table;
use coordinator_statistics::means::mean;

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
    let matched = matched(table, &[rows, columns]);
    let lines = matched.cells.chunks(columns.levels().len().max(1));
    Interaction {
        rows: Levels::of(rows),
        columns: Levels::of(columns),
        cells: lines
            .clone()
            .map(|row| row.iter().map(|cell| mean(cell.iter().map(|(_, one)| one.score))).collect())
            .collect(),
        trials: lines.map(|row| row.iter().map(|cell| cell.len() as u32).collect()).collect(),
    }
}

//! The balanced part of a grid: the replicates that every configuration completed, and their sums of squares.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{Hyperparameter, SweepSpec};

use crate::table::{Table, mean};

/// Scores of a full grid over the replicates that every configuration completed.
#[derive(Clone, Debug, PartialEq)]
pub struct Balanced {
    /// Indices in [`Table::configurations`].
    pub configurations: Vec<usize>,
    /// The replicates.
    pub replicates: Vec<u32>,
    /// `scores[configuration][replicate]`, as positions in the two lists above.
    pub scores: Vec<Vec<f64>>,
    /// `accuracies[configuration][replicate]`, alike.
    pub accuracies: Vec<Vec<f64>>,
}

impl Balanced {
    /// `None` unless every grid point has a configuration and some replicate is complete on all of them.
    pub fn new(table: &Table, spec: &SweepSpec) -> Option<Self> {
        let mut cells: BTreeMap<usize, BTreeMap<u32, (f64, f64)>> = BTreeMap::new();
        for (trial, outcome) in table.completed() {
            cells
                .entry(trial.configuration)
                .or_default()
                .insert(trial.replicate, (outcome.score, outcome.accuracy));
        }
        if cells.is_empty() || spec.grid_size() != Some(cells.len() as u64) {
            return None;
        }
        let mut complete: Option<BTreeSet<u32>> = None;
        for replicates in cells.values() {
            let present: BTreeSet<u32> = replicates.keys().copied().collect();
            complete = Some(complete.map_or(present.clone(), |known| &known & &present));
        }
        let replicates: Vec<u32> = complete?.into_iter().collect();
        if replicates.is_empty() {
            return None;
        }
        let of = |number: fn(&(f64, f64)) -> f64| -> Vec<Vec<f64>> {
            cells
                .values()
                .map(|row| replicates.iter().filter_map(|one| row.get(one)).map(number).collect())
                .collect()
        };
        Some(Self {
            scores: of(|cell| cell.0),
            accuracies: of(|cell| cell.1),
            configurations: cells.keys().copied().collect(),
            replicates,
        })
    }

    /// The position of each configuration's level among the distinct levels of a hyperparameter.
    pub fn levels_of(&self, table: &Table, hyperparameter: Hyperparameter) -> Vec<usize> {
        let mut known = BTreeMap::new();
        self.configurations
            .iter()
            .map(|one| {
                let next = known.len();
                *known.entry(table.configurations[*one].get(hyperparameter)).or_insert(next)
            })
            .collect()
    }

    /// Mean score of each configuration.
    pub fn configuration_means(&self) -> Vec<f64> {
        self.scores.iter().map(|row| mean(row.iter().copied()).unwrap_or(f64::INFINITY)).collect()
    }

    /// Scores of one replicate, by configuration.
    pub fn replicate(&self, position: usize) -> Vec<f64> {
        self.scores.iter().map(|row| row[position]).collect()
    }
}

/// The sum of squares between groups: over the groups, size times squared distance of the group's mean
/// from the grand mean. `groups[i]` names the group of `numbers[i]`. Infinite beyond finite numbers.
pub fn between_groups(numbers: &[f64], groups: &[usize]) -> f64 {
    let Some(grand) = mean(numbers.iter().copied()) else { return f64::INFINITY };
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (number, group) in numbers.iter().zip(groups) {
        let sum = sums.entry(*group).or_insert((0.0, 0.0));
        *sum = (sum.0 + number, sum.1 + 1.0);
    }
    sums.values().map(|(sum, count)| count * (sum / count - grand).powi(2)).sum()
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these small numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_squares_between_groups_is_the_one_by_hand() {
        // Means 2 and 6, grand mean 4: 2 * 4 + 2 * 4.
        assert_eq!(between_groups(&[1.0, 3.0, 5.0, 7.0], &[0, 0, 1, 1]), 16.0);
    }
}

//! The balanced part of a sweep: configurations that completed the same replicates, and their sums of squares.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{Hyperparameter, SweepSpec};

use super::ranking::Contender;
use crate::table::{Table, TrialOutcome};
use coordinator_statistics::means::mean;
use coordinator_statistics::strata::Strata;

/// Scores of configurations over replicates that all of them completed.
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
    /// The full grid; `None` unless every grid point has a configuration and some replicate is complete on all of them.
    pub fn new(table: &Table, spec: &SweepSpec) -> Option<Self> {
        let mut cells: BTreeMap<usize, BTreeMap<u32, (f64, f64)>> = BTreeMap::new();
        for (trial, outcome) in table.completed() {
            cells
                .entry(trial.configuration)
                .or_default()
                .insert(trial.replicate, (outcome.score, outcome.accuracy));
        }
        if cells.is_empty() || !spec.is_whole_grid() || spec.grid_size() != Some(cells.len() as u64) {
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

    /// The configurations that completed the very replicates of the first, in ranking order; `None` of none.
    pub fn like_first(contenders: &[Contender<'_>]) -> Option<Self> {
        let first = contenders.first()?;
        let alike: Vec<&Contender<'_>> =
            contenders.iter().filter(|one| one.trials.keys().eq(first.trials.keys())).collect();
        let of = |number: fn(&TrialOutcome) -> f64| -> Vec<Vec<f64>> {
            alike
                .iter()
                .map(|one| one.trials.values().map(|(_, outcome)| number(outcome)).collect())
                .collect()
        };
        Some(Self {
            scores: of(|outcome| outcome.score),
            accuracies: of(|outcome| outcome.accuracy),
            configurations: alike.iter().map(|one| one.configuration).collect(),
            replicates: first.trials.keys().copied().collect(),
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

    /// The strata of scores or accuracies on the full grid; `None` where these are not all of its configurations.
    pub fn strata(&self, numbers: &[Vec<f64>], table: &Table, spec: &SweepSpec) -> Option<Strata> {
        let levels = spec.swept_axes().map(|axis| self.levels_of(table, axis.hyperparameter)).collect();
        Strata::of(numbers, levels)
    }

    /// Mean score of each configuration.
    pub fn configuration_means(&self) -> Vec<f64> {
        self.scores.iter().map(|row| mean(row.iter().copied()).unwrap_or(f64::INFINITY)).collect()
    }

    /// `means[replicate][level]`: mean score of each level of a hyperparameter, in the order of
    /// [`Balanced::levels_of`].
    pub fn level_means(&self, table: &Table, hyperparameter: Hyperparameter) -> Vec<Vec<f64>> {
        let levels = self.levels_of(table, hyperparameter);
        let count = levels.iter().max().map_or(0, |last| last + 1);
        let of_each = self.configurations.len() as f64 / count.max(1) as f64;
        (0..self.replicates.len())
            .map(|replicate| {
                let mut means = vec![0.0; count];
                for (row, level) in self.scores.iter().zip(&levels) {
                    means[*level] += row[replicate] / of_each;
                }
                means
            })
            .collect()
    }
}

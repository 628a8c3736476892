//! Which configuration is best, so far and in the end: means over completed replicates, and the choice among them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use sweep_proto::{Configuration, ConfigurationIndex, Objective, SweepId, SweepSpec, TrialId, TrialResult};

use crate::configurations::{Sums, position};
use crate::draft::Draft;
use crate::record::{SweepRecord, TrialRecord};
use crate::tables::Tables;

/// A configuration's mean over its completed replicates.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigurationMean {
    /// Its number in the sweep.
    pub index: ConfigurationIndex,
    /// The configuration.
    pub configuration: Configuration,
    /// Its position in the grid.
    pub position: u64,
    /// Completed replicates.
    pub completed: u32,
    /// Mean score by the objective of the sweep; lower is better.
    pub score: f64,
    /// Mean validation loss at the best epoch, in nats.
    pub loss: f64,
    /// Mean validation accuracy at the best epoch, a fraction.
    pub accuracy: f64,
}

impl ConfigurationMean {
    pub(crate) fn merit(&self) -> Merit {
        Merit { completed: self.completed, score: self.score, position: self.position }
    }
}

/// What the order of configurations depends on.
#[derive(Clone, Copy, Debug)]
pub struct Merit {
    /// Completed replicates.
    pub completed: u32,
    /// Mean score over them by the objective of the sweep.
    pub score: f64,
    /// Position in the grid.
    pub position: u64,
}

impl Merit {
    /// The order of the choice: those covered by the most replicates before those covered by fewer, then by score, then by
    /// grid order.
    ///
    /// A configuration some of whose replicates failed is measured on fewer seeds: its mean is a luckier draw and not paired
    /// with the others', so it never beats a fully covered one.
    pub fn better_first(self, other: Self) -> Ordering {
        let by_cover = other.completed.cmp(&self.completed);
        by_cover.then(self.score.total_cmp(&other.score)).then(self.position.cmp(&other.position))
    }
}

/// The means of all configurations with a completed replicate, best first, from the records of a sweep alone.
pub fn means<'a>(spec: &SweepSpec, trials: impl Iterator<Item = &'a TrialRecord>) -> Vec<ConfigurationMean> {
    let mut groups: BTreeMap<&Configuration, (ConfigurationIndex, Sums)> = BTreeMap::new();
    for trial in trials {
        let configuration = &trial.spec.configuration;
        let fresh =
            || (trial.configuration_index, Sums::new(Some(spec), configuration, trial.configuration_index));
        groups.entry(configuration).or_insert_with(fresh).1.add(trial);
    }
    let mut means: Vec<_> = groups.values().filter_map(|(index, sums)| sums.mean(*index)).collect();
    means.sort_by(|left, right| left.merit().better_first(right.merit()));
    means
}

/// What a result counts with by the objective of a sweep, where that is not the validation loss itself. `of` has its epochs.
pub(crate) fn objective_score(
    tables: &Tables,
    objective: Objective,
    of: TrialId,
    result: &TrialResult,
) -> Option<f64> {
    if objective == Objective::default() {
        return None;
    }
    let kept = tables.epochs.get(&(of, result.best_epoch))?;
    objective.score_of(&kept.metric)
}

impl Draft<'_> {
    /// See [`objective_score`].
    pub(crate) fn objective_score(&self, sweep: SweepId, of: TrialId, result: &TrialResult) -> Option<f64> {
        objective_score(&self.engine.tables, self.sweep(sweep)?.spec.objective, of, result)
    }

    /// The best configuration of a sweep as it would become; `None` where nothing completed. Looks at what changes, and at the best
    /// of what does not.
    pub(crate) fn best(&self, sweep: &SweepRecord) -> Option<ConfigurationMean> {
        let index = self.engine.index.sweeps.get(&sweep.id);
        let mut changed: BTreeMap<ConfigurationIndex, Sums> = BTreeMap::new();
        for trial in self.changed_trials(sweep.id) {
            let number = trial.configuration_index;
            let sums = changed.entry(number).or_insert_with(|| {
                let kept = index.and_then(|index| index.configurations.sums(number)).cloned();
                kept.unwrap_or_else(|| Sums::new(None, &trial.spec.configuration, number))
            });
            if let Some(before) = self.engine.tables.trials.get(&trial.spec.id) {
                sums.remove(before);
            }
            sums.add(trial);
        }
        let mut unchanged = index.into_iter().flat_map(|index| index.configurations.means());
        let unchanged = unchanged.find(|mean| !changed.contains_key(&mean.index));
        let changed = changed.iter().filter_map(|(number, sums)| sums.mean(*number));
        // The grid itself may be about to grow.
        let placed = changed.chain(unchanged).map(|mean| ConfigurationMean {
            position: position(&sweep.spec, &mean.configuration, mean.index),
            ..mean
        });
        placed.min_by(|left, right| left.merit().better_first(right.merit()))
    }
}

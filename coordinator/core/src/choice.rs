//! Which configuration is best, so far and in the end: means over completed replicates, and the choice among them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use sweep_proto::{Configuration, ConfigurationIndex, Objective, SweepId, SweepSpec, TrialId, TrialResult};

use crate::configurations::{Rows, Sums, position};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::exact_sum::ExactSum;
use crate::record::{SweepRecord, TrialRecord, TrialState};
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

/// The results of some trials, added up.
#[derive(Clone, Copy, Debug, Default)]
struct Results {
    completed: u32,
    score: ExactSum,
    loss: ExactSum,
    accuracy: ExactSum,
}

impl Results {
    fn add(&mut self, trial: &TrialRecord) {
        if let (Some(result), Some(score)) = (&trial.result, trial.score()) {
            self.completed += 1;
            self.score.add(score);
            self.loss.add(result.score);
            self.accuracy.add(result.accuracy);
        }
    }

    /// The mean of the configuration that these trials have; `None` where none has completed.
    fn mean(
        &self,
        (index, configuration): (ConfigurationIndex, &Configuration),
        position: u64,
    ) -> Option<ConfigurationMean> {
        let completed = self.completed;
        (completed > 0).then(|| ConfigurationMean {
            index,
            configuration: configuration.clone(),
            position,
            completed,
            score: self.score.mean(completed),
            loss: self.loss.mean(completed),
            accuracy: self.accuracy.mean(completed),
        })
    }
}

/// The means of all configurations with a completed replicate, best first, from the records of a sweep alone.
pub fn means<'a>(spec: &SweepSpec, trials: impl Iterator<Item = &'a TrialRecord>) -> Vec<ConfigurationMean> {
    let mut groups: BTreeMap<&Configuration, (ConfigurationIndex, Results)> = BTreeMap::new();
    for trial in trials {
        let fresh = || (trial.configuration_index, Results::default());
        groups.entry(&trial.spec.configuration).or_insert_with(fresh).1.add(trial);
    }
    let mean = |(configuration, (index, results)): (&Configuration, &(ConfigurationIndex, Results))| {
        results.mean((*index, configuration), position(spec, configuration, *index))
    };
    let mut means: Vec<_> = groups.iter().filter_map(|(one, group)| mean((*one, group))).collect();
    means.sort_by(|left, right| left.merit().better_first(right.merit()));
    means
}

impl Engine {
    /// Mean score and accuracy of each configuration over its completed replicates, best first.
    pub fn configurations(&self, sweep: SweepId) -> Vec<ConfigurationMean> {
        self.best_configurations(sweep, usize::MAX)
    }

    /// The first of these.
    pub fn best_configurations(&self, sweep: SweepId, most: usize) -> Vec<ConfigurationMean> {
        let ranked = self.index_of(sweep).into_iter().flat_map(|index| index.configurations.ranked());
        ranked.take(most).filter_map(|configuration| self.mean(sweep, configuration)).collect()
    }

    /// The number of the first of these.
    pub(crate) fn best_configuration(&self, sweep: SweepId) -> Option<ConfigurationIndex> {
        self.index_of(sweep)?.configurations.ranked().next()
    }

    /// The order is kept as trials end; what is told beside it is added up from the rows.
    fn mean(&self, sweep: SweepId, configuration: ConfigurationIndex) -> Option<ConfigurationMean> {
        let known = &self.index_of(sweep)?.configurations;
        let values = known.get(Rows { tables: &self.tables, sweep }, configuration)?;
        let mut results = Results::default();
        self.trials_with(sweep, Some(configuration)).for_each(|trial| results.add(trial));
        results.mean((configuration, values), known.position(configuration)?)
    }
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
    pub(crate) fn best(&self, sweep: &SweepRecord) -> Option<(ConfigurationIndex, Configuration)> {
        if let Some(named) = self.named_by_search(sweep) {
            return Some(named);
        }
        let engine = self.engine;
        let known = engine.index.sweeps.get(&sweep.id).map(|index| &index.configurations);
        let mut changed: BTreeMap<ConfigurationIndex, (&Configuration, Sums)> = BTreeMap::new();
        for trial in self.changed_trials(sweep.id) {
            let number = trial.configuration_index;
            let (_, sums) = changed.entry(number).or_insert_with(|| {
                let kept = known.and_then(|known| known.sums(number)).copied();
                (&trial.spec.configuration, kept.unwrap_or_else(|| Sums::new(None, trial)))
            });
            if let Some(before) = engine.tables.trials.get(&trial.spec.id) {
                sums.remove(before);
            }
            sums.add(trial);
        }
        let unchanged = known.and_then(|known| {
            let number = known.ranked().find(|number| !changed.contains_key(number))?;
            let rows = Rows { tables: &engine.tables, sweep: sweep.id };
            Some((number, (known.get(rows, number)?, *known.sums(number)?)))
        });
        let ranked = changed.into_iter().chain(unchanged).filter_map(|(number, (configuration, sums))| {
            let (completed, score) = sums.mean()?;
            // The grid itself may be about to grow.
            let position = position(&sweep.spec, configuration, number);
            Some((Merit { completed, score, position }, number, configuration))
        });
        let best = ranked.min_by(|left, right| left.0.better_first(right.0));
        best.map(|(_, number, configuration)| (number, configuration.clone()))
    }

    /// The configuration that a steered search names, where a trial of it has completed: its model rests on more than these.
    fn named_by_search(&self, sweep: &SweepRecord) -> Option<(ConfigurationIndex, Configuration)> {
        let named = sweep.conclusion.as_ref()?.named.configuration.as_ref()?;
        let rows = Rows { tables: &self.engine.tables, sweep: sweep.id };
        let number = self.engine.index_of(sweep.id)?.configurations.number(rows, named)?;
        let mut trials = self.trials_with(sweep.id, Some(number));
        trials.any(|trial| trial.state == TrialState::Completed).then(|| (number, named.clone()))
    }
}

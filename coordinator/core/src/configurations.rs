//! The configurations of a sweep: which trials have each, and its sums over completed replicates, kept as trials end.

use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use sweep_proto::{Configuration, ConfigurationIndex, SweepId, SweepSpec, TrialId};

use crate::choice::ConfigurationMean;
use crate::draft::Draft;
use crate::exact_sum::ExactSum;
use crate::index::ScoreKey;
use crate::packed::Packed;
use crate::rare::{Blank, Rare};
use crate::record::{SweepRecord, TrialRecord};

/// What is kept of the configurations of one sweep. A look at the best takes the same time whatever their number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Configurations {
    /// The number of each, under its [`fingerprint`].
    numbers: Packed<(u32, ConfigurationIndex)>,
    sums: Vec<Sums>,
    /// Configurations with a completed replicate, best first.
    ranking: Packed<Rank>,
    /// Every trial under its configuration.
    trials: Packed<(ConfigurationIndex, u32)>,
}

/// A place in the order of the choice: most completed replicates, then the lowest mean score, then grid order.
type Rank = (Reverse<u32>, ScoreKey, u64, ConfigurationIndex);

/// One configuration's sums over its completed replicates.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    configuration: Configuration,
    /// See [`position`].
    position: u64,
    results: Rare<Results>,
}

/// The results of some trials, added up.
#[derive(Clone, Debug, Default, PartialEq)]
struct Results {
    completed: u32,
    loss: ExactSum,
    accuracy: ExactSum,
    /// Of the scores, where the objective is another figure than the loss.
    score: Option<Box<ExactSum>>,
}

impl Blank for Results {
    fn blank() -> &'static Self {
        static BLANK: LazyLock<Results> = LazyLock::new(Results::default);
        &BLANK
    }
}

impl Results {
    fn mean_score(&self) -> f64 {
        self.score.as_deref().unwrap_or(&self.loss).mean(self.completed)
    }
}

/// By what a configuration is found; different ones may share it, if hardly ever. It is the same in every run.
fn fingerprint(configuration: &Configuration) -> u32 {
    let mut hasher = DefaultHasher::new();
    configuration.hash(&mut hasher);
    hasher.finish() as u32
}

/// Where a configuration stands among equally good ones: at its place in the grid, or, where there is none, behind all of these
/// in the order in which trials first have it.
pub(crate) fn position(spec: &SweepSpec, configuration: &Configuration, index: ConfigurationIndex) -> u64 {
    let behind = u64::MAX - u64::from(u32::MAX) + u64::from(index.0);
    spec.place(configuration).unwrap_or(behind)
}

impl Sums {
    pub(crate) fn new(
        spec: Option<&SweepSpec>,
        configuration: &Configuration,
        index: ConfigurationIndex,
    ) -> Self {
        let position = spec.map_or(u64::MAX, |spec| position(spec, configuration, index));
        Self { configuration: configuration.clone(), position, ..Self::default() }
    }

    pub(crate) fn add(&mut self, trial: &TrialRecord) {
        if let Some(result) = &trial.result {
            let results = &mut *self.results;
            results.completed += 1;
            results.loss.add(result.score);
            results.accuracy.add(result.accuracy);
            if let Some(score) = trial.objective_score {
                results.score.get_or_insert_default().add(score);
            }
        }
    }

    pub(crate) fn remove(&mut self, trial: &TrialRecord) {
        if let Some(result) = &trial.result {
            let results = &mut *self.results;
            results.completed -= 1;
            results.loss.remove(result.score);
            results.accuracy.remove(result.accuracy);
            if let (Some(score), Some(sum)) = (trial.objective_score, &mut results.score) {
                sum.remove(score);
            }
            // As nothing was added: sums without a trial are equal, however they came to be so.
            results.score.take_if(|_| results.completed == 0);
        }
    }

    /// The mean; `None` without a completed replicate.
    pub(crate) fn mean(&self, index: ConfigurationIndex) -> Option<ConfigurationMean> {
        let Results { completed, loss, accuracy, .. } = *self.results;
        (completed > 0).then(|| ConfigurationMean {
            index,
            configuration: self.configuration.clone(),
            position: self.position,
            completed,
            score: self.results.mean_score(),
            loss: loss.mean(completed),
            accuracy: accuracy.mean(completed),
        })
    }

    fn rank(&self, index: ConfigurationIndex) -> Option<Rank> {
        let results = &*self.results;
        let score = || ScoreKey::of(results.mean_score());
        (results.completed > 0).then(|| (Reverse(results.completed), score(), self.position, index))
    }
}

impl Configurations {
    /// The number of a configuration that trials have.
    pub(crate) fn number(&self, configuration: &Configuration) -> Option<ConfigurationIndex> {
        let print = fingerprint(configuration);
        let alike =
            self.numbers.range((print, ConfigurationIndex(0))..=(print, ConfigurationIndex(u32::MAX)));
        alike.map(|(_, number)| *number).find(|number| self.get(*number) == Some(configuration))
    }

    /// How many different ones trials have: the number of the next one.
    pub(crate) fn count(&self) -> usize {
        self.sums.len()
    }

    /// A configuration by its number.
    pub(crate) fn get(&self, index: ConfigurationIndex) -> Option<&Configuration> {
        self.sums(index).map(|sums| &sums.configuration)
    }

    /// The trials of a configuration, in order.
    pub(crate) fn trials_of(&self, index: ConfigurationIndex) -> impl Iterator<Item = u32> {
        self.trials.range((index, 0)..=(index, u32::MAX)).map(|(_, trial)| *trial)
    }

    /// The sums of a configuration.
    pub(crate) fn sums(&self, index: ConfigurationIndex) -> Option<&Sums> {
        self.sums.get(index.0 as usize)
    }

    /// The means of configurations with a completed replicate, best first.
    pub(crate) fn means(&self) -> impl Iterator<Item = ConfigurationMean> {
        self.ranking.values().filter_map(|(_, _, _, index)| self.sums(*index)?.mean(*index))
    }

    /// A trial is there, as it has become.
    pub(crate) fn insert(&mut self, spec: Option<&SweepSpec>, trial: &TrialRecord) {
        let index = trial.configuration_index;
        let configuration = &trial.spec.configuration;
        if self.number(configuration).is_none() {
            self.numbers.insert((fingerprint(configuration), index));
            let wanted = index.0 as usize + 1;
            self.sums.resize_with(self.sums.len().max(wanted), Sums::default);
            if let Some(sums) = self.sums.get_mut(index.0 as usize) {
                *sums = Sums::new(spec, configuration, index);
            }
        }
        self.trials.insert((index, trial.spec.id.index));
        self.change(index, |sums| sums.add(trial));
    }

    /// A trial is no longer as it was.
    pub(crate) fn remove(&mut self, trial: &TrialRecord) {
        self.change(trial.configuration_index, |sums| sums.remove(trial));
    }

    fn change(&mut self, index: ConfigurationIndex, change: impl FnOnce(&mut Sums)) {
        let Some(sums) = self.sums.get_mut(index.0 as usize) else { return };
        let before = sums.rank(index);
        change(sums);
        let after = sums.rank(index);
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.ranking.remove(&before);
        }
        self.ranking.extend(after);
    }

    /// The grid has other axes than before: positions are others, too.
    pub(crate) fn grid_changed(&mut self, spec: &SweepSpec) {
        self.ranking = Packed::default();
        for (number, sums) in (0..).zip(&mut self.sums) {
            sums.position = position(spec, &sums.configuration, ConfigurationIndex(number));
            self.ranking.extend(sums.rank(ConfigurationIndex(number)));
        }
    }
}

impl Draft<'_> {
    /// The number of a configuration in its sweep, and the one copy that its trials share: a new number where no trial has it.
    pub(crate) fn numbered(
        &mut self,
        sweep: SweepId,
        configuration: Configuration,
    ) -> (Configuration, ConfigurationIndex) {
        let known = self.engine.index.sweeps.get(&sweep).map(|index| &index.configurations);
        let number = known.and_then(|known| known.number(&configuration));
        if let Some(found) = number.and_then(|number| Some((known?.get(number)?.clone(), number))) {
            return found;
        }
        let fresh = self.numbered.entry(sweep).or_default();
        if let Some((shared, number)) = fresh.get_key_value(&configuration) {
            return (shared.clone(), *number);
        }
        // A sweep has fewer trials than 32 bits count.
        let number = ConfigurationIndex((known.map_or(0, Configurations::count) + fresh.len()) as u32);
        fresh.insert(configuration.clone(), number);
        (configuration, number)
    }

    /// The number of the chosen configuration of a sweep as it would become.
    pub(crate) fn chosen(&self, sweep: &SweepRecord) -> Option<ConfigurationIndex> {
        let known = self.engine.index.sweeps.get(&sweep.id).and_then(|index| index.chosen(sweep));
        known.or_else(|| self.numbered.get(&sweep.id)?.get(sweep.chosen.as_ref()?).copied())
    }

    /// The trials of a configuration as they would become, in order.
    pub(crate) fn trials_with(
        &self,
        sweep: SweepId,
        configuration: Option<ConfigurationIndex>,
    ) -> impl Iterator<Item = &TrialRecord> {
        let index = self.engine.index.sweeps.get(&sweep);
        let kept = index.zip(configuration).map(|(index, number)| index.configurations.trials_of(number));
        let kept = kept.into_iter().flatten().filter_map(move |index| self.trial(TrialId { sweep, index }));
        let is_new = |trial: &&TrialRecord| !self.engine.tables.trials.contains_key(&trial.spec.id);
        let new = self.changed_trials(sweep).filter(is_new);
        kept.chain(new.filter(move |trial| Some(trial.configuration_index) == configuration))
    }
}

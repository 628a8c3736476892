//! The configurations of a sweep: which trials have each, and its place in the order of the choice, kept as trials end.

use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};

use sweep_proto::{Configuration, ConfigurationIndex, SweepId, SweepSpec, TrialId};

use crate::draft::Draft;
use crate::exact_sum::ExactSum;
use crate::index::ScoreKey;
use crate::packed::Packed;
use crate::record::{SweepRecord, TrialRecord};
use crate::tables::Tables;

/// What is kept of the configurations of one sweep. A look at the best takes the same time whatever their number. Values are read in
/// the row of a configuration's first trial, so that all of this is dropped at once where the sweep is deleted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Configurations {
    /// The number of each, under its [`fingerprint`].
    numbers: Packed<(u32, ConfigurationIndex)>,
    sums: Vec<Sums>,
    /// Configurations with a completed replicate, best first.
    ranking: Packed<Rank>,
    /// The trials of each but its first.
    others: Packed<(ConfigurationIndex, u32)>,
}

/// A place in the order of the choice: most completed replicates, then the lowest mean score, then grid order.
type Rank = (Reverse<u32>, ScoreKey, u64, ConfigurationIndex);

/// One configuration's sums over its completed replicates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    /// The first trial that has it.
    first: u32,
    completed: u32,
    /// See [`position`].
    position: u64,
    score: ExactSum,
}

/// The rows in which the trials of a sweep stand.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'t> {
    pub(crate) tables: &'t Tables,
    pub(crate) sweep: SweepId,
}

impl<'t> Rows<'t> {
    fn configuration(self, trial: u32) -> Option<&'t Configuration> {
        let trial = self.tables.trials.get(&TrialId { sweep: self.sweep, index: trial })?;
        Some(&trial.spec.configuration)
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
    /// Of a configuration whose first trial this is; nothing is added up.
    pub(crate) fn new(spec: Option<&SweepSpec>, trial: &TrialRecord) -> Self {
        let position = |spec| position(spec, &trial.spec.configuration, trial.configuration_index);
        let position = spec.map_or(u64::MAX, position);
        Self { first: trial.spec.id.index, position, ..Self::default() }
    }

    pub(crate) fn add(&mut self, trial: &TrialRecord) {
        if let Some(score) = trial.score() {
            self.completed += 1;
            self.score.add(score);
        }
    }

    pub(crate) fn remove(&mut self, trial: &TrialRecord) {
        if let Some(score) = trial.score() {
            self.completed -= 1;
            self.score.remove(score);
        }
    }

    /// Completed replicates, and their mean score; `None` without one.
    pub(crate) fn mean(&self) -> Option<(u32, f64)> {
        (self.completed > 0).then(|| (self.completed, self.score.mean(self.completed)))
    }

    fn rank(&self, index: ConfigurationIndex) -> Option<Rank> {
        let (completed, score) = self.mean()?;
        Some((Reverse(completed), ScoreKey::of(score), self.position, index))
    }
}

impl Configurations {
    /// The number of a configuration that trials have.
    pub(crate) fn number(&self, rows: Rows<'_>, configuration: &Configuration) -> Option<ConfigurationIndex> {
        let print = fingerprint(configuration);
        let alike =
            self.numbers.range((print, ConfigurationIndex(0))..=(print, ConfigurationIndex(u32::MAX)));
        alike.map(|(_, number)| *number).find(|number| self.get(rows, *number) == Some(configuration))
    }

    /// How many different ones trials have: the number of the next one.
    pub(crate) fn count(&self) -> usize {
        self.sums.len()
    }

    /// A configuration by its number.
    pub(crate) fn get<'t>(&self, rows: Rows<'t>, index: ConfigurationIndex) -> Option<&'t Configuration> {
        rows.configuration(self.sums(index)?.first)
    }

    /// The trials of a configuration, in order.
    pub(crate) fn trials_of(&self, index: ConfigurationIndex) -> impl Iterator<Item = u32> {
        let first = self.sums(index).map(|sums| sums.first);
        let others = self.others.range((index, 0)..=(index, u32::MAX)).map(|(_, trial)| *trial);
        first.into_iter().chain(others)
    }

    /// The sums of a configuration.
    pub(crate) fn sums(&self, index: ConfigurationIndex) -> Option<&Sums> {
        self.sums.get(index.0 as usize)
    }

    /// Where a configuration stands in the grid.
    pub(crate) fn position(&self, index: ConfigurationIndex) -> Option<u64> {
        Some(self.sums(index)?.position)
    }

    /// Configurations with a completed replicate, best first.
    pub(crate) fn ranked(&self) -> impl Iterator<Item = ConfigurationIndex> {
        self.ranking.values().map(|(_, _, _, index)| *index)
    }

    /// A trial is there, as it has become. The first of a configuration comes before its others.
    pub(crate) fn insert(&mut self, spec: Option<&SweepSpec>, trial: &TrialRecord) {
        let (index, number) = (trial.configuration_index, trial.spec.id.index);
        match self.sums(index) {
            Some(sums) if sums.first == number => {}
            Some(_) => _ = self.others.insert((index, number)),
            None => {
                self.numbers.insert((fingerprint(&trial.spec.configuration), index));
                self.sums.resize_with(index.0 as usize, Sums::default);
                self.sums.push(Sums::new(spec, trial));
            }
        }
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
    pub(crate) fn grid_changed(&mut self, rows: Rows<'_>, spec: &SweepSpec) {
        self.ranking = Packed::default();
        for (number, sums) in (0..).map(ConfigurationIndex).zip(&mut self.sums) {
            if let Some(configuration) = rows.configuration(sums.first) {
                sums.position = position(spec, configuration, number);
            }
            self.ranking.extend(sums.rank(number));
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
        let rows = Rows { tables: &self.engine.tables, sweep };
        let known = self.engine.index.sweeps.get(&sweep).map(|index| &index.configurations);
        let number = known.and_then(|known| known.number(rows, &configuration));
        if let Some(found) = number.and_then(|number| Some((known?.get(rows, number)?.clone(), number))) {
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
        let known = self.engine.chosen(sweep);
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

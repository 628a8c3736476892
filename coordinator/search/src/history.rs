//! What a sampler is shown: the trials that were made, and of those that have ended how they did, in the order in which they ended.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use sweep_proto::Configuration;
use sweep_proto::state::TrialState;

/// A trial that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ended {
    /// Its number among those that have ended, from 1.
    pub number: u64,
    /// How.
    pub state: TrialState,
    /// What it is ranked by, lower being better: its score, or that of the epochs it had before it was pruned. `None` where it has
    /// none.
    pub score: Option<f64>,
    /// Epochs that it trained.
    pub epochs: u32,
}

/// What has happened since a copy of a history was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// Further trials, in the order in which they were made: the configuration and the replicate of each.
    pub made: Vec<(Configuration, u32)>,
    /// Further ends, each of the trial of a number, from 0.
    pub ended: Vec<(u32, Ended)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Made {
    configuration: u32,
    replicate: u32,
}

/// A configuration that trials have.
#[derive(Clone, Debug, PartialEq)]
struct Tried {
    configuration: Configuration,
    /// Number of trials that have it.
    trials: u32,
}

/// The trials of a sweep, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    trials: Vec<Made>,
    /// Which trials have ended, by the numbers of their ends.
    ended: BTreeMap<u64, (u32, Ended)>,
    configurations: Vec<Tried>,
    numbers: BTreeMap<Configuration, u32>,
    /// How often each configuration is to be trained.
    replicates: u32,
    /// Configurations that lack some of their replicates, with those that they have.
    lacking: BTreeMap<u32, BTreeSet<u32>>,
}

impl History {
    /// No trial yet; each configuration is to be trained that often.
    pub fn new(replicates: u32) -> Self {
        Self { replicates, ..Self::default() }
    }

    /// Another trial was made; how it ended, where it has.
    pub fn push(&mut self, configuration: Configuration, replicate: u32, ended: Option<Ended>) {
        let number = match self.numbers.get(&configuration) {
            Some(number) => *number,
            None => self.add(configuration),
        };
        if let Some(present) = self.lacking.get_mut(&number) {
            present.insert(replicate);
            if (0..self.replicates).all(|one| present.contains(&one)) {
                self.lacking.remove(&number);
            }
        }
        if let Some(tried) = self.configurations.get_mut(number as usize) {
            tried.trials += 1;
        }
        let trial = self.trials.len() as u32;
        self.trials.push(Made { configuration: number, replicate });
        self.ended.extend(ended.map(|ended| (ended.number, (trial, ended))));
    }

    /// Takes over what has happened.
    pub fn learn(&mut self, news: News) {
        for (configuration, replicate) in news.made {
            self.push(configuration, replicate, None);
        }
        self.ended.extend(news.ended.into_iter().map(|(trial, ended)| (ended.number, (trial, ended))));
    }

    /// Forgets the newest trials, down to that many. None of those may have ended.
    pub(crate) fn forget_from(&mut self, made: u64) {
        while self.made() > made
            && let Some(Made { configuration, replicate }) = self.trials.pop()
        {
            let all = || (0..self.replicates).collect();
            let present = self.lacking.entry(configuration).or_insert_with(all);
            present.remove(&replicate);
            if let Some(tried) = self.configurations.get_mut(configuration as usize) {
                tried.trials -= 1;
            }
            // Without a trial it is the newest configuration.
            if present.is_empty()
                && let Some(newest) = self.configurations.pop()
            {
                self.lacking.remove(&configuration);
                self.numbers.remove(&newest.configuration);
            }
        }
    }

    /// Number of trials that were made.
    pub fn made(&self) -> u64 {
        self.trials.len() as u64
    }

    /// Number of different configurations that trials have.
    pub(crate) fn configurations(&self) -> u64 {
        self.configurations.len() as u64
    }

    /// What is known of it once that many trials have ended.
    pub fn seen(&self, known: u64) -> Seen<'_> {
        Seen { history: self, known }
    }

    fn add(&mut self, configuration: Configuration) -> u32 {
        let number = self.configurations.len() as u32;
        self.numbers.insert(configuration.clone(), number);
        self.configurations.push(Tried { configuration, trials: 0 });
        self.lacking.insert(number, BTreeSet::new());
        number
    }
}

/// A history as it is known at a moment: what ended later still runs.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    history: &'a History,
    known: u64,
}

impl<'a> Seen<'a> {
    /// The trials that have ended, in that order, each with its configuration and replicate.
    pub fn ended(&self) -> impl Iterator<Item = (&'a Configuration, u32, Ended)> + use<'a> {
        let seen = *self;
        self.ended_after(0).filter_map(move |(number, replicate, ended)| {
            Some((seen.configuration(number)?, replicate, ended))
        })
    }

    /// The trials that have ended after the one of that number, in that order, each with the number of its configuration and its
    /// replicate.
    pub(crate) fn ended_after(&self, number: u64) -> impl Iterator<Item = (u32, u32, Ended)> + use<'a> {
        let Self { history, known } = *self;
        let numbers = (Bound::Excluded(number.min(known)), Bound::Included(known));
        history.ended.range(numbers).filter_map(move |(_, (trial, ended))| {
            let Made { configuration, replicate } = history.trials.get(*trial as usize)?;
            Some((*configuration, *replicate, *ended))
        })
    }

    /// The number of the last end that is known.
    pub(crate) fn known(&self) -> u64 {
        self.known
    }

    /// Number of different configurations that trials have.
    pub fn configurations(&self) -> u64 {
        self.history.configurations()
    }

    /// The configuration of a number, from 0, in the order in which trials first had them.
    pub(crate) fn configuration(&self, number: u32) -> Option<&'a Configuration> {
        self.history.configurations.get(number as usize).map(|tried| &tried.configuration)
    }

    /// Number of trials that have the configuration of a number.
    pub(crate) fn trials_of(&self, number: u32) -> u32 {
        self.history.configurations.get(number as usize).map_or(0, |tried| tried.trials)
    }

    /// Whether a trial has this configuration.
    pub fn has(&self, configuration: &Configuration) -> bool {
        self.history.numbers.contains_key(configuration)
    }

    /// The next replicate that is missing of the configuration that was tried first among those that lack some.
    pub fn missing(&self) -> Option<(&'a Configuration, u32)> {
        let (number, present) = self.history.lacking.first_key_value()?;
        let replicate = (0..self.history.replicates).find(|one| !present.contains(one))?;
        Some((self.configuration(*number)?, replicate))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sweep_proto::{Hyperparameter, Value};

    use super::*;

    fn configuration(units: u64) -> Configuration {
        Configuration::default().with(Hyperparameter::Units, Value::Integer(units)).expect("units")
    }

    fn history(trials: &[(u64, u32)], ends: &[usize]) -> History {
        let mut history = History::new(3);
        for (trial, (units, replicate)) in trials.iter().enumerate() {
            let number = ends.iter().position(|end| *end == trial).map(|at| at as u64 + 1);
            let end = |number| Ended {
                number,
                state: TrialState::Completed,
                score: Some(number as f64),
                epochs: 3,
            };
            history.push(configuration(*units), *replicate, number.map(end));
        }
        history
    }

    /// Distinct trials in any order, and some of them in the order in which they ended.
    fn trials() -> impl Strategy<Value = (Vec<(u64, u32)>, Vec<usize>)> {
        let all: Vec<(u64, u32)> =
            (1..6).flat_map(|units| (0..3).map(move |replicate| (units, replicate))).collect();
        let trials = Just(all).prop_shuffle().prop_flat_map(|all| (0..=all.len(), Just(all)));
        let trials = trials.prop_map(|(count, all)| all[..count].to_vec());
        trials.prop_flat_map(|trials| {
            let ends = Just((0..trials.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(trials), ends)
        })
    }

    proptest! {
        #[test]
        fn what_was_forgotten_leaves_no_trace((trials, _) in trials(), kept in 0_usize..15) {
            let kept = kept.min(trials.len());
            let mut forgetful = history(&trials, &[]);
            forgetful.forget_from(kept as u64);
            prop_assert_eq!(forgetful, history(&trials[..kept], &[]));
        }

        #[test]
        fn a_copy_that_learns_what_happened_is_the_history((trials, ends) in trials(), cuts in [0_usize..15, 0_usize..15]) {
            let [made, ended] = [cuts[0].min(trials.len()), cuts[1].min(ends.len())];
            let before: Vec<usize> = ends[..ended].iter().copied().filter(|trial| *trial < made).collect();
            // Ends are numbered as they come: what had ended before comes first.
            let after: Vec<usize> = ends.iter().copied().filter(|trial| !before.contains(trial)).collect();
            let all: Vec<usize> = before.iter().chain(&after).copied().collect();
            let mut copy = history(&trials[..made], &before);
            let whole = history(&trials, &all);
            let news = News {
                made: trials[made..].iter().map(|(units, replicate)| (configuration(*units), *replicate)).collect(),
                ended: whole.ended.range(before.len() as u64 + 1..).map(|(_, end)| *end).collect(),
            };
            copy.learn(news);
            prop_assert_eq!(&copy, &whole);
            let known = all.len() as u64 / 2;
            let seen: Vec<_> = copy.seen(known).ended().map(|(one, replicate, end)| (one.units(), replicate, end.number)).collect();
            let expected: Vec<_> = (1..=known).map(|number| {
                let (units, replicate) = trials[all[number as usize - 1]];
                (units, replicate, number)
            }).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}

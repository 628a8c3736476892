//! What a sampler is shown: the trials that were made, and of those that have ended how they did, in the order in which they ended.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::Configuration;
use sweep_proto::state::TrialState;

/// A trial that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ended {
    /// Its number among those that have ended, from 1.
    pub number: u64,
    /// How.
    pub state: TrialState,
    /// The lowest validation loss of its epochs; `None` where it left no result.
    pub score: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
struct Made {
    configuration: usize,
    replicate: u32,
    ended: Option<Ended>,
}

/// The trials of a sweep, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    trials: Vec<Made>,
    configurations: Vec<(Configuration, BTreeSet<u32>)>,
    numbers: BTreeMap<Configuration, usize>,
    /// How often each configuration is to be trained.
    replicates: u32,
    /// Configurations that lack some of their replicates.
    lacking: BTreeSet<usize>,
}

impl History {
    /// No trial yet; each configuration is to be trained that often.
    pub fn new(replicates: u32) -> Self {
        Self { replicates, ..Self::default() }
    }

    /// Another trial was made; how it ended, where it has.
    pub fn push(&mut self, configuration: Configuration, replicate: u32, ended: Option<Ended>) {
        let known = self.numbers.get(&configuration).copied();
        let number = known.unwrap_or(self.configurations.len());
        if known.is_none() {
            self.numbers.insert(configuration.clone(), number);
            self.configurations.push((configuration, BTreeSet::new()));
        }
        if let Some((_, replicates)) = self.configurations.get_mut(number) {
            replicates.insert(replicate);
            if (0..self.replicates).all(|one| replicates.contains(&one)) {
                self.lacking.remove(&number);
            } else {
                self.lacking.insert(number);
            }
        }
        self.trials.push(Made { configuration: number, replicate, ended });
    }

    /// Number of trials that were made.
    pub fn made(&self) -> u64 {
        self.trials.len() as u64
    }

    /// What is known of it once that many trials have ended.
    pub fn seen(&self, known: u64) -> Seen<'_> {
        Seen { history: self, known }
    }
}

/// A history as it is known at a moment: what ended later still runs.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    history: &'a History,
    known: u64,
}

/// A trial as it is known.
#[derive(Clone, Copy, Debug)]
pub struct SeenTrial<'a> {
    /// Its configuration.
    pub configuration: &'a Configuration,
    /// Its replicate.
    pub replicate: u32,
    /// How it ended; `None` while it waits or runs.
    pub ended: Option<Ended>,
}

impl<'a> Seen<'a> {
    /// All trials, in the order in which they were made.
    pub fn trials(&self) -> impl Iterator<Item = SeenTrial<'a>> + use<'a> {
        let Self { history, known } = *self;
        history.trials.iter().filter_map(move |trial| {
            let (configuration, _) = history.configurations.get(trial.configuration)?;
            let ended = trial.ended.filter(|ended| ended.number <= known);
            Some(SeenTrial { configuration, replicate: trial.replicate, ended })
        })
    }

    /// Number of different configurations that trials have.
    pub fn configurations(&self) -> u64 {
        self.history.configurations.len() as u64
    }

    /// Whether a trial has this configuration.
    pub fn has(&self, configuration: &Configuration) -> bool {
        self.history.numbers.contains_key(configuration)
    }

    /// The next replicate that is missing of the configuration that was tried first among those that lack some.
    pub fn missing(&self) -> Option<(&'a Configuration, u32)> {
        let (configuration, present) = self.history.configurations.get(*self.history.lacking.first()?)?;
        let replicate = (0..self.history.replicates).find(|one| !present.contains(one))?;
        Some((configuration, replicate))
    }
}

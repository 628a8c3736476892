//! Which configuration is best, so far and in the end: means over completed replicates, and the choice among them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use sweep_proto::{Configuration, SweepSpec};

use crate::record::TrialRecord;

/// A configuration's mean over its completed replicates.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigurationMean {
    /// The configuration.
    pub configuration: Configuration,
    /// Its position in the grid.
    pub position: u64,
    /// Completed replicates.
    pub completed: u32,
    /// Mean validation loss at the best epoch, in nats.
    pub score: f64,
    /// Mean validation accuracy at the best epoch, a fraction.
    pub accuracy: f64,
}

/// The means of all configurations with a completed replicate, best first: those covered by the most
/// replicates before those covered by fewer, then by score, then by grid order.
///
/// A configuration some of whose replicates failed is measured on fewer seeds: its mean is a luckier
/// draw and not paired with the others', so it never beats a fully covered one.
pub fn means<'a>(spec: &SweepSpec, trials: impl Iterator<Item = &'a TrialRecord>) -> Vec<ConfigurationMean> {
    let mut groups: BTreeMap<u64, ConfigurationMean> = BTreeMap::new();
    for trial in trials {
        let (Some(result), Some(position)) = (&trial.result, spec.position(&trial.spec.configuration)) else {
            continue;
        };
        let group = groups.entry(position).or_insert_with(|| ConfigurationMean {
            configuration: trial.spec.configuration.clone(),
            position,
            completed: 0,
            score: 0.0,
            accuracy: 0.0,
        });
        group.completed += 1;
        group.score += result.score;
        group.accuracy += result.accuracy;
    }
    let mut means: Vec<_> = groups.into_values().collect();
    for mean in &mut means {
        mean.score /= f64::from(mean.completed);
        mean.accuracy /= f64::from(mean.completed);
    }
    means.sort_by(|left, right| left.merit().better_first(right.merit()));
    means
}

impl ConfigurationMean {
    fn merit(&self) -> Merit {
        Merit { completed: self.completed, score: self.score, position: self.position }
    }
}

/// What the order of configurations depends on.
#[derive(Clone, Copy, Debug)]
pub struct Merit {
    /// Completed replicates.
    pub completed: u32,
    /// Mean score over them, in nats.
    pub score: f64,
    /// Position in the grid.
    pub position: u64,
}

impl Merit {
    /// The order of the choice, as [`means`] says it.
    pub fn better_first(self, other: Self) -> Ordering {
        let by_cover = other.completed.cmp(&self.completed);
        by_cover.then(self.score.total_cmp(&other.score)).then(self.position.cmp(&other.position))
    }
}

/// The configuration with the lowest mean score among those with the most completed replicates;
/// `None` where nothing completed.
pub fn chosen<'a>(spec: &SweepSpec, trials: impl Iterator<Item = &'a TrialRecord>) -> Option<Configuration> {
    means(spec, trials).into_iter().next().map(|best| best.configuration)
}

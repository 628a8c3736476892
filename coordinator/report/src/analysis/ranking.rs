//! Configurations in the order in which the coordinator chooses among them, and the extremes.

use std::collections::BTreeMap;

use coordinator_core::choice::Merit;
use sweep_proto::SweepSpec;

use super::balanced::Balanced;
use super::best::probabilities_of_best;
use super::bootstrap::shares_of_best;
use super::noise::Noise;
use super::statistics::summary;
use crate::model::{Interval, RankedConfiguration, Summary, Values};
use crate::table::{Outcome, Table, TrialRow, mean};

/// A configuration with at least one completed trial.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// Index in [`Table::configurations`].
    pub configuration: usize,
    /// Its completed trials, by replicate.
    pub trials: BTreeMap<u32, (&'a TrialRow, Outcome)>,
    /// Replicates that the sweep planned for it.
    pub replicates_planned: u32,
    /// Its score.
    pub loss: Summary,
    /// Its accuracy.
    pub accuracy: Summary,
}

/// Best first, in the order of [`coordinator_core::choice::means`]: those covered by the most replicates
/// before those covered by fewer, then by mean score, then in the order of the grid.
pub fn standings<'a>(table: &'a Table, spec: &SweepSpec) -> Vec<Standing<'a>> {
    let mut trials: BTreeMap<usize, BTreeMap<u32, (&TrialRow, Outcome)>> = BTreeMap::new();
    for (trial, outcome) in table.completed() {
        trials.entry(trial.configuration).or_default().insert(trial.replicate, (trial, outcome));
    }
    let mut standings: Vec<_> = trials
        .into_iter()
        .filter_map(|(configuration, trials)| {
            let numbers = |of: fn(&Outcome) -> f64| -> Vec<f64> {
                trials.values().map(|(_, outcome)| of(outcome)).collect()
            };
            let loss = summary(&numbers(|outcome| outcome.score))?;
            let accuracy = summary(&numbers(|outcome| outcome.accuracy))?;
            Some(Standing { configuration, loss, accuracy, replicates_planned: spec.replicates, trials })
        })
        .collect();
    // The table numbers configurations as they first appear, which an extended grid does not follow.
    let position = |standing: &Standing<'_>| {
        table.configurations.get(standing.configuration).and_then(|one| spec.position(one))
    };
    let merit = |standing: &Standing<'_>| Merit {
        completed: standing.trials.len() as u32,
        score: standing.loss.mean,
        position: position(standing).unwrap_or(u64::MAX),
    };
    standings.sort_by(|left, right| merit(left).better_first(merit(right)));
    standings
}

/// The best and the worst configuration; `None` below two.
///
/// The worst is the one with the highest mean score among those covered like the best, because means over
/// other seeds are not comparable; only where nothing else is covered like the best it is the last of all.
pub fn extremes<'s, 'a>(standings: &'s [Standing<'a>]) -> Option<(&'s Standing<'a>, &'s Standing<'a>)> {
    let [best, others @ ..] = standings else { return None };
    let covered_alike = others.iter().rev().find(|one| one.trials.len() == best.trials.len());
    Some((best, covered_alike.or(others.last())?))
}

/// What is known of the configurations that are covered like the first.
#[derive(Clone, Debug, Default)]
pub struct Contest {
    /// The interval of each expected loss and the probability of being the best, by configuration.
    chances: BTreeMap<usize, Chance>,
    /// The seed noise of the accuracies and of the losses; `None` below two configurations or replicates.
    pub noise: Option<[Noise; 2]>,
}

/// Of one configuration.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    /// Of its expected loss.
    pub interval: Option<Interval>,
    /// Of being the best.
    pub probability: f64,
    /// The share of drawn sweeps in which it is the best; `None` where few replicates say nothing of that.
    pub bootstrap_share: Option<f64>,
}

impl Contest {
    /// Among the configurations that completed the very replicates of the first.
    pub fn of(standings: &[Standing<'_>]) -> Self {
        let Some(alike) = Balanced::like_first(standings) else { return Self::default() };
        let (Some(noise), Some(of_accuracies)) = (Noise::of(&alike.scores), Noise::of(&alike.accuracies))
        else {
            return Self::default();
        };
        let means = alike.configuration_means();
        let probabilities = probabilities_of_best(&means, &noise);
        let bootstrap_shares = shares_of_best(&alike);
        let chance = |at: usize| Chance {
            interval: interval_of_loss(means[at], &noise),
            probability: probabilities[at],
            bootstrap_share: bootstrap_shares.as_ref().map(|shares| shares[at]),
        };
        let chances =
            alike.configurations.iter().enumerate().map(|(at, configuration)| (*configuration, chance(at)));
        Self { chances: chances.collect(), noise: Some([noise, of_accuracies]) }
    }

    /// Of one configuration; `None` where it is not covered like the first.
    pub fn chance(&self, configuration: usize) -> Option<Chance> {
        self.chances.get(&configuration).copied()
    }
}

/// The interval of the expected loss of the first; `None` below two configurations that are covered alike, or below
/// two replicates.
pub fn interval_of_first(standings: &[Standing<'_>]) -> Option<Interval> {
    let alike = Balanced::like_first(standings)?;
    let loss = *alike.configuration_means().first()?;
    interval_of_loss(loss, &Noise::of(&alike.scores)?)
}

/// Of a configuration's mean loss.
fn interval_of_loss(loss: f64, noise: &Noise) -> Option<Interval> {
    noise.interval_of_part(loss, noise.configurations).map(Interval::of_losses)
}

/// The ranking as it stands in the model.
pub fn ranking(table: &Table, standings: &[Standing<'_>], contest: &Contest) -> Vec<RankedConfiguration> {
    standings
        .iter()
        .enumerate()
        .map(|(position, standing)| {
            let chance = contest.chance(standing.configuration);
            RankedConfiguration {
                rank: position as u32 + 1,
                label: table.label(standing.configuration),
                values: swept_values(table, standing.configuration),
                validation_loss: standing.loss,
                validation_loss_interval: chance.and_then(|chance| chance.interval),
                probability_best: chance.map(|chance| chance.probability),
                bootstrap_share_best: chance.and_then(|chance| chance.bootstrap_share),
                validation_accuracy: standing.accuracy,
                replicates_planned: standing.replicates_planned,
                parameters: parameters(standing),
                best_epoch: mean(standing.trials.values().map(|(_, one)| f64::from(one.best_epoch)))
                    .unwrap_or_default(),
                test_accuracy: mean(
                    standing
                        .trials
                        .values()
                        .filter_map(|(trial, _)| trial.test.as_ref())
                        .map(|test| test.accuracy),
                ),
            }
        })
        .collect()
}

/// Trained numbers of a configuration's model: the same in every replicate.
pub fn parameters(standing: &Standing<'_>) -> u64 {
    standing.trials.values().map(|(_, outcome)| outcome.parameters).max().unwrap_or_default()
}

fn swept_values(table: &Table, configuration: usize) -> Values {
    let Some(configuration) = table.configurations.get(configuration) else { return Values::new() };
    table.swept.iter().map(|one| (*one, configuration.get(*one).clone())).collect()
}

//! Configurations in the order in which the coordinator chooses among them, and the extremes.

use std::collections::BTreeMap;

use coordinator_core::choice::Merit;
use sweep_proto::SweepSpec;

use super::contest::Contest;
use crate::model::{RankedConfiguration, Summary, Values};
use crate::table::{Table, TrialOutcome, TrialRow};
use coordinator_statistics::means::mean;
use coordinator_statistics::summary::summary;

/// A configuration with at least one completed trial: it takes part in the choice.
#[derive(Clone, Debug)]
pub struct Contender<'a> {
    /// Index in [`Table::configurations`].
    pub configuration: usize,
    /// Its completed trials, by replicate.
    pub trials: BTreeMap<u32, (&'a TrialRow, TrialOutcome)>,
    /// Replicates that the sweep planned for it.
    pub replicates_planned: u32,
    /// Its score.
    pub loss: Summary,
    /// Its accuracy.
    pub accuracy: Summary,
}

/// Best first, in the order of [`coordinator_core::choice::means`]: those covered by the most replicates
/// before those covered by fewer, then by mean score, then in the order of the grid.
pub fn contenders<'a>(table: &'a Table, spec: &SweepSpec) -> Vec<Contender<'a>> {
    let mut trials: BTreeMap<usize, BTreeMap<u32, (&TrialRow, TrialOutcome)>> = BTreeMap::new();
    for (trial, outcome) in table.completed() {
        trials.entry(trial.configuration).or_default().insert(trial.replicate, (trial, outcome));
    }
    let mut contenders: Vec<_> = trials
        .into_iter()
        .filter_map(|(configuration, trials)| {
            let numbers = |of: fn(&TrialOutcome) -> f64| -> Vec<f64> {
                trials.values().map(|(_, outcome)| of(outcome)).collect()
            };
            let loss = summary(&numbers(|outcome| outcome.score))?;
            let accuracy = summary(&numbers(|outcome| outcome.accuracy))?;
            Some(Contender { configuration, loss, accuracy, replicates_planned: spec.replicates, trials })
        })
        .collect();
    // The table numbers configurations as they first appear, which an extended grid does not follow.
    let position = |contender: &Contender<'_>| {
        table.configurations.get(contender.configuration).and_then(|one| spec.position(one))
    };
    let merit = |contender: &Contender<'_>| Merit {
        completed: contender.trials.len() as u32,
        score: contender.loss.mean,
        position: position(contender).unwrap_or(u64::MAX),
    };
    contenders.sort_by(|left, right| merit(left).better_first(merit(right)));
    contenders
}

/// The best and the worst configuration; `None` below two.
///
/// The worst is the one with the highest mean score among those covered like the best, because means over
/// other seeds are not comparable; only where nothing else is covered like the best it is the last of all.
pub fn extremes<'s, 'a>(contenders: &'s [Contender<'a>]) -> Option<(&'s Contender<'a>, &'s Contender<'a>)> {
    let [best, others @ ..] = contenders else { return None };
    let covered_alike = others.iter().rev().find(|one| one.trials.len() == best.trials.len());
    Some((best, covered_alike.or(others.last())?))
}

/// The ranking as it stands in the model.
pub fn ranking(table: &Table, contenders: &[Contender<'_>], contest: &Contest) -> Vec<RankedConfiguration> {
    contenders
        .iter()
        .enumerate()
        .map(|(position, contender)| {
            let chance = contest.chance(contender.configuration);
            RankedConfiguration {
                rank: position as u32 + 1,
                label: table.label(contender.configuration),
                values: swept_values(table, contender.configuration),
                validation_loss: contender.loss,
                is_covered_like_first: contenders
                    .first()
                    .is_some_and(|first| first.trials.keys().eq(contender.trials.keys())),
                validation_loss_interval: contest.interval_of_loss(contender.configuration, &contender.loss),
                probability_best: chance.map(|chance| chance.probability),
                bootstrap_share_best: chance.and_then(|chance| chance.bootstrap_share),
                validation_accuracy: contender.accuracy,
                replicates_planned: contender.replicates_planned,
                parameters: parameters(contender),
                best_epoch: mean(contender.trials.values().map(|(_, one)| f64::from(one.best_epoch)))
                    .unwrap_or_default(),
                test_accuracy: mean(
                    contender
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
pub fn parameters(contender: &Contender<'_>) -> u64 {
    contender.trials.values().map(|(_, outcome)| outcome.parameters).max().unwrap_or_default()
}

/// The swept values of a configuration.
pub(super) fn swept_values(table: &Table, configuration: usize) -> Values {
    let Some(configuration) = table.configurations.get(configuration) else { return Values::new() };
    table.swept.iter().map(|one| (*one, configuration.get(*one))).collect()
}

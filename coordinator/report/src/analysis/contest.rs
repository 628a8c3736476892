//! What is known of the configurations that are covered like the first: intervals, who may be the best, how far any two differ.

use std::collections::BTreeMap;

use sweep_proto::SweepSpec;

use super::balanced::Balanced;
use super::ranking::Contender;
use crate::model::{BestBy, Interval, Summary};
use crate::table::Table;
use coordinator_statistics::best::{Drawn, drawn, probabilities_of_best};
use coordinator_statistics::bootstrap::shares_of_best;
use coordinator_statistics::noise::Noise;
use coordinator_statistics::strata::{INTERVAL_REPLICATES_MIN, Strata};
use coordinator_statistics::summary::interval_of_mean;

/// Among the configurations that completed the very replicates of the first.
#[derive(Clone, Debug, Default)]
pub struct Contest {
    /// By configuration.
    chances: BTreeMap<usize, Chance>,
    losses: Spread,
    accuracies: Spread,
    /// Whose covariance it is.
    pub by: Option<BestBy>,
}

/// Of one configuration.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    /// Of being the best.
    pub probability: f64,
    /// The share of drawn sweeps in which it is the best; `None` where few replicates say nothing of that.
    pub bootstrap_share: Option<f64>,
}

/// How far seed noise reaches.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    /// Of a configuration's mean; `None` where it is not known from the others.
    mean: Option<f64>,
    /// Of the difference of any two.
    any_difference: Option<f64>,
}

impl Contest {
    /// Of a ranking.
    pub fn of(contenders: &[Contender<'_>], table: &Table, spec: &SweepSpec) -> Self {
        let Some(alike) = Balanced::like_first(contenders).filter(|alike| alike.replicates.len() > 1) else {
            return Self::default();
        };
        let means = alike.configuration_means();
        let is_full = spec.is_whole_grid() && spec.grid_size() == Some(alike.configurations.len() as u64);
        let strata_of =
            |numbers: &[Vec<f64>]| alike.strata(numbers, table, spec).filter(|_| is_full && means.len() > 1);
        let of_losses = strata_of(&alike.scores);
        let from_strata = of_losses.as_ref().and_then(|strata| drawn(&means, strata));
        let Some(noise) = Noise::of(&alike.scores) else { return Self::default() };
        let of_accuracies = || Spread::of(&alike.accuracies, strata_of(&alike.accuracies).as_ref(), None);
        let probabilities = from_strata.as_ref().map_or_else(
            || probabilities_of_best(&means, noise.standard_error(), noise.least_degrees_of_freedom()),
            |drawn| drawn.probabilities.clone(),
        );
        let shares = shares_of_best(&alike.scores);
        let chance = |at: usize| Chance {
            probability: probabilities[at],
            bootstrap_share: shares.as_ref().map(|shares| shares[at]),
        };
        Self {
            chances: alike.configurations.iter().enumerate().map(|(at, one)| (*one, chance(at))).collect(),
            by: Some(if from_strata.is_some() { BestBy::Strata } else { BestBy::Residual }),
            losses: Spread::of(&alike.scores, of_losses.as_ref(), from_strata.as_ref()),
            accuracies: of_accuracies(),
        }
    }

    /// Of one configuration; `None` where it is not covered like the first.
    pub fn chance(&self, configuration: usize) -> Option<Chance> {
        self.chances.get(&configuration).copied()
    }

    /// The interval of a configuration's expected loss.
    pub fn interval_of_loss(&self, configuration: usize, loss: &Summary) -> Option<Interval> {
        self.interval(configuration, loss, self.losses).map(Interval::of_losses)
    }

    /// The interval of a configuration's expected accuracy.
    pub fn interval_of_accuracy(&self, configuration: usize, accuracy: &Summary) -> Option<Interval> {
        self.interval(configuration, accuracy, self.accuracies).map(Interval::of_shares)
    }

    /// From the strata, else from the configuration's own replicates.
    fn interval(&self, configuration: usize, summary: &Summary, spread: Spread) -> Option<Interval> {
        match spread.mean.filter(|_| self.chances.contains_key(&configuration)) {
            Some(reach) => Some(Interval::around(summary.mean, reach)),
            None => interval_of_mean(summary),
        }
    }

    /// The interval of the difference of two configurations' losses, whichever two they are.
    pub fn interval_of_gap(&self, difference: f64) -> Option<Interval> {
        self.losses.any_difference.map(|reach| Interval::around(difference, reach))
    }

    /// The same of their accuracies.
    pub fn interval_of_accuracy_gap(&self, difference: f64) -> Option<Interval> {
        self.accuracies.any_difference.map(|reach| Interval::around(difference, reach))
    }
}

impl Spread {
    /// Without strata, only the difference of any two is known from all together.
    fn of(numbers: &[Vec<f64>], strata: Option<&Strata>, known: Option<&Drawn>) -> Self {
        let replicates = numbers.first().map_or(0, Vec::len);
        if replicates < INTERVAL_REPLICATES_MIN {
            return Self::default();
        }
        let from_residual = || Noise::of(numbers).and_then(|noise| noise.range());
        let Some(strata) = strata else {
            return Self { mean: None, any_difference: from_residual() };
        };
        let range = known.map(|known| known.range).or_else(|| {
            // The range does not depend on the means.
            drawn(&vec![0.0; numbers.len()], strata).map(|drawn| drawn.range)
        });
        Self {
            mean: strata.mean_of_configuration().map(|estimate| estimate.reach()),
            any_difference: range.or_else(from_residual),
        }
    }
}

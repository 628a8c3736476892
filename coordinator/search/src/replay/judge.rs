//! Judges what searches have named, by scores that they have never seen.

use super::play::Trace;

/// What is known of configurations without having searched.
#[derive(Clone, Debug, PartialEq)]
pub struct Judge {
    /// Expected score of each configuration.
    truth: Vec<f64>,
    best: f64,
    /// Configurations are tied with the best one up to this difference of the logarithms of their scores.
    tied: f64,
}

/// How good a search was.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Epochs from which on the named configuration was within 1 % of the best one, to the end; `None` where it was not at the end.
    pub held: Option<u64>,
    /// At each share of the epochs that was asked for: by which part the named configuration's score was above the lowest.
    pub regrets: Vec<Option<f64>>,
    /// The same: whether the whole grid could not have told it from the best one.
    pub tied: Vec<bool>,
}

impl Judge {
    /// Judges by these scores. The grid has that many replicates, each with the seed noise `deviation` in the logarithm of its score.
    pub fn new(truth: Vec<f64>, deviation: f64, replicates: usize) -> Self {
        let best = truth.iter().copied().fold(f64::INFINITY, f64::min);
        // Half the width of a 95 % interval of the difference of two means.
        let tied = 1.96 * deviation * (2.0 / replicates as f64).sqrt();
        Self { truth, best, tied }
    }

    /// By which part the score of a configuration is above the lowest.
    pub fn regret(&self, configuration: usize) -> f64 {
        self.truth.get(configuration).map_or(f64::INFINITY, |truth| truth / self.best - 1.0)
    }

    /// Whether no configuration is better than this one by more than a margin between the logarithms of their scores.
    pub fn is_within(&self, configuration: usize, margin: f64) -> bool {
        libm::log1p(self.regret(configuration)) <= margin
    }

    /// Whether the whole grid could not tell it from the best one.
    pub fn is_tied(&self, configuration: usize) -> bool {
        self.is_within(configuration, self.tied)
    }

    /// Judges a search; `all_epochs` are those of the grid, of which `shares` are looked at.
    pub fn judge(&self, trace: &Trace, all_epochs: u64, shares: &[f64]) -> Judgement {
        let mut held = None;
        for (epochs, configuration) in &trace.named {
            let is_good = self.regret(*configuration) <= 0.01;
            held = if is_good { held.or(Some(*epochs)) } else { None };
        }
        let named = |share: &f64| trace.named_after((share * all_epochs as f64) as u64);
        let named: Vec<Option<usize>> = shares.iter().map(named).collect();
        Judgement {
            held,
            regrets: named.iter().map(|one| one.map(|one| self.regret(one))).collect(),
            tied: named.iter().map(|one| one.is_some_and(|one| self.is_tied(one))).collect(),
        }
    }
}

//! Judges what searches have named, best by scores that they have never seen.

use super::play::Trace;

/// A configuration whose score is above the lowest by at most this part is as good as found.
const NEAR: f64 = 0.01;

/// What is known of configurations without having searched.
#[derive(Clone, Debug, PartialEq)]
pub struct Judge {
    /// Expected score of each configuration.
    truth: Vec<f64>,
    best: f64,
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

/// The least difference of the means of two configurations over that many paired replicates that is no chance, where `deviation` is what
/// the noise of one of them is without what replicates share, and `critical` the critical value of the test.
pub fn least_difference(deviation: f64, replicates: usize, critical: f64) -> f64 {
    critical * deviation * (2.0 / replicates as f64).sqrt()
}

impl Judge {
    /// Judges by these scores, infinite where nothing is known. Configurations are tied with the best one up to a difference of `tied`
    /// between the logarithms of their scores.
    pub fn new(truth: Vec<f64>, tied: f64) -> Self {
        let best = truth.iter().copied().fold(f64::INFINITY, f64::min);
        Self { truth, best, tied }
    }

    /// The expected score of a configuration; infinite where it is not known.
    pub fn score(&self, configuration: usize) -> f64 {
        self.truth.get(configuration).copied().unwrap_or(f64::INFINITY)
    }

    /// The configuration of the lowest score; the first of equal ones.
    pub fn best(&self) -> Option<usize> {
        self.truth.iter().position(|score| *score == self.best && score.is_finite())
    }

    /// Up to which difference of the logarithms of their scores configurations are tied.
    pub fn tied_margin(&self) -> f64 {
        self.tied
    }

    /// By which part the score of a configuration is above the lowest.
    pub fn regret(&self, configuration: usize) -> f64 {
        self.score(configuration) / self.best - 1.0
    }

    /// Whether no configuration is better than this one by more than a margin between the logarithms of their scores.
    pub fn is_within(&self, configuration: usize, margin: f64) -> bool {
        libm::log1p(self.regret(configuration)) <= margin
    }

    /// Whether the whole grid could not tell it from the best one.
    pub fn is_tied(&self, configuration: usize) -> bool {
        self.is_within(configuration, self.tied)
    }

    /// Epochs from which on what a search named was good, to the end; `None` where it was not at the end.
    pub fn held(trace: &Trace, is_good: impl Fn(usize) -> bool) -> Option<u64> {
        trace.named.iter().fold(
            None,
            |held, (epochs, configuration)| {
                if is_good(*configuration) { held.or(Some(*epochs)) } else { None }
            },
        )
    }

    /// Judges a search; `all_epochs` are those of the grid, of which `shares` are looked at.
    pub fn judge(&self, trace: &Trace, all_epochs: u64, shares: &[f64]) -> Judgement {
        let named = |share: &f64| trace.named_after((share * all_epochs as f64) as u64);
        let named: Vec<Option<usize>> = shares.iter().map(named).collect();
        Judgement {
            held: Self::held(trace, |one| self.regret(one) <= NEAR),
            regrets: named.iter().map(|one| one.map(|one| self.regret(one))).collect(),
            tied: named.iter().map(|one| one.is_some_and(|one| self.is_tied(one))).collect(),
        }
    }
}

//! Which axes decide whether a trial is among the best: for any trials, balanced or not.
//!
//! PED-ANOVA: the Pearson divergence between the levels of the best tenth of the trials and those of all; Watanabe,
//! Bansal and Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces", IJCAI 2023,
//! with levels as categories and the smoothing of Optuna's implementation. Intervals are percentiles over sweeps that
//! are drawn from the trials with replacement; Efron and Tibshirani, *An Introduction to the Bootstrap*, chapter 13.

use sweep_random::Stream;

use crate::coded::CodedTrials;
use crate::interval::Interval;
use crate::summary::percentiles;

/// The share of trials that count as the best.
const BEST_SHARE: f64 = 0.1;
/// Drawn sweeps.
const DRAWS: usize = 400;
/// Trials that are drawn in all: fewer sweeps where each has very many.
const DRAWN_MAX: usize = 4_000_000;
/// Drawn sweeps below which percentiles at 2.5 % say nothing.
const DRAWS_MIN: usize = 40;

/// What each axis has to do with being among the best.
#[derive(Clone, Debug, PartialEq)]
pub struct PedAnova {
    /// Trials that count as the best.
    pub best_trials: u32,
    /// Each axis' share of the divergence, with its interval where enough sweeps could be drawn; the shares add up to 1.
    pub shares: Vec<(f64, Option<Interval>)>,
}

/// Of trials of which there is at least one, along at least one axis.
pub fn ped_anova(trials: &CodedTrials) -> PedAnova {
    let all: Vec<usize> = (0..trials.scores.len()).collect();
    let (best_trials, shares) = shares_of(trials, &all);
    let drawn = drawn(trials);
    let interval = |at: usize| percentiles(drawn.iter().map(|shares| shares[at]).collect());
    PedAnova {
        best_trials: best_trials as u32,
        shares: shares.into_iter().enumerate().map(|(at, share)| (share, interval(at))).collect(),
    }
}

/// The number of best trials among the chosen ones, and each axis' share of the divergence.
fn shares_of(trials: &CodedTrials, chosen: &[usize]) -> (usize, Vec<f64>) {
    let mut scores: Vec<f64> = chosen.iter().map(|at| trials.scores[*at]).collect();
    let cut = (BEST_SHARE * scores.len() as f64).ceil().max(1.0) as usize - 1;
    let cut = *scores.select_nth_unstable_by(cut, f64::total_cmp).1;
    let best: Vec<usize> = chosen.iter().copied().filter(|at| trials.scores[*at] <= cut).collect();
    let divergences: Vec<f64> = trials
        .levels
        .iter()
        .zip(&trials.counts)
        .map(|(levels, count)| {
            divergence(&smoothed(levels, &best, *count), &smoothed(levels, chosen, *count))
        })
        .collect();
    let sum: f64 = divergences.iter().sum();
    let equal = 1.0 / divergences.len() as f64;
    let shares = divergences.iter().map(|one| if sum > 0.0 { one / sum } else { equal }).collect();
    (best.len(), shares)
}

/// The shares of sweeps drawn from the trials with replacement: the same ones for every report.
fn drawn(trials: &CodedTrials) -> Vec<Vec<f64>> {
    let count = trials.scores.len();
    let draws = DRAWS.min(DRAWN_MAX / count);
    let mut random = Stream::of_analysis(0);
    (0..if draws < DRAWS_MIN { 0 } else { draws })
        .map(|_| {
            let chosen: Vec<usize> = (0..count).map(|_| random.place(count)).collect();
            shares_of(trials, &chosen).1
        })
        .collect()
}

/// The probability of each level among some trials: a mixture of one kernel for each level seen and a uniform one.
fn smoothed(levels: &[usize], chosen: &[usize], count: usize) -> Vec<f64> {
    let mut seen = vec![0.0; count];
    chosen.iter().for_each(|at| seen[levels[*at]] += 1.0);
    let trials = chosen.len() as f64;
    let kernels = seen.iter().filter(|seen| **seen > 0.0).count() as f64 + 1.0;
    let levels = count as f64;
    seen.iter()
        .map(|seen| ((trials / kernels + seen) / (1.0 + levels / kernels) + 1.0 / levels) / (trials + 1.0))
        .collect()
}

/// The Pearson divergence of one distribution from another.
fn divergence(best: &[f64], all: &[f64]) -> f64 {
    best.iter().zip(all).map(|(best, all)| all * (best / all - 1.0).powi(2)).sum()
}

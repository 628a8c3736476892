//! Which hyperparameters decide whether a trial is among the best: for any sweep, balanced or not.
//!
//! PED-ANOVA: the Pearson divergence between the levels of the best tenth of the trials and those of all; Watanabe,
//! Bansal and Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces", IJCAI 2023,
//! with levels as categories and the smoothing of Optuna's implementation. Intervals are percentiles over sweeps that
//! are drawn from the trials with replacement; Efron and Tibshirani, *An Introduction to the Bootstrap*, chapter 13.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sweep_proto::{Axis, SweepSpec};

use super::coded::CodedTrials;
use super::drawn::below;
use super::fanova::fanova;
use crate::model::{HyperparameterImportance, Importance, Interval, MainEffects};
use crate::table::Table;

/// The share of trials that count as the best.
const BEST_SHARE: f64 = 0.1;
/// Trials below which a tenth of them says nothing.
const TRIALS_MIN: usize = 20;
/// Drawn sweeps.
const DRAWS: usize = 400;
/// Trials that are drawn in all: fewer sweeps where each has very many.
const DRAWN_MAX: usize = 4_000_000;
/// Drawn sweeps below which percentiles at 2.5 % say nothing.
const DRAWS_MIN: usize = 40;

/// The importance of each swept hyperparameter; `None` below two of them or twenty results.
pub fn importance(table: &Table, spec: &SweepSpec, effects: &MainEffects) -> Option<Importance> {
    let axes: Vec<&Axis> = spec.swept_axes().collect();
    let trials = CodedTrials::of(table, &axes);
    if axes.len() < 2 || trials.scores.len() < TRIALS_MIN {
        return None;
    }
    let all: Vec<usize> = (0..trials.scores.len()).collect();
    let (best_trials, shares) = trials.shares(&all);
    let drawn = trials.drawn();
    let share_of = |axis: &Axis| {
        let factor = effects.factors.iter().find(|factor| factor.hyperparameter == axis.hyperparameter);
        factor.and_then(|factor| factor.share)
    };
    let hyperparameters: Vec<_> = axes
        .iter()
        .enumerate()
        .map(|(at, axis)| HyperparameterImportance {
            hyperparameter: axis.hyperparameter,
            share: shares[at],
            interval: percentiles(drawn.iter().map(|shares| shares[at]).collect()),
            eta_squared: share_of(axis),
        })
        .collect();
    Some(Importance {
        trials: all.len() as u32,
        best_trials: best_trials as u32,
        hyperparameters,
        fanova: fanova(&trials, &axes),
    })
}

impl CodedTrials {
    /// The number of best trials among the chosen ones, and each axis' share of the divergence.
    fn shares(&self, chosen: &[usize]) -> (usize, Vec<f64>) {
        let mut scores: Vec<f64> = chosen.iter().map(|at| self.scores[*at]).collect();
        let cut = (BEST_SHARE * scores.len() as f64).ceil().max(1.0) as usize - 1;
        let cut = *scores.select_nth_unstable_by(cut, f64::total_cmp).1;
        let best: Vec<usize> = chosen.iter().copied().filter(|at| self.scores[*at] <= cut).collect();
        let divergences: Vec<f64> = self
            .levels
            .iter()
            .zip(&self.counts)
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
    fn drawn(&self) -> Vec<Vec<f64>> {
        let count = self.scores.len();
        let draws = DRAWS.min(DRAWN_MAX / count);
        let mut random = ChaCha8Rng::seed_from_u64(0);
        (0..if draws < DRAWS_MIN { 0 } else { draws })
            .map(|_| {
                let chosen: Vec<usize> = (0..count).map(|_| below(count, &mut random)).collect();
                self.shares(&chosen).1
            })
            .collect()
    }
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

/// The range between the 2.5 % and the 97.5 % percentile; `None` of nothing.
pub(super) fn percentiles(mut numbers: Vec<f64>) -> Option<Interval> {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    let at = |share: f64| numbers[(share * last as f64).round() as usize];
    Some(Interval { low: at(0.025), high: at(0.975) })
}

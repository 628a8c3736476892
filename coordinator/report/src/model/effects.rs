//! What the hyperparameters do, as it stands in `report.json`: main effects, tests, variance, interactions.

use serde::Serialize;
use sweep_proto::{Hyperparameter, Value};

use super::{Band, Interval, Levels, ReplicateMean, Summary};

/// The effect of each swept hyperparameter on its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MainEffects {
    /// One per swept hyperparameter, in the order of the sweep file.
    pub factors: Vec<Factor>,
    /// The decomposition of the variance; `null` unless some replicates are complete on a full grid.
    pub variance: Option<Variance>,
}

impl MainEffects {
    /// Each tested hyperparameter's name with Bartlett's p: the chance of noise this unequal between its levels if it is really equal.
    pub(crate) fn noise_tests(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> {
        self.factors.iter().filter_map(|one| Some((one.hyperparameter.name(), one.test?.equal_noise_p)))
    }
}

/// One swept hyperparameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Factor {
    /// The hyperparameter.
    pub hyperparameter: Hyperparameter,
    /// Its levels.
    pub levels: Vec<LevelEffect>,
    /// Largest less smallest marginal mean loss.
    pub range: Option<f64>,
    /// Its share of the total sum of squares (η²), in `0..=1`.
    pub share: Option<f64>,
    /// Whether it has an effect at all; `null` below two replicates of a full grid.
    pub test: Option<FactorTest>,
    /// The difference from which on two levels differ significantly (p ≤ 0.05, not corrected), by the error of the
    /// test; `null` below three replicates of a full grid.
    pub least_significant_difference: Option<f64>,
    /// Every pair of levels, in order; empty where there is no test.
    pub comparisons: Vec<LevelComparison>,
}

/// How the validation losses at the levels of a hyperparameter are distributed, whatever the others and the seed are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LossQuantiles {
    /// The hyperparameter.
    pub hyperparameter: Hyperparameter,
    /// Shares of the trials, in percent.
    pub percents: Vec<u32>,
    /// The levels that a completed trial has, in the order of the sweep file.
    pub levels: Vec<LevelQuantiles>,
}

/// The distribution at one level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelQuantiles {
    /// The level.
    pub level: Value,
    /// Completed trials at this level.
    pub trials: u32,
    /// For each of the shares: the lowest loss that so many of the trials have at most.
    pub losses: Vec<f64>,
}

/// One level of a hyperparameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelEffect {
    /// The level.
    pub level: Value,
    /// Completed trials at this level.
    pub trials: u32,
    /// Those of them that are compared: every other level that has a trial has one with the same other values and
    /// the same replicate.
    pub compared_trials: u32,
    /// Mean score over the compared trials, with the spread over replicates of each replicate's mean; `null` without any.
    pub validation_loss: Option<Band>,
    /// Of the expected loss at this level; `null` below three replicates, where there is no test, or where the compared
    /// trials are not just those of the replicates that every configuration completed.
    pub validation_loss_interval: Option<Interval>,
    /// The same of the accuracy.
    pub validation_accuracy: Option<Band>,
    /// Mean score of the compared trials of each replicate: where one of them makes the effect, it shows here.
    pub by_replicate: Vec<ReplicateMean>,
}

/// Tests of the hypothesis that a hyperparameter has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FactorTest {
    /// Mean square of the main effect over that of its interaction with the seed; `null` where that is 0.
    pub f: Option<f64>,
    /// Degrees of freedom of the main effect.
    pub degrees_of_freedom: u64,
    /// Mean square of its interaction with the seed, the error of test, intervals and comparisons.
    pub error_mean_square: f64,
    /// Degrees of freedom of that error: only more replicates bring more.
    pub error_degrees_of_freedom: u64,
    /// Probability of so large an F without an effect.
    pub p: f64,
    /// The same, corrected for the number of swept hyperparameters (Holm).
    pub p_holm: f64,
    /// Less biased share of the variance.
    pub omega_squared: f64,
    /// Bartlett's p: the chance of variances this unequal if seed noise is really equal at every level, as the other
    /// tests assume.
    pub equal_noise_p: Option<f64>,
    /// Probability by exchanging the level means within each replicate: no distribution is assumed, but that without an
    /// effect a replicate's level means could as well stand in any other order.
    pub permutation_p: Option<f64>,
    /// The lowest probability that this can give with so few replicates, or draws of arrangements.
    pub permutation_p_min: Option<f64>,
}

/// One level less another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelComparison {
    /// The level.
    pub level: Value,
    /// The one that it is compared with.
    pub other: Value,
    /// Mean loss at the level less that at the other, over the replicates that every configuration completed.
    pub difference: f64,
    /// Of the expected difference, by the error of the hyperparameter's test; `null` below three replicates.
    pub interval: Option<Interval>,
    /// The difference in standard deviations of seed noise.
    pub effect_size: Option<f64>,
    /// Probability of so large a difference without an effect, corrected for the pairs of this hyperparameter.
    pub p_holm: f64,
}

/// The exact analysis of variance of a balanced grid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Factorial {
    /// Configurations.
    pub configurations: u32,
    /// Replicates that every configuration completed.
    pub replicates: u32,
    /// Main effects, then interactions up to third order (second from 11 swept hyperparameters on, none from 19 on),
    /// then all of higher order together.
    pub effects: Vec<Effect>,
    /// Differences between whole replicates.
    pub seed: Effect,
    /// Seed noise within configurations: all interactions with the seed together.
    pub residual: Effect,
    /// Total sum of squares.
    pub total_sum_of_squares: f64,
}

/// One line of the analysis of variance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The hyperparameters that interact; one for a main effect; empty for all interactions of higher order,
    /// the seed and the residual.
    pub of: Vec<Hyperparameter>,
    /// Degrees of freedom.
    pub degrees_of_freedom: u64,
    /// Sum of squares; `null` of seed and residual without degrees of freedom: one replicate does not tell it.
    pub sum_of_squares: Option<f64>,
    /// Mean square; `null` without degrees of freedom.
    pub mean_square: Option<f64>,
    /// Mean square of the interaction of the same hyperparameters with the seed, which is the error of this effect; `null`
    /// of one replicate, and of seed and residual.
    pub error_mean_square: Option<f64>,
    /// Degrees of freedom of that error: only more replicates bring more.
    pub error_degrees_of_freedom: Option<u64>,
    /// Mean square over that of the error; `null` without one.
    pub f: Option<f64>,
    /// Probability of so large an F without the effect, not corrected for the number of effects.
    pub p: Option<f64>,
    /// Share of the total sum of squares (η²); `null` where that is not known.
    pub eta_squared: Option<f64>,
    /// Less biased share (ω²), 0 where the estimate is below.
    pub omega_squared: Option<f64>,
}

/// Sums of squares of the scores on a balanced grid, with replicates as blocks; shares add up to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Variance {
    /// Configurations.
    pub configurations: u32,
    /// Replicates that every configuration completed: only these are decomposed.
    pub replicates: u32,
    /// Total sum of squares.
    pub total_sum_of_squares: f64,
    /// Share of all main effects together.
    pub main_effects_share: f64,
    /// Share of all interactions together.
    pub interactions_share: f64,
    /// Share of the seed: differences between whole replicates; `null` of one replicate, which does not tell it.
    pub replicates_share: Option<f64>,
    /// Share of the rest: seed noise within configurations; `null` of one replicate: the noise stands within the others.
    pub residual_share: Option<f64>,
    /// Residual mean square; `null` below two replicates or two configurations.
    pub residual_mean_square: Option<f64>,
    /// Residual degrees of freedom.
    pub residual_degrees_of_freedom: u32,
}

/// What sets the best trials apart from all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importance {
    /// Completed trials.
    pub trials: u32,
    /// The best tenth of them, and those that tie with it.
    pub best_trials: u32,
    /// Each swept hyperparameter, in the order of the sweep file; the shares add up to 1.
    pub hyperparameters: Vec<HyperparameterImportance>,
    /// What moves the loss over the whole grid; `null` where nothing does.
    pub fanova: Option<Fanova>,
}

/// The variance of what a forest of regression trees predicts over the whole grid, every configuration weighing the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fanova {
    /// Trees that found a difference; each is grown on a sweep drawn from the trials with replacement.
    pub trees: u32,
    /// Trials that the sweeps are drawn from: all completed ones, or a part of very many.
    pub trials: u32,
    /// The share of the variance of trials that those trees predict which were not grown on them: what the forest is
    /// worth. Below 0 where the mean of all trials predicts better; `null` where they are equal.
    pub explained_of_unseen: Option<f64>,
    /// Each swept hyperparameter in the order of the sweep file, then each pair; with `higher_order_share` they add up to 1.
    pub shares: Vec<VarianceShare>,
    /// The share of interactions of more than two.
    pub higher_order_share: f64,
}

/// One part of that variance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VarianceShare {
    /// The hyperparameters that interact; one for a main effect.
    pub of: Vec<Hyperparameter>,
    /// Its mean share over the trees.
    pub share: f64,
    /// Standard deviation of the share over the trees; `null` of one tree.
    pub standard_deviation: Option<f64>,
    /// From the 2.5 % to the 97.5 % percentile of the trees.
    pub of_most_trees: Option<Interval>,
}

/// The importance of one hyperparameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HyperparameterImportance {
    /// The hyperparameter.
    pub hyperparameter: Hyperparameter,
    /// Its share of the divergence between the levels of the best trials and those of all (PED-ANOVA).
    pub share: f64,
    /// Of the share, over sweeps drawn from the trials with replacement; `null` where the trials are too many for it.
    pub interval: Option<Interval>,
    /// Its share of the total sum of squares, where the grid is balanced.
    pub eta_squared: Option<f64>,
}

/// One row of the grid through the best configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OneFactor {
    /// What changes along it.
    pub hyperparameter: Hyperparameter,
    /// The values at which the others are held, in words.
    pub held: String,
    /// Its levels, in the order of the sweep file.
    pub levels: Vec<HeldLevel>,
    /// Largest less smallest mean loss along it, of those that completed the replicates of the best configuration.
    pub range: Option<f64>,
}

/// One configuration of such a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeldLevel {
    /// The level.
    pub level: Value,
    /// Its score; `null` without a result.
    pub validation_loss: Option<Summary>,
    /// Its accuracy.
    pub validation_accuracy: Option<Summary>,
}

/// Mean scores of the pairs of levels of two hyperparameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Interaction {
    /// The hyperparameter of the rows.
    pub rows: Levels,
    /// The hyperparameter of the columns.
    pub columns: Levels,
    /// `cells[row][column]`: mean score over the compared trials; `null` without any.
    pub cells: Vec<Vec<Option<f64>>>,
    /// Compared trials: every other cell that has a trial has one with the same other values and the same replicate.
    pub trials: Vec<Vec<u32>>,
}

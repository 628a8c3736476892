//! The error strata of a balanced grid: every effect beside its own interaction with the seed, which is its error.
//!
//! Replicates are random blocks: a hyperparameter may work differently under each seed, and all configurations that
//! share a level share that. The mean square of an effect is therefore compared with that of the same effect's interaction
//! with the seed, never with the pooled residual: without the effect both have the same expectation, whatever interacts
//! with the seed. Scheffé, *The Analysis of Variance* (1959), chapter 8; Littell, Milliken, Stroup, Wolfinger and
//! Schabenberger, *SAS for Mixed Models*, chapter 4. Variances that are sums over strata have Satterthwaite's degrees of
//! freedom, "An Approximate Distribution of Estimates of Variance Components", *Biometrics Bulletin* 2 (1946).

use std::collections::BTreeMap;

use crate::distributions::t_critical;
use crate::interval::Interval;
use crate::means::rounding;

/// Hyperparameters of the largest interaction that has a stratum of its own.
const ORDER_MAX: usize = 3;
/// Strata that are told apart: those of ten swept hyperparameters. Beyond, only lower orders are.
const STRATA_MAX: usize = 175;
/// Replicates below which an interval of a mean or of a difference is not given: at two, the critical value of one
/// hyperparameter with two levels is 12.7 standard errors.
pub const INTERVAL_REPLICATES_MIN: usize = 3;

/// An effect and its own interaction with the seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Stratum {
    /// Positions of the axes that interact; one for a main effect; empty for all interactions of higher order together.
    pub axes: Vec<usize>,
    /// Degrees of freedom of the effect.
    pub degrees_of_freedom: u64,
    /// Sum of squares of the effect.
    pub sum_of_squares: f64,
    /// Degrees of freedom of its interaction with the seed; 0 of one replicate.
    pub error_degrees_of_freedom: u64,
    /// Sum of squares of its interaction with the seed.
    pub error_sum_of_squares: f64,
}

impl Stratum {
    /// Mean square of the interaction with the seed; `None` of one replicate.
    pub fn error(&self) -> Option<f64> {
        let degrees = self.error_degrees_of_freedom;
        (degrees > 0).then(|| self.error_sum_of_squares / degrees as f64)
    }
}

/// All strata of a full grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Strata {
    /// `levels[axis][configuration]`: the position of the configuration's level.
    levels: Vec<Vec<usize>>,
    /// Levels of each axis.
    counts: Vec<usize>,
    /// Configurations.
    configurations: usize,
    /// Replicates.
    pub replicates: usize,
    /// Sum of squares between whole replicates.
    pub seed_sum_of_squares: f64,
    /// Lower orders first, then all higher ones together where there are any.
    pub parts: Vec<Stratum>,
}

/// A variance that is estimated from strata, and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The variance of a mean over the replicates.
    pub variance: f64,
    /// Satterthwaite's degrees of freedom; infinite where nothing varies.
    pub degrees_of_freedom: f64,
    /// The critical value of its 95 % interval; 0 where nothing varies.
    pub critical: f64,
}

impl Estimate {
    /// How far the 95 % interval reaches to both sides.
    pub fn reach(&self) -> f64 {
        self.critical * self.variance.sqrt()
    }
}

/// How much of the way from Satterthwaite's critical value to Cochran's (the average of each stratum's t, weighted by the
/// variance that it adds) the interval of a mean goes. Where whole replicates make most of the variance, Satterthwaite's
/// covers down to 92.8 % at 3 replicates; Cochran, "Approximate Significance Levels of the Behrens-Fisher Test",
/// *Biometrics* 20 (1964), covers up to 99 %. This part of the way covers 93 to 97 % (`coordinator/report/tests/all/calibration.rs`).
const TOWARDS_COCHRAN: f64 = 0.15;

impl Strata {
    /// Of `scores[configuration][replicate]` and `levels[axis][configuration]`; `None` unless each combination of levels
    /// stands exactly once, or beyond finite numbers.
    pub fn of(scores: &[Vec<f64>], levels: Vec<Vec<usize>>) -> Option<Self> {
        let (configurations, replicates) = (scores.len(), scores.first()?.len());
        let counts: Vec<usize> = levels.iter().map(|of| of.iter().max().map_or(0, |last| last + 1)).collect();
        if counts.iter().product::<usize>() != configurations || replicates == 0 {
            return None;
        }
        // Sums of squares that rounding alone explains are nothing.
        let floor = (configurations * replicates) as f64 * rounding(scores.iter().flatten().copied()).powi(2);
        let measured = |sum_of_squares: f64| if sum_of_squares <= floor { 0.0 } else { sum_of_squares };
        let whole: Vec<usize> = (0..configurations).collect();
        let all = Squares::of(scores, &whole, configurations);
        let seed = Squares::of(scores, &vec![0; configurations], 1);
        let mut strata = Self {
            levels,
            counts,
            configurations,
            replicates,
            seed_sum_of_squares: measured(seed.by_replicate - seed.over_replicates),
            parts: Vec::new(),
        };
        let mut known: BTreeMap<Vec<usize>, Squares> = BTreeMap::new();
        let mut places = strata.places();
        places.sort_unstable();
        if places != whole {
            return None;
        }
        let (mut effects, mut errors, mut freedom) = (0.0, 0.0, 0);
        for axes in subsets(strata.counts.len()) {
            let cells = strata.cells(&axes);
            let count = axes.iter().map(|axis| strata.counts[*axis]).product();
            let mut own = Squares::of(scores, &cells, count).less(&seed);
            for (_, smaller) in
                known.iter().filter(|(smaller, _)| smaller.iter().all(|axis| axes.contains(axis)))
            {
                own = own.less(smaller);
            }
            let degrees = axes.iter().map(|axis| strata.counts[*axis] as u64 - 1).product();
            let stratum = strata.stratum(axes.clone(), degrees, &own, measured);
            effects += stratum.sum_of_squares;
            errors += stratum.error_sum_of_squares;
            freedom += degrees;
            strata.parts.push(stratum);
            known.insert(axes, own);
        }
        let higher = (configurations as u64 - 1).saturating_sub(freedom);
        if higher > 0 {
            let rest = all.less(&seed);
            let rest = Squares {
                over_replicates: rest.over_replicates - effects,
                by_replicate: rest.by_replicate - effects - errors,
            };
            let stratum = strata.stratum(Vec::new(), higher, &rest, measured);
            strata.parts.push(stratum);
        }
        let sums = strata.parts.iter().map(|part| part.sum_of_squares + part.error_sum_of_squares);
        (sums.sum::<f64>() + strata.seed_sum_of_squares).is_finite().then_some(strata)
    }

    fn stratum(
        &self,
        axes: Vec<usize>,
        degrees: u64,
        own: &Squares,
        measured: impl Fn(f64) -> f64,
    ) -> Stratum {
        Stratum {
            axes,
            degrees_of_freedom: degrees,
            sum_of_squares: measured(own.over_replicates),
            error_degrees_of_freedom: degrees * (self.replicates as u64 - 1),
            error_sum_of_squares: measured(own.by_replicate - own.over_replicates),
        }
    }

    /// The cell of each configuration, written in mixed radix over the levels of these axes.
    fn cells(&self, axes: &[usize]) -> Vec<usize> {
        let cell = |configuration: usize| {
            axes.iter().fold(0, |cell, axis| cell * self.counts[*axis] + self.levels[*axis][configuration])
        };
        (0..self.configurations).map(cell).collect()
    }

    /// The place of each configuration in the grid, the last axis changing fastest.
    pub fn places(&self) -> Vec<usize> {
        self.cells(&(0..self.counts.len()).collect::<Vec<_>>())
    }

    /// Levels of each axis.
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// Configurations.
    pub fn configurations(&self) -> usize {
        self.configurations
    }

    /// Mean square between whole replicates; `None` of one replicate.
    pub fn seed(&self) -> Option<f64> {
        (self.replicates > 1).then(|| self.seed_sum_of_squares / (self.replicates - 1) as f64)
    }

    /// The stratum of a main effect.
    pub fn main(&self, axis: usize) -> Option<&Stratum> {
        self.parts.iter().find(|part| part.axes == [axis])
    }

    /// The stratum of an interaction: its own, or that of all higher orders.
    pub fn of_axes(&self, axes: &[usize]) -> Option<&Stratum> {
        self.parts.iter().find(|part| part.axes == axes).or_else(|| {
            (axes.len() > 1).then(|| self.parts.iter().find(|part| part.axes.is_empty())).flatten()
        })
    }

    /// Variance of a level's mean, less what all levels share: the difference of two has twice this variance.
    pub fn variance_of_level(&self, axis: usize) -> Option<f64> {
        let error = self.main(axis)?.error()?;
        Some(error * self.counts[axis] as f64 / (self.configurations * self.replicates) as f64)
    }

    /// Of the difference of two levels that were named beforehand.
    pub fn difference_of_levels(&self, axis: usize) -> Option<Estimate> {
        let own = self.main(axis)?;
        self.sum([(own.error()?, own.error_degrees_of_freedom, 2.0 * self.counts[axis] as f64)], 0.0)
    }

    /// Of a level's mean if other seeds were drawn: what all levels share moves it, too.
    pub fn mean_of_level(&self, axis: usize) -> Option<Estimate> {
        let own = self.main(axis)?;
        let others = self.counts[axis] as f64 - 1.0;
        self.sum(
            [
                (self.seed()?, self.replicates as u64 - 1, 1.0),
                (own.error()?, own.error_degrees_of_freedom, others),
            ],
            TOWARDS_COCHRAN,
        )
    }

    /// Of a configuration's mean if other seeds were drawn: the same for each configuration.
    pub fn mean_of_configuration(&self) -> Option<Estimate> {
        let seed = (self.seed()?, self.replicates as u64 - 1, 1.0);
        let strata: Option<Vec<_>> = self
            .parts
            .iter()
            .map(|part| Some((part.error()?, part.error_degrees_of_freedom, part.degrees_of_freedom as f64)))
            .collect();
        self.sum(std::iter::once(seed).chain(strata?), TOWARDS_COCHRAN)
    }

    /// Of the difference of two configurations, named by their positions: only strata in which they differ count.
    pub fn difference_of_configurations(&self, first: usize, second: usize) -> Option<Estimate> {
        let is_same: Vec<bool> = self.levels.iter().map(|of| of[first] == of[second]).collect();
        let mut rest = if first == second { 0.0 } else { -2.0 * self.configurations as f64 };
        let mut terms = Vec::new();
        for part in &self.parts {
            // The stratum's projection: its diagonal times the configurations is the degrees of freedom.
            let beside =
                part.axes.iter().map(|axis| self.counts[*axis] as f64 * f64::from(is_same[*axis]) - 1.0);
            let weight = if part.axes.is_empty() {
                -rest
            } else {
                2.0 * (part.degrees_of_freedom as f64 - beside.product::<f64>())
            };
            rest += weight;
            terms.push((part.error()?, part.error_degrees_of_freedom, weight));
        }
        self.sum(terms, 0.0)
    }

    /// A variance out of mean squares with their degrees of freedom and weights.
    fn sum(
        &self,
        terms: impl IntoIterator<Item = (f64, u64, f64)>,
        towards_cochran: f64,
    ) -> Option<Estimate> {
        let terms: Vec<(f64, u64)> =
            terms.into_iter().map(|(square, degrees, weight)| (weight * square, degrees)).collect();
        let largest = terms.iter().map(|(term, _)| term.abs()).fold(0.0, f64::max);
        if largest <= 0.0 {
            return Some(Estimate { variance: 0.0, degrees_of_freedom: f64::INFINITY, critical: 0.0 });
        }
        // In units of the largest, so that squares stay finite.
        let (mut sum, mut squares, mut cochran) = (0.0, 0.0, 0.0);
        for (term, degrees) in terms {
            let term = term / largest;
            sum += term;
            squares += term * term / degrees as f64;
            // Without any way to go, no critical value is looked up.
            if towards_cochran > 0.0 && term > 0.0 {
                cochran += term * t_critical(degrees as f64)?;
            }
        }
        let variance = largest * sum / (self.configurations * self.replicates) as f64;
        let degrees_of_freedom = sum * sum / squares;
        let satterthwaite = t_critical(degrees_of_freedom)?;
        let critical = (1.0 - towards_cochran).mul_add(satterthwaite, towards_cochran * cochran / sum);
        variance.is_finite().then_some(Estimate { variance, degrees_of_freedom, critical })
    }

    /// The interval around a mean or a difference; `None` below [`INTERVAL_REPLICATES_MIN`].
    pub fn interval(&self, centre: f64, estimate: Option<Estimate>) -> Option<Interval> {
        let estimate = estimate.filter(|_| self.replicates >= INTERVAL_REPLICATES_MIN)?;
        Some(Interval::around(centre, estimate.reach()))
    }
}

/// Sums of squares of cell means around the grand mean, each weighted with the trials behind it.
#[derive(Clone, Copy, Debug)]
struct Squares {
    /// Of the cells' means over all replicates.
    over_replicates: f64,
    /// Of the cells' means in each replicate.
    by_replicate: f64,
}

impl Squares {
    /// `cells[configuration]` names the cell of a configuration, each cell having as many.
    fn of(scores: &[Vec<f64>], cells: &[usize], count: usize) -> Self {
        let replicates = scores.first().map_or(0, Vec::len);
        let each = scores.len() as f64 / count as f64;
        let grand = scores.iter().flatten().sum::<f64>() / (scores.len() * replicates) as f64;
        let mut sums = vec![0.0; count * replicates];
        for (row, cell) in scores.iter().zip(cells) {
            for (sum, score) in sums[cell * replicates..].iter_mut().zip(row) {
                *sum += score - grand;
            }
        }
        let of_cell = |cell: &[f64]| cell.iter().sum::<f64>().powi(2) / (each * replicates as f64);
        Self {
            over_replicates: sums.chunks(replicates).map(of_cell).sum(),
            by_replicate: sums.iter().map(|sum| sum * sum / each).sum(),
        }
    }

    fn less(self, other: &Self) -> Self {
        Self {
            over_replicates: (self.over_replicates - other.over_replicates).max(0.0),
            by_replicate: (self.by_replicate - other.by_replicate).max(0.0),
        }
    }
}

/// Subsets of `0..count` by size, then in order: each size whole or not at all.
fn subsets(count: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = Vec::new();
    let mut of_size: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..ORDER_MAX.min(count) {
        of_size = of_size
            .iter()
            .flat_map(|smaller| {
                let next = smaller.last().map_or(0, |last| last + 1);
                (next..count).map(|at| smaller.iter().copied().chain([at]).collect())
            })
            .collect();
        if all.len() + of_size.len() > STRATA_MAX {
            break;
        }
        all.extend(of_size.iter().cloned());
    }
    all
}

//! Seed noise all together: the residual of configurations by replicates, whatever of it levels share.
//!
//! It measures how much trials scatter. What is concluded of levels goes by the strata (see [`crate::strata`]): only
//! where the grid is not complete, so that there are none, is this the error, with one degree of freedom less
//! than there are replicates. So few hold however the noise is shared between configurations: Geisser and Greenhouse, "An
//! Extension of Box's Results on the Use of the F Distribution in Multivariate Analysis", *Annals of Mathematical
//! Statistics* 29 (1958).

use crate::distributions::studentised_range_critical;
use crate::means::{mean, rounding};

/// The noise of a table of configurations by replicates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Configurations.
    pub configurations: usize,
    /// Replicates of each.
    pub replicates: usize,
    /// Mean square of the residual: configurations by replicates.
    pub residual: f64,
}

impl Noise {
    /// Of `scores[configuration][replicate]`; `None` below two of either or beyond finite numbers.
    pub fn of(scores: &[Vec<f64>]) -> Option<Self> {
        let (configurations, replicates) = (scores.len(), scores.first()?.len());
        if configurations < 2 || replicates < 2 {
            return None;
        }
        let row_means: Vec<f64> =
            scores.iter().map(|row| mean(row.iter().copied())).collect::<Option<_>>()?;
        let column_means: Vec<f64> =
            (0..replicates).map(|at| mean(scores.iter().map(|row| row[at]))).collect::<Option<_>>()?;
        let grand = mean(row_means.iter().copied())?;
        let residual: f64 = scores
            .iter()
            .zip(&row_means)
            .flat_map(|(row, of_row)| {
                row.iter().zip(&column_means).map(move |(one, of_column)| one - of_row - of_column + grand)
            })
            .map(|rest| rest * rest)
            .sum();
        // A sum of squares that rounding alone explains is nothing.
        let floor = (configurations * replicates) as f64 * rounding(scores.iter().flatten().copied()).powi(2);
        let measured = if residual <= floor { 0.0 } else { residual };
        let noise = Self {
            configurations,
            replicates,
            residual: measured / ((configurations - 1) * (replicates - 1)) as f64,
        };
        noise.residual.is_finite().then_some(noise)
    }

    /// Degrees of freedom of the residual.
    pub fn degrees_of_freedom(&self) -> f64 {
        ((self.configurations - 1) * (self.replicates - 1)) as f64
    }

    /// Standard error of a configuration's mean, less what all configurations share.
    pub fn standard_error(&self) -> f64 {
        (self.residual / self.replicates as f64).sqrt()
    }

    /// The degrees of freedom that hold however the noise is shared.
    pub fn least_degrees_of_freedom(&self) -> f64 {
        (self.replicates - 1) as f64
    }

    /// How far the difference of any two configurations may be from the expected one: all such intervals hold
    /// together. Tukey, "The Problem of Multiple Comparisons" (1953).
    pub fn range(&self) -> Option<f64> {
        let groups = u32::try_from(self.configurations).ok()?;
        Some(studentised_range_critical(groups, self.least_degrees_of_freedom())? * self.standard_error())
    }
}

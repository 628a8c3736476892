//! How the validation losses at each level are distributed, whatever the other hyperparameters and the seed are.
//!
//! A quantile is the lowest loss that at least that share of the trials has at most: the inverse of the empirical
//! distribution function, definition 1 of Hyndman & Fan, *Sample Quantiles in Statistical Packages* (1996).

use sweep_proto::{Axis, SweepSpec, Value};

use crate::model::{LevelQuantiles, LossQuantiles};
use crate::table::Table;

/// Shares at which quantiles are taken, in percent of the trials; at 0 stands the lowest loss.
pub const PERCENTS: [u32; 21] =
    [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100];

/// The quantiles of every level that a completed trial has, for each swept hyperparameter in the order of the sweep file.
pub fn quantiles(table: &Table, spec: &SweepSpec) -> Vec<LossQuantiles> {
    spec.swept_axes().map(|axis| of_axis(table, axis)).collect()
}

fn of_axis(table: &Table, axis: &Axis) -> LossQuantiles {
    let completed = table.completed_by_level(axis.hyperparameter);
    let level = |level: &Value| {
        let mut losses: Vec<_> = completed.get(level)?.iter().map(|(_, outcome)| outcome.score).collect();
        losses.sort_unstable_by(f64::total_cmp);
        Some(LevelQuantiles {
            level: level.clone(),
            trials: losses.len() as u32,
            losses: PERCENTS.iter().filter_map(|percent| quantile(&losses, *percent)).collect(),
        })
    };
    LossQuantiles {
        hyperparameter: axis.hyperparameter,
        percents: PERCENTS.to_vec(),
        levels: axis.levels().iter().filter_map(level).collect(),
    }
}

/// Of losses in order; `None` where there are none.
fn quantile(losses: &[f64], percent: u32) -> Option<f64> {
    let rank = (losses.len() as u64 * u64::from(percent)).div_ceil(100).max(1);
    losses.get(usize::try_from(rank - 1).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `numpy.quantile(losses, percents / 100, method="inverted_cdf")` of NumPy 2.4.6 has them.
    #[test]
    fn quantiles_are_those_of_the_inverse_distribution_function() {
        let losses = [0.31, 0.42, 0.42, 0.5, 0.71, 0.9, 1.3];
        let of = |percent| quantile(&losses, percent).unwrap();
        assert_eq!([0, 10, 25, 50, 75, 90, 100].map(of), [0.31, 0.31, 0.42, 0.5, 0.9, 1.3, 1.3]);
        assert_eq!([0, 50, 100].map(|percent| quantile(&[0.4], percent)), [Some(0.4); 3]);
        assert_eq!(quantile(&[], 50), None);
    }
}

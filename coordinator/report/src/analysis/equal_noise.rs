//! Whether seed noise is the same at every level of a hyperparameter, as pooling it assumes.
//!
//! Bartlett, "Properties of Sufficiency and Statistical Tests", *Proceedings of the Royal Society A* 160 (1937), on the
//! residuals of configurations by replicates. Their degrees of freedom are shared out evenly between the levels.

use super::balanced::column_means;
use super::distributions::chi_squared_tail;
use super::noise::Noise;
use crate::table::mean;

/// The probability below which a reader is warned: a warning too many costs less than one too few.
pub const WARNED_BELOW: f64 = 0.03;

/// Each configuration's sum of squared residuals.
pub fn residual_squares(scores: &[Vec<f64>]) -> Vec<f64> {
    let columns = column_means(scores);
    let grand = mean(columns.iter().copied()).unwrap_or_default();
    scores
        .iter()
        .map(|row| {
            let centre = mean(row.iter().copied()).unwrap_or_default();
            row.iter().zip(&columns).map(|(one, column)| (one - centre - column + grand).powi(2)).sum()
        })
        .collect()
}

/// The probability of levels that differ so much in noise if they do not; `None` where there is no noise at some level.
pub fn equal_noise(squares: &[f64], levels: &[usize], noise: &Noise) -> Option<f64> {
    let count = levels.iter().max()? + 1;
    let mut sums = vec![0.0; count];
    for (square, level) in squares.iter().zip(levels) {
        sums[*level] += square;
    }
    if count < 2 || noise.residual <= 0.0 || sums.iter().any(|sum| *sum <= 0.0) {
        return None;
    }
    let (groups, all) = (count as f64, noise.degrees_of_freedom());
    let each = all / groups;
    let logarithms: f64 = sums.iter().map(|sum| (sum / each).ln()).sum();
    let statistic = all * noise.residual.ln() - each * logarithms;
    let correction = 1.0 + (groups / each - 1.0 / all) / (3.0 * (groups - 1.0));
    chi_squared_tail(statistic / correction, groups - 1.0)
}

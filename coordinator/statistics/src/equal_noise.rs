//! Whether seed noise is the same at every level of a hyperparameter, as the error of its effect assumes.
//!
//! Bartlett, "Properties of Sufficiency and Statistical Tests", *Proceedings of the Royal Society A* 160 (1937), on the
//! residuals of configurations by replicates within each level: what a level's configurations share under a seed is one
//! draw a seed, which says nothing of how much their noise differs. With one configuration at each level, its
//! residual is all there is.

use crate::distributions::chi_squared_tail;
use crate::means::{column_means, mean};

/// The probability below which a reader is warned: a warning too many costs less than one too few.
pub const WARNED_BELOW: f64 = 0.02;

/// The sum of squared residuals of configurations by replicates, and its degrees of freedom.
fn residual(scores: &[&Vec<f64>]) -> (f64, f64) {
    let rows: Vec<Vec<f64>> = scores.iter().map(|row| (*row).clone()).collect();
    let squares = residual_squares(&rows);
    let replicates = rows.first().map_or(0, Vec::len);
    (squares.iter().sum(), (rows.len().saturating_sub(1) * replicates.saturating_sub(1)) as f64)
}

/// Each configuration's sum of squared residuals.
fn residual_squares(scores: &[Vec<f64>]) -> Vec<f64> {
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
/// `levels[configuration]` is the position of its level.
pub fn equal_noise(scores: &[Vec<f64>], levels: &[usize]) -> Option<f64> {
    let count = levels.iter().max()? + 1;
    let replicates = scores.first()?.len();
    if count < 2 || replicates < 2 {
        return None;
    }
    let parts: Vec<(f64, f64)> = if count == scores.len() {
        let each = ((count - 1) * (replicates - 1)) as f64 / count as f64;
        let mut parts = vec![(0.0, each); count];
        for (square, level) in residual_squares(scores).into_iter().zip(levels) {
            parts[*level].0 = square;
        }
        parts
    } else {
        (0..count)
            .map(|level| {
                let own: Vec<&Vec<f64>> =
                    scores.iter().zip(levels).filter(|(_, at)| **at == level).map(|(row, _)| row).collect();
                residual(&own)
            })
            .collect()
    };
    bartlett(&parts)
}

/// Of sums of squares with their degrees of freedom.
fn bartlett(parts: &[(f64, f64)]) -> Option<f64> {
    if parts.iter().any(|(sum, freedom)| *sum <= 0.0 || *freedom <= 0.0) {
        return None;
    }
    let groups = parts.len() as f64;
    let all: f64 = parts.iter().map(|(_, freedom)| freedom).sum();
    let pooled = parts.iter().map(|(sum, _)| sum).sum::<f64>() / all;
    let logarithms: f64 = parts.iter().map(|(sum, freedom)| freedom * (sum / freedom).ln()).sum();
    let inverses: f64 = parts.iter().map(|(_, freedom)| 1.0 / freedom).sum();
    let correction = 1.0 + (inverses - 1.0 / all) / (3.0 * (groups - 1.0));
    chi_squared_tail((all * pooled.ln() - logarithms) / correction, groups - 1.0)
}

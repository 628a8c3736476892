//! What a trial's losses count for, and from which height on scores do not count in full.

/// A finished score counts as no more than this number of deviations above the median: one diverged trial must not widen every other prediction.
const DEVIATIONS_MAX: f64 = 3.0;

/// Scores from which a median deviation is computed.
const SCORES_MIN: usize = 5;

/// The lowest loss; infinite without any.
pub(crate) fn lowest(losses: &[f64]) -> f64 {
    losses.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The highest score that counts in full.
pub(crate) fn highest_counted(mut values: Vec<f64>) -> f64 {
    /// Median absolute deviations of a normal distribution in one standard deviation.
    const OF_NORMAL: f64 = 1.4826;
    if values.len() < SCORES_MIN {
        return f64::INFINITY;
    }
    values.sort_by(f64::total_cmp);
    let median = values[values.len() / 2];
    let above: Vec<f64> = values.iter().filter(|one| **one > median).map(|one| one - median).collect();
    // The lower one of the middle two: of two scores above the median one may be the outlier itself.
    above
        .get(above.len().saturating_sub(1) / 2)
        .map_or(f64::INFINITY, |deviation| median + DEVIATIONS_MAX * OF_NORMAL * deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outlier_among_few_scores_does_not_count_in_full() {
        for usual in [vec![1.0, 1.01, 1.02, 1.03], vec![1.0, 1.01, 1.02, 1.03, 1.04]] {
            let highest = highest_counted(usual.iter().copied().chain([5.0]).collect());
            assert!(usual.iter().all(|one| *one <= highest) && highest < 1.2, "{highest}");
        }
        assert_eq!(highest_counted(vec![1.0, 2.0, 3.0, 4.0]), f64::INFINITY, "of four nobody can say");
        assert_eq!(highest_counted(vec![1.0; 9]), f64::INFINITY, "nothing is above the median");
    }
}

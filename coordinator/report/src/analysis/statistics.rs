//! The few statistics that several sections share: means, spreads, slopes, intervals of a single mean.

use std::collections::BTreeMap;

use super::distributions::t_critical;
use crate::model::{Band, Interval, Summary};
use crate::table::mean;

/// Mean and sample standard deviation (divisor n - 1); `None` of nothing or beyond finite numbers.
pub fn summary(numbers: &[f64]) -> Option<Summary> {
    Some(Summary {
        mean: mean(numbers.iter().copied())?,
        standard_deviation: standard_deviation(numbers),
        replicates: numbers.len() as u32,
    })
}

/// Sample standard deviation (divisor n - 1); `None` below two numbers or beyond finite numbers.
pub fn standard_deviation(numbers: &[f64]) -> Option<f64> {
    if numbers.len() < 2 {
        return None;
    }
    let centre = mean(numbers.iter().copied())?;
    let squares: f64 = numbers.iter().map(|number| (number - centre).powi(2)).sum();
    Some((squares / (numbers.len() - 1) as f64).sqrt()).filter(|deviation| deviation.is_finite())
}

/// The mean over all trials and the spread over replicates of each replicate's mean, from
/// `(replicate, number)` pairs. The spread is what another set of seeds would move.
pub fn band(numbers: &[(u32, f64)]) -> Option<Band> {
    let mut by_replicate: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (replicate, number) in numbers {
        by_replicate.entry(*replicate).or_default().push(*number);
    }
    let means: Vec<f64> = by_replicate.values().filter_map(|of| mean(of.iter().copied())).collect();
    Some(Band {
        mean: mean(numbers.iter().map(|(_, number)| *number))?,
        standard_deviation: standard_deviation(&means),
    })
}

/// The interval around a mean by Student's t over its own replicates; `None` below two.
pub fn interval_of_mean(summary: &Summary) -> Option<Interval> {
    let replicates = f64::from(summary.replicates);
    let error = summary.standard_deviation? / replicates.sqrt();
    Some(Interval::around(summary.mean, t_critical(replicates - 1.0)? * error))
}

/// Least-squares slope of the numbers against 0, 1, 2, …; `None` below two.
pub fn slope(numbers: &[f64]) -> Option<f64> {
    let centre = (numbers.len() as f64 - 1.0) / 2.0;
    let level = mean(numbers.iter().copied())?;
    let (mut covariance, mut spread) = (0.0, 0.0);
    for (position, number) in numbers.iter().enumerate() {
        let offset = position as f64 - centre;
        covariance += offset * (number - level);
        spread += offset * offset;
    }
    (spread > 0.0).then(|| covariance / spread).filter(|slope| slope.is_finite())
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these small numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn spreads_have_the_divisor_of_a_sample() {
        assert_eq!(standard_deviation(&[1.0, 3.0]), Some(2.0_f64.sqrt()));
        assert_eq!(standard_deviation(&[1.0]), None);
        assert_eq!(summary(&[]), None);
        assert_eq!(summary(&[f64::MAX, f64::MAX]), None);
    }

    #[test]
    fn a_band_spreads_over_replicates_not_over_trials() {
        // Replicate 0: mean 2; replicate 1: mean 4.
        let band = band(&[(0, 1.0), (0, 3.0), (1, 3.0), (1, 5.0)]).expect("numbers");
        assert_eq!(band.mean, 3.0);
        assert_eq!(band.standard_deviation, Some(2.0_f64.sqrt()));
    }

    #[test]
    fn a_slope_is_the_rise_per_step() {
        assert_eq!(slope(&[1.0, 3.0, 5.0]), Some(2.0));
        assert_eq!(slope(&[1.0]), None);
    }
}

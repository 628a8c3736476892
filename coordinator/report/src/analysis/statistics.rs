//! The few statistics that several sections share: means, spreads, quantiles of Student's t.

use std::collections::BTreeMap;

use crate::model::{Band, Summary};
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

/// The 0.975 quantile of Student's t for 1 to 30 degrees of freedom, as `qt(0.975, 1:30)` of R gives it.
const T_975: [f64; 30] = [
    12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157,
    2.228_139, 2.200_985, 2.178_813, 2.160_369, 2.144_787, 2.131_450, 2.119_905, 2.109_816, 2.100_922,
    2.093_024, 2.085_963, 2.079_614, 2.073_873, 2.068_658, 2.063_899, 2.059_539, 2.055_529, 2.051_831,
    2.048_407, 2.045_230, 2.042_272,
];

/// The 0.975 quantile of Student's t; above 30 degrees of freedom that of 30, which errs to the careful side.
pub fn t_975(degrees_of_freedom: usize) -> f64 {
    T_975.get(degrees_of_freedom.saturating_sub(1)).copied().unwrap_or(T_975[T_975.len() - 1])
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

    #[test]
    fn t_is_careful_outside_its_table() {
        assert_eq!(t_975(2), 4.302_653);
        assert_eq!(t_975(1_000), t_975(30));
    }
}

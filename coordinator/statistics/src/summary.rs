//! The few statistics that several sections share: means, spreads, slopes, intervals of a single mean.

use std::collections::BTreeMap;

use crate::distributions::{CONFIDENCE, normal_quantile, t_critical};
use crate::interval::{Band, Interval, ReplicateMean, Summary};
use crate::means::mean;
use crate::strata::INTERVAL_REPLICATES_MIN;

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

/// The mean of each replicate, in order, from `(replicate, number)` pairs.
pub fn replicate_means(numbers: &[(u32, f64)]) -> Vec<ReplicateMean> {
    let mut by_replicate: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (replicate, number) in numbers {
        by_replicate.entry(*replicate).or_default().push(*number);
    }
    let of = |(replicate, numbers): (u32, Vec<f64>)| Some(ReplicateMean { replicate, mean: mean(numbers)? });
    by_replicate.into_iter().filter_map(of).collect()
}

/// The mean over all trials and the spread over replicates of each replicate's mean, from
/// `(replicate, number)` pairs. The spread is what another set of seeds would move.
pub fn band(numbers: &[(u32, f64)]) -> Option<Band> {
    let means: Vec<f64> = replicate_means(numbers).iter().map(|one| one.mean).collect();
    Some(Band {
        mean: mean(numbers.iter().map(|(_, number)| *number))?,
        standard_deviation: standard_deviation(&means),
    })
}

/// The interval around a mean by Student's t over its own replicates: it holds whatever other numbers share its seed
/// noise. `None` below [`INTERVAL_REPLICATES_MIN`].
pub fn interval_of_mean(summary: &Summary) -> Option<Interval> {
    let replicates = f64::from(summary.replicates);
    if (summary.replicates as usize) < INTERVAL_REPLICATES_MIN {
        return None;
    }
    let error = summary.standard_deviation? / replicates.sqrt();
    Some(Interval::around(summary.mean, t_critical(replicates - 1.0)? * error))
}

/// The interval of a share that is right in this part of so many rows, drawn from all rows there might be: Wilson,
/// "Probable Inference, the Law of Succession, and Statistical Inference", *Journal of the American Statistical
/// Association* 22 (1927). `None` without rows.
pub fn interval_of_rows(share: f64, rows: u64) -> Option<Interval> {
    let z = -normal_quantile(f64::midpoint(CONFIDENCE, 1.0) - CONFIDENCE);
    if rows == 0 || !(0.0..=1.0).contains(&share) {
        return None;
    }
    let rows = rows as f64;
    let shrunk = 1.0 + z * z / rows;
    let centre = (share + z * z / (2.0 * rows)) / shrunk;
    let reach = z * (share * (1.0 - share) / rows + z * z / (4.0 * rows * rows)).sqrt() / shrunk;
    // At the ends the formula is exact, its rounding is not.
    Some(Interval { low: (centre - reach).clamp(0.0, share), high: (centre + reach).clamp(share, 1.0) })
}

/// The interval around a number that two independent sources move, from the interval of each: distances add like
/// standard errors. Zou and Donner, "Construction of Confidence Limits about Effect Measures", *Statistics in
/// Medicine* 27 (2008).
pub fn both(centre: f64, first: Interval, second: Interval) -> Interval {
    Interval {
        low: centre - (centre - first.low).hypot(centre - second.low),
        high: centre + (first.high - centre).hypot(second.high - centre),
    }
}

/// The range between the 2.5 % and the 97.5 % percentile; `None` of nothing.
pub fn percentiles(mut numbers: Vec<f64>) -> Option<Interval> {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    let at = |share: f64| numbers[(share * last as f64).round() as usize];
    Some(Interval { low: at(0.025), high: at(0.975) })
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
    fn few_rows_leave_a_wide_interval() {
        // `statsmodels.stats.proportion.proportion_confint(count, rows, method="wilson")`
        for (share, rows, low, high) in [
            (0.8, 1_000, 0.774_081_0, 0.823_622_9),
            (20.0 / 27.0, 27, 0.553_214_3, 0.868_296_3),
            (1.0, 27, 0.875_445_0, 1.0),
        ] {
            let found = interval_of_rows(share, rows).expect("rows");
            assert!((found.low - low).abs() < 1e-6 && (found.high - high).abs() < 1e-6, "{found:?}");
        }
        assert_eq!((interval_of_rows(0.5, 0), interval_of_rows(f64::NAN, 3)), (None, None));
        let sum = both(1.0, Interval::around(1.0, 3.0), Interval::around(1.0, 4.0));
        assert_eq!((sum.low, sum.high), (-4.0, 6.0));
    }

    #[test]
    fn a_slope_is_the_rise_per_step() {
        assert_eq!(slope(&[1.0, 3.0, 5.0]), Some(2.0));
        assert_eq!(slope(&[1.0]), None);
    }
}

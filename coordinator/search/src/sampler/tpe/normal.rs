//! The normal distribution on intervals: probabilities, draws within the unit interval, and exponentials of many numbers at once.

use std::f64::consts::LOG2_E;

use sweep_proto::random::Stream;

use crate::normal::{below, pair};

/// Draws until one lies within the unit interval. A third of the probability lies within it at least, so one of a hundred billion
/// takes more.
const DRAWS_MAX: u32 = 64;

/// The probability that a standard normal number lies between two bounds.
pub(super) fn mass(low: f64, high: f64) -> f64 {
    // Tails are subtracted on the side where they are small, so that few digits cancel.
    if low > 0.0 {
        below(-low) - below(-high)
    } else if high < 0.0 {
        below(high) - below(low)
    } else {
        1.0 - below(low) - below(-high)
    }
}

/// A normal number that lies within the unit interval; `mean` does, and `deviation` is at most 1.
pub(super) fn draw_within(mean: f64, deviation: f64, random: &mut Stream) -> f64 {
    for _ in 0..DRAWS_MAX {
        let [drawn, _] = pair(random);
        let drawn = mean + deviation * drawn;
        if (0.0..=1.0).contains(&drawn) {
            return drawn;
        }
    }
    mean
}

/// Adding it leaves the nearest whole number in the last bits of a number.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// The part of ln 2 whose products with whole numbers up to 2^11 are exact, and the rest.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// One over the factorials of 2 to 13.
const OVER_FACTORIALS: [f64; 12] = [
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
];

/// The exponentials of numbers up to 700; below -700 it is that of -700, which is as good as nothing.
///
/// Sums, products and shifts only, each of all numbers at once: it gives the same bits on every machine, and compilers turn it into vector
/// instructions.
pub(super) fn exponentials<const COUNT: usize>(numbers: &mut [f64; COUNT]) {
    let exponents = numbers.map(|number| number.clamp(-700.0, 700.0));
    let shifted = exponents.map(|exponent| exponent * LOG2_E + ROUNDER);
    let rests: [f64; COUNT] = std::array::from_fn(|at| {
        let power = shifted[at] - ROUNDER;
        (exponents[at] - power * LN_2_HIGH) - power * LN_2_LOW
    });
    let mut series = [0.0; COUNT];
    for factor in OVER_FACTORIALS.iter().rev() {
        for (sum, rest) in series.iter_mut().zip(&rests) {
            *sum = *sum * rest + factor;
        }
    }
    for (at, number) in numbers.iter_mut().enumerate() {
        let of_rest = 1.0 + (rests[at] + rests[at] * rests[at] * series[at]);
        // Whole powers of two are numbers whose exponent bits say so.
        let scale = f64::from_bits((shifted[at].to_bits() << 52).wrapping_add(1_023 << 52));
        *number = of_rest * scale;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_two_parts_of_a_logarithm_are_the_whole() {
        assert_eq!(LN_2_HIGH + LN_2_LOW, std::f64::consts::LN_2);
    }

    /// From tables of the normal distribution.
    #[test]
    fn intervals_have_the_probabilities_of_tables() {
        let is_near =
            |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
        is_near(mass(-1.0, 1.0), 0.682_689_492_137_085_9);
        is_near(mass(-1.959_963_984_540_054, 1.959_963_984_540_054), 0.95);
        is_near(mass(6.0, 7.0), 9.853_078_324_938_08e-10);
        is_near(mass(-7.0, -6.0), 9.853_078_324_938_08e-10);
        is_near(mass(f64::NEG_INFINITY, 0.0), 0.5);
    }

    #[test]
    fn draws_follow_the_truncated_distribution() {
        for (mean, deviation) in [(0.5, 1.0), (0.0, 0.3), (1.0, 0.05), (0.3, 0.1)] {
            let mut random = Stream::new(1, "truncated", 0);
            let mut times = [0_u32; 10];
            for _ in 0..20_000 {
                times[((draw_within(mean, deviation, &mut random) * 10.0) as usize).min(9)] += 1;
            }
            let share = |low: f64, high: f64| mass((low - mean) / deviation, (high - mean) / deviation);
            let whole = share(0.0, 1.0);
            let chi_squared: f64 = (0..10)
                .map(|part| 20_000.0 * share(f64::from(part) / 10.0, f64::from(part + 1) / 10.0) / whole)
                .zip(times)
                .filter(|(expected, _)| *expected >= 5.0)
                .map(|(expected, count)| (f64::from(count) - expected).powi(2) / expected)
                .sum();
            // 99.9 % of the chi-squared distribution with nine degrees of freedom.
            assert!(chi_squared < 27.88, "{mean} {deviation}: {times:?}");
        }
    }

    proptest! {
        #[test]
        fn exponentials_are_those_of_the_library(numbers in prop::array::uniform8(-700.0..700.0_f64)) {
            let mut found = numbers;
            exponentials(&mut found);
            for (found, number) in found.iter().zip(numbers) {
                prop_assert!((found / libm::exp(number) - 1.0).abs() < 1e-14, "{} {}", number, found);
            }
        }
    }
}

//! A sum of real numbers that does not depend on their order, so that what is taken out again leaves no trace.

/// Binary digits after the point.
const FRACTION_BITS: i32 = 64;

/// Numbers from here on are counted, not summed: a million smaller ones still fit the sum.
const SUMMED_MAX: f64 = (1_u64 << 40) as f64;

/// Real numbers as one fixed-point number. Each is exact to 2⁻⁶⁴, far below what is shown of any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExactSum {
    /// Units of 2⁻⁶⁴, as a whole number of 128 bits: its upper half. In two parts it takes a third less memory.
    upper: i64,
    /// Its lower half.
    lower: u64,
    /// Numbers that are no measurement: not finite, or beyond [`SUMMED_MAX`].
    beyond: u32,
}

impl ExactSum {
    pub(crate) fn add(&mut self, number: f64) {
        match units(number) {
            Some(units) => self.set(self.units() + units),
            None => self.beyond += 1,
        }
    }

    /// Takes a number out that was added before.
    pub(crate) fn remove(&mut self, number: f64) {
        match units(number) {
            Some(units) => self.set(self.units() - units),
            None => self.beyond -= 1,
        }
    }

    fn units(&self) -> i128 {
        (i128::from(self.upper) << 64) | i128::from(self.lower)
    }

    fn set(&mut self, units: i128) {
        (self.upper, self.lower) = ((units >> 64) as i64, units as u64);
    }

    /// The mean of `count` numbers; infinite where one of them is no measurement.
    pub(crate) fn mean(&self, count: u32) -> f64 {
        if self.beyond > 0 {
            return f64::INFINITY;
        }
        self.units() as f64 / 2_f64.powi(FRACTION_BITS) / f64::from(count)
    }
}

fn units(number: f64) -> Option<i128> {
    (number.abs() < SUMMED_MAX).then(|| (number * 2_f64.powi(FRACTION_BITS)) as i128)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_taken_out_leaves_no_trace(
            kept in prop::collection::vec(prop::num::f64::ANY, 1..40),
            passing in prop::collection::vec(prop::num::f64::ANY, 0..40),
        ) {
            let sum = |numbers: &[f64]| {
                let mut sum = ExactSum::default();
                numbers.iter().for_each(|number| sum.add(*number));
                sum
            };
            let mut with = sum(&passing);
            kept.iter().rev().for_each(|number| with.add(*number));
            passing.iter().rev().for_each(|number| with.remove(*number));
            prop_assert_eq!(with, sum(&kept));
        }

        #[test]
        fn the_mean_is_that_of_the_numbers(losses in prop::collection::vec(0.0_f64..50.0, 1..100)) {
            let mut sum = ExactSum::default();
            losses.iter().for_each(|loss| sum.add(*loss));
            let mean = losses.iter().sum::<f64>() / losses.len() as f64;
            prop_assert!((sum.mean(losses.len() as u32) - mean).abs() <= 1e-13 * mean.max(1.0));
        }
    }

    #[test]
    fn what_is_no_measurement_is_worse_than_any() {
        for wrong in [f64::NAN, f64::INFINITY, 1e300] {
            let mut sum = ExactSum::default();
            sum.add(wrong);
            sum.add(1.0);
            assert!(sum.mean(2) > 1e300);
        }
    }
}

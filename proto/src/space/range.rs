//! A range of numbers: its bounds, its scale and its step.

use std::fmt;

use thiserror::Error;

use crate::configuration::Value;
use crate::hyperparameter::{Hyperparameter, Kind};

/// Most steps of a range: beyond that nobody tells neighbours apart.
const STEPS_MAX: f64 = 1e9;
/// Significant decimal digits of a value on a step: `0.1 + 2 × 0.1` is 0.3.
const STEP_DIGITS: usize = 12;

/// All numbers from `min` to `max`, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds<N> {
    /// The smallest value.
    pub min: N,
    /// The largest value; with a step the last value may lie below it.
    pub max: N,
    /// Whether equal ratios are equal distances: samplers draw from the logarithm, charts draw a logarithmic axis.
    pub log: bool,
    /// Only `min`, `min + step`, ... are values. `None`: all whole numbers, or all real ones.
    pub step: Option<N>,
}

/// The range of a hyperparameter, in the type of its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Whole numbers.
    Integer(Bounds<u64>),
    /// Real numbers.
    Real(Bounds<f64>),
}

/// Why a range is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RangeError {
    /// Its hyperparameter is not a number.
    #[error("{0} has no range, because it is {1}; list its values")]
    NotANumber(Hyperparameter, String),
    /// It decides how the dataset is encoded.
    #[error("{0} has no range, because each value needs a dataset of its own; list its values")]
    OfData(Hyperparameter),
    /// A bound is not a value of its hyperparameter.
    #[error("{bound} of {hyperparameter} must be {expected}, not {found}")]
    Bound {
        /// `min` or `max`.
        bound: &'static str,
        /// The hyperparameter.
        hyperparameter: Hyperparameter,
        /// What would have been right.
        expected: String,
        /// What was given.
        found: String,
    },
    /// There is nothing between its bounds.
    #[error("the range of {hyperparameter} must have min below max, not {min} and {max}")]
    Empty {
        /// The hyperparameter.
        hyperparameter: Hyperparameter,
        /// The lower bound.
        min: String,
        /// The upper bound.
        max: String,
    },
    /// Zero has no logarithm.
    #[error("the range of {0} cannot be logarithmic from 0 on; give it a min above 0")]
    LogOfZero(Hyperparameter),
    /// Both were asked for.
    #[error("the range of {0} has a step, so it cannot be logarithmic; leave out one of the two")]
    LogWithStep(Hyperparameter),
    /// A step that leads to no second value, or to too many.
    #[error(
        "step of {hyperparameter} must be above 0, at most max - min, and not below a billionth of it, not {found}"
    )]
    Step {
        /// The hyperparameter.
        hyperparameter: Hyperparameter,
        /// What was given.
        found: String,
    },
}

impl Range {
    /// A range, checked against the kind of its hyperparameter.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn new(
        hyperparameter: Hyperparameter,
        [min, max]: [Value; 2],
        log: bool,
        step: Option<Value>,
    ) -> Result<Self, RangeError> {
        let kind = hyperparameter.row().kind;
        if !matches!(kind, Kind::Integer { .. } | Kind::Real { .. }) {
            return Err(RangeError::NotANumber(hyperparameter, kind.to_string()));
        }
        if Hyperparameter::of_data().any(|one| one == hyperparameter) {
            return Err(RangeError::OfData(hyperparameter));
        }
        let [min, max] = [("min", min), ("max", max)].map(|(bound, value)| {
            let value = value.coerced(hyperparameter);
            value.check(hyperparameter).map(|()| value).map_err(|error| RangeError::Bound {
                bound,
                hyperparameter,
                expected: error.expected,
                found: error.found,
            })
        });
        let (min, max) = (min?, max?);
        if min >= max {
            let [min, max] = [min, max].map(|one| one.to_string());
            return Err(RangeError::Empty { hyperparameter, min, max });
        }
        let wrong_step = |step: &Value| RangeError::Step { hyperparameter, found: step.quoted() };
        let step = step.map(|step| step.coerced(hyperparameter));
        let range = match (&min, &max, &step) {
            (Value::Integer(min), Value::Integer(max), None | Some(Value::Integer(_))) => {
                let step = step
                    .as_ref()
                    .and_then(|step| if let Value::Integer(step) = step { Some(*step) } else { None });
                Self::Integer(Bounds { min: *min, max: *max, log, step })
            }
            (Value::Real(min), Value::Real(max), None | Some(Value::Real(_))) => {
                let step = step
                    .as_ref()
                    .and_then(|step| if let Value::Real(step) = step { Some(*step) } else { None });
                Self::Real(Bounds { min: *min, max: *max, log, step })
            }
            (_, _, Some(step)) => return Err(wrong_step(step)),
            // Bounds of one kind were checked above.
            (_, _, None) => return Err(RangeError::NotANumber(hyperparameter, kind.to_string())),
        };
        let is_from_zero = matches!(range, Self::Integer(Bounds { min: 0, .. }))
            || matches!(range, Self::Real(Bounds { min, .. }) if min <= 0.0);
        match &step {
            Some(step) if !range.has_fitting_step() => Err(wrong_step(step)),
            Some(_) if log => Err(RangeError::LogWithStep(hyperparameter)),
            _ if log && is_from_zero => Err(RangeError::LogOfZero(hyperparameter)),
            _ => Ok(range),
        }
    }

    fn has_fitting_step(&self) -> bool {
        match self {
            Self::Integer(Bounds { min, max, step, .. }) => {
                step.is_none_or(|step| step > 0 && step <= max - min)
            }
            Self::Real(Bounds { min, max, step, .. }) => step.is_none_or(|step| {
                step.is_finite() && step > 0.0 && step <= max - min && (max - min) / step <= STEPS_MAX
            }),
        }
    }

    /// The smallest and the largest bound.
    pub fn bounds(&self) -> [Value; 2] {
        match self {
            Self::Integer(bounds) => [bounds.min, bounds.max].map(Value::Integer),
            Self::Real(bounds) => [bounds.min, bounds.max].map(Value::Real),
        }
    }

    /// Whether equal ratios are equal distances.
    pub fn is_log(&self) -> bool {
        match self {
            Self::Integer(bounds) => bounds.log,
            Self::Real(bounds) => bounds.log,
        }
    }

    /// The step, where it has one.
    pub fn step(&self) -> Option<Value> {
        match self {
            Self::Integer(bounds) => bounds.step.map(Value::Integer),
            Self::Real(bounds) => bounds.step.map(Value::Real),
        }
    }

    /// Whether a value lies between the bounds and on a step.
    pub fn contains(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Integer(bounds), Value::Integer(number)) => {
                (bounds.min..=bounds.max).contains(number)
                    && (number - bounds.min).is_multiple_of(bounds.step.unwrap_or(1))
            }
            (Self::Real(bounds), Value::Real(number)) => bounds.contains(*number),
            _ => false,
        }
    }

    /// Up to that many values, at equal distances on its scale, both ends among them.
    pub fn spread(&self, count: u64) -> Vec<Value> {
        let count = self.count().map_or(count, |values| values.min(count)).max(2);
        let mut values: Vec<Value> =
            (0..count).map(|at| self.at_share(at as f64 / (count - 1) as f64)).collect();
        values.dedup();
        values
    }

    /// The value at a share of the way from `min` to `max` on its scale, on its nearest step.
    fn at_share(&self, share: f64) -> Value {
        let between = |min: f64, max: f64, is_log: bool| {
            if is_log { min * (max / min).powf(share) } else { min + share * (max - min) }
        };
        match self {
            Self::Integer(Bounds { min, max, log, step }) => {
                let step = step.unwrap_or(1);
                let steps = (between(*min as f64, *max as f64, *log) - *min as f64) / step as f64;
                Value::Integer(min + (steps.round() as u64).min((max - min) / step) * step)
            }
            Self::Real(bounds) => {
                let exact = between(bounds.min, bounds.max, bounds.log).clamp(bounds.min, bounds.max);
                let on_step = |step: f64| bounds.on_step(((exact - bounds.min) / step).round() as u64);
                Value::Real(bounds.step.map_or(exact, on_step))
            }
        }
    }

    /// Whether it holds every value of another range, on the same scale and steps.
    pub fn widens(&self, other: &Self) -> bool {
        let is_on_step = |number: Value| self.contains(&number);
        self.is_log() == other.is_log()
            && self.step() == other.step()
            && other.bounds().into_iter().take(if self.step().is_some() { 1 } else { 2 }).all(is_on_step)
            && self.bounds()[1] >= other.bounds()[1]
    }

    /// The n-th value; `None` past the end, and of real numbers without a step.
    pub(super) fn nth(&self, number: u64) -> Option<Value> {
        match self {
            Self::Integer(bounds) => {
                let value = bounds.min.checked_add(number.checked_mul(bounds.step.unwrap_or(1))?)?;
                (value <= bounds.max).then_some(Value::Integer(value))
            }
            Self::Real(bounds) => {
                let is_within = bounds.steps().is_some_and(|steps| number <= steps);
                is_within.then(|| Value::Real(bounds.on_step(number)))
            }
        }
    }

    /// Which of its values a value is: the inverse of [`Self::nth`].
    pub(super) fn number(&self, value: &Value) -> Option<u64> {
        match (self, value) {
            _ if !self.contains(value) => None,
            (Self::Integer(bounds), Value::Integer(number)) => {
                Some((number - bounds.min) / bounds.step.unwrap_or(1))
            }
            (Self::Real(bounds), Value::Real(number)) => {
                bounds.step.map(|step| ((number - bounds.min) / step).round() as u64)
            }
            _ => None,
        }
    }

    /// Number of values; `None` of real numbers without a step.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Integer(bounds) => Some((bounds.max - bounds.min) / bounds.step.unwrap_or(1) + 1),
            Self::Real(bounds) => bounds.steps().map(|steps| steps + 1),
        }
    }
}

impl Bounds<f64> {
    /// Number of steps that lie in the range.
    pub fn steps(&self) -> Option<u64> {
        // The last one shall not be lost to rounding.
        self.step.map(|step| ((self.max - self.min) / step + 1e-9).floor() as u64)
    }

    /// The value after that many steps, rounded to a short decimal number; `min` where there is no step.
    pub fn on_step(&self, number: u64) -> f64 {
        let Some(step) = self.step.filter(|_| number > 0) else { return self.min };
        let exact = number as f64 * step + self.min;
        let short = format!("{exact:.*e}", STEP_DIGITS - 1);
        short.parse().unwrap_or(exact).clamp(self.min, self.max)
    }

    fn contains(&self, number: f64) -> bool {
        let is_on_step = |step: f64| {
            let nearest = ((number - self.min) / step).round();
            self.on_step(nearest as u64).total_cmp(&number).is_eq()
        };
        number >= self.min && number <= self.max && self.step.is_none_or(is_on_step)
    }
}

/// As it is written in a sweep file: `{ min = 0.0003, max = 0.01, log = true }`.
impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [min, max] = self.bounds();
        write!(formatter, "{{ min = {min}, max = {max}")?;
        if self.is_log() {
            formatter.write_str(", log = true")?;
        }
        if let Some(step) = self.step() {
            write!(formatter, ", step = {step}")?;
        }
        formatter.write_str(" }")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(
        hyperparameter: Hyperparameter,
        min: impl Into<Value>,
        max: impl Into<Value>,
        log: bool,
        step: Option<Value>,
    ) -> Result<Range, String> {
        Range::new(hyperparameter, [min.into(), max.into()], log, step).map_err(|error| error.to_string())
    }

    impl From<u64> for Value {
        fn from(number: u64) -> Self {
            Value::Integer(number)
        }
    }

    impl From<f64> for Value {
        fn from(number: f64) -> Self {
            Value::Real(number)
        }
    }

    #[test]
    fn a_range_that_cannot_be_is_refused_in_words() {
        use Hyperparameter::{Cell, Dropout, LearningRate, MaxLength, Units};
        let refused = |range: Result<Range, String>, says: &str| {
            let error = range.expect_err(says);
            assert!(error.contains(says), "{error}");
        };
        refused(of(Cell, 1, 2, false, None), "cell has no range, because it is one of");
        refused(of(MaxLength, 10, 20, false, None), "needs a dataset of its own");
        refused(of(Units, 0, 20, false, None), "min of units must be a whole number from 1 to 8192, not 0");
        refused(of(Units, 1.5, 20, false, None), "min of units must be a whole number");
        refused(of(LearningRate, 0.1, f64::NAN, false, None), "max of learning_rate must be");
        refused(of(Units, 20, 20, false, None), "min below max, not 20 and 20");
        refused(of(Dropout, 0.0, 0.5, true, None), "cannot be logarithmic from 0");
        refused(of(Units, 8, 64, true, Some(Value::Integer(8))), "leave out one of the two");
        for step in [Value::Integer(0), Value::Integer(57), Value::Real(0.5)] {
            refused(of(Units, 8, 64, false, Some(step)), "step of units must be above 0");
        }
        for step in [0.0, -0.1, 0.6, f64::NAN, f64::INFINITY, 1e-12] {
            refused(of(Dropout, 0.0, 0.5, false, Some(Value::Real(step))), "step of dropout must be above 0");
        }
    }

    #[test]
    fn steps_lead_to_short_numbers_and_to_the_end() {
        let range = of(Hyperparameter::Dropout, 0.1, 0.7, false, Some(Value::Real(0.1))).expect("a range");
        let Range::Real(bounds) = range else { panic!("not real") };
        let all: Vec<f64> = (0..range.count().expect("finite")).map(|at| bounds.on_step(at)).collect();
        assert_eq!(all, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]);
        assert!(all.iter().all(|one| range.contains(&Value::Real(*one))));
        assert!(!range.contains(&Value::Real(0.1 + 2.0 * 0.1)), "a number beside a step is not on it");
    }

    proptest! {
        #[test]
        fn every_step_of_a_range_is_contained_and_nothing_beyond(
            min in 1_u64..50, extent in 1_u64..200, step in 1_u64..60, other in 0_u64..400,
        ) {
            let step = step.min(extent);
            let range = of(Hyperparameter::Units, min, min + extent, false, Some(Value::Integer(step))).expect("a range");
            let expected = other >= min && other <= min + extent && (other - min) % step == 0;
            prop_assert_eq!(range.contains(&Value::Integer(other)), expected);
            let contained: Vec<_> = (0..400).map(Value::Integer).filter(|one| range.contains(one)).collect();
            prop_assert_eq!(range.count(), Some(contained.len() as u64));
            for (number, value) in (0..).zip(&contained) {
                prop_assert_eq!(range.nth(number), Some(value.clone()));
                prop_assert_eq!(range.number(value), Some(number));
            }
            prop_assert_eq!(range.nth(contained.len() as u64), None);
        }

        #[test]
        fn values_spread_over_a_range_lie_in_it(
            min in 1_u64..50, extent in 1_u64..200, step in 1_u64..60, count in 2_u64..9, log: bool,
        ) {
            let step = (!log).then(|| Value::Integer(step.min(extent)));
            let range = of(Hyperparameter::Units, min, min + extent, log, step).expect("a range");
            let spread = range.spread(count);
            prop_assert!(spread.iter().all(|value| range.contains(value)), "{:?}", spread);
            prop_assert!(spread.is_sorted() && spread.first() == Some(&Value::Integer(min)));
            prop_assert!(spread.len() as u64 <= count.max(2));
        }

        #[test]
        fn every_real_step_is_contained(min in 0.0..0.3_f64, extent in 0.01..0.6_f64, parts in 1_u32..40) {
            let step = extent / f64::from(parts);
            let range = of(Hyperparameter::Dropout, min, min + extent, false, Some(Value::Real(step)));
            // Rounding may leave the step a hair above the extent.
            prop_assume!(range.is_ok());
            let Ok(Range::Real(bounds)) = range else { panic!("not real") };
            for number in 0..=bounds.steps().expect("a step") {
                prop_assert!(bounds.contains(bounds.on_step(number)), "{} of {:?}", number, bounds);
                prop_assert_eq!(Range::Real(bounds).number(&Value::Real(bounds.on_step(number))), Some(number));
            }
        }
    }
}

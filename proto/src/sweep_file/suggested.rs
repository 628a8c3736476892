//! Bounds and a step that a remedy suggests for a range: what was written stays where it can.

use crate::configuration::Value;
use crate::hyperparameter::{Hyperparameter, Kind};

/// What was read of a range: its bounds where they are of the hyperparameter's kind, and whether it is logarithmic.
#[derive(Clone, Copy, Default)]
pub(super) struct Given<'a> {
    pub(super) min: Option<&'a Value>,
    pub(super) max: Option<&'a Value>,
    pub(super) is_log: bool,
}

/// A range that can be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Suggested {
    pub(super) min: Value,
    pub(super) max: Value,
    pub(super) step: Value,
}

impl Suggested {
    /// Some of it as it stands in a sweep file: `min = 8, max = 64`.
    pub(super) fn written(&self, keys: &[&str]) -> String {
        let all = [("min", &self.min), ("max", &self.max), ("step", &self.step)];
        let wanted = all.into_iter().filter(|(key, _)| keys.contains(key));
        wanted.map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
    }
}

/// A range of a hyperparameter that is a number: around its default, and with the bounds that were given.
pub(super) fn suggested(hyperparameter: Hyperparameter, given: Given<'_>) -> Option<Suggested> {
    let row = hyperparameter.row();
    let (least, greatest, factor) = match row.kind {
        Kind::Integer { min, max } => (min as f64, max as f64, 4.0),
        Kind::Real { min, max, .. } => (min, max, 10.0),
        Kind::Flag | Kind::Choice(_) => return None,
    };
    let default = number(&Value::from(row.default))?;
    let [min, max] = [given.min, given.max].map(|bound| bound.and_then(number));
    let (mut min, mut max) = match (min, max) {
        (Some(min), Some(max)) if min > max => (max, min),
        (Some(min), Some(max)) => (min, max),
        (Some(min), None) => (min, default.max(min) * factor),
        (None, Some(max)) => (default.min(max) / factor, max),
        (None, None) => (default / factor, default * factor),
    };
    if max <= min {
        max = if max > 0.0 { max * factor } else { greatest };
    }
    max = max.min(greatest);
    min = min.max(least);
    if max <= min {
        min = least;
    }
    let is_whole = matches!(row.kind, Kind::Integer { .. });
    if given.is_log && min <= 0.0 {
        min = if is_whole { 1.0 } else { max / 100.0 };
    }
    if max <= min {
        max = (min * factor).min(greatest);
    }
    let step = if is_whole { ((max - min) / 8.0).floor().max(1.0) } else { round(max - min) / 10.0 };
    let value =
        |number: f64| if is_whole { Value::Integer(number as u64) } else { Value::Real(short(number)) };
    Some(Suggested { min: value(min), max: value(max), step: value(step) })
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Real(number) => Some(*number),
        Value::Flag(_) | Value::Word(_) => None,
    }
}

/// A number of one digit, as steps are written.
fn round(number: f64) -> f64 {
    format!("{number:.0e}").parse().unwrap_or(number)
}

/// A number of three digits, as a person writes it.
fn short(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Range;

    #[test]
    fn what_is_suggested_is_a_range_whatever_was_given() {
        for hyperparameter in Hyperparameter::ALL.iter().copied() {
            if Hyperparameter::of_data().any(|one| one == hyperparameter) {
                continue;
            }
            let value = |number: f64| match hyperparameter.row().kind {
                Kind::Integer { .. } => Value::Integer(number as u64),
                _ => Value::Real(number),
            };
            let Some(plain) = suggested(hyperparameter, Given::default()) else { continue };
            let values = [None, Some(value(0.0)), Some(value(1.0)), Some(plain.min), Some(plain.max)];
            for (min, max, is_log) in values
                .iter()
                .flat_map(|min| values.iter().flat_map(move |max| [(min, max, false), (min, max, true)]))
            {
                let fits = |one: &&Value| (*one).check(hyperparameter).is_ok();
                let [min, max] = [min, max].map(|one| one.as_ref().filter(fits));
                let told = suggested(hyperparameter, Given { min, max, is_log }).expect("a number");
                let bounds = || [told.min.clone(), told.max.clone()];
                for (log, step) in [(is_log, None), (false, Some(told.step.clone()))] {
                    let range = Range::new(hyperparameter, bounds(), log, step);
                    assert!(
                        range.is_ok(),
                        "{hyperparameter} beside {min:?} and {max:?}: {told:?} is none, {range:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_was_written_stays() {
        let of = |min: Option<f64>, max: Option<f64>, is_log| {
            let [min, max] = [min, max].map(|one| one.map(Value::Real));
            let told =
                suggested(Hyperparameter::Dropout, Given { min: min.as_ref(), max: max.as_ref(), is_log });
            told.map(|told| (told.min.to_string(), told.max.to_string(), told.step.to_string()))
                .expect("a number")
        };
        assert_eq!(of(Some(0.5), Some(0.1), false), ("0.1".into(), "0.5".into(), "0.04".into()));
        assert_eq!(of(Some(0.0), Some(0.5), true), ("0.005".into(), "0.5".into(), "0.05".into()));
        assert_eq!(of(None, Some(0.5), false).1, "0.5");
    }
}

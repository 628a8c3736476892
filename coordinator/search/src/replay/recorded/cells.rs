//! Reads single cells.

use sweep_proto::{Hyperparameter, Kind, Value};

use super::columns::shown;

/// Whole numbers up to here are exact where another program has written them as real ones.
const EXACT_MAX: f64 = 9e15;

/// The value of a hyperparameter, also where other programs write it in another way than this one: `16.0`, `1e-3`, `True`.
pub(super) fn value(hyperparameter: Hyperparameter, text: &str) -> Result<Value, String> {
    let text = text.trim();
    let read = match hyperparameter.row().kind {
        Kind::Integer { .. } => text.parse().ok().or_else(|| whole(text)).map(Value::Integer),
        Kind::Real { .. } => text.parse().ok().map(Value::Real),
        Kind::Flag => text.to_ascii_lowercase().parse().ok().map(Value::Flag),
        Kind::Choice(_) => Some(Value::Word(text.to_owned())),
    };
    let name = hyperparameter.name();
    let value = read.ok_or_else(|| {
        format!(
            "{name} is `{}`; write a value as in sweep files (`sweep hyperparameters` tells which)",
            shown(text)
        )
    })?;
    value.check(hyperparameter).map_err(|problem| format!("{name} is `{}`: {problem}", shown(text)))?;
    Ok(value)
}

fn whole(text: &str) -> Option<u64> {
    let number: f64 = text.parse().ok()?;
    ((0.0..EXACT_MAX).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

/// A number of something.
pub(super) fn count(name: &str, text: &str, least: u64) -> Result<u64, String> {
    let number: Option<u64> = text.trim().parse().ok().or_else(|| whole(text.trim()));
    number
        .filter(|number| *number >= least && u32::try_from(*number).is_ok())
        .ok_or_else(|| format!("{name} is `{}`; write a whole number from {least} on", shown(text)))
}

/// A measured value; where there is none, or it is no number, one that is not finite.
pub(super) fn measured(name: &str, text: &str) -> Result<f64, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(f64::NAN);
    }
    text.parse()
        .map_err(|_| format!("{name} is `{}`; write a number, or NaN where the trial diverged", shown(text)))
}

/// Milliseconds of an epoch.
pub(super) fn milliseconds(text: &str, in_one: f64) -> Result<u64, String> {
    /// A hundred years.
    const MS_MAX: f64 = 3.2e12;
    let number: Option<f64> = text.trim().parse().ok().map(|number: f64| number * in_one);
    number
        .filter(|ms| (0.0..=MS_MAX).contains(ms))
        .map(|ms| ms.round() as u64)
        .ok_or_else(|| format!("the time of the epoch is `{}`; write a number from 0 on", shown(text)))
}

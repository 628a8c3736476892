//! A search space and its search as they are hashed for signatures.

use serde::Serialize;
use sweep_proto::{Amount, Axis, Budget, Condition, Domain, Range, Search, Value};

use super::sweep::Scalar;

/// What an axis may take. What came after ranges is left out where an axis has none, so that earlier hashes hold.
#[derive(Serialize)]
pub(super) struct Space {
    hyperparameter: &'static str,
    levels: Vec<Scalar>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Bounds>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    when: Vec<Choice>,
}

impl Space {
    pub(super) fn of(axis: &Axis) -> Self {
        let Axis { hyperparameter, domain, when } = axis;
        let (levels, range) = match domain {
            Domain::Levels(levels) => (scalars(levels), None),
            Domain::Range(range) => (Vec::new(), Some(Bounds::of(range))),
        };
        Self {
            hyperparameter: hyperparameter.name(),
            levels,
            range,
            when: when.iter().map(Choice::of).collect(),
        }
    }
}

fn scalars(values: &[Value]) -> Vec<Scalar> {
    values.iter().cloned().map(Scalar::of).collect()
}

#[derive(Serialize)]
struct Bounds {
    min: Scalar,
    max: Scalar,
    log: bool,
    step: Option<Scalar>,
}

impl Bounds {
    fn of(range: &Range) -> Self {
        let [min, max] = range.bounds().map(Scalar::of);
        Self { min, max, log: range.is_log(), step: range.step().map(Scalar::of) }
    }
}

#[derive(Serialize)]
struct Choice {
    hyperparameter: &'static str,
    values: Vec<Scalar>,
}

impl Choice {
    fn of(condition: &Condition) -> Self {
        let Condition { hyperparameter, values } = condition;
        Self { hyperparameter: hyperparameter.name(), values: scalars(values) }
    }
}

#[derive(Serialize)]
pub(super) struct Searched {
    sampler: &'static str,
    pruner: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    eta: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_epochs: Option<u32>,
    trials: Option<u32>,
    epochs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    money: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_per_hour: Option<f64>,
}

impl Searched {
    pub(super) fn of(search: &Search) -> Self {
        let Search { sampler, pruner, eta, min_epochs, budget } = search;
        let Budget { trials, epochs, hours, money, price_per_hour } = budget;
        Self {
            sampler: sampler.name(),
            pruner: pruner.name(),
            eta: *eta,
            min_epochs: *min_epochs,
            trials: *trials,
            epochs: *epochs,
            hours: hours.map(Amount::get),
            money: money.map(Amount::get),
            price_per_hour: price_per_hour.map(Amount::get),
        }
    }
}

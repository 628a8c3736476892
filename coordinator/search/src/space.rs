//! The space that samplers search: coordinates in the unit cube, and the configurations that they stand for.

use sweep_proto::space::{Look, places, with_values};
use sweep_proto::{Axis, Bounds, Configuration, Constraint, Domain, Range, SweepSpec, Value};

/// Significant decimal digits of a sampled real number: nobody reads more, and rounding hides in which way a machine computes
/// logarithms.
const REAL_DIGITS: usize = 6;

/// The values that a sweep may try.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    fixed: Configuration,
    axes: Vec<Axis>,
    constraints: Vec<Constraint>,
}

impl Space {
    /// The space of a sweep.
    pub fn of(spec: &SweepSpec) -> Self {
        Self { fixed: spec.fixed.clone(), axes: spec.axes.clone(), constraints: spec.constraints.to_vec() }
    }

    /// The space of these axes alone: without constraints, and with the defaults of all else.
    pub fn over(axes: Vec<Axis>) -> Self {
        Self { fixed: Configuration::default(), axes, constraints: Vec::new() }
    }

    /// Its axes: a point has a coordinate for each of them.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The configuration at a point of the unit cube, one coordinate in `[0, 1)` for each axis. `None` where a constraint forbids
    /// it. Coordinates of inactive axes have no effect.
    pub fn configuration(&self, point: &[f64]) -> Option<Configuration> {
        let values = self.axes.iter().zip(point).map(|(axis, unit)| value_at(axis, *unit));
        let values = values.collect::<Option<Vec<Value>>>()?;
        self.allowed(with_values(&self.axes, &self.fixed, &values)?)
    }

    /// The coordinates of a configuration: the middle of the part of the cube that stands for it, and along inactive axes the middle.
    pub fn coordinates(&self, configuration: &Configuration) -> Vec<f64> {
        let coordinate = |axis: &Axis| {
            let value = configuration.get(axis.hyperparameter);
            if axis.is_active(configuration) { coordinate_of(axis, &value) } else { 0.5 }
        };
        self.axes.iter().map(coordinate).collect()
    }

    /// Whether a configuration is one of the space: each active axis contains its value, all else is as it is fixed, and every constraint
    /// holds.
    pub fn contains(&self, configuration: &Configuration) -> bool {
        let is_allowed = |(hyperparameter, value)| {
            let axis = self.axes.iter().find(|axis| axis.hyperparameter == hyperparameter);
            match axis.filter(|axis| axis.is_active(configuration)) {
                Some(axis) => axis.contains(&value),
                None => self.fixed.get(hyperparameter) == value,
            }
        };
        configuration.iter().all(is_allowed) && self.allowed(configuration.clone()).is_some()
    }

    /// Number of places in the product of all axes, some of which may be forbidden or stand for no configuration of their own;
    /// `None` where an axis is continuous, or there are more than 64 bits count.
    pub fn places(&self) -> Option<u64> {
        places(&self.axes)
    }

    /// A look at its places, one by one; `None` where an axis is continuous.
    pub fn look(&self) -> Option<Look<'_>> {
        Look::new(&self.axes, &self.constraints, &self.fixed)
    }

    /// What is computed at one place: its axes, and the terms of all constraints.
    pub fn terms(&self) -> u64 {
        self.axes.len() as u64 + self.constraints.iter().map(Constraint::terms).sum::<u64>()
    }

    fn allowed(&self, configuration: Configuration) -> Option<Configuration> {
        let is_allowed = self.constraints.iter().all(|constraint| constraint.holds(&configuration));
        is_allowed.then_some(configuration)
    }
}

/// The value of an axis at a coordinate in `[0, 1)`.
fn value_at(axis: &Axis, unit: f64) -> Option<Value> {
    let unit = if unit.is_nan() { 0.0 } else { unit.clamp(0.0, 1.0) };
    match &axis.domain {
        Domain::Range(Range::Real(bounds)) if bounds.step.is_none() => {
            Some(Value::Real(real_at(bounds, unit)))
        }
        Domain::Range(Range::Integer(bounds)) if bounds.log => Some(Value::Integer(integer_at(bounds, unit))),
        _ => {
            let size = axis.size()?;
            axis.nth(((unit * size as f64) as u64).min(size.saturating_sub(1)))
        }
    }
}

/// The coordinate of a value: the middle of those that stand for it.
pub(crate) fn coordinate_of(axis: &Axis, value: &Value) -> f64 {
    let middle = |number: u64| (number as f64 + 0.5) / axis.size().map_or(1.0, |size| size.max(1) as f64);
    match (&axis.domain, value) {
        (Domain::Levels(levels), value) => {
            levels.iter().position(|level| level == value).map_or(0.5, |at| middle(at as u64))
        }
        (Domain::Range(Range::Integer(bounds)), Value::Integer(value)) if bounds.log => {
            let [low, high] = log_ends(bounds);
            (libm::log(*value as f64) - low) / (high - low)
        }
        (Domain::Range(Range::Integer(bounds)), Value::Integer(value)) => {
            middle(value.saturating_sub(bounds.min) / bounds.step.unwrap_or(1))
        }
        (Domain::Range(Range::Real(bounds)), Value::Real(value)) => match bounds.step {
            Some(step) => middle(((value - bounds.min) / step).round() as u64),
            None if bounds.log => {
                (libm::log(*value) - libm::log(bounds.min)) / (libm::log(bounds.max) - libm::log(bounds.min))
            }
            None => (value - bounds.min) / (bounds.max - bounds.min),
        },
        _ => 0.5,
    }
}

fn real_at(bounds: &Bounds<f64>, unit: f64) -> f64 {
    let exact = if bounds.log {
        let (low, high) = (libm::log(bounds.min), libm::log(bounds.max));
        libm::exp(low + unit * (high - low))
    } else {
        bounds.min + unit * (bounds.max - bounds.min)
    };
    let short = format!("{exact:.*e}", REAL_DIGITS - 1);
    short.parse().unwrap_or(exact).clamp(bounds.min, bounds.max)
}

/// Each number stands for the part of the axis that rounds to it.
fn integer_at(bounds: &Bounds<u64>, unit: f64) -> u64 {
    let [low, high] = log_ends(bounds);
    (libm::exp(low + unit * (high - low)).round() as u64).clamp(bounds.min, bounds.max)
}

fn log_ends(bounds: &Bounds<u64>) -> [f64; 2] {
    [libm::log(bounds.min as f64 - 0.5), libm::log(bounds.max as f64 + 0.5)]
}

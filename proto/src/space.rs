//! The search space: axes, each a hyperparameter with the values that it may take, and what restricts them together.

mod check;
mod constraint;
mod constraints;
mod effort;
mod look;
pub(crate) mod points;
mod range;
mod row;

use serde::{Deserialize, Serialize};

pub use check::{Part, SpaceProblem, problems, problems_beside};
pub use constraint::{Constraint, ConstraintError, EXPRESSION_CHARS_MAX, TERMS_MAX};
pub use constraints::Constraints;
pub(crate) use effort::is_quick_to_look_at;
pub use effort::{CONSTRAINTS_MAX, POINTS_LOOKED_AT_MAX, TERMS_COMPUTED_MAX, too_much_to_look_at};
pub use look::Look;
pub use range::{Bounds, Range, RangeError};

use crate::configuration::{Configuration, Value};
use crate::hyperparameter::Hyperparameter;

/// The least and the greatest number that a hyperparameter has in a space; not numbers where it is none.
pub fn numbers_of(axes: &[Axis], fixed: &Configuration, hyperparameter: Hyperparameter) -> [f64; 2] {
    let axis = axes.iter().find(|axis| axis.hyperparameter == hyperparameter);
    let swept = axis.and_then(Axis::extremes).map(|ends| ends.map(|end| constraint::number_of(&end)));
    let fixed = constraint::number_of(&fixed.get(hyperparameter));
    match (axis, swept) {
        // Where a condition does not hold, it has its fixed value.
        (Some(axis), Some([least, greatest])) if !axis.when.is_empty() => {
            [least.min(fixed), greatest.max(fixed)]
        }
        (_, Some(ends)) => ends,
        _ => [fixed; 2],
    }
}

/// The values that a swept hyperparameter may take.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// Its levels, distinct and in the order of the sweep file: at least one.
    Levels(Vec<Value>),
    /// All numbers between two bounds.
    Range(Range),
}

/// One swept hyperparameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "row::AxisRow", into = "row::AxisRow")]
pub struct Axis {
    /// The hyperparameter.
    pub hyperparameter: Hyperparameter,
    /// The values it may take.
    pub domain: Domain,
    /// Conditions under which it is active, all of which must hold. Where one does not, it has its fixed value.
    pub when: Vec<Condition>,
}

/// One of these values of another hyperparameter, which is always active itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The other hyperparameter.
    pub hyperparameter: Hyperparameter,
    /// Its values with which the condition holds.
    pub values: Vec<Value>,
}

impl Condition {
    /// Whether a configuration fulfils it.
    pub fn holds(&self, configuration: &Configuration) -> bool {
        self.values.contains(&configuration.get(self.hyperparameter))
    }
}

impl Axis {
    /// An axis of levels that is always active.
    pub fn of_levels(hyperparameter: Hyperparameter, levels: Vec<Value>) -> Self {
        Self { hyperparameter, domain: Domain::Levels(levels), when: Vec::new() }
    }

    /// An axis over a range that is always active.
    pub fn of_range(hyperparameter: Hyperparameter, range: Range) -> Self {
        Self { hyperparameter, domain: Domain::Range(range), when: Vec::new() }
    }

    /// Its levels in the order of the sweep file; none of a range.
    pub fn levels(&self) -> &[Value] {
        match &self.domain {
            Domain::Levels(levels) => levels,
            Domain::Range(_) => &[],
        }
    }

    /// Its range; `None` where it has levels.
    pub fn range(&self) -> Option<&Range> {
        match &self.domain {
            Domain::Levels(_) => None,
            Domain::Range(range) => Some(range),
        }
    }

    /// Whether a value is one of its levels, or within its range and on its steps.
    pub fn contains(&self, value: &Value) -> bool {
        match &self.domain {
            Domain::Levels(levels) => levels.contains(value),
            Domain::Range(range) => range.contains(value),
        }
    }

    /// Whether all its conditions hold, so that its hyperparameter is varied.
    pub fn is_active(&self, configuration: &Configuration) -> bool {
        self.when.iter().all(|condition| condition.holds(configuration))
    }

    /// The largest of its values.
    pub fn largest(&self) -> Option<Value> {
        self.extremes().map(|[_, largest]| largest)
    }

    /// The smallest and the largest of its values.
    pub fn extremes(&self) -> Option<[Value; 2]> {
        match &self.domain {
            Domain::Levels(levels) => Some([levels.iter().min()?.clone(), levels.iter().max()?.clone()]),
            Domain::Range(range) => Some(range.bounds()),
        }
    }

    /// Takes over what is added by an extension: further levels, or a wider range.
    ///
    /// # Errors
    /// Says in words why it cannot.
    pub fn grow(&mut self, added: &Self) -> Result<(), String> {
        let hyperparameter = self.hyperparameter;
        if !added.when.is_empty() && added.when != self.when {
            return Err(format!("the conditions of {hyperparameter} cannot change; launch a new sweep"));
        }
        match (&mut self.domain, &added.domain) {
            (Domain::Levels(levels), Domain::Levels(more)) => {
                if let Some(level) = more.iter().find(|level| levels.contains(level)) {
                    return Err(format!(
                        "{hyperparameter} already has the level {}; name only levels to add",
                        level.quoted()
                    ));
                }
                levels.extend(more.iter().cloned());
            }
            (Domain::Range(range), Domain::Range(wider)) if wider.widens(range) => *range = *wider,
            (Domain::Range(range), Domain::Range(_)) => {
                return Err(format!(
                    "the range of {hyperparameter} can only become wider: it must hold {range}, on the same scale and steps"
                ));
            }
            (Domain::Range(range), Domain::Levels(_)) => {
                return Err(format!(
                    "{hyperparameter} has a range: widen it, for example {hyperparameter} = {range}"
                ));
            }
            (Domain::Levels(_), Domain::Range(_)) => {
                return Err(format!(
                    "{hyperparameter} has levels: add levels, or launch a new sweep with the range"
                ));
            }
        }
        Ok(())
    }

    /// This axis where its hyperparameter was fixed so far: what ran, ran with that value, which becomes the first level.
    ///
    /// # Errors
    /// Where a range does not hold it.
    pub fn from_fixed(mut self, fixed: Value) -> Result<Self, String> {
        match &mut self.domain {
            Domain::Levels(levels) if levels.contains(&fixed) => {
                return Err(format!(
                    "{} already has the level {}, with which the trials so far ran; name only levels to add",
                    self.hyperparameter,
                    fixed.quoted()
                ));
            }
            Domain::Levels(levels) => levels.insert(0, fixed),
            Domain::Range(range) if range.contains(&fixed) => {}
            Domain::Range(_) => {
                return Err(format!(
                    "the range of {} must hold {fixed}, with which the trials so far ran",
                    self.hyperparameter
                ));
            }
        }
        Ok(self)
    }

    /// The n-th value of an axis that has a number of them.
    pub fn nth(&self, number: u64) -> Option<Value> {
        match &self.domain {
            Domain::Levels(levels) => levels.get(usize::try_from(number).ok()?).cloned(),
            Domain::Range(range) => range.nth(number),
        }
    }

    /// Which of its values a value is: the inverse of [`Self::nth`].
    pub fn number(&self, value: &Value) -> Option<u64> {
        match &self.domain {
            Domain::Levels(levels) => Some(levels.iter().position(|level| level == value)? as u64),
            Domain::Range(range) => range.number(value),
        }
    }

    /// Number of values; `None` of a range of real numbers without a step.
    pub fn size(&self) -> Option<u64> {
        match &self.domain {
            Domain::Levels(levels) => Some(levels.len() as u64),
            Domain::Range(range) => range.count(),
        }
    }

    /// Whether it has more than one value, the fixed one of its inactivity included, so that configurations differ along it.
    pub fn varies(&self) -> bool {
        !self.when.is_empty() || self.size() != Some(1)
    }
}

/// Number of places in the product of axes, some of which may be forbidden or stand for no configuration of their own; `None` where
/// an axis is continuous, or there are more than 64 bits count.
pub fn places(axes: &[Axis]) -> Option<u64> {
    axes.iter().try_fold(1_u64, |product, axis| product.checked_mul(axis.size()?))
}

/// The configuration of one value for each axis; what is inactive has its fixed value. `None` where there are too few values, or
/// one that its hyperparameter cannot have.
pub fn with_values(axes: &[Axis], fixed: &Configuration, values: &[Value]) -> Option<Configuration> {
    if values.len() != axes.len() {
        return None;
    }
    let mut configuration = fixed.clone();
    // Conditions name axes that have none, so those are set first.
    for is_conditional in [false, true] {
        for (axis, value) in axes.iter().zip(values) {
            if axis.when.is_empty() != is_conditional && axis.is_active(&configuration) {
                configuration.set(axis.hyperparameter, value.clone()).ok()?;
            }
        }
    }
    Some(configuration)
}

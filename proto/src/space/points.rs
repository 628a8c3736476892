//! The points of a grid that its conditions and constraints allow, each once and in the order of the grid.
//!
//! A point is written in mixed radix over the levels of the axes, the last one fastest. Where an axis is inactive its
//! digit is 0, so that equal configurations are one point.

use super::constraint::number_of;
use super::{Axis, Constraint};
use crate::configuration::{Configuration, Value};
use crate::hyperparameter::Hyperparameter;

/// Most points of a grid before its conditions and constraints: half a second of looking at them.
pub const POINTS_LOOKED_AT_MAX: u64 = 10_000_000;

/// The allowed points of a grid.
pub(crate) struct Points {
    axes: Vec<Axis>,
    fixed: Configuration,
    /// Allowed points, ascending.
    allowed: Vec<u32>,
}

impl Points {
    /// Those of a grid; `None` where an axis has a range, or where there are more than [`POINTS_LOOKED_AT_MAX`] to look at.
    pub(crate) fn of(axes: &[Axis], constraints: &[Constraint], fixed: &Configuration) -> Option<Self> {
        let count = axes.iter().try_fold(1_u64, |count, axis| {
            count.checked_mul(axis.range().is_none().then_some(axis.levels().len() as u64)?)
        });
        let count = count.filter(|count| *count <= POINTS_LOOKED_AT_MAX)?;
        let mut look = Look::new(axes, fixed);
        let mut allowed = Vec::new();
        for point in 0..count as u32 {
            if look.is_allowed(constraints) {
                allowed.push(point);
            }
            look.advance();
        }
        allowed.shrink_to_fit();
        Some(Self { axes: axes.to_vec(), fixed: fixed.clone(), allowed })
    }

    /// Whether they are those of these axes; the constraints are those that were given when they were found.
    pub(crate) fn are_of(&self, axes: &[Axis], fixed: &Configuration) -> bool {
        self.axes == axes && self.fixed == *fixed
    }

    pub(crate) fn len(&self) -> u64 {
        self.allowed.len() as u64
    }

    /// The point at a position among those that are allowed.
    pub(crate) fn get(&self, position: u64) -> Option<u64> {
        self.allowed.get(usize::try_from(position).ok()?).map(|point| u64::from(*point))
    }

    /// The position of a point among those that are allowed.
    pub(crate) fn position(&self, point: u64) -> Option<u64> {
        let position = self.allowed.binary_search(&u32::try_from(point).ok()?).ok()?;
        Some(position as u64)
    }
}

/// One point after the other, with the numbers of its hyperparameters.
struct Look<'a> {
    axes: &'a [Axis],
    digits: Vec<usize>,
    /// Of each axis: for each condition the axis that it names, and whether it holds at each of its levels.
    conditions: Vec<Vec<(usize, Vec<bool>)>>,
    /// The levels of each axis, as constraints compute with them.
    numbers: Vec<Vec<f64>>,
    fixed: [f64; Hyperparameter::ALL.len()],
}

impl<'a> Look<'a> {
    fn new(axes: &'a [Axis], fixed: &Configuration) -> Self {
        let conditions = |axis: &Axis| {
            let of = |condition: &super::Condition| {
                let at = axes.iter().position(|one| one.hyperparameter == condition.hyperparameter)?;
                Some((at, axes[at].levels().iter().map(|level| condition.values.contains(level)).collect()))
            };
            axis.when.iter().filter_map(of).collect()
        };
        let mut numbers = [0.0; Hyperparameter::ALL.len()];
        for (hyperparameter, value) in fixed.iter() {
            numbers[hyperparameter as usize] = number_of(&value);
        }
        Self {
            axes,
            digits: vec![0; axes.len()],
            conditions: axes.iter().map(conditions).collect(),
            numbers: axes.iter().map(|axis| axis.levels().iter().map(number_of).collect()).collect(),
            fixed: numbers,
        }
    }

    fn is_active(&self, axis: usize) -> bool {
        self.conditions[axis].iter().all(|(named, holds)| holds[self.digits[*named]])
    }

    fn is_allowed(&self, constraints: &[Constraint]) -> bool {
        let mut numbers = self.fixed;
        for (at, axis) in self.axes.iter().enumerate() {
            if self.is_active(at) {
                numbers[axis.hyperparameter as usize] = self.numbers[at][self.digits[at]];
            } else if self.digits[at] != 0 {
                return false;
            }
        }
        constraints.iter().all(|constraint| constraint.holds_for(&|one| numbers[one as usize]))
    }

    fn advance(&mut self) {
        for (digit, axis) in self.digits.iter_mut().zip(self.axes).rev() {
            *digit += 1;
            if *digit < axis.levels().len() {
                return;
            }
            *digit = 0;
        }
    }
}

/// The levels at a point of a grid of these axes, by their positions; `None` past the end.
pub(crate) fn digits(axes: &[Axis], point: u64) -> Option<Vec<usize>> {
    let mut rest = point;
    let mut digits = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        let levels = axis.levels().len() as u64;
        digits.push(usize::try_from(rest.checked_rem(levels)?).ok()?);
        rest /= levels;
    }
    digits.reverse();
    (rest == 0).then_some(digits)
}

/// The configuration at a point: what is inactive there has its fixed value.
pub(crate) fn configuration(axes: &[Axis], fixed: &Configuration, point: u64) -> Option<Configuration> {
    let digits = digits(axes, point)?;
    let mut configuration = fixed.clone();
    // Conditions name axes that have none, so those are set first.
    let free_first = |has_conditions: bool| {
        axes.iter().zip(&digits).filter(move |(axis, _)| axis.when.is_empty() != has_conditions)
    };
    for (axis, digit) in free_first(false).chain(free_first(true)) {
        if axis.is_active(&configuration) {
            configuration.set(axis.hyperparameter, axis.levels().get(*digit)?.clone()).ok()?;
        }
    }
    Some(configuration)
}

/// The point of a configuration; `None` where it is not on the grid.
pub(crate) fn point(axes: &[Axis], fixed: &Configuration, configuration: &Configuration) -> Option<u64> {
    axes.iter().try_fold(0_u64, |point, axis| {
        let value = configuration.get(axis.hyperparameter);
        let digit = if axis.is_active(configuration) {
            axis.levels().iter().position(|level| *level == value)?
        } else if is_fixed(fixed, axis, &value) {
            0
        } else {
            return None;
        };
        point.checked_mul(axis.levels().len() as u64)?.checked_add(digit as u64)
    })
}

fn is_fixed(fixed: &Configuration, axis: &Axis, value: &Value) -> bool {
    fixed.get(axis.hyperparameter) == *value
}

//! The points of a grid that its conditions and constraints allow, each once and in the order of the grid.
//!
//! A point is a place of the space ([`Look`]) whose axes all have levels.

use super::{Axis, Constraint, Look, POINTS_LOOKED_AT_MAX, places, with_values};
use crate::configuration::{Configuration, Value};

/// The allowed points of a grid.
pub(crate) struct Points {
    axes: Vec<Axis>,
    fixed: Configuration,
    /// Allowed points, ascending.
    allowed: Vec<u32>,
    /// Epochs of their configurations together.
    epochs: u64,
}

impl Points {
    /// Those of a grid; `None` where [`allowed`] gives nothing.
    pub(crate) fn of(axes: &[Axis], constraints: &[Constraint], fixed: &Configuration) -> Option<Self> {
        let (mut points, mut epochs) = (Vec::new(), 0_u64);
        for (point, of_point) in allowed(axes, constraints, fixed)? {
            points.push(point);
            epochs = epochs.saturating_add(of_point);
        }
        points.shrink_to_fit();
        Some(Self { axes: axes.to_vec(), fixed: fixed.clone(), allowed: points, epochs })
    }

    /// Whether they are those of these axes; the constraints are those that were given when they were found.
    pub(crate) fn are_of(&self, axes: &[Axis], fixed: &Configuration) -> bool {
        self.axes == axes && self.fixed == *fixed
    }

    pub(crate) fn len(&self) -> u64 {
        self.allowed.len() as u64
    }

    /// Epochs of their configurations together.
    pub(crate) fn epochs(&self) -> u64 {
        self.epochs
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

/// The allowed points of a grid, each looked at as it is asked for, with their epochs; `None` where an axis has a range, or where
/// there are more than [`POINTS_LOOKED_AT_MAX`] to look at.
pub(crate) fn allowed<'a>(
    axes: &'a [Axis],
    constraints: &'a [Constraint],
    fixed: &'a Configuration,
) -> Option<impl Iterator<Item = (u32, u64)> + 'a> {
    if axes.iter().any(|axis| axis.range().is_some()) {
        return None;
    }
    let count = places(axes).filter(|count| *count <= POINTS_LOOKED_AT_MAX)?;
    let mut look = Look::new(axes, constraints, fixed)?;
    Some((0..count as u32).filter_map(move |point| {
        let found = look.is_allowed().then(|| (point, look.epochs()));
        look.advance();
        found
    }))
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
    let values = axes.iter().zip(digits).map(|(axis, digit)| axis.levels().get(digit).cloned());
    with_values(axes, fixed, &values.collect::<Option<Vec<Value>>>()?)
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

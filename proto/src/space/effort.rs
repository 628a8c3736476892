//! How much work it is to look at every point of a grid, and how much is accepted.

use super::{Axis, Constraint, places};
use crate::grouped::grouped;

/// Most constraints of a sweep: a screen of them.
pub const CONSTRAINTS_MAX: usize = 50;

/// Most points of a grid before its conditions and constraints: half a second of looking at them.
pub const POINTS_LOOKED_AT_MAX: u64 = 10_000_000;

/// Most terms of constraints that are computed over all points of a grid: about half a second, at 6 ns for each term.
pub const TERMS_COMPUTED_MAX: u64 = 100_000_000;

/// Whether it takes at most about a second to look at every point; not of a continuous space.
pub(crate) fn is_quick_to_look_at(axes: &[Axis], constraints: &[Constraint]) -> bool {
    let points = places(axes).filter(|points| *points <= POINTS_LOOKED_AT_MAX);
    points.is_some_and(|points| points.saturating_mul(terms(constraints)) <= TERMS_COMPUTED_MAX)
}

/// What is wrong with a grid that takes too long to look at; nothing where it does not.
pub fn too_much_to_look_at(axes: &[Axis], constraints: &[Constraint]) -> Option<String> {
    if is_quick_to_look_at(axes, constraints) {
        return None;
    }
    let points = places(axes).unwrap_or(u64::MAX);
    if points > POINTS_LOOKED_AT_MAX {
        return Some(format!(
            "the grid has {} points before its conditions and constraints; it may have at most {}",
            points_written(axes),
            grouped(u128::from(POINTS_LOOKED_AT_MAX))
        ));
    }
    let terms = terms(constraints);
    Some(format!(
        "the constraints have {terms} terms, which makes {} over the {} points of the grid; it may be at most {}",
        grouped(u128::from(points.saturating_mul(terms))),
        grouped(u128::from(points)),
        grouped(u128::from(TERMS_COMPUTED_MAX))
    ))
}

fn terms(constraints: &[Constraint]) -> u64 {
    constraints.iter().map(Constraint::terms).sum()
}

/// The number of points, also where 64 bits do not count it.
fn points_written(axes: &[Axis]) -> String {
    let size = |axis: &Axis| u128::from(axis.size().unwrap_or(u64::MAX));
    let points = axes.iter().try_fold(1_u128, |product, axis| product.checked_mul(size(axis)));
    points.map_or_else(|| "more than 10^38".to_owned(), grouped)
}

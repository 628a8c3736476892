//! How the values of an axis lie to each other, and their places on it.

use sweep_proto::{Axis, Bounds, Domain, Range, Value};

use crate::space::coordinate_of;

/// The place of what has no value on an axis, because its conditions do not hold.
pub(super) const ABSENT: f64 = f64::NAN;

/// An axis as its estimator sees it. Values have places: the number of a value, or its coordinate where values have no numbers.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    pub(super) kind: Kind,
    /// Of levels that are numbers, which of the sweep file's levels is the n-th smallest one; else empty.
    ascending: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Values without an order, each as near to every other: words and flags.
    Apart { count: usize },
    /// Numbers of which each stands for an equal part of the unit interval.
    Cells { count: u64 },
    /// Whole numbers from `min` on whose parts of the unit interval are those of their logarithms.
    LogCells { count: u64, min: u64, low: f64, span: f64 },
    /// Real numbers.
    Line,
}

impl Scale {
    pub(super) fn of(axis: &Axis) -> Self {
        let kind = match &axis.domain {
            Domain::Levels(levels) => return Self::of_levels(levels),
            Domain::Range(Range::Integer(Bounds { min, max, log: true, .. })) => {
                let [low, high] = [*min as f64 - 0.5, *max as f64 + 0.5].map(libm::log);
                Kind::LogCells { count: max - min + 1, min: *min, low, span: high - low }
            }
            Domain::Range(range) => range.count().map_or(Kind::Line, |count| Kind::Cells { count }),
        };
        Self { kind, ascending: Vec::new() }
    }

    fn of_levels(levels: &[Value]) -> Self {
        let is_number = |level: &Value| matches!(level, Value::Integer(_) | Value::Real(_));
        if !levels.iter().all(is_number) {
            return Self { kind: Kind::Apart { count: levels.len() }, ascending: Vec::new() };
        }
        let mut ascending: Vec<u32> = (0..levels.len() as u32).collect();
        ascending.sort_by(|left, right| levels[*left as usize].cmp(&levels[*right as usize]));
        Self { kind: Kind::Cells { count: levels.len() as u64 }, ascending }
    }

    /// The place of a value of the axis; [`ABSENT`] of any other.
    pub(super) fn place(&self, axis: &Axis, value: &Value) -> f64 {
        if self.kind == Kind::Line {
            return if axis.contains(value) { coordinate_of(axis, value) } else { ABSENT };
        }
        let Some(number) = axis.number(value) else { return ABSENT };
        if self.ascending.is_empty() {
            return number as f64;
        }
        let rank = self.ascending.iter().position(|level| u64::from(*level) == number);
        rank.map_or(ABSENT, |rank| rank as f64)
    }

    /// The coordinate by which the space finds the value at a place.
    pub(super) fn coordinate(&self, place: f64) -> f64 {
        match self.kind {
            Kind::Apart { count } => (place + 0.5) / count as f64,
            Kind::Cells { count } => {
                let level = self.ascending.get(place as usize).map_or(place, |level| f64::from(*level));
                (level + 0.5) / count as f64
            }
            Kind::LogCells { .. } | Kind::Line => self.mean(place),
        }
    }

    /// Where a number stands in the unit interval.
    pub(super) fn mean(&self, place: f64) -> f64 {
        match self.kind {
            Kind::Apart { count } => (place + 0.5) / count as f64,
            Kind::Cells { count } => (place + 0.5) / count as f64,
            Kind::LogCells { min, low, span, .. } => (libm::log(min as f64 + place) - low) / span,
            Kind::Line => place,
        }
    }

    /// The part of the unit interval that stands for a number.
    pub(super) fn edges(&self, place: f64) -> [f64; 2] {
        match self.kind {
            Kind::Apart { count } => [place, place + 1.0].map(|edge| edge / count as f64),
            Kind::Cells { count } => [place, place + 1.0].map(|edge| edge / count as f64),
            Kind::LogCells { min, low, span, .. } => {
                let value = min as f64 + place;
                [value - 0.5, value + 0.5].map(|edge| (libm::log(edge) - low) / span)
            }
            Kind::Line => [place; 2],
        }
    }

    /// The place whose part of the unit interval has that point.
    pub(super) fn place_at(&self, point: f64) -> f64 {
        let within = |place: f64, count: u64| place.clamp(0.0, count as f64 - 1.0);
        match self.kind {
            Kind::Apart { count } => within((point * count as f64).floor(), count as u64),
            Kind::Cells { count } => within((point * count as f64).floor(), count),
            Kind::LogCells { count, min, low, span } => {
                within(libm::exp(low + point * span).round() - min as f64, count)
            }
            Kind::Line => point,
        }
    }
}

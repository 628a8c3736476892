//! Neighbours of a configuration: others that differ from it along one axis alone, and not by much.

use sweep_proto::random::Stream;
use sweep_proto::{Axis, Configuration, Domain, Range, Value};

use crate::auto::scale::Scale;
use crate::space::{Space, coordinate_of};

/// How far neighbours are at least and at most, as a part of an axis; where that does not reach another level, the next one is taken.
const NEAREST: f64 = 1.0 / 64.0;
const FARTHEST: f64 = 1.0 / 8.0;

/// Two neighbours along each axis, where there are such; some may be the configuration itself, or come twice.
pub(crate) fn neighbours(space: &Space, of: &Configuration, random: &mut Stream) -> Vec<Configuration> {
    let place = space.coordinates(of);
    let mut found = Vec::new();
    for (at, axis) in space.axes().iter().enumerate() {
        for sign in [-1.0, 1.0] {
            let mut there = place.clone();
            there[at] = beside(axis, &of.get(axis.hyperparameter), place[at], sign, random);
            found.extend(space.configuration(&there));
        }
    }
    found
}

/// A coordinate of another value than the one at `place`, below or above it as the sign says; beyond the ends it is an end.
fn beside(axis: &Axis, value: &Value, place: f64, sign: f64, random: &mut Stream) -> f64 {
    let levels = axis.size().unwrap_or(0);
    if levels > 1 && Scale::of(axis).kind().is_categorical {
        // Categories have no order: any other one.
        let own = (place * levels as f64) as u64;
        let other = (own + 1 + random.below(levels - 1)) % levels;
        return (other as f64 + 0.5) / levels as f64;
    }
    let far = NEAREST * libm::pow(FARTHEST / NEAREST, random.inside());
    (place + sign * far.max(least_step(axis, value, sign))).clamp(0.0, 1.0)
}

/// The least step along an axis that leads to another number.
fn least_step(axis: &Axis, value: &Value, sign: f64) -> f64 {
    match (&axis.domain, value) {
        (Domain::Range(Range::Integer(bounds)), Value::Integer(number)) if bounds.log => {
            let next = if sign < 0.0 { number.saturating_sub(1) } else { number.saturating_add(1) };
            let next = Value::Integer(next.clamp(bounds.min, bounds.max));
            (coordinate_of(axis, &next) - coordinate_of(axis, value)).abs()
        }
        (Domain::Range(Range::Real(bounds)), _) if bounds.step.is_none() => 0.0,
        _ => axis.size().map_or(0.0, |levels| 1.0 / levels.max(1) as f64),
    }
}

#[cfg(test)]
mod tests {
    use sweep_proto::Hyperparameter::{BatchSize, Bidirectional, Layers, LearningRate, Optimizer, Units};

    use super::*;

    fn space() -> Space {
        let read = |of, texts: &[&str]| {
            Axis::of_levels(of, texts.iter().map(|text| Value::read(of, text).unwrap()).collect())
        };
        let range = |of, [min, max]: [Value; 2], log, step| {
            Axis::of_range(of, Range::new(of, [min, max], log, step).unwrap())
        };
        Space::over(vec![
            range(LearningRate, [1e-4, 1e-2].map(Value::Real), true, None),
            range(Units, [8, 32].map(Value::Integer), false, Some(Value::Integer(8))),
            range(Layers, [1, 3].map(Value::Integer), true, None),
            read(BatchSize, &["16", "32"]),
            read(Optimizer, &["adam", "adamw", "sgd"]),
            read(Bidirectional, &["false", "true"]),
        ])
    }

    #[test]
    fn neighbours_differ_along_one_axis_and_every_axis_has_some() {
        let space = space();
        let mut random = Stream::new(1, "neighbours", 0);
        for _ in 0..200 {
            let place: Vec<f64> = space.axes().iter().map(|_| random.inside()).collect();
            let own = space.configuration(&place).unwrap();
            let differing = |one: &Configuration| {
                let differs = |axis: &&Axis| one.get(axis.hyperparameter) != own.get(axis.hyperparameter);
                space.axes().iter().filter(differs).map(|axis| axis.hyperparameter).collect::<Vec<_>>()
            };
            let others: Vec<Vec<_>> = neighbours(&space, &own, &mut random).iter().map(differing).collect();
            assert!(others.iter().all(|axes| axes.len() <= 1), "{others:?}");
            for axis in space.axes() {
                assert!(others.contains(&vec![axis.hyperparameter]), "{own:?}: {others:?}");
            }
        }
    }
}

//! The Pareto front of accuracy, time and size: what no other configuration beats in one without losing in another.
//!
//! Maxima of a set of vectors in three dimensions by one sweep over a staircase; Kung, Luccio and Preparata, *Journal of
//! the ACM* 22 (1975).

use std::collections::BTreeMap;

/// A configuration on the three scales.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The less, the better.
    pub seconds: f64,
    /// The fewer, the better.
    pub parameters: u64,
    /// The more, the better.
    pub accuracy: f64,
}

/// Whether each point is on the front: no other one is at least as good on every scale and better on one.
pub fn on_front(points: &[Point]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|left, right| {
        let (left, right) = (points[*left], points[*right]);
        let by_size = || left.parameters.cmp(&right.parameters);
        let by_accuracy = || right.accuracy.total_cmp(&left.accuracy);
        left.seconds.total_cmp(&right.seconds).then_with(by_size).then_with(by_accuracy)
    });
    let mut on_front = vec![false; points.len()];
    // Of the points so far, none slower than the next: by size those that are more accurate than all smaller ones.
    let mut stairs: BTreeMap<u64, Point> = BTreeMap::new();
    for at in order {
        let point = points[at];
        match stairs.range(..=point.parameters).next_back() {
            Some((_, step)) if step.accuracy >= point.accuracy => on_front[at] = *step == point,
            _ => {
                on_front[at] = true;
                let no_better =
                    |(size, step): (&u64, &Point)| (step.accuracy <= point.accuracy).then_some(*size);
                while let Some(size) = stairs.range(point.parameters..).next().and_then(no_better) {
                    stairs.remove(&size);
                }
                stairs.insert(point.parameters, point);
            }
        }
    }
    on_front
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_what_comparing_all_pairs_finds() {
        let mut state = 1_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for below in [2, 4, 20, 1_000] {
            let points: Vec<Point> = (0..200)
                .map(|_| Point {
                    seconds: draw(below) as f64,
                    parameters: draw(below),
                    accuracy: draw(below) as f64,
                })
                .collect();
            let beats = |other: &Point, one: &Point| {
                other.seconds <= one.seconds
                    && other.parameters <= one.parameters
                    && other.accuracy >= one.accuracy
                    && other != one
            };
            let expected: Vec<bool> =
                points.iter().map(|one| !points.iter().any(|other| beats(other, one))).collect();
            assert_eq!(on_front(&points), expected, "of {below}");
            assert!(expected.contains(&true) && expected.contains(&false));
        }
    }
}

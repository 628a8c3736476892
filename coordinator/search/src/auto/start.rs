//! The first configurations, before anything is known: every level of every axis about as often as the others, far from each other.
//!
//! Points near the middle of all axes, or near the defaults, did not do better on recorded and generated tables, neither as a start nor
//! as what a model expects: where a classifier is trained best is often a corner of its grid.

use sweep_proto::random::Stream;

use crate::auto::candidates::Candidates;

/// An endless design: each next point is the one that adds most to those before it. It is computed as far as it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// Distance of each candidate to the nearest point so far.
    apart: Vec<f64>,
    /// Between equal ones: drawn once.
    ties: Vec<f64>,
    points: Vec<usize>,
}

/// How much farther from the others a point has to be for each earlier point on one of its levels, counted in pairs. Without it the
/// points are corners, which tell nothing of what lies between.
const CROWDING: f64 = 0.2;

/// Every candidate is as far as this from points that are not there.
const FAR: f64 = 1e3;

/// Ties are broken by less than this part of an axis.
const TIE: f64 = 1e-6;

impl Start {
    pub(crate) fn new(candidates: &Candidates, seed: u64) -> Self {
        let mut random = Stream::new(seed, "auto start", 0);
        let ties = (0..candidates.len()).map(|_| TIE * random.inside()).collect();
        Self { apart: vec![f64::INFINITY; candidates.len()], ties, points: Vec::new() }
    }

    /// The point of a number, from 0. It does not depend on candidates that have come in since the search began.
    pub(crate) fn point(&mut self, candidates: &Candidates, number: usize) -> usize {
        while self.points.len() <= number {
            self.add(candidates);
        }
        self.points[number]
    }

    fn add(&mut self, candidates: &Candidates) {
        let used = candidates.uses(&self.points);
        let worth = |at: usize| {
            let apart = match self.apart[at] {
                apart if apart > 0.0 => apart.min(FAR),
                _ => f64::NEG_INFINITY,
            };
            apart - CROWDING * candidates.crowding(at, &used) + self.ties[at]
        };
        let (mut next, mut highest) = (0, worth(0));
        for at in 1..self.ties.len() {
            let worth = worth(at);
            if worth > highest {
                (next, highest) = (at, worth);
            }
        }
        self.points.push(next);
        for (at, apart) in self.apart.iter_mut().enumerate() {
            *apart = apart.min(candidates.distance(at, next));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auto::candidates::AxisKind;

    fn grid() -> Candidates {
        let axes = [AxisKind { is_categorical: false }; 3];
        let place = |number: usize| number as f64 / 3.0;
        let points: Vec<Vec<f64>> =
            (0..64).map(|at| vec![place(at / 16), place(at / 4 % 4), place(at % 4)]).collect();
        Candidates::new(&axes, &points).unwrap()
    }

    #[test]
    fn eight_points_take_each_of_four_levels_about_twice() {
        for seed in 0..20 {
            let candidates = grid();
            let mut start = Start::new(&candidates, seed);
            let points: Vec<usize> = (0..8).map(|number| start.point(&candidates, number)).collect();
            assert_eq!(start.point(&candidates, 3), points[3], "asked again");
            for axis in 0..3 {
                for level in 0..4 {
                    let place = f64::from(level) / 3.0;
                    let uses = points.iter().filter(|at| candidates.place(**at, axis) == place).count();
                    assert!((1..=3).contains(&uses), "seed {seed}, axis {axis}, level {level}: {points:?}");
                }
            }
        }
    }

    #[test]
    fn seeds_give_different_starts() {
        let candidates = grid();
        let firsts: std::collections::BTreeSet<usize> =
            (0..40).map(|seed| Start::new(&candidates, seed).point(&candidates, 0)).collect();
        assert!(firsts.len() > 20, "{firsts:?}");
    }

    #[test]
    fn every_candidate_comes_once_before_any_comes_again() {
        let candidates = grid();
        let mut start = Start::new(&candidates, 3);
        let mut points: Vec<usize> = (0..64).map(|number| start.point(&candidates, number)).collect();
        points.sort_unstable();
        points.dedup();
        assert_eq!(points.len(), 64);
    }
}

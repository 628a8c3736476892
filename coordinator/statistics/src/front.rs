//! The Pareto front: what no other configuration beats in one score without losing in another.
//!
//! Minima of a set of vectors in up to three dimensions by one sweep over a staircase, in O(n log n); Kung, Luccio and
//! Preparata, *Journal of the ACM* 22 (1975). How sure a place on the front is, the bootstrap says: replicates are drawn
//! again with replacement, whole, so that configurations keep the seeds that they share. One replicate fewer is drawn than
//! there are, which gives the means of few replicates a variance that is not too small; Rao and Wu, "Resampling Inference with
//! Complex Survey Data", *Journal of the American Statistical Association* 83 (1988).

use std::collections::BTreeMap;

use sweep_random::Stream;

use crate::bootstrap::REPLICATES_MIN;
use crate::means::rounding;

/// Most scores of a front.
pub const SCORES_MAX: usize = 3;

/// A configuration's scores, each lower where it is better. Of fewer than three, the last ones are equal everywhere.
pub type Point = [f64; SCORES_MAX];

/// The place of each of a configuration's scores among those of all, from 0: equal scores share one.
pub type Places = [usize; SCORES_MAX];

/// Drawn sweeps: a share is known to ± 0.02 where it is worst known (two standard errors).
const DRAWS: usize = 2_000;
/// Trials that are drawn in all: fewer sweeps where each has very many.
const DRAWN_MAX: usize = 10_000_000;
/// Drawn sweeps below which shares say little.
const DRAWS_MIN: usize = 100;

/// The places of each point's scores. Scores that differ by rounding alone are equal: each is compared with the next one in the
/// order, so that no two of them lie on different sides of a fixed edge.
pub fn places(points: &[Point]) -> Vec<Places> {
    let mut places = vec![Places::default(); points.len()];
    let mut order: Vec<usize> = (0..points.len()).collect();
    for score in 0..SCORES_MAX {
        order.sort_unstable_by(|one, other| points[*one][score].total_cmp(&points[*other][score]));
        let mut place = 0;
        let mut before: Option<f64> = None;
        for at in &order {
            let own = points[*at][score];
            if before.is_some_and(|before| own - before > rounding([before, own])) {
                place += 1;
            }
            before = Some(own);
            places[*at][score] = place;
        }
    }
    places
}

/// Whether one is at least as good in every score as the other, and better in one.
pub fn beats(one: &Places, other: &Places) -> bool {
    one != other && one.iter().zip(other).all(|(one, other)| one <= other)
}

/// Whether each point is on the front: no other one beats it.
pub fn on_front(points: &[Point]) -> Vec<bool> {
    let points = places(points);
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_unstable_by_key(|at| points[*at]);
    let mut on_front = vec![false; points.len()];
    // Of the points so far, none better than the next in the first score: by the second score, those that are better in the
    // third than all with a lower second one.
    let mut stairs: BTreeMap<usize, Places> = BTreeMap::new();
    for at in order {
        let point = points[at];
        let [_, second, third] = point;
        match stairs.range(..=second).next_back() {
            Some((_, step)) if step[2] <= third => on_front[at] = *step == point,
            _ => {
                on_front[at] = true;
                let no_better = |(second, step): (&usize, &Places)| (step[2] >= third).then_some(*second);
                while let Some(beaten) = stairs.range(second..).next().and_then(no_better) {
                    stairs.remove(&beaten);
                }
                stairs.insert(second, point);
            }
        }
    }
    on_front
}

/// How many sweeps are drawn for these counts of configurations and replicates. `None` below two configurations, below ten
/// replicates, which tell too little of the noise, and where there are too many configurations to draw enough.
pub fn draws(configurations: usize, replicates: usize) -> Option<usize> {
    let draws = DRAWS.min(DRAWN_MAX / configurations.saturating_mul(replicates).max(1));
    (configurations > 1 && replicates >= REPLICATES_MIN && draws >= DRAWS_MIN).then_some(draws)
}

/// The share of drawn sweeps in which each configuration is on the front, of `scores[configuration][replicate]`: the same
/// replicates for all. `None` where [`draws`] says so.
pub fn shares_on_front(scores: &[Vec<Point>]) -> Option<Vec<f64>> {
    Some(shares_of(draws(scores.len(), scores.first()?.len())?, scores))
}

/// The shares among `draws` drawn sweeps.
fn shares_of(draws: usize, scores: &[Vec<Point>]) -> Vec<f64> {
    let (configurations, replicates) = (scores.len(), scores.first().map_or(0, Vec::len));
    let mut random = Stream::of_analysis(0);
    let mut times = vec![0_u32; replicates];
    let mut counts = vec![0_u32; configurations];
    let mut means = vec![Point::default(); configurations];
    for _ in 0..draws {
        times.fill(0);
        for _ in 1..replicates {
            times[random.place(replicates)] += 1;
        }
        for (mean, row) in means.iter_mut().zip(scores) {
            *mean = mean_of(row, &times);
        }
        for (count, is_on) in counts.iter_mut().zip(on_front(&means)) {
            *count += u32::from(is_on);
        }
    }
    counts.into_iter().map(|count| f64::from(count) / draws as f64).collect()
}

/// The mean of replicates that were drawn so often.
fn mean_of(row: &[Point], times: &[u32]) -> Point {
    let drawn = f64::from(times.iter().sum::<u32>());
    let mut mean = Point::default();
    for (scores, times) in row.iter().zip(times).filter(|(_, times)| **times > 0) {
        for (mean, score) in mean.iter_mut().zip(scores) {
            *mean += f64::from(*times) * score / drawn;
        }
    }
    mean
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the same numbers are compared, and small ones that are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition, over all pairs.
    fn is_better(other: &Point, one: &Point) -> bool {
        other.iter().zip(one).all(|(other, one)| other <= one) && other != one
    }

    fn by_definition(points: &[Point]) -> Vec<bool> {
        points.iter().map(|one| !points.iter().any(|other| is_better(other, one))).collect()
    }

    /// Points with many equal scores, or few.
    fn points() -> impl Strategy<Value = Vec<Point>> {
        let score = |below: i32| (-below..below).prop_map(|score| f64::from(score) / 7.0);
        (1..40_i32).prop_flat_map(move |below| {
            proptest::collection::vec([score(below), score(below), score(below)], 0..60)
        })
    }

    #[test]
    fn the_front_is_what_comparing_all_pairs_finds() {
        let mut state = 1_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for below in [2, 4, 20, 1_000] {
            let points: Vec<Point> =
                (0..200).map(|_| [draw(below) as f64, draw(below) as f64, -(draw(below) as f64)]).collect();
            let expected = by_definition(&points);
            assert_eq!(on_front(&points), expected, "of {below}");
            assert!(expected.contains(&true) && expected.contains(&false));
        }
    }

    proptest! {
        #[test]
        fn no_member_is_beaten_and_every_other_point_is_beaten_by_a_member(points in points()) {
            let found = on_front(&points);
            let members: Vec<&Point> =
                points.iter().zip(&found).filter(|(_, is_on)| **is_on).map(|(one, _)| one).collect();
            prop_assert_eq!(members.is_empty(), points.is_empty());
            for (one, is_on) in points.iter().zip(&found) {
                prop_assert_eq!(members.iter().any(|member| is_better(member, one)), !is_on);
            }
        }

        #[test]
        fn the_order_of_points_and_of_scores_changes_nothing(points in points(), turned in 0_usize..60, swapped in 0_usize..3) {
            let found = on_front(&points);
            let turn = |at: usize| (at + turned) % points.len().max(1);
            let other: Vec<Point> = (0..points.len())
                .map(|at| {
                    let mut point = points[turn(at)];
                    point.swap(0, swapped);
                    point
                })
                .collect();
            let expected: Vec<bool> = (0..points.len()).map(|at| found[turn(at)]).collect();
            prop_assert_eq!(on_front(&other), expected);
        }

        /// With a score turned round, the front is that of the other direction.
        #[test]
        fn a_turned_score_gives_the_front_of_the_other_direction(points in points()) {
            let turned: Vec<Point> = points.iter().map(|[one, two, three]| [*one, -two, *three]).collect();
            let is_beaten = |one: &Point| points.iter().any(|other| {
                let is_as_good = other[0] <= one[0] && other[1] >= one[1] && other[2] <= one[2];
                is_as_good && other != one
            });
            let expected: Vec<bool> = points.iter().map(|one| !is_beaten(one)).collect();
            prop_assert_eq!(on_front(&turned), expected);
        }
    }

    #[test]
    fn scores_that_rounding_sets_apart_are_equal() {
        let [exact, rounded] = [0.7 + 0.1, 0.8];
        assert!((exact - rounded) < 0.0, "they differ");
        assert_eq!(on_front(&[[rounded, 1.0, 0.0], [exact, 1.0, 0.0]]), [true, true]);
        assert_eq!(on_front(&[[0.0, 1.0, 0.0], [-0.0, 1.0, 0.0], [1e-9, 1.0, 0.0]]), [true, true, false]);
        assert_eq!(on_front(&[[f64::MAX, 0.0, 0.0], [f64::MAX, 1.0, 0.0]]), [true, false]);
    }

    /// Wherever two neighbours among the numbers lie, they are equal: there is no number between whose sides scores are told apart.
    #[test]
    fn no_edge_sets_neighbouring_numbers_apart() {
        for low_bits in [0, 0x3ff, 0x7fe, 0x7ff, 0x800, 0xfff] {
            let one = f64::from_bits((0.7_f64.to_bits() & !0xfff) | low_bits);
            let next = f64::from_bits(one.to_bits() + 1);
            assert_eq!(on_front(&[[one, 1.0, 0.0], [next, 1.0, 0.0]]), [true, true], "{low_bits:x}");
        }
        // A configuration that is far off makes no others equal.
        assert_eq!(on_front(&[[0.5, 1.0, 0.0], [0.6, 1.0, 0.0], [1e14, 2.0, 0.0]]), [true, false, false]);
    }

    #[test]
    fn places_are_shared_by_equal_scores_and_say_who_beats_whom() {
        let found = places(&[[0.5, 3.0, 0.0], [0.25, 3.0, 0.0], [0.5, 1.0, 0.0]]);
        assert_eq!(found, [[1, 1, 0], [0, 1, 0], [1, 0, 0]]);
        assert!(beats(&found[1], &found[0]) && beats(&found[2], &found[0]));
        assert!(!beats(&found[0], &found[0]) && !beats(&found[1], &found[2]) && !beats(&found[2], &found[1]));
    }

    /// Every way to draw two of three replicates, in order: nine, equally probable.
    #[test]
    fn shares_are_those_of_all_drawings() {
        let row = |scores: [f64; 3], size: f64| scores.map(|score| [score, size, 0.0]).to_vec();
        // The second is larger, and better in the mean; the third is larger still, and never better.
        let scores = vec![row([0.5, 0.5, 0.5], 1.0), row([0.3, 0.4, 0.65], 2.0), row([0.7, 0.8, 0.9], 3.0)];
        let found = shares_of(DRAWS, &scores);
        let mut expected = [0.0; 3];
        for (first, second) in (0..3).flat_map(|first| (0..3).map(move |second| (first, second))) {
            let mean = |row: &Vec<Point>| [f64::midpoint(row[first][0], row[second][0]), row[0][1], 0.0];
            let means: Vec<Point> = scores.iter().map(mean).collect();
            for (share, is_on) in expected.iter_mut().zip(by_definition(&means)) {
                *share += f64::from(u8::from(is_on)) / 9.0;
            }
        }
        assert!((expected[1] - 6.0 / 9.0).abs() < 1e-9, "{expected:?}");
        for (found, expected) in found.iter().zip(expected) {
            // Four standard errors of two thousand draws.
            assert!((found - expected).abs() < 0.045, "{found}, not {expected}");
        }
        assert_eq!((found[0], found[2]), (1.0, 0.0));
        assert_eq!(shares_of(DRAWS, &scores), found, "the same every time");
    }

    #[test]
    fn few_replicates_and_very_many_configurations_say_nothing() {
        assert_eq!(shares_on_front(&[vec![[0.0; 3]; 2], vec![[1.0; 3]; 2]]), None);
        assert_eq!(shares_on_front(&[vec![[0.0; 3]; 3]]), None);
        assert_eq!(shares_on_front(&vec![vec![[0.0; 3]; 3]; 100_000]), None);
        // Three replicates that agree by luck would give shares of nothing but 0 and 1.
        assert_eq!(shares_on_front(&[vec![[0.0; 3]; 9], vec![[1.0; 3]; 9]]), None);
        assert_eq!(shares_on_front(&[vec![[0.0; 3]; 10], vec![[1.0; 3]; 10]]), Some(vec![1.0, 0.0]));
        assert_eq!([draws(2, 10), draws(10_000, 10), draws(10_001, 10)], [Some(2_000), Some(100), None]);
        assert_eq!([draws(1, 10), draws(2, 9), draws(usize::MAX, 10)], [None; 3]);
    }
}

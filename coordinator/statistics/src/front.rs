//! The Pareto front: what no other configuration beats in one score without losing in another.
//!
//! Minima of a set of vectors in up to three dimensions by one sweep over a staircase, in O(n log n); Kung, Luccio and
//! Preparata, *Journal of the ACM* 22 (1975). How sure a place on the front is, the bootstrap says: replicates are drawn
//! again with replacement, whole, so that configurations keep the seeds that they share. One replicate fewer is drawn than
//! there are, which gives the means of few replicates a variance that is not too small; Rao and Wu, "Resampling Inference with
//! Complex Survey Data", *Journal of the American Statistical Association* 83 (1988).

use std::collections::BTreeMap;

use sweep_random::Stream;

/// Most scores of a front.
pub const SCORES_MAX: usize = 3;

/// A configuration's scores, each lower where it is better. Of fewer than three, the last ones are equal everywhere.
pub type Point = [f64; SCORES_MAX];

/// Replicates below which drawing them again says nothing.
const REPLICATES_MIN: usize = 3;
/// Drawn sweeps: a share is known to ± 0.02 where it is worst known (two standard errors).
const DRAWS: usize = 2_000;
/// Trials that are drawn in all: fewer sweeps where each has very many.
const DRAWN_MAX: usize = 10_000_000;
/// Drawn sweeps below which shares say little.
const DRAWS_MIN: usize = 100;

/// Whether each point is on the front: no other one is at least as good in every score and better in one. Scores that
/// differ by rounding alone are equal.
pub fn on_front(points: &[Point]) -> Vec<bool> {
    let points: Vec<[u64; SCORES_MAX]> = points.iter().map(|point| point.map(rank)).collect();
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_unstable_by_key(|at| points[*at]);
    let mut on_front = vec![false; points.len()];
    // Of the points so far, none better than the next in the first score: by the second score, those that are better in the
    // third than all with a lower second one.
    let mut stairs: BTreeMap<u64, [u64; SCORES_MAX]> = BTreeMap::new();
    for at in order {
        let point = points[at];
        let [_, second, third] = point;
        match stairs.range(..=second).next_back() {
            Some((_, step)) if step[2] <= third => on_front[at] = *step == point,
            _ => {
                on_front[at] = true;
                let no_better = |(second, step): (&u64, &[u64; 3])| (step[2] >= third).then_some(*second);
                while let Some(beaten) = stairs.range(second..).next().and_then(no_better) {
                    stairs.remove(&beaten);
                }
                stairs.insert(second, point);
            }
        }
    }
    on_front
}

/// A number that has the order of the scores: equal for those that differ in the last twelve of 52 binary digits alone.
fn rank(score: f64) -> u64 {
    const ROUNDED_BITS: u32 = 12;
    const HALF: u64 = 1 << (ROUNDED_BITS - 1);
    // Adding zero takes its sign from -0.0.
    let bits = (score + 0.0).to_bits();
    let ordered = if score.is_sign_negative() && score != 0.0 { !bits } else { bits | 1 << 63 };
    ordered.saturating_add(HALF) >> ROUNDED_BITS
}

/// The share of drawn sweeps in which each configuration is on the front, of `scores[configuration][replicate]`: the same
/// replicates for all. `None` below two configurations or three replicates, and of very many configurations.
pub fn shares_on_front(scores: &[Vec<Point>]) -> Option<Vec<f64>> {
    let (configurations, replicates) = (scores.len(), scores.first()?.len());
    let draws = DRAWS.min(DRAWN_MAX / (configurations * replicates).max(1));
    if configurations < 2 || replicates < REPLICATES_MIN || draws < DRAWS_MIN {
        return None;
    }
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
    Some(counts.into_iter().map(|count| f64::from(count) / draws as f64).collect())
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
    fn beats(other: &Point, one: &Point) -> bool {
        other.iter().zip(one).all(|(other, one)| other <= one) && other != one
    }

    fn by_definition(points: &[Point]) -> Vec<bool> {
        points.iter().map(|one| !points.iter().any(|other| beats(other, one))).collect()
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
                prop_assert_eq!(members.iter().any(|member| beats(member, one)), !is_on);
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

    /// Every way to draw two of three replicates, in order: nine, equally probable.
    #[test]
    fn shares_are_those_of_all_drawings() {
        let row = |scores: [f64; 3], size: f64| scores.map(|score| [score, size, 0.0]).to_vec();
        // The second is larger, and better in the mean; the third is larger still, and never better.
        let scores = vec![row([0.5, 0.5, 0.5], 1.0), row([0.3, 0.4, 0.65], 2.0), row([0.7, 0.8, 0.9], 3.0)];
        let found = shares_on_front(&scores).expect("three replicates");
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
        assert_eq!(shares_on_front(&scores), Some(found), "the same every time");
    }

    #[test]
    fn few_replicates_and_very_many_configurations_say_nothing() {
        assert_eq!(shares_on_front(&[vec![[0.0; 3]; 2], vec![[1.0; 3]; 2]]), None);
        assert_eq!(shares_on_front(&[vec![[0.0; 3]; 3]]), None);
        assert_eq!(shares_on_front(&vec![vec![[0.0; 3]; 3]; 100_000]), None);
    }
}

//! What the report claims holds as often as it says: over simulated sweeps, decisions are rarely false, intervals
//! cover, and planted effects are found.
//!
//! Scores are normal around planted expected losses with the seed as random block: what the levels of a hyperparameter
//! share under a seed has between none and twice the variance of the residual. Every run draws the same numbers.
//! `cargo test --release -p coordinator-report --test all calibration:: -- --nocapture` prints the shares.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use crate::fixture;

use coordinator_report::analyse;
use coordinator_report::model::{Interval, ReportModel, Values};
use coordinator_statistics::best::drawn;
use coordinator_statistics::distributions::{f_tail, holm, normal_quantile};
use coordinator_statistics::equal_noise::{WARNED_BELOW, equal_noise};
use coordinator_statistics::permutation::permutation_test;
use coordinator_statistics::strata::{Strata, Stratum};
use fixture::{axis, finished, noise, spec};
use sweep_proto::Hyperparameter;

/// Of one score.
const NOISE: f64 = 0.01;
/// Of a whole replicate.
const SEED: f64 = 0.015;
const REPLICATES: u32 = 3;

/// A standard normal number, the same for the same key.
fn normal(key: u64) -> f64 {
    normal_quantile(f64::midpoint(noise(key), 1.0).clamp(1e-15, 1.0 - 1e-15))
}

/// The report of one simulated sweep of units × embedding × batch size; `expected` is the loss without noise.
fn simulated(levels: [u64; 3], simulation: u64, expected: impl Fn([u64; 3]) -> f64) -> ReportModel {
    simulated_under(levels, simulation, expected, |_| NOISE)
}

/// As [`simulated`], with seed noise that may differ between configurations.
fn simulated_under(
    levels: [u64; 3],
    simulation: u64,
    expected: impl Fn([u64; 3]) -> f64,
    deviation: impl Fn([u64; 3]) -> f64,
) -> ReportModel {
    let values = |count: u64| (1..=count).map(|level| level * 8).collect::<Vec<_>>();
    let names = [Hyperparameter::Units, Hyperparameter::Embedding, Hyperparameter::BatchSize];
    let axes = names.iter().zip(levels).map(|(name, count)| axis(*name, &values(count))).collect();
    let key = simulation << 20;
    analyse(&finished(spec(axes, REPLICATES), 1, |position, replicate| {
        let at = cell(levels, position);
        let seed = SEED * normal(key + u64::from(replicate));
        let loss =
            expected(at) + seed + deviation(at) * normal(key + 1_000 + position * 64 + u64::from(replicate));
        (loss, 1.0 - loss)
    }))
}

fn cell([_, embedding, batch_size]: [u64; 3], position: u64) -> [u64; 3] {
    [position / (embedding * batch_size), position / batch_size % embedding, position % batch_size]
}

/// A claim about one report.
type Claim<'a> = (&'static str, &'a (dyn Fn(&ReportModel) -> bool + Sync));

/// The share of simulations in which each claim holds; all claims look at the same sweeps.
fn shares(simulations: u64, simulate: impl Fn(u64) -> ReportModel + Sync, claims: &[Claim<'_>]) -> Vec<f64> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let count = |thread: u64| {
        let mut held = vec![0_u32; claims.len()];
        for one in (0..simulations).filter(|one| one % threads == thread) {
            let model = simulate(one);
            for (held, (_, holds)) in held.iter_mut().zip(claims) {
                *held += u32::from(holds(&model));
            }
        }
        held
    };
    let held: Vec<Vec<u32>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || count(thread))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let share = |at: usize| f64::from(held.iter().map(|of| of[at]).sum::<u32>()) / simulations as f64;
    (0..claims.len()).map(share).collect()
}

#[test]
fn nothing_is_rarely_taken_for_something() {
    let claims: [Claim<'_>; 4] = [
        ("a hyperparameter is named or a main effect is there", &|model| {
            model.answer.strongest_hyperparameter.decided
                || model.main_effects.factors.iter().any(|factor| factor.test.unwrap().p_holm <= 0.05)
        }),
        ("a configuration is the best with 95 %", &|model| model.answer.probability_best.unwrap() >= 0.95),
        ("noise is called unequal", &|model| warns(model)),
        ("the gap is above nought", &|model| {
            model.answer.gap.as_ref().unwrap().loss_absolute_interval.unwrap().low > 0.0
        }),
    ];
    let found = shares(1_000, |one| simulated([3, 3, 2], one, |_| 0.6), &claims);
    for ((claim, _), share) in claims.iter().zip(found) {
        println!("no effect at all: {claim} in {:.1} % of 1,000 sweeps", 100.0 * share);
        assert!(share <= 0.065, "{claim}: {share}");
    }
}

/// Whether the report warns that it pools noise that is not equal.
fn warns(model: &ReportModel) -> bool {
    let tests = model.main_effects.factors.iter().filter_map(|factor| factor.test);
    tests.into_iter().any(|test| test.equal_noise_p.is_some_and(|p| p < WARNED_BELOW))
}

#[test]
fn noise_that_is_not_equal_is_seen() {
    let claims: [Claim<'_>; 3] = [
        ("the report warns", &warns),
        ("a main effect is there, not warned", &|model| {
            !warns(model)
                && model.main_effects.factors.iter().any(|factor| factor.test.unwrap().p_holm <= 0.05)
        }),
        ("the gap is above nought, not warned", &|model| {
            !warns(model) && model.answer.gap.as_ref().unwrap().loss_absolute_interval.unwrap().low > 0.0
        }),
    ];
    let deviation = |[units, ..]: [u64; 3]| if units == 0 { 3.0 * NOISE } else { NOISE };
    let found = shares(500, |one| simulated_under([3, 3, 2], one, |_| 0.6, deviation), &claims);
    for ((claim, _), share) in claims.iter().zip(&found) {
        println!(
            "no effect, noise of a third of the grid three times as large: {claim} in {:.1} % of 500",
            100.0 * share
        );
    }
    assert!(found[0] >= 0.85 && found[1] <= 0.065 && found[2] <= 0.065, "{found:?}");
}

#[test]
fn two_equals_are_rarely_put_in_order() {
    // Units and embedding have the same effect: neither is the strongest.
    let equal = |[units, embedding, _]: [u64; 3]| 0.6 - 0.02 * (units + embedding) as f64;
    let claims: [Claim<'_>; 1] = [("named", &|model| model.answer.strongest_hyperparameter.decided)];
    let share = shares(1_000, |one| simulated([3, 3, 2], one, equal), &claims)[0];
    println!("two equal effects: one is named in {:.1} % of 1,000 sweeps", 100.0 * share);
    assert!(share <= 0.065, "{share}");
}

fn holds(interval: Option<Interval>, truth: f64) -> bool {
    let interval = interval.unwrap();
    interval.low <= truth && truth <= interval.high
}

/// The level in the grid of each swept value.
fn place(values: &Values) -> [u64; 3] {
    [Hyperparameter::Units, Hyperparameter::Embedding, Hyperparameter::BatchSize]
        .map(|name| values[&name].to_string().parse::<u64>().unwrap() / 8 - 1)
}

#[test]
fn intervals_cover_as_often_as_they_say() {
    let levels = [2, 2, 3];
    let expected = |[units, embedding, batch_size]: [u64; 3]| {
        0.6 - 0.03 * units as f64 + 0.01 * batch_size as f64 + 0.02 * (units * embedding) as f64
    };
    let mean = |of: &dyn Fn([u64; 3]) -> bool| {
        let all: Vec<f64> = (0..12).map(|one| cell(levels, one)).filter(|at| of(*at)).map(expected).collect();
        all.iter().sum::<f64>() / all.len() as f64
    };
    let of_level = mean(&|[_, _, batch_size]| batch_size == 2);
    let difference = mean(&|[units, ..]| units == 1) - mean(&|[units, ..]| units == 0);
    // The configuration, level and pair are named before the sweep: what the first three intervals are for. The
    // extremes are chosen by the sweep: their interval holds for any two, so it covers more often.
    let claims: [Claim<'_>; 4] = [
        ("expected loss of a configuration", &|model| {
            let found = model.ranking.iter().find(|one| place(&one.values) == [1, 0, 1]).unwrap();
            holds(found.validation_loss_interval, expected([1, 0, 1]))
        }),
        ("expected loss of a level", &|model| {
            holds(model.main_effects.factors[2].levels[2].validation_loss_interval, of_level)
        }),
        ("difference of two levels", &|model| {
            holds(model.main_effects.factors[0].comparisons[0].interval, difference)
        }),
        ("gap of the two that came out as best and worst", &|model| {
            let truth = |rank: usize| expected(place(&model.ranking[rank].values));
            let gap = model.answer.gap.as_ref().unwrap();
            holds(gap.loss_absolute_interval, truth(model.ranking.len() - 1) - truth(0))
        }),
    ];
    let found = shares(2_000, |one| simulated(levels, one, expected), &claims);
    for (at, ((claim, _), share)) in claims.iter().zip(found).enumerate() {
        println!("{claim}: covered in {:.1} % of 2,000 sweeps of {REPLICATES} replicates", 100.0 * share);
        assert!(share >= 0.93 && (at == 3 || share <= 0.97), "{claim}: {share}");
    }
}

#[test]
fn planted_effects_are_found_the_more_the_larger_they_are() {
    let claims: [Claim<'_>; 3] = [
        ("strongest", &|model| model.answer.strongest_hyperparameter.verdict == "embedding"),
        ("interaction", &|model| {
            let effects = &model.factorial.as_ref().unwrap().effects;
            let pair = [Hyperparameter::Units, Hyperparameter::Embedding];
            effects.iter().find(|effect| effect.of == pair).unwrap().p.unwrap() <= 0.05
        }),
        ("another", &|model| {
            let strongest = &model.answer.strongest_hyperparameter;
            strongest.decided && strongest.verdict != "embedding"
        }),
    ];
    let mut powers = Vec::new();
    for size in [1.0, 2.0, 3.0, 4.0] {
        // Embedding has the largest effect, its extremes `size` deviations apart; units a quarter of it; both interact.
        let step = size * NOISE / 2.0;
        let expected = |[units, embedding, _]: [u64; 3]| {
            let interaction = step * (units as f64 - 1.0) * (embedding as f64 - 1.0);
            0.6 - step * embedding as f64 - 0.25 * step * units as f64 + interaction
        };
        let found = shares(300, |one| simulated([3, 3, 2], one, expected), &claims);
        println!(
            "extremes {size} standard deviations of seed noise apart: strongest named in {:.0} %, interaction found \
             in {:.0} %, another named in {:.1} % of 300 sweeps",
            100.0 * found[0],
            100.0 * found[1],
            100.0 * found[2]
        );
        assert!(found[2] <= 0.025, "{found:?}");
        powers.push(found);
    }
    assert!(powers.is_sorted_by(|less, more| less[0] <= more[0] && less[1] <= more[1]), "{powers:?}");
    assert!(powers[3][0] >= 0.9 && powers[2][1] >= 0.9, "{powers:?}");
}

/// Seed × hyperparameter variances, as multiples of the residual variance: each hyperparameter has one.
const SHARED: [f64; 7] = [0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0];

/// A simulated sweep: the residual has the deviation 1, whole replicates 1.5.
struct Simulated {
    replicates: usize,
    /// `positions[axis][configuration]`.
    positions: Vec<Vec<usize>>,
    base: Vec<Vec<f64>>,
    /// What the levels share under each seed, by configuration and replicate; with variance 1 for each axis.
    shared: Vec<Vec<f64>>,
}

impl Simulated {
    fn new(levels: &[usize], replicates: usize, simulation: u64) -> Self {
        let mut key = (simulation << 20) + 77;
        let mut next = || {
            key += 1;
            normal(key)
        };
        let configurations: usize = levels.iter().product();
        let mut positions = Vec::with_capacity(levels.len());
        let mut rest = configurations;
        for count in levels {
            // The last axis changes fastest.
            rest /= count;
            positions.push((0..configurations).map(|at| at / rest % count).collect::<Vec<_>>());
        }
        let seeds: Vec<f64> = (0..replicates).map(|_| 1.5 * next()).collect();
        let mut shared = vec![vec![0.0; replicates]; configurations];
        for (axis, count) in levels.iter().enumerate() {
            for replicate in 0..replicates {
                let of_level: Vec<f64> = (0..*count).map(|_| next()).collect();
                for (row, level) in shared.iter_mut().zip(&positions[axis]) {
                    row[replicate] += of_level[*level];
                }
            }
        }
        let base = (0..configurations).map(|_| seeds.iter().map(|seed| seed + next()).collect()).collect();
        Self { replicates, positions, base, shared }
    }

    /// The scores with this variance of what levels share, and with an effect of each configuration.
    fn scores(&self, variance: f64, effect: impl Fn(usize) -> f64) -> Vec<Vec<f64>> {
        let score = |at: usize, replicate: usize| {
            self.base[at][replicate] + variance.sqrt() * self.shared[at][replicate] + effect(at)
        };
        (0..self.base.len()).map(|at| (0..self.replicates).map(|one| score(at, one)).collect()).collect()
    }

    fn strata(&self, variance: f64, effect: impl Fn(usize) -> f64) -> (Vec<Vec<f64>>, Strata) {
        let scores = self.scores(variance, effect);
        let strata = Strata::of(&scores, self.positions.clone()).unwrap();
        (scores, strata)
    }
}

/// The probability of the effect against its own interaction with the seed, as the report has it.
fn own(stratum: &Stratum) -> f64 {
    let degrees = stratum.degrees_of_freedom as f64;
    let f = stratum.sum_of_squares / degrees / stratum.error().unwrap();
    f_tail(f, degrees, stratum.error_degrees_of_freedom as f64).unwrap()
}

/// The same against the pooled residual, as no report does any more: what honesty costs is told beside it.
fn pooled(strata: &Strata, stratum: &Stratum) -> f64 {
    let degrees = stratum.degrees_of_freedom as f64;
    let errors = strata.parts.iter().map(|part| (part.error_sum_of_squares, part.error_degrees_of_freedom));
    let (sum, freedom) = errors.fold((0.0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    f_tail(stratum.sum_of_squares / degrees / (sum / freedom as f64), degrees, freedom as f64).unwrap()
}

/// The share of each count over simulations, which two threads share out.
fn counted<const COUNTS: usize>(
    simulations: u64,
    count: impl Fn(u64) -> [f64; COUNTS] + Sync,
) -> [f64; COUNTS] {
    let part = |first: u64| {
        let mut sums = [0.0; COUNTS];
        for one in (first..simulations).step_by(2) {
            sums.iter_mut().zip(count(one)).for_each(|(sum, one)| *sum += one);
        }
        sums
    };
    let parts = std::thread::scope(|scope| {
        let other = scope.spawn(|| part(1));
        [part(0), other.join().unwrap()]
    });
    std::array::from_fn(|at| (parts[0][at] + parts[1][at]) / simulations as f64)
}

fn percents(shares: &[f64]) -> String {
    shares.iter().map(|share| format!("{:5.1}", 100.0 * share)).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_one_seed_makes_is_rarely_taken_for_an_effect() {
    println!("no effect; seed × hyperparameter variance {SHARED:?}; 2,000 sweeps each, false decisions in %");
    for levels in [vec![2, 3], vec![3, 4, 2], vec![4, 4, 3], vec![4, 3, 4, 4]] {
        for replicates in [3, 5] {
            let found = counted::<28>(2_000, |one| {
                let sweep = Simulated::new(&levels, replicates, one);
                let mut counts = [0.0; 28];
                for (at, variance) in SHARED.into_iter().enumerate() {
                    let (_, strata) = sweep.strata(variance, |_| 0.0);
                    let of_order = |order: usize, p: &dyn Fn(&Stratum) -> f64| -> Vec<f64> {
                        strata.parts.iter().filter(|part| part.axes.len() == order).map(p).collect()
                    };
                    let below =
                        |of: &[f64]| of.iter().filter(|p| **p <= 0.05).count() as f64 / of.len() as f64;
                    let (mains, pairs) = (of_order(1, &own), of_order(2, &own));
                    // No hyperparameter is named the strongest unless it is significant after Holm's correction.
                    counts[at] = f64::from(holm(&mains).iter().any(|p| *p <= 0.05));
                    counts[7 + at] = below(&mains);
                    counts[14 + at] = below(&pairs);
                    counts[21 + at] = below(&of_order(1, &|part| pooled(&strata, part)));
                }
                counts
            });
            for (what, shares) in
                ["any, after Holm", "main effects", "interactions", "(pooled)"].iter().zip(found.chunks(7))
            {
                println!("{levels:?} × {replicates}  {what:>16} {}", percents(shares));
                assert!(
                    *what == "(pooled)" || shares.iter().all(|share| *share <= 0.065),
                    "{what}: {shares:?}"
                );
            }
        }
    }
}

#[test]
fn intervals_cover_whatever_seeds_share() {
    println!("coverage of 95 % intervals in % of 2,000 sweeps; seed × hyperparameter variance {SHARED:?}");
    for levels in [vec![2, 3], vec![3, 4, 2], vec![4, 3, 4, 4]] {
        for replicates in [3, 5] {
            let found = counted::<28>(2_000, |one| {
                let sweep = Simulated::new(&levels, replicates, one);
                let mut counts = [0.0; 28];
                for (at, variance) in SHARED.into_iter().enumerate() {
                    let (scores, strata) = sweep.strata(variance, |_| 0.0);
                    let mean = |of: &dyn Fn(usize) -> bool| {
                        let rows: Vec<f64> = (0..scores.len())
                            .filter(|at| of(*at))
                            .map(|at| scores[at].iter().sum::<f64>() / replicates as f64)
                            .collect();
                        rows.iter().sum::<f64>() / rows.len() as f64
                    };
                    let level = |level: usize| mean(&|at| sweep.positions[0][at] == level);
                    let last = scores.len() - 1;
                    let covers =
                        |centre: f64, estimate| f64::from(holds(strata.interval(centre, estimate), 0.0));
                    counts[at] = covers(level(0), strata.mean_of_level(0));
                    counts[7 + at] = covers(level(0) - level(1), strata.difference_of_levels(0));
                    counts[14 + at] = covers(mean(&|at| at == 0), strata.mean_of_configuration());
                    counts[21 + at] = covers(
                        mean(&|at| at == 0) - mean(&|at| at == last),
                        strata.difference_of_configurations(0, last),
                    );
                }
                counts
            });
            let names = ["level", "two levels", "configuration", "two configurations"];
            for (what, shares) in names.iter().zip(found.chunks(7)) {
                println!("{levels:?} × {replicates}  {what:>18} {}", percents(shares));
                assert!(shares.iter().all(|share| (0.93..=0.97).contains(share)), "{what}: {shares:?}");
            }
        }
    }
}

#[test]
fn the_gap_and_the_best_are_not_made_by_what_seeds_share() {
    for (levels, simulations) in [(vec![2, 3], 500), (vec![3, 3, 2], 300)] {
        for variance in [0.0, 0.25, 2.0] {
            let found = counted::<2>(simulations, |one| {
                let (scores, strata) = Simulated::new(&levels, 3, one).strata(variance, |_| 0.0);
                let means: Vec<f64> = scores.iter().map(|row| row.iter().sum::<f64>() / 3.0).collect();
                let (low, high) = means
                    .iter()
                    .fold((f64::MAX, f64::MIN), |(low, high), one| (low.min(*one), high.max(*one)));
                let drawn = drawn(&means, &strata).unwrap();
                let sure = drawn.probabilities.iter().any(|one| *one >= 0.95);
                [f64::from(high - low > drawn.range), f64::from(sure)]
            });
            println!(
                "{levels:?} × 3, variance {variance}: gap above 0, a best one with 95 %: {}",
                percents(&found)
            );
            assert!(found.iter().all(|share| *share <= 0.065), "{found:?}");
        }
    }
}

#[test]
fn exchanging_level_means_and_unequal_noise_keep_their_word_whatever_seeds_share() {
    let levels = vec![3, 4, 2];
    for variance in [0.0, 0.25, 2.0] {
        let found = counted::<2>(400, |one| {
            let sweep = Simulated::new(&levels, 3, one);
            let scores = sweep.scores(variance, |_| 0.0);
            let mut by_replicate = vec![vec![0.0; 3]; 3];
            for (row, level) in scores.iter().zip(&sweep.positions[0]) {
                row.iter()
                    .enumerate()
                    .for_each(|(replicate, score)| by_replicate[replicate][*level] += score / 8.0);
            }
            let exchanged = permutation_test(&by_replicate).unwrap().p;
            let unequal = equal_noise(&scores, &sweep.positions[0]).unwrap();
            [f64::from(exchanged <= 0.05), f64::from(unequal < WARNED_BELOW)]
        });
        println!("variance {variance}: significant by exchange, noise called unequal: {}", percents(&found));
        assert!(found.iter().all(|share| *share <= 0.065), "{found:?}");
    }
}

#[test]
fn the_power_that_honesty_costs() {
    println!(
        "3 × 4 × 2 grid: found at p ≤ 0.05 against own interaction with the seed / pooled residual, in %"
    );
    let levels = vec![3, 4, 2];
    for replicates in [3, 5, 10] {
        for size in [1.0, 2.0, 3.0] {
            let found = counted::<4>(1_000, |one| {
                let sweep = Simulated::new(&levels, replicates, one);
                let effect = |at: usize| size * (sweep.positions[0][at] as f64 / 2.0 - 0.5);
                let mut counts = [0.0; 4];
                for (at, variance) in [0.0, 0.25].into_iter().enumerate() {
                    let (_, strata) = sweep.strata(variance, effect);
                    let main = strata.main(0).unwrap();
                    counts[2 * at] = f64::from(own(main) <= 0.05);
                    counts[2 * at + 1] = f64::from(pooled(&strata, main) <= 0.05);
                }
                counts
            });
            println!(
                "{replicates:2} replicates, effect of {size} deviations; variance 0, 0.25: {}",
                percents(&found)
            );
            if replicates >= 5 && size >= 3.0 {
                assert!(found[0] >= 0.95, "{found:?}");
            }
            if replicates == 3 && size == 1.0 {
                assert!((0.45..0.65).contains(&found[0]), "{found:?}");
            }
        }
    }
}

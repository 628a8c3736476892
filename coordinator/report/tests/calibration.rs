//! What the report claims holds as often as it says: over simulated sweeps, decisions are rarely false, intervals
//! cover, and planted effects are found.
//!
//! Scores are normal around planted expected losses with the seed as block, the model of the analysis. Every run
//! draws the same numbers. `cargo test --release -p coordinator-report --test calibration -- --nocapture` prints the
//! shares.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod fixture;

use coordinator_report::analyse;
use coordinator_report::analysis::distributions::normal_quantile;
use coordinator_report::analysis::equal_noise::WARNED_BELOW;
use coordinator_report::model::{Interval, ReportModel, Values};
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
            holds(Some(model.main_effects.factors[0].comparisons[0].interval), difference)
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
    for size in [1.0, 2.0, 3.0] {
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
    assert!(powers[2][0] >= 0.9 && powers[2][1] >= 0.9, "{powers:?}");
}

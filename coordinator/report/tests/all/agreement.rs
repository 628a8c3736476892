//! The analysis agrees with statsmodels, SciPy, NumPy and Optuna, and with R's lme4; `golden/make.py` and `golden/mixed.R` say how
//! the numbers were made.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop")]

use crate::fixture;

use coordinator_core::TrialState;
use coordinator_report::model::{Effect, Interval, ReportModel};
use coordinator_report::{ReportInput, analyse};
use coordinator_statistics::distributions::{f_tail, studentised_range_critical, t_critical};
use coordinator_statistics::strata::{Estimate, Strata};
use fixture::{axis, finished, spec};
use serde::Deserialize;
use sweep_proto::Hyperparameter;

/// Of sums of squares, F, shares and intervals: two ways through the same arithmetic.
const RELATIVE: f64 = 1e-8;
/// Of tail probabilities.
const OF_PROBABILITY: f64 = 1e-8;
/// Of probabilities that the recipe draws ten million times and the analysis ten thousand times: four standard errors.
const OF_DRAWS: f64 = 0.02;
/// Of the studentised range.
const OF_RANGE: f64 = 2e-3;
/// Of the range that is drawn: its quantile is one of ten thousand, with heavy tails where there are few replicates.
const OF_DRAWN_RANGE: f64 = 0.08;
/// Of lme4's optimiser, whose estimates are those of the mean squares up to where it stops.
const OF_FIT: f64 = 1e-3;

#[derive(Deserialize)]
struct Golden {
    name: String,
    levels: Vec<u64>,
    replicates: u32,
    losses: Vec<f64>,
    anova: Vec<Line>,
    best: Vec<f64>,
    range_critical: f64,
    range_reach: f64,
    importance: Vec<f64>,
    importance_without_every_fourth: Vec<f64>,
    configuration_intervals: Vec<Option<[f64; 2]>>,
    axes: Vec<AxisGolden>,
}

#[derive(Deserialize)]
struct Line {
    of: Vec<String>,
    df: f64,
    error_df: Option<f64>,
    ss: f64,
    f: Option<f64>,
    p: Option<f64>,
    eta: f64,
    omega: Option<f64>,
}

#[derive(Deserialize)]
struct AxisGolden {
    name: String,
    intervals: Vec<Option<[f64; 2]>>,
    /// Level, the other, difference, interval, corrected probability.
    comparisons: Vec<(usize, usize, f64, f64, f64, f64)>,
    permutation_p: Option<f64>,
}

fn goldens() -> Vec<Golden> {
    serde_json::from_str(include_str!("golden/golden.json")).unwrap()
}

const NAMES: [Hyperparameter; 4] =
    [Hyperparameter::Units, Hyperparameter::Embedding, Hyperparameter::BatchSize, Hyperparameter::Layers];

fn model_of(golden: &Golden) -> ReportModel {
    analyse(&input_of(golden))
}

fn input_of(golden: &Golden) -> ReportInput {
    let scale = |name: Hyperparameter| if name == Hyperparameter::Layers { 1 } else { 8 };
    let axes = NAMES.iter().zip(&golden.levels).map(|(name, levels)| {
        let values: Vec<u64> = (1..=*levels).map(|level| level * scale(*name)).collect();
        axis(*name, &values)
    });
    finished(spec(axes.collect(), golden.replicates), 1, |position, replicate| {
        let at = position * u64::from(golden.replicates) + u64::from(replicate);
        let loss = golden.losses[at as usize];
        (loss, 1.0 - loss)
    })
}

fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs().max(1e-6),
        "{what}: {found}, not {expected}"
    );
}

fn near_interval(what: &str, found: Option<Interval>, expected: Option<[f64; 2]>) {
    assert_eq!(found.is_some(), expected.is_some(), "{what}");
    let Some((found, [low, high])) = found.zip(expected) else { return };
    near(what, found.low, low, RELATIVE);
    near(what, found.high, high, RELATIVE);
}

#[test]
fn the_analysis_of_variance_is_the_one_of_statsmodels() {
    for golden in goldens() {
        let factorial = model_of(&golden).factorial.unwrap();
        let check = |what: &str, found: &Effect, line: &Line| {
            let what = format!("{}, {what}", golden.name);
            near(&what, found.degrees_of_freedom as f64, line.df, 0.0);
            near(&what, found.sum_of_squares.unwrap(), line.ss, 1e-7);
            near(&what, found.eta_squared.unwrap(), line.eta, 1e-7);
            assert_eq!(found.error_degrees_of_freedom.map(|degrees| degrees as f64), line.error_df, "{what}");
            if let (Some(f), Some(p), Some(omega)) = (line.f, line.p, line.omega) {
                near(&what, found.f.unwrap(), f, 1e-6);
                assert!((found.p.unwrap() - p).abs() < 1e-7, "{what}: p {:?}, not {p}", found.p);
                assert!((found.omega_squared.unwrap() - omega).abs() < 1e-7, "{what}: ω²");
            }
        };
        let mut higher = 0.0;
        for line in &golden.anova {
            let names: Vec<&str> = line.of.iter().map(String::as_str).collect();
            match names[..] {
                ["replicate"] => check("seed", &factorial.seed, line),
                ["Residual"] => check("residual", &factorial.residual, line),
                [_, _, _, _] => higher += line.ss,
                _ => {
                    let of =
                        |effect: &&Effect| effect.of.iter().map(|one| one.name()).eq(names.iter().copied());
                    let found = factorial.effects.iter().find(of).expect("an effect");
                    check(&names.join(" × "), found, line);
                }
            }
        }
        let rest = factorial.effects.iter().find(|effect| effect.of.is_empty());
        near("higher order", rest.map_or(0.0, |rest| rest.sum_of_squares.unwrap()), higher, 1e-6);
    }
}

#[test]
fn intervals_and_comparisons_are_those_of_the_linear_model() {
    for golden in goldens() {
        let model = model_of(&golden);
        for ranked in &model.ranking {
            let at = model_position(&golden, &ranked.values);
            near_interval(&ranked.label, ranked.validation_loss_interval, golden.configuration_intervals[at]);
        }
        for (factor, expected) in model.main_effects.factors.iter().zip(&golden.axes) {
            assert_eq!(factor.hyperparameter.name(), expected.name);
            for (level, interval) in factor.levels.iter().zip(&expected.intervals) {
                near_interval(&expected.name, level.validation_loss_interval, *interval);
            }
            assert_eq!(factor.comparisons.len(), expected.comparisons.len());
            for (level, other, difference, low, high, p) in &expected.comparisons {
                let (level, other) = (&factor.levels[*level].level, &factor.levels[*other].level);
                let found =
                    factor.comparisons.iter().find(|one| one.level == *level && one.other == *other).unwrap();
                near("difference", found.difference, *difference, 1e-6);
                let expected = (golden.replicates > 2).then_some([*low, *high]);
                near_interval("difference", found.interval, expected);
                assert!((found.p_holm - p).abs() < OF_PROBABILITY, "{} is not {p}", found.p_holm);
            }
        }
    }
}

/// The position in the grid of a configuration's swept values.
fn model_position(golden: &Golden, values: &coordinator_report::model::Values) -> usize {
    NAMES.iter().zip(&golden.levels).fold(0, |position, (name, levels)| {
        let value: u64 = values[name].to_string().parse().unwrap();
        let level = value / if *name == Hyperparameter::Layers { 1 } else { 8 } - 1;
        position * *levels as usize + level as usize
    })
}

#[test]
fn the_probability_of_being_the_best_is_what_ten_million_draws_find() {
    for golden in goldens() {
        let model = model_of(&golden);
        let mut sum = 0.0;
        for ranked in &model.ranking {
            let expected = golden.best[model_position(&golden, &ranked.values)];
            let found = ranked.probability_best.unwrap();
            sum += found;
            assert!((found - expected).abs() < OF_DRAWS, "{}: {found}, not {expected}", ranked.label);
        }
        near("sum", sum, 1.0, 1e-9);
    }
}

#[test]
fn the_gap_of_any_two_holds_under_the_noise_that_levels_share() {
    for golden in goldens() {
        let gap = analyse(&input_of(&golden)).answer.gap.unwrap();
        let Some(interval) = gap.loss_absolute_interval else {
            assert_eq!(golden.replicates, 2, "{}", golden.name);
            continue;
        };
        near(&golden.name, interval.high - gap.loss_absolute, golden.range_reach, OF_DRAWN_RANGE);
        near(&golden.name, gap.loss_absolute - interval.low, golden.range_reach, OF_DRAWN_RANGE);
    }
}

#[test]
fn the_studentised_range_is_scipys() {
    for golden in goldens() {
        let configurations = golden.levels.iter().product::<u64>();
        let freedom = (configurations - 1) as f64 * f64::from(golden.replicates - 1);
        let critical = studentised_range_critical(configurations as u32, freedom).unwrap();
        near(&golden.name, critical, golden.range_critical, OF_RANGE);
    }
    // `scipy.stats.studentized_range.ppf(0.95, k, v)` for few degrees of freedom, whose tails are the heaviest.
    for (groups, freedom, expected) in
        [(2, 2.0, 6.0849), (3, 4.0, 5.0402), (27, 52.0, 5.5228), (10, 1.0, 49.0710)]
    {
        near("range", studentised_range_critical(groups, freedom).unwrap(), expected, 0.02);
    }
}

#[test]
fn levels_are_exchanged_in_every_way() {
    let mut tested = 0;
    for golden in goldens() {
        let factors = model_of(&golden).main_effects.factors;
        for (factor, expected) in factors.iter().zip(&golden.axes) {
            let Some(p) = expected.permutation_p else { continue };
            near(&expected.name, factor.test.unwrap().permutation_p.unwrap(), p, 1e-12);
            tested += 1;
        }
    }
    assert!(tested > 5);
}

#[test]
fn importance_is_optunas() {
    for golden in goldens() {
        let mut input = input_of(&golden);
        let check = |input: &ReportInput, expected: &[f64]| {
            let importance = analyse(input).importance.expect("at least twenty trials");
            for (one, expected) in importance.hyperparameters.iter().zip(expected) {
                near(&golden.name, one.share, *expected, 1e-9);
                let interval = one.interval.expect("few trials");
                assert!(interval.low <= interval.high && interval.low >= 0.0 && interval.high <= 1.0);
            }
            assert_eq!(importance.hyperparameters.len(), expected.len());
        };
        check(&input, &golden.importance);
        for trial in input.trials.iter_mut().step_by(4) {
            trial.state = TrialState::Failed;
            trial.result = None;
        }
        check(&input, &golden.importance_without_every_fourth);
    }
}

#[derive(Deserialize)]
struct Mixed {
    effects: MixedEffects,
    intervals: MixedIntervals,
}

#[derive(Deserialize)]
struct MixedEffects {
    levels: Vec<usize>,
    replicates: usize,
    losses: Vec<f64>,
    lines: Vec<MixedLine>,
}

#[derive(Deserialize)]
struct MixedLine {
    of: Vec<String>,
    df: u64,
    error_df: u64,
    f: f64,
    p: f64,
}

/// Estimate, degrees of freedom, ends of the interval, probability.
type Line5 = [f64; 5];

#[derive(Deserialize)]
struct MixedIntervals {
    levels: Vec<usize>,
    replicates: usize,
    losses: Vec<f64>,
    f: [f64; 4],
    units: Vec<Line5>,
    pairs_of_units: Vec<Line5>,
    configurations: Vec<Line5>,
    pairs_of_configurations: Vec<Line5>,
}

fn mixed() -> Mixed {
    serde_json::from_str(include_str!("golden/mixed.json")).unwrap()
}

/// The strata of losses in the order of the grid, the replicate changing fastest.
fn strata(levels: &[usize], replicates: usize, losses: &[f64]) -> Strata {
    let scores: Vec<Vec<f64>> = losses.chunks(replicates).map(<[f64]>::to_vec).collect();
    let inner = |axis: usize| levels[axis + 1..].iter().product::<usize>();
    let position = |axis: usize, at: usize| at / inner(axis) % levels[axis];
    let positions = (0..levels.len()).map(|axis| (0..scores.len()).map(|at| position(axis, at)).collect());
    Strata::of(&scores, positions.collect()).unwrap()
}

#[test]
fn effects_against_the_seed_are_those_of_r() {
    let golden = mixed().effects;
    let strata = strata(&golden.levels, golden.replicates, &golden.losses);
    assert_eq!(golden.lines.len(), 7);
    for line in golden.lines {
        let names = ["units", "embedding", "batch_size"];
        let axes: Vec<usize> =
            line.of.iter().map(|of| names.iter().position(|name| name == of).unwrap()).collect();
        let found = strata.of_axes(&axes).unwrap();
        assert_eq!((found.degrees_of_freedom, found.error_degrees_of_freedom), (line.df, line.error_df));
        let f = found.sum_of_squares / line.df as f64 / found.error().unwrap();
        near(&format!("{axes:?}"), f, line.f, 1e-8);
        let p = f_tail(f, line.df as f64, line.error_df as f64).unwrap();
        near(&format!("{axes:?}"), p, line.p, 1e-8);
    }
}

#[test]
fn variances_and_degrees_of_freedom_are_those_of_lme4() {
    let golden = mixed().intervals;
    let strata = strata(&golden.levels, golden.replicates, &golden.losses);
    let check = |what: &str, found: Estimate, [estimate, freedom, low, high, _]: Line5| {
        near(what, found.degrees_of_freedom, freedom, OF_FIT);
        let reach = t_critical(freedom).unwrap() * found.variance.sqrt();
        near(what, reach, (high - low) / 2.0, OF_FIT);
        near(what, f64::midpoint(low, high), estimate, 1e-8);
    };
    let main = strata.main(0).unwrap();
    let f = main.sum_of_squares / main.degrees_of_freedom as f64 / main.error().unwrap();
    near("F of units", f, golden.f[0], OF_FIT);
    golden.units.into_iter().for_each(|line| check("level", strata.mean_of_level(0).unwrap(), line));
    for line in golden.pairs_of_units {
        check("two levels", strata.difference_of_levels(0).unwrap(), line);
    }
    for line in golden.configurations {
        check("configuration", strata.mean_of_configuration().unwrap(), line);
    }
    let count = golden.levels.iter().product::<usize>();
    let pairs = (0..count).flat_map(|first| (first + 1..count).map(move |second| (first, second)));
    assert_eq!(golden.pairs_of_configurations.len(), count * (count - 1) / 2);
    for ((first, second), line) in pairs.zip(golden.pairs_of_configurations) {
        check("two configurations", strata.difference_of_configurations(first, second).unwrap(), line);
    }
}

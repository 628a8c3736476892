//! The densities and rankings of Optuna 5, and what every density must be. `tests/golden/tpe.py` says where the goldens come from.

use std::collections::BTreeSet;

use serde::Deserialize;
use sweep_proto::state::TrialState;
use sweep_proto::{Axis, Condition, Configuration, Hyperparameter, Range, Value};

use super::kernels::{Kernels, prior_between, prior_within};
use super::memory::Memory;
use super::mixture::{CANDIDATES, Each, Mixture};
use super::scale::{ABSENT, Kind, Scale};
use super::trials::{Trials, age_weight};
use crate::history::{Ended, History};
use crate::space::Space;

#[derive(Deserialize)]
struct Goldens {
    weights: Vec<Vec<f64>>,
    densities: Vec<Density>,
    splits: Vec<Split>,
}

#[derive(Deserialize)]
struct Density {
    axes: Vec<GoldenAxis>,
    observations: Vec<Vec<serde_json::Value>>,
    points: Vec<Vec<serde_json::Value>>,
    means: Vec<f64>,
    deviations: Vec<f64>,
    log_densities: Vec<f64>,
}

#[derive(Deserialize)]
struct GoldenAxis {
    hyperparameter: String,
    levels: Option<Vec<serde_json::Value>>,
    min: Option<serde_json::Value>,
    max: Option<serde_json::Value>,
    log: Option<bool>,
    step: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Split {
    trials: Vec<(String, f64, u32)>,
    good: Vec<u32>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("../../../tests/golden/tpe.json")).unwrap()
}

fn value(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::String(word) => Value::Word(word.clone()),
        number => number.as_u64().map_or_else(|| Value::Real(number.as_f64().unwrap()), Value::Integer),
    }
}

fn axis(golden: &GoldenAxis) -> Axis {
    let hyperparameter = Hyperparameter::from_name(&golden.hyperparameter).unwrap();
    if let Some(levels) = &golden.levels {
        return Axis::of_levels(hyperparameter, levels.iter().map(value).collect());
    }
    let bounds = [&golden.min, &golden.max].map(|bound| value(bound.as_ref().unwrap()));
    let step = golden.step.as_ref().map(value);
    Axis::of_range(hyperparameter, Range::new(hyperparameter, bounds, golden.log.unwrap(), step).unwrap())
}

/// Beside which all densities are computed, in the units of the hyperparameter.
fn log_prior(axis: &Axis, scale: &Scale, place: f64) -> f64 {
    match scale.kind {
        Kind::Apart { count } => -(count as f64).ln(),
        Kind::Cells { .. } | Kind::LogCells { .. } => {
            (prior_between(scale.edges(place)) / prior_within()).ln()
        }
        Kind::Line => {
            let [Value::Real(min), Value::Real(max)] = axis.range().unwrap().bounds() else {
                panic!("a range")
            };
            let length = if axis.range().unwrap().is_log() { (max / min).ln() } else { max - min };
            let density = (-0.5 * (place - 0.5).powi(2)).exp() / std::f64::consts::TAU.sqrt();
            (density / prior_within() / length).ln()
        }
    }
}

/// The kernels of observations at these places.
fn kernels(scale: &Scale, places: &[f64]) -> Kernels {
    let mut ascending: Vec<(f64, u32)> =
        places.iter().copied().zip(0..).filter(|(place, _)| !place.is_nan()).collect();
    ascending.sort_by(|left, right| left.0.total_cmp(&right.0));
    Kernels::new(scale, &ascending, places.len())
}

fn assert_near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{what}: {found}, not {expected}");
}

#[test]
fn densities_are_those_of_optuna() {
    for golden in goldens().densities {
        let axes: Vec<Axis> = golden.axes.iter().map(axis).collect();
        let scales: Vec<Scale> = axes.iter().map(Scale::of).collect();
        let what = format!("{} observations of {:?}", golden.observations.len(), axes);
        let along = |rows: &[Vec<serde_json::Value>], at: usize| -> Vec<f64> {
            let place = |row: &Vec<serde_json::Value>| {
                scales[at].place(&axes[at], &value(&row[at]).coerced(axes[at].hyperparameter))
            };
            let places: Vec<f64> = rows.iter().map(place).collect();
            assert!(places.iter().all(|place| !place.is_nan()), "{what}: {rows:?}");
            places
        };
        let of_axes: Vec<Kernels> =
            (0..axes.len()).map(|at| kernels(&scales[at], &along(&golden.observations, at))).collect();
        if !golden.means.is_empty() {
            assert_kernels(&axes[0], &of_axes[0], &golden, &what);
        }
        let count = golden.observations.len();
        let mixture = Mixture::new((0..count).map(|turn| age_weight(turn, count)).collect(), of_axes);
        let points: Vec<Vec<f64>> = (0..axes.len()).map(|at| along(&golden.points, at)).collect();
        let mut candidates = vec![[ABSENT; CANDIDATES]; axes.len()];
        for (each, points) in candidates.iter_mut().zip(&points) {
            each[..points.len()].copy_from_slice(points);
        }
        let mut memory = vec![Memory::default(); axes.len()];
        // What is remembered changes nothing.
        for _ in 0..2 {
            let found = mixture.relative_densities(&scales, &candidates, &mut memory);
            for (at, expected) in golden.log_densities.iter().enumerate() {
                let prior: f64 =
                    (0..axes.len()).map(|axis| log_prior(&axes[axis], &scales[axis], points[axis][at])).sum();
                assert_near(found[at].ln() + prior, *expected, &what);
            }
        }
    }
}

/// Means and deviations, those of Optuna in the unit interval of the axis.
fn assert_kernels(axis: &Axis, found: &Kernels, golden: &Density, what: &str) {
    let range = axis.range();
    let number = |value: &Value| match value {
        Value::Integer(number) => *number as f64,
        Value::Real(number) => *number,
        _ => panic!("{what}: no number"),
    };
    let count = axis.levels().len() as f64;
    let [low, high] = match range {
        None => [-0.5, count - 0.5],
        Some(range) => {
            let half = match axis.size() {
                None => 0.0,
                Some(_) => range.step().map_or(0.5, |step| number(&step) / 2.0),
            };
            let [min, max] = range.bounds().map(|bound| number(&bound));
            let ends = [min - half, max + half];
            if range.is_log() { ends.map(f64::ln) } else { ends }
        }
    };
    let expected = golden.means.iter().zip(&golden.deviations);
    for (at, (mean, deviation)) in expected.take(golden.observations.len()).enumerate() {
        let kernel = found.distinct[found.of[at] as usize - 1];
        assert_near(kernel.mean, (mean - low) / (high - low), what);
        assert_near(kernel.deviation, deviation / (high - low), what);
    }
}

#[test]
fn weights_are_those_of_optuna() {
    for weights in goldens().weights {
        let count = weights.len() - 1;
        let found: Vec<f64> = (0..count).map(|turn| age_weight(turn, count)).chain([1.0]).collect();
        let sum: f64 = found.iter().sum();
        for (found, expected) in found.iter().zip(&weights) {
            assert_near(found / sum, *expected, &format!("{count} observations"));
        }
    }
}

fn units(number: u64) -> Configuration {
    Configuration::default().with(Hyperparameter::Units, Value::Integer(number)).unwrap()
}

/// All configurations of a space of levels.
fn all_of(space: &Space) -> Vec<Configuration> {
    let mut look = space.look().unwrap();
    (0..space.places().unwrap()).filter_map(|place| look.allowed_at(place)).collect()
}

/// Candidates at the places of these configurations.
fn candidates_at(trials: &Trials, all: &[Configuration], axes: usize) -> Vec<Each> {
    let mut candidates: Vec<Each> = vec![[ABSENT; CANDIDATES]; axes];
    for (at, one) in all.iter().enumerate() {
        candidates.iter_mut().zip(trials.places(one)).for_each(|(each, place)| each[at] = place);
    }
    candidates
}

fn integers(hyperparameter: Hyperparameter, min: u64, max: u64) -> Axis {
    let range = Range::new(hyperparameter, [min, max].map(Value::Integer), false, None).unwrap();
    Axis::of_range(hyperparameter, range)
}

#[test]
fn the_good_are_those_of_optuna() {
    let space = Space::over(vec![integers(Hyperparameter::Units, 1, 1_000)]);
    for Split { trials, good } in goldens().splits {
        let mut history = History::new(1);
        for (number, (state, score, epochs)) in (1..).zip(&trials) {
            let state = match state.as_str() {
                "completed" => Some(TrialState::Completed),
                "pruned" => Some(TrialState::Pruned),
                _ => None,
            };
            let ended = state.map(|state| Ended { number, state, score: Some(*score), epochs: *epochs });
            history.push(units(number), 0, ended);
        }
        let mut known = Trials::new(&space);
        known.learn(history.seen(trials.len() as u64));
        let finished = known.ranked();
        assert_eq!(known.good(super::good(finished)), good, "{trials:?}");
    }
}

/// Layers, and a dropout that only some of them have.
fn conditional() -> Vec<Axis> {
    let layers = [1, 2, 3].map(Value::Integer).to_vec();
    let range =
        Range::new(Hyperparameter::Dropout, [0.1, 0.5].map(Value::Real), false, Some(Value::Real(0.1)));
    let when = vec![Condition {
        hyperparameter: Hyperparameter::Layers,
        values: vec![Value::Integer(2), Value::Integer(3)],
    }];
    vec![
        Axis::of_levels(Hyperparameter::Layers, layers),
        Axis { when, ..Axis::of_range(Hyperparameter::Dropout, range.unwrap()) },
        Axis::of_levels(Hyperparameter::Cell, ["lstm", "gru"].map(|word| Value::Word(word.into())).to_vec()),
    ]
}

#[test]
fn the_probabilities_of_all_configurations_of_a_conditional_space_add_up_to_one() {
    let axes = conditional();
    let space = Space::over(axes.clone());
    let scales: Vec<Scale> = axes.iter().map(Scale::of).collect();
    let trials = Trials::new(&space);
    let all = all_of(&space);
    assert_eq!(all.len(), 2 * (1 + 5 + 5));
    let observed: Vec<Vec<f64>> = all.iter().step_by(3).map(|one| trials.places(one)).collect();
    let along = |at: usize| observed.iter().map(|places| places[at]).collect::<Vec<_>>();
    let of_axes = scales.iter().enumerate().map(|(at, scale)| kernels(scale, &along(at))).collect();
    let mixture = Mixture::new(vec![1.0; observed.len()], of_axes);
    let candidates = candidates_at(&trials, &all, axes.len());
    let found = mixture.relative_densities(&scales, &candidates, &mut vec![Memory::default(); axes.len()]);
    let prior = |at: usize| -> f64 {
        let places = axes.iter().zip(&scales).zip(&candidates);
        let present = places.filter(|(_, each)| !each[at].is_nan());
        present.map(|((axis, scale), each)| log_prior(axis, scale, each[at])).sum::<f64>().exp()
    };
    let sum: f64 = (0..all.len()).map(|at| found[at] * prior(at)).sum();
    assert_near(sum, 1.0, "the sum of all");
}

#[test]
fn on_an_axis_without_a_value_the_prior_counts() {
    let rates = Range::new(Hyperparameter::LearningRate, [1e-3, 1e-1].map(Value::Real), true, None).unwrap();
    let widths = Range::new(Hyperparameter::Units, [1, 100].map(Value::Integer), true, None).unwrap();
    let axes = [
        Axis::of_range(Hyperparameter::LearningRate, rates),
        Axis::of_range(Hyperparameter::Units, widths),
        integers(Hyperparameter::Embedding, 1, 1_000),
        conditional().remove(2),
    ];
    for axis in axes {
        let scale = [Scale::of(&axis)];
        let places = [0.0, 0.3, 1.0].map(|point| scale[0].place_at(point));
        let density = |observed: &[f64], place: f64| {
            let of_axes = vec![kernels(&scale[0], observed)];
            let mixture = Mixture::new(vec![1.0; observed.len()], of_axes);
            mixture.relative_densities(&scale, &[[place; CANDIDATES]], &mut [Memory::default()])[0]
        };
        assert_near(density(&places, ABSENT), 1.0, "a candidate");
        assert_near(density(&[ABSENT; 3], places[1]), 1.0, "observations");
        assert!((density(&places, places[1]) - 1.0).abs() > 0.01, "{axis:?}");
    }
}

/// The density of the good is also what is drawn from.
#[test]
fn candidates_are_drawn_as_often_as_their_density_says() {
    let axes = conditional();
    let space = Space::over(axes.clone());
    let scales: Vec<Scale> = axes.iter().map(Scale::of).collect();
    let trials = Trials::new(&space);
    let all = all_of(&space);
    let observed: Vec<Vec<f64>> = [1, 7, 8, 20].map(|at| trials.places(&all[at])).to_vec();
    let along = |at: usize| observed.iter().map(|places| places[at]).collect::<Vec<_>>();
    let of_axes = scales.iter().enumerate().map(|(at, scale)| kernels(scale, &along(at))).collect();
    let mixture = Mixture::new(vec![1.0, 0.5, 1.0, 0.25], of_axes);
    let candidates = candidates_at(&trials, &all, axes.len());
    let relative = mixture.relative_densities(&scales, &candidates, &mut vec![Memory::default(); axes.len()]);
    let mut times = vec![0_u32; all.len()];
    let mut random = sweep_proto::random::Stream::new(5, "draws", 0);
    let draws = 40_000;
    for _ in 0..draws {
        let places = mixture.draw(&scales, &mut random);
        let point: Vec<f64> =
            scales.iter().zip(places).map(|(scale, place)| scale.coordinate(place)).collect();
        let drawn = space.configuration(&point).unwrap();
        times[all.iter().position(|one| *one == drawn).unwrap()] += 1;
    }
    let mut chi_squared = 0.0;
    for (at, times) in times.iter().enumerate() {
        let places = axes.iter().zip(&scales).zip(&candidates).filter(|(_, each)| !each[at].is_nan());
        let prior: f64 = places.map(|((axis, scale), each)| log_prior(axis, scale, each[at])).sum();
        let expected = f64::from(draws) * relative[at] * prior.exp();
        chi_squared += (f64::from(*times) - expected).powi(2) / expected;
    }
    // 99.9 % of the chi-squared distribution with 21 degrees of freedom.
    assert!(chi_squared < 46.8, "{chi_squared}: {times:?}");
}

#[test]
fn what_runs_counts_among_the_bad_and_what_failed_among_none() {
    let space = Space::over(vec![integers(Hyperparameter::Units, 1, 1_000)]);
    let state = |number| match number {
        4 => None,
        5 => Some(TrialState::Failed),
        6 => Some(TrialState::Diverged),
        _ => Some(TrialState::Completed),
    };
    let mut history = History::new(1);
    for number in 1..=20 {
        let score = (state(number) == Some(TrialState::Completed)).then_some(number as f64);
        let ended = state(number).map(|state| Ended { number, state, score, epochs: 2 });
        history.push(units(number), 0, ended);
    }
    let mut trials = Trials::new(&space);
    trials.learn(history.seen(20));
    assert_eq!((trials.ranked(), trials.good(2)), (18, vec![0, 1]));
    let weighed = trials.bad(history.seen(20), &[0, 1]);
    let bad: BTreeSet<usize> = (0..20).filter(|number| weighed[*number] > 0.0).collect();
    assert_eq!(bad, (0..20).filter(|number| ![0, 1, 4].contains(number)).collect());
    // One of its two replicates has failed and the other one runs: it may still come to something.
    history.push(units(5), 1, None);
    trials.learn(history.seen(20));
    assert!(trials.bad(history.seen(20), &[0, 1])[4] > 0.0);
}

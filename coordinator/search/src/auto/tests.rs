//! The model against what the textbook's formulas give (`tests/golden/auto.py`), and its gradient against differences.

use proptest::prelude::*;
use serde::Deserialize;

use super::belief::Belief;
use super::candidates::{AxisKind, Candidates};
use super::curves::Curves;
use super::gain::{Gain, Open};
use super::model::{Observation, Parameters, Posterior};
use super::stop::Draws;

#[derive(Deserialize)]
struct Golden {
    points: Vec<Vec<f64>>,
    trials: Vec<(usize, u32)>,
    values: Vec<f64>,
    extra: Vec<f64>,
    level: f64,
    cases: Vec<Case>,
    many: Many,
    doubt: f64,
    curves: Vec<((usize, u32), Vec<f64>)>,
    open_trial: (usize, Vec<f64>),
    outlook: (f64, f64),
}

#[derive(Deserialize)]
struct Case {
    whitened: Vec<f64>,
    negative_log_posterior: f64,
    mean: Vec<f64>,
    covariance: Vec<Vec<f64>>,
    noise: Vec<f64>,
    gains: Vec<f64>,
    gains_of_going_on: Vec<f64>,
    named: usize,
    probability: f64,
}

/// Many candidates that may be better than the named one.
#[derive(Deserialize)]
struct Many {
    points: Vec<Vec<f64>>,
    tried: Vec<usize>,
    values: Vec<f64>,
    named: usize,
    margin: f64,
    probability: f64,
    probability_against_sixteen: f64,
}

const REPLICATES: u32 = 3;

impl Golden {
    fn read() -> Self {
        serde_json::from_str(include_str!("../../tests/golden/auto.json")).unwrap()
    }

    fn candidates(&self) -> Candidates {
        let axes = [false, false, true].map(|is_categorical| AxisKind { is_categorical });
        Candidates::new(&axes, &self.points).unwrap()
    }

    fn observations(&self) -> Vec<Observation> {
        let trials = self.trials.iter().zip(self.values.iter().zip(&self.extra));
        trials
            .map(|((configuration, replicate), (value, variance))| Observation {
                configuration: *configuration,
                replicate: *replicate,
                value: *value,
                variance: *variance,
            })
            .collect()
    }

    /// What is believed before any observation, with the parameters of a case.
    fn prior(&self, case: &Case) -> Belief {
        let candidates = self.candidates();
        let parameters = Parameters::at(candidates.axes(), &case.whitened);
        Belief::prior(&candidates, &all(&candidates), &parameters, REPLICATES, self.level)
    }
}

fn all(candidates: &Candidates) -> Vec<usize> {
    (0..candidates.len()).collect()
}

fn open(configuration: usize) -> Open {
    Open { configuration, replicate: 0, doubt: None }
}

#[track_caller]
fn assert_near(actual: f64, expected: f64) {
    let scale = 1e-3 + expected.abs();
    assert!((actual - expected).abs() < 1e-8 * scale, "{actual}, not {expected}");
}

#[test]
fn the_density_of_parameters_is_the_textbooks() {
    let golden = Golden::read();
    let (candidates, observations) = (golden.candidates(), golden.observations());
    let posterior = Posterior::new(&candidates, &observations, golden.level);
    for case in &golden.cases {
        let value = posterior.at(&case.whitened).unwrap().value;
        assert_near(value, case.negative_log_posterior);
    }
}

#[test]
fn beliefs_are_the_textbooks_whether_updated_at_once_or_in_two_steps() {
    let golden = Golden::read();
    let (candidates, observations) = (golden.candidates(), golden.observations());
    for case in &golden.cases {
        let parameters = Parameters::at(candidates.axes(), &case.whitened);
        let prior = Belief::prior(&candidates, &all(&candidates), &parameters, REPLICATES, golden.level);
        for first in [0, 3, observations.len()] {
            let mut before = prior.clone();
            before.absorb(&observations[..first]);
            let updated = before.updated(&observations[first..]).unwrap();
            let variances = updated.variances();
            for (one, row) in case.covariance.iter().enumerate().take(candidates.len()) {
                assert_near(updated.mean[one], case.mean[one]);
                assert_near(variances[one], row[one]);
                assert_near(parameters.noise_of(&candidates, one), case.noise[one]);
                let covariances = updated.covariances(one);
                for other in 0..candidates.len() {
                    assert_near(covariances[other], row[other]);
                }
            }
        }
    }
}

#[test]
fn the_most_telling_trial_and_its_gain_are_the_textbooks() {
    let golden = Golden::read();
    let (candidates, observations) = (golden.candidates(), golden.observations());
    for case in &golden.cases {
        let prior = golden.prior(case);
        let belief = prior.updated(&observations).unwrap();
        let means = belief.mean[..candidates.len()].to_vec();
        for (one, expected) in case.gains.iter().enumerate() {
            let (best, gain) = Gain::new().best(&belief, &means, &[open(one)]).unwrap();
            assert_eq!(best, open(one));
            assert!((gain - expected).abs() < 1e-10, "candidate {one}: {gain}, not {expected}");
        }
        let open: Vec<Open> = (0..candidates.len()).map(open).collect();
        let highest =
            (0..case.gains.len()).max_by(|one, other| case.gains[*one].total_cmp(&case.gains[*other]));
        let best = Gain::new().best(&belief, &means, &open).map(|(best, _)| best.configuration);
        assert_eq!(best, highest);
    }
}

/// A trial that goes on is no second draw: its score is known in part, with the noise that it has.
#[test]
fn the_gain_of_going_on_is_the_textbooks() {
    let golden = Golden::read();
    for case in &golden.cases {
        let prior = golden.prior(case);
        let foretold = |one: Observation| Observation { value: golden.level, variance: golden.doubt, ..one };
        let observations: Vec<Observation> = golden.observations().into_iter().map(foretold).collect();
        let belief = prior.updated(&observations).unwrap();
        let means = vec![golden.level; golden.points.len()];
        for ((configuration, replicate), expected) in golden.trials.iter().zip(&case.gains_of_going_on) {
            let gain = |doubt| {
                let open = Open { configuration: *configuration, replicate: *replicate, doubt };
                Gain::new().best(&belief, &means, &[open]).unwrap().1
            };
            let going_on = gain(Some(golden.doubt));
            assert!((going_on - expected).abs() < 1e-10, "{going_on}, not {expected}");
            assert!(going_on < 0.999 * gain(None), "a second draw tells more");
        }
    }
}

#[test]
fn the_probability_that_none_of_many_is_better_counts_them_all() {
    let many = Golden::read().many;
    let candidates = Candidates::new(&[AxisKind { is_categorical: false }; 2], &many.points).unwrap();
    let parameters = Parameters::prior(2);
    let prior = Belief::prior(&candidates, &all(&candidates), &parameters, 1, Golden::read().level);
    let values = many.tried.iter().zip(&many.values);
    let observations: Vec<Observation> = values
        .map(|(one, value)| Observation { configuration: *one, replicate: 0, value: *value, variance: 0.0 })
        .collect();
    let belief = prior.updated(&observations).unwrap();
    let probability =
        |sure| Draws::new(5).standing(&belief, many.named, many.margin, sure).probability.unwrap();
    let error = 4.0 * (many.probability * (1.0 - many.probability) / 2048.0).sqrt() + 0.002;
    assert!(
        (probability(0.0) - many.probability).abs() < error,
        "{}, not {}",
        probability(0.0),
        many.probability
    );
    assert!(many.probability_against_sixteen - many.probability > 1.5 * error, "the others matter");
    // Where not even that against the most dangerous ones is enough, it is an upper bound.
    for sure in [0.35, 0.5, 0.9] {
        let bound = probability(sure);
        assert!(bound < sure && bound > many.probability - error, "{bound} for {sure}");
    }
}

#[test]
fn the_probability_that_none_is_better_is_that_of_the_multivariate_normal() {
    let golden = Golden::read();
    let observations = golden.observations();
    for case in &golden.cases {
        let prior = golden.prior(case);
        let belief = prior.updated(&observations).unwrap();
        let standing = Draws::new(5).standing(&belief, case.named, 0.01, 0.0);
        // Four standard errors of 2,048 draws, and what may be left out.
        let probability = standing.probability.unwrap();
        let error = 4.0 * (case.probability * (1.0 - case.probability) / 2048.0).sqrt() + 0.002;
        let far = (probability - case.probability).abs();
        assert!(far < error, "{probability}, not {}", case.probability);
        assert!(standing.tied.contains(&case.named));
    }
}

#[test]
fn what_is_foretold_of_a_curve_is_the_textbooks() {
    let golden = Golden::read();
    let candidates = golden.candidates();
    let mut curves = Curves::new(std::f64::consts::LN_2);
    for (key, losses) in &golden.curves {
        curves.learn(*key, losses);
    }
    let (configuration, losses) = &golden.open_trial;
    let outlook = curves.outlook(&candidates, *configuration, losses);
    assert_near(outlook.change, golden.outlook.0);
    assert_near(outlook.variance, golden.outlook.1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_gradient_is_the_limit_of_differences(place in prop::collection::vec(-1.5..1.5_f64, 10)) {
        let golden = Golden::read();
        let (candidates, observations) = (golden.candidates(), golden.observations());
        let posterior = Posterior::new(&candidates, &observations, golden.level);
        let gradient = posterior.at(&place).unwrap().gradient;
        for (at, slope) in gradient.iter().enumerate() {
            let value = |step: f64| {
                let mut there = place.clone();
                there[at] += step;
                posterior.at(&there).unwrap().value
            };
            let difference = (value(1e-5) - value(-1e-5)) / 2e-5;
            prop_assert!((difference - slope).abs() < 1e-5 * (1.0 + slope.abs()), "{at}: {difference} and {slope}");
        }
    }

    #[test]
    fn a_fit_is_a_place_without_a_slope(noise in prop::collection::vec(-0.1..0.1_f64, 8)) {
        let golden = Golden::read();
        let candidates = golden.candidates();
        let mut observations = golden.observations();
        observations.iter_mut().zip(noise).for_each(|(one, noise)| one.value += noise);
        let posterior = Posterior::new(&candidates, &observations, golden.level);
        let found = posterior.most_probable();
        let steepest = posterior.at(&found).unwrap().gradient.iter().map(|one| one.abs()).fold(0.0, f64::max);
        prop_assert!(steepest < 0.01, "{steepest}");
        let start = posterior.at(&[0.0; 10]).unwrap().value;
        prop_assert!(posterior.at(&found).unwrap().value <= start);
    }
}

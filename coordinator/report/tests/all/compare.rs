//! Two sweeps side by side: the numbers are SciPy's and statsmodels', and what cannot be paired is said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test may stop")]

use crate::fixture;

use std::collections::BTreeMap;

use coordinator_core::{EarlierChoice, SweepState, TrialState};
use coordinator_report::analysis::compare::{compare, paired};
use coordinator_report::model::comparison::PairedDifference;
use coordinator_report::{Language, ReportInput, render_comparison};
use fixture::{axis, finished, spec};
use serde::Deserialize;
use sweep_proto::{Axis, Hyperparameter, SweepId, Timestamp, Value};

#[derive(Deserialize)]
struct Golden {
    /// Of the first and the second sweep, by configuration and seed.
    losses: [Vec<Vec<f64>>; 2],
    pairs: Vec<PairGolden>,
    overall: TestGolden,
}

#[derive(Deserialize)]
struct PairGolden {
    #[serde(flatten)]
    test: TestGolden,
    p_holm: f64,
}

#[derive(Deserialize)]
struct TestGolden {
    mean: f64,
    standard_deviation: f64,
    interval: [f64; 2],
    p: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/paired.json")).unwrap()
}

/// Sweep 3 or 4 of 2 × 3 configurations with the recipe's losses.
fn sweep(id: u64, losses: &[Vec<f64>]) -> ReportInput {
    let axes = vec![axis(Hyperparameter::Units, &[8, 16]), axis(Hyperparameter::Embedding, &[8, 16, 32])];
    let mut input = finished(spec(axes, losses[0].len() as u32), 2, |position, replicate| {
        let loss = losses[position as usize][replicate as usize];
        (loss, 1.0 - loss)
    });
    input.sweep.id = SweepId(id);
    input
}

fn both() -> [ReportInput; 2] {
    let [first, second] = golden().losses;
    [sweep(3, &first), sweep(4, &second)]
}

/// The same sweep with another value of what is not swept.
fn with_fixed(mut input: ReportInput, hyperparameter: Hyperparameter, value: &Value) -> ReportInput {
    let set = |of: &mut sweep_proto::Configuration| of.set(hyperparameter, value.clone()).unwrap();
    set(&mut input.sweep.spec.fixed);
    input.trials.iter_mut().for_each(|trial| set(&mut trial.spec.configuration));
    input
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-8 * expected.abs().max(1e-6), "{found}, not {expected}");
}

fn near_test(found: &PairedDifference, expected: &TestGolden) {
    near(found.mean, expected.mean);
    near(found.standard_deviation.unwrap(), expected.standard_deviation);
    let interval = found.interval.unwrap();
    near(interval.low, expected.interval[0]);
    near(interval.high, expected.interval[1]);
    near(found.p.unwrap(), expected.p);
}

#[test]
fn paired_differences_are_those_of_scipy_and_statsmodels() {
    let inputs = both();
    let comparison = compare(inputs.each_ref());
    let golden = golden();
    assert_eq!(comparison.pairs.len(), golden.pairs.len());
    for (position, expected) in golden.pairs.iter().enumerate() {
        let label = inputs[0].sweep.spec.configuration(position as u64).unwrap();
        let label = label.label(&inputs[0].sweep.spec.swept());
        let found = comparison.pairs.iter().find(|pair| pair.label == label).expect("matched");
        near_test(&found.difference, &expected.test);
        near(found.p_holm.unwrap(), expected.p_holm);
    }
    near_test(&comparison.overall.unwrap(), &golden.overall);
}

#[test]
fn what_is_fixed_differently_is_under_study_and_does_not_keep_configurations_apart() {
    let [first, second] = both();
    let second = with_fixed(second, Hyperparameter::Dropout, &Value::Real(0.4));
    let comparison = compare([&first, &second]);
    assert_eq!((comparison.pairs.len(), comparison.unmatched), (6, [0, 0]));
    assert_eq!(comparison.under_study, [Hyperparameter::Dropout]);
    let settings: Vec<_> = comparison.settings.iter().map(|one| one.setting.to_string()).collect();
    assert_eq!(settings, ["dropout"]);
    assert!(comparison.is_same_data);
}

#[test]
fn an_axis_of_one_level_is_held_and_may_be_under_study() {
    let losses = [vec![0.5, 0.6], vec![0.4, 0.7]];
    let of = |id, dropout| {
        let held = Axis::of_levels(Hyperparameter::Dropout, vec![Value::Real(dropout)]);
        let axes = vec![axis(Hyperparameter::Units, &[8, 16]), held];
        let mut input = finished(spec(axes, 2), 2, |position, replicate| {
            (losses[position as usize][replicate as usize] + dropout * f64::from(replicate + 1), 0.5)
        });
        input.sweep.id = SweepId(id);
        input
    };
    let comparison = compare([&of(3, 0.1), &of(4, 0.2)]);
    assert_eq!(comparison.under_study, [Hyperparameter::Dropout]);
    let labels: Vec<_> = comparison.pairs.iter().map(|pair| pair.label.as_str()).collect();
    assert_eq!(labels, ["units=8", "units=16"]);
    assert_eq!((comparison.matched, comparison.unmatched), (2, [0, 0]));
}

#[test]
fn why_nothing_can_be_paired_is_said() {
    let page = |first: &ReportInput, second: &ReportInput| {
        let files: BTreeMap<_, _> =
            render_comparison([first, second], Language::English).unwrap().into_iter().collect();
        String::from_utf8(files["comparison.md"].clone()).unwrap()
    };
    let [first, second] = both();
    let mut other_seeds = second.clone();
    other_seeds.trials.iter_mut().for_each(|trial| trial.spec.seed ^= 1);
    let said = page(&first, &other_seeds);
    assert!(
        said.contains("6 configurations completed in both sweeps, but never under the same seed"),
        "{said}"
    );
    let mut nothing = second.clone();
    nothing.trials.clear();
    assert!(page(&first, &nothing).contains("No trial of sweep 4 has completed"));
    let elsewhere = spec(vec![axis(Hyperparameter::Units, &[64, 128])], 2);
    let mut elsewhere = finished(elsewhere, 2, |_, _| (0.5, 0.5));
    elsewhere.sweep.id = SweepId(5);
    assert!(page(&first, &elsewhere).contains("have no configuration in common"));
}

#[test]
fn pairs_share_a_seed_and_a_configuration() {
    let [first, second] = both();
    let mut other_seeds = second.clone();
    other_seeds.trials.iter_mut().for_each(|trial| trial.spec.seed ^= 1);
    let comparison = compare([&first, &other_seeds]);
    assert!(comparison.pairs.is_empty() && comparison.overall.is_none(), "no seed is common");
    let mut fewer = second;
    // The last configuration and the last seed of all others are missing.
    fewer.trials.retain(|trial| trial.spec.replicate < 4);
    fewer.trials.truncate(20);
    let comparison = compare([&first, &fewer]);
    assert_eq!((comparison.pairs.len(), comparison.unmatched), (5, [1, 0]));
    assert!(comparison.pairs.iter().all(|pair| pair.difference.seeds == 4));
    assert_eq!(comparison.overall.unwrap().seeds, 4);
}

#[test]
fn equal_differences_have_no_interval_and_one_seed_neither() {
    let same = paired(&[[0.5, 0.5], [0.6, 0.6]]).unwrap();
    assert_eq!((same.mean, same.interval, same.p), (0.0, None, None));
    let shifted = paired(&[[0.5, 0.6], [0.6, 0.7], [0.7, 0.8]]).unwrap();
    assert_eq!((shifted.interval, shifted.p), (None, None), "rounding is no spread");
    let one = paired(&[[0.5, 0.4]]).unwrap();
    assert_eq!((one.seeds, one.interval, one.p), (1, None, None));
    assert_eq!(paired(&[]), None);
}

#[test]
fn what_counts_nowhere_and_who_trained_is_told() {
    let page = |inputs: [&ReportInput; 2]| {
        let files: BTreeMap<_, _> =
            render_comparison(inputs, Language::English).unwrap().into_iter().collect();
        String::from_utf8(files["comparison.md"].clone()).unwrap()
    };
    let [mut first, mut second] = both();
    let told = page([&first, &second]);
    assert!(!told.contains("count in no mean") && !told.contains("by one build"), "{told}");
    assert!(compare([&first, &second]).is_same_machine);

    for (trial, state) in second.trials.iter_mut().zip([TrialState::Failed, TrialState::Diverged]) {
        (trial.state, trial.result) = (state, None);
    }
    second.workers[0].profile.devices[0].model = "another".into();
    let told = page([&first, &second]);
    assert!(told.contains("Trials of sweep 4 count in no mean: 1 diverged, 1 failed."), "{told}");
    assert!(told.contains("of sweep 3: test cpu (0.1.0); of sweep 4: another (0.1.0)"), "{told}");

    assert!(!told.contains("The test split was used"), "{told}");
    let configuration = first.trials[0].spec.configuration.clone();
    let earlier = EarlierChoice { configuration, at: Timestamp(1), trials: 1, accuracy: 0.5 };
    first.sweep.earlier_choices = vec![earlier; 2];
    let told = page([&first, &second]);
    assert!(told.contains("Sweep 3: The test split was used 2 times"), "{told}");

    second.workers[0].profile.devices[0].model = "test cpu".into();
    first.workers[0].profile.build = "0.0.9".into();
    assert!(!compare([&first, &second]).is_same_machine);
    // Of a machine that did nothing, nothing was rounded.
    second.attempts.clear();
    assert!(compare([&first, &second]).sweeps[1].devices.is_empty());
}

#[test]
fn a_comparison_is_the_same_bytes_and_hostile_names_are_inert() {
    let [mut first, mut second] = both();
    first.sweep.spec.name = "</title><script>alert(1)</script>|`".into();
    second.sweep.state = SweepState::Open;
    second.sweep.spec.data.seed = 9;
    let files = |first: &ReportInput, second: &ReportInput| -> BTreeMap<String, Vec<u8>> {
        render_comparison([first, second], Language::English).unwrap().into_iter().collect()
    };
    let found = files(&first, &second);
    second.trials.reverse();
    assert_eq!(found, files(&first, &second), "the order of records does not matter");
    let text = |name: &str| String::from_utf8(found[name].clone()).unwrap();
    let html = text("comparison.html");
    assert_eq!(html.matches("</script>").count(), 3, "ours alone");
    assert!(html.contains("Comparison of sweeps 3 and 4") && html.contains("comparison.json"));
    let markdown = text("comparison.md");
    assert!(!markdown.contains("<script") && markdown.contains("Provisional: sweep 4"));
    assert!(markdown.contains("not trained and validated on the same rows"));
    insta::assert_snapshot!("comparison", markdown);
    let json: serde_json::Value = serde_json::from_str(&text("comparison.json")).unwrap();
    assert_eq!(json["pairs"].as_array().unwrap().len(), 6);
}

#[test]
fn sweeps_without_results_compare_without_numbers() {
    let [first, _] = both();
    let mut none = fixture::empty(first.sweep.spec.clone());
    none.sweep.id = SweepId(9);
    let comparison = compare([&none, &first]);
    assert_eq!((comparison.pairs.len(), comparison.overall, comparison.unmatched), (0, None, [0, 6]));
    assert!(comparison.sweeps[0].best.is_none());
    assert_eq!(render_comparison([&none, &none], Language::English).unwrap().len(), 3);
}

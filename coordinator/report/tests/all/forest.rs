//! The forest's analysis of variance agrees with Optuna's, and with the exact one of statsmodels where a tree sees everything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test may stop")]

use crate::fixture;

use coordinator_core::TrialState;
use coordinator_report::model::Fanova;
use coordinator_report::{ReportInput, analyse};
use coordinator_statistics::coded::CodedTrials;
use coordinator_statistics::fanova::{Parts, fanova};
use coordinator_statistics::forest::Tree;
use fixture::{axis, finished, noise, spec, study, text};
use serde::Deserialize;
use sweep_proto::random::Stream;
use sweep_proto::{Axis, Hyperparameter};

/// Standard errors of the difference of two forests' means within which they agree: 96 shares are compared.
const STANDARD_ERRORS: f64 = 4.0;
/// Beyond those: Optuna divides between two levels that do not occur next to each other at their middle, which may
/// be half of a level, and scikit-learn decides otherwise between equal splits.
const OF_SHARE: f64 = 0.005;
/// Trees of the recipe.
const TREES_OF_RECIPE: f64 = 1_000.0;
/// How far a forest's share of a main effect may be from the exact one where each tree sees two of three replicates:
/// what seed noise moves.
const OF_EXACT: f64 = 0.05;

#[derive(Deserialize)]
struct Golden {
    name: String,
    levels: Vec<u64>,
    replicates: u32,
    losses: Vec<f64>,
    anova: Vec<Line>,
    /// Mean and standard deviation over trees of each hyperparameter's share, then of each pair's.
    forest: Vec<(f64, f64)>,
    forest_without_every_fourth: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
struct Line {
    of: Vec<String>,
    ss: f64,
}

fn goldens() -> Vec<Golden> {
    serde_json::from_str(include_str!("golden/golden.json")).unwrap()
}

const NAMES: [Hyperparameter; 4] =
    [Hyperparameter::Units, Hyperparameter::Embedding, Hyperparameter::BatchSize, Hyperparameter::Layers];

fn axes_of(golden: &Golden) -> Vec<Axis> {
    let levels = |count: u64| (1..=count).collect::<Vec<_>>();
    NAMES.iter().zip(&golden.levels).map(|(name, count)| axis(*name, &levels(*count))).collect()
}

fn input_of(golden: &Golden) -> ReportInput {
    finished(spec(axes_of(golden), golden.replicates), 1, |position, replicate| {
        let loss = golden.losses[(position * u64::from(golden.replicates) + u64::from(replicate)) as usize];
        (loss, 1.0 - loss)
    })
}

fn forest_of(input: &ReportInput) -> Fanova {
    analyse(input).importance.expect("at least twenty trials").fanova.expect("differences")
}

#[test]
fn the_shares_are_optunas() {
    for golden in goldens() {
        let mut input = input_of(&golden);
        let check = |input: &ReportInput, expected: &[(f64, f64)]| {
            let found = forest_of(input);
            assert_eq!(found.shares.len(), expected.len());
            for (found, (mean, deviation)) in found.shares.iter().zip(expected) {
                let error = deviation * (1.0 / 100.0 + 1.0 / TREES_OF_RECIPE).sqrt();
                let away = (found.share - mean).abs();
                assert!(
                    away <= STANDARD_ERRORS * error + OF_SHARE,
                    "{}, {:?}: {}, not {mean} ± {error}",
                    golden.name,
                    found.of,
                    found.share
                );
                let spread = found.standard_deviation.unwrap();
                assert!((spread / deviation - 1.0).abs() < 0.5, "{}: spread {spread}", golden.name);
                let range = found.of_most_trees.unwrap();
                assert!(range.low <= found.share && found.share <= range.high);
            }
        };
        check(&input, &golden.forest);
        for trial in input.trials.iter_mut().step_by(4) {
            trial.state = TrialState::Failed;
            trial.result = None;
        }
        check(&input, &golden.forest_without_every_fourth);
    }
}

/// The trials of a golden set, each named once.
fn coded(golden: &Golden) -> CodedTrials {
    let replicates = golden.replicates as usize;
    let mut below = golden.levels.iter().product::<u64>() as usize;
    let place = |count: &u64| {
        below /= *count as usize;
        let of_trial = |trial: usize| trial / replicates / below % *count as usize;
        (0..golden.losses.len()).map(of_trial).collect()
    };
    CodedTrials {
        scores: golden.losses.clone(),
        levels: golden.levels.iter().map(place).collect(),
        counts: golden.levels.iter().map(|count| *count as usize).collect(),
    }
}

#[test]
fn one_tree_that_saw_every_trial_has_the_exact_shares_of_the_configurations_means() {
    for golden in goldens() {
        let trials = coded(&golden);
        let all: Vec<usize> = (0..trials.scores.len()).collect();
        let tree = Tree::grown(&trials, &all, &mut Stream::of_analysis(1));
        assert_eq!(tree.regions().len() as u64, golden.levels.iter().product::<u64>(), "a region for each");
        let parts = Parts::of(&trials.counts);
        let shares = parts.shares(&tree).unwrap();
        let of_noise = |line: &&Line| line.of == ["replicate"] || line.of == ["Residual"];
        let total: f64 = golden.anova.iter().filter(|line| !of_noise(line)).map(|line| line.ss).sum();
        for (subset, share) in parts.subsets.iter().zip(&shares) {
            let names: Vec<&str> = subset.iter().map(|at| NAMES[*at].name()).collect();
            let line = golden.anova.iter().find(|line| line.of == names).expect("a line");
            assert!((share - line.ss / total).abs() < 1e-9, "{}: {names:?} {share}", golden.name);
        }
    }
}

#[test]
fn a_forest_is_near_the_exact_shares_where_noise_is_small() {
    let golden = &goldens()[0];
    assert_eq!(golden.name, "planted");
    let of_main = |name: &str| golden.anova.iter().find(|line| line.of == [name]).unwrap().ss;
    let total: f64 = golden
        .anova
        .iter()
        .filter(|line| line.of != ["replicate"] && line.of != ["Residual"])
        .map(|line| line.ss)
        .sum();
    let forest = forest_of(&input_of(golden));
    for (at, name) in NAMES.iter().enumerate().take(3) {
        let (found, exact) = (forest.shares[at].share, of_main(name.name()) / total);
        assert!((found - exact).abs() < OF_EXACT, "{name}: {found}, exact {exact}");
    }
    assert!(forest.explained_of_unseen.unwrap() > 0.5);
}

#[test]
fn unseen_trials_of_pure_noise_are_not_predicted() {
    let axes =
        vec![axis(Hyperparameter::Units, &[1, 2, 3, 4]), axis(Hyperparameter::Embedding, &[1, 2, 3, 4])];
    let input = finished(spec(axes, 3), 1, |position, replicate| {
        (0.5 + 0.01 * noise(position * 3 + u64::from(replicate)), 0.5)
    });
    assert!(forest_of(&input).explained_of_unseen.unwrap() < 0.1);
    assert!(text(&input, "report.md").contains("its shares say little"));
}

#[test]
fn equal_scores_have_no_forest() {
    let axes = vec![axis(Hyperparameter::Units, &[1, 2, 3]), axis(Hyperparameter::Embedding, &[1, 2, 3])];
    let input = finished(spec(axes, 3), 1, |_, _| (0.7, 0.5));
    assert!(analyse(&input).importance.unwrap().fanova.is_none());
}

#[test]
fn the_section_tells_what_the_forest_finds() {
    let markdown = text(&study(), "report.md");
    assert!(markdown.contains("The forest has embedding in front, as the exact shares have."), "{markdown}");
    assert!(markdown.contains("units × embedding"));
    // A configuration without any result leaves no full grid.
    let mut unbalanced = study();
    for trial in unbalanced.trials.iter_mut().take(3) {
        trial.state = TrialState::Failed;
        trial.result = None;
    }
    let markdown = text(&unbalanced, "report.md").to_lowercase();
    assert!(markdown.contains("the forest has embedding in front"), "{markdown}");
    assert!(!markdown.contains("exact shares have"));
}

#[test]
fn very_many_trials_are_represented_by_ten_thousand() {
    let mut random = 0_u64;
    let mut next = |below: usize| {
        random += 1;
        (f64::midpoint(noise(random), 1.0) * below as f64) as usize
    };
    let trials = 100_000;
    let levels: Vec<Vec<usize>> = (0..10).map(|_| (0..trials).map(|_| next(3)).collect()).collect();
    let scores = (0..trials).map(|at| levels[3][at] as f64 + 0.5 * noise(at as u64)).collect();
    let found = fanova(&CodedTrials { scores, levels, counts: vec![3; 10] }).unwrap();
    assert_eq!((found.trials, found.shares.len()), (10_000, 10 + 45));
    assert!(found.shares[3].share > 0.7, "{}", found.shares[3].share);
}

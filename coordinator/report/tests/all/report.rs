//! The report from records to files: numbers by hand, every format, hostile and broken records.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test may stop")]

use crate::fixture;

use coordinator_core::{AttemptState, TrialState};
use coordinator_report::model::{CurvePanel, PanelTitle};
use coordinator_report::{Language, ReportInput, ReportModel, analyse, render};
use fixture::{
    axis, empty, files, finished, measure_test, near, noise, push_attempt, spec, study, text, two_by_two,
    without_result,
};
use sweep_proto::metric::figure::TestFigure;
use sweep_proto::{Hyperparameter, SweepId, TrialId};

#[test]
fn a_small_factorial_has_the_numbers_by_hand() {
    let model = analyse(&two_by_two());
    let answer = &model.answer;
    assert_eq!(answer.label, "units=16 batch_size=4");
    assert!(!answer.provisional);
    near(answer.test_accuracy.unwrap(), 0.8);
    near(answer.validation_loss.unwrap().mean, 0.3);
    near(answer.validation_loss.unwrap().standard_deviation.unwrap(), 0.02_f64.sqrt());
    assert_eq!(answer.validation_loss.unwrap().replicates, 2);
    assert_eq!(answer.test_confusion, Some(vec![vec![800, 200], vec![300, 700]]));

    let gap = answer.gap.as_ref().unwrap();
    assert_eq!((gap.best.as_str(), gap.worst.as_str()), ("units=16 batch_size=4", "units=8 batch_size=2"));
    near(gap.loss_absolute, 0.45);
    near(gap.loss_percent.unwrap(), 60.0);
    near(gap.accuracy_points, 45.0);
    // Replicate 0 left out: best is units=16 batch_size=4; replicate 1 left out: units=16 batch_size=2.
    let fair = gap.cross_fitted.unwrap();
    near(fair.loss_absolute, 0.30);
    near(fair.loss_percent.unwrap(), 40.0);
    near(fair.accuracy_points, 30.0);

    let variance = model.main_effects.variance.unwrap();
    near(variance.total_sum_of_squares, 0.44);
    near(variance.main_effects_share, 0.225 / 0.44);
    near(variance.interactions_share, 0.005 / 0.44);
    near(variance.replicates_share.unwrap(), 0.125 / 0.44);
    near(variance.residual_share.unwrap(), 0.085 / 0.44);
    near(variance.residual_mean_square.unwrap(), 0.085 / 3.0);
    let units = &model.main_effects.factors[0];
    near(units.share.unwrap(), 0.18 / 0.44);
    near(units.range.unwrap(), 0.3);
    let level = &units.levels[0];
    assert_eq!(level.trials, 4);
    near(level.validation_loss.unwrap().mean, 0.65);
    near(level.validation_loss.unwrap().standard_deviation.unwrap(), 0.005_f64.sqrt());
    near(model.interactions[0].cells[1][1].unwrap(), 0.4);

    let strongest = &answer.strongest_hyperparameter;
    assert_eq!((strongest.verdict.as_str(), strongest.decided), ("undecided", false));
    assert_eq!(strongest.leading, Some(Hyperparameter::Units));
    let labels: Vec<_> = model.ranking.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(labels[0], "units=16 batch_size=4");
    assert_eq!(labels[3], "units=8 batch_size=2");
}

#[test]
fn the_test_split_tells_calibration_and_the_hardest_examples() {
    let mut input = two_by_two();
    let found = analyse(&input).test_split.unwrap();
    // 400/1,000 · |0.525 − 0.55| + 600/1,000 · |0.9 − 0.95|, in both replicates.
    near(found.expected_calibration_error.unwrap().mean, 0.04);
    near(found.overconfidence.unwrap().mean, 0.04);
    assert_eq!(
        (found.replicates, found.reliability[9].examples, found.reliability[0].examples),
        (2, 1_200, 0)
    );
    assert_eq!((found.hardest[0].row, found.hardest[0].truth.as_str()), (17, "positive"));
    let markdown = text(&input, "report.md");
    for line in [
        "| 90 to 100 % | 1,200 | 95.00 % | 90.00 % |",
        "| 17 | positive | negative | 99.00 % | 4.6000 | 2 of 2 |",
    ] {
        assert!(markdown.contains(line), "{line} is not in\n{markdown}");
    }

    // An older trainer measured one of the two replicates.
    let mut tests = input.trials.iter_mut().filter_map(|trial| trial.test.as_mut());
    tests.next().unwrap().more.insert(TestFigure::Auc, 0.75);
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("| AUC | – | not measured of every replicate |"), "{markdown}");

    // As it was stored by a trainer that told neither.
    for test in input.trials.iter_mut().filter_map(|trial| trial.test.as_mut()) {
        (test.calibration, test.hardest) = (Vec::new(), Vec::new());
    }
    let found = analyse(&input).test_split.unwrap();
    assert!(found.expected_calibration_error.is_none() && found.reliability.is_empty());
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("## Test split") && !markdown.contains("calibration"));
    assert!(!text(&input, "report.html").contains("id=\"reliability\""));
}

/// The curves of the best and the worst configuration.
fn extremes(model: &ReportModel) -> &CurvePanel {
    model.curves.iter().find(|panel| matches!(panel.title, PanelTitle::Extremes { .. })).unwrap()
}

#[test]
fn curves_average_over_trials_and_spread_over_replicates() {
    let input = two_by_two();
    let model = analyse(&input);
    let group = &model.curves[0].groups[0];
    assert_eq!((group.label.to_string().as_str(), group.trials, group.points.len()), ("8", 4, 4));
    // The fixture's best epoch is 2, where its validation loss is the score.
    near(group.points[1].validation_loss.mean, 0.65);
    near(group.points[1].validation_loss.standard_deviation.unwrap(), 0.005_f64.sqrt());
    let extremes = extremes(&model);
    near(extremes.groups[0].points[1].validation_loss.mean, 0.3);
    near(extremes.groups[1].points[1].validation_loss.mean, 0.75);
    near(model.stability[0].overfitting.unwrap(), 0.3 * 0.8 * 0.25);
}

#[test]
fn convergence_is_when_a_trial_first_comes_near_its_lowest_loss() {
    let mut input = two_by_two();
    let best = |input: &ReportInput| analyse(input).convergence[0].clone();
    let found = best(&input);
    assert_eq!((found.rank, found.label.as_str()), (1, "units=16 batch_size=4"));
    // Epoch 1 is a quarter of the trial away: 1 + 0.8 / 16 of the lowest, which is just within 5 %.
    near(found.lowest_loss_epoch.unwrap().mean, 2.0);
    near(found.epochs_to_near_lowest.unwrap().mean, 1.0);
    for epoch in input.epochs.iter_mut().filter(|epoch| epoch.metric.epoch == 1) {
        epoch.metric.validation_loss *= 1.01;
    }
    let found = best(&input);
    near(found.epochs_to_near_lowest.unwrap().mean, 2.0);
    // Position 2 of the fixture: 1.2 s for each epoch, 0.01 s more in the second replicate.
    near(found.seconds_to_near_lowest.unwrap().mean, 2.41);
    near(found.seconds_to_near_lowest.unwrap().standard_deviation.unwrap(), 0.02 / 2.0_f64.sqrt());
    // The first of equal epochs counts.
    for epoch in &mut input.epochs {
        epoch.metric.validation_loss = 0.5;
    }
    near(best(&input).lowest_loss_epoch.unwrap().mean, 1.0);
    assert!(text(&input, "report.md").contains("How soon each configuration learns"));
}

#[test]
fn a_planted_hyperparameter_is_named_and_pure_noise_is_not() {
    let strongest = analyse(&study()).answer.strongest_hyperparameter;
    assert_eq!((strongest.verdict.as_str(), strongest.decided), ("embedding", true), "{}", strongest.reason);

    let sweeps = 400;
    let decided = (0..sweeps)
        .filter(|sweep| {
            let axes =
                vec![axis(Hyperparameter::Units, &[1, 2, 3]), axis(Hyperparameter::Embedding, &[1, 2, 3])];
            let null = finished(spec(axes, 3), 0, |position, replicate| {
                let key = (sweep * 1_000 + position * 10 + u64::from(replicate)) * 12;
                // A sum of twelve uniforms is close to normal.
                (0.5 + 0.01 * (0..12).map(|one| noise(key + one)).sum::<f64>(), 0.5)
            });
            analyse(&null).answer.strongest_hyperparameter.decided
        })
        .count();
    assert!(decided * 1_000 <= sweeps as usize * 65, "{decided} of {sweeps} null sweeps were decided");
}

#[test]
fn equal_scores_are_no_effect_whatever_rounding_leaves() {
    let axes = || {
        let names = [Hyperparameter::Units, Hyperparameter::Embedding];
        names.map(|name| axis(name, &[8, 16, 24])).to_vec()
    };
    for loss in [0.1, 0.6, 0.7, 2.3, 2.55, 1e90] {
        let model = analyse(&finished(spec(axes(), 3), 1, |_, _| (loss, 0.5)));
        assert!(model.factorial.is_none() && model.main_effects.variance.is_none(), "{loss}");
        assert!(model.main_effects.factors.iter().all(|one| one.test.is_none()), "{loss}");
        assert_eq!(
            model.answer.strongest_hyperparameter.reason.to_string(),
            "all trials have the same validation loss"
        );
        near(model.answer.probability_best.unwrap(), 1.0 / 9.0);
    }
    // Seeds differ, configurations do not.
    let model =
        analyse(&finished(spec(axes(), 3), 1, |_, replicate| (0.6 + 0.013 * f64::from(replicate), 0.5)));
    for effect in &model.factorial.as_ref().unwrap().effects {
        assert_eq!((effect.sum_of_squares, effect.p), (Some(0.0), Some(1.0)));
    }
    let pairs = model.main_effects.factors.iter().flat_map(|factor| &factor.comparisons);
    assert!(pairs.map(|pair| (pair.difference, pair.p_holm)).all(|pair| pair == (0.0, 1.0)));
    assert!(!model.answer.strongest_hyperparameter.decided);
}

#[test]
fn failures_are_weighed_as_the_worst() {
    assert_eq!(analyse(&study()).if_failures_were_worst, None);

    // The worst of all fails once: nothing changes.
    let mut input = two_by_two();
    without_result(&mut input, 7, TrialState::Failed);
    let found = analyse(&input).if_failures_were_worst.unwrap();
    assert_eq!((found.without_result, found.is_same), (1, true));

    // One that is far ahead and failed once ranks behind those that did not, and would be the best all the same.
    let losses = [[0.6, 0.6], [0.1, 0.1]];
    let mut input =
        finished(spec(vec![axis(Hyperparameter::Units, &[8, 16])], 2), 1, |position, replicate| {
            (losses[position as usize][replicate as usize], 0.5)
        });
    without_result(&mut input, 3, TrialState::Diverged);
    let id = input.trials[3].spec.id;
    input.attempts.retain(|attempt| attempt.id.trial != id);
    push_attempt(&mut input, id, AttemptState::Diverged, None, Some("the loss was not finite"));
    let model = analyse(&input);
    assert_eq!(labels(&model)[0], "units=8");
    let found = model.if_failures_were_worst.unwrap();
    assert_eq!((found.without_result, found.best.as_str(), found.is_same), (1, "units=16", false));
    assert!(text(&input, "report.md").contains("units=16 would still have the lowest mean"));
}

#[test]
fn importance_says_whether_the_methods_agree() {
    let markdown = text(&study(), "report.md");
    assert!(markdown.contains("Among the best none is alone in front; over the whole grid embedding is."));

    let axes = vec![axis(Hyperparameter::Units, &[8, 16, 24]), axis(Hyperparameter::Embedding, &[8, 16, 24])];
    let losses = |units_step: f64, dip: f64| {
        finished(spec(axes.clone(), 3), 1, |position, replicate| {
            let (units, embedding) = ((position / 3) as f64, position % 3);
            let loss = 0.9 - units_step * units - if embedding == 1 { dip } else { 0.0 };
            (loss + 1e-4 * noise(position * 3 + u64::from(replicate)), 0.5)
        })
    };
    assert!(text(&losses(0.0, 0.1), "report.md").contains("Both have embedding in front."));
    let few = finished(spec(axes.clone(), 2), 1, |_, _| (0.5, 0.5));
    assert!(analyse(&few).importance.is_none(), "18 results are too few");
}

#[test]
fn one_factor_at_a_time_is_the_row_of_the_best() {
    let model = analyse(&study());
    assert_eq!(model.ranking[0].label, "units=128 embedding=128 batch_size=32");
    let row = &model.one_factor_at_a_time[1];
    assert_eq!(
        (row.hyperparameter, row.held.as_str()),
        (Hyperparameter::Embedding, "units=128 batch_size=32")
    );
    let ranked = |label: &str| model.ranking.iter().find(|one| one.label == label).unwrap().validation_loss;
    let losses: Vec<_> = row.levels.iter().map(|level| level.validation_loss.unwrap()).collect();
    let expected = [32, 64, 128].map(|level| ranked(&format!("units=128 embedding={level} batch_size=32")));
    assert_eq!(losses, expected);
    near(row.range.unwrap(), losses[0].mean - losses[2].mean);
    assert!(text(&study(), "report.md").contains("the full grid has the same one in front"));

    // Units matter only where the embedding is small, which the best row does not show.
    let axes = vec![axis(Hyperparameter::Units, &[8, 16, 32]), axis(Hyperparameter::Embedding, &[8, 16])];
    let blind = finished(spec(axes, 2), 1, |position, replicate| {
        let (units, embedding) = ((position / 2) as f64, (position % 2) as f64);
        let loss =
            0.6 - 0.02 * embedding - 0.1 * units * (1.0 - embedding) + 0.3 * f64::from(embedding < 0.5);
        (loss + 1e-4 * noise(position * 2 + u64::from(replicate)), 0.5)
    });
    let markdown = text(&blind, "report.md");
    assert!(markdown.contains("Here embedding moves the validation loss the most"), "{markdown}");
}

fn labels(model: &ReportModel) -> Vec<&str> {
    model.ranking.iter().map(|one| one.label.as_str()).collect()
}

#[test]
fn the_ranking_is_in_the_order_of_the_choice() {
    let mut input = two_by_two();
    input.sweep.chosen = None;
    // The best mean now stands on one replicate, and so does that of the third.
    without_result(&mut input, 5, TrialState::Diverged);
    without_result(&mut input, 7, TrialState::Failed);
    let model = analyse(&input);
    let means = coordinator_core::choice::means(&input.sweep.spec, input.trials.iter());
    let swept = input.sweep.spec.swept();
    let expected: Vec<_> = means.iter().map(|one| one.configuration.label(&swept)).collect();
    assert_eq!(labels(&model), expected);
    assert_eq!(model.answer.label, expected[0]);
    assert_eq!(model.answer.label, "units=8 batch_size=4");
    assert_eq!(
        (model.ranking[0].validation_loss.replicates, model.ranking[2].validation_loss.replicates),
        (2, 1)
    );

    // Best and worst are those over both replicates, though means over one replicate are lower.
    let gap = model.answer.gap.as_ref().unwrap();
    assert_eq!((gap.best.as_str(), gap.worst.as_str()), ("units=8 batch_size=4", "units=8 batch_size=2"));
    near(gap.loss_absolute, 0.2);
    let extremes = extremes(&model);
    assert_eq!(extremes.title.to_string(), "best (units=8 batch_size=4) and worst (units=8 batch_size=2)");
    assert_eq!((extremes.groups[0].trials, extremes.groups[1].trials), (2, 2));

    let html = text(&input, "report.html");
    assert!(html.contains(
        "Best configuration: units=8 batch_size=4 (lowest mean validation loss of the 2 configurations with all 2 \
         replicates completed; 2 more completed fewer)."
    ));
    assert!(!html.contains("not measured on equal terms"));
    assert!(
        text(&two_by_two(), "report.html")
            .contains("(lowest mean validation loss of 4 configurations with a result)")
    );
}

#[test]
fn equal_means_rank_in_the_order_of_an_extended_grid() {
    let mut input =
        empty(spec(vec![axis(Hyperparameter::Units, &[8]), axis(Hyperparameter::BatchSize, &[4, 2])], 1));
    for position in 0..2 {
        fixture::push_completed(&mut input, position, 0, 4, 0.5, 0.5);
    }
    // A level of the last axis comes between the configurations that are there.
    input.sweep.spec.axes =
        vec![axis(Hyperparameter::Units, &[8, 16]), axis(Hyperparameter::BatchSize, &[4, 2, 1])];
    for position in [5, 2, 4, 3] {
        fixture::push_completed(&mut input, position, 0, 4, 0.5, 0.5);
    }
    let means = coordinator_core::choice::means(&input.sweep.spec, input.trials.iter());
    let swept = input.sweep.spec.swept();
    let expected: Vec<_> = means.iter().map(|one| one.configuration.label(&swept)).collect();
    assert_eq!(labels(&analyse(&input)), expected);
}

#[test]
fn a_gap_over_unequal_replicates_says_so() {
    let mut input = two_by_two();
    for at in [1, 3, 7] {
        without_result(&mut input, at, TrialState::Failed);
    }
    let model = analyse(&input);
    assert_eq!(labels(&model)[0], "units=16 batch_size=4");
    // Of those over one replicate the last has the highest loss.
    assert_eq!(model.answer.gap.as_ref().unwrap().worst, "units=8 batch_size=2");
    let markdown = text(&input, "report.md");
    assert!(
        markdown.contains("(the only configuration with all 2 replicates completed; 3 more completed fewer)")
    );
    assert!(markdown.contains("not measured on equal terms"));
}

#[test]
fn missing_replicates_are_not_taken_for_a_plan_of_one() {
    let reason = |input: &ReportInput| analyse(input).answer.strongest_hyperparameter.reason.to_string();
    let mut input = two_by_two();
    without_result(&mut input, 7, TrialState::Failed);
    assert_eq!(
        reason(&input),
        "replicates are missing: 1 of 8 trials has no result, so configurations cannot be compared seed by seed"
    );
    // A configuration without any result.
    without_result(&mut input, 6, TrialState::Failed);
    assert!(reason(&input).starts_with("replicates are missing: 2 of 8 trials have no result"));

    let axes = vec![axis(Hyperparameter::Units, &[8, 16]), axis(Hyperparameter::BatchSize, &[4, 2])];
    let mut one = finished(spec(axes, 1), 4, |position, _| (0.5 + 0.1 * position as f64, 0.5));
    assert!(reason(&one).starts_with("one replicate cannot tell"));
    without_result(&mut one, 0, TrialState::Failed);
    assert!(reason(&one).starts_with("trials are missing: 1 of 4 trials has no result"));
}

#[test]
fn the_reproduction_is_a_sweep_file_that_reads_as_the_sweep() {
    let mut input = two_by_two();
    input.sweep.spec.data.source = sweep_proto::DataSource::File {
        path: "/data/reviews.csv".into(),
        validation_path: None,
        test_path: None,
        text: "review".into(),
        label: "```".into(),
    };
    input.sweep.file_text = "# relative\n[data]\npath = \"reviews.csv\"\n[grid]\nunits = [8]\n".into();
    // As `sweep extend` leaves it.
    let more = axis(input.sweep.spec.axes[0].hyperparameter, &[32]);
    input.sweep.spec.axes[0].grow(&more).unwrap();
    input.sweep.spec.replicates = 3;
    let written = analyse(&input).set_up.sweep_file;
    assert_eq!(sweep_proto::sweep_file::parse("sweep.toml", &written).unwrap(), input.sweep.spec);
    for line in
        ["path = \"/data/reviews.csv\"", "units = [8, 16, 32]", "replicates = 3", "validation_share = 0.1"]
    {
        assert!(written.lines().any(|one| one == line), "{line} is not in\n{written}");
    }

    let markdown = text(&input, "report.md");
    let fenced = format!("Sweep file:\n\n````text\n{}\n````\n", written.trim_end());
    assert!(markdown.contains(&fenced), "{markdown}");
    assert!(markdown.contains("Sweep file as it was launched:\n\n```text\n# relative\n"));
    let html = text(&input, "report.html");
    assert!(html.contains("<summary>Sweep file as it was launched</summary>"));
    input.sweep.file_text = written;
    assert!(!text(&input, "report.html").contains("Sweep file as it was launched"));
}

#[test]
fn the_commands_train_anew_and_need_no_coordinator() {
    let markdown = text(&two_by_two(), "report.md");
    let commands = markdown.split_once("Commands:").unwrap().1.split("```").nth(1).unwrap();
    let at =
        |command: &str| commands.find(command).unwrap_or_else(|| panic!("{command} is not in {commands}"));
    assert!(at("sweep run sweep.toml --no-reuse") < at("sweep report 3 -o report"));
    assert!(at("sweep launch sweep.toml --no-reuse") < at("sweep report 3 -o report"));
    assert!(at("sweep report 3 -o report") < at("sweep model best 3 -o model"));
    // They read the data folder themselves where no coordinator runs.
    assert!(!commands.contains("sweep serve"), "{commands}");
}

#[test]
fn the_json_is_the_agreed_one() {
    let json = text(&two_by_two(), "report.json");
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["schema_version"], 4);
    insta::assert_snapshot!(json);
}

#[test]
fn the_same_records_in_any_order_give_the_same_bytes() {
    let mut input = study();
    let first = files(&input);
    input.trials.reverse();
    input.attempts.reverse();
    input.epochs.reverse();
    assert_eq!(first, files(&input));
}

mod random {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => 0.0..1.0_f64,
            1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, f64::MAX, 1e99, 1e-300]),
        ]
    }

    fn words(model: &ReportModel) -> bool {
        let text = format!("{model:?}");
        text.split(|one: char| !one.is_alphanumeric()).any(|word| word == "NaN" || word == "inf")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_records_give_a_report_without_nan(
            sizes in prop::collection::vec(1_u64..4, 0..3),
            replicates in 1_u32..4,
            trials in prop::collection::vec((0_usize..8, number(), number(), 0_u32..4, any::<bool>(), 0_usize..7), 0..40),
            chosen in prop::option::of(0_u64..4),
        ) {
            let names = [Hyperparameter::Units, Hyperparameter::Embedding, Hyperparameter::BatchSize];
            let axes = sizes.iter().zip(names).map(|(size, name)| axis(name, &(1..=*size).collect::<Vec<_>>()));
            let spec = spec(axes.collect(), replicates);
            let grid = spec.grid_size().unwrap();
            let mut input = empty(spec);
            for (at, (state, loss, accuracy, epochs, reused, attempt)) in trials.into_iter().enumerate() {
                let (position, replicate) = (at as u64 / u64::from(replicates) % grid, at as u32 % replicates);
                fixture::push_completed(&mut input, position, replicate, epochs, loss, accuracy);
                let trial = input.trials.last_mut().unwrap();
                trial.state = TrialState::ALL[state.max(3).min(if at % 3 == 0 { 7 } else { 3 })];
                trial.reused_from = reused.then_some(TrialId { sweep: SweepId(1), index: at as u32 });
                let id = trial.spec.id;
                let states = [
                    AttemptState::Running, AttemptState::Succeeded, AttemptState::Diverged, AttemptState::Failed,
                    AttemptState::Released, AttemptState::Expired, AttemptState::Revoked,
                ];
                push_attempt(&mut input, id, states[attempt], None, None);
            }
            input.sweep.chosen = chosen.and_then(|position| input.sweep.spec.configuration(position));
            if let Some(position) = chosen.filter(|position| *position < grid) {
                measure_test(&mut input, position, |replicate| f64::from(replicate) / 3.0);
            }
            prop_assert!(!words(&analyse(&input)));
            let files = render(&input, Language::English).unwrap();
            prop_assert_eq!(files.len(), 8);
        }
    }
}

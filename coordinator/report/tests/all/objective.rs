//! Reports of sweeps that are ranked by other metrics than the validation loss.

use std::collections::BTreeMap;

use coordinator_report::{Language, Projection, ReportInput, analyse, records_digest, render_comparison};
use sweep_proto::{Hyperparameter, Objective, SweepId};

use crate::fixture::{axis, files, files_in, finished, measure_test, noise, spec, text};

/// Three levels each of units and batch size, three replicates. The best loss, accuracy and macro F1 are those of three configurations.
fn sweep(objective: Objective) -> ReportInput {
    let axes = vec![axis(Hyperparameter::Units, &[8, 16, 32]), axis(Hyperparameter::BatchSize, &[4, 2, 1])];
    let mut spec = spec(axes, 3);
    spec.objective = objective;
    let mut input = finished(spec, 4, |position, replicate| {
        let noise = 0.004 * noise(10 * position + u64::from(replicate));
        let far_from = |best: u64| position.abs_diff(best) as f64;
        (0.4 + 0.03 * far_from(1) + noise, 0.8 - 0.02 * far_from(4) + noise)
    });
    for epoch in &mut input.epochs {
        let position = u64::from(epoch.trial.index) / 3;
        let noise = 0.004 * noise(1_000 + u64::from(epoch.trial.index));
        epoch.metric.validation_macro_f1 = 0.7 - 0.02 * position.abs_diff(7) as f64 + noise;
    }
    let best = ranked(&input, objective)[0].0;
    measure_test(&mut input, best, |replicate| 0.7 + 0.01 * f64::from(replicate));
    input
}

/// Rows of a CSV by the names of their columns.
fn rows(input: &ReportInput, name: &str) -> Vec<BTreeMap<String, String>> {
    let text = text(input, name);
    let mut lines = text.lines().map(|line| line.trim_end_matches('\r').split(',').map(str::to_owned));
    let head: Vec<String> = lines.next().unwrap().collect();
    lines.map(|line| head.iter().cloned().zip(line).collect()).collect()
}

/// Positions in the grid with their means of a metric, best first, from the exported trials and epochs alone.
fn ranked(input: &ReportInput, objective: Objective) -> Vec<(u64, f64)> {
    let epochs = rows(input, "epochs.csv");
    let mut values: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (at, trial) in rows(input, "trials.csv").iter().enumerate() {
        let is_kept = |epoch: &&BTreeMap<String, String>| {
            epoch["trial"] == trial["trial"] && epoch["epoch"] == trial["best_epoch"]
        };
        let kept = epochs.iter().find(is_kept).unwrap();
        assert_eq!(
            kept[objective.name()],
            trial[objective.name()],
            "trials have the figure of their kept epoch"
        );
        values.entry(at as u64 / 3).or_default().push(kept[objective.name()].parse().unwrap());
    }
    let mut ranked: Vec<_> = values
        .into_iter()
        .map(|(at, values)| (at, values.iter().sum::<f64>() / values.len() as f64))
        .collect();
    let is_maximised = objective.direction() == "maximize";
    ranked.sort_by(
        |one, other| if is_maximised { other.1.total_cmp(&one.1) } else { one.1.total_cmp(&other.1) },
    );
    ranked
}

#[test]
fn each_objective_ranks_as_a_plain_computation_over_the_exported_trials() {
    let mut best = Vec::new();
    for objective in Objective::all() {
        let input = sweep(objective);
        let model = analyse(&input);
        let ranked = ranked(&input, objective);
        for (told, (position, value)) in model.ranking.iter().zip(&ranked) {
            let configuration = input.sweep.spec.configuration(*position).unwrap();
            assert_eq!(told.label, configuration.label(&input.sweep.spec.swept()), "{objective}");
            let mean = objective.value(told.validation_loss.mean);
            assert!((mean - value).abs() < 1e-12, "{objective}: {mean} {value}");
        }
        assert_eq!(model.answer.label, model.ranking[0].label);
        let gap = model.answer.gap.unwrap();
        let apart = (ranked[0].1 - ranked[ranked.len() - 1].1).abs();
        assert!((gap.loss_absolute - apart).abs() < 1e-12, "{objective}");
        best.push(ranked[0].0);
    }
    assert_eq!(best, [1, 4, 7]);
}

/// An error is one less an accuracy, so that what is known of the one is known of the other.
#[test]
fn the_interval_of_an_error_is_that_of_its_accuracy_from_the_other_end() {
    let model = analyse(&sweep(Objective::from_name("validation_accuracy").unwrap()));
    for one in &model.ranking {
        let (error, accuracy) = (one.validation_loss, one.validation_accuracy);
        assert!((error.mean + accuracy.mean - 1.0).abs() < 1e-12);
        let [of_error, of_accuracy] = [error, accuracy].map(|one| one.standard_deviation.unwrap());
        assert!((of_error - of_accuracy).abs() < 1e-12);
        assert!(one.validation_loss_interval.unwrap().low < error.mean);
    }
    // Units set the accuracy apart, by whole thirds of the grid.
    let units = &model.main_effects.factors[0];
    let error = |at: usize| units.levels[at].validation_loss.unwrap().mean;
    let accuracy = |at: usize| units.levels[at].validation_accuracy.unwrap().mean;
    assert!((0..3).all(|at| (error(at) + accuracy(at) - 1.0).abs() < 1e-12));
    assert!(units.test.unwrap().p < 0.05);
}

/// Every name of a field of a JSON value outside those that hold losses whatever the objective.
fn names(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in
                fields.iter().filter(|(name, _)| !["curves", "set_up"].contains(&name.as_str()))
            {
                found.push(name.clone());
                names(value, found);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

#[test]
fn files_name_scores_as_what_they_are() {
    for objective in Objective::all() {
        let json: serde_json::Value = serde_json::from_str(&text(&sweep(objective), "report.json")).unwrap();
        let mut found = Vec::new();
        names(&json, &mut found);
        let has = |name: &str| found.iter().any(|one| one == name);
        if objective == Objective::default() {
            assert!(
                has("validation_loss") && has("losses") && !has("score") && json.get("objective").is_none()
            );
            continue;
        }
        assert_eq!(json["objective"]["metric"], objective.name());
        assert_eq!(json["objective"]["direction"], "maximize");
        assert_eq!(json["objective"]["score"], format!("1 - {objective}"));
        // Of the test split, and of the epoch whose weights are kept.
        let told = ["test_loss", "loss", "lowest_loss_epoch"];
        let losses: Vec<_> =
            found.iter().filter(|one| one.contains("loss") && !told.contains(&one.as_str())).collect();
        assert!(losses.is_empty(), "{losses:?}");
        let score = json["answer"]["score"]["mean"].as_f64().unwrap();
        assert!((objective.value(score) - ranked(&sweep(objective), objective)[0].1).abs() < 1e-12);
    }
}

#[test]
fn people_read_what_the_numbers_are_of() {
    let by_accuracy = sweep(Objective::from_name("validation_accuracy").unwrap());
    let page = text(&by_accuracy, "report.md");
    assert!(
        page.contains(
            "Objective: maximize validation\\_accuracy. The analysis is of 1 - validation\\_accuracy"
        ),
        "{page}"
    );
    assert!(page.contains("lowest mean validation error of 9 configurations"), "{page}");
    assert!(page.contains("Tests of no effect on the validation error"), "{page}");
    let about_loss = page.lines().filter(|line| line.contains("validation loss"));
    // What does not depend on the objective: which weights are kept, and how trials learn.
    let about_loss: Vec<_> = about_loss
        .filter(|line| {
            !["whose weights are kept", "How soon each", "How steadily each"]
                .iter()
                .any(|of| line.contains(of))
        })
        .collect();
    assert!(about_loss.is_empty(), "{about_loss:#?}");
    let korean =
        String::from_utf8(files_in(&by_accuracy, Language::Korean).remove("report.md").unwrap()).unwrap();
    assert!(
        korean.contains("검증 오류율") && korean.contains("목적: validation\\_accuracy (maximize)"),
        "{korean}"
    );
    let by_f1 = text(&sweep(Objective::from_name("validation_macro_f1").unwrap()), "report.md");
    assert!(by_f1.contains("lowest mean validation macro-F1 loss of 9 configurations"), "{by_f1}");
    assert!(by_f1.contains("| 1 - validation macro F1 | "), "{by_f1}");
    let html = text(&by_accuracy, "report.html");
    assert!(html.contains(r#""score":{"name":"validation error","mean":"mean validation error"}"#));
    assert!(!text(&sweep(Objective::default()), "report.html").contains("\"score\":{"));
}

#[test]
fn what_trials_came_to_does_not_depend_on_the_objective() {
    let [by_loss, by_f1] =
        [Objective::default(), Objective::from_name("validation_macro_f1").unwrap()].map(|objective| {
            let mut input = sweep(objective);
            input.trials.iter_mut().for_each(|trial| trial.test = None);
            input
        });
    for name in ["trials.csv", "epochs.csv"] {
        assert_eq!(files(&by_loss)[name], files(&by_f1)[name], "{name}");
    }
    let digest = |input: &ReportInput, projection| records_digest(input, projection).unwrap();
    let mut same = by_f1.clone();
    same.sweep.chosen.clone_from(&by_loss.sweep.chosen);
    assert_ne!(digest(&by_loss, Projection::NEWEST), digest(&same, Projection::NEWEST));
    same.sweep.spec.objective = Objective::default();
    assert_eq!(digest(&by_loss, Projection::NEWEST), digest(&same, Projection::NEWEST));
}

#[test]
fn sweeps_with_one_objective_are_compared_by_it_and_others_by_the_loss() {
    let by = |name: &str, id| {
        let mut input = sweep(Objective::from_name(name).unwrap());
        input.sweep.id = SweepId(id);
        input
    };
    let compared = |first: &ReportInput, second: &ReportInput, file: &str| {
        let mut files = BTreeMap::from_iter(render_comparison([first, second], Language::English).unwrap());
        String::from_utf8(files.remove(file).unwrap()).unwrap()
    };
    let [first, second] = [4, 5].map(|id| by("validation_accuracy", id));
    let alike = compared(&first, &second, "comparison.md");
    assert!(
        alike.contains("validation error of sweep 5 less that of sweep 4")
            && !alike.contains("validation loss"),
        "{alike}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&compared(&first, &second, "comparison.json")).unwrap();
    assert_eq!(json["objective"], "validation_accuracy");
    assert!(json["pairs"][0]["score"].is_array(), "{}", json["pairs"][0]);
    let other = by("validation_macro_f1", 6);
    let differs = compared(&first, &other, "comparison.md");
    assert!(
        differs.contains("have different objectives: validation\\_accuracy and validation\\_macro\\_f1"),
        "{differs}"
    );
    assert!(differs.contains("validation loss of sweep 6 less that of sweep 4"), "{differs}");
    // Each names its own best, and not the best by the loss alone.
    for (sweep, input, metric) in [(4, &first, "validation accuracy"), (6, &other, "validation macro F1")] {
        let best = &analyse(input).ranking[0].label;
        let own = format!("The best of sweep {sweep} by its own objective: {best} ({metric} ");
        assert!(differs.replace('\\', "").contains(&own), "{own}\n{differs}");
    }
    assert!(!alike.contains("its own objective"), "{alike}");
}

//! What the report tells of single configurations: their curves, and how surely each is the best.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

use crate::fixture;

use std::collections::BTreeSet;

use coordinator_report::analyse;
use coordinator_report::model::PanelTitle;
use fixture::{axis, finished, many_configurations, spec, text};
use serde_json::Value;
use sweep_proto::Hyperparameter;

/// The charts that the script of `report.html` draws, of a sweep of that many configurations.
fn charts_of(configurations: u64) -> Vec<Value> {
    let levels: Vec<u64> = (1..=configurations).map(|one| 8 * one).collect();
    let input = finished(spec(vec![axis(Hyperparameter::Units, &levels)], 2), 3, |position, replicate| {
        (0.5 + 0.01 * position as f64 + 0.001 * f64::from(replicate), 0.8)
    });
    let html = text(&input, "report.html");
    let data = html.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    let data: Value = serde_json::from_str(data).unwrap();
    data["charts"].as_array().unwrap().clone()
}

#[test]
fn a_chart_of_all_configurations_draws_all_and_one_of_the_first_says_of_how_many() {
    for configurations in 1..=10 {
        let charts = charts_of(configurations);
        let titled =
            |title: String| charts.iter().find(|chart| chart["kind"] == "curves" && chart["title"] == *title);
        let all = titled(format!("all {configurations} configurations"));
        let first = titled(format!("the first 8 of {configurations} configurations in the ranking"));
        let (chart, drawn) = match (configurations, all, first) {
            // One curve is that of all trials, and two are those of the best and the worst.
            (1, None, None) => (titled("all trials".to_owned()), 1),
            (2, None, None) => (charts.iter().find(|chart| chart["id"] == "curves-1"), 2),
            (3..=8, Some(all), None) => (Some(all), configurations),
            (9.., None, Some(first)) => (Some(first), 8),
            other => panic!("{other:?}"),
        };
        let groups = chart.unwrap()["groups"].as_array().unwrap();
        assert_eq!(groups.len() as u64, drawn, "of {configurations}: {chart:?}");
        let names: BTreeSet<_> = groups.iter().map(|group| group["label"].as_str().unwrap()).collect();
        assert_eq!(names.len(), groups.len(), "one name for two curves hides one: {names:?}");
        for group in groups {
            assert_eq!(group["epochs"], serde_json::json!([1, 2, 3]), "{group}");
            assert!(group["metrics"][0][0].as_array().unwrap().iter().all(Value::is_number), "{group}");
        }
    }
}

#[test]
fn the_first_of_the_ranking_have_curves_of_their_own() {
    let input = many_configurations(3);
    let model = analyse(&input);
    let panel = model.curves.last().unwrap();
    assert_eq!(panel.title, PanelTitle::First { shown: 8, ranked: 14 });
    let of_panel: Vec<_> = panel.groups.iter().map(|group| group.label.to_string()).collect();
    let of_ranking: Vec<_> = model.ranking[..8].iter().map(|one| one.label.clone()).collect();
    assert_eq!(of_panel, of_ranking);
    for (group, ranked) in panel.groups.iter().zip(&model.ranking) {
        assert_eq!(group.trials, 3);
        let lowest =
            group.points.iter().map(|point| point.validation_loss.mean).fold(f64::INFINITY, f64::min);
        assert!((lowest - ranked.validation_loss.mean).abs() < 1e-12);
        assert!(group.points.iter().all(|point| point.validation_loss.standard_deviation.is_some()));
    }
    // All of them are drawn, with their names below.
    let html = text(&input, "report.html");
    assert_eq!(html.matches("\"names_below\":true").count(), 1);
    assert!(!html.contains("\"first\":"), "none is left out at first");
    assert!(html.contains("the first 8 of 14 configurations in the ranking"));
}

#[test]
fn few_configurations_are_told_from_each_other_by_the_other_panels() {
    let input = finished(spec(vec![axis(Hyperparameter::Units, &[8, 16])], 3), 3, |position, _| {
        (0.5 + position as f64, 0.8)
    });
    assert!(matches!(analyse(&input).curves.last().unwrap().title, PanelTitle::Extremes { .. }));
}

#[test]
fn ten_replicates_have_a_bootstrap_that_agrees_with_the_model_where_its_noise_is_true() {
    let input = many_configurations(10);
    let model = analyse(&input);
    let mut sum = 0.0;
    for ranked in &model.ranking {
        let share = ranked.bootstrap_share_best.unwrap();
        // The bootstrap's noise is narrower, and that of each configuration by itself.
        assert!((share - ranked.probability_best.unwrap()).abs() < 0.15, "{share}: {ranked:?}");
        sum += share;
    }
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    assert_eq!(model.answer.bootstrap_share_best, model.ranking[0].bootstrap_share_best);
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("| probability of being the best | bootstrap | validation accuracy |"));
    assert!(markdown.contains(" % by bootstrap"));
}

#[test]
fn nine_replicates_have_none() {
    let input = many_configurations(9);
    let model = analyse(&input);
    assert!(model.ranking.iter().all(|one| one.bootstrap_share_best.is_none()));
    assert!(!text(&input, "report.md").contains("bootstrap |"));
}

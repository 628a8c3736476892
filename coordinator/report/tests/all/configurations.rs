//! What the report tells of single configurations: their curves, and how surely each is the best.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use crate::fixture;

use coordinator_report::analyse;
use coordinator_report::model::PanelTitle;
use fixture::{axis, finished, many_configurations, spec, text};
use sweep_proto::Hyperparameter;

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

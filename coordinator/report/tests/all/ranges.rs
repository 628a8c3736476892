//! Reports of sweeps that searched ranges: every section has something to show, and says what it cannot.

use coordinator_core::{SweepState, TrialState};
use coordinator_report::sections::{Block, ChartSpec, sections};
use coordinator_report::table::Table;
use coordinator_report::{Language, ReportInput, analyse};
use sweep_proto::{
    Amount, Axis, Budget, Condition, Configuration, Hyperparameter, Range, SamplerName, Search, Value,
};

use crate::fixture::{axis, empty, finished, push_searched, spec, text, without_result};

/// Thirty configurations of a rate and a width, in which the rate alone decides.
fn searched() -> ReportInput {
    let bounds = [Value::Real(1e-4), Value::Real(1e-1)];
    let rates = Range::new(Hyperparameter::LearningRate, bounds, true, None).unwrap();
    let axes =
        vec![Axis::of_range(Hyperparameter::LearningRate, rates), axis(Hyperparameter::Units, &[8, 16, 32])];
    let mut spec = spec(axes, 1);
    let budget = Budget { trials: Some(30), ..Budget::default() };
    spec.search = Some(Box::new(Search { sampler: SamplerName::Random, budget, ..Search::of_grid() }));
    let mut input = empty(spec);
    for number in 0..30_u64 {
        let exponent = (number * 7 % 30) as f64 / 10.0 - 4.0;
        let units = [8, 16, 32][(number % 3) as usize];
        let configuration = Configuration::default()
            .with(Hyperparameter::LearningRate, Value::Real(10.0_f64.powf(exponent)))
            .and_then(|one| one.with(Hyperparameter::Units, Value::Integer(units)))
            .unwrap();
        assert!(input.sweep.spec.allows(&configuration));
        let loss = 0.3 + 0.1 * (exponent + 2.5).abs() + 0.0001 * units as f64;
        push_searched(&mut input, configuration, number, 0, (loss, 0.9 - loss / 10.0));
    }
    input
}

#[test]
fn a_searched_range_is_shown_in_bins_and_its_importance_is_found() {
    let input = searched();
    let model = analyse(&input);
    let rate = &model.main_effects.factors[0];
    assert_eq!((rate.hyperparameter, rate.levels.len()), (Hyperparameter::LearningRate, 6));
    assert_eq!(rate.levels.iter().map(|level| level.trials).sum::<u32>(), 30);
    assert!(
        rate.levels
            .iter()
            .all(|level| level.validation_loss.is_some() && level.compared_trials == level.trials)
    );
    // The loss bends: the bins in the middle are lower than those at both ends.
    let loss = |at: usize| rate.levels[at].validation_loss.unwrap().mean;
    assert!(loss(2) < loss(0) && loss(3) < loss(5));
    let importance = model.importance.unwrap();
    let share = |of: Hyperparameter| {
        let shares = &importance.fanova.as_ref().unwrap().shares;
        shares.iter().find(|share| share.of == [of]).unwrap().share
    };
    assert!(share(Hyperparameter::LearningRate) > 10.0 * share(Hyperparameter::Units));
    assert!(model.factorial.is_none() && !model.answer.strongest_hyperparameter.decided);
    // Configurations keep the values that they were trained with.
    assert_eq!(model.ranking.len(), 30);
}

#[test]
fn no_panel_of_a_searched_sweep_is_empty_and_its_sentences_say_what_is_missing() {
    let input = searched();
    let page = text(&input, "report.md");
    assert!(page.contains("{ min = 0.0001, max = 0.1, log = true }"), "the set-up shows the range");
    assert!(page.contains("A range is cut into bins"), "the effects say how");
    assert!(
        page.contains("and not every combination of values, so no test compares"),
        "the verdict says why"
    );
    assert!(
        page.contains("The search trained some configurations of its space"),
        "the effects say what is compared"
    );
    assert!(
        page.contains("Search: sampler random; pruner none; budget trials = 30."),
        "the set-up tells the search"
    );
    assert!(
        page.contains("a search does not train every combination. A grid around"),
        "the conclusion says what would tell"
    );
    assert!(!page.contains("run at least 3 replicates"), "more replicates of a search would not tell");
    let sections = sections(&analyse(&input), &Table::new(&input), Language::English);
    let charts = sections.iter().flat_map(|section| &section.blocks).filter_map(|block| match block {
        Block::Charts(charts) => Some(charts),
        _ => None,
    });
    let mut seen = 0;
    for chart in charts.flatten() {
        seen += 1;
        let is_empty = match &chart.spec {
            ChartSpec::Parallel { lines, axes } => {
                lines.is_empty() || axes.iter().any(|(_, levels)| levels.is_empty())
            }
            ChartSpec::Levels { levels, .. } => levels.is_empty(),
            _ => false,
        };
        assert!(!is_empty, "{} is empty", chart.title);
    }
    assert!(seen > 5, "{seen} charts");
}

#[test]
fn a_search_names_no_leading_hyperparameter() {
    let input = searched();
    let strongest = analyse(&input).answer.strongest_hyperparameter;
    assert_eq!((strongest.leading, strongest.runner_up), (None, None));
    let page = text(&input, "report.md");
    for word in ["leading", "together have", "moves the validation loss the most"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn the_gap_of_a_search_says_that_it_counts_no_pruned_trial() {
    let mut input = searched();
    let says = "Pruned trials have no result: the gap does not count them.";
    assert!(!text(&input, "report.md").contains(says));
    let last = input.trials.last_mut().unwrap();
    (last.state, last.result) = (TrialState::Pruned, None);
    assert!(text(&input, "report.md").contains(says));
}

#[test]
fn a_search_whose_space_was_extended_says_that_its_file_tries_other_configurations() {
    let mut input = searched();
    input.sweep.file_text = input.sweep.spec.to_toml();
    let says = "The space of this search was extended after trials had been proposed";
    assert!(!text(&input, "report.md").contains(says));
    input.sweep.spec.axes[1] = axis(Hyperparameter::Units, &[8, 16, 32, 64]);
    assert!(text(&input, "report.md").contains(says));
    // A larger budget proposes the same trials and more.
    input.sweep.file_text = input.sweep.spec.to_toml();
    input.sweep.spec.search.as_mut().unwrap().budget.trials = Some(90);
    assert!(!text(&input, "report.md").contains(says));
}

/// Where the best configuration does not fulfil a condition, or a constraint forbids a level, nothing stands beside it.
#[test]
fn one_factor_at_a_time_lists_levels_that_the_space_allows() {
    let mut dropout = Axis::of_levels(Hyperparameter::Dropout, vec![Value::Real(0.1), Value::Real(0.3)]);
    let values = vec![Value::Integer(2)];
    dropout.when = vec![Condition { hyperparameter: Hyperparameter::Layers, values }];
    let axes =
        vec![axis(Hyperparameter::Layers, &[1, 2]), axis(Hyperparameter::Units, &[8, 16, 32]), dropout];
    let mut spec = spec(axes, 1);
    *spec.constraints = vec!["units * layers <= 32".parse().unwrap(), "units <= 16".parse().unwrap()].into();
    let best = |layers: u64| {
        let input = finished(spec.clone(), 3, |position, _| {
            let of = spec.configuration(position).unwrap();
            let is_best = of.get(Hyperparameter::Layers) == Value::Integer(layers);
            (if is_best { 0.2 } else { 0.4 } + 0.01 * position as f64, 0.9)
        });
        let rows = analyse(&input).one_factor_at_a_time;
        rows.into_iter().map(|row| (row.hyperparameter, row.levels.len())).collect::<Vec<_>>()
    };
    assert_eq!(
        best(1),
        [(Hyperparameter::Units, 2)],
        "dropout has its fixed value, and two layers need one of its levels"
    );
    let with_dropout =
        [(Hyperparameter::Layers, 2), (Hyperparameter::Units, 2), (Hyperparameter::Dropout, 2)];
    assert_eq!(best(2), with_dropout);
}

#[test]
fn a_spent_budget_is_told_with_what_was_spent_of_it() {
    let mut input = searched();
    let budget = &mut input.sweep.spec.search.as_mut().unwrap().budget;
    (budget.hours, budget.money, budget.price_per_hour) =
        (Amount::of(2.5), Amount::of(10.0), Amount::of(4.0));
    let row = r#"{"version":1,"lead":{"first":0,"count":9,"known":0},"spent":"hours"}"#;
    input.sweep.search = Some(serde_json::from_str(row).unwrap());
    let held = analyse(&input).cost.attempt_seconds / 3_600.0;
    assert!(held > 0.0);
    let page = text(&input, "report.md");
    for told in [
        "The budget of hours is spent: the search went no further.",
        "budget trials = 30, hours = 2.5, money = 10, price_per_hour = 4.",
        &format!(
            "Budget: attempts held their slots for {held:.2} of 2.5 hours, which cost {:.2} of 10.",
            4.0 * held
        ),
    ] {
        assert!(page.contains(told) || page.contains(&told.replace('_', "\\_")), "{told}\n{page}");
    }
    for nothing in ["Trials that waited and were not trained", "Shelved"] {
        assert!(!page.contains(nothing), "{nothing}\n{page}");
    }
    without_result(&mut input, 0, TrialState::Cancelled);
    let page = text(&input, "report.md");
    let told = "the search went no further. Trials that waited and were not trained: 1.";
    assert!(page.contains(told), "{page}");
    input.sweep.search = None;
    assert!(!text(&input, "report.md").contains("is spent"));
}

#[test]
fn trials_that_a_spent_budget_stopped_are_told_apart_from_those_that_the_pruner_ended() {
    let mut input = searched();
    input.sweep.spec.search.as_mut().unwrap().budget.hours = Amount::of(2.5);
    let row = r#"{"version":1,"lead":{"first":0,"count":9,"known":0},"spent":"hours"}"#;
    input.sweep.search = Some(serde_json::from_str(row).unwrap());
    let says = "Shelved trials: 1. They had begun and not ended when the budget was spent, and count as pruned. If it is raised, they \
                go on from their checkpoints, as long as these are kept.";
    for (at, number) in [(0, Some(7)), (1, None)] {
        assert!(!text(&input, "report.md").contains("Shelved"), "{at}");
        without_result(&mut input, at, TrialState::Pruned);
        input.trials[at].ended_number = number;
    }
    assert_eq!((analyse(&input).ledger.shelved, analyse(&input).ledger.states["pruned"]), (1, 2));
    assert!(text(&input, "report.md").contains(says));
    input.sweep.state = SweepState::Cancelled;
    assert!(!text(&input, "report.md").contains("Shelved"), "nothing of a cancelled sweep goes on");
}

#[test]
fn a_grid_with_a_condition_and_a_constraint_has_a_report() {
    let layers = axis(Hyperparameter::Layers, &[1, 2, 3]);
    let mut pooled = Axis::of_levels(Hyperparameter::Dropout, vec![Value::Real(0.1), Value::Real(0.3)]);
    let values = vec![Value::Integer(2), Value::Integer(3)];
    pooled.when = vec![Condition { hyperparameter: Hyperparameter::Layers, values }];
    let mut spec = spec(vec![layers, axis(Hyperparameter::Units, &[8, 16]), pooled], 2);
    *spec.constraints = vec!["units * layers <= 32".parse().unwrap()].into();
    assert_eq!(spec.grid_size(), Some(8), "2 with one layer, 4 with two, 2 with three");
    let input = finished(spec, 2, |position, replicate| {
        (0.5 + 0.01 * position as f64 + 0.001 * f64::from(replicate), 0.8)
    });
    let model = analyse(&input);
    assert_eq!(model.ranking.len(), 8);
    assert!(model.factorial.is_none());
    let page = text(&input, "report.md");
    assert!(
        page.contains("Every configuration fulfils: units \\* layers")
            || page.contains("Every configuration fulfils: units * layers"),
        "{page}"
    );
}

//! Where a sweep tells little, its report says so: one hyperparameter alone, effects that one seed makes, too few seeds or
//! rows, missing trials, and models that know no more than the classes' sizes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "a test may stop")]

use crate::fixture;

use coordinator_core::{EarlierChoice, SweepState, TrialState};
use coordinator_report::model::Interval;
use coordinator_report::sections::warnings::no_better_than_guessing;
use coordinator_report::sections::{Block, ChartSpec};
use coordinator_report::{Language, ReportInput, analyse, some_sections};
use coordinator_statistics::distributions::f_tail;
use fixture::{axis, finished, measure_test, spec, text};
use sweep_proto::{Hyperparameter, Timestamp, Value};

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
}

#[test]
fn an_axis_of_one_level_is_held() {
    let axes = vec![axis(Hyperparameter::Units, &[8, 16]), axis(Hyperparameter::BatchSize, &[4])];
    let input = finished(spec(axes, 2), 2, |position, _| (0.5 + 0.1 * position as f64, 0.5));
    let model = analyse(&input);
    assert_eq!(model.answer.label, "units=8");
    assert_eq!(model.set_up.axes.len(), 1);
    assert_eq!(model.set_up.fixed[&Hyperparameter::BatchSize], Value::Integer(4));
    assert_eq!(model.answer.strongest_hyperparameter.leading, None);
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("Only units was swept: there is nothing to rank it against"), "{markdown}");
    assert!(!markdown.contains("-0.00 %"), "{markdown}");
}

#[test]
fn a_model_that_knows_only_the_most_frequent_class_is_not_praised() {
    let axes = vec![axis(Hyperparameter::Units, &[8, 16]), axis(Hyperparameter::BatchSize, &[4, 2])];
    let mut input = finished(spec(axes, 2), 2, |position, _| (0.5 + 0.1 * position as f64, 0.5));
    measure_test(&mut input, 0, |_| 0.75);
    let praised = text(&input, "report.md");
    assert!(!praised.contains("is not shown to know more"), "{praised}");
    for trial in &mut input.trials {
        if let Some(test) = &mut trial.test {
            test.confusion = vec![vec![30, 0], vec![10, 0]];
            (test.accuracy, test.loss) = (0.75, 0.6);
        }
    }
    let baseline = analyse(&input).test_split.unwrap().baseline.unwrap();
    near(baseline.accuracy, 0.75);
    near(baseline.lucky_accuracy, 0.75 + 1.959_963_984_540_054 * (0.75_f64 * 0.25 / 40.0).sqrt());
    near(baseline.loss, 0.75 * (4.0_f64 / 3.0).ln() + 0.25 * 4.0_f64.ln());
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("right in 75.00 % of the test examples"), "{markdown}");
    // A status and a page say it in the same words, of the same numbers.
    let told = |accuracy| no_better_than_guessing(&[vec![30, 0], vec![10, 0]], accuracy, Language::English);
    assert!(markdown.contains(&told(0.75).unwrap()), "{markdown}");
    assert_eq!((told(0.9), no_better_than_guessing(&[], 0.75, Language::English)), (None, None));
    assert!(!markdown.contains("may be labelled wrongly"));
}

#[test]
fn trials_that_were_stopped_while_they_still_learned_are_told() {
    let mut input = finished(spec(vec![axis(Hyperparameter::Units, &[8, 16])], 2), 4, |_, _| (0.5, 0.5));
    let warned = |input: &ReportInput| {
        let told = text(input, "report.md").contains("stopped while they still learned");
        (analyse(input).answer.trials_still_improving, told)
    };
    assert_eq!(warned(&input), (0, false));
    for (at, expected) in [(1, false), (2, false), (3, true), (4, true)].into_iter().enumerate() {
        let result = input.trials[at].result.as_mut().unwrap();
        result.best_epoch = result.epochs;
        assert_eq!(warned(&input), expected);
    }
    // Patience has looked at what came after the best epoch.
    for trial in &mut input.trials {
        trial.result.as_mut().unwrap().early_stopped = true;
    }
    assert_eq!(warned(&input), (0, false));
}

/// Units × embedding × dropout as somebody had them: under the second seed alone the smallest embedding is worse.
fn one_seed_makes_it() -> ReportInput {
    const BY_SEED: [[f64; 3]; 3] = [[0.474, 0.465, 0.470], [0.531, 0.508, 0.493], [0.471, 0.474, 0.475]];
    let axes = vec![
        axis(Hyperparameter::Units, &[32, 64, 96, 128]),
        axis(Hyperparameter::Embedding, &[32, 64, 128]),
        axis(Hyperparameter::Layers, &[1, 2]),
    ];
    finished(spec(axes, 3), 1, |position, replicate| {
        let (units, embedding, layers) = (position / 6, position / 2 % 3, position % 2);
        // The same scatter around the mean of each level and seed, which it leaves as it is.
        let cell = (units * 2 + layers + 3 * embedding + 5 * u64::from(replicate)) % 8;
        let scatter = 0.014 * (cell as f64 - 3.5) / 3.5;
        let loss = BY_SEED[replicate as usize][embedding as usize] + scatter;
        (loss, 1.0 - loss)
    })
}

#[test]
fn an_effect_that_one_seed_makes_is_undecided() {
    let input = one_seed_makes_it();
    let model = analyse(&input);
    let embedding = &model.main_effects.factors[1];
    let test = embedding.test.unwrap();
    assert!((test.f.unwrap() - 1.01).abs() < 0.01, "{test:?}");
    assert!((test.p - 0.44).abs() < 0.01, "{test:?}");
    assert_eq!((test.degrees_of_freedom, test.error_degrees_of_freedom), (2, 4));
    let strongest = &model.answer.strongest_hyperparameter;
    assert_eq!((strongest.verdict.as_str(), strongest.decided), ("undecided", false));
    assert!(embedding.comparisons.iter().all(|pair| pair.p_holm > 0.05 && pair.interval.unwrap().low < 0.0));
    let of_seeds: Vec<f64> = embedding.levels[0].by_replicate.iter().map(|one| one.mean).collect();
    assert!((of_seeds[1] - 0.531).abs() < 1e-9, "{of_seeds:?}");
    // Against the pooled residual it would have been significant: that is the trap.
    let residual = model.factorial.as_ref().unwrap().residual.mean_square.unwrap();
    let pooled = test.f.unwrap() * test.error_mean_square / residual;
    assert!(f_tail(pooled, 2.0, 46.0).unwrap() < 0.05, "{pooled}");
    let markdown = text(&input, "report.md");
    for said in ["| embedding × seed | 2, 4 |", "More replicates (here 3) make tests and intervals sharper"]
    {
        assert!(markdown.contains(said), "{said}: {markdown}");
    }
}

#[test]
fn two_replicates_are_too_few_for_an_interval() {
    let axes = vec![axis(Hyperparameter::Units, &[8, 16]), axis(Hyperparameter::BatchSize, &[4, 2])];
    for replicates in [1, 2, 3] {
        let mut input = finished(spec(axes.clone(), replicates), 2, |position, replicate| {
            (0.5 + 0.1 * position as f64 + 0.03 * f64::from(replicate * (position as u32 % 3)), 0.5)
        });
        measure_test(&mut input, 0, |replicate| 0.75 + 0.01 * f64::from(replicate));
        let model = analyse(&input);
        let answer = &model.answer;
        let factor = &model.main_effects.factors[0];
        let intervals = [
            answer.validation_loss_interval,
            answer.validation_accuracy_interval,
            answer.test_accuracy_interval,
            answer.gap.as_ref().unwrap().loss_absolute_interval,
            answer.gap.as_ref().unwrap().accuracy_points_interval,
            model.ranking[0].validation_loss_interval,
            factor.levels[0].validation_loss_interval,
            factor.comparisons.first().and_then(|pair| pair.interval),
        ];
        assert!(intervals.iter().all(|one| one.is_some() == (replicates > 2)), "{replicates}: {intervals:?}");
        assert_eq!(factor.least_significant_difference.is_some(), replicates > 2);
        assert_eq!(factor.test.is_some(), replicates > 1);
        let markdown = text(&input, "report.md");
        assert_eq!(markdown.contains("too few seeds for an interval"), replicates < 3, "{markdown}");
        // What so few rows leave open is said with or without an interval.
        assert!(markdown.contains("1,000 rows"), "{markdown}");
    }
}

#[test]
fn few_rows_widen_the_interval_of_an_accuracy() {
    let wide = |rows: [u64; 3]| {
        let axes = vec![axis(Hyperparameter::Units, &[8, 16])];
        let mut input = finished(spec(axes, 5), 2, |position, replicate| {
            (0.5 + 0.1 * position as f64, 0.8 + 0.001 * f64::from(replicate))
        });
        measure_test(&mut input, 0, |replicate| 0.8 + 0.001 * f64::from(replicate));
        input.sweep.datasets[0].rows = rows;
        let answer = analyse(&input).answer;
        let reach = |one: Interval| one.high - one.low;
        let told = text(&input, "report.md");
        (
            reach(answer.test_accuracy_interval.unwrap()),
            reach(answer.validation_accuracy_interval.unwrap()),
            told,
        )
    };
    let (many, few) = (wide([100, 1_000_000, 1_000_000]), wide([100, 27, 40]));
    assert!(many.0 < 0.01 && many.1 < 0.01 && few.0 > 0.2 && few.1 > 0.25, "{many:?} {few:?}");
    assert!(few.2.contains("these 27 validation rows") && few.2.contains("(40 rows)"), "{}", few.2);
}

#[test]
fn while_trials_are_missing_only_comparable_ones_are_compared() {
    let axes = vec![axis(Hyperparameter::Units, &[8, 16, 32]), axis(Hyperparameter::BatchSize, &[4, 2])];
    // Batch size 2 is worse by 0.4 and replicate 1 by 0.2; units do nothing.
    let mut input = finished(spec(axes, 2), 2, |position, replicate| {
        (0.5 + 0.4 * (position % 2) as f64 + 0.2 * f64::from(replicate), 0.5)
    });
    // Units 16 lost its trial of the worse batch size in the worse replicate; units 32 has not begun.
    for at in [7, 8, 9, 10, 11] {
        input.trials[at].state = TrialState::Pending;
        input.trials[at].result = None;
    }
    input.sweep.state = SweepState::Open;
    let model = analyse(&input);
    let units = &model.main_effects.factors[0];
    let behind: Vec<_> = units.levels.iter().map(|level| (level.trials, level.compared_trials)).collect();
    assert_eq!(behind, [(4, 3), (3, 3), (0, 0)]);
    near(units.range.unwrap(), 0.0);
    assert_eq!(units.levels[2].validation_loss, None);
    let cells = &model.interactions[0];
    assert_eq!((cells.cells[2][0], cells.trials[0][0], cells.trials[0][1]), (None, 1, 1));
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("Provisional: 7 of 12 trials have a result."), "{markdown}");
    assert!(markdown.contains("| 8 | 4 | 3 |"), "{markdown}");
}

#[test]
fn the_verdict_stands_beside_its_rule() {
    let sections = some_sections(&one_seed_makes_it(), &["effects"], Language::English);
    let texts = sections.iter().flat_map(|section| &section.blocks).filter_map(|block| match block {
        Block::Text(text) => Some(text.as_str()),
        _ => None,
    });
    assert!(texts.clone().any(|text| text.starts_with("Which hyperparameter matters most: ")));
    assert!(texts.clone().any(|text| text.contains(" after Holm, against ")));
}

#[test]
fn neighbouring_charts_show_the_same_losses_and_the_bars_of_the_test() {
    let input = one_seed_makes_it();
    let sections = some_sections(&input, &["effects"], Language::English);
    let charts = sections.iter().flat_map(|section| &section.blocks).find_map(|block| match block {
        Block::Charts(charts) => Some(charts),
        _ => None,
    });
    let factors = analyse(&input).main_effects.factors;
    let mut axes = Vec::new();
    for (chart, factor) in charts.unwrap().iter().zip(&factors) {
        let ChartSpec::Levels { levels, replicates, shown, .. } = &chart.spec else { panic!("{chart:?}") };
        let (low, high) = shown.unwrap();
        axes.push((low, high));
        let pair = &factor.comparisons[0];
        let reach = pair.interval.unwrap().high - pair.difference;
        for (_, mean, half, trials) in levels {
            let (mean, half) = (mean.unwrap(), half.unwrap());
            assert!((2.0 * half / reach - 1.0).abs() < 1e-4, "{half} {reach}");
            assert!(low <= mean - half && mean + half <= high, "{chart:?}");
            assert_eq!(u64::from(*trials) * levels.len() as u64, 72);
        }
        assert!(replicates.len() == 3 && replicates.iter().all(|means| means.len() == levels.len()));
        assert!(chart.description.contains("bars do not overlap"), "{}", chart.description);
    }
    assert!(axes.len() == 3 && axes.windows(2).all(|pair| pair[0] == pair[1]), "{axes:?}");
}

#[test]
fn a_test_split_that_was_used_before_is_told_wherever_its_score_stands() {
    let mut input = finished(spec(vec![axis(Hyperparameter::Units, &[8, 16])], 2), 4, |position, _| {
        (0.5 + 0.1 * position as f64, 0.5)
    });
    measure_test(&mut input, 0, |_| 0.75);
    let told =
        |input: &ReportInput| text(input, "report.md").matches("The test split was used 2 times").count();
    assert_eq!((analyse(&input).answer.test_split_uses, told(&input)), (1, 0));
    let configuration = input.trials.last().unwrap().spec.configuration.clone();
    let at = Timestamp(1_790_000_000_000);
    input.sweep.earlier_choices = vec![EarlierChoice { configuration, at, trials: 2, accuracy: 0.625 }];
    let answer = analyse(&input).answer;
    assert_eq!(answer.test_split_uses, 2);
    assert_eq!((answer.earlier_choices[0].label.as_str(), answer.earlier_choices[0].trials), ("units=16", 2));
    near(answer.earlier_choices[0].test_accuracy, 0.625);
    assert_eq!(told(&input), 2, "beside the answer and beside the test split");
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("| units=16 | 2 | 62.50 % |"), "{markdown}");
}

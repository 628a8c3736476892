//! Where a sweep tells little, its report says so: one hyperparameter alone, and models that know no more than the classes' sizes.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod fixture;

use coordinator_report::{ReportInput, analyse};
use fixture::{axis, finished, measure_test, spec, text};
use sweep_proto::{Hyperparameter, Value};

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

//! The answer begins with what a reader may do, and that follows from what the sweep found.

use coordinator_core::SweepState;
use coordinator_report::model::{NextStep, Worth};
use coordinator_report::{Language, ReportInput, analyse};
use sweep_proto::Hyperparameter;

use crate::fixture::{axis, empty, finished, measure_test, near, spec, text};

/// A grid of two hyperparameters, of which units sets the loss, as no seed changes.
fn clear(replicates: u32) -> ReportInput {
    let axes = vec![axis(Hyperparameter::Units, &[8, 16]), axis(Hyperparameter::BatchSize, &[4, 2])];
    finished(spec(axes, replicates), 2, |position, replicate| {
        let noise = 0.001 * f64::from(replicate) * (position % 2) as f64;
        (0.5 + 0.2 * (position / 2) as f64 + noise, 0.8)
    })
}

fn found(input: &ReportInput) -> (Worth, NextStep) {
    let conclusion = analyse(input).answer.conclusion.unwrap();
    (conclusion.worth, conclusion.next)
}

#[test]
fn what_was_tested_is_recommended_with_its_interval() {
    let mut input = clear(3);
    measure_test(&mut input, 0, |_| 0.75);
    let (worth, next) = found(&input);
    let Worth::Tested { accuracy, interval: Some(interval) } = worth else { panic!("{worth:?}") };
    near(accuracy, 0.75);
    assert!(interval.low < 0.75 && 0.75 < interval.high, "{interval:?}");
    assert_eq!(next, NextStep::Tune(Hyperparameter::Units));

    let model = analyse(&input);
    let sentence = model.answer.conclusion.unwrap().say(Language::English);
    let json: serde_json::Value = serde_json::from_str(&text(&input, "report.json")).unwrap();
    assert_eq!(json["answer"]["conclusion"], sentence.as_str());
    let html = text(&input, "report.html");
    let at = html.find(&sentence).unwrap_or_else(|| panic!("the report does not say: {sentence}"));
    assert!(at < html.find("Best configuration:").unwrap(), "the conclusion comes first");
}

#[test]
fn what_is_not_known_is_not_recommended_as_if_it_were() {
    let mut open = clear(3);
    measure_test(&mut open, 0, |_| 0.75);
    open.sweep.state = SweepState::Open;
    assert!(matches!(found(&open).0, Worth::SoFar { .. }));

    assert!(matches!(found(&clear(3)).0, Worth::NotTested { .. }));

    let mut guesses = clear(3);
    measure_test(&mut guesses, 0, |_| 0.75);
    for test in guesses.trials.iter_mut().filter_map(|trial| trial.test.as_mut()) {
        (test.confusion, test.accuracy) = (vec![vec![30, 0], vec![10, 0]], 0.75);
    }
    assert_eq!(found(&guesses).0, Worth::NoBetter { accuracy: 0.75, baseline: 0.75 });
    // 64 % of 40 rows, where always saying one class gives 50 %: luck alone may give so much.
    for test in guesses.trials.iter_mut().filter_map(|trial| trial.test.as_mut()) {
        (test.confusion, test.accuracy) = (vec![vec![13, 7], vec![7, 13]], 0.65);
    }
    assert_eq!(found(&guesses).0, Worth::NotShownBetter { accuracy: 0.65, baseline: 0.5 });

    let mut cancelled = clear(3);
    cancelled.sweep.state = SweepState::Cancelled;
    assert!(matches!(found(&cancelled).0, Worth::UpToCancel { .. }));

    // Too few seeds for an interval under other seeds.
    let mut few = clear(2);
    measure_test(&mut few, 0, |_| 0.75);
    assert_eq!(found(&few).0, Worth::Tested { accuracy: 0.75, interval: None });

    let nothing = empty(spec(vec![axis(Hyperparameter::Units, &[8, 16])], 2));
    assert_eq!(analyse(&nothing).answer.conclusion, None);
}

#[test]
fn the_next_step_is_what_would_tell() {
    assert_eq!(found(&clear(1)).1, NextStep::SeveralSeeds);
    let alone =
        finished(spec(vec![axis(Hyperparameter::Units, &[8, 16])], 2), 1, |at, _| (0.5 + at as f64, 0.7));
    assert_eq!(found(&alone).1, NextStep::Nothing);
    let equal = finished(
        spec(vec![axis(Hyperparameter::Units, &[8, 16]), axis(Hyperparameter::BatchSize, &[4, 2])], 3),
        1,
        |_, _| (0.5, 0.7),
    );
    assert_eq!(found(&equal).1, NextStep::Undecided);
}

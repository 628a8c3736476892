//! What the report says of attempts: who stands in the ledger, what was paid, what failed and what came of it.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test may stop")]

use crate::fixture;

use coordinator_core::{AttemptState, TrialState};
use coordinator_report::{Price, analyse};
use fixture::{near, push_attempt, study, text, two_by_two, without_result};
use sweep_proto::{FailureKind, SweepId, Timestamp, TrialId};

#[test]
fn the_ledger_balances_only_where_every_trial_stands_once() {
    let mut input = study();
    let ledger = analyse(&input).ledger;
    assert!(ledger.balanced);
    assert_eq!((ledger.all(), ledger.recorded, ledger.states["completed"], ledger.reused), (54, 54, 54, 3));
    assert_eq!((ledger.failed_attempts, ledger.lost_leases, ledger.released_attempts), (1, 1, 1));

    let lost = input.trials.pop().unwrap();
    let ledger = analyse(&input).ledger;
    assert_eq!((ledger.balanced, ledger.all(), ledger.recorded), (false, 54, 53));

    let mut twice = input.trials[0].clone();
    twice.spec.id = lost.spec.id;
    input.trials.push(twice);
    let ledger = analyse(&input).ledger;
    assert_eq!((ledger.balanced, ledger.recorded, ledger.duplicates), (false, 54, 1));
    assert!(text(&input, "report.md").contains("Not balanced"));
}

#[test]
fn a_reused_trial_has_the_epochs_of_its_original() {
    let mut input = two_by_two();
    let original = TrialId { sweep: SweepId(1), index: 9 };
    let id = input.trials[0].spec.id;
    input.trials[0].reused_from = Some(original);
    for epoch in input.epochs.iter_mut().filter(|epoch| epoch.trial == id) {
        epoch.trial = original;
    }
    input
        .attempts
        .iter_mut()
        .filter(|attempt| attempt.id.trial == id)
        .for_each(|attempt| attempt.id.trial = original);
    let (before, after) = (analyse(&two_by_two()), analyse(&input));
    assert_eq!(before.curves, after.curves);
    assert_eq!((after.ledger.reused, after.ledger.attempts, after.ledger.balanced), (1, 7, true));
    assert!(after.cost.reused_seconds > 0.0);
    let row = text(&input, "trials.csv").lines().nth(1).unwrap().to_owned();
    assert!(row.contains("1/9") && row.contains("desk"), "{row}");
}

#[test]
fn device_hours_are_shared_by_slots_and_have_a_price() {
    let mut input = study();
    let mut other = input.workers[0].clone();
    other.id = "00000000-0000-7000-8000-000000000008".parse().unwrap();
    other.profile.name = "rack".into();
    other.profile.slots = 1;
    other.profile.devices[0].model = "Test H100".into();
    // One attempt of an hour on the other machine, and its epochs.
    input.attempts[0].worker = other.id;
    let from = input.attempts[0].started_at.0;
    input.attempts[0].ended_at = Some(sweep_proto::Timestamp(from + 3_600_000));
    input.workers.push(other);
    let cost = analyse(&input).cost;
    let [desk, rack] = &cost.by_worker[..] else { panic!("two workers") };
    assert_eq!((desk.name.as_str(), rack.name.as_str()), ("desk", "rack"));
    assert_eq!((desk.attempts, desk.trials, rack.attempts, rack.trials, rack.epochs), (56, 53, 1, 1, 10));
    near(rack.device_hours, 1.0);
    near(rack.examples_per_second.unwrap(), 9_000.0);
    // 12.5 s for each attempt; two slots share the device.
    near(desk.device_hours, 56.0 * 12.5 / 2.0 / 3_600.0);
    near(cost.lost_device_hours, 3.0 * 12.5 / 2.0 / 3_600.0);
    near(cost.device_hours, desk.device_hours + rack.device_hours);
    assert!(cost.money.is_none() && cost.by_device.len() == 2);

    input.prices = vec![Price { device: "h100".into(), per_device_hour: 2.49 }];
    let money = analyse(&input).cost.money.unwrap();
    near(money.total, 2.49);
    near(money.unpriced_device_hours, desk.device_hours);
    assert!(text(&input, "report.md").contains("2.49"));
    input.prices.push(Price { device: String::new(), per_device_hour: 100.0 });
    let money = analyse(&input).cost.money.unwrap();
    near(money.total, 2.49 + 100.0 * desk.device_hours);
    near(money.lost, 100.0 * cost.lost_device_hours);
    assert_eq!(money.unpriced_device_hours, 0.0);
}

#[test]
fn failures_tell_what_followed() {
    let mut input = two_by_two();
    let id = input.trials[7].spec.id;
    input.trials[7].state = TrialState::Diverged;
    input.trials[7].result = None;
    input.trials[7].diverged_epoch = Some(3);
    input.attempts.retain(|attempt| attempt.id.trial != id);
    push_attempt(&mut input, id, AttemptState::Failed, Some(FailureKind::Crashed), Some("signal 9"));
    push_attempt(&mut input, id, AttemptState::Diverged, None, Some("the loss is NaN"));
    // It was last heard a second after its start, and its lease ran out much later.
    let lost = input.attempts.iter_mut().find(|attempt| attempt.id.trial == id).unwrap();
    lost.heard_at = Some(Timestamp(lost.started_at.0 + 1_000));
    lost.ended_at = Some(Timestamp(lost.started_at.0 + 91_000));
    let model = analyse(&input);
    assert_eq!(model.failures[0].seconds, Some(1.0), "the time after its last sign of life is nobody's");
    let told: Vec<_> =
        model.failures.iter().map(|one| (one.attempt.as_str(), one.outcome, one.kind)).collect();
    assert_eq!(told, [("3/7/1", "failed", Some("crashed")), ("3/7/2", "diverged", None)]);
    assert_eq!(
        model.failures[1].consequence.to_string(),
        "the trial diverged in epoch 3: left out of every mean"
    );
    // Replicate 0 is still complete on the grid, but one replicate decides nothing.
    let variance = model.main_effects.variance.unwrap();
    assert_eq!(variance.replicates, 1);
    // With one replicate the seed's share is unknown, not zero.
    assert_eq!((variance.replicates_share, variance.residual_share), (None, None));
    let factorial = model.factorial.as_ref().unwrap();
    for unknown in [&factorial.seed, &factorial.residual] {
        assert_eq!((unknown.sum_of_squares, unknown.eta_squared), (None, None));
    }
    assert!(factorial.effects.iter().all(|effect| effect.eta_squared.is_some()));
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("the part of the seed is not known"), "{markdown}");
    for row in
        markdown.lines().filter(|line| line.starts_with("| seed (") || line.starts_with("| residual ("))
    {
        assert!(row.contains('–') && !row.contains("0.00 %"), "{row}");
    }
    assert!(!model.answer.strongest_hyperparameter.decided);
}

#[test]
fn a_trial_without_a_result_is_no_training_of_the_results() {
    let mut input = study();
    let own = |trial: &&coordinator_core::TrialRecord| trial.result.is_some() && trial.reused_from.is_none();
    let lost = input.trials.iter().position(|trial| own(&trial)).unwrap();
    let id = input.trials[lost].spec.id;
    let before = analyse(&input).cost.training_seconds;
    let seconds: f64 =
        input.epochs.iter().filter(|epoch| epoch.trial == id).map(|epoch| epoch.metric.seconds).sum();
    assert!(seconds > 0.0);
    without_result(&mut input, lost, TrialState::Failed);
    let after = analyse(&input).cost.training_seconds;
    assert!((before - after - seconds).abs() < 1e-9, "{before} and {after} s, of which {seconds}");
}

#[test]
fn trials_that_were_never_made_are_no_records() {
    let mut input = two_by_two();
    input.sweep.state = coordinator_core::SweepState::Cancelled;
    let planned = input.trials.len() as u64;
    let gone = input.trials.pop().unwrap().spec.id;
    input.attempts.retain(|attempt| attempt.id.trial != gone);
    input.epochs.retain(|epoch| epoch.trial != gone);
    let ledger = analyse(&input).ledger;
    assert_eq!((ledger.all(), ledger.recorded, ledger.unmade), (planned, planned - 1, 1));
    assert!(ledger.balanced && ledger.states["cancelled"] == 1, "{ledger:?}");
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("of these without a record"), "{markdown}");
}

#[test]
fn what_was_cancelled_is_not_said_to_change() {
    let mut input = two_by_two();
    input.sweep.state = coordinator_core::SweepState::Cancelled;
    without_result(&mut input, 7, TrialState::Cancelled);
    let markdown = text(&input, "report.md");
    assert!(markdown.contains("The sweep was cancelled"), "{markdown}");
    assert!(!markdown.contains("may change"), "{markdown}");
}

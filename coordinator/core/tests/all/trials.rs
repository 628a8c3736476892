//! A trial's way through its states: granted, reported, ended, tried again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use coordinator_core::command::LeaseStanding;
use coordinator_core::limits::{
    ATTEMPTS_MAX, LEASE_TTL_MS, REQUEST_ID_CHARACTERS_MAX, RETRY_FIRST_MS, RETRY_MAX_MS,
};
use coordinator_core::{AttemptState, Command, Engine, Rejection, Reply, Retried, SweepState, TrialState};
use sweep_proto::{AttemptId, AttemptOutcome, EpochMetric, FailureKind, LeaseToken, TrialResult, WorkKind};

use support::lab::{Lab, report};
use support::values;

fn failed(kind: FailureKind) -> AttemptOutcome {
    AttemptOutcome::Failed { kind, message: "broke".into() }
}

fn released() -> AttemptOutcome {
    AttemptOutcome::Released { checkpoint: None }
}

#[test]
fn first_replicates_are_handed_out_before_second_ones_and_slots_bound_the_leases() {
    let (mut lab, worker) = Lab::with_worker(3);
    let sweep = lab.launch(values::spec("order", &[8, 16], 2, 3));
    let granted = lab.ask(worker, 10);
    let order: Vec<_> = granted.iter().map(|one| (one.spec.id.index, one.spec.replicate)).collect();
    assert_eq!(order, [(0, 0), (2, 0), (1, 1)]);
    assert_eq!(granted.iter().map(|one| one.token.0).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(
        granted.iter().all(|one| one.attempt == 1 && one.work == WorkKind::Train && one.checkpoint.is_none())
    );
    assert!(lab.ask(worker, 1).is_empty(), "all slots are taken");
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Leased), 3);
    assert_eq!(lab.engine.lease_holder(LeaseToken(2)), Some((granted[1].spec.id, 1, worker)));
}

#[test]
fn a_repeated_request_gets_the_same_leases_while_they_live() {
    let (mut lab, worker) = Lab::with_worker(2);
    lab.launch(values::spec("repeat", &[8, 16, 24], 1, 3));
    let ask = Command::AskWork { worker, request_id: "a".into(), slots: 2, group: 1 };
    let Reply::Grants(first) = lab.run(&ask) else { panic!("no grants") };
    assert_eq!(lab.run(&ask), Reply::Grants(first.clone()));
    lab.engine = Engine::restore(lab.engine.tables().clone(), lab.now);
    assert_eq!(lab.run(&ask), Reply::Grants(first.clone()), "the answer was lost with its coordinator");
    lab.complete(first[0][0].token, failed(FailureKind::Rejected));
    assert_eq!(lab.run(&ask), Reply::Grants(vec![first[1].clone()]), "what ended is not granted again");
    let long = Command::AskWork {
        worker,
        request_id: "x".repeat(REQUEST_ID_CHARACTERS_MAX + 1),
        slots: 1,
        group: 1,
    };
    assert!(matches!(lab.refused(&long), Rejection::Invalid(_)));
}

#[test]
fn epochs_come_in_order_and_once() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("epochs", &[8], 1, 3));
    let granted = lab.ask_one(worker);
    let (token, spec) = (granted.token, granted.spec);
    let out_of_order = |expected, got| Rejection::EpochOutOfOrder { trial: spec.id, expected, got };
    assert_eq!(lab.refused(&report(token, &spec, 2)), out_of_order(1, 2));
    lab.report(token, &spec, 1);
    lab.changes_nothing(&report(token, &spec, 1));
    lab.report(token, &spec, 2);
    assert_eq!(lab.trial(sweep, 0).checkpoint, Some(values::checkpoint(&spec, 2)));
    let Command::ReportEpoch { metric, checkpoint, .. } = report(token, &spec, 2) else { panic!() };
    let mut other = metric.clone();
    other.validation_loss += 1.0;
    let again = Command::ReportEpoch { token, metric: other, checkpoint };
    assert_eq!(lab.refused(&again), out_of_order(3, 2), "an epoch is never measured twice");

    let mut late = values::metric(&spec, 3);
    let wrong = Command::ReportEpoch { token, metric: late.clone(), checkpoint };
    assert!(matches!(lab.refused(&wrong), Rejection::Invalid(_)), "checkpoint of another epoch");
    late.validation_loss = f64::NAN;
    let nan = Command::ReportEpoch { token, metric: late, checkpoint: values::checkpoint(&spec, 3) };
    assert!(matches!(lab.refused(&nan), Rejection::Invalid(_)), "not a number");
    lab.report(token, &spec, 3);
    assert!(
        matches!(lab.refused(&report(token, &spec, 4)), Rejection::Invalid(_)),
        "more epochs than planned"
    );
    let unknown = report(LeaseToken(77), &spec, 1);
    assert!(matches!(lab.refused(&unknown), Rejection::LeaseLost { .. }));
}

#[test]
fn a_result_must_follow_from_the_epochs_reported() {
    let (mut lab, worker) = Lab::with_worker(1);
    lab.launch(values::spec("result", &[8], 1, 1));
    let granted = lab.ask_one(worker);
    let complete =
        |result| Command::Complete { token: granted.token, outcome: AttemptOutcome::Trained(result) };
    let right = values::result(&granted.spec);
    assert!(matches!(lab.refused(&complete(right.clone())), Rejection::Invalid(_)), "no epoch was reported");
    lab.report(granted.token, &granted.spec, 1);
    let mut wrong = vec![right.clone(); 5];
    wrong[0].epochs = 2;
    wrong[1].best_epoch = 0;
    wrong[2].score += 0.1;
    wrong[3].accuracy += 0.1;
    wrong[4].parameters = u64::MAX;
    for result in wrong {
        assert!(matches!(lab.refused(&complete(result.clone())), Rejection::Invalid(_)), "{result:?}");
    }
    let evaluated = AttemptOutcome::Evaluated(values::test_metric(&granted.spec));
    let unfit = Command::Complete { token: granted.token, outcome: evaluated };
    assert!(matches!(lab.refused(&unfit), Rejection::Invalid(_)), "it was not to be evaluated");
    lab.run(&complete(right.clone()));
    lab.changes_nothing(&complete(right.clone()));
    let other = Command::Complete { token: granted.token, outcome: failed(FailureKind::Crashed) };
    assert!(matches!(lab.refused(&other), Rejection::LeaseLost { .. }), "it ended otherwise");
}

#[test]
fn stopping_before_the_last_epoch_needs_a_reason() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::impatient(values::spec("early", &[8], 1, 3), 1));
    let granted = lab.ask_one(worker);
    // Only the first epoch lowers the loss.
    let metric = |epoch| EpochMetric { validation_loss: 0.5, ..values::metric(&granted.spec, epoch) };
    let report = |lab: &mut Lab, epoch| {
        let checkpoint = values::checkpoint(&granted.spec, epoch);
        lab.run(&Command::ReportEpoch { token: granted.token, metric: metric(epoch), checkpoint });
    };
    let mut result = values::result(&granted.spec);
    (result.best_epoch, result.score) = (1, 0.5);
    result.accuracy = metric(1).validation_accuracy;
    let complete = |epochs, early_stopped| {
        let result = TrialResult { epochs, early_stopped, ..result.clone() };
        Command::Complete { token: granted.token, outcome: AttemptOutcome::Trained(result) }
    };
    let refused =
        |lab: &Lab, epochs, early_stopped| lab.refused(&complete(epochs, early_stopped)).to_string();
    report(&mut lab, 1);
    assert!(refused(&lab, 1, false).contains("patience has not run out"));
    assert!(refused(&lab, 1, true).contains("patience has not run out"), "whatever it says");
    report(&mut lab, 2);
    assert!(refused(&lab, 2, false).contains("did not stop early, with 2 of 3 epochs"));
    lab.run(&complete(2, true));
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Completed);
}

#[test]
fn a_trial_that_trained_all_its_epochs_has_not_stopped_early() {
    let (mut lab, worker) = Lab::with_worker(1);
    lab.launch(values::spec("whole", &[8], 1, 1));
    let granted = lab.ask_one(worker);
    lab.report(granted.token, &granted.spec, 1);
    let result = TrialResult { early_stopped: true, ..values::result(&granted.spec) };
    let outcome = AttemptOutcome::Trained(result);
    let refused = lab.refused(&Command::Complete { token: granted.token, outcome }).to_string();
    assert!(refused.contains("stopped early, with 1 of 1 epochs"), "{refused}");
}

#[test]
fn failures_are_tried_again_from_the_checkpoint_until_the_budget_is_spent() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("failures", &[8], 1, 3));
    let first = lab.ask_one(worker);
    lab.report(first.token, &first.spec, 1);
    let outcome = failed(FailureKind::Crashed);
    lab.complete(first.token, outcome.clone());
    lab.changes_nothing(&Command::Complete { token: first.token, outcome });
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Pending);
    let second = lab.ask_one(worker);
    assert_eq!((second.attempt, second.checkpoint.map(|one| one.epoch)), (2, Some(1)));
    assert_eq!(lab.engine.tables().attempts[&AttemptId { trial: second.spec.id, number: 2 }].first_epoch, 2);
    lab.complete(second.token, failed(FailureKind::Stalled));
    let third = lab.ask_one(worker);
    lab.complete(third.token, failed(FailureKind::Device));
    let trial = lab.trial(sweep, 0);
    assert_eq!((trial.state, trial.failures), (TrialState::Failed, 3));
    assert_eq!(trial.last_error.as_deref(), Some("broke"));
    let refused = lab.launch(values::spec("refused", &[16], 1, 3));
    let other = lab.ask_one(worker);
    lab.complete(other.token, failed(FailureKind::Rejected));
    assert_eq!(lab.trial(refused, 0).failures, 1, "a refusal is final");
    assert_eq!(lab.trial(refused, 0).state, TrialState::Failed);
}

#[test]
fn a_failed_trial_waits_longer_each_time_while_others_are_handed_out() {
    let (mut lab, worker) = Lab::with_worker(1);
    let mut spec = values::spec("pauses", &[8, 16], 1, 3);
    spec.failures_max = 100;
    let sweep = lab.launch(spec);
    let mut pause_ms = RETRY_FIRST_MS;
    let failing = lab.ask_one(worker);
    lab.complete(failing.token, failed(FailureKind::Crashed));
    let other = lab.ask_one(worker);
    assert_eq!(other.spec.id.index, 1, "the other trial need not wait");
    lab.train(&other);
    for _ in 0..8 {
        let since = lab.now;
        let again = lab.ask_one(worker);
        assert_eq!(again.spec.id, failing.spec.id);
        assert!(lab.now.since_ms(since) >= pause_ms.min(RETRY_MAX_MS) / 2, "{pause_ms}");
        lab.complete(again.token, failed(FailureKind::Crashed));
        pause_ms *= 2;
    }
    assert!(lab.ask(worker, 1).is_empty(), "it waits");
    lab.now = lab.now.plus_ms(RETRY_MAX_MS);
    assert_eq!(lab.ask(worker, 1).len(), 1, "no pause is longer");
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Leased);
}

#[test]
fn a_trial_that_outgrew_a_worker_goes_to_a_larger_one_and_has_a_budget_of_its_own() {
    let mut lab = Lab::new();
    // By their numbers they have 1 and 3 GiB for each slot; see `values::register`.
    let (small, large) = (values::worker_id(3), values::worker_id(5));
    let memory = |lab: &Lab, id| lab.engine.tables().workers[&id].profile.slot_memory_bytes();
    lab.run(&values::register(small, 1, true));
    let mut spec = values::spec("memory", &[8], 1, 3);
    spec.failures_max = 1;
    let sweep = lab.launch(spec);
    let first = lab.ask_one(small);
    lab.run(&values::register(large, 1, true));
    assert!(memory(&lab, small) < memory(&lab, large));
    lab.complete(first.token, failed(FailureKind::OutOfMemory));
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Pending, "it cost none of `failures_max`");
    assert_eq!(lab.trial(sweep, 0).outgrown_bytes, memory(&lab, small));
    lab.now = lab.now.plus_ms(RETRY_MAX_MS);
    assert!(lab.ask(small, 1).is_empty(), "somebody has more memory");
    let second = lab.ask_one(large);
    lab.complete(second.token, failed(FailureKind::OutOfMemory));
    lab.now = lab.now.plus_ms(RETRY_MAX_MS);
    assert!(lab.ask(small, 1).is_empty(), "where it has outgrown all, the largest tries again");
    let third = lab.ask_one(large);
    lab.complete(third.token, failed(FailureKind::OutOfMemory));
    let trial = lab.trial(sweep, 0);
    assert_eq!((trial.state, trial.failures, trial.out_of_memory), (TrialState::Failed, 0, 3));
}

#[test]
fn a_release_in_mid_epoch_says_how_far_it_came() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("underway", &[8], 1, 3));
    let first = lab.ask_one(worker);
    let underway = values::underway(&first.spec, 0, 7);
    let release = |checkpoint| AttemptOutcome::Released { checkpoint: Some(checkpoint) };
    lab.complete(first.token, release(underway));
    let second = lab.ask_one(worker);
    assert_eq!(second.checkpoint, Some(underway), "also before any epoch is complete");
    lab.report(second.token, &second.spec, 1);
    assert_eq!(lab.trial(sweep, 0).checkpoint, Some(values::checkpoint(&second.spec, 1)));
    assert_eq!(lab.trial(sweep, 0).underway, None, "the epoch is complete");
    for unfit in [values::underway(&second.spec, 0, 9), values::underway(&second.spec, 2, 1)] {
        let kept = lab.trial(sweep, 0).checkpoint;
        let token = match lab.trial(sweep, 0).lease {
            Some(lease) => lease.token,
            None => lab.ask_one(worker).token,
        };
        lab.complete(token, release(unfit));
        assert_eq!(lab.trial(sweep, 0).checkpoint, kept, "a checkpoint of another epoch is none");
    }
    let third = lab.ask_one(worker);
    lab.complete(third.token, release(values::underway(&third.spec, 1, 3)));
    let fourth = lab.ask_one(worker);
    assert_eq!(fourth.checkpoint.map(|one| (one.epoch, one.batches)), Some((1, 3)));
    lab.complete(fourth.token, failed(FailureKind::Data));
    let last = lab.ask_one(worker);
    assert_eq!(last.checkpoint, Some(values::checkpoint(&last.spec, 1)), "only what cannot be read is lost");
    lab.train(&last);
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Completed);
}

#[test]
fn a_checkpoint_that_cannot_be_read_is_given_up() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("broken checkpoint", &[8], 1, 3));
    let first = lab.ask_one(worker);
    lab.report(first.token, &first.spec, 1);
    lab.complete(first.token, released());
    let second = lab.ask_one(worker);
    assert!(second.checkpoint.is_some());
    lab.complete(second.token, failed(FailureKind::Data));
    assert_eq!(lab.trial(sweep, 0).checkpoint, None);
    assert_eq!(lab.engine.tables().epochs_of(second.spec.id).count(), 0);
    let third = lab.ask_one(worker);
    lab.train(&third);
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Completed);
}

#[test]
fn a_diverged_trial_has_ended() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("diverged", &[8], 1, 3));
    let granted = lab.ask_one(worker);
    lab.report(granted.token, &granted.spec, 1);
    let outcome = AttemptOutcome::Diverged { epoch: 2, message: "loss is NaN".into() };
    lab.complete(granted.token, outcome.clone());
    lab.changes_nothing(&Command::Complete { token: granted.token, outcome });
    let trial = lab.trial(sweep, 0);
    assert_eq!((trial.state, trial.diverged_epoch), (TrialState::Diverged, Some(2)));
    assert_eq!(lab.engine.sweep(sweep).unwrap().chosen, None);
    assert!(lab.state(sweep).is_ended(), "nothing completed, so nothing is evaluated");
}

#[test]
fn a_trial_diverges_in_the_epoch_after_those_that_were_reported_and_in_no_other() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("diverged", &[8], 1, 2));
    let granted = lab.ask_one(worker);
    let diverged = |epoch| {
        let outcome = AttemptOutcome::Diverged { epoch, message: "loss is NaN".into() };
        Command::Complete { token: granted.token, outcome }
    };
    for reported in 0..=2 {
        for epoch in [0, reported, reported + 2, u32::MAX] {
            assert!(
                matches!(lab.refused(&diverged(epoch)), Rejection::Invalid(_)),
                "{epoch} after {reported}"
            );
        }
        if reported < 2 {
            assert!(lab.decide(&diverged(reported + 1)).is_ok(), "the next after {reported}");
            lab.report(granted.token, &granted.spec, reported + 1);
        }
    }
    assert!(matches!(lab.refused(&diverged(3)), Rejection::Invalid(_)), "it has two epochs");
    lab.complete(granted.token, AttemptOutcome::Trained(values::result(&granted.spec)));
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Completed);
}

#[test]
fn preemption_is_no_failure_but_has_its_bound() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("preempted", &[8], 1, 3));
    for _ in 0..ATTEMPTS_MAX {
        let granted = lab.ask_one(worker);
        lab.complete(granted.token, released());
    }
    let trial = lab.trial(sweep, 0);
    assert_eq!((trial.state, trial.failures, trial.attempts), (TrialState::Failed, 0, ATTEMPTS_MAX));
}

#[test]
fn a_lease_that_no_heartbeat_names_runs_out_and_its_token_is_fenced() {
    let (mut lab, worker) = Lab::with_worker(2);
    let sweep = lab.launch(values::spec("expiry", &[8, 16], 1, 3));
    let granted = lab.ask(worker, 2);
    lab.report(granted[0].token, &granted[0].spec, 1);
    for _ in 0..8 {
        lab.pass(LEASE_TTL_MS / 4);
        lab.heartbeat(worker, &[granted[1].token]);
    }
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Pending);
    assert_eq!(lab.trial(sweep, 1).state, TrialState::Leased);
    let stale = report(granted[0].token, &granted[0].spec, 2);
    assert!(matches!(lab.refused(&stale), Rejection::LeaseLost { .. }));
    let again = lab.ask_one(worker);
    assert_eq!((again.spec.id, again.attempt), (granted[0].spec.id, 2));
    assert!(
        matches!(lab.refused(&stale), Rejection::LeaseLost { .. }),
        "the same worker's old token stays stale"
    );
    let first = &lab.engine.tables().attempts[&AttemptId { trial: again.spec.id, number: 1 }];
    assert_eq!(first.state, AttemptState::Expired);
}

#[test]
fn reports_renew_a_lease() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("renewal", &[8], 1, 3));
    let granted = lab.ask_one(worker);
    for epoch in 1..=3 {
        lab.pass(LEASE_TTL_MS - 1);
        lab.report(granted.token, &granted.spec, epoch);
    }
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Leased);
    assert_eq!(lab.engine.next_deadline(), Some(lab.now.plus_ms(LEASE_TTL_MS)));
    lab.pass(LEASE_TTL_MS);
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Pending);
}

#[test]
fn failed_and_diverged_trials_are_tried_again_with_all_their_tries() {
    let (mut lab, worker) = Lab::with_worker(1);
    let mut spec = values::spec("again", &[8, 16], 1, 1);
    spec.failures_max = 1;
    let sweep = lab.launch(spec);
    let first = lab.ask_one(worker);
    let message = "no luck".to_owned();
    lab.complete(
        first.token,
        AttemptOutcome::Failed { kind: FailureKind::Crashed, message: message.clone() },
    );
    let second = lab.ask_one(worker);
    lab.complete(second.token, AttemptOutcome::Diverged { epoch: 1, message });
    assert_eq!(lab.state(sweep), SweepState::Finished);
    let retry = |which| Command::Retry { sweep, which, caller: None, quota: Box::default() };
    let every = |failed, diverged| retry(Retried::Every { failed, diverged });

    let reply = lab.run(&every(true, false));
    assert_eq!(reply, Reply::Retried { count: 1, left: 0 });
    assert_eq!((lab.state(sweep), lab.trial(sweep, 1).state), (SweepState::Open, TrialState::Diverged));
    assert!(lab.refused(&every(true, false)).to_string().contains("no trial of sweep 1 has failed"));
    let refused = lab.refused(&retry(Retried::Trials(vec![0]))).to_string();
    assert!(refused.contains("trial 1/0 is pending"), "{refused}");
    assert!(lab.refused(&retry(Retried::Trials(vec![7]))).to_string().contains("no trial 1/7"));
    lab.run(&retry(Retried::Trials(vec![1])));

    for _ in 0..2 {
        let granted = lab.ask_one(worker);
        assert_eq!(granted.attempt, 2, "attempts are counted on");
        lab.train(&granted);
    }
    let granted = lab.ask_one(worker);
    let problem = AttemptOutcome::Failed { kind: FailureKind::Crashed, message: "no test".into() };
    lab.complete(granted.token, problem);
    assert_eq!(lab.state(sweep), SweepState::Finished);
    assert_eq!(lab.engine.tables().trials_of(sweep).filter(|trial| trial.test.is_some()).count(), 0);

    // What could not be measured is measured again, not trained.
    lab.run(&every(true, false));
    let granted = lab.ask_one(worker);
    assert_eq!(granted.work, WorkKind::Evaluate);
    lab.evaluate(&granted);
    assert_eq!(lab.state(sweep), SweepState::Finished);
}

#[test]
fn retrying_many_trials_goes_in_slices_and_tells_what_is_left() {
    let (mut lab, worker) = Lab::with_worker(1);
    let mut spec = values::spec("again", &[8, 16, 24], 1, 1);
    spec.failures_max = 1;
    let sweep = lab.launch(spec);
    for _ in 0..3 {
        let granted = lab.ask_one(worker);
        let message = "no luck".to_owned();
        lab.complete(granted.token, AttemptOutcome::Failed { kind: FailureKind::Crashed, message });
    }
    lab.engine = lab.engine.with_slice(2);
    let which = Retried::Every { failed: true, diverged: true };
    let retry = Command::Retry { sweep, which, caller: None, quota: Box::default() };
    assert_eq!(lab.run(&retry), Reply::Retried { count: 2, left: 1 });
    assert_eq!(lab.run(&retry), Reply::Retried { count: 1, left: 0 });
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Pending), 3);
}

fn unreadable(artifact: sweep_proto::Digest, is_gone: bool) -> Command {
    Command::Unreadable { artifact, is_gone, reason: "the dataset is missing".into() }
}

#[test]
fn a_missing_dataset_holds_its_sweep_and_costs_no_try() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("held", &[8, 16], 1, 1));
    let granted = lab.ask_one(worker);
    lab.run(&unreadable(granted.dataset.digest, true));
    let record = lab.engine.sweep(sweep).unwrap();
    assert_eq!((record.state, record.held.as_deref()), (SweepState::Paused, Some("the dataset is missing")));
    let (standings, _) = lab.heartbeat(worker, &[granted.token]);
    assert!(matches!(standings[0], LeaseStanding::Release(_)), "{standings:?}");
    lab.complete(granted.token, AttemptOutcome::Released { checkpoint: None });
    assert!(lab.ask(worker, 1).is_empty());
    assert_eq!(lab.trial(sweep, 0).failures, 0);
    lab.changes_nothing(&unreadable(granted.dataset.digest, true));

    lab.run(&Command::Resume(sweep));
    assert_eq!(lab.engine.sweep(sweep).unwrap().held, None);
    let granted = lab.ask_one(worker);
    lab.train(&granted);
}

#[test]
fn a_model_that_cannot_be_measured_holds_its_sweep_until_it_is_resumed() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("held", &[8], 1, 1));
    let granted = lab.ask_one(worker);
    lab.train(&granted);
    let granted = lab.ask_one(worker);
    lab.run(&unreadable(granted.model.unwrap().digest, false));
    assert_eq!(lab.state(sweep), SweepState::Paused);
    lab.complete(granted.token, AttemptOutcome::Released { checkpoint: None });
    assert!(lab.ask(worker, 1).is_empty());
    lab.run(&Command::Resume(sweep));
    assert_eq!(lab.state(sweep), SweepState::Evaluating);
    let granted = lab.ask_one(worker);
    lab.evaluate(&granted);
    assert_eq!(lab.state(sweep), SweepState::Finished);
}

#[test]
fn a_checkpoint_that_is_gone_costs_its_epochs_and_no_try() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("again", &[8], 1, 3));
    let granted = lab.ask_one(worker);
    lab.report(granted.token, &granted.spec, 1);
    lab.complete(granted.token, AttemptOutcome::Released { checkpoint: None });
    let granted = lab.ask_one(worker);
    lab.run(&unreadable(granted.checkpoint.unwrap().artifact.digest, true));
    assert_eq!(lab.state(sweep), SweepState::Open);
    let again = lab.ask_one(worker);
    assert_eq!((again.checkpoint, lab.trial(sweep, 0).failures), (None, 0));
    lab.train(&again);
}

#[test]
fn a_worker_speaks_only_of_leases_that_were_granted_to_it() {
    let (mut lab, worker) = Lab::with_worker(1);
    lab.launch(values::spec("held", &[8], 1, 3));
    let granted = lab.ask(worker, 1).remove(0);
    let stranger = values::worker_id(2);
    lab.run(&values::register(stranger, 1, true));
    let by = |worker, command: Command| Command::ByHolder { worker, command: Box::new(command) };
    let said = [
        report(granted.token, &granted.spec, 1),
        Command::Complete { token: granted.token, outcome: failed(FailureKind::Crashed) },
        Command::Complete { token: granted.token, outcome: released() },
    ];
    for command in &said {
        let refused = lab.refused(&by(stranger, command.clone()));
        assert_eq!(refused, Rejection::NotHolder { token: granted.token, worker: stranger });
    }
    for command in said {
        lab.run(&by(worker, command.clone()));
        if matches!(command, Command::Complete { .. }) {
            break;
        }
    }
    let refused = lab.refused(&by(stranger, report(granted.token, &granted.spec, 2)));
    assert!(matches!(refused, Rejection::NotHolder { .. }), "nor of those that have ended: {refused}");
    let never = lab.refused(&by(stranger, report(LeaseToken(99), &granted.spec, 1)));
    assert!(matches!(never, Rejection::LeaseLost { .. }), "{never}");
}

#[test]
fn what_other_rows_name_cannot_be_reported_except_by_trials_of_the_same_key() {
    let (mut lab, worker) = Lab::with_worker(4);
    let spec = values::spec("owned", &[8, 16], 1, 3);
    let sweep = lab.launch(spec.clone());
    let granted = lab.ask(worker, 2);
    let (mine, others) = (&granted[0], &granted[1]);
    let of_others = values::checkpoint(&others.spec, 1).artifact.digest;
    let may = |lab: &Lab, token, digest| lab.engine.may_report(token, digest);
    assert_eq!(may(&lab, mine.token, of_others), Some(true), "nobody's yet");
    lab.report(others.token, &others.spec, 1);
    assert_eq!(may(&lab, mine.token, of_others), Some(false));
    assert_eq!(may(&lab, others.token, of_others), Some(true), "its own");
    assert_eq!(may(&lab, mine.token, mine.dataset.digest), Some(false), "a dataset is no checkpoint");
    assert_eq!(may(&lab, LeaseToken(u64::MAX), of_others), None);
    lab.train(mine);
    let model = values::result(&mine.spec).model.digest;
    assert_eq!(may(&lab, others.token, model), Some(false), "another's model");
    assert_eq!(may(&lab, mine.token, model), Some(true), "the end is told once more");

    let restored = Engine::restore(lab.engine.tables().clone(), lab.now);
    assert_eq!(restored.may_report(others.token, model), Some(false), "after a restart, too");
    lab.run(&Command::Cancel(sweep));
    let again = sweep_proto::SweepSpec { reuse: false, ..spec };
    lab.launch(again);
    let granted = lab.ask(worker, 2);
    let twin = granted.iter().find(|one| one.spec.key() == mine.spec.key()).unwrap();
    let stranger = granted.iter().find(|one| one.spec.key() != mine.spec.key()).unwrap();
    assert_eq!(may(&lab, twin.token, model), Some(true), "the same training leaves the same bytes");
    // An earlier program has stored the trial under the other form of its key.
    let mut tables = lab.engine.tables().clone();
    let stored = tables.trials.values_mut().find(|one| one.spec.id == mine.spec.id).unwrap();
    stored.set_key(stored.spec.key_with_epochs());
    let restored = Engine::restore(tables, lab.now);
    assert_eq!(restored.may_report(twin.token, model), Some(true), "it is the same trial");
    assert_eq!(restored.may_report(stranger.token, model), Some(false), "it is another's");
}

//! What attempts are charged for, what of them is lost, and for how long a sweep ran.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use coordinator_core::limits::{LEASE_TTL_MS, WORKER_SILENCE_MS};
use coordinator_core::{AttemptRecord, AttemptState, Command, Engine, Granted, Outlook, Touch, TrialState};
use support::lab::Lab;
use support::values;
use sweep_proto::{AttemptId, AttemptOutcome, FailureKind, SweepId, Timestamp, WorkerId};

const MINUTE: u64 = 60_000;

fn attempt<'a>(lab: &'a Lab, granted: &Granted) -> &'a AttemptRecord {
    &lab.engine.tables().attempts[&AttemptId { trial: granted.spec.id, number: granted.attempt }]
}

/// A worker that lives for so long under a lease, with a heartbeat every five seconds.
fn live(lab: &mut Lab, worker: WorkerId, granted: &Granted, ms: u64) {
    for _ in 0..ms / 5_000 {
        lab.pass(5_000);
        lab.heartbeat(worker, &[granted.token]);
    }
}

fn lab() -> (Lab, WorkerId, SweepId, Granted) {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("charged", &[8], 1, 3));
    let granted = lab.ask_one(worker);
    (lab, worker, sweep, granted)
}

#[test]
fn a_killed_worker_is_charged_until_its_last_heartbeat_not_until_the_lease_ends() {
    let (mut lab, worker, sweep, granted) = lab();
    live(&mut lab, worker, &granted, MINUTE);
    lab.report(granted.token, &granted.spec, 1);
    live(&mut lab, worker, &granted, 20_000);
    lab.pass(WORKER_SILENCE_MS);
    let lost = attempt(&lab, &granted);
    assert_eq!(lost.state, AttemptState::Expired);
    assert_eq!(lost.ended_at.unwrap().since_ms(lost.started_at), MINUTE + 20_000 + LEASE_TTL_MS);
    assert_eq!(lost.charged_ms(), MINUTE + 20_000);
    assert_eq!(lost.lost_ms(), 20_000, "the epoch is kept");
    assert_eq!(lab.engine.ran_ms(sweep, lab.now), MINUTE + 20_000);
}

#[test]
fn a_coordinator_that_died_with_its_workers_knows_when_they_lived() {
    let (mut lab, worker, sweep, granted) = lab();
    live(&mut lab, worker, &granted, 2 * MINUTE);
    // Both die; the next coordinator begins a day later, and knows that the workers are gone.
    let day_later = lab.now.plus_ms(24 * 60 * MINUTE);
    lab.engine = Engine::restore(lab.engine.tables().clone(), day_later);
    lab.now = day_later;
    lab.run(&Command::Deregister(worker));
    let lost = attempt(&lab, &granted);
    assert_eq!(lost.state, AttemptState::Expired);
    let known = 2 * MINUTE - LEASE_TTL_MS..=2 * MINUTE;
    assert!(known.contains(&lost.charged_ms()), "{} ms", lost.charged_ms());
    assert_eq!(lab.engine.ran_ms(sweep, lab.now), lost.charged_ms(), "nothing ran in the night");
}

#[test]
fn what_is_handed_back_with_its_checkpoint_is_not_lost() {
    let (mut lab, worker, sweep, granted) = lab();
    live(&mut lab, worker, &granted, 10_000);
    let release = |checkpoint| AttemptOutcome::Released { checkpoint };
    let underway = values::underway(&granted.spec, 0, 7);
    lab.complete(granted.token, release(Some(underway)));
    assert_eq!((attempt(&lab, &granted).charged_ms(), attempt(&lab, &granted).lost_ms()), (10_000, 0));

    let second = lab.ask_one(worker);
    live(&mut lab, worker, &second, 10_000);
    lab.complete(second.token, release(Some(underway)));
    assert_eq!(attempt(&lab, &second).lost_ms(), 10_000, "it gave back what it was given");

    let third = lab.ask_one(worker);
    live(&mut lab, worker, &third, 10_000);
    lab.report(third.token, &third.spec, 1);
    live(&mut lab, worker, &third, 5_000);
    lab.complete(third.token, release(None));
    assert_eq!(attempt(&lab, &third).lost_ms(), 5_000, "without a checkpoint in mid-epoch");
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Pending);
}

#[test]
fn what_was_kept_of_a_trial_that_begins_again_is_lost_after_all() {
    let (mut lab, worker, _, granted) = lab();
    live(&mut lab, worker, &granted, 10_000);
    lab.report(granted.token, &granted.spec, 1);
    lab.complete(granted.token, AttemptOutcome::Released { checkpoint: None });
    assert_eq!(attempt(&lab, &granted).lost_ms(), 0);
    let second = lab.ask_one(worker);
    let unreadable = AttemptOutcome::Failed { kind: FailureKind::Data, message: "its checkpoint".into() };
    lab.complete(second.token, unreadable);
    assert_eq!(attempt(&lab, &granted).lost_ms(), 10_000);
}

#[test]
fn that_a_trial_diverges_is_a_result_until_it_is_tried_again() {
    let (mut lab, worker, sweep, granted) = lab();
    live(&mut lab, worker, &granted, 10_000);
    lab.complete(granted.token, AttemptOutcome::Diverged { epoch: 1, message: "no finite loss".into() });
    assert_eq!(attempt(&lab, &granted).lost_ms(), 0);
    let which = coordinator_core::Retried::Every { failed: true, diverged: true };
    lab.run(&Command::Retry { sweep, which, caller: None, quota: Box::default() });
    assert_eq!(attempt(&lab, &granted).lost_ms(), 10_000);
}

#[test]
fn pauses_and_nights_are_no_time_in_which_trials_ran() {
    let (mut lab, worker, sweep, granted) = lab();
    live(&mut lab, worker, &granted, MINUTE);
    assert_eq!(lab.engine.ran_ms(sweep, lab.now.plus_ms(2_000)), MINUTE + 2_000, "it runs on");
    lab.run(&Command::Pause(sweep));
    lab.complete(granted.token, AttemptOutcome::Released { checkpoint: None });
    lab.pass(10 * MINUTE);
    assert_eq!(lab.engine.ran_ms(sweep, lab.now), MINUTE);
    assert_eq!(lab.engine.outlook(sweep), Some(Outlook::Still));
    lab.run(&Command::Resume(sweep));
    lab.heartbeat(worker, &[]);
    let second = lab.ask_one(worker);
    live(&mut lab, worker, &second, MINUTE);
    assert_eq!(lab.engine.ran_ms(sweep, lab.now), 2 * MINUTE);
}

#[test]
fn without_a_worker_no_end_is_told() {
    let (mut lab, worker, sweep, granted) = lab();
    assert_eq!(lab.engine.outlook(sweep), Some(Outlook::Unmeasured));
    lab.pass(1_000);
    lab.report(granted.token, &granted.spec, 1);
    assert!(matches!(lab.engine.outlook(sweep), Some(Outlook::Ends(_))));
    let heard = lab.now;
    lab.pass(1_000);
    lab.engine.touch(&Touch::Disconnected(worker));
    assert_eq!(lab.engine.outlook(sweep), Some(Outlook::NoWorker { since: Some(heard) }));
    lab.run(&Command::Deregister(worker));
    assert_eq!(lab.engine.outlook(sweep), Some(Outlook::NoWorker { since: Some(heard) }));

    let nobody = Engine::restore(lab.engine.tables().clone(), Timestamp(0));
    assert_eq!(nobody.outlook(sweep), Some(Outlook::NoWorker { since: None }));
    assert_eq!(nobody.outlook(SweepId(99)), None);
}

//! A worker's way through its states, and what the passing of time does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use coordinator_core::command::LeaseStanding;
use coordinator_core::limits::{
    HEARTBEAT_TOKENS_MAX, LEASE_TTL_MS, REST_FIRST_MS, WORKER_SILENCE_MS, WORKERS_LOST_MAX,
    heartbeat_interval_ms,
};
use coordinator_core::{
    AttemptState, Command, Engine, InstanceId, Outlook, Rejection, Reply, TrialState, WorkerState,
};
use sweep_proto::protocol::{PROTOCOL_VERSION, ProtocolVersion};
use sweep_proto::{AttemptId, AttemptOutcome, FailureKind, LeaseToken, Timestamp, WorkerId};

use support::lab::{Lab, report};
use support::values;

fn state(lab: &Lab, worker: WorkerId) -> WorkerState {
    lab.engine.tables().workers[&worker].state
}

#[test]
fn programs_that_do_not_fit_are_refused_naming_both_versions() {
    let lab = Lab::new();
    let Command::Register { worker, profile, fresh, .. } = values::register(values::worker_id(1), 1, true)
    else {
        panic!()
    };
    let protocol = ProtocolVersion { major: PROTOCOL_VERSION.major + 1, minor: 0 };
    let command = Command::Register { worker, protocol, profile: profile.clone(), fresh, instance: None };
    let error = lab.refused(&command);
    assert_eq!(error, Rejection::Protocol { worker: protocol, coordinator: PROTOCOL_VERSION });
    assert!(error.to_string().contains(&protocol.to_string()));
    let near = ProtocolVersion { minor: PROTOCOL_VERSION.minor + 1, ..PROTOCOL_VERSION };
    assert!(
        lab.decide(&Command::Register { worker, protocol: near, profile, fresh, instance: None }).is_ok()
    );
    assert!(matches!(lab.refused(&values::register(worker, 0, true)), Rejection::Invalid(_)));
}

#[test]
fn heartbeats_come_less_often_the_more_workers_there_are() {
    assert_eq!(heartbeat_interval_ms(1), 5_000);
    assert_eq!(heartbeat_interval_ms(10_000), 5_000);
    assert_eq!(heartbeat_interval_ms(16_000), 8_000);
    assert_eq!(heartbeat_interval_ms(usize::MAX >> 16), LEASE_TTL_MS / 3, "a lease bears two lost beats");
    let mut lab = Lab::new();
    let reply = lab.run(&values::register(values::worker_id(1), 1, true));
    assert_eq!(reply, Reply::Registered { heartbeat_interval_ms: 5_000 });
}

#[test]
fn strangers_are_told_to_register() {
    let lab = Lab::new();
    let worker = values::worker_id(9);
    let commands = [
        Command::Heartbeat { worker, tokens: vec![] },
        Command::AskWork { worker, request_id: "1".into(), slots: 1, group: 1 },
        Command::Drain(worker),
        Command::Deregister(worker),
    ];
    for command in commands {
        assert_eq!(lab.refused(&command), Rejection::UnknownWorker(worker), "{command:?}");
    }
}

#[test]
fn a_new_process_of_the_same_identity_fences_the_old_one() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("fresh", &[8], 1, 2));
    let granted = lab.ask_one(worker);
    lab.changes_nothing(&values::register(worker, 1, false));
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Leased, "a reconnect keeps its leases");
    lab.run(&values::register(worker, 1, true));
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Pending);
    let attempt = &lab.engine.tables().attempts[&AttemptId { trial: granted.spec.id, number: 1 }];
    assert_eq!(attempt.state, AttemptState::Expired, "the old process is dead: its work is lost");
    assert!(matches!(lab.refused(&report(granted.token, &granted.spec, 1)), Rejection::LeaseLost { .. }));
}

/// The registration of a process that names itself.
fn registration(worker: WorkerId, instance: u128, fresh: bool) -> Command {
    match values::register(worker, 1, fresh) {
        Command::Register { worker, protocol, profile, fresh, .. } => {
            let instance = Some(InstanceId(uuid::Uuid::from_u128(instance)));
            Command::Register { worker, protocol, profile, fresh, instance }
        }
        other => other,
    }
}

#[test]
fn a_registration_that_comes_again_revokes_nothing_and_one_of_a_replaced_process_is_refused() {
    let (mut lab, worker) = Lab::with_worker(1);
    lab.launch(values::spec("twins", &[8], 1, 2));
    lab.run(&registration(worker, 1, true));
    let granted = lab.ask_one(worker);
    lab.changes_nothing(&registration(worker, 1, true));
    lab.changes_nothing(&registration(worker, 1, false));
    // Another process takes the lease away, whatever it says of itself.
    lab.run(&registration(worker, 2, false));
    assert!(matches!(lab.refused(&report(granted.token, &granted.spec, 1)), Rejection::LeaseLost { .. }));
    let again = lab.ask_one(worker);
    for fresh in [true, false] {
        assert_eq!(lab.refused(&registration(worker, 1, fresh)), Rejection::Replaced(worker));
    }
    lab.report(again.token, &again.spec, 1);
}

#[test]
fn a_request_of_long_ago_gets_no_work() {
    let (mut lab, worker) = Lab::with_worker(1);
    lab.launch(values::spec("late", &[8, 16, 32], 1, 2));
    let ask =
        |request_id: &str| Command::AskWork { worker, request_id: request_id.to_owned(), slots: 1, group: 1 };
    for request_id in ["first", "second"] {
        let Reply::Grants(granted) = lab.run(&ask(request_id)) else { panic!("no grants") };
        lab.complete(granted[0][0].token, AttemptOutcome::Released { checkpoint: None });
    }
    assert_eq!(lab.run(&ask("first")), Reply::Grants(Vec::new()));
    assert!(matches!(lab.run(&ask("third")), Reply::Grants(granted) if granted.len() == 1));
}

#[test]
fn a_heartbeat_says_of_each_lease_how_it_stands() {
    let (mut lab, worker) = Lab::with_worker(1);
    let other = values::worker_id(2);
    lab.run(&values::register(other, 1, true));
    lab.launch(values::spec("beats", &[8, 16], 1, 2));
    let mine = lab.ask_one(worker).token;
    let theirs = lab.ask_one(other).token;
    let (standing, drain) = lab.heartbeat(worker, &[mine, theirs, LeaseToken(99)]);
    assert_eq!(standing[0], LeaseStanding::Continue);
    assert!(matches!(standing[1], LeaseStanding::Drop(_)), "a lease of another worker");
    assert!(matches!(standing[2], LeaseStanding::Drop(_)), "a lease that never was");
    assert!(!drain);
    let many = Command::Heartbeat { worker, tokens: vec![mine; HEARTBEAT_TOKENS_MAX + 1] };
    assert!(matches!(lab.refused(&many), Rejection::Invalid(_)));
}

#[test]
fn a_draining_worker_hands_back_gets_nothing_and_departs() {
    let (mut lab, worker) = Lab::with_worker(2);
    let sweep = lab.launch(values::spec("drain", &[8, 16], 1, 2));
    let granted = lab.ask_one(worker);
    lab.run(&Command::Drain(worker));
    lab.changes_nothing(&Command::Drain(worker));
    lab.changes_nothing(&values::register(worker, 2, false));
    assert_eq!(state(&lab, worker), WorkerState::Draining, "a reconnect does not undo it");
    assert!(lab.ask(worker, 1).is_empty());
    let (standing, drain) = lab.heartbeat(worker, &[granted.token]);
    assert!(drain && matches!(standing[0], LeaseStanding::Release(_)));
    lab.report(granted.token, &granted.spec, 1);
    lab.complete(granted.token, AttemptOutcome::Released { checkpoint: None });
    lab.run(&Command::Deregister(worker));
    lab.changes_nothing(&Command::Deregister(worker));
    assert_eq!(state(&lab, worker), WorkerState::Departed);
    assert_eq!(lab.trial(sweep, 0).checkpoint.map(|one| one.epoch), Some(1));
    assert_eq!(lab.refused(&Command::Heartbeat { worker, tokens: vec![] }), Rejection::UnknownWorker(worker));
    lab.run(&values::register(worker, 2, true));
    assert_eq!(state(&lab, worker), WorkerState::Ready);
}

#[test]
fn the_end_of_a_session_takes_no_lease_away() {
    let (mut lab, worker) = Lab::with_worker(1);
    lab.launch(values::spec("cut", &[8], 1, 2));
    let granted = lab.ask_one(worker);
    lab.changes_nothing(&Command::Disconnected(worker));
    assert!(lab.engine.is_disconnected(worker));
    lab.report(granted.token, &granted.spec, 1);
    assert!(!lab.engine.is_disconnected(worker), "a report shows that it lives");
    lab.changes_nothing(&Command::Disconnected(worker));
    let (standing, _) = lab.heartbeat(worker, &[granted.token]);
    assert_eq!(standing, [LeaseStanding::Continue]);
    assert!(!lab.engine.is_disconnected(worker));
}

#[test]
fn a_worker_reaches_what_its_live_leases_name() {
    let (mut lab, worker) = Lab::with_worker(1);
    lab.launch(values::spec("reach", &[8], 1, 2));
    let granted = lab.ask_one(worker);
    let (dataset, other) = (granted.dataset.digest, values::worker_id(99));
    assert!(lab.engine.may_fetch(worker, dataset) && !lab.engine.may_fetch(other, dataset));
    assert!(!lab.engine.may_fetch(worker, sweep_proto::Digest::of(b"another blob")));
    let allowances = lab.engine.upload_allowances(worker);
    assert_eq!(allowances.len(), 1);
    assert_eq!(allowances[0].token, granted.token);
    assert!(lab.engine.upload_allowances(other).is_empty());
    lab.report(granted.token, &granted.spec, 1);
    let checkpoint = lab.trial(granted.spec.id.sweep, 0).checkpoint.unwrap().artifact.digest;
    assert!(lab.engine.may_fetch(worker, checkpoint));
    let bounds = lab.engine.step_bounds(granted.spec.id).unwrap();
    // 80 rows, 64 in a batch, two epochs.
    assert_eq!((bounds.epochs, bounds.points), (2, 4));
    lab.complete(granted.token, AttemptOutcome::Released { checkpoint: None });
    assert!(!lab.engine.may_fetch(worker, dataset) && lab.engine.upload_allowances(worker).is_empty());
}

#[test]
fn what_a_leaving_worker_still_holds_is_lost_not_handed_back() {
    let (mut lab, worker) = Lab::with_worker(2);
    let sweep = lab.launch(values::spec("leave", &[8, 16], 1, 2));
    let granted = lab.ask(worker, 2);
    lab.run(&Command::Deregister(worker));
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Pending), 2);
    let attempt = &lab.engine.tables().attempts[&AttemptId { trial: granted[0].spec.id, number: 1 }];
    assert_eq!(attempt.state, AttemptState::Expired);
}

#[test]
fn a_silent_worker_is_lost_and_comes_back_by_being_heard() {
    let (mut lab, worker) = Lab::with_worker(1);
    lab.pass(WORKER_SILENCE_MS - 1);
    assert_eq!(state(&lab, worker), WorkerState::Ready);
    lab.pass(1);
    assert_eq!(state(&lab, worker), WorkerState::Lost);
    assert_eq!(lab.engine.next_deadline(), None);
    lab.heartbeat(worker, &[]);
    assert_eq!(state(&lab, worker), WorkerState::Ready);
    assert_eq!(lab.engine.heard_at(worker), Some(lab.now));
    lab.run(&Command::Drain(worker));
    lab.pass(WORKER_SILENCE_MS);
    assert_eq!(state(&lab, worker), WorkerState::Departed, "a draining worker that fell silent has left");
}

#[test]
fn a_coordinator_that_stood_still_takes_no_lease_away() {
    let (mut lab, worker) = Lab::with_worker(2);
    let sweep = lab.launch(values::spec("stall", &[8, 16], 1, 2));
    lab.ask(worker, 2);
    lab.pass(1_000);
    lab.now = lab.now.plus_ms(10 * LEASE_TTL_MS);
    lab.run(&Command::Tick);
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Leased), 2);
    assert_eq!(state(&lab, worker), WorkerState::Ready);
    lab.pass(LEASE_TTL_MS - 1);
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Leased), 2, "a full term more");
    lab.pass(1);
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Pending), 2);
}

#[test]
fn a_restarted_coordinator_gives_every_lease_a_fresh_term() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("restart", &[8], 1, 2));
    let granted = lab.ask_one(worker);
    lab.now = lab.now.plus_ms(100 * LEASE_TTL_MS);
    lab.engine = Engine::restore(lab.engine.tables().clone(), lab.now);
    lab.pass(LEASE_TTL_MS - 1);
    lab.report(granted.token, &granted.spec, 1);
    lab.pass(LEASE_TTL_MS);
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Pending);
}

fn crashed() -> AttemptOutcome {
    AttemptOutcome::Failed { kind: FailureKind::Crashed, message: "broke".into() }
}

#[test]
fn a_worker_on_which_different_trials_fail_rests_while_another_can_work() {
    let (mut lab, bad) = Lab::with_worker(4);
    let good = values::worker_id(2);
    lab.run(&values::register(good, 1, true));
    lab.launch(values::spec("rest", &[8, 16, 24, 32], 1, 2));
    for granted in lab.ask(bad, 3) {
        lab.complete(granted.token, crashed());
    }
    assert!(lab.ask(bad, 1).is_empty(), "three different trials failed");
    lab.pass(REST_FIRST_MS);
    let granted = lab.ask_one(bad);
    lab.complete(granted.token, crashed());
    lab.run(&Command::Heartbeat { worker: good, tokens: Vec::new() });
    assert!(lab.ask(bad, 1).is_empty(), "one more failure after the rest");
    lab.pass(REST_FIRST_MS / 2);
    lab.run(&Command::Heartbeat { worker: good, tokens: Vec::new() });
    lab.pass(REST_FIRST_MS / 2);
    assert!(lab.ask(bad, 1).is_empty(), "the second rest is longer");
    lab.run(&Command::Deregister(good));
    let granted = lab.ask_one(bad);
    lab.train(&granted);
    lab.run(&values::register(good, 1, true));
    assert!(!lab.ask(bad, 1).is_empty(), "a success ends every trouble");
}

#[test]
fn one_bad_trial_is_not_its_worker_s_fault() {
    let (mut lab, worker) = Lab::with_worker(1);
    lab.run(&values::register(values::worker_id(2), 1, true));
    let mut spec = values::spec("bad", &[8], 1, 2);
    spec.failures_max = 10;
    lab.launch(spec);
    for _ in 0..5 {
        let granted = lab.ask_one(worker);
        lab.complete(granted.token, crashed());
    }
    assert_eq!(lab.ask_one(worker).attempt, 6);
}

#[test]
fn a_trial_that_takes_its_workers_down_is_given_up() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("poison", &[8], 1, 3));
    for _ in 1..WORKERS_LOST_MAX {
        lab.ask_one(worker);
        lab.pass(LEASE_TTL_MS + 1_000);
        lab.run(&values::register(worker, 1, true));
    }
    // An epoch of progress begins the count anew.
    let granted = lab.ask_one(worker);
    lab.report(granted.token, &granted.spec, 1);
    lab.run(&values::register(worker, 1, true));
    for lost in 1..=WORKERS_LOST_MAX {
        assert_eq!(lab.trial(sweep, 0).state, TrialState::Pending, "after {lost}");
        lab.ask_one(worker);
        lab.run(&values::register(worker, 1, true));
    }
    let trial = lab.trial(sweep, 0);
    assert_eq!(trial.state, TrialState::Failed);
    assert!(trial.last_error.as_ref().unwrap().contains("epoch 2"), "{:?}", trial.last_error);
}

#[test]
fn nobody_works_where_no_worker_is_connected() {
    let mut lab = Lab::new();
    let no_worker = |at_ms| Some(Outlook::NoWorker { since: Some(Timestamp(at_ms)) });
    let sweep = lab.launch(values::spec("alone", &[8], 1, 2));
    assert_eq!(lab.engine.outlook(sweep), Some(Outlook::NoWorker { since: None }));
    let worker = values::worker_id(1);
    lab.run(&values::register(worker, 1, true));
    let granted = lab.ask_one(worker);
    assert_eq!(lab.engine.outlook(sweep), Some(Outlook::Unmeasured));
    lab.now = Timestamp(9_000);
    lab.heartbeat(worker, &[granted.token]);
    lab.now = Timestamp(12_000);
    lab.changes_nothing(&Command::Disconnected(worker));
    assert_eq!(lab.engine.outlook(sweep), no_worker(9_000));
    assert_eq!((lab.engine.ledger(sweep).of(TrialState::Leased), lab.engine.away(sweep)), (1, 1));
    // Nothing is known of a worker that this process has not heard.
    let restarted = Engine::restore(lab.engine.tables().clone(), Timestamp(50_000));
    assert_eq!((restarted.outlook(sweep), restarted.away(sweep)), (no_worker(50_000), 1));
    lab.heartbeat(worker, &[granted.token]);
    assert_eq!((lab.engine.outlook(sweep), lab.engine.away(sweep)), (Some(Outlook::Unmeasured), 0));
    // On a full disk the engine goes back to its rows, and sessions live on.
    let rolled_back = lab.engine.rolled_back(lab.engine.tables().clone(), lab.now);
    assert_eq!((rolled_back.outlook(sweep), rolled_back.away(sweep)), (Some(Outlook::Unmeasured), 0));
    lab.run(&Command::Pause(sweep));
    assert_eq!(lab.engine.outlook(sweep), Some(Outlook::Still));
}

//! Every message of a worker comes twice, late and out of order: the answers are the same, and nothing happens twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use std::path::Path;

use coordinator::Server;
use serde_json::{Value, json};
use support::{SWEEP, ScriptedWorker, User, index};
use sweep_proto::protocol::PROTOCOL_VERSION;
use sweep_proto::wire::coordinator_message::Kind as Answer;
use sweep_proto::wire::worker_message::Kind as Message;
use sweep_proto::{WorkerId, wire};
use tonic::{Code, Status};

const TRIALS: usize = 4;

fn registration(id: WorkerId, instance: &str) -> wire::RegisterRequest {
    wire::RegisterRequest {
        worker_id: id.to_string(),
        protocol: Some(PROTOCOL_VERSION.into()),
        profile: Some(wire::WorkerProfile {
            name: "scripted".into(),
            build: "0".into(),
            slots: 1,
            devices: Vec::new(),
            group: 1,
        }),
        fresh: true,
        instance: instance.into(),
    }
}

fn new_instance() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn ask(request_id: &str) -> Message {
    Message::AskWork(wire::AskWork { request_id: request_id.into(), slots: 1, group: 1 })
}

fn grants(answer: Result<Answer, Status>) -> Vec<wire::Grant> {
    match answer.expect("an answer") {
        Answer::Grants(grants) => grants.groups.into_iter().flat_map(|group| group.grants).collect(),
        other => panic!("{other:?}"),
    }
}

/// Everything that a person sees of the sweep but for the times.
async fn state(user: &mut User) -> wire::SweepStatus {
    let mut status = user.get("tiny").await.expect("a status");
    // Time passes.
    (status.eta_seconds, status.eta_low_seconds, status.eta_high_seconds) = (None, None, None);
    status.running_seconds = 0.0;
    status
}

/// What the report says, once the sweep is finished.
async fn report(user: &mut User) -> Value {
    let files = user.files("tiny", false).await.expect("a report");
    let (_, bytes) = files.iter().find(|(name, _)| name == "report.json").expect("report.json");
    serde_json::from_slice(bytes).expect("JSON")
}

async fn start(directory: &Path) -> (Server, User) {
    let server = support::start(directory).await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.expect("launched");
    (server, user)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_whose_every_message_comes_twice_and_late_is_as_any_other() {
    let directory = tempfile::tempdir().expect("a folder");
    let (server, mut user) = start(directory.path()).await;
    let instance = new_instance();
    let mut worker = ScriptedWorker::join_as(&server, WorkerId::generate(), true, &instance).await;
    let register = registration(worker.id, &instance);
    let mut ended: Vec<(u64, wire::AttemptOutcome)> = Vec::new();
    let mut asked: Vec<String> = Vec::new();
    loop {
        let request = format!("request-{}", asked.len());
        let granted = grants(worker.tell(ask(&request)).await);
        assert_eq!(grants(worker.tell(ask(&request)).await), granted, "the same request, the same leases");
        let Some(grant) = granted.into_iter().next() else { break };
        let before = state(&mut user).await;
        // Requests of long ago get nothing, and take nothing from the lease that stands.
        for late in &asked {
            assert_eq!(grants(worker.tell(ask(late)).await), [], "{late} got work again");
        }
        // The first registration once more does not revoke what this process holds.
        worker.client.register(register.clone()).await.expect("registered before");
        for (token, outcome) in &ended {
            worker.complete(*token, outcome.clone()).await.expect("the same answer as before");
        }
        assert_eq!(state(&mut user).await, before, "a repetition changed something");
        asked.push(request);
        if !grant.evaluate {
            train_in_disorder(&mut worker, &grant).await;
        }
        let outcome = worker.outcome(&grant).await;
        worker.complete(grant.token, outcome.clone()).await.expect("completed");
        let after = state(&mut user).await;
        worker.complete(grant.token, outcome.clone()).await.expect("the same answer");
        let other = wire::attempt_outcome::Kind::Released(wire::Released { checkpoint: None });
        let other = worker.complete(grant.token, wire::AttemptOutcome { kind: Some(other) }).await;
        assert_eq!(other.expect_err("another end").code(), Code::FailedPrecondition);
        assert_eq!(state(&mut user).await, after, "a repetition changed something");
        ended.push((grant.token, outcome));
    }
    // Two replicates of the chosen configuration were measured.
    assert_eq!(ended.len(), TRIALS + 2);
    let ledger = report(&mut user).await["ledger"].clone();
    assert_eq!(ledger["attempts"], json!(TRIALS + 2), "{ledger}");
    assert_eq!(ledger["states"]["completed"], json!(TRIALS), "{ledger}");
    server.stop().await.expect("stops");
}

/// Both epochs of a trial, each report repeated, the first one after the second, step metrics with an overlap and a gap.
async fn train_in_disorder(worker: &mut ScriptedWorker, grant: &wire::Grant) {
    let token = grant.token;
    let reaches = |next_sequence| Answer::Steps(wire::StepAck { token, next_sequence });
    for (from, to, reached) in [(0, 10, 10), (0, 10, 10), (5, 15, 15), (20, 25, 15), (15, 20, 20)] {
        let answer = worker.steps(token, from, to).await.expect("an answer");
        assert_eq!(answer, reaches(reached), "points {from} to {to}");
    }
    for epoch in [1, 1, 2, 1, 2] {
        let answer = worker.epoch(grant, epoch).await.expect("an answer");
        assert_eq!(answer, Answer::Epoch(wire::EpochAck { token, epoch }));
    }
    for _ in 0..2 {
        let beat = Message::Heartbeat(wire::Heartbeat { tokens: vec![token], logs: Vec::new() });
        let Ok(Answer::Heartbeat(reply)) = worker.tell(beat).await else { panic!("no answer") };
        assert_eq!(reply.leases[0].directive(), wire::Directive::Continue);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_gets_its_trial_back_is_fenced_by_the_old_token() {
    let directory = tempfile::tempdir().expect("a folder");
    let (server, mut user) = start(directory.path()).await;
    let a = WorkerId::generate();
    let mut first = ScriptedWorker::join_as(&server, a, true, &new_instance()).await;
    let old = first.ask().await.expect("a grant");
    first.epoch(&old, 1).await.expect("reported");
    let late = first.outcome(&old).await;

    // A's trial goes to B, and back to A, which is a new process by now.
    let mut again = ScriptedWorker::join_as(&server, a, true, &new_instance()).await;
    let mut other = ScriptedWorker::join_as(&server, WorkerId::generate(), true, &new_instance()).await;
    let theirs = other.ask().await.expect("a grant");
    assert_eq!(index(&theirs), index(&old), "the trial that was begun goes first");
    let released = wire::attempt_outcome::Kind::Released(wire::Released { checkpoint: None });
    other.complete(theirs.token, wire::AttemptOutcome { kind: Some(released) }).await.expect("handed back");
    let new = again.ask().await.expect("a grant");
    assert_eq!(index(&new), index(&old));

    let before = state(&mut user).await;
    for token in [old.token, theirs.token] {
        let refused = again.complete(token, late.clone()).await.expect_err("a stale token");
        assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
        let stale = wire::Grant { token, ..old.clone() };
        let answer = again.epoch(&stale, 2).await.expect("an answer");
        assert!(matches!(&answer, Answer::LeaseLost(lost) if lost.token == token), "{answer:?}");
        let answer = again.steps(token, 0, 5).await.expect("an answer");
        assert!(matches!(&answer, Answer::LeaseLost(lost) if lost.token == token), "{answer:?}");
    }
    assert_eq!(state(&mut user).await, before, "a stale token changed something");
    again.work(&new).await;
    again.work_off().await;
    assert_eq!(state(&mut user).await.state, "finished");
    assert_eq!(report(&mut user).await["ledger"]["attempts"], json!(TRIALS + 2 + 2));
    server.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_with_one_identity_the_newer_one_stays() {
    let directory = tempfile::tempdir().expect("a folder");
    let (server, mut user) = start(directory.path()).await;
    let id = WorkerId::generate();
    let instance = new_instance();
    let mut older = ScriptedWorker::join_as(&server, id, true, &instance).await;
    let lost = older.ask().await.expect("a grant");
    let mut newer = ScriptedWorker::join_as(&server, id, true, &new_instance()).await;
    let held = newer.ask().await.expect("a grant");

    let ended = older.tell(ask("more")).await.expect_err("its session has ended");
    assert_eq!(ended.code(), Code::FailedPrecondition, "{ended}");
    assert!(ended.message().contains("--state-dir"), "{ended}");
    let goodbye = wire::DeregisterRequest { worker_id: id.to_string(), instance: instance.clone() };
    let refused = [
        // Neither the registration of its start, should it come late, nor that of a reconnect.
        older.client.register(registration(id, &instance)).await.expect_err("replaced"),
        older
            .client
            .register(wire::RegisterRequest { fresh: false, ..registration(id, &instance) })
            .await
            .expect_err("replaced"),
        // Its goodbye would take the other one's lease.
        older.client.deregister(goodbye).await.expect_err("replaced"),
        older.complete(lost.token, newer.outcome(&held).await).await.expect_err("revoked"),
    ];
    for refusal in refused {
        assert_eq!(refusal.code(), Code::FailedPrecondition, "{refusal}");
    }
    newer.work(&held).await;
    newer.work_off().await;
    assert_eq!(state(&mut user).await.state, "finished");
    server.stop().await.expect("stops");
}

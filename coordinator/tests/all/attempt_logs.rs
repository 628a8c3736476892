//! The log of an attempt on the page of its trial: what a worker tells, once and inert, and nothing of what others tell.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests say so by panicking")]

use crate::support;

use std::time::{Duration, Instant};

use coordinator::server::Server;
use support::{SWEEP, ScriptedWorker, User, index, start};
use sweep_proto::protocol::{LOG_LINE_CHARACTERS_MAX, LOG_LINES_MAX};
use sweep_proto::wire::coordinator_message::Kind as Answer;
use sweep_proto::wire::worker_message::Kind as Message;
use sweep_proto::{WorkerId, wire};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

/// How long a page may take to tell what is.
const PATIENCE: Duration = Duration::from_secs(20);

fn lines(token: u64, first: u64, texts: &[&str]) -> wire::LogLines {
    let line = |text: &&str| wire::LogLine { at_ms: 1_790_000_000_000, text: (*text).to_owned() };
    wire::LogLines { token, first, lines: texts.iter().map(line).collect() }
}

async fn beat(worker: &mut ScriptedWorker, log: wire::LogLines) {
    let beat = wire::Heartbeat { tokens: vec![log.token], logs: vec![log] };
    let answer = worker.tell(Message::Heartbeat(beat)).await.expect("an answer");
    assert!(matches!(answer, Answer::Heartbeat(_)), "{answer:?}");
}

async fn page(server: &Server, trial: &str) -> (u16, String) {
    page_at(server, &format!("/sweeps/1/trials/{trial}")).await
}

async fn page_at(server: &Server, path: &str) -> (u16, String) {
    let mut connection = TcpStream::connect(server.address()).await.expect("a connection");
    let host = server.address();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.expect("sent");
    let mut response = String::new();
    connection.read_to_string(&mut response).await.expect("an answer");
    let (head, page) = response.split_once("\r\n\r\n").expect("a head");
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (code.expect("a status"), page.to_owned())
}

/// The page, once it says this: it is made again every two seconds at most.
async fn page_that_says(server: &Server, trial: &str, said: &str) -> String {
    let began = Instant::now();
    loop {
        let (_, shown) = page(server, trial).await;
        if shown.contains(said) {
            return shown;
        }
        assert!(began.elapsed() < PATIENCE, "{said} does not stand in {shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_the_holder_stand_on_the_page_once_and_inert() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    User::of(&server).await.launch(SWEEP, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    let grant = worker.ask().await.unwrap();
    let (token, trial) = (grant.token, index(&grant).to_string());
    let (code, empty) = page(&server, &trial).await;
    assert_eq!(code, 200);
    assert!(empty.contains("No log is kept of this trial"), "{empty}");

    beat(&mut worker, lines(token, 1, &["INFO one", "WARN <script>alert(1)</script>\0\u{1b}[31m"])).await;
    beat(&mut worker, lines(token, 2, &["WARN another two", "INFO three"])).await;
    let mut stranger = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    beat(&mut stranger, lines(token, 4, &["INFO from a stranger"])).await;
    beat(&mut stranger, lines(token + 1_000, 1, &["INFO of no lease"])).await;
    let shown = page_that_says(&server, &trial, "Attempt 1: the last 3 lines").await;
    assert!(shown.contains("2026-09-21 14:13:20 UTC INFO one\n"), "{shown}");
    assert!(shown.contains("INFO three\n"));
    assert!(!shown.contains("<script>alert") && !shown.contains('\0') && !shown.contains('\u{1b}'));
    for absent in ["another two", "from a stranger", "of no lease"] {
        assert!(!shown.contains(absent), "{absent} stands in {shown}");
    }

    // The end brings the whole log; after it the lease is gone, and its lines with it.
    for epoch in 1..=2 {
        worker.epoch(&grant, epoch).await.unwrap();
    }
    let outcome = worker.outcome(&grant).await;
    let log = Some(lines(token, 3, &["INFO three", "INFO the work is done"]));
    let request = wire::CompleteRequest { token, outcome: Some(outcome.clone()), log };
    worker.client.complete(request).await.unwrap();
    let log = Some(lines(token, 5, &["INFO too late"]));
    let again = wire::CompleteRequest { token, outcome: Some(outcome), log };
    worker.client.complete(again).await.unwrap();
    // A page that says so was made after both.
    let shown = page_that_says(&server, &trial, "the last 4 lines").await;
    assert!(shown.contains("INFO the work is done\n"), "{shown}");
    assert!(!shown.contains("too late"));
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_tells_more_than_it_may_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    User::of(&server).await.launch(SWEEP, false).await.unwrap();
    let many = vec!["x"; LOG_LINES_MAX + 1];
    let long = "é".repeat(LOG_LINE_CHARACTERS_MAX + 1);
    for texts in [many.as_slice(), &[long.as_str()]] {
        let id = WorkerId::generate();
        let mut worker = ScriptedWorker::join(&server, id, true).await;
        let beat = wire::Heartbeat { tokens: Vec::new(), logs: vec![lines(1, 1, texts)] };
        let refused = worker.tell(Message::Heartbeat(beat)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_has_one_address() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    User::of(&server).await.launch(SWEEP, false).await.unwrap();
    assert_eq!(page(&server, "1").await.0, 200);
    for other in ["+1", "01", "%201", "1x", "4294967296", "99"] {
        assert_eq!(page(&server, other).await.0, 404, "{other}");
    }
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_a_trial_was_handed_back_is_told_until_it_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    User::of(&server).await.launch(SWEEP, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    let grant = worker.ask().await.unwrap();
    let mut user = User::of(&server).await;
    assert_eq!(user.get("1").await.unwrap().handed_back, []);
    let released = wire::attempt_outcome::Kind::Released(wire::Released { checkpoint: None });
    let said =
        ["INFO work begins", "ERROR this machine's disk refuses; free some space", "INFO the work is done"];
    let request = wire::CompleteRequest {
        token: grant.token,
        outcome: Some(wire::AttemptOutcome { kind: Some(released) }),
        log: Some(lines(grant.token, 1, &said)),
    };
    worker.client.complete(request).await.unwrap();
    let status = user.get("1").await.unwrap();
    let [told] = &status.handed_back[..] else { panic!("{:?}", status.handed_back) };
    assert_eq!((told.worker.as_str(), told.how.as_str(), told.attempt), ("scripted", "handed back", 1));
    assert_eq!(told.reason, "this machine's disk refuses; free some space");
    let (_, page) = page_at(&server, "/sweeps/1").await;
    assert!(
        page.contains("was handed back by scripted: this machine&#39;s disk refuses; free some space"),
        "{page}"
    );
    worker.work_off().await;
    assert_eq!(user.get("1").await.unwrap().handed_back, []);
    server.stop().await.unwrap();
}

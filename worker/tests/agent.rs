//! A real worker process with real slots against a coordinator in memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends at its first surprise")]

mod coordinator;
mod groups;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use coordinator::{Coordinator, State};
use sweep_proto::encoded::{EncodedHeader, EncodedRows, SplitSize, encode};
use sweep_proto::{
    AttemptOutcome, Configuration, Digest, FailureKind, Hyperparameter, SweepId, TrialId, TrialSpec, Value,
};

/// More epochs than any test waits for.
const ENDLESS: u64 = 10_000;

fn dataset() -> Vec<u8> {
    let header = EncodedHeader {
        dataset: "letters".into(),
        classes: vec!["low".into(), "high".into()],
        vocabulary: 10,
        max_length: 4,
        truncation_side: "right".into(),
        tokenizer: "{}".into(),
        splits: [SplitSize::default(); 3],
    };
    let rows = |count: u32| EncodedRows {
        rows: (0..count).map(|row| vec![2 + row % 8, 2 + (row / 8) % 8, 2 + row % 8]).collect(),
        labels: (0..count).map(|row| u32::from(row % 8 >= 4)).collect(),
    };
    encode(header, &[rows(64), rows(16), rows(16)])
}

fn trial(index: u32, epochs: u64, dataset: &[u8]) -> TrialSpec {
    let mut configuration = Configuration::default();
    for (hyperparameter, number) in [
        (Hyperparameter::Units, 4),
        (Hyperparameter::Embedding, 4),
        (Hyperparameter::BatchSize, 8),
        (Hyperparameter::Epochs, epochs),
        (Hyperparameter::Vocabulary, 16),
        (Hyperparameter::MaxLength, 4),
    ] {
        configuration.set(hyperparameter, Value::Integer(number)).unwrap();
    }
    let id = TrialId { sweep: SweepId(1), index };
    TrialSpec {
        id,
        configuration,
        replicate: 0,
        seed: u64::from(index) + 1,
        dataset: Digest::of(dataset).into(),
    }
}

fn command(address: SocketAddr, state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sweep-worker"));
    command.args(["join", &address.to_string(), "--device", "cpu", "--state-dir"]).arg(state);
    command
}

/// A worker process that does not outlive its test.
struct Worker(std::process::Child);

impl Worker {
    fn join(address: SocketAddr, state: &Path, slots: u32) -> Self {
        Self::join_groups(address, state, slots, 1)
    }

    fn join_groups(address: SocketAddr, state: &Path, slots: u32, group: u32) -> Self {
        let (slots, group) = (slots.to_string(), group.to_string());
        let mut join = command(address, state);
        join.args(["--slots", &slots, "--group", &group]);
        Self(join.stdin(Stdio::null()).spawn().unwrap())
    }

    /// The processes of its slots.
    fn slots(&self) -> Vec<u32> {
        let parent = self.0.id();
        let is_slot = |pid: &u32| {
            // The parent is the second field behind the name, which stands in brackets.
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
            fields.next() != Some("Z") && fields.next().and_then(|field| field.parse().ok()) == Some(parent)
        };
        let names = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.to_str()?.parse().ok()).filter(is_slot).collect()
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

/// The epochs of a token in order, repetitions left out; each checkpoint is stored.
fn epochs(state: &State, token: u64) -> Vec<u32> {
    let mut epochs: Vec<u32> = Vec::new();
    for (of, epoch, checkpoint) in &state.epochs {
        assert!(
            state.blobs.contains_key(&checkpoint.artifact.digest),
            "epoch {epoch} came before its checkpoint"
        );
        if *of == token && epochs.last().is_none_or(|last| last < epoch) {
            epochs.push(*epoch);
        }
    }
    epochs
}

fn last_epoch(state: &State, token: u64) -> u32 {
    epochs(state, token).last().copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_is_trained_to_its_end_though_sessions_break() {
    let (coordinator, directory, dataset) = (Coordinator::default(), tempfile::tempdir().unwrap(), dataset());
    coordinator.grant(1, &dataset, &trial(0, 4, &dataset));
    coordinator.state().breaks = 2;
    let address = coordinator.start().await;
    let _worker = Worker::join(address, directory.path(), 1);
    coordinator.until("the trial completes", |state| state.completed.contains_key(&1)).await;
    let state = coordinator.state();
    let AttemptOutcome::Trained(result) = &state.completed[&1] else { panic!("{:?}", state.completed[&1]) };
    assert_eq!(result.epochs, 4);
    assert!(state.blobs.contains_key(&result.model.digest));
    assert_eq!(epochs(&state, 1), [1, 2, 3, 4]);
    assert_eq!(state.gaps, Vec::<String>::new());
    assert_eq!(state.registrations[0..3], [true, false, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_slot_takes_nothing_else_and_a_drain_hands_the_rest_back() {
    let (coordinator, directory, dataset) = (Coordinator::default(), tempfile::tempdir().unwrap(), dataset());
    coordinator.grant(1, &dataset, &trial(0, ENDLESS, &dataset));
    coordinator.grant(2, &dataset, &trial(1, ENDLESS, &dataset));
    let address = coordinator.start().await;
    let mut worker = Worker::join(address, directory.path(), 2);
    coordinator.until("both train", |state| last_epoch(state, 1) > 0 && last_epoch(state, 2) > 0).await;
    signal("-KILL", worker.slots()[0]);
    coordinator.until("one fails", |state| !state.completed.is_empty()).await;
    let (dead, alive, reached) = {
        let state = coordinator.state();
        let dead = *state.completed.keys().next().unwrap();
        (dead, 3 - dead, last_epoch(&state, 3 - dead))
    };
    coordinator.until("the other goes on", |state| last_epoch(state, alive) > reached + 1).await;
    {
        let state = coordinator.state();
        assert!(
            matches!(&state.completed[&dead], AttemptOutcome::Failed { kind: FailureKind::Crashed, .. }),
            "{:?}",
            state.completed[&dead]
        );
        assert_eq!(state.completed.len(), 1);
    }
    signal("-TERM", worker.0.id());
    assert_eq!(tokio::task::block_in_place(|| worker.exit_code()), Some(0));
    let state = coordinator.state();
    let (_, epoch, newest) = state.epochs.iter().rfind(|(token, ..)| *token == alive).unwrap();
    let AttemptOutcome::Released { checkpoint: Some(released) } = state.completed[&alive] else {
        panic!("{:?}", state.completed[&alive])
    };
    assert_eq!((released.epoch, newest.epoch), (*epoch, *epoch));
    assert!(released == *newest || released.batches > 0, "{released:?} after {newest:?}");
    assert!(state.blobs.contains_key(&released.artifact.digest), "what is handed back is stored");
    assert!(state.deregistered && state.gaps.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_hangs_is_killed_though_heartbeats_go_on() {
    let (coordinator, directory, dataset) = (Coordinator::default(), tempfile::tempdir().unwrap(), dataset());
    coordinator.grant(1, &dataset, &trial(0, ENDLESS, &dataset));
    let address = coordinator.start().await;
    let mut join = command(address, directory.path());
    let worker = Worker(join.args(["--slots", "1", "--stall-timeout", "5"]).spawn().unwrap());
    coordinator.until("it trains", |state| last_epoch(state, 1) > 0).await;
    signal("-STOP", worker.slots()[0]);
    let beats = coordinator.state().heartbeats.len();
    coordinator.until("it is given up", |state| !state.completed.is_empty()).await;
    assert!(coordinator.state().heartbeats.len() > beats + 5, "the agent was alive all the time");
    let outcome = coordinator.state().completed[&1].clone();
    assert!(matches!(outcome, AttemptOutcome::Failed { kind: FailureKind::Stalled, .. }), "{outcome:?}");
    coordinator.grant(2, &dataset, &trial(1, 1, &dataset));
    coordinator.until("the worker goes on", |state| state.completed.contains_key(&2)).await;
    let outcome = coordinator.state().completed[&2].clone();
    assert!(matches!(outcome, AttemptOutcome::Trained(_)), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_wants_more_memory_than_its_share_fails_alone() {
    let (coordinator, directory, dataset) = (Coordinator::default(), tempfile::tempdir().unwrap(), dataset());
    let mut greedy = trial(0, 1, &dataset);
    greedy.configuration.set(Hyperparameter::Units, Value::Integer(4_096)).unwrap();
    coordinator.grant(1, &dataset, &greedy);
    coordinator.grant(2, &dataset, &trial(1, 3, &dataset));
    let address = coordinator.start().await;
    let mut join = command(address, directory.path());
    let _worker = Worker(join.args(["--slots", "2", "--slot-memory", "256MiB"]).spawn().unwrap());
    coordinator.until("both end", |state| state.completed.len() == 2).await;
    let state = coordinator.state();
    let AttemptOutcome::Failed { kind: FailureKind::OutOfMemory, message } = &state.completed[&1] else {
        panic!("{:?}", state.completed[&1])
    };
    assert!(message.contains("memory"), "{message}");
    assert!(matches!(state.completed[&2], AttemptOutcome::Trained(_)), "{:?}", state.completed[&2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_refuses_is_no_fault_of_the_trial() {
    let (coordinator, directory, dataset) = (Coordinator::default(), tempfile::tempdir().unwrap(), dataset());
    coordinator.grant(1, &dataset, &trial(0, ENDLESS, &dataset));
    let address = coordinator.start().await;
    let _worker = Worker::join(address, directory.path(), 1);
    coordinator.until("it trains", |state| last_epoch(state, 1) > 0).await;
    for scratch in std::fs::read_dir(directory.path().join("work")).unwrap() {
        // Wins against whatever is written at the same time.
        while std::fs::remove_dir_all(scratch.as_ref().unwrap().path()).is_err() {}
    }
    coordinator.until("it ends", |state| !state.completed.is_empty()).await;
    let released = coordinator.state().completed[&1].clone();
    assert!(matches!(released, AttemptOutcome::Released { checkpoint: Some(_) }), "{released:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_work_stops_and_says_nothing() {
    let (coordinator, directory, dataset) = (Coordinator::default(), tempfile::tempdir().unwrap(), dataset());
    coordinator.grant(1, &dataset, &trial(0, ENDLESS, &dataset));
    let address = coordinator.start().await;
    let worker = Worker::join(address, directory.path(), 1);
    coordinator.until("it trains", |state| last_epoch(state, 1) > 0).await;
    coordinator.state().drop.insert(1);
    coordinator
        .until("the lease is given up", |state| state.heartbeats.last().is_some_and(Vec::is_empty))
        .await;
    // The lease is given up when the slot is told to die; the process needs a moment for it.
    coordinator.until("the slot is gone", |_| worker.slots().is_empty()).await;
    assert!(coordinator.state().completed.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_no_slot_can_do_is_told_and_the_worker_goes_on() {
    let (coordinator, directory, dataset) = (Coordinator::default(), tempfile::tempdir().unwrap(), dataset());
    let mut damaged = dataset.clone();
    damaged[0] = b'X';
    coordinator.grant(1, &damaged, &trial(0, 1, &damaged));
    coordinator.grant(2, &dataset, &trial(1, 1, &dataset));
    coordinator.state().pending[1].dataset.as_mut().unwrap().digest =
        Digest::of(b"other").as_bytes().to_vec().into();
    coordinator.grant(3, &dataset, &trial(2, 1, &dataset));
    let address = coordinator.start().await;
    let _worker = Worker::join(address, directory.path(), 1);
    coordinator.until("all end", |state| state.completed.len() == 3).await;
    let state = coordinator.state();
    let kind = |token| match &state.completed[&token] {
        AttemptOutcome::Failed { kind, .. } => Some(*kind),
        _ => None,
    };
    assert_eq!((kind(1), kind(2), kind(3)), (Some(FailureKind::Data), Some(FailureKind::Rejected), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_fails_again_and_again_is_asked_for_less_and_less_often() {
    let (coordinator, directory, dataset) = (Coordinator::default(), tempfile::tempdir().unwrap(), dataset());
    coordinator.grant(1, &dataset, &trial(0, 1, &dataset));
    {
        let mut state = coordinator.state();
        state.endless = state.pending.pop_front();
        // The coordinator has lost it.
        state.blobs.clear();
    }
    let address = coordinator.start().await;
    let began = std::time::Instant::now();
    let _worker = Worker::join(address, directory.path(), 1);
    coordinator.until("six fail", |state| state.completed.len() == 6).await;
    // Five pauses, each at least half of its bound: 200 ms, then twice as much each time.
    assert!(began.elapsed() >= std::time::Duration::from_millis(3_100), "{:?}", began.elapsed());
    let state = coordinator.state();
    assert!(state.completed.values().all(|outcome| matches!(outcome, AttemptOutcome::Failed { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_nags_does_not_make_a_worker_repeat_itself() {
    let (coordinator, directory) = (Coordinator::default(), tempfile::tempdir().unwrap());
    coordinator.state().is_nagging = true;
    let address = coordinator.start().await;
    let began = std::time::Instant::now();
    let _worker = Worker::join(address, directory.path(), 1);
    coordinator.until("it has asked often", |state| state.asks > 20).await;
    let asks = coordinator.state().asks;
    let beats = coordinator.state().heartbeats.len();
    let elapsed = began.elapsed().as_millis() as usize;
    assert!(asks <= elapsed / 50 + 2 && beats <= elapsed / 100 + 2, "{asks} and {beats} in {elapsed} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_starter_has_died_does_not_wait_for_its_goodbyes() {
    let (coordinator, directory, dataset) = (Coordinator::default(), tempfile::tempdir().unwrap(), dataset());
    coordinator.grant(1, &dataset, &trial(0, ENDLESS, &dataset));
    coordinator.state().is_mute = true;
    let address = coordinator.start().await;
    // The shell holds the worker's standard input open, and ends when the test says so.
    let script =
        r#"exec 3> >(exec "$0" "$@" --until-stdin-closes --slots 1 --grace 3600); echo $!; read -r _"#;
    let join = command(address, directory.path());
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).arg(join.get_program()).args(join.get_args());
    let mut shell = Worker(shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    coordinator.until("it trains", |state| last_epoch(state, 1) > 0).await;
    let mut pid = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(shell.0.stdout.take().unwrap()), &mut pid)
        .unwrap();
    let path = format!("/proc/{}", pid.trim());
    assert!(Path::new(&path).exists());
    shell.0.kill().unwrap();
    shell.exit_code();
    coordinator.until("it hands back", |state| !state.completed.is_empty()).await;
    let gone = async {
        // A process that nobody has waited for yet has no command line any more.
        while std::fs::read(format!("{path}/cmdline")).is_ok_and(|line| !line.is_empty()) {
            tokio::task::yield_now().await;
        }
    };
    // Without the death of its starter it would wait for an hour.
    tokio::time::timeout(std::time::Duration::from_mins(3), gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_gets_a_listed_environment_and_no_rights_beyond_its_own() {
    let (coordinator, directory, dataset) = (Coordinator::default(), tempfile::tempdir().unwrap(), dataset());
    coordinator.grant(1, &dataset, &trial(0, ENDLESS, &dataset));
    let address = coordinator.start().await;
    let mut join = command(address, directory.path());
    join.env("AWS_SECRET_ACCESS_KEY", "hush").env("SWEEP_TOKEN", "").env("CUDA_VISIBLE_DEVICES", "0");
    let worker = Worker(join.args(["--slots", "1"]).stdin(Stdio::null()).spawn().unwrap());
    coordinator.until("it trains", |state| last_epoch(state, 1) > 0).await;
    let slot = worker.slots()[0];
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{slot}/{name}")).unwrap();
    let environment = read("environ");
    assert!(!environment.contains("AWS_") && !environment.contains("SWEEP_"), "{environment}");
    assert!(environment.contains("CUDA_VISIBLE_DEVICES=0") && environment.contains("PATH="), "{environment}");
    assert!(read("status").contains("NoNewPrivs:\t1"), "{}", read("status"));
    let limits = read("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

fn run(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.stdin(Stdio::null()).output().unwrap();
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_the_remedy_and_have_their_exit_codes() {
    let (coordinator, directory) = (Coordinator::default(), tempfile::tempdir().unwrap());
    let address = coordinator.start().await;
    let _worker = Worker::join(address, directory.path(), 1);
    coordinator.until("it joins", |state| !state.registrations.is_empty()).await;
    let (code, text) = tokio::task::block_in_place(|| run(command(address, directory.path())));
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("--state-dir"), "{text}");
    let elsewhere = tempfile::tempdir().unwrap();
    let (code, text) = run(command("10.1.2.3:7077".parse().unwrap(), elsewhere.path()));
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("sweep token create"), "{text}");
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut away = command(unused, elsewhere.path());
    away.args(["--wait", "0"]);
    let (code, text) = tokio::task::block_in_place(|| run(away));
    assert_eq!(code, Some(3), "{text}");
}

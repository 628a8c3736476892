//! The server over real gRPC with a scripted worker: whole sweeps, restarts, repetitions, hostile input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests say so by panicking")]

use crate::support;

use std::path::{Path, PathBuf};

use coordinator::{Place, Quota, ServerConfig, StartError, StoreChoice, Totals};
use support::{SWEEP, ScriptedWorker, User, index, reference, start};
use sweep_proto::protocol::PROTOCOL_VERSION;
use sweep_proto::wire::coordinator_message::Kind as Answer;
use sweep_proto::wire::worker_message::Kind as Message;
use sweep_proto::{WorkerId, wire};
use tonic::Code;

fn get(sweep: &str) -> wire::GetRequest {
    wire::GetRequest { sweep: sweep.into() }
}

fn assert_adds_up(ledger: &wire::Ledger) {
    let open = ledger.pending + ledger.leased + ledger.paused;
    let ended = ledger.completed + ledger.pruned + ledger.diverged + ledger.failed + ledger.cancelled;
    assert_eq!(ledger.planned, open + ended, "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_looks_is_told_that_the_choice_knows_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    worker.guesses = true;
    worker.work_off().await;
    let looked = user.0.get(get("tiny")).await.unwrap().into_inner();
    assert_eq!(looked.state, "finished");
    let told = looked.warnings.iter().find(|one| one.kind == "no_better_than_guessing").unwrap();
    assert!(told.text.contains("is not shown to know more than the most frequent class"), "{}", told.text);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_runs_to_its_end_and_a_second_launch_reuses_all_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    let launched = user.launch(SWEEP, false).await.unwrap();
    assert_eq!((launched.id, launched.state.as_str(), launched.epochs_planned), (1, "open", 8));

    let mut watch = user.0.watch(get("tiny")).await.unwrap().into_inner();
    let watching = tokio::spawn(async move {
        let mut last = None;
        while let Some(status) = watch.message().await.unwrap() {
            assert_adds_up(status.ledger.as_ref().unwrap());
            last = Some(status);
        }
        last.unwrap()
    });
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    let mut done = worker.work_off().await;
    done.sort_unstable();
    // Every trial is trained once; both replicates of the best configuration are tested.
    assert_eq!(done, [(0, false), (1, false), (2, false), (2, true), (3, false), (3, true)]);

    let last = watching.await.unwrap();
    assert_eq!(last.state, "finished");
    let ledger = last.ledger.unwrap();
    assert_eq!((ledger.planned, ledger.completed, ledger.reused), (4, 4, 0));
    assert_eq!(last.chosen.as_deref(), Some("units=16"));
    assert_eq!(last.test.unwrap().accuracy.to_string(), "0.875");
    assert_eq!((last.epochs_done, last.epochs_planned), (8, 8));
    assert_eq!(last.best.len(), 2);
    let verdict = "undecided (only units was swept: there is nothing to rank it against)";
    assert_eq!(last.matters_most.as_deref(), Some(verdict), "whoever watches is told at the end");
    let looked = user.0.get(get("tiny")).await.unwrap().into_inner();
    assert_eq!(looked.matters_most.as_deref(), Some(verdict));
    assert!(
        !looked.warnings.iter().any(|one| one.kind == "no_better_than_guessing"),
        "{:?}",
        looked.warnings
    );

    let report = user.files("1", false).await.unwrap();
    assert!(report.iter().any(|(name, bytes)| name.contains(".html") && !bytes.is_empty()));
    let model = user.files("1", true).await.unwrap();
    let names: Vec<_> = model.iter().map(|(name, _)| name.as_str()).collect();
    let expected =
        ["configuration.json", "labels.json", "metadata.json", "model.safetensors", "tokenizer.json"];
    assert_eq!(names, expected);
    let weights = String::from_utf8(model[3].1.clone()).unwrap();
    assert!(weights.starts_with("model") && weights.contains("16"), "{weights}");

    let again = user.launch(SWEEP, false).await.unwrap();
    let ledger = again.ledger.unwrap();
    assert_eq!((again.id, ledger.reused, again.state.as_str()), (2, 4, "finished"));
    assert!(worker.ask().await.is_none());
    assert!(!user.files("2", false).await.unwrap().is_empty(), "a report of reused trials alone");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_mid_sweep_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let id = WorkerId::generate();
    let server = start(directory.path()).await;
    User::of(&server).await.launch(SWEEP, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, id, true).await;
    let first = worker.ask().await.unwrap();
    worker.work(&first).await;
    let second = worker.ask().await.unwrap();
    worker.epoch(&second, 1).await.unwrap();
    assert_eq!(worker.steps(second.token, 0, 5).await.unwrap(), steps_ack(second.token, 5));
    server.stop().await.unwrap();

    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    let status = user.get("tiny").await.unwrap();
    assert_eq!((status.epochs_done, status.ledger.unwrap().completed), (3, 1));
    // The same process goes on under the lease that it had.
    let mut worker = ScriptedWorker::join(&server, id, false).await;
    assert_eq!(worker.steps(second.token, 3, 8).await.unwrap(), steps_ack(second.token, 8));
    assert_eq!(worker.steps(second.token, 9, 12).await.unwrap(), steps_ack(second.token, 8), "a gap");
    worker.epoch(&second, 1).await.unwrap();
    let answer = worker.epoch(&second, 2).await.unwrap();
    assert!(matches!(answer, Answer::Epoch(_)), "{answer:?}");
    let outcome = worker.outcome(&second).await;
    worker.complete(second.token, outcome).await.unwrap();
    worker.work_off().await;
    let status = user.get("1").await.unwrap();
    assert_eq!((status.state.as_str(), status.epochs_done), ("finished", 8));
    assert_eq!(status.ledger.unwrap().completed, 4);
    server.stop().await.unwrap();
}

fn steps_ack(token: u64, next_sequence: u64) -> Answer {
    Answer::Steps(wire::StepAck { token, next_sequence })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stale_tokens_change_nothing_and_repetitions_get_the_same_answer() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    let id = WorkerId::generate();
    let mut worker = ScriptedWorker::join(&server, id, true).await;
    let old = worker.ask().await.unwrap();
    worker.epoch(&old, 1).await.unwrap();
    // A new process of the same worker: the old one's lease is gone.
    let mut reborn = ScriptedWorker::join(&server, id, true).await;
    let lost = |answer: &Answer| matches!(answer, Answer::LeaseLost(lost) if lost.token == old.token);
    assert!(lost(&worker.epoch(&old, 2).await.unwrap()));
    assert!(lost(&worker.steps(old.token, 0, 1).await.unwrap()));
    let outcome = worker.outcome(&old).await;
    let error = worker.complete(old.token, outcome.clone()).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition, "{error}");
    let heartbeat = Message::Heartbeat(wire::Heartbeat { tokens: vec![old.token], logs: Vec::new() });
    let Answer::Heartbeat(reply) = worker.tell(heartbeat).await.unwrap() else { panic!("no heartbeat") };
    assert_eq!(reply.leases[0].directive(), wire::Directive::Drop);

    // The trial goes on from its checkpoint, under a new token.
    let new = reborn.ask().await.unwrap();
    assert_eq!((index(&new), new.checkpoint.as_ref().unwrap().epoch), (index(&old), 1));
    assert!(new.token > old.token);
    reborn.epoch(&new, 2).await.unwrap();
    reborn.complete(new.token, outcome.clone()).await.unwrap();
    reborn.complete(new.token, outcome).await.unwrap();
    let other = wire::attempt_outcome::Kind::Released(wire::Released { checkpoint: None });
    let error = reborn.complete(new.token, wire::AttemptOutcome { kind: Some(other) }).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition, "another outcome is no repetition");
    assert_eq!(user.get("1").await.unwrap().ledger.unwrap().completed, 1);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_workers_are_refused_and_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    let right = reference(b"seven b");
    let code = |result: Result<(), tonic::Status>| result.unwrap_err().code();

    assert_eq!(
        code(worker.upload(right.clone(), b"seven b and more").await),
        Code::InvalidArgument,
        "too many"
    );
    assert_eq!(code(worker.upload(right.clone(), b"seven").await), Code::InvalidArgument, "too few");
    assert_eq!(code(worker.upload(right.clone(), b"other b").await), Code::InvalidArgument, "another digest");
    let huge = wire::ArtifactRef { bytes: u64::MAX, ..right.clone() };
    assert_eq!(code(worker.upload(huge, b"x").await), Code::InvalidArgument, "beyond the bound");
    let short = wire::ArtifactRef { digest: vec![1, 2, 3].into(), bytes: 1 };
    assert_eq!(code(worker.upload(short, b"x").await), Code::InvalidArgument, "no digest");
    let fetch = wire::FetchRequest { digest: right.digest.clone(), offset: 0 };
    assert_eq!(worker.client.fetch(fetch.clone()).await.unwrap_err().code(), Code::NotFound);
    let path = wire::FetchRequest { digest: b"../../../../../../../etc/passwd".to_vec().into(), offset: 0 };
    assert_eq!(worker.client.fetch(path).await.unwrap_err().code(), Code::InvalidArgument);
    worker.upload(right.clone(), b"seven b").await.unwrap();
    worker.upload(right.clone(), b"seven b").await.unwrap();
    let mut chunks =
        worker.client.fetch(wire::FetchRequest { offset: 6, ..fetch.clone() }).await.unwrap().into_inner();
    assert_eq!(chunks.message().await.unwrap().unwrap().data.as_ref(), b"b");
    let beyond = worker.client.fetch(wire::FetchRequest { offset: 8, ..fetch }).await;
    assert_eq!(beyond.unwrap_err().code(), Code::OutOfRange);

    let grant = worker.ask().await.unwrap();
    let nan = wire::EpochMetric { epoch: 1, train_loss: f64::NAN, ..wire::EpochMetric::default() };
    let checkpoint =
        Some(wire::CheckpointRef { epoch: 1, batches: 0, artifact: Some(reference(b"never uploaded")) });
    let report = wire::EpochReport { token: grant.token, metric: Some(nan), checkpoint: checkpoint.clone() };
    let error = worker.tell(Message::Epoch(report)).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "NaN ends the session: {error}");

    let mut worker = ScriptedWorker::join(&server, worker.id, false).await;
    let metric = Some(wire::EpochMetric { epoch: 1, ..wire::EpochMetric::default() });
    let report = wire::EpochReport { token: grant.token, metric, checkpoint };
    let answer = worker.tell(Message::Epoch(report)).await.unwrap();
    assert!(matches!(answer, Answer::LeaseLost(_)), "a checkpoint that is not there: {answer:?}");
    let absent = wire::TrialResult {
        best_epoch: 1,
        epochs: 1,
        model: Some(reference(b"no model")),
        ..Default::default()
    };
    let kind = Some(wire::attempt_outcome::Kind::Trained(absent));
    let outcome = wire::AttemptOutcome { kind };
    assert_eq!(code(worker.complete(grant.token, outcome).await), Code::InvalidArgument, "no model");
    let nothing = wire::AttemptOutcome { kind: None };
    assert_eq!(code(worker.complete(grant.token, nothing).await), Code::InvalidArgument);

    let garbage =
        wire::DeregisterRequest { worker_id: "'; DROP TABLE workers; --".into(), ..Default::default() };
    assert_eq!(worker.client.deregister(garbage).await.unwrap_err().code(), Code::InvalidArgument);
    let nobody =
        wire::DeregisterRequest { worker_id: WorkerId::generate().to_string(), ..Default::default() };
    assert_eq!(worker.client.deregister(nobody).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(user.get("../etc").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(user.get(&"x".repeat(5_000)).await.unwrap_err().code(), Code::InvalidArgument);
    let error = user.launch("name = 3\n[grid]\nunitz = []", false).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(
        error.message().contains("unitz") && error.message().contains("tiny.toml:"),
        "{}",
        error.message()
    );
    let missing = SWEEP.replace("dataset = \"snippets\"", "path = \"no/such.csv\"");
    let missing = missing.replace("train_rows = 300", "text = \"a\"\nlabel = \"b\"");
    let error = user.launch(&missing, false).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("such.csv"), "{}", error.message());

    let worse = wire::RegisterRequest {
        worker_id: WorkerId::generate().to_string(),
        protocol: Some(wire::ProtocolVersion { major: 99, minor: 0 }),
        profile: Some(wire::WorkerProfile {
            name: "x".into(),
            build: "x".into(),
            slots: 1,
            devices: Vec::new(),
            group: 1,
        }),
        fresh: true,
        instance: String::new(),
    };
    let error = worker.client.register(worse).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    let message = error.message();
    assert!(message.contains("99.0") && message.contains(&PROTOCOL_VERSION.to_string()), "{message}");

    // Nothing of it harmed the sweep.
    worker.work(&grant).await;
    worker.work_off().await;
    assert_eq!(user.get("1").await.unwrap().state, "finished");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_steer_a_sweep() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, true).await.unwrap();
    assert_eq!(user.launch(SWEEP, true).await.unwrap().id, 1, "attached");
    assert_eq!(user.files("tiny", true).await.unwrap_err().code(), Code::FailedPrecondition, "no model yet");
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    let grant = worker.ask().await.unwrap();
    let running = user.get("tiny").await.unwrap().running;
    assert_eq!((running.len(), running[0].worker.as_str()), (1, "scripted"));

    assert_eq!(user.0.pause(get("tiny")).await.unwrap().into_inner().state, "paused");
    assert!(worker.ask().await.is_none());
    assert_eq!(user.0.resume(get("tiny")).await.unwrap().into_inner().state, "open");
    let heartbeat = Message::Heartbeat(wire::Heartbeat { tokens: vec![grant.token], logs: Vec::new() });
    assert!(matches!(worker.tell(heartbeat).await.unwrap(), Answer::Heartbeat(_)));

    let extend = |grid: &str, replicates| wire::ExtendRequest {
        sweep: "1".into(),
        grid: grid.into(),
        replicates,
        ..wire::ExtendRequest::default()
    };
    let extended = user.0.extend(extend("units = [32]\nmax_length = [8]", 3)).await.unwrap().into_inner();
    // 3 levels of units, 2 of max_length (the present one and 8), 3 replicates.
    assert_eq!(extended.ledger.unwrap().planned, 18);
    assert_eq!(user.0.extend(extend("", 0)).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(user.0.extend(extend("nonsense = [1]", 0)).await.unwrap_err().code(), Code::InvalidArgument);

    let workers = user.0.workers(wire::WorkersRequest {}).await.unwrap().into_inner().workers;
    assert_eq!((workers.len(), workers[0].state.as_str()), (1, "ready"));
    user.0.drain(wire::DrainRequest { worker: "scripted".into() }).await.unwrap();
    let Answer::Heartbeat(reply) = worker
        .tell(Message::Heartbeat(wire::Heartbeat { tokens: Vec::new(), logs: Vec::new() }))
        .await
        .unwrap()
    else {
        panic!("no heartbeat")
    };
    assert!(reply.drain);
    let unknown = wire::DrainRequest { worker: "nobody".into() };
    assert_eq!(user.0.drain(unknown).await.unwrap_err().code(), Code::NotFound);

    let cancelled = user.0.cancel(get("1")).await.unwrap().into_inner();
    assert_eq!(cancelled.state, "cancelled");
    let ledger = cancelled.ledger.unwrap();
    assert_adds_up(&ledger);
    assert_eq!(ledger.cancelled, 18);
    assert_eq!(user.0.pause(get("1")).await.unwrap_err().code(), Code::FailedPrecondition);
    let listed = user.0.list(wire::ListRequest {}).await.unwrap().into_inner().sweeps;
    assert_eq!(listed.len(), 1);
    assert_eq!(user.launch(SWEEP, true).await.unwrap().id, 2, "an ended sweep is not attached to");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_goes_on_and_grows_only_on_the_data_it_was_launched_on() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(&directory.path().join("data")).await;
    let mut user = User::of(&server).await;
    let csv = |classes: &[&str]| {
        let rows = (0..60).map(|row| format!("some text {row},{}\n", classes[row % classes.len()]));
        "text,label\n".to_owned() + &rows.collect::<String>()
    };
    let file = directory.path().join("rows.csv");
    let other = directory.path().join("other.csv");
    std::fs::write(&file, csv(&["no", "yes"])).unwrap();
    std::fs::write(&other, csv(&["no", "yes", "maybe"])).unwrap();
    let sweep = "name = \"own\"\n[data]\npath = \"rows.csv\"\ntext = \"text\"\nlabel = \"label\"\n[grid]\nunits = [4, 8]\n[train]\nepochs = 1\n";
    let place = directory.path();
    assert_eq!(user.launch_from(sweep, true, place).await.unwrap().id, 1);
    assert_eq!(user.launch_from(sweep, true, place).await.unwrap().id, 1, "attached");

    let elsewhere = directory.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::copy(&other, elsewhere.join("rows.csv")).unwrap();
    assert_eq!(user.launch_from(sweep, true, &elsewhere).await.unwrap().id, 2, "the same text, other data");

    let grown = |grid: &str| wire::ExtendRequest {
        sweep: "1".into(),
        grid: grid.into(),
        replicates: 0,
        ..wire::ExtendRequest::default()
    };
    let extended = user.0.extend(grown("max_length = [5]")).await.unwrap().into_inner();
    assert_eq!(extended.ledger.unwrap().planned, 4);
    std::fs::copy(&other, &file).unwrap();
    let refused = user.0.extend(grown("max_length = [7]")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("the data has changed since sweep 1 was launched"), "{refused}");
    let extended = user.0.extend(grown("units = [16]")).await.unwrap().into_inner();
    assert_eq!(extended.ledger.unwrap().planned, 6, "what is encoded already needs no source");
    assert_eq!(
        user.launch_from(sweep, true, place).await.unwrap().id,
        2,
        "it asks for what that sweep does, now"
    );
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_coordinator_in_the_same_folder_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let config = |listen: &str| {
        ServerConfig::local(listen.parse().unwrap(), directory.path().to_owned(), StoreChoice::Sqlite)
    };
    assert!(matches!(coordinator::start(config("127.0.0.1:0")).await, Err(StartError::Locked(_))));
    server.stop().await.unwrap();
    // The lock goes with the server.
    coordinator::start(config("127.0.0.1:0")).await.unwrap().stop().await.unwrap();
}

fn failed(kind: wire::FailureKind) -> wire::AttemptOutcome {
    let failed = wire::Failed { kind: kind.into(), message: "it did not work".into() };
    wire::AttemptOutcome { kind: Some(wire::attempt_outcome::Kind::Failed(failed)) }
}

/// Where the coordinator keeps an artifact.
fn place_of(directory: &Path, artifact: &wire::ArtifactRef) -> PathBuf {
    let name: String = artifact.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    directory.join("artifacts").join(&name[..2]).join(&name[2..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_dataset_holds_its_sweep_until_it_is_back_and_costs_no_try() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    let grant = worker.ask().await.unwrap();
    let dataset = grant.dataset.clone().unwrap();
    let (place, aside) = (place_of(directory.path(), &dataset), directory.path().join("aside"));
    std::fs::rename(&place, &aside).unwrap();
    let fetch = || wire::FetchRequest { digest: dataset.digest.clone(), offset: 0 };
    for _ in 0..3 {
        let refused = worker.client.fetch(fetch()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "workers wait: {refused:?}");
    }
    let status = user.get("1").await.unwrap();
    assert_eq!(status.state, "paused");
    assert!(status.held.as_ref().unwrap().contains("is missing"), "{:?}", status.held);
    let released = wire::attempt_outcome::Kind::Released(wire::Released { checkpoint: None });
    worker.complete(grant.token, wire::AttemptOutcome { kind: Some(released) }).await.unwrap();
    assert!(worker.ask().await.is_none(), "nothing is handed out meanwhile");

    std::fs::rename(&aside, &place).unwrap();
    let status = user.0.resume(get("1")).await.unwrap().into_inner();
    assert_eq!((status.held, status.ledger.unwrap().failed), (None, 0));
    assert!(worker.client.fetch(fetch()).await.is_ok());
    worker.work_off().await;
    assert_eq!(user.get("1").await.unwrap().state, "finished");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_dataset_is_found_when_a_worker_fails_on_it_and_made_again_by_the_same_file() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    let grant = worker.ask().await.unwrap();
    // Where the bytes are as they were stored it is the trial that fails.
    worker.complete(grant.token, failed(wire::FailureKind::Data)).await.unwrap();
    assert_eq!(user.get("1").await.unwrap().held, None);
    server.stop().await.unwrap();

    let place = place_of(directory.path(), &grant.dataset.clone().unwrap());
    let mut bytes = std::fs::read(&place).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&place, bytes).unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    let grant = worker.ask().await.unwrap();
    worker.complete(grant.token, failed(wire::FailureKind::Data)).await.unwrap();
    let status = user.get("1").await.unwrap();
    assert!(status.held.as_ref().unwrap().contains("other bytes"), "{status:?}");
    let again = SWEEP.replace("\"tiny\"", "\"again\"");
    user.launch(&again, false).await.unwrap();
    user.0.resume(get("1")).await.unwrap();
    worker.work_off().await;
    assert_eq!(user.get("1").await.unwrap().state, "finished");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_trials_are_tried_again_by_a_request() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    user.launch(&SWEEP.replace("[train]", "[train]\nfailures_max = 1"), false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    let grant = worker.ask().await.unwrap();
    worker.complete(grant.token, failed(wire::FailureKind::Rejected)).await.unwrap();
    worker.work_off().await;
    let status = user.get("1").await.unwrap();
    assert_eq!((status.state.as_str(), status.ledger.unwrap().failed), ("finished", 1));
    let sweep = "tiny".to_owned();
    let senseless = wire::RetryRequest { sweep: sweep.clone(), ..Default::default() };
    assert_eq!(user.0.retry(senseless).await.unwrap_err().code(), Code::InvalidArgument);
    let retry = wire::RetryRequest { sweep, failed: true, ..Default::default() };
    let reply = user.0.retry(retry.clone()).await.unwrap().into_inner();
    let status = reply.sweep.unwrap();
    assert_eq!((reply.retried, status.state.as_str()), (1, "open"));
    worker.work_off().await;
    let status = user.get("1").await.unwrap();
    assert_eq!((status.state.as_str(), status.ledger.unwrap().completed), ("finished", 4));
    let refused = user.0.retry(retry).await.unwrap_err();
    assert!(refused.message().contains("no trial of sweep 1 has failed"), "{refused:?}");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_launch_is_whole_whatever_interrupts_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    let large = SWEEP.replace("[8, 16]", "[4, 8, 16, 32]").replace("replicates = 2", "replicates = 500");
    let request = wire::LaunchRequest {
        file_name: "large.toml".into(),
        text: large,
        directory: "/".into(),
        forbid_reuse: false,
        attach: false,
        priority: None,
    };
    // Whoever launched goes away, and the coordinator stops, as soon as the sweep is there.
    let mut events = user.0.launch(request).await.unwrap().into_inner();
    while user.get("1").await.is_err() {
        events.message().await.unwrap();
    }
    drop(events);
    server.stop().await.unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    let ledger = user.get("1").await.unwrap().ledger.unwrap();
    assert_eq!((ledger.planned, ledger.pending), (2_000, 2_000));
    // Attached to, it answers once all of it is made.
    let again = SWEEP.replace("[8, 16]", "[4, 8, 16, 32]").replace("replicates = 2", "replicates = 500");
    let status = user.launch(&again, true).await.unwrap();
    assert_eq!((status.id, status.epochs_planned), (1, 4_000));
    user.0.cancel(get("1")).await.unwrap();
    server.stop().await.unwrap();
    let findings = coordinator::fsck(&Place::local(directory.path().to_owned()), false).await.unwrap();
    assert_eq!((findings.trials, findings.problems), (2_000, Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_exceeds_a_total_is_refused_with_its_name_and_nothing_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let mut config = ServerConfig::local(listen, directory.path().to_owned(), StoreChoice::Sqlite);
    config.quota = Quota::of(Totals { open_trials: 3, ..config.quota.all });
    let server = coordinator::start(config).await.unwrap();
    let mut user = User::of(&server).await;
    let refused = user.launch(SWEEP, false).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("4 open trials"), "{refused:?}");
    assert!(user.0.list(wire::ListRequest {}).await.unwrap().into_inner().sweeps.is_empty());
    let huge = SWEEP.replace("replicates = 2", "replicates = 1000");
    assert_eq!(user.launch(&huge, false).await.unwrap_err().code(), Code::ResourceExhausted);
    let long = format!("{SWEEP}# {}", "long ".repeat(60_000));
    assert_eq!(user.launch(&long, false).await.unwrap_err().code(), Code::InvalidArgument);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_extension_beyond_a_total_is_refused_before_its_data_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let mut config = ServerConfig::local(listen, directory.path().to_owned(), StoreChoice::Sqlite);
    config.quota = Quota::of(Totals { open_trials: 4, ..config.quota.all });
    let server = coordinator::start(config).await.unwrap();
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    let files = || std::fs::read_dir(directory.path().join("datasets")).unwrap().count();
    let before = files();
    let grid = format!("vocabulary = {:?}", (201..260).collect::<Vec<u32>>());
    let more =
        wire::ExtendRequest { sweep: "1".into(), grid, replicates: 0, ..wire::ExtendRequest::default() };
    let refused = user.0.extend(more).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert!(refused.message().contains("open trials"), "{refused:?}");
    assert_eq!(files(), before, "nothing was encoded for it");
    server.stop().await.unwrap();
}

/// Trials of a sweep of which a retry takes more than one slice.
const MANY: u32 = 260;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_slice_of_a_retry_stands_in_the_audit_log() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    let text = SWEEP.replace("[8, 16]", "[8]").replace("replicates = 2", &format!("replicates = {MANY}"));
    user.launch(&text, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    while let Some(grant) = worker.ask().await {
        let failed = wire::Failed { kind: wire::FailureKind::Rejected.into(), message: "no".into() };
        let kind = Some(wire::attempt_outcome::Kind::Failed(failed));
        worker.complete(grant.token, wire::AttemptOutcome { kind }).await.unwrap();
    }
    let every = wire::RetryRequest { sweep: "1".into(), failed: true, diverged: false, trials: Vec::new() };
    assert_eq!(user.0.retry(every).await.unwrap().into_inner().retried, u64::from(MANY));
    server.stop().await.unwrap();
    let acts = std::sync::Arc::new(std::sync::Mutex::new(0));
    let count = std::sync::Arc::clone(&acts);
    let place = Place::local(directory.path().to_owned());
    let show = move |entry: &coordinator_core::AuditEntry| {
        *count.lock().unwrap() += u32::from(entry.note.action == "retry" && entry.note.is_allowed);
    };
    coordinator::read_audit_log(&place, show).await.unwrap();
    assert_eq!(*acts.lock().unwrap(), 2);
}

//! A worker that was let in and means harm: it gets refusals, and everybody else gets their work done.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sweep_proto::protocol::{ARTIFACT_BYTES_MAX, CHUNK_BYTES};
use sweep_proto::wire::coordinator_message::Kind as Answer;
use sweep_proto::wire::worker_message::Kind as Message;
use sweep_proto::{Digest, WorkerId, wire};
use sweep_tests::castle::Castle;
use sweep_tests::frames::{self, END_HEADERS, END_STREAM, PREFACE};
use sweep_tests::ledger::finished_by;
use sweep_tests::member::{Member, runtime};
use sweep_tests::processes::wait_until;
use sweep_tests::raw::{self, heard, say};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

const EPOCHS: u32 = 60;

/// Batches of all epochs at most: of 1,000 rows, 64 at a time.
const EPOCHS_OF_BATCHES: u64 = EPOCHS as u64 * 16;

/// Two trials: the honest worker takes one, the other is there to be played with.
const SWEEP: &str = r#"
name = "harm"
[data]
dataset = "snippets"
max_length = 20
train_rows = 1000
test_rows = 100
[grid]
units = [16, 24]
[train]
epochs = 60
replicates = 1
"#;

/// What a terminal would take for a command: clear the screen, forge a line, set the title.
const ESCAPES: [&str; 4] = ["\u{1b}[2J", "worker\r\nerror: all is lost", "\u{1b}]0;gone\u{7}", "a\u{0}b"];

/// What would lead out of a folder.
const PATHS: [&str; 5] = ["../../../../tmp/hostile", "/etc/passwd", "..", "C:\\CON", "a/../../b"];

/// One session.
struct Session {
    outgoing: mpsc::Sender<wire::WorkerMessage>,
    answers: Streaming<wire::CoordinatorMessage>,
}

impl Session {
    async fn open(member: &mut Member, named: WorkerId) -> Result<Self> {
        let (outgoing, messages) = mpsc::channel(8);
        let hello = Message::Hello(wire::Hello { worker_id: named.to_string(), instance: String::new() });
        outgoing.send(wire::WorkerMessage { kind: Some(hello) }).await?;
        let answers = member.client.session(ReceiverStream::new(messages)).await?.into_inner();
        Ok(Self { outgoing, answers })
    }

    /// The answer to a message, or the error with which the session ends.
    async fn ask(&mut self, message: Message) -> Result<Answer, Status> {
        // A session that has ended tells why below.
        _ = self.outgoing.send(wire::WorkerMessage { kind: Some(message) }).await;
        loop {
            match self.answers.message().await?.and_then(|answer| answer.kind) {
                Some(Answer::WorkAvailable(_) | Answer::BeatNow(_)) => {}
                Some(answer) => return Ok(answer),
                None => return Err(Status::unavailable("the session has ended")),
            }
        }
    }
}

/// Asks once in a session of its own.
async fn ask(member: &mut Member, message: Message) -> Result<Result<Answer, Status>> {
    let worker = member.worker;
    Ok(Session::open(member, worker).await?.ask(message).await)
}

/// Keeps its own lease, however slow the machine is.
async fn beat(member: &mut Member, own: u64) -> Result<()> {
    let heartbeat = Message::Heartbeat(wire::Heartbeat { tokens: vec![own], logs: Vec::new() });
    let Answer::Heartbeat(reply) = ask(member, heartbeat).await?? else { bail!("no answer to a heartbeat") };
    ensure!(reply.leases[0].directive() == wire::Directive::Continue, "the lease is lost: {reply:?}");
    Ok(())
}

fn is(result: &Result<Answer, Status>, code: Code) -> bool {
    result.as_ref().is_err_and(|status| status.code() == code)
}

/// The token, the attempt and the epoch of the trial on a worker.
fn trial_on(castle: &Castle, worker: &str) -> Result<Option<(u64, u64)>> {
    let status = castle.sweep(&["status", "harm"])?;
    let running = status["running"].as_array().cloned().unwrap_or_default();
    let number = |trial: &Value, name: &str| trial[name].as_u64().unwrap_or_default();
    let mine = running.iter().find(|trial| trial["worker"] == worker);
    Ok(mine.map(|trial| (number(trial, "attempt"), number(trial, "epoch"))))
}

/// Every file of the coordinator whose name is not one of its own making.
fn strange_files(folder: &Path) -> Result<BTreeSet<String>> {
    let mut strange = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_blob = name.len() == 62 && name.chars().all(|one| one.is_ascii_hexdigit());
            if !is_blob {
                strange.insert(entry.path().to_string_lossy().into_owned());
            }
        }
    }
    Ok(strange)
}

async fn absurd_registrations(member: &mut Member) -> Result<()> {
    let device = wire::Device { kind: 1, ordinal: 0, model: "CPU".into(), memory_bytes: 1 };
    let mut wrong = Vec::new();
    let profile =
        wire::WorkerProfile { name: "w".into(), build: "0".into(), slots: 1, devices: Vec::new(), group: 1 };
    for text in ESCAPES {
        wrong.push(wire::WorkerProfile { name: text.into(), ..profile.clone() });
        wrong.push(wire::WorkerProfile { build: text.into(), ..profile.clone() });
        let devices = vec![wire::Device { model: text.into(), ..device.clone() }];
        wrong.push(wire::WorkerProfile { devices, ..profile.clone() });
    }
    for name in ["", "   "] {
        wrong.push(wire::WorkerProfile { name: name.into(), ..profile.clone() });
    }
    for slots in [0, 1_025, u32::MAX] {
        wrong.push(wire::WorkerProfile { slots, ..profile.clone() });
    }
    wrong.extend([65, u32::MAX].map(|group| wire::WorkerProfile { group, ..profile.clone() }));
    wrong.push(wire::WorkerProfile { devices: vec![device; 10_000], ..profile.clone() });
    for profile in wrong {
        let mut request = member.registration();
        request.profile = Some(profile.clone());
        let refused = member.client.register(request).await.err().context("it was taken")?;
        ensure!(refused.code() == Code::InvalidArgument, "{profile:?}: {refused}");
        ensure!(!refused.message().chars().any(char::is_control), "it is repeated as it came: {refused:?}");
    }
    // Ugly, and only text: it is cut to a bearable length and leads nowhere.
    for name in [&"x".repeat(1_000_000), PATHS[0]] {
        let mut request = member.registration();
        request.profile = Some(wire::WorkerProfile { name: name.to_owned(), ..profile.clone() });
        member.client.register(request).await?;
    }
    Ok(())
}

async fn absurd_sessions(member: &mut Member, honest: &[u64]) -> Result<()> {
    let worker = member.worker;
    let mut other = Session::open(member, WorkerId::generate()).await?;
    let refused = other.answers.message().await.err().context("another worker's session was opened")?;
    ensure!(refused.code() == Code::PermissionDenied, "{refused}");

    let tokens = (0..4_096 - honest.len() as u64).map(|at| u64::MAX - at).chain(honest.iter().copied());
    let answer =
        ask(member, Message::Heartbeat(wire::Heartbeat { tokens: tokens.collect(), logs: Vec::new() }))
            .await??;
    let Answer::Heartbeat(reply) = answer else { bail!("{answer:?}") };
    ensure!(reply.leases.len() == 4_096, "{} leases", reply.leases.len());
    let drop = i32::from(wire::Directive::Drop);
    ensure!(reply.leases.iter().all(|lease| lease.directive == drop), "it may go on with another's lease");
    let many = Message::Heartbeat(wire::Heartbeat { tokens: vec![1; 400_000], logs: Vec::new() });
    ensure!(is(&ask(member, many).await?, Code::InvalidArgument), "any number of leases");

    let line = |text: String| wire::LogLine { at_ms: u64::MAX, text };
    for lines in [vec![line(String::new()); 201], vec![line("x".repeat(1_000_000))]] {
        let logs = vec![wire::LogLines { token: honest[0], first: u64::MAX, lines }];
        let beat = Message::Heartbeat(wire::Heartbeat { tokens: Vec::new(), logs });
        ensure!(is(&ask(member, beat).await?, Code::InvalidArgument), "any log");
    }
    // No numbers that lead anywhere, and another's lease.
    for first in [0, 1, u64::MAX] {
        let logs = vec![wire::LogLines { token: honest[0], first, lines: vec![line("mine".into()); 200] }];
        let beat = Message::Heartbeat(wire::Heartbeat { tokens: Vec::new(), logs });
        ensure!(matches!(ask(member, beat).await?, Ok(Answer::Heartbeat(_))), "lines cost the session");
    }

    for request_id in [String::new(), "x".repeat(200)] {
        let ask_work = Message::AskWork(wire::AskWork { request_id, slots: 1, group: 1 });
        ensure!(is(&ask(member, ask_work).await?, Code::InvalidArgument), "any request id");
    }
    let hello = Message::Hello(wire::Hello { worker_id: worker.to_string(), instance: String::new() });
    ensure!(is(&ask(member, hello).await?, Code::InvalidArgument), "a second hello");
    let points = vec![wire::StepMetric::default(); 1_001];
    let steps = Message::Steps(wire::StepReport { token: honest[0], points });
    ensure!(is(&ask(member, steps).await?, Code::InvalidArgument), "any number of points");
    Ok(())
}

fn metric(epoch: u32) -> wire::EpochMetric {
    wire::EpochMetric {
        epoch,
        train_loss: 1.0,
        validation_loss: 1.0,
        seconds: 1.0,
        ..wire::EpochMetric::default()
    }
}

fn artifact(bytes: &[u8]) -> wire::ArtifactRef {
    wire::ArtifactRef { digest: Digest::of(bytes).as_bytes().to_vec().into(), bytes: bytes.len() as u64 }
}

fn report(token: u64, metric: wire::EpochMetric, artifact: wire::ArtifactRef) -> Message {
    let checkpoint = wire::CheckpointRef { epoch: metric.epoch, batches: 0, artifact: Some(artifact) };
    Message::Epoch(wire::EpochReport { token, metric: Some(metric), checkpoint: Some(checkpoint) })
}

async fn absurd_reports(member: &mut Member, own: u64, honest: &[u64]) -> Result<()> {
    beat(member, own).await?;
    let blob = artifact(b"a checkpoint");
    upload(member, Some(blob.clone()), &[b"a checkpoint"]).await?;
    // Under another's lease: refused, and the lease is none the worse for it.
    for token in honest {
        let refused = ask(member, report(*token, metric(1), blob.clone())).await?;
        ensure!(is(&refused, Code::PermissionDenied), "{refused:?}");
        let point = wire::StepMetric { loss: 1.0, ..wire::StepMetric::default() };
        let steps = Message::Steps(wire::StepReport { token: *token, points: vec![point] });
        let refused = ask(member, steps).await?;
        ensure!(matches!(refused, Ok(Answer::LeaseLost(_))), "{refused:?}");
        let outcome = wire::Failed { kind: 1, message: "I say so".into() };
        let outcome = wire::attempt_outcome::Kind::Failed(outcome);
        let outcome = Some(wire::AttemptOutcome { kind: Some(outcome) });
        let request = wire::CompleteRequest { token: *token, outcome, log: None };
        let refused = member.client.complete(request).await.err().context("another's lease was ended")?;
        ensure!(refused.code() == Code::PermissionDenied, "{refused}");
    }
    // Under its own.
    beat(member, own).await?;
    let wrong = |change: fn(&mut wire::EpochMetric)| {
        let mut metric = metric(1);
        change(&mut metric);
        metric
    };
    for metric in [
        wrong(|metric| metric.train_loss = f64::NAN),
        wrong(|metric| metric.validation_loss = f64::INFINITY),
        wrong(|metric| metric.validation_accuracy = 1.5),
        wrong(|metric| metric.validation_macro_f1 = -1.0),
        wrong(|metric| metric.validation_loss = -1e101),
        wrong(|metric| metric.seconds = -1.0),
        wrong(|metric| metric.examples_per_second = f64::NEG_INFINITY),
        wrong(|metric| metric.epoch = 0),
    ] {
        let refused = ask(member, report(own, metric, blob.clone())).await?;
        ensure!(is(&refused, Code::InvalidArgument), "{metric:?}: {refused:?}");
    }
    let trained = |change: fn(&mut wire::TrialResult)| {
        let mut result = wire::TrialResult { best_epoch: 1, epochs: 1, ..wire::TrialResult::default() };
        (result.score, result.accuracy, result.model) = (0.1, 0.9, Some(artifact(b"a checkpoint")));
        change(&mut result);
        Some(wire::AttemptOutcome { kind: Some(wire::attempt_outcome::Kind::Trained(result)) })
    };
    // Its next epoch is the first.
    let diverged = |epoch| {
        let diverged = wire::Diverged { epoch, message: "NaN".into() };
        Some(wire::AttemptOutcome { kind: Some(wire::attempt_outcome::Kind::Diverged(diverged)) })
    };
    for outcome in [
        None,
        Some(wire::AttemptOutcome { kind: None }),
        diverged(0),
        diverged(2),
        diverged(u32::MAX),
        trained(|result| result.score = f64::NAN),
        trained(|result| result.accuracy = 7.0),
        trained(|result| result.best_epoch = 9),
        trained(|result| result.model = None),
        trained(|result| result.model = Some(artifact(b"nowhere"))),
    ] {
        let request = wire::CompleteRequest { token: own, outcome: outcome.clone(), log: None };
        let refused = member.client.complete(request).await.err();
        let refused = refused.with_context(|| format!("{outcome:?} was taken"))?;
        ensure!(refused.code() == Code::InvalidArgument, "{outcome:?}: {refused}");
    }
    // A result of epochs that were never reported.
    let request = wire::CompleteRequest {
        token: own,
        outcome: trained(|result| (result.best_epoch, result.epochs) = (60, 60)),
        log: None,
    };
    let refused = member.client.complete(request).await.err().context("a result out of nothing was taken")?;
    println!("a result out of nothing: {refused}");
    // More steps than its trial has batches, or in an epoch that it has not.
    for (sequence, epoch) in [(u64::MAX, 1), (EPOCHS_OF_BATCHES, 1), (0, EPOCHS + 1)] {
        let point = wire::StepMetric { sequence, epoch, loss: 1.0, ..wire::StepMetric::default() };
        let steps = Message::Steps(wire::StepReport { token: own, points: vec![point] });
        let refused = ask(member, steps).await?;
        let is_told = |lost: &wire::LeaseLost| lost.reason.contains("cannot have");
        ensure!(matches!(&refused, Ok(Answer::LeaseLost(lost)) if is_told(lost)), "{refused:?}");
    }
    // An epoch out of order, and a checkpoint that is not there: the work is to be dropped.
    for message in [report(own, metric(40), blob), report(own, metric(1), artifact(b"nowhere"))] {
        let refused = ask(member, message).await?;
        ensure!(matches!(refused, Ok(Answer::LeaseLost(_))), "{refused:?}");
    }
    Ok(())
}

async fn upload(
    member: &mut Member,
    artifact: Option<wire::ArtifactRef>,
    parts: &[&[u8]],
) -> Result<(), Status> {
    let mut artifact = artifact;
    let parts: Vec<_> = parts
        .iter()
        .map(|data| wire::UploadPart { artifact: artifact.take(), data: data.to_vec().into() })
        .collect();
    member.client.upload(tokio_stream::iter(parts)).await.map(|_| ())
}

/// What is wrong with an upload, the name that it is given, and its parts.
type Upload<'a> = (&'a str, Option<wire::ArtifactRef>, Vec<&'a [u8]>);

/// The rest of an upload's parts, and its answer.
type Underway = (mpsc::Sender<wire::UploadPart>, tokio::task::JoinHandle<Result<(), Status>>);

/// Uploads that are begun, announced with a size, and left.
struct Begun(Vec<Underway>);

impl Begun {
    async fn begin(&mut self, member: &Member, artifact: wire::ArtifactRef) -> Result<()> {
        let (parts, stream) = mpsc::channel(2);
        parts.send(wire::UploadPart { artifact: Some(artifact), data: vec![0; 100].into() }).await?;
        let mut client = member.client.clone();
        let upload = async move { client.upload(ReceiverStream::new(stream)).await.map(|_| ()) };
        self.0.push((parts, tokio::spawn(upload)));
        Ok(())
    }

    fn give_up(self) {
        self.0.iter().for_each(|(_, upload)| upload.abort());
    }
}

/// What a worker may have sent without a report is bounded by what its trials can leave.
async fn more_than_its_trial_leaves(member: &mut Member, own: u64) -> Result<()> {
    beat(member, own).await?;
    let large = wire::ArtifactRef { bytes: 1 << 30, ..artifact(b"large") };
    let refused = upload(member, Some(large), &[b"x"]).await.err().context("any size")?;
    println!("an artifact of 1 GiB: {refused}");
    ensure!(refused.code() == Code::InvalidArgument && refused.message().contains("no trial"), "{refused}");
    let mut begun = Begun(Vec::new());
    let refused = loop {
        ensure!(begun.0.len() < 100, "it may announce any number of uploads");
        let name = begun.0.len().to_le_bytes();
        begun.begin(member, wire::ArtifactRef { bytes: 4_000_000, ..artifact(&name) }).await?;
        // One more small one tells whether there is room yet.
        if let Err(refused) = upload(member, Some(artifact(&name)), &[&name]).await {
            break refused;
        }
        beat(member, own).await?;
    };
    println!("{} uploads of 4 MB at one time: {refused}", begun.0.len());
    ensure!(refused.code() == Code::ResourceExhausted, "{refused}");
    begun.give_up();
    loop {
        beat(member, own).await?;
        if upload(member, Some(artifact(b"again")), &[b"again"]).await.is_ok() {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}

/// Nothing is given to or taken from a worker without a lease that says so.
async fn without_a_lease(member: &mut Member, dataset: &[u8]) -> Result<()> {
    let request = wire::FetchRequest { digest: dataset.to_vec().into(), offset: 0 };
    let refused = member.client.fetch(request).await.err().context("any dataset")?;
    ensure!(refused.code() == Code::PermissionDenied, "{refused}");
    let refused = upload(member, Some(artifact(b"mine")), &[b"mine"]).await.err().context("any upload")?;
    ensure!(refused.code() == Code::FailedPrecondition, "{refused}");
    Ok(())
}

async fn absurd_blobs(member: &mut Member, castle: &Castle, own: u64, dataset: &[u8]) -> Result<()> {
    beat(member, own).await?;
    let named = |bytes: &[u8], size: u64| wire::ArtifactRef { bytes: size, ..artifact(bytes) };
    let chunk = vec![0; CHUNK_BYTES];
    let cases: [Upload<'_>; 8] = [
        ("another's digest", Some(artifact(b"something")), vec![b"some", b"thinq"]),
        ("longer than declared", Some(named(b"something else", 4)), vec![b"something else"]),
        ("much longer", Some(named(b"much", 4)), vec![&chunk; 64]),
        ("shorter", Some(named(b"shorter", 8)), vec![b"shorter"]),
        ("larger than may be", Some(named(b"x", ARTIFACT_BYTES_MAX + 1)), vec![b"x"]),
        ("no name", None, vec![b"x"]),
        (
            "a path for a digest",
            Some(wire::ArtifactRef { digest: PATHS[0].as_bytes().to_vec().into(), bytes: 1 }),
            vec![b"x"],
        ),
        ("nothing", Some(named(b"nothing", 7)), vec![]),
    ];
    for (what, artifact, parts) in cases {
        let refused = upload(member, artifact, &parts).await.err();
        let refused = refused.with_context(|| format!("an upload with {what} was taken"))?;
        println!("upload, {what}: {refused}");
        ensure!(matches!(refused.code(), Code::InvalidArgument | Code::DataLoss), "{what}: {refused}");
    }
    for (what, digest, offset, code) in [
        ("unknown", Digest::of(b"unknown").as_bytes().to_vec(), 0, Code::PermissionDenied),
        ("not leased", Digest::of(b"a checkpoint").as_bytes().to_vec(), 0, Code::PermissionDenied),
        ("short", vec![1; 31], 0, Code::InvalidArgument),
        ("long", vec![1; 1 << 20], 0, Code::InvalidArgument),
        ("a path", PATHS[1].as_bytes().to_vec(), 0, Code::InvalidArgument),
        ("behind the end", dataset.to_vec(), u64::MAX, Code::OutOfRange),
    ] {
        let request = wire::FetchRequest { digest: digest.into(), offset };
        let refused = member.client.fetch(request).await.err().context("it was given")?;
        println!("fetch, {what}: {refused}");
        ensure!(refused.code() == code, "{what}: {refused}");
    }
    // Uploads that begin and never end: their files go with the connection.
    let incoming = castle.folder().join(".sweep/artifacts/incoming");
    let count = || std::fs::read_dir(&incoming).map(Iterator::count);
    let mut begun = Begun(Vec::new());
    for at in 0..50 {
        begun.begin(member, named(&[at], 100_000)).await?;
    }
    tokio::task::block_in_place(|| wait_until("they are under way", || Ok(count()? >= 50)))?;
    begun.give_up();
    tokio::task::block_in_place(|| wait_until("their files are gone", || Ok(count()? <= 2)))
}

/// Fetches without end that are never read, by hand: what they cost is bounded.
fn unread_fetches(member: &Member, castle: &Castle, dataset: &[u8]) -> Result<()> {
    let before = castle.vitals()?;
    let mut stream =
        raw::shown(Ipv4Addr::new(127, 0, 0, 2), castle.address(), Some(member.credential.shown()))?;
    let settings = frames::settings(&[(frames::INITIAL_WINDOW_SIZE, 0)]);
    ensure!(say(&mut stream, &[PREFACE, &settings].concat()), "it was cut");
    let request = frames::message(&[&[0x0a, dataset.len() as u8][..], dataset].concat());
    for id in 0..250 {
        let headers = frames::call("/sweep.v1.WorkerService/Fetch", None);
        let headers = frames::frame(frames::HEADERS, END_HEADERS, 2 * id + 1, &headers);
        let body = frames::frame(frames::DATA, END_STREAM, 2 * id + 1, &request);
        ensure!(say(&mut stream, &[headers, body].concat()), "it was cut");
    }
    let (mut answer, mut began) = (Vec::new(), 0);
    wait_until("every fetch has begun", || {
        answer.extend(heard(&mut stream).0);
        began = frames::read(&answer).iter().filter(|(kind, _, _)| *kind == frames::HEADERS).count();
        Ok(began >= 250)
    })?;
    let now = castle.vitals()?;
    println!("{began} fetches that nobody reads: {before:?} before, {now:?} now");
    ensure!(now.memory_mib <= before.memory_mib + 250, "{before:?}, {now:?}");
    drop(stream);
    wait_until("their files are closed", || Ok(castle.vitals()?.files <= before.files + 20))
}

#[test]
fn whatever_a_worker_says_the_others_trials_go_on() -> Result<()> {
    let castle = Castle::start()?;
    let token = castle.token("worker", &[])?;
    let _honest = castle.add_worker("honest")?;
    castle.launch(SWEEP)?;
    wait_until("the honest worker trains", || {
        Ok(trial_on(&castle, "honest")?.is_some_and(|(_, epoch)| epoch >= 1))
    })?;
    let strange = strange_files(&castle.folder().join(".sweep"))?;
    runtime()?.block_on(async {
        let mut member = Member::join(&castle, &token).await?;
        absurd_registrations(&mut member).await?;
        member.client.register(member.registration()).await?;
        let request = wire::AskWork { request_id: PATHS[0].into(), slots: u32::MAX, group: u32::MAX };
        let answer = ask(&mut member, Message::AskWork(request)).await??;
        let Answer::Grants(grants) = answer else { bail!("{answer:?}") };
        let grants: Vec<_> = grants.groups.into_iter().flat_map(|group| group.grants).collect();
        ensure!(grants.len() == 1, "{} grants for one trial", grants.len());
        // Tokens grow: the honest worker's lies below.
        let own = grants[0].token;
        let honest: Vec<u64> = vec![own - 1];
        absurd_sessions(&mut member, &honest).await?;
        absurd_reports(&mut member, own, &honest).await?;
        let dataset = grants[0].dataset.clone().context("a dataset")?.digest;
        absurd_blobs(&mut member, &castle, own, &dataset).await?;
        more_than_its_trial_leaves(&mut member, own).await?;
        tokio::task::block_in_place(|| unread_fetches(&member, &castle, &dataset))?;
        // On a fast machine it may have ended meanwhile; the report below counts the attempts.
        let honest = trial_on(&castle, "honest")?;
        ensure!(honest.is_none_or(|(attempt, _)| attempt == 1), "the honest worker's trial was begun again");
        // How its work ended, in words that would steer whoever reads them.
        beat(&mut member, own).await?;
        let message =
            [&ESCAPES[..], &["\u{202e}gpj.exe", "\u{9b}2J", "=cmd|' /C calc'!A0"]].concat().join(" ");
        let failed = wire::attempt_outcome::Kind::Failed(wire::Failed { kind: 1, message });
        let outcome = Some(wire::AttemptOutcome { kind: Some(failed) });
        member.client.complete(wire::CompleteRequest { token: own, outcome, log: None }).await?;
        let leave = wire::DeregisterRequest { worker_id: member.worker.to_string(), instance: String::new() };
        member.client.deregister(leave).await?;
        without_a_lease(&mut member, &dataset).await?;
        anyhow::Ok(())
    })?;
    let report = finished_by(|arguments| castle.sweep(arguments), castle.folder(), "harm")?;
    report.check_complete(2, EPOCHS)?;
    let attempts = &report.json["ledger"]["attempts"];
    ensure!(*attempts == 4, "two trials, the one that was played with, an evaluation: {attempts}");
    ensure!(report.json["failures"].to_string().contains("gpj.exe"), "the failure is not told");
    let folder = castle.folder().join("report-harm");
    castle.sweep(&["report", "harm", "-o", &folder.to_string_lossy()])?;
    let mut read = 0;
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if let Ok(text) = std::fs::read_to_string(&path) {
            let steers = |one: char| !matches!(one, '\n' | '\t') && sweep_proto::text::is_steering(one);
            let found = text.chars().find(|one| steers(*one));
            ensure!(found.is_none(), "{}: {found:?}", path.display());
            read += 1;
        }
    }
    ensure!(read >= 5, "{read} text files in the report");
    let new: Vec<_> = strange_files(&castle.folder().join(".sweep"))?.difference(&strange).cloned().collect();
    println!("new files of the coordinator that are no blobs: {new:?}");
    ensure!(new.iter().all(|path| !path.contains("hostile") && !path.contains("incoming")), "{new:?}");
    ensure!(!Path::new("/tmp/hostile").exists(), "a path from the wire was followed");
    castle.check_remains()
}

/// The artifacts that lie in a coordinator's folder.
fn artifacts_in(folder: &Path) -> Result<Vec<wire::ArtifactRef>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(artifacts_in(&entry.path())?);
        } else if entry.file_name().len() == 62 {
            found.push(artifact(&std::fs::read(entry.path())?));
        }
    }
    Ok(found)
}

/// What a worker reports it may fetch, so it reports nothing that it has not shown.
#[test]
fn what_is_other_peoples_is_neither_reported_nor_fetched() -> Result<()> {
    let castle = Castle::start()?;
    let token = castle.token("worker", &[])?;
    castle.launch(&SWEEP.replace("harm", "secret").replace("train_rows = 1000", "train_rows = 900"))?;
    castle.sweep(&["cancel", "secret"])?;
    let secrets = artifacts_in(&castle.folder().join(".sweep/artifacts"))?;
    ensure!(!secrets.is_empty(), "the other sweep has no data");
    castle.launch(SWEEP)?;
    runtime()?.block_on(async {
        let mut member = Member::join(&castle, &token).await?;
        member.client.register(member.registration()).await?;
        let answer =
            ask(&mut member, Message::AskWork(wire::AskWork { request_id: "1".into(), slots: 1, group: 1 }))
                .await??;
        let Answer::Grants(grants) = answer else { bail!("{answer:?}") };
        let own = grants.groups[0].grants[0].token;
        for secret in secrets {
            // To name it is not to have it.
            let refused =
                upload(&mut member, Some(secret.clone()), &[b"x"]).await.err().context("its name")?;
            ensure!(refused.code() == Code::InvalidArgument, "{refused}");
            let refused = ask(&mut member, report(own, metric(1), secret.clone())).await?;
            let is_told = |lost: &wire::LeaseLost| lost.reason.contains("was not uploaded by");
            ensure!(matches!(&refused, Ok(Answer::LeaseLost(lost)) if is_told(lost)), "{refused:?}");
            let checkpoint =
                Some(wire::CheckpointRef { epoch: 0, batches: 1, artifact: Some(secret.clone()) });
            let released = wire::attempt_outcome::Kind::Released(wire::Released { checkpoint });
            let outcome = Some(wire::AttemptOutcome { kind: Some(released) });
            let request = wire::CompleteRequest { token: own, outcome, log: None };
            let refused = member.client.complete(request).await.err().context("it was taken for its own")?;
            ensure!(refused.code() == Code::PermissionDenied, "{refused}");
            let request = wire::FetchRequest { digest: secret.digest, offset: 0 };
            let refused = member.client.fetch(request).await.err().context("it was given")?;
            ensure!(refused.code() == Code::PermissionDenied, "{refused}");
        }
        // What it has sent itself is taken, and given back.
        beat(&mut member, own).await?;
        let mine = artifact(b"mine");
        upload(&mut member, Some(mine.clone()), &[b"mine"]).await?;
        let taken = ask(&mut member, report(own, metric(1), mine.clone())).await?;
        ensure!(matches!(taken, Ok(Answer::Epoch(_))), "{taken:?}");
        let again = ask(&mut member, report(own, metric(1), mine.clone())).await?;
        ensure!(matches!(again, Ok(Answer::Epoch(_))), "the same once more: {again:?}");
        member.client.fetch(wire::FetchRequest { digest: mine.digest, offset: 0 }).await?;
        anyhow::Ok(())
    })?;
    castle.check_remains()
}

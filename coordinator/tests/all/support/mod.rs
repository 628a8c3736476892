//! A coordinator in a temporary directory, and a worker that follows a script instead of training.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod command_line;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use coordinator::{Server, ServerConfig, StoreChoice};
use sweep_proto::protocol::PROTOCOL_VERSION;
use sweep_proto::wire::coordinator_message::Kind as Answer;
use sweep_proto::wire::launch_event::Kind as Event;
use sweep_proto::wire::sweep_service_client::SweepServiceClient;
use sweep_proto::wire::worker_message::Kind as Message;
use sweep_proto::wire::worker_service_client::WorkerServiceClient;
use sweep_proto::{Digest, WorkerId, wire};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// Two configurations, two replicates, two epochs, on few rows.
pub(crate) const SWEEP: &str = r#"
name = "tiny"
[data]
dataset = "snippets"
train_rows = 300
test_rows = 60
vocabulary = 200
max_length = 12
[grid]
units = [8, 16]
[train]
batch_size = 8
epochs = 2
replicates = 2
"#;

pub(crate) async fn start(directory: &Path) -> Server {
    let listen = "127.0.0.1:0".parse().expect("an address");
    let config = ServerConfig::local(listen, directory.to_owned(), StoreChoice::Sqlite);
    coordinator::start(config).await.expect("starts")
}

pub(crate) async fn channel(server: &Server) -> Channel {
    let address = format!("http://{}", server.address());
    Channel::from_shared(address).expect("an address").connect().await.expect("connects")
}

pub(crate) struct User(pub(crate) SweepServiceClient<Channel>);

impl User {
    pub(crate) async fn of(server: &Server) -> Self {
        Self(SweepServiceClient::new(channel(server).await))
    }

    pub(crate) async fn launch(&mut self, text: &str, attach: bool) -> Result<wire::SweepStatus, Status> {
        self.launch_from(text, attach, Path::new("/")).await
    }

    pub(crate) async fn launch_from(
        &mut self,
        text: &str,
        attach: bool,
        directory: &Path,
    ) -> Result<wire::SweepStatus, Status> {
        let request = wire::LaunchRequest {
            file_name: "tiny.toml".into(),
            text: text.into(),
            directory: directory.to_str().expect("Unicode").into(),
            forbid_reuse: false,
            attach,
            priority: None,
        };
        let mut events = self.0.launch(request).await?.into_inner();
        while let Some(event) = events.message().await? {
            if let Some(Event::Launched(status)) = event.kind {
                return Ok(status);
            }
        }
        panic!("the launch ended without a sweep");
    }

    pub(crate) async fn get(&mut self, sweep: &str) -> Result<wire::SweepStatus, Status> {
        Ok(self.0.get(wire::GetRequest { sweep: sweep.into() }).await?.into_inner())
    }

    pub(crate) async fn files(
        &mut self,
        sweep: &str,
        best_model: bool,
    ) -> Result<Vec<(String, Vec<u8>)>, Status> {
        let sweep = sweep.to_owned();
        let mut parts = if best_model {
            self.0.best_model(wire::GetRequest { sweep }).await?.into_inner()
        } else {
            self.0.report(wire::ReportRequest { sweep, ..Default::default() }).await?.into_inner()
        };
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        while let Some(part) = parts.message().await? {
            match files.last_mut().filter(|(name, _)| *name == part.name) {
                Some((_, data)) => data.extend_from_slice(&part.data),
                None => files.push((part.name, part.data.to_vec())),
            }
        }
        Ok(files)
    }
}

pub(crate) struct ScriptedWorker {
    pub(crate) client: WorkerServiceClient<Channel>,
    pub(crate) id: WorkerId,
    messages: mpsc::Sender<wire::WorkerMessage>,
    answers: Streaming<wire::CoordinatorMessage>,
    /// Whether its models always say the first class of the test split.
    pub(crate) guesses: bool,
}

impl ScriptedWorker {
    /// Registers and opens a session.
    pub(crate) async fn join(server: &Server, id: WorkerId, fresh: bool) -> Self {
        Self::join_as(server, id, fresh, "").await
    }

    /// As [`Self::join`], as a process with a name.
    pub(crate) async fn join_as(server: &Server, id: WorkerId, fresh: bool, instance: &str) -> Self {
        let mut client = WorkerServiceClient::new(channel(server).await);
        let profile = wire::WorkerProfile {
            name: "scripted".into(),
            build: "0".into(),
            slots: 1,
            devices: Vec::new(),
            group: 1,
        };
        let request = wire::RegisterRequest {
            worker_id: id.to_string(),
            protocol: Some(PROTOCOL_VERSION.into()),
            profile: Some(profile),
            fresh,
            instance: instance.to_owned(),
        };
        client.register(request).await.expect("registers");
        let (messages, outgoing) = mpsc::channel(16);
        let hello = Message::Hello(wire::Hello { worker_id: id.to_string(), instance: instance.to_owned() });
        messages.send(wire::WorkerMessage { kind: Some(hello) }).await.expect("sent");
        let answers = client.session(ReceiverStream::new(outgoing)).await.expect("a session").into_inner();
        Self { client, id, messages, answers, guesses: false }
    }

    /// Sends a message and gives its answer, past notices of new work.
    pub(crate) async fn tell(&mut self, message: Message) -> Result<Answer, Status> {
        // A session that ended says why on the other stream.
        _ = self.messages.send(wire::WorkerMessage { kind: Some(message) }).await;
        loop {
            let answer = self.answers.message().await?.and_then(|message| message.kind);
            match answer.ok_or_else(|| Status::aborted("the session ended"))? {
                Answer::WorkAvailable(_) | Answer::BeatNow(_) => {}
                answer => return Ok(answer),
            }
        }
    }

    pub(crate) async fn ask(&mut self) -> Option<wire::Grant> {
        // A request id that comes again means: I did not get the answer.
        let request_id = uuid::Uuid::now_v7().to_string();
        let ask = Message::AskWork(wire::AskWork { request_id, slots: 1, group: 1 });
        let Answer::Grants(grants) = self.tell(ask).await.expect("an answer") else { panic!("no grants") };
        grants.groups.into_iter().flat_map(|group| group.grants).next()
    }

    pub(crate) async fn upload(&mut self, artifact: wire::ArtifactRef, bytes: &[u8]) -> Result<(), Status> {
        let chunk = bytes.len().div_ceil(2).max(1);
        let mut parts: Vec<_> = bytes
            .chunks(chunk)
            .map(|data| wire::UploadPart { artifact: None, data: data.to_vec().into() })
            .collect();
        parts.insert(0, wire::UploadPart { artifact: Some(artifact), data: Vec::new().into() });
        self.client.upload(tokio_stream::iter(parts)).await.map(|_| ())
    }

    pub(crate) async fn store(&mut self, bytes: &[u8]) -> wire::ArtifactRef {
        let artifact = reference(bytes);
        self.upload(artifact.clone(), bytes).await.expect("uploaded");
        artifact
    }

    pub(crate) async fn epoch(&mut self, grant: &wire::Grant, epoch: u32) -> Result<Answer, Status> {
        let checkpoint = self.store(format!("checkpoint {} {epoch}", label(grant)).as_bytes()).await;
        let checkpoint = Some(wire::CheckpointRef { epoch, batches: 0, artifact: Some(checkpoint) });
        let metric = Some(metric(grant, epoch));
        self.tell(Message::Epoch(wire::EpochReport { token: grant.token, metric, checkpoint })).await
    }

    pub(crate) async fn steps(&mut self, token: u64, from: u64, to: u64) -> Result<Answer, Status> {
        let point = |sequence| wire::StepMetric {
            sequence,
            epoch: 1,
            step: sequence,
            loss: 0.5,
            examples_per_second: 1.0,
        };
        self.tell(Message::Steps(wire::StepReport { token, points: (from..to).map(point).collect() })).await
    }

    /// The outcome of a whole piece of work, its model uploaded.
    pub(crate) async fn outcome(&mut self, grant: &wire::Grant) -> wire::AttemptOutcome {
        use wire::attempt_outcome::Kind;
        let kind = if grant.evaluate {
            let (counts, accuracy) =
                if self.guesses { ([[4, 0], [4, 0]], 0.5) } else { ([[3, 1], [0, 4]], 0.875) };
            let confusion = counts.map(|row| wire::ConfusionRow { counts: row.to_vec() }).to_vec();
            Kind::Evaluated(wire::TestMetric {
                loss: 0.5,
                accuracy,
                macro_f1: 0.873,
                confusion,
                ..Default::default()
            })
        } else {
            let model = self.store(format!("model {}", label(grant)).as_bytes()).await;
            let best = metric(grant, 2);
            Kind::Trained(wire::TrialResult {
                best_epoch: 2,
                epochs: 2,
                early_stopped: false,
                score: best.validation_loss,
                accuracy: best.validation_accuracy,
                parameters: 1_000,
                model: Some(model),
            })
        };
        wire::AttemptOutcome { kind: Some(kind) }
    }

    pub(crate) async fn complete(&mut self, token: u64, outcome: wire::AttemptOutcome) -> Result<(), Status> {
        let request = wire::CompleteRequest { token, outcome: Some(outcome), log: None };
        self.client.complete(request).await.map(|_| ())
    }

    /// Does all that is asked of a grant.
    pub(crate) async fn work(&mut self, grant: &wire::Grant) {
        if !grant.evaluate {
            let first = grant.checkpoint.as_ref().map_or(1, |checkpoint| checkpoint.epoch + 1);
            for epoch in first..=2 {
                let answer = self.epoch(grant, epoch).await.expect("an answer");
                assert_eq!(answer, Answer::Epoch(wire::EpochAck { token: grant.token, epoch }));
            }
        }
        let outcome = self.outcome(grant).await;
        self.complete(grant.token, outcome).await.expect("completed");
    }

    /// Works until nothing is handed out any more; gives the trials in the order of their grants.
    pub(crate) async fn work_off(&mut self) -> Vec<(u32, bool)> {
        let mut done = Vec::new();
        while let Some(grant) = self.ask().await {
            self.work(&grant).await;
            done.push((index(&grant), grant.evaluate));
        }
        done
    }
}

/// The answer to a `GET`, its head and its body.
pub(crate) fn page(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub(crate) fn reference(bytes: &[u8]) -> wire::ArtifactRef {
    wire::ArtifactRef { digest: Digest::of(bytes).as_bytes().to_vec().into(), bytes: bytes.len() as u64 }
}

pub(crate) fn index(grant: &wire::Grant) -> u32 {
    grant.spec.as_ref().and_then(|spec| spec.id.as_ref()).expect("a trial").index
}

fn label(grant: &wire::Grant) -> String {
    let spec = grant.spec.as_ref().expect("a trial");
    format!("{:?} {}", spec.configuration["units"], spec.seed)
}

fn metric(grant: &wire::Grant, epoch: u32) -> wire::EpochMetric {
    let spec = grant.spec.as_ref().expect("a trial");
    let Some(wire::value::Kind::Integer(units)) = spec.configuration["units"].kind else { panic!("units") };
    let loss = 1.0 / (units as f64 + f64::from(epoch) + f64::from(spec.replicate) / 10.0);
    wire::EpochMetric {
        epoch,
        train_loss: loss * 0.9,
        train_accuracy: 0.8,
        validation_loss: loss,
        validation_accuracy: 1.0 - loss,
        validation_macro_f1: 0.7,
        seconds: 1.5,
        examples_per_second: 200.0,
        peak_memory_bytes: 1 << 20,
        energy_joules: None,
    }
}

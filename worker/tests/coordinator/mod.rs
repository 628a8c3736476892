//! A worker service in memory: grants what a test gives it and records what a worker does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sweep_proto::protocol::{CHUNK_BYTES, PROTOCOL_VERSION};
use sweep_proto::wire::worker_service_server::{WorkerService, WorkerServiceServer};
use sweep_proto::wire::{self, coordinator_message, worker_message};
use sweep_proto::{ArtifactRef, AttemptOutcome, CheckpointRef, Digest, EpochMetric, TrialSpec};
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

/// A condition that is not met within this time never will be.
const PATIENCE: Duration = Duration::from_mins(3);

/// What a worker did, and what it is to be told.
#[derive(Default)]
pub(crate) struct State {
    pub blobs: BTreeMap<Digest, Vec<u8>>,
    pub pending: VecDeque<wire::Grant>,
    /// How many of them are granted into one slot; 0: one.
    pub group: usize,
    answered: BTreeMap<String, wire::Grants>,
    /// Epochs and checkpoints in the order of their arrival, repetitions included.
    pub epochs: Vec<(u64, u32, CheckpointRef)>,
    /// The next sequence of step metrics by token, and repetitions.
    pub next_sequence: BTreeMap<u64, u64>,
    pub gaps: Vec<String>,
    pub completed: BTreeMap<u64, AttemptOutcome>,
    pub heartbeats: Vec<Vec<u64>>,
    pub drop: BTreeSet<u64>,
    /// The session breaks instead of acknowledging so many more epochs.
    pub breaks: u32,
    pub registrations: Vec<bool>,
    pub deregistered: bool,
    /// Where nothing is pending this is granted, again and again, under new tokens.
    pub endless: Option<wire::Grant>,
    /// After every answer idle workers are told of work, and asked for a heartbeat.
    pub is_nagging: bool,
    /// Requests for work.
    pub asks: usize,
    /// No completion is answered.
    pub is_mute: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Coordinator {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

impl Coordinator {
    /// Starts to serve on a free port.
    pub(crate) async fn start(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder().add_service(WorkerServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits until something is true.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&State) -> bool) {
        let met = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if condition(&self.state()) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, met).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    /// Adds a blob and a trial on it.
    pub(crate) fn grant(&self, token: u64, dataset: &[u8], spec: &TrialSpec) {
        let artifact = ArtifactRef { digest: Digest::of(dataset), bytes: dataset.len() as u64 };
        let mut state = self.state();
        state.blobs.insert(artifact.digest, dataset.to_vec());
        state.pending.push_back(wire::Grant {
            until_epoch: None,
            token,
            attempt: 1,
            evaluate: false,
            spec: Some(spec.clone().into()),
            dataset: Some(artifact.into()),
            checkpoint: None,
            model: None,
            lease_ttl_ms: 60_000,
        });
    }

    /// What is answered to a message of a session; `Err` breaks it.
    fn answer(&self, kind: worker_message::Kind) -> Result<Option<coordinator_message::Kind>, Status> {
        use coordinator_message::Kind;
        let mut state = self.state();
        Ok(match kind {
            worker_message::Kind::Hello(_) => None,
            worker_message::Kind::Heartbeat(heartbeat) => {
                let lease = |token: &u64| {
                    let is_dropped = state.drop.contains(token);
                    let directive =
                        if is_dropped { wire::Directive::Drop } else { wire::Directive::Continue };
                    wire::LeaseStatus { token: *token, directive: directive.into(), reason: String::new() }
                };
                let leases = heartbeat.tokens.iter().map(lease).collect();
                state.heartbeats.push(heartbeat.tokens);
                Some(Kind::Heartbeat(wire::HeartbeatReply { leases, drain: false }))
            }
            worker_message::Kind::AskWork(ask) => {
                state.asks += 1;
                let token = 1_000 + state.asks as u64;
                let endless = state.endless.clone().map(|grant| wire::Grant { token, ..grant });
                let State { answered, pending, group, .. } = &mut *state;
                let group = *group;
                if pending.is_empty() {
                    pending.extend(endless);
                }
                let grants = answered.entry(ask.request_id.clone()).or_insert_with(|| {
                    let members = group.max(1).min(ask.group as usize);
                    let count = pending.len().min(ask.slots as usize * members);
                    let grants: Vec<_> = pending.drain(..count).collect();
                    let group = |grants: &[wire::Grant]| wire::GrantGroup { grants: grants.to_vec() };
                    wire::Grants {
                        request_id: ask.request_id,
                        groups: grants.chunks(members).map(group).collect(),
                    }
                });
                Some(Kind::Grants(grants.clone()))
            }
            worker_message::Kind::Epoch(report) => {
                let metric = EpochMetric::try_from(report.metric.unwrap()).unwrap();
                let checkpoint = CheckpointRef::try_from(report.checkpoint.unwrap()).unwrap();
                state.epochs.push((report.token, metric.epoch, checkpoint));
                if state.breaks > 0 {
                    state.breaks -= 1;
                    return Err(Status::unavailable("cut by the test"));
                }
                Some(Kind::Epoch(wire::EpochAck { token: report.token, epoch: metric.epoch }))
            }
            worker_message::Kind::Steps(report) => {
                let next = *state.next_sequence.entry(report.token).or_default();
                let mut reached = next;
                for point in &report.points {
                    if point.sequence > reached {
                        state.gaps.push(format!("{} after {reached}", point.sequence));
                    }
                    reached = reached.max(point.sequence + 1);
                }
                state.next_sequence.insert(report.token, reached);
                Some(Kind::Steps(wire::StepAck { token: report.token, next_sequence: reached }))
            }
        })
    }
}

#[tonic::async_trait]
impl WorkerService for Coordinator {
    async fn register(
        &self,
        request: Request<wire::RegisterRequest>,
    ) -> Result<Response<wire::RegisterReply>, Status> {
        self.state().registrations.push(request.into_inner().fresh);
        self.changed.notify_waiters();
        let protocol = Some(PROTOCOL_VERSION.into());
        Ok(Response::new(wire::RegisterReply { protocol, lease_ttl_ms: 60_000, heartbeat_interval_ms: 100 }))
    }

    type SessionStream = ReceiverStream<Result<wire::CoordinatorMessage, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<wire::WorkerMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let mut inbound = request.into_inner();
        let (sender, replies) = mpsc::channel(64);
        let this = self.clone();
        tokio::spawn(async move {
            while let Ok(Some(message)) = inbound.message().await {
                let answer = this.answer(message.kind.unwrap()).transpose();
                this.changed.notify_waiters();
                let Some(answer) = answer else { continue };
                let is_break = answer.is_err();
                let mut answers = vec![answer];
                if this.state().is_nagging {
                    answers.push(Ok(coordinator_message::Kind::WorkAvailable(wire::WorkAvailable {})));
                    answers.push(Ok(coordinator_message::Kind::BeatNow(wire::BeatNow {})));
                }
                for answer in answers {
                    let answer = answer.map(|kind| wire::CoordinatorMessage { kind: Some(kind) });
                    if sender.send(answer).await.is_err() || is_break {
                        return;
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(replies)))
    }

    type FetchStream = ReceiverStream<Result<wire::Chunk, Status>>;

    async fn fetch(
        &self,
        request: Request<wire::FetchRequest>,
    ) -> Result<Response<Self::FetchStream>, Status> {
        let request = request.into_inner();
        let digest = Digest::from(<[u8; 32]>::try_from(request.digest.as_ref()).unwrap());
        let bytes =
            self.state().blobs.get(&digest).cloned().ok_or_else(|| Status::not_found("no such blob"))?;
        let (sender, chunks) = mpsc::channel(4);
        tokio::spawn(async move {
            for chunk in bytes[request.offset as usize..].chunks(CHUNK_BYTES.min(1_000)) {
                if sender.send(Ok(wire::Chunk { data: chunk.to_vec().into() })).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(chunks)))
    }

    async fn upload(
        &self,
        request: Request<Streaming<wire::UploadPart>>,
    ) -> Result<Response<wire::UploadReply>, Status> {
        let mut parts = request.into_inner();
        let (mut announced, mut bytes) = (None, Vec::new());
        while let Some(part) = parts.message().await? {
            announced = announced.or(part.artifact);
            bytes.extend_from_slice(&part.data);
        }
        let announced = ArtifactRef::try_from(announced.unwrap()).unwrap();
        if announced.digest != Digest::of(&bytes) || announced.bytes != bytes.len() as u64 {
            return Err(Status::invalid_argument("other bytes than announced"));
        }
        self.state().blobs.insert(announced.digest, bytes);
        Ok(Response::new(wire::UploadReply {}))
    }

    async fn complete(
        &self,
        request: Request<wire::CompleteRequest>,
    ) -> Result<Response<wire::CompleteReply>, Status> {
        let request = request.into_inner();
        let outcome = AttemptOutcome::try_from(request.outcome.unwrap()).unwrap();
        self.state().completed.insert(request.token, outcome);
        self.changed.notify_waiters();
        if self.state().is_mute {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(wire::CompleteReply {}))
    }

    async fn deregister(
        &self,
        _: Request<wire::DeregisterRequest>,
    ) -> Result<Response<wire::DeregisterReply>, Status> {
        self.state().deregistered = true;
        self.changed.notify_waiters();
        Ok(Response::new(wire::DeregisterReply {}))
    }
}

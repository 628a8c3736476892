//! The last step of an agent's messages before the network: watched, sometimes sent twice, and bent by planted bugs.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http_body::Frame;
use http_body_util::{BodyExt, Full};
use prost::Message;
use prost::bytes::{Buf, BufMut, Bytes, BytesMut};
use sweep_proto::wire::{self, coordinator_message, worker_message};
use sweep_proto::{AttemptOutcome, LeaseToken};
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::{Service, ServiceExt};

use crate::oracle::Oracle;
use crate::planted::Bug;
use crate::random::Random;

/// Bytes before each message of gRPC: a flag and a length.
const PREFIX: usize = 5;

/// A term that no fence ever waits for, in milliseconds.
const ENDLESS_MS: u64 = 3_600_000;

/// What happens to the messages of one host.
pub struct Tap {
    oracle: Oracle,
    host: String,
    bug: Option<Bug>,
    repeats_permille: u64,
    state: Mutex<TapState>,
}

struct TapState {
    random: Random,
    sessions: u64,
    /// Epochs that were sent, by token, and the session that sent each.
    sent: BTreeSet<(u64, u32, u64)>,
    /// Another member of a token's group.
    beside: BTreeMap<u64, u64>,
}

impl Tap {
    /// A tap on a host.
    pub fn new(oracle: Oracle, host: &str, bug: Option<Bug>, repeats_permille: u64, seed: u64) -> Self {
        let state = TapState {
            random: Random::new(seed),
            sessions: 0,
            sent: BTreeSet::new(),
            beside: BTreeMap::new(),
        };
        Self { oracle, host: host.to_owned(), bug, repeats_permille, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, TapState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn repeats(&self) -> bool {
        self.state().random.permille(self.repeats_permille)
    }

    /// A message of the agent; `None` where a bug swallows it.
    fn outgoing(&self, session: u64, mut message: wire::WorkerMessage) -> Option<wire::WorkerMessage> {
        if let Some(worker_message::Kind::Epoch(report)) = &mut message.kind {
            let epoch = report.metric.as_ref().map_or(0, |metric| metric.epoch);
            let mut state = self.state();
            let mut earlier =
                state.sent.iter().filter(|(token, sent, _)| (*token, *sent) == (report.token, epoch));
            let is_again = earlier.any(|(_, _, in_session)| *in_session < session);
            if is_again && self.bug == Some(Bug::NothingSentAgain) {
                return None;
            }
            if is_again {
                self.oracle.corner("epoch sent again");
            }
            state.sent.insert((report.token, epoch, session));
            if self.bug == Some(Bug::AnotherMembersToken) {
                report.token = state.beside.get(&report.token).copied().unwrap_or(report.token);
            }
        }
        Some(message)
    }

    /// A message of the coordinator, as the agent gets to see it.
    fn incoming(&self, mut message: wire::CoordinatorMessage) -> wire::CoordinatorMessage {
        use coordinator_message::Kind;
        if let Some(bug) = self.bug {
            self.bend(bug, &mut message);
        }
        let (oracle, host) = (&self.oracle, self.host.as_str());
        match &message.kind {
            Some(Kind::Epoch(ack)) => oracle.epoch_acknowledged(host, LeaseToken(ack.token), ack.epoch),
            Some(Kind::Steps(ack)) => {
                oracle.steps_acknowledged(host, LeaseToken(ack.token), ack.next_sequence);
            }
            Some(Kind::LeaseLost(lost)) => oracle.lease_lost(host, LeaseToken(lost.token), &lost.reason),
            Some(Kind::Heartbeat(reply)) => {
                for lease in reply.leases.iter().filter(|lease| lease.directive() == wire::Directive::Drop) {
                    oracle.lease_lost(host, LeaseToken(lease.token), &lease.reason);
                }
            }
            _ => {}
        }
        message
    }

    fn bend(&self, bug: Bug, message: &mut wire::CoordinatorMessage) {
        use coordinator_message::Kind;
        match (bug, &mut message.kind) {
            (Bug::AcknowledgeRefused, Some(Kind::LeaseLost(lost))) => {
                let state = self.state();
                let last = state
                    .sent
                    .iter()
                    .filter(|(token, _, _)| *token == lost.token)
                    .map(|(_, epoch, _)| *epoch)
                    .max();
                if let Some(epoch) = last {
                    message.kind = Some(Kind::Epoch(wire::EpochAck { token: lost.token, epoch }));
                }
            }
            (Bug::NoFence, Some(Kind::Grants(grants))) => {
                for grant in grants.groups.iter_mut().flat_map(|group| &mut group.grants) {
                    grant.lease_ttl_ms = ENDLESS_MS;
                }
            }
            (Bug::WrongCheckpoint, Some(Kind::Grants(grants))) => {
                for grant in grants.groups.iter_mut().flat_map(|group| &mut group.grants) {
                    grant.checkpoint = None;
                }
            }
            (Bug::AnotherMembersToken, Some(Kind::Grants(grants))) => {
                let mut state = self.state();
                for group in &grants.groups {
                    let tokens = group.grants.iter().map(|grant| grant.token);
                    state.beside.extend(tokens.clone().zip(tokens.skip(1)));
                }
            }
            _ => {}
        }
    }

    fn unary_answered(&self, path: &str, request: &Bytes, answer: &http::HeaderMap) {
        if !path.ends_with("/Complete") {
            return;
        }
        let decoded = wire::CompleteRequest::decode(request.slice(PREFIX.min(request.len())..)).ok();
        let Some(request) = decoded else { return };
        let outcome: Option<AttemptOutcome> = request.outcome.and_then(|outcome| outcome.try_into().ok());
        let code = answer.get("grpc-status").map(http::HeaderValue::as_bytes);
        if let (Some(b"0"), Some(outcome)) = (code, outcome) {
            self.oracle.completed(&self.host, LeaseToken(request.token), &outcome);
        }
    }
}

/// A channel behind a tap.
#[derive(Clone)]
pub struct Wire {
    channel: Channel,
    tap: Arc<Tap>,
}

impl Wire {
    /// A tapped channel.
    pub fn new(channel: Channel, tap: Tap) -> Self {
        Self { channel, tap: Arc::new(tap) }
    }

    async fn pass(mut self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        self.channel.ready().await?.call(request).await
    }

    /// The session: each message on its own.
    async fn session(self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        let session = {
            let mut state = self.tap.state();
            state.sessions += 1;
            state.sessions
        };
        let tap = Arc::clone(&self.tap);
        let request = request.map(|body| {
            mapped(body, move |bytes| {
                let message = wire::WorkerMessage::decode(bytes.clone()).ok()?;
                tap.outgoing(session, message).map(|message| message.encode_to_vec().into())
            })
        });
        let tap = Arc::clone(&self.tap);
        let response = self.pass(request).await?;
        Ok(response.map(|body| {
            mapped(body, move |bytes| {
                let message = wire::CoordinatorMessage::decode(bytes.clone()).ok()?;
                Some(tap.incoming(message).encode_to_vec().into())
            })
        }))
    }

    /// A request that may be sent twice: both arrive, one is answered.
    async fn unary(self, request: http::Request<Body>) -> Result<http::Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
            return self.pass(http::Request::from_parts(head, Body::empty())).await;
        };
        let copy = |head| http::Request::from_parts(head, Body::new(Full::new(body.clone())));
        let response = if self.tap.repeats() {
            self.tap.oracle.corner("request sent twice");
            let (first, second) =
                tokio::join!(self.clone().pass(copy(head.clone())), self.clone().pass(copy(head)));
            if self.tap.state().random.permille(500) { first } else { second }
        } else {
            self.clone().pass(copy(head)).await
        }?;
        let (mut head, answer) = response.into_parts();
        let Ok(answer) = answer.collect().await else {
            // The connection broke in the middle of the answer: so the agent learns it, too.
            let status = tonic::Status::unavailable("the answer was cut off");
            return Ok(status.into_http());
        };
        let trailers = answer.trailers().cloned();
        self.tap.unary_answered(&path, &body, trailers.as_ref().unwrap_or(&head.headers));
        head.headers.remove(http::header::CONTENT_LENGTH);
        let bytes = Full::new(answer.to_bytes());
        let with_trailers = bytes.with_trailers(async move { trailers.map(Ok::<_, Infallible>) });
        Ok(http::Response::from_parts(head, Body::new(with_trailers)))
    }
}

/// Methods with one request and one answer.
const UNARY: [&str; 8] =
    ["/Register", "/Complete", "/Deregister", "/Pause", "/Resume", "/Cancel", "/Extend", "/Drain"];

impl Service<http::Request<Body>> for Wire {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let wire = self.clone();
        let path = request.uri().path();
        if path.ends_with("/Session") {
            Box::pin(wire.session(request))
        } else if UNARY.iter().any(|method| path.ends_with(method)) {
            Box::pin(wire.unary(request))
        } else {
            Box::pin(wire.pass(request))
        }
    }
}

/// A body of gRPC messages, each of which goes through a function.
struct Mapped<F> {
    inner: Body,
    pending: BytesMut,
    map: F,
}

fn mapped(inner: Body, map: impl FnMut(&Bytes) -> Option<Bytes> + Send + Unpin + 'static) -> Body {
    Body::new(Mapped { inner, pending: BytesMut::new(), map })
}

impl<F: FnMut(&Bytes) -> Option<Bytes>> Mapped<F> {
    /// The next whole message, mapped.
    fn next_message(&mut self) -> Option<Bytes> {
        loop {
            let prefix = self.pending.get(1..PREFIX)?;
            let length = u32::from_be_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]) as usize;
            if self.pending.len() < PREFIX + length {
                return None;
            }
            self.pending.advance(PREFIX);
            let message = self.pending.split_to(length).freeze();
            if let Some(message) = (self.map)(&message) {
                let mut framed = BytesMut::with_capacity(PREFIX + message.len());
                framed.put_u8(0);
                framed.put_u32(message.len() as u32);
                framed.put(message);
                return Some(framed.freeze());
            }
        }
    }
}

impl<F: FnMut(&Bytes) -> Option<Bytes> + Unpin> http_body::Body for Mapped<F> {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        loop {
            if let Some(message) = self.next_message() {
                return Poll::Ready(Some(Ok(Frame::data(message))));
            }
            match Pin::new(&mut self.inner).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.pending.extend_from_slice(&data),
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return other,
            }
        }
    }
}

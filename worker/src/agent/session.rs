//! The session: one stream over which work is asked for, leases are renewed and reports are sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sweep_proto::LeaseToken;
use sweep_proto::wire::{self, coordinator_message, worker_message};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use super::backoff::Backoff;
use super::register::{self, Terms, unary};
use super::{AgentError, Instruction, Shared, group, locked, sleep_until};

/// Messages that wait for the network; everything else waits in its queue, where it is accounted for.
const OUTBOUND_MAX: usize = 4;

/// Shortest pause between two requests for work, and between two heartbeats, whatever a coordinator says: an idle slot
/// notices neither.
const ASK_PAUSE_MIN: Duration = Duration::from_millis(50);
const BEAT_PAUSE_MIN: Duration = Duration::from_millis(100);

/// A session that lasted for less counts as one that failed.
const SESSION_LIVED: Duration = Duration::from_secs(1);

/// How long an idle worker waits after it was told that there is no work, up to as much again at random.
const ASK_AGAIN: Duration = Duration::from_secs(3);

/// A session whose heartbeats stay unanswered for so many intervals, and at least for so long, is dead.
const SILENT_INTERVALS_MAX: u32 = 3;
const SILENCE_MIN: Duration = Duration::from_secs(2);

/// A piece of work that was asked for and not yet answered. Outlives sessions, so that grants whose
/// answer was lost are handed out again instead of running out.
#[derive(Clone, Debug)]
struct Ask {
    request_id: String,
    slots: u32,
    first_sent_at: Instant,
    is_sent: bool,
}

/// Asks for work, one request at a time.
#[derive(Debug)]
struct Asker {
    pending: Option<Ask>,
    not_before: Instant,
    /// When the newest request was sent.
    asked_at: Option<Instant>,
}

impl Asker {
    /// The earliest time of the next request.
    fn next_at(&self) -> Instant {
        self.asked_at.map_or(self.not_before, |asked_at| self.not_before.max(asked_at + ASK_PAUSE_MIN))
    }

    fn is_due(&self, shared: &Shared, now: Instant) -> bool {
        match &self.pending {
            Some(ask) => !ask.is_sent,
            None => now >= self.next_at() && shared.free_slots() > 0 && !shared.drain.is_cancelled(),
        }
    }

    fn message(&mut self, shared: &Shared, now: Instant) -> worker_message::Kind {
        let ask = self.pending.get_or_insert_with(|| Ask {
            request_id: uuid::Uuid::now_v7().to_string(),
            slots: shared.free_slots(),
            first_sent_at: now,
            is_sent: false,
        });
        ask.is_sent = true;
        self.asked_at = Some(now);
        worker_message::Kind::AskWork(wire::AskWork {
            request_id: ask.request_id.clone(),
            slots: ask.slots,
            group: shared.settings.profile.group,
        })
    }

    /// When there is something to ask, should nothing else happen.
    fn wakes_at(&self, shared: &Shared) -> Option<Instant> {
        let is_waiting = self.pending.is_none() && shared.free_slots() > 0 && !shared.drain.is_cancelled();
        is_waiting.then(|| self.next_at())
    }
}

/// Keeps a session up, whatever happens to it. Ends only where the coordinator refuses this worker.
pub(super) async fn keep(shared: &Arc<Shared>) -> AgentError {
    let started_at = Instant::now();
    let mut backoff = Backoff::new(shared.jitter());
    let mut asker = Asker { pending: None, not_before: started_at, asked_at: None };
    let mut is_fresh = true;
    loop {
        let status = match register::register(shared, is_fresh).await {
            Ok(terms) => {
                if is_fresh {
                    tracing::info!(worker = %shared.settings.worker, "the worker has joined");
                }
                is_fresh = false;
                let opened_at = Instant::now();
                let status = hold(shared, terms, &mut asker).await;
                if opened_at.elapsed() > terms.heartbeat_interval.max(SESSION_LIVED) {
                    backoff.reset();
                }
                status
            }
            Err(status) if register::is_final(&status) => return AgentError::Refused(Box::new(status)),
            Err(status) if is_fresh && sweep_transport::needs_a_person(&status) => {
                return AgentError::Unreachable(Box::new(status));
            }
            Err(status) if is_fresh && started_at.elapsed() > shared.settings.first_contact => {
                return AgentError::Unreachable(Box::new(status));
            }
            Err(status) => status,
        };
        let wait = backoff.next_wait();
        let wait_ms = wait.as_millis() as u64;
        tracing::warn!(reason = %reason(&status), wait_ms, "no session with the coordinator; joining again");
        tokio::time::sleep(wait).await;
    }
}

/// A status in words: its message, and what lies at the bottom of it.
pub(super) fn reason(status: &Status) -> String {
    let mut cause = std::error::Error::source(status);
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| status.message().to_owned(), |cause| format!("{}: {cause}", status.message()))
}

/// One session from its first message to its end; says why it ended.
async fn hold(shared: &Arc<Shared>, terms: Terms, asker: &mut Asker) -> Status {
    let (sender, outbound) = mpsc::channel(OUTBOUND_MAX);
    let hello =
        wire::Hello { worker_id: shared.settings.worker.to_string(), instance: shared.instance.clone() };
    let hello = wire::WorkerMessage { kind: Some(worker_message::Kind::Hello(hello)) };
    if sender.try_send(hello).is_err() {
        return Status::internal("the session has no room for its first message");
    }
    let mut inbound = match unary(shared.client.clone().session(ReceiverStream::new(outbound))).await {
        Ok(inbound) => inbound,
        Err(status) => return status,
    };
    shared.reporter.restart();
    shared.settings.logs.restart();
    if let Some(ask) = &mut asker.pending {
        ask.is_sent = false;
    }
    let mut session = Session { shared, asker, heartbeats: Heartbeats::new(terms.heartbeat_interval) };
    loop {
        let now = Instant::now();
        if session.heartbeats.is_dead(now) {
            return Status::deadline_exceeded("the coordinator answers no heartbeats");
        }
        let has_message = session.has_message(now);
        let wakes_at = Some(session.wakes_at());
        tokio::select! {
            message = inbound.message() => match message {
                Ok(Some(message)) => session.take(message),
                Ok(None) => return Status::unavailable("the coordinator closed the session"),
                Err(status) if status.code() == Code::NotFound => return status,
                Err(status) => return status,
            },
            permit = sender.reserve(), if has_message => match permit {
                Ok(permit) => {
                    if let Some(kind) = session.next_message(Instant::now()) {
                        permit.send(wire::WorkerMessage { kind: Some(kind) });
                    }
                }
                Err(_) => return Status::unavailable("the connection to the coordinator broke"),
            },
            () = shared.changed.notified() => {}
            () = sleep_until(wakes_at), if !has_message => {}
            () = sleep_until(session.heartbeats.dies_at()) => {}
        }
    }
}

struct Session<'a> {
    shared: &'a Arc<Shared>,
    asker: &'a mut Asker,
    heartbeats: Heartbeats,
}

impl Session<'_> {
    fn has_message(&self, now: Instant) -> bool {
        self.heartbeats.is_due(now)
            || self.asker.is_due(self.shared, now)
            || self.shared.reporter.has_unsent()
    }

    /// The most urgent message. Heartbeats come first: a long queue of metrics must not cost a lease.
    fn next_message(&mut self, now: Instant) -> Option<worker_message::Kind> {
        if self.heartbeats.is_due(now) {
            self.heartbeats.sent(now);
            let tokens = locked(&self.shared.leases).tokens().into_iter().map(|token| token.0).collect();
            return Some(worker_message::Kind::Heartbeat(wire::Heartbeat {
                tokens,
                logs: self.shared.settings.logs.unsent(),
            }));
        }
        if self.asker.is_due(self.shared, now) {
            return Some(self.asker.message(self.shared, now));
        }
        self.shared.reporter.next_report()
    }

    fn wakes_at(&self) -> Instant {
        let ask_at = self.asker.wakes_at(self.shared);
        ask_at.map_or(self.heartbeats.due_at, |at| at.min(self.heartbeats.due_at))
    }

    fn take(&mut self, message: wire::CoordinatorMessage) {
        use coordinator_message::Kind;
        match message.kind {
            Some(Kind::Heartbeat(reply)) => self.take_heartbeat_reply(&reply),
            Some(Kind::Grants(grants)) => self.take_grants(grants),
            Some(Kind::Epoch(ack)) => {
                self.shared.reporter.epoch_acknowledged(LeaseToken(ack.token), ack.epoch);
            }
            Some(Kind::Steps(ack)) => {
                self.shared.reporter.steps_acknowledged(LeaseToken(ack.token), ack.next_sequence);
            }
            Some(Kind::LeaseLost(lost)) => {
                self.shared.tell(LeaseToken(lost.token), Instruction::Drop, &lost.reason);
            }
            Some(Kind::WorkAvailable(_)) => self.asker.not_before = Instant::now(),
            Some(Kind::BeatNow(_)) => self.heartbeats.hasten(Instant::now()),
            // A newer coordinator may say more than this worker knows.
            None => {}
        }
    }

    fn take_heartbeat_reply(&mut self, reply: &wire::HeartbeatReply) {
        let Some(sent_at) = self.heartbeats.answered() else {
            tracing::debug!("an answer came to no heartbeat");
            return;
        };
        for lease in &reply.leases {
            let token = LeaseToken(lease.token);
            match lease.directive() {
                wire::Directive::Continue => locked(&self.shared.leases).renew(token, sent_at),
                wire::Directive::Release => {
                    // Still ours until it is handed back.
                    locked(&self.shared.leases).renew(token, sent_at);
                    self.shared.tell(token, Instruction::Release, &lease.reason);
                }
                wire::Directive::Drop => self.shared.tell(token, Instruction::Drop, &lease.reason),
                wire::Directive::Unspecified => {}
            }
        }
        self.shared.leases_changed.notify_one();
        if reply.drain && !self.shared.drain.is_cancelled() {
            tracing::info!("the coordinator asks this worker to drain");
            self.shared.drain.cancel();
        }
    }

    fn take_grants(&mut self, grants: wire::Grants) {
        let Some(ask) = self.asker.pending.take_if(|ask| ask.request_id == grants.request_id) else {
            tracing::debug!(request_id = grants.request_id, "work came that nobody asked for");
            return;
        };
        let spread = self.shared.jitter().up_to(ASK_AGAIN);
        let is_empty = grants.groups.iter().all(|group| group.grants.is_empty());
        let now = Instant::now();
        self.asker.not_before = if is_empty { now + ASK_AGAIN + spread } else { now };
        for granted in grants.groups.into_iter().filter(|group| !group.grants.is_empty()) {
            group::start(self.shared, granted, ask.first_sent_at);
        }
        if ask.first_sent_at.elapsed() > self.heartbeats.interval {
            // The answer was slow: do not lose what it brought.
            self.heartbeats.hasten(now);
        }
    }
}

/// When heartbeats were sent, and when the next one is due.
#[derive(Debug)]
struct Heartbeats {
    interval: Duration,
    due_at: Instant,
    sent_at: Option<Instant>,
    /// Sent and not yet answered; answers come in order.
    unanswered: VecDeque<Instant>,
}

impl Heartbeats {
    fn new(interval: Duration) -> Self {
        Self { interval, due_at: Instant::now(), sent_at: None, unanswered: VecDeque::new() }
    }

    fn is_due(&self, now: Instant) -> bool {
        now >= self.due_at
    }

    fn sent(&mut self, now: Instant) {
        self.unanswered.push_back(now);
        self.sent_at = Some(now);
        self.due_at = now + self.interval;
    }

    /// The next one is due as soon as may be.
    fn hasten(&mut self, now: Instant) {
        let soonest = self.sent_at.map_or(now, |sent_at| now.max(sent_at + BEAT_PAUSE_MIN));
        self.due_at = self.due_at.min(soonest);
    }

    fn answered(&mut self) -> Option<Instant> {
        self.unanswered.pop_front()
    }

    fn dies_at(&self) -> Option<Instant> {
        let silence = (self.interval * SILENT_INTERVALS_MAX).max(SILENCE_MIN);
        self.unanswered.front().map(|sent_at| *sent_at + silence)
    }

    fn is_dead(&self, now: Instant) -> bool {
        self.dies_at().is_some_and(|dies_at| now >= dies_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_dies_of_its_oldest_unanswered_heartbeat() {
        let mut heartbeats = Heartbeats::new(Duration::from_secs(1));
        let start = heartbeats.due_at;
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(heartbeats.is_due(start));
        heartbeats.sent(start);
        assert!(!heartbeats.is_due(start) && heartbeats.is_due(at(1)));
        heartbeats.sent(at(1));
        assert_eq!(heartbeats.answered(), Some(start));
        assert!(!heartbeats.is_dead(at(3)) && heartbeats.is_dead(at(4)));
        assert_eq!(heartbeats.answered(), Some(at(1)));
        assert!(!heartbeats.is_dead(at(100)));
        assert_eq!(heartbeats.answered(), None);
    }

    #[test]
    fn a_coordinator_that_nags_gets_no_more_heartbeats_than_a_few_a_second() {
        let mut heartbeats = Heartbeats::new(Duration::from_secs(5));
        let start = heartbeats.due_at;
        let mut sent = 0;
        for at in (0..1_000).map(|ms| start + Duration::from_millis(ms)) {
            heartbeats.hasten(at);
            if heartbeats.is_due(at) {
                heartbeats.sent(at);
                sent += 1;
            }
        }
        assert_eq!(sent, 10);
    }
}

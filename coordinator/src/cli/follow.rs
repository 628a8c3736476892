//! Follows a sweep through broken connections: a coordinator that restarts does not end it.

use std::time::Duration;

use sweep_proto::wire::{GetRequest, SweepStatus};
use tokio::time::Instant;
use tonic::{Code, Status, Streaming};

use super::client::Client;
use super::exit::{Failure, is_broken_connection};
use coordinator::json::Sweep;

/// First wait before connecting again; each further one is twice as long.
const RETRY_FIRST: Duration = Duration::from_millis(250);
/// Longest wait between two tries.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// How long a coordinator may be away: longer than a restart or an upgrade takes.
pub(super) const AWAY_MAX: Duration = Duration::from_mins(15);

/// What happened to the sweep that is followed.
#[derive(Debug)]
pub(crate) enum Event {
    /// It stands so now.
    Status(Box<Sweep>),
    /// The connection broke, for this reason; it is tried again.
    Lost(String),
}

/// A stream of states that reconnects by itself.
#[derive(Debug)]
pub(crate) struct Follower {
    client: Client,
    id: u64,
    stream: Option<Streaming<SweepStatus>>,
    retry_after: Duration,
    /// When to connect again; a call that is dropped does not put it off.
    retry_at: Instant,
    away_since: Option<Instant>,
}

impl Follower {
    /// Follows the sweep of that number.
    pub(crate) fn new(client: Client, id: u64) -> Self {
        Self {
            client,
            id,
            stream: None,
            retry_after: Duration::ZERO,
            retry_at: Instant::now(),
            away_since: None,
        }
    }

    /// The next event. Cancel-safe: a dropped call loses nothing.
    ///
    /// # Errors
    /// Where the coordinator refuses, or stays away too long (exit code 3).
    pub(crate) async fn next(&mut self) -> Result<Event, Failure> {
        if self.stream.is_none() {
            tokio::time::sleep_until(self.retry_at).await;
            match self.client.watch(GetRequest { sweep: self.id.to_string() }).await {
                Ok(reply) => self.stream = Some(reply.into_inner()),
                Err(status) if is_passing(&status) => return self.lost(status.message()),
                Err(status) => return Err(status.into()),
            }
        }
        let Some(stream) = &mut self.stream else {
            return self.lost("there is no stream");
        };
        match stream.message().await {
            Ok(Some(status)) => {
                self.retry_after = Duration::ZERO;
                self.away_since = None;
                Ok(Event::Status(Box::new(Sweep::from(status))))
            }
            Ok(None) => self.lost("the coordinator ended the stream"),
            Err(status) if is_passing(&status) => self.lost(status.message()),
            Err(status) => Err(status.into()),
        }
    }

    fn lost(&mut self, reason: &str) -> Result<Event, Failure> {
        self.stream = None;
        self.retry_after = (self.retry_after * 2).clamp(RETRY_FIRST, RETRY_MAX);
        self.retry_at = Instant::now() + self.retry_after;
        let since = *self.away_since.get_or_insert_with(Instant::now);
        if since.elapsed() > AWAY_MAX {
            let minutes = AWAY_MAX.as_secs() / 60;
            return Err(Failure::unavailable(format!(
                "the coordinator was away for {minutes} minutes: {reason}"
            ))
            .hint(format!("once it is back, `sweep watch {}` goes on", self.id)));
        }
        Ok(Event::Lost(reason.to_owned()))
    }
}

/// Whether trying again may help: the connection broke, or the coordinator is too busy just now.
pub(crate) fn is_passing(status: &Status) -> bool {
    is_broken_connection(status) || matches!(status.code(), Code::ResourceExhausted | Code::DeadlineExceeded)
}

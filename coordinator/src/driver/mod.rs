//! The driver: one thread owns the engine and the store; everybody else sends it requests.

mod collector;
mod journal;
mod notices;
mod references;
#[cfg(test)]
mod tests;
mod thread;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use coordinator_core::{Command, Engine, Rejection, Reply};
use coordinator_store::{Store, StoreError, StoreReader};
use sweep_proto::{Digest, LeaseToken, StepMetric, Timestamp, WorkerId};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use crate::artifacts::Artifacts;
use crate::clock::Clock;
use collector::Collector;
pub(crate) use notices::{Notices, Standing};

/// Requests that wait for the driver. Beyond these, callers wait up to [`MAILBOX_WAIT`].
const MAILBOX_MAX: usize = 4_096;

/// How long a caller waits for room in the mailbox before it is told to come back.
const MAILBOX_WAIT: Duration = Duration::from_secs(5);

/// Opens the store: at the start, and again after it failed.
pub(crate) type OpenStore = Box<dyn Fn() -> Result<Box<dyn Store>, StoreError> + Send>;

/// Why the driver did not do what was asked.
#[derive(Debug, Error)]
pub(crate) enum DriverError {
    /// The engine refused; nothing has changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Too many requests wait.
    #[error("the coordinator is overloaded; try again in a moment")]
    Full,
    /// The store fails, or the coordinator is stopping. What was asked may or may not have happened.
    #[error("{0}")]
    Unavailable(String),
}

/// A look at the durable state, or why there is none to look at.
type Look = Box<dyn FnOnce(Result<(&Engine, Timestamp), &str>) + Send>;

/// One request. Its sender waits on the other end of `reply`.
enum Request {
    /// Decide, persist, reply.
    Command { command: Box<Command>, reply: oneshot::Sender<Result<Reply, DriverError>> },
    /// Look at the durable state.
    Read(Look),
    /// Persist step metrics of a live lease.
    Steps {
        worker: WorkerId,
        token: LeaseToken,
        points: Vec<StepMetric>,
        reply: oneshot::Sender<Result<u64, DriverError>>,
    },
    /// Give a reader of the store, which works beside the thread.
    Reader(oneshot::Sender<Result<Box<dyn StoreReader>, DriverError>>),
    /// Look again later whether a blob is still without a reference.
    Unreferenced(Digest),
    /// End the thread after everything before this.
    Stop,
}

/// What runs for a driver.
#[derive(Debug)]
pub(crate) struct Running {
    thread: JoinHandle<()>,
    collecting: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Waits for the end of a driver that was told to stop; tells whether it ended as it should.
    pub(crate) async fn ended(self) -> bool {
        let joined = tokio::task::spawn_blocking(move || self.thread.join().is_ok()).await;
        joined.unwrap_or(false) && self.collecting.await.is_ok()
    }
}

/// The way to the driver.
#[derive(Clone, Debug)]
pub(crate) struct Driver {
    mailbox: mpsc::Sender<Request>,
    notices: Arc<Notices>,
}

impl Driver {
    /// Loads the store and starts the thread, and beside it, on the current runtime, what removes blobs.
    ///
    /// A driver whose store another coordinator leads stands by, and takes over when that one is gone.
    ///
    /// # Errors
    /// Whatever else opening or loading the store gives.
    pub(crate) fn start(
        open: OpenStore,
        artifacts: Arc<Artifacts>,
        clock: Clock,
    ) -> Result<(Self, Running), StoreError> {
        let notices = Arc::new(Notices::default());
        let (mailbox, requests) = mpsc::channel(MAILBOX_MAX);
        let (collector, collecting) = Collector::start(artifacts, mailbox.downgrade());
        let thread = thread::spawn(open, collector, clock, Arc::clone(&notices), requests)?;
        Ok((Self { mailbox, notices }, Running { thread, collecting }))
    }

    /// What changed: for those who watch and those who wait for work.
    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Asks the engine. The answer comes when everything that it tells is durable.
    pub(crate) async fn command(&self, command: Command) -> Result<Reply, DriverError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Command { command: Box::new(command), reply }).await?;
        answer.await.map_err(|_| gone())?
    }

    /// Reads the durable state. `look` runs on the driver's thread: it must be short, and copy what it needs.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Engine, Timestamp) -> T + Send + 'static,
    ) -> Result<T, DriverError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Read(Box::new(move |state| {
            let seen = state.map(|(engine, now)| look(engine, now));
            // Whoever asked may have gone.
            _ = reply.send(seen.map_err(|reason| DriverError::Unavailable(reason.to_owned())));
        }));
        self.send(request).await?;
        answer.await.map_err(|_| gone())?
    }

    /// Persists step metrics and gives the next sequence that is missing: everything below is durable.
    pub(crate) async fn append_steps(
        &self,
        worker: WorkerId,
        token: LeaseToken,
        points: Vec<StepMetric>,
    ) -> Result<u64, DriverError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Steps { worker, token, points, reply }).await?;
        answer.await.map_err(|_| gone())?
    }

    /// A reader of the store: for what only the store keeps, and for long reading.
    pub(crate) async fn reader(&self) -> Result<Box<dyn StoreReader>, DriverError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Reader(reply)).await?;
        answer.await.map_err(|_| gone())?
    }

    /// Ends the thread once everything that was asked before is done.
    pub(crate) async fn stop(&self) {
        // It may have ended by itself.
        _ = self.mailbox.send(Request::Stop).await;
    }

    async fn send(&self, request: Request) -> Result<(), DriverError> {
        use mpsc::error::SendTimeoutError;
        self.mailbox.send_timeout(request, MAILBOX_WAIT).await.map_err(|error| match error {
            SendTimeoutError::Timeout(_) => DriverError::Full,
            SendTimeoutError::Closed(_) => gone(),
        })
    }
}

fn gone() -> DriverError {
    DriverError::Unavailable("the coordinator is stopping or its store is unavailable".to_owned())
}

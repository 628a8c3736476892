//! The driver: one thread (or one task) owns the engine and the store; everybody else sends it requests.

mod answering;
mod collector;
#[cfg(test)]
mod counting_tests;
mod grids;
mod journal;
mod live;
mod log_end;
mod notices;
mod proposer;
mod stale;
#[cfg(test)]
mod step_tests;
#[cfg(test)]
mod tests;
mod thread;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use coordinator_core::{Command, Engine, Rejection, Reply};
use coordinator_store::{Store, StoreError, StoreReader};
use sweep_proto::{ArtifactRef, LeaseToken, StepMetric, Timestamp, WorkerId};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use crate::artifacts::Artifacts;
use crate::clock::Clock;
use crate::security::sealing::Sealer;
use collector::Collector;
pub(crate) use notices::{Availability, Notices, Version};
use proposer::{Proposed, Proposer, Thinking};
pub use stale::KEEP_BYTES_MAX as STALE_BYTES_MAX;
use thread::Core;
pub(crate) use thread::ORPHAN_AGE_MIN;

/// Requests that wait for the driver. Beyond these, callers wait up to [`MAILBOX_WAIT`].
const MAILBOX_MAX: usize = 4_096;

/// How long a caller waits for room in the mailbox before it is told to come back.
const MAILBOX_WAIT: Duration = Duration::from_secs(5);

/// Opens the store: at the start, and again after it failed.
pub type OpenStore = Box<dyn Fn() -> Result<Box<dyn Store>, StoreError> + Send>;

/// Why the driver did not do what was asked.
#[derive(Debug, Error)]
pub(crate) enum DriverError {
    /// The engine refused; nothing has changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Too many requests wait.
    #[error("the coordinator is overloaded; try again in a moment")]
    Overloaded,
    /// There is no room for what this would write. Nothing has changed.
    #[error("the coordinator's disk is full ({0}); free some space there, and it goes on by itself")]
    DiskFull(String),
    /// The store fails, or the coordinator is stopping. What was asked may or may not have happened.
    #[error("{0}")]
    Unavailable(String),
}

impl DriverError {
    fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::Full(problem) => Self::DiskFull(problem.clone()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// A look at the durable state, or why there is none to look at.
type Reading = Box<dyn FnOnce(Result<(&Engine, Timestamp), &str>) + Send>;

/// One request. Its sender waits on the other end of `reply`.
enum Request {
    /// Decide, persist, reply.
    Command { command: Box<Command>, reply: oneshot::Sender<Result<Reply, DriverError>> },
    /// Look at the durable state.
    Read(Reading),
    /// Persist step metrics of a live lease.
    Steps {
        worker: WorkerId,
        token: LeaseToken,
        points: Vec<StepMetric>,
        reply: oneshot::Sender<Result<u64, DriverError>>,
    },
    /// Give a reader of the store, which works beside the thread.
    Reader(oneshot::Sender<Result<Box<dyn StoreReader>, DriverError>>),
    /// Look again later whether a blob is still without a reference: it was uploaded once more, or never reported.
    Unreferenced(ArtifactRef),
    /// Give back a part of the file's free pages, or rewrite the whole file.
    GiveBack { all: bool, reply: oneshot::Sender<Result<u64, DriverError>> },
    /// A sampler has answered.
    Proposed(Box<Proposed>),
    /// End the thread after everything before this.
    Stop,
}

/// What runs for a driver.
#[derive(Debug)]
pub(crate) struct Running {
    driving: Driving,
    collecting: tokio::task::JoinHandle<()>,
}

/// Where a driver's loop runs.
#[derive(Debug)]
enum Driving {
    /// On its own thread: the store blocks, and nobody else waits for it.
    Thread(JoinHandle<()>),
    /// As a task beside those who ask.
    Task(tokio::task::JoinHandle<()>),
}

impl Running {
    /// Waits for the end of a driver that was told to stop; tells whether it ended as it should.
    pub(crate) async fn ended(self) -> bool {
        let has_driven = match self.driving {
            Driving::Thread(thread) => {
                tokio::task::spawn_blocking(move || thread.join().is_ok()).await.unwrap_or(false)
            }
            Driving::Task(task) => task.await.is_ok(),
        };
        has_driven && self.collecting.await.is_ok()
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
    /// `sealer` signs the audit log, where it is signed.
    /// A driver whose store another coordinator leads stands by, and takes over when that one is gone.
    ///
    /// # Errors
    /// Whatever else opening or loading the store gives.
    pub(crate) fn start(
        open: OpenStore,
        sealer: Option<Arc<Sealer>>,
        artifacts: Arc<Artifacts>,
        clock: Clock,
    ) -> Result<(Self, Running), StoreError> {
        Self::run((open, sealer), artifacts, (clock, Thinking::OnThreads), |core, requests| {
            Ok(Driving::Thread(thread::spawn(core, requests)?))
        })
    }

    /// As [`Self::start`], but the loop is a task of the current runtime: for stores that do not block, and for a runtime
    /// whose time and order of things are simulated.
    ///
    /// # Errors
    /// Those of [`Self::start`].
    pub(crate) fn start_as_task(
        open: OpenStore,
        artifacts: Arc<Artifacts>,
        clock: Clock,
    ) -> Result<(Self, Running), StoreError> {
        Self::run((open, None), artifacts, (clock, Thinking::InTask), |core, requests| {
            Ok(Driving::Task(tokio::spawn(core.run(requests))))
        })
    }

    fn run(
        (open, sealer): (OpenStore, Option<Arc<Sealer>>),
        artifacts: Arc<Artifacts>,
        (clock, thinking): (Clock, Thinking),
        drive: impl FnOnce(Core, mpsc::Receiver<Request>) -> Result<Driving, StoreError>,
    ) -> Result<(Self, Running), StoreError> {
        let notices = Arc::new(Notices::default());
        let (mailbox, requests) = mpsc::channel(MAILBOX_MAX);
        let (collector, collecting) = Collector::start(artifacts, mailbox.downgrade());
        let beside = (collector, Proposer::start(thinking, mailbox.downgrade()));
        let core = Core::load((open, sealer), beside, clock, Arc::clone(&notices))?;
        let driving = drive(core, requests)?;
        Ok((Self { mailbox, notices }, Running { driving, collecting }))
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

    /// A blob was stored that nobody can refer to any more, unless something does already: it is removed after a while.
    pub(crate) async fn abandoned(&self, artifact: ArtifactRef) {
        // A driver that has ended leaves it to the next start.
        _ = self.mailbox.send(Request::Unreferenced(artifact)).await;
    }

    /// A reader of the store: for what only the store keeps, and for long reading.
    pub(crate) async fn reader(&self) -> Result<Box<dyn StoreReader>, DriverError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Reader(reply)).await?;
        answer.await.map_err(|_| gone())?
    }

    /// Gives a bounded part of what the store's file does not need back; how many bytes. 0 where there is no more.
    pub(crate) async fn give_back(&self) -> Result<u64, DriverError> {
        self.give(false).await
    }

    /// Rewrites the store's file to shrink it. Everybody else waits until it is done.
    pub(crate) async fn rebuild(&self) -> Result<(), DriverError> {
        self.give(true).await.map(|_| ())
    }

    async fn give(&self, all: bool) -> Result<u64, DriverError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::GiveBack { all, reply }).await?;
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
            SendTimeoutError::Timeout(_) => DriverError::Overloaded,
            SendTimeoutError::Closed(_) => gone(),
        })
    }
}

fn gone() -> DriverError {
    DriverError::Unavailable("the coordinator is stopping or its store is unavailable".to_owned())
}

//! The agent: keeps a session with the coordinator and runs leased work in slots.

mod attempt;
pub mod backoff;
mod blocking;
mod complete;
pub mod connect;
pub mod drain;
mod fetch;
mod group;
mod lease;
mod register;
mod reporter;
mod seat;
mod session;
mod shared_slot;
mod upload;
mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sweep_proto::wire::worker_service_client::WorkerServiceClient;
use sweep_proto::{LeaseToken, WorkerId, WorkerProfile};
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::body::Body;
use tower::util::BoxCloneSyncService;

use crate::attempt_log::AttemptLogs;
use crate::slot::SlotRunner;
use backoff::{Fruitless, Jitter};
use connect::Clients;
use fetch::Fetcher;
use lease::LeaseTable;
use reporter::Reporter;

pub use attempt::STOP_GRACE;

/// The client of the coordinator's worker service.
pub type Client = WorkerServiceClient<Transport>;

/// What carries an agent's calls: a channel, or a channel behind whatever watches or bends them.
pub type Transport = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, tonic::transport::Error>;

/// How an agent is set up.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// Who this worker is.
    pub worker: WorkerId,
    /// What it says of itself; `slots` decides how much work it takes.
    pub profile: WorkerProfile,
    /// The device of its slots, as `--device` takes it.
    pub device: String,
    /// Scratch space of attempts; this process is its only user.
    pub work_directory: PathBuf,
    /// Datasets by digest; may be shared with other workers.
    pub cache_directory: PathBuf,
    /// How long the coordinator may be away when the worker starts. Later it may be away forever.
    pub first_contact: Duration,
    /// How long a drain may take before what still runs is abandoned.
    pub drain_grace: Duration,
    /// How long a slot may work on one batch before it counts as hanging.
    pub stall_timeout: Duration,
    /// Whether a terminal sees bars.
    pub show_progress: bool,
    /// The seed of every random wait.
    pub jitter_seed: u64,
    /// Where the log keeps the lines of each attempt.
    pub logs: AttemptLogs,
}

/// Why an agent ends other than by a drain.
#[derive(Debug, Error)]
pub enum AgentError {
    /// Nobody answered at the start.
    #[error("no coordinator answers: {0}; is it running, and is the address right?")]
    Unreachable(Box<Status>),
    /// The coordinator does not take this worker.
    #[error("the coordinator refuses this worker: {0}")]
    Refused(Box<Status>),
    /// A directory of the worker cannot be used.
    #[error("{path} cannot be used")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What an attempt is told, from mildest to hardest. It only ever gets harder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Instruction {
    /// Go on.
    Run,
    /// Stop at the next batch and hand back.
    Release,
    /// The lease may have ended: stop at once, hand back if the coordinator still listens.
    Fence,
    /// The lease is gone: stop at once, say nothing.
    Drop,
}

/// What every task of an agent shares.
struct Shared {
    client: Client,
    clients: Clients,
    /// This process, among all that ever had this worker's identity.
    instance: String,
    settings: AgentSettings,
    runner: Arc<dyn SlotRunner>,
    fetcher: Fetcher,
    leases: Mutex<LeaseTable>,
    instructions: Mutex<BTreeMap<LeaseToken, watch::Sender<Instruction>>>,
    reporter: Reporter,
    jitter: Mutex<Jitter>,
    fruitless: Mutex<Fruitless>,
    /// Slots that hold work.
    busy: AtomicU32,
    /// There may be something new to send.
    changed: Notify,
    /// Leases were taken, renewed or given up.
    leases_changed: Notify,
    drain: CancellationToken,
    /// Nobody waits for the end of a drain.
    hurry: CancellationToken,
    attempts: TaskTracker,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn jitter(&self) -> Jitter {
        locked(&self.jitter).split()
    }

    fn free_slots(&self) -> u32 {
        self.settings.profile.slots.saturating_sub(self.busy.load(Ordering::Relaxed))
    }

    /// Tells an attempt to stop, unless it was told something harder.
    fn tell(&self, token: LeaseToken, instruction: Instruction, reason: &str) {
        let instructions = locked(&self.instructions);
        let Some(sender) = instructions.get(&token) else {
            return;
        };
        let is_harder = sender.send_if_modified(|current| {
            let is_harder = instruction > *current;
            *current = instruction.max(*current);
            is_harder
        });
        if is_harder {
            tracing::info!(%token, ?instruction, reason, "work is told to stop");
        }
    }

    fn tell_all(&self, instruction: Instruction, reason: &str) {
        let tokens: Vec<_> = locked(&self.instructions).keys().copied().collect();
        tokens.into_iter().for_each(|token| self.tell(token, instruction, reason));
    }

    /// Takes a lease; `None` where it is held already.
    fn hold(
        &self,
        token: LeaseToken,
        ttl: Duration,
        asked_at: Instant,
    ) -> Option<watch::Receiver<Instruction>> {
        if !locked(&self.leases).insert(token, ttl, asked_at) {
            return None;
        }
        let first = if self.drain.is_cancelled() { Instruction::Release } else { Instruction::Run };
        let (sender, receiver) = watch::channel(first);
        locked(&self.instructions).insert(token, sender);
        self.settings.logs.begin(token);
        self.leases_changed.notify_one();
        Some(receiver)
    }

    /// Gives a lease up and forgets everything about it.
    fn forget(&self, token: LeaseToken) {
        locked(&self.leases).remove(token);
        locked(&self.instructions).remove(&token);
        self.reporter.forget(token);
        self.settings.logs.end(token);
        self.leases_changed.notify_one();
        self.changed.notify_one();
    }
}

/// How a worker is told to leave.
#[derive(Clone, Debug, Default)]
pub struct Leave {
    /// Hand back what runs, and leave.
    pub drain: CancellationToken,
    /// Take little time for it: whoever started this worker has gone.
    pub hurry: CancellationToken,
}

impl From<CancellationToken> for Leave {
    fn from(drain: CancellationToken) -> Self {
        Self { drain, hurry: CancellationToken::new() }
    }
}

/// Runs a worker until it is drained: by cancelling `leave.drain`, or by its coordinator.
///
/// # Errors
/// [`AgentError`] where the coordinator is never reached or refuses, or a directory is of no use.
pub async fn run(
    settings: AgentSettings,
    clients: impl Into<Clients>,
    runner: Arc<dyn SlotRunner>,
    leave: impl Into<Leave>,
) -> Result<(), AgentError> {
    let Leave { drain, hurry } = leave.into();
    prepare_directories(&settings)?;
    let clients = clients.into();
    let mut jitter = Jitter::seeded(settings.jitter_seed);
    let fetch_seed = settings.jitter_seed.rotate_left(32);
    let shared = Arc::new(Shared {
        fetcher: Fetcher::new(clients.clone(), fetch_seed, settings.show_progress),
        client: clients.control(),
        clients,
        instance: uuid::Uuid::now_v7().to_string(),
        runner,
        leases: Mutex::default(),
        instructions: Mutex::default(),
        reporter: Reporter::default(),
        jitter: Mutex::new(jitter.split()),
        fruitless: Mutex::new(Fruitless::new(jitter.split())),
        busy: AtomicU32::new(0),
        changed: Notify::new(),
        leases_changed: Notify::new(),
        drain,
        hurry,
        attempts: TaskTracker::new(),
        settings,
    });
    let ended = tokio::select! {
        error = session::keep(&shared) => Err(error),
        never = fence(&shared) => match never {},
        () = drain::finish(&shared) => Ok(()),
    };
    // Whatever still runs is killed with its handle, and its lease left to run out.
    shared.tell_all(Instruction::Drop, "the worker leaves");
    shared.attempts.close();
    tokio::select! {
        () = shared.attempts.wait() => {}
        () = tokio::time::sleep(STOP_GRACE) => tracing::warn!("work did not end in time and is abandoned"),
        () = drain::hurried(&shared) => {}
    }
    ended
}

/// Stops work whose lease could not be renewed, before another worker may get it.
async fn fence(shared: &Shared) -> std::convert::Infallible {
    loop {
        let next = locked(&shared.leases).next_expiry();
        tokio::select! {
            () = shared.leases_changed.notified() => {}
            () = sleep_until(next) => {}
        }
        for token in locked(&shared.leases).take_expired(Instant::now()) {
            shared.tell(token, Instruction::Fence, "its lease could not be renewed in time");
        }
    }
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Makes the directories and clears what an earlier process has left in its scratch space.
fn prepare_directories(settings: &AgentSettings) -> Result<(), AgentError> {
    let failed = |path: &PathBuf| {
        let path = path.clone();
        move |source| AgentError::Directory { path, source }
    };
    if settings.work_directory.exists() {
        std::fs::remove_dir_all(&settings.work_directory).map_err(failed(&settings.work_directory))?;
    }
    for path in [&settings.work_directory, &settings.cache_directory] {
        std::fs::create_dir_all(path).map_err(failed(path))?;
    }
    Ok(())
}

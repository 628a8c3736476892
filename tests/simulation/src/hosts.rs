//! The software of the simulated hosts: a coordinator, a worker, and how either reaches the other.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coordinator::embedded::{Embedded, Ground, Inspector};
use coordinator_store::MemoryStore;
use hyper_util::rt::TokioIo;
use object_store::memory::InMemory;
use sweep_proto::{Timestamp, WorkerId, WorkerProfile};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use turmoil::net::{TcpListener, TcpStream};
use worker::agent::connect::client_through;
use worker::agent::{self, AgentSettings, Transport};

use crate::oracle::Oracle;
use crate::plan::COORDINATOR;
use crate::planted::Bug;
use crate::random::Random;
use crate::slots::ScriptedSlots;
use crate::store::Disk;
use crate::wire::{Tap, Wire};

/// The coordinator's port.
const PORT: u16 = 7077;

/// How long a connection may take to be made, as in a real client.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Between two comparisons of the engine with the store.
const COMPARE_INTERVAL: Duration = Duration::from_millis(700);

/// What the wall clock of a coordinator may say, in milliseconds: each of its lives believes another time.
const WALL_CLOCK_MS: (u64, u64) = (1_700_000_000_000, 1_700_000_000_000 + 2 * 24 * 3_600_000);

/// How long a worker's machine takes to start its process again, at most, in milliseconds.
const RESTART_MS: u64 = 5_000;

/// What a coordinator's lives share.
#[derive(Clone)]
pub struct CoordinatorHost {
    /// Its rows.
    pub rows: MemoryStore,
    /// Its artifacts.
    pub artifacts: Arc<InMemory>,
    /// Its encoded datasets.
    pub dataset_cache: PathBuf,
    /// Who watches.
    pub oracle: Oracle,
    /// A bug that it has.
    pub bug: Option<Bug>,
    /// Chance in a thousand that its disk refuses a commit, while things go wrong.
    pub disk_faults_permille: u64,
    /// When that ends.
    pub healed_at: Duration,
    /// What its clocks say, and what its disk does.
    pub random: Arc<Mutex<Random>>,
}

impl CoordinatorHost {
    /// One life of the coordinator.
    ///
    /// # Errors
    /// Where it does not start, or ends.
    pub async fn live(self) -> turmoil::Result {
        let wall_clock_ms = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            random.within(WALL_CLOCK_MS.0, WALL_CLOCK_MS.1)
        };
        self.oracle.event("the coordinator starts");
        let disk = self.clone();
        let coordinator = Embedded::start(Ground {
            open: Box::new(move || Ok(Box::new(Disk::open(&disk)))),
            artifacts: self.artifacts,
            dataset_cache: self.dataset_cache,
            now: Timestamp(wall_clock_ms),
        })?;
        tokio::spawn(compare(coordinator.inspector(), self.oracle));
        let connections = connections().await?;
        Ok(coordinator.serve(connections, CancellationToken::new()).await?)
    }
}

/// Compares the engine with the store again and again.
async fn compare(inspector: Inspector, oracle: Oracle) {
    loop {
        tokio::time::sleep(COMPARE_INTERVAL).await;
        let oracle = oracle.clone();
        // Nothing to look at means that the store has failed for the moment.
        _ = inspector.look(move |engine| oracle.compare(engine)).await;
    }
}

async fn connections() -> io::Result<ReceiverStream<io::Result<(TcpStream, SocketAddr)>>> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let (taken, stream) = mpsc::channel(16);
    tokio::spawn(async move { while taken.send(listener.accept().await).await.is_ok() {} });
    Ok(ReceiverStream::new(stream))
}

/// A channel to the coordinator over the simulated network, set up as a real client's is.
pub fn channel() -> Channel {
    sweep_transport::channel(tower::service_fn(|_: http::Uri| async {
        let connecting = TcpStream::connect((COORDINATOR, PORT));
        let timed_out = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
        tokio::time::timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or_else(timed_out).map(TokioIo::new)
    }))
}

/// What a worker's lives share.
#[derive(Clone)]
pub struct WorkerHost {
    /// Its host.
    pub host: String,
    /// Who it is.
    pub worker: WorkerId,
    /// Its slots.
    pub slots: u32,
    /// Most trials that one of them trains together.
    pub group: u32,
    /// Its folder: what is on its disk outlives its crashes.
    pub folder: PathBuf,
    /// Who watches.
    pub oracle: Oracle,
    /// A bug that it has.
    pub bug: Option<Bug>,
    /// Chance in a thousand that a request is sent twice.
    pub repeats_permille: u64,
    /// Chance in a thousand that an epoch ends in a crash of its slot.
    pub crashes_permille: u64,
    /// When that ends.
    pub healed_at: Duration,
    /// Its waits, and what its slots suffer.
    pub random: Arc<Mutex<Random>>,
}

impl WorkerHost {
    fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// One life of the machine: it starts its worker process again whenever that has ended.
    ///
    /// # Errors
    /// Never: a worker that ends is started again.
    pub async fn live(self) -> turmoil::Result {
        loop {
            let ended = self.process().await;
            let words = ended.map_or_else(|error| error.to_string(), |()| "it has drained".to_owned());
            self.oracle.event(&format!("the worker on {} has ended: {words}", self.host));
            let pause = self.draw(|random| random.below(RESTART_MS));
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn process(&self) -> Result<(), agent::AgentError> {
        self.oracle.event(&format!("the worker on {} starts", self.host));
        let settings = AgentSettings {
            worker: self.worker,
            profile: WorkerProfile {
                name: self.host.clone(),
                build: "simulated".to_owned(),
                slots: self.slots,
                devices: Vec::new(),
                group: self.group,
            },
            device: "cpu".to_owned(),
            work_directory: self.folder.join("work"),
            cache_directory: self.folder.join("cache"),
            first_contact: Duration::from_secs(30),
            stall_timeout: Duration::from_mins(10),
            drain_grace: Duration::from_secs(40),
            show_progress: false,
            jitter_seed: self.draw(Random::bits),
            logs: worker::attempt_log::AttemptLogs::default(),
        };
        let tap = Tap::new(
            self.oracle.clone(),
            &self.host,
            self.bug,
            self.repeats_permille,
            self.draw(Random::bits),
        );
        let client = client_through(Transport::new(Wire::new(channel(), tap)));
        let slots = ScriptedSlots {
            oracle: self.oracle.clone(),
            host: self.host.clone(),
            worker: self.worker,
            crashes_permille: self.crashes_permille,
            healed_at: self.healed_at,
            random: Arc::clone(&self.random),
        };
        agent::run(settings, client, Arc::new(slots), CancellationToken::new()).await
    }
}

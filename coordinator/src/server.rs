//! Starting and stopping a coordinator: binds, loads, serves in the background.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use coordinator_core::{Command, Engine, Keep, Quota};
use coordinator_store::StoreError;
use data_encoding::HEXLOWER;
use sweep_proto::protocol::MESSAGE_BYTES_MAX;
use sweep_proto::wire::access_service_server::AccessServiceServer;
use sweep_proto::wire::sweep_service_server::SweepServiceServer;
use sweep_proto::wire::worker_service_server::WorkerServiceServer;
use sweep_transport::presence::{LOCK, Presence};
use sweep_transport::private::{self, PrivateError};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::artifacts::{ArtifactError, Artifacts, ArtifactsChoice};
use crate::clock::Clock;
use crate::dashboard;
use crate::driver::{Driver, DriverError, Running, Standing};
use crate::http;
use crate::machine;
use crate::place::{Place, StoreChoice, at};
use crate::readers::Readers;
use crate::rpc::{AccessRpc, Doors, Shared, SweepRpc, WorkerRpc, audit, gc, status, uploads};
use crate::security::authority::AuthorityError;
use crate::security::doors;
use crate::security::files::SECURITY;
use crate::security::gate::Gate;
use crate::security::listener::{self, Connection, Entrance};
use crate::security::sealing::Sealer;
use crate::security::signer::Signer;

/// Interval of HTTP/2 pings on a connection: routers forget idle connections after a minute or more.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// How long a ping may stay unanswered before the connection counts as dead.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Most streams of one connection: a session, and an upload and a fetch for each of many slots.
const STREAMS_MAX: u32 = 1_024;

/// Largest list of headers, in bytes: ours are a few hundred.
const HEADER_BYTES_MAX: u32 = 16 * 1024;

/// Largest message to the access service, in bytes: a token's label and a certificate request are small.
const ACCESS_BYTES_MAX: usize = 64 * 1024;

/// Largest status of a sweep or list of workers that is sent, in bytes.
const REPLY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes of entropy in a coordinator's identity.
const IDENTITY_BYTES: usize = 16;

/// Time between two looks whether the data folder is still there.
const DATA_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How long running requests may take to end when the coordinator stops.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Whether texts of the data leave a coordinator, in reports or elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Texts {
    /// Where they are asked for.
    #[default]
    Told,
    /// Never, whatever is asked for.
    Withheld,
}

impl Texts {
    /// As the flag `--no-texts` says it.
    pub fn withheld_if(no_texts: bool) -> Self {
        if no_texts { Self::Withheld } else { Self::Told }
    }
}

/// What a coordinator needs to start.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Where it keeps everything.
    pub place: Place,
    /// TLS and tokens on loopback, too. Beyond loopback they are always on.
    pub is_secure: bool,
    /// Without TLS: let every user of this machine in, not only the one that runs the coordinator.
    pub is_open_to_local_users: bool,
    /// Whether it leaves its address in the data folder, for commands on this machine.
    pub is_announced: bool,
    /// Names and addresses by which other machines reach this one, best first; found out where empty.
    pub advertise: Vec<String>,
    /// Folders of corpora that people of other machines may name in their sweeps.
    pub corpora: Vec<PathBuf>,
    /// Where data is read.
    pub readers: Readers,
    /// Whether texts of the data leave it.
    pub texts: Texts,
    /// How much users may launch.
    pub quota: Quota,
    /// For how long what is kept that nobody needs for ever.
    pub keep: Keep,
    /// After how many days entries of the audit log are removed; `None`: only when somebody says so.
    pub audit_days: Option<u64>,
}

impl ServerConfig {
    /// A coordinator for this machine only.
    pub fn local(listen: SocketAddr, data_directory: PathBuf, store: StoreChoice) -> Self {
        Self {
            listen,
            place: Place { store, ..Place::local(data_directory) },
            is_secure: false,
            is_open_to_local_users: false,
            is_announced: true,
            advertise: Vec::new(),
            corpora: Vec::new(),
            readers: Readers::InProcess,
            texts: Texts::default(),
            quota: machine::quota(),
            keep: Keep::default(),
            audit_days: None,
        }
    }
}

/// Why a coordinator does not start, or did not stop cleanly.
#[derive(Debug, Error)]
pub enum StartError {
    /// Keys and certificates cannot be made or read.
    #[error("TLS cannot be set up: {0}")]
    Security(#[from] AuthorityError),
    /// A folder of corpora is not there.
    #[error("the folder of corpora {} cannot be used: {source}", path.display())]
    Corpora {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data folder cannot be made or written.
    #[error("cannot use the data folder {}: {source}", path.display())]
    DataDirectory {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data folder is gone, or another one stands in its place.
    #[error("the data folder {} was removed, moved or replaced while the coordinator worked in it", .0.display())]
    DataLost(PathBuf),
    /// The data folder is another user's, or others may write into it.
    #[error("cannot use the data folder: {0}")]
    NotPrivate(#[from] PrivateError),
    /// The object store cannot be used.
    #[error(
        "cannot keep artifacts at {url}: {problem}; the AWS_… variables of the environment give credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), AWS_REGION and, for storage outside AWS, AWS_ENDPOINT_URL"
    )]
    Artifacts {
        /// The address given.
        url: String,
        /// What the storage said.
        problem: String,
    },
    /// Another coordinator works in the data folder.
    #[error("another coordinator is using the data folder {}; stop it, or choose another folder", .0.display())]
    Locked(PathBuf),
    /// The data folder, or the one that was to get its name, was never finished.
    #[error("`{what}` was cut off, and {} is not whole; give the same command again, or remove the folder", path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
        /// The command.
        what: &'static str,
    },
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A part of the server ended in an unforeseen way.
    #[error("the server did not end cleanly: {0}")]
    Unclean(String),
}

/// A running coordinator. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    urls: Vec<String>,
    shutdown: CancellationToken,
    serving: tokio::task::JoinHandle<Result<(), tonic::transport::Error>>,
    driver: Driver,
    running: Option<Running>,
    data_directory: PathBuf,
    /// Held for as long as the server lives.
    lock: File,
}

impl Server {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it can be reached, best first.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Takes back what workers of an earlier process still hold, for a caller that knows them to be gone:
    /// their trials need not wait until the leases have run out.
    ///
    /// # Errors
    /// [`StartError::Unclean`] where the store refuses.
    pub async fn dismiss_workers(&self) -> Result<(), StartError> {
        let unclean = |error: DriverError| StartError::Unclean(error.to_string());
        let known = |engine: &Engine, _| engine.tables().workers.keys().copied().collect::<Vec<_>>();
        for worker in self.driver.read(known).await.map_err(unclean)? {
            self.driver.command(Command::Deregister(worker)).await.map_err(unclean)?;
        }
        Ok(())
    }

    /// Returns once the data folder is not the one any more that this coordinator works in: what it writes is lost.
    pub async fn data_lost(&self) -> StartError {
        loop {
            tokio::time::sleep(DATA_LOOK_INTERVAL).await;
            if !self.place_is_ours() {
                return StartError::DataLost(self.data_directory.clone());
            }
        }
    }

    /// Whether the lock that stands in the data folder is the one that is held.
    fn place_is_ours(&self) -> bool {
        let there = std::fs::metadata(self.data_directory.join(LOCK));
        match (there, self.lock.metadata()) {
            (Ok(there), Ok(held)) => (there.dev(), there.ino()) == (held.dev(), held.ino()),
            (Err(error), _) => error.kind() != io::ErrorKind::NotFound,
            (_, Err(_)) => true,
        }
    }

    /// Stops taking requests, lets running ones end for a bounded time, and closes the store.
    ///
    /// # Errors
    /// A [`StartError`] where a part did not end as it should.
    pub async fn stop(mut self) -> Result<(), StartError> {
        self.shutdown.cancel();
        let unclean = |problem: &dyn std::fmt::Display| StartError::Unclean(problem.to_string());
        let served = if let Ok(served) = tokio::time::timeout(STOP_WAIT, &mut self.serving).await {
            served.map_err(|error| unclean(&error)).and_then(|served| served.map_err(|error| unclean(&error)))
        } else {
            tracing::info!("requests that did not end in time were cut off");
            self.serving.abort();
            Ok(())
        };
        self.driver.stop().await;
        if let Some(running) = self.running.take()
            && !running.ended().await
        {
            return Err(unclean(&"the driver panicked"));
        }
        tracing::info!("the coordinator has stopped");
        served
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Starts a coordinator in the background of the current tokio runtime.
///
/// # Errors
/// A [`StartError`] names what stands in the way.
pub async fn start(config: ServerConfig) -> Result<Server, StartError> {
    let clock = Clock::start();
    private::check_own(&config.place.data_directory)?;
    let lock = if config.is_announced { config.place.lock()? } else { config.place.lock_briefly()? };
    let bind_error = |source| StartError::Bind { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(bind_error)?;
    let address = listener.local_addr().map_err(bind_error)?;

    let artifacts = Arc::new(open_artifacts(&config.place).await?);
    let keys = config.place.data_directory.join(SECURITY);
    let opening = tokio::task::spawn_blocking(move || Signer::open(&keys));
    let signer = Arc::new(opening.await.map_err(|error| StartError::Unclean(error.to_string()))??);
    let is_alone = config.place.store == StoreChoice::Sqlite;
    let sealer = Arc::new(Sealer::new(Arc::clone(&signer), &config.place.data_directory, is_alone));
    let (open, seals) = (config.place.opener(&own_url(&config, address)), Some(Arc::clone(&sealer)));
    let blobs = Arc::clone(&artifacts);
    // Loading reads the whole database: not on a thread that serves others.
    let loading = tokio::task::spawn_blocking(move || Driver::start(open, seals, blobs, clock));
    let (driver, running) = loading.await.map_err(|error| StartError::Unclean(error.to_string()))??;
    let is_secure = config.is_secure || !address.ip().is_loopback();
    let security = if is_secure { Some(doors::open(&config, address, &driver, clock).await?) } else { None };
    let shutdown = CancellationToken::new();
    let cache = config.place.data_directory.join("datasets");
    let (tls, doors) = security.unzip();
    let identity = identity(&config.place)?;
    let presence = Presence {
        address: doors::local_url(address, is_secure),
        identity: identity.clone(),
        is_whole: config.place.is_whole(),
    };
    let (signer, identity) = (Some(signer), Some(identity.into()));
    let doors = Doors { signer, identity, ..doors.unwrap_or_default() };
    let urls = doors.urls(address);
    let mut shared = Shared::new(driver.clone(), artifacts, cache, shutdown.clone(), doors)
        .map_err(|error| StartError::Unclean(error.to_string()))?;
    shared.readers = config.readers;
    shared.quota = config.quota;
    shared.keep = config.keep;
    shared.texts = config.texts;
    shared.sealer = Some(sealer);
    let entrance = match tls {
        Some(tls) => Entrance::Tls(tls.into()),
        None => Entrance::Loopback { is_open: config.is_open_to_local_users },
    };
    if let Some(days) = config.audit_days {
        tokio::spawn(audit::retain(shared.clone(), days));
    }
    let data_directory = config.place.data_directory.clone();
    let incoming = listener::connections(listener, entrance, driver.clone(), shutdown.clone());
    let serving = tokio::spawn(serve(incoming, shared));
    if config.is_announced {
        let folder = &config.place.data_directory;
        presence.write(folder).map_err(at(folder))?;
    }
    tracing::info!(%address, data_directory = %config.place.data_directory.display(), "the coordinator listens");
    Ok(Server { address, urls, shutdown, serving, driver, running: Some(running), data_directory, lock })
}

/// What tells this coordinator from others: made once for a data folder.
fn identity(place: &Place) -> Result<String, StartError> {
    let folder = &place.data_directory;
    if let Some(known) = Presence::read(folder).unwrap_or_default() {
        return Ok(known.identity);
    }
    let mut bytes = [0; IDENTITY_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| StartError::Unclean(error.to_string()))?;
    Ok(HEXLOWER.encode(&bytes))
}

/// Where this coordinator tells the others of its database that it is.
fn own_url(config: &ServerConfig, address: SocketAddr) -> String {
    let is_secure = config.is_secure || !address.ip().is_loopback();
    doors::urls(&config.advertise, address, is_secure).into_iter().next().unwrap_or_default()
}

/// Tells probes and load balancers what the driver can do, until the server stops.
async fn report_health(health: HealthReporter, driver: Driver, shutdown: CancellationToken) {
    let mut standing = driver.notices().of_standing();
    loop {
        let is_serving = *standing.borrow_and_update() == Standing::Serving && !shutdown.is_cancelled();
        let status = if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        // The empty name means the server as a whole.
        health.set_service_status("", status).await;
        health.set_service_status(SweepServiceServer::<SweepRpc>::NAME, status).await;
        health.set_service_status(WorkerServiceServer::<WorkerRpc>::NAME, status).await;
        tokio::select! {
            changed = standing.changed() => if changed.is_err() { return },
            () = shutdown.cancelled(), if is_serving => {}
        }
    }
}

async fn open_artifacts(place: &Place) -> Result<Artifacts, StartError> {
    let choice = place.artifacts();
    Artifacts::open(&choice).await.map_err(|error| match (&choice, error) {
        (ArtifactsChoice::Directory(path), ArtifactError::Disk(source)) => at(path)(source),
        (ArtifactsChoice::Directory(path), error) => at(path)(io::Error::other(error)),
        (ArtifactsChoice::Objects(url), error) => {
            StartError::Artifacts { url: url.clone(), problem: status::with_causes(&error) }
        }
    })
}

/// Serves every service and route on these connections, behind the gate.
pub(crate) async fn serve(
    connections: impl Stream<Item = io::Result<Connection>>,
    shared: Shared,
) -> Result<(), tonic::transport::Error> {
    let shutdown = shared.shutdown.clone();
    let gate = Gate::new(shared.driver.clone(), Arc::clone(&shared.sessions), shared.identity.as_deref());
    let (health, health_service) = tonic_health::server::health_reporter();
    tokio::spawn(report_health(health, shared.driver.clone(), shutdown.clone()));
    tokio::spawn(uploads::collect(shared.clone()));
    tokio::spawn(gc::keep_clean(shared.clone()));
    let sweeps = SweepServiceServer::new(SweepRpc::new(shared.clone()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(REPLY_BYTES_MAX);
    let workers = WorkerServiceServer::new(WorkerRpc::new(shared.clone()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let access = AccessServiceServer::new(AccessRpc::new(shared.clone()))
        .max_decoding_message_size(ACCESS_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let services = Routes::new(sweeps).add_service(workers).add_service(access).add_service(health_service);
    let routes =
        services.into_axum_router().merge(http::routes(shared.clone())).merge(dashboard::routes(shared));
    tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(STREAMS_MAX)
        .concurrency_limit_per_connection(STREAMS_MAX as usize)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .accept_http1(true)
        .layer(gate)
        .add_routes(Routes::from(routes))
        .serve_with_incoming_shutdown(connections, shutdown.cancelled_owned())
        .await
}

//! Starting and stopping a coordinator: binds, loads, serves in the background.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use coordinator_core::{Command, Engine};
use data_encoding::HEXLOWER;
use sweep_proto::protocol::MESSAGE_BYTES_MAX;
use sweep_proto::wire::access_service_server::AccessServiceServer;
use sweep_proto::wire::sweep_service_server::SweepServiceServer;
use sweep_proto::wire::worker_service_server::WorkerServiceServer;
use sweep_transport::presence::{LOCK, Presence};
use sweep_transport::private;
use tokio::net::TcpListener;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::artifacts::{ArtifactError, Artifacts, ArtifactsChoice};
use crate::clock::Clock;
use crate::config::ServerConfig;
use crate::dashboard;
use crate::driver::{Availability, Driver, DriverError, Running};
use crate::http;
use crate::place::{Place, StoreChoice, at};
use crate::rpc::{AccessRpc, Shared, SweepRpc, WorkerRpc, audit, gc, uploads};
use crate::security::doors::{self, Doors};
use crate::security::files::SECURITY;
use crate::security::gate::Gate;
use crate::security::listener::{self, Connection, Entrance};
use crate::security::sealing::Sealer;
use crate::security::signer::Signer;
use crate::start_error::StartError;
use crate::status;

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
    let mut availability = driver.notices().of_availability();
    loop {
        let is_serving =
            *availability.borrow_and_update() == Availability::Serving && !shutdown.is_cancelled();
        let status = if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        // The empty name means the server as a whole.
        health.set_service_status("", status).await;
        health.set_service_status(SweepServiceServer::<SweepRpc>::NAME, status).await;
        health.set_service_status(WorkerServiceServer::<WorkerRpc>::NAME, status).await;
        tokio::select! {
            changed = availability.changed() => if changed.is_err() { return },
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
    let gate = Gate::new(
        shared.driver.clone(),
        Arc::clone(&shared.sessions),
        shared.identity.as_deref(),
        dashboard::refusal,
    );
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

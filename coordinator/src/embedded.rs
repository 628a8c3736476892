//! A coordinator inside another program: on its runtime, its storage and its connections.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use coordinator_core::Engine;
use object_store::ObjectStore;
use sweep_proto::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::artifacts::Artifacts;
use crate::clock::Clock;
pub use crate::driver::OpenStore;
use crate::driver::{Driver, Running};
use crate::rpc::Shared;
use crate::security::doors::Doors;
use crate::security::listener::{self, CONNECTIONS_MAX};
use crate::security::strangers::Strangers;
use crate::server::serve;
use crate::start_error::StartError;

/// What a coordinator stands on.
pub struct Ground {
    /// Opens the durable store. It is called from the runtime's threads, so it and the store should not block.
    pub open: OpenStore,
    /// Where artifacts are kept.
    pub artifacts: Arc<dyn ObjectStore>,
    /// Encoded datasets, by what they were made from; may be shared.
    pub dataset_cache: PathBuf,
    /// What the wall clock says.
    pub now: Timestamp,
}

/// A coordinator that runs as tasks of the current runtime.
///
/// It starts no thread and reads no clock but the runtime's: dropped together with its runtime it is gone like a killed
/// process, and where the runtime's time is simulated, its own is.
pub struct Embedded {
    driver: Driver,
    running: Running,
    artifacts: Arc<Artifacts>,
    dataset_cache: PathBuf,
}

impl Embedded {
    /// Loads the store.
    ///
    /// # Errors
    /// A [`StartError`] where it does not open.
    pub fn start(ground: Ground) -> Result<Self, StartError> {
        let artifacts = Arc::new(Artifacts::objects(ground.artifacts));
        let clock = Clock::anchored_to(ground.now);
        let (driver, running) = Driver::start_as_task(ground.open, Arc::clone(&artifacts), clock)?;
        Ok(Self { driver, running, artifacts, dataset_cache: ground.dataset_cache })
    }

    /// A look at the engine, for as long as this coordinator runs.
    pub fn inspector(&self) -> Inspector {
        Inspector(self.driver.clone())
    }

    /// Serves everything on these connections until `shutdown` is cancelled. Whoever is on the other side of one of
    /// them may do everything.
    ///
    /// # Errors
    /// A [`StartError`] where a part did not end as it should.
    pub async fn serve<S>(
        self,
        connections: impl Stream<Item = io::Result<(S, SocketAddr)>>,
        shutdown: CancellationToken,
    ) -> Result<(), StartError>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let Self { driver, running, artifacts, dataset_cache } = self;
        let shared = Shared::new(driver.clone(), artifacts, dataset_cache, shutdown, Doors::default())
            .map_err(|error| StartError::Unclean(error.to_string()))?;
        let (takes, strangers) = (driver.clone(), Strangers::new(CONNECTIONS_MAX));
        let connections = connections.map(move |taken| {
            taken.map(|(stream, address)| listener::plain(stream, address, &takes, &strangers))
        });
        let served = serve(connections, shared).await;
        driver.stop().await;
        if !running.ended().await {
            return Err(StartError::Unclean("the driver panicked".to_owned()));
        }
        served.map_err(|error| StartError::Unclean(error.to_string()))
    }
}

/// Looks at the engine between two batches of the driver, when it is to equal what the store holds.
#[derive(Clone, Debug)]
pub struct Inspector(Driver);

impl Inspector {
    /// What `look` sees; `None` where there is no store at the moment, or the coordinator has ended.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Option<T> {
        self.0.read(|engine, _| look(engine)).await.ok()
    }
}

//! The gRPC services: convert, ask the driver, convert. No decision is made here.

mod best_model;
mod blobs;
mod launch;
pub(crate) mod report;
mod session;
mod status;
mod sweep_service;
mod sweep_status;
mod worker_service;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::artifacts::Artifacts;
use crate::driver::Driver;

pub(crate) use sweep_service::SweepRpc;
pub(crate) use worker_service::WorkerRpc;

/// Datasets prepared, reports rendered and models packed at the same time: each fills a core.
const HEAVY_MAX: usize = 2;

/// Messages of one stream that wait for a slow reader before its sender waits, too.
const STREAM_QUEUE: usize = 16;

/// What both services need.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) driver: Driver,
    pub(crate) artifacts: Arc<Artifacts>,
    /// Encoded datasets, by what they were made from.
    pub(crate) dataset_cache: PathBuf,
    /// Ends streams that would go on for ever.
    pub(crate) shutdown: CancellationToken,
    /// Admission of what fills a core.
    heavy: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(
        driver: Driver,
        artifacts: Arc<Artifacts>,
        dataset_cache: PathBuf,
        shutdown: CancellationToken,
    ) -> Self {
        Self { driver, artifacts, dataset_cache, shutdown, heavy: Arc::new(Semaphore::new(HEAVY_MAX)) }
    }
}

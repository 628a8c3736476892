//! The gRPC services: convert, ask the driver, convert. No decision is made here.

mod access_service;
pub(crate) mod acts;
pub(crate) mod audit;
mod best_model;
mod blobs;
mod caller;
mod encoded_rows;
mod export;
mod faults;
pub(crate) mod gc;
mod hard_texts;
mod launch;
pub(crate) mod lists;
mod logs;
mod patient;
mod presence;
mod queues;
mod rates;
pub(crate) mod report;
mod report_cache;
mod seal;
mod session;
mod sweep_service;
mod sweep_status;
pub(crate) mod uploads;
mod worker_service;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coordinator_core::{Keep, Quota};
use coordinator_dataset::Reach;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::artifacts::Artifacts;
use crate::attempt_logs::AttemptLogs;
use crate::config::Texts;
use crate::driver::Driver;
use crate::install::Install;
use crate::readers::Readers;
use crate::security::authority::Authority;
use crate::security::caller::Caller;
use crate::security::doors::Doors;
use crate::security::refusals::Refusals;
use crate::security::sealing::Sealer;
use crate::security::sessions::Sessions;
use crate::security::signer::Signer;
use crate::status;
use queues::{Queues, Turn};
use report_cache::ReportCache;

pub(crate) use access_service::AccessRpc;
pub(crate) use caller::Act;
pub(crate) use patient::{PatientSender, patient};
pub(crate) use queues::Work;
pub(crate) use sweep_service::SweepRpc;
pub(crate) use worker_service::WorkerRpc;

/// Messages of one stream that wait for a slow reader before its sender waits, too.
const STREAM_QUEUE: usize = 16;

/// As [`STREAM_QUEUE`], of chunks of files: each has 256 KiB, and a reader may open many streams.
const CHUNK_QUEUE: usize = 2;

/// How long a reader may take nothing of a stream before it is given up, with the file and the memory that it holds.
const READER_WAIT: Duration = Duration::from_mins(1);

/// What both services need.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) driver: Driver,
    pub(crate) artifacts: Arc<Artifacts>,
    /// Encoded datasets, by what they were made from.
    pub(crate) dataset_cache: PathBuf,
    /// Where data is read.
    pub(crate) readers: Readers,
    /// Ends streams that would go on for ever.
    pub(crate) shutdown: CancellationToken,
    /// Signs workers' certificates; `None` where only this machine may come in.
    pub(crate) authority: Option<Arc<Authority>>,
    /// Signs reports; `None` where nothing is signed.
    pub(crate) signer: Option<Arc<Signer>>,
    /// Signs the audit log; `None` where it is not signed.
    pub(crate) sealer: Option<Arc<Sealer>>,
    /// Which refused acts are written to the audit log.
    refusals: Arc<Mutex<Refusals>>,
    /// Logins of browsers, each of which is written to the audit log: as many of one address as refusals.
    logins: Arc<Mutex<Refusals>>,
    /// What bare machines install, where there is something.
    pub(crate) install: Option<Arc<Install>>,
    /// Where this coordinator can be reached, best first.
    pub(crate) advertised: Arc<[String]>,
    /// What people of other machines may name in their sweeps.
    pub(crate) corpora: Reach,
    /// Random, kept in the data folder: it tells this coordinator from others. `None` where no folder knows it.
    pub(crate) identity: Option<Arc<str>>,
    /// Browsers that have logged in.
    pub(crate) sessions: Arc<Sessions>,
    /// What workers log about their attempts.
    pub(crate) attempt_logs: Arc<AttemptLogs>,
    /// Whether texts of the data leave the coordinator.
    pub(crate) texts: Texts,
    /// How much users may launch.
    pub(crate) quota: Quota,
    /// For how long what is kept.
    pub(crate) keep: Keep,
    /// Artifacts that were read from end to end lately and found sound.
    checks: Arc<faults::Checks>,
    /// Workers that have a session.
    presence: Arc<presence::Presence>,
    /// What workers have uploaded and not yet reported.
    pub(crate) uploads: Arc<uploads::Uploads>,
    /// Admission of what fills a core.
    queues: Arc<Queues>,
    /// Reports that were made lately.
    reports: Arc<ReportCache>,
}

impl Shared {
    pub(crate) fn new(
        driver: Driver,
        artifacts: Arc<Artifacts>,
        dataset_cache: PathBuf,
        shutdown: CancellationToken,
        doors: Doors,
    ) -> Result<Self, getrandom::Error> {
        let sessions = Arc::new(Sessions::new()?);
        let Doors { authority, signer, install, advertised, corpora, identity } = doors;
        Ok(Self {
            driver,
            artifacts,
            dataset_cache,
            readers: Readers::default(),
            shutdown,
            authority,
            signer,
            sealer: None,
            refusals: Arc::new(Mutex::new(Refusals::new(Instant::now().into_std()))),
            logins: Arc::new(Mutex::new(Refusals::new(Instant::now().into_std()))),
            install,
            advertised,
            corpora,
            identity,
            sessions,
            attempt_logs: Arc::default(),
            texts: Texts::default(),
            quota: Quota::default(),
            keep: Keep::default(),
            checks: Arc::new(faults::no_checks()),
            queues: Arc::default(),
            reports: Arc::default(),
            presence: Arc::default(),
            uploads: Arc::default(),
        })
    }
}

impl Shared {
    /// Waits for a caller's turn at what fills a core. It goes to where that is done, and not to whoever may go away.
    pub(crate) async fn turn(&self, work: Work, caller: Caller) -> Result<Turn, Status> {
        self.queues.turn(work, caller).await
    }
}

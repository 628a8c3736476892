//! A store that fails at commits, as disks do: what was acknowledged is there, and the driver comes back.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coordinator_core::limits::WORKER_SILENCE_MS;
use coordinator_core::{AuditEntry, AuditSeal, Command, Engine, Mutation, Tables, WorkerState};
use coordinator_store::{MemoryStore, SqliteStore, StepBatch, Store, StoreError, StoreReader};
use sweep_proto::protocol::PROTOCOL_VERSION;
use sweep_proto::{ArtifactRef, AttemptId, Digest, StepMetric, TrialId, WorkerId, WorkerProfile};

use super::{Driver, DriverError};
use crate::artifacts::Artifacts;
use crate::clock::Clock;

/// What the next commit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It succeeds.
    None,
    /// Nothing is written.
    Before,
    /// Everything is written, but the answer is an error.
    After,
    /// Nothing is written, because there is no room.
    Full,
}

/// A real store whose commits fail by a script.
struct Flaky {
    store: Box<dyn Store>,
    script: Arc<Mutex<VecDeque<Fault>>>,
    has_leadership: bool,
}

impl StoreReader for Flaky {
    fn load(&mut self) -> Result<Tables, StoreError> {
        self.store.load()
    }

    fn read_steps(
        &mut self,
        attempt: AttemptId,
        from: u64,
        max: usize,
    ) -> Result<Vec<StepMetric>, StoreError> {
        self.store.read_steps(attempt, from, max)
    }

    fn step_bytes(&mut self, from: TrialId) -> Result<u64, StoreError> {
        self.store.step_bytes(from)
    }

    fn read_audit(&mut self, from: u64, max: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.store.read_audit(from, max)
    }

    fn read_seal(&mut self) -> Result<Option<AuditSeal>, StoreError> {
        self.store.read_seal()
    }
}

impl Store for Flaky {
    fn commit(&mut self, mutations: &[Mutation]) -> Result<(), StoreError> {
        let next = self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let fault = next.unwrap_or(Fault::None);
        if !matches!(fault, Fault::Before | Fault::Full) {
            self.store.commit(mutations)?;
        }
        match fault {
            Fault::None => Ok(()),
            Fault::Full => Err(StoreError::Full("database or disk is full".to_owned())),
            Fault::Before | Fault::After => Err(StoreError::Unavailable("the disk is on strike".to_owned())),
        }
    }

    fn append_steps(&mut self, batches: &[StepBatch]) -> Result<Vec<u64>, StoreError> {
        self.store.append_steps(batches)
    }

    fn has_leadership(&self) -> bool {
        self.has_leadership
    }

    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        self.store.reader()
    }
}

fn register(number: u128) -> Command {
    Command::Register {
        worker: WorkerId(uuid::Uuid::from_u128(number)),
        protocol: PROTOCOL_VERSION,
        profile: WorkerProfile {
            name: format!("host-{number}"),
            build: "test".to_owned(),
            slots: 1,
            devices: Vec::new(),
            group: 1,
        },
        fresh: true,
        instance: None,
    }
}

fn start(directory: &Path, script: Vec<Fault>) -> Driver {
    let file = directory.join("store.sqlite");
    let script = Arc::new(Mutex::new(VecDeque::from(script)));
    let open = move || -> Result<Box<dyn Store>, StoreError> {
        let store = Box::new(SqliteStore::open(&file)?);
        Ok(Box::new(Flaky { store, script: Arc::clone(&script), has_leadership: false }))
    };
    let artifacts = Arc::new(Artifacts::directory(&directory.join("artifacts")).expect("a directory"));
    let (driver, _thread) = Driver::start(Box::new(open), None, artifacts, Clock::start()).expect("starts");
    driver
}

/// The workers that the driver and a second look at the disk know; they must agree.
async fn known(driver: &Driver, directory: &Path) -> Vec<WorkerId> {
    let engine = driver.read(|engine, _| engine.tables().clone()).await.expect("it reads");
    let disk = SqliteStore::open(&directory.join("store.sqlite")).and_then(|mut store| store.load());
    assert_eq!(engine, disk.expect("it loads"), "the engine is the fold of the store");
    engine.workers.into_keys().collect()
}

/// Asks again, as workers do, until the driver answers; counts how often it was unavailable.
async fn insist(driver: &Driver, command: Command) -> u32 {
    let mut refusals = 0;
    loop {
        match driver.command(command.clone()).await {
            Ok(_) => return refusals,
            Err(DriverError::Unavailable(_) | DriverError::DiskFull(_)) => refusals += 1,
            Err(other) => panic!("{command:?}: {other}"),
        }
        // The store is opened again after a pause; asking in between is refused at once.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_failed_commit_is_never_acknowledged_and_the_driver_comes_back() {
    for fault in [Fault::Before, Fault::After] {
        let directory = tempfile::tempdir().expect("a directory");
        let driver = start(directory.path(), vec![Fault::None, fault, Fault::None]);
        assert_eq!(insist(&driver, register(1)).await, 0);
        let failed = driver.command(register(2)).await;
        assert!(
            matches!(&failed, Err(DriverError::Unavailable(why)) if why.contains("on strike")),
            "{fault:?}"
        );
        // Asked again it is done once, whether or not the first time has reached the disk.
        insist(&driver, register(2)).await;
        insist(&driver, register(3)).await;
        let expected = (1..=3).map(|number| WorkerId(uuid::Uuid::from_u128(number)));
        assert_eq!(known(&driver, directory.path()).await, expected.collect::<Vec<_>>(), "{fault:?}");
    }
}

#[tokio::test]
async fn all_of_a_failed_batch_is_unavailable_and_reads_see_only_what_is_durable() {
    let directory = tempfile::tempdir().expect("a directory");
    let driver = start(directory.path(), vec![Fault::Before]);
    let tasks = (1..=20).map(|number| {
        let driver = driver.clone();
        tokio::spawn(async move { insist(&driver, register(number)).await })
    });
    let mut refusals = 0;
    for task in tasks.collect::<Vec<_>>() {
        refusals += task.await.expect("no panic");
    }
    assert!(refusals > 0, "the first batch has failed");
    assert_eq!(known(&driver, directory.path()).await.len(), 20);
}

#[tokio::test]
async fn on_a_full_disk_reads_and_heartbeats_go_on_and_writes_wait() {
    let directory = tempfile::tempdir().expect("a directory");
    let driver = start(directory.path(), vec![Fault::None, Fault::Full, Fault::Full]);
    assert_eq!(insist(&driver, register(1)).await, 0);
    let refused = driver.command(register(2)).await;
    assert!(matches!(&refused, Err(DriverError::DiskFull(why)) if why.contains("full")), "{refused:?}");
    // Before the next try nothing is written, so nothing can fail.
    assert_eq!(known(&driver, directory.path()).await.len(), 1, "what was refused is undone");
    let heartbeat = Command::Heartbeat { worker: WorkerId(uuid::Uuid::from_u128(1)), tokens: Vec::new() };
    driver.command(heartbeat).await.expect("a worker keeps its leases");
    assert!(insist(&driver, register(2)).await > 0, "the disk was full still");
    assert_eq!(insist(&driver, register(3)).await, 0, "there is room");
    assert_eq!(known(&driver, directory.path()).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_to_the_moment_and_not_waited_for_in_a_spin() {
    let store = MemoryStore::default();
    let open = Box::new(move || Ok(Box::new(store.clone()) as Box<dyn Store>));
    let artifacts = Arc::new(Artifacts::objects(Arc::new(object_store::memory::InMemory::new())));
    let (driver, _task) = Driver::start_as_task(open, artifacts, Clock::start()).expect("starts");
    // Not a multiple of the longest time between two ticks.
    tokio::time::sleep(Duration::from_millis(1_234)).await;
    driver.command(register(1)).await.expect("it registers");
    let state = async |driver: &Driver| {
        let look = |engine: &Engine, _| engine.tables().workers.values().next().map(|worker| worker.state);
        driver.read(look).await.expect("it reads")
    };
    // Simulated time stands still while anything spins: then this never ends.
    tokio::time::sleep(Duration::from_millis(WORKER_SILENCE_MS - 100)).await;
    assert_eq!(state(&driver).await, Some(WorkerState::Ready));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(state(&driver).await, Some(WorkerState::Lost));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_reported_is_removed_while_serving_and_a_dataset_never_is() {
    let store = MemoryStore::default();
    let open = Box::new(move || Ok(Box::new(store.clone()) as Box<dyn Store>));
    let artifacts = Arc::new(Artifacts::objects(Arc::new(object_store::memory::InMemory::new())));
    let (driver, _task) =
        Driver::start_as_task(open, Arc::clone(&artifacts), Clock::start()).expect("starts");
    driver.command(super::step_tests::launch()).await.expect("it launches");
    let mut stored = Vec::new();
    // The second is the dataset of the launch.
    for bytes in [b"orphan".as_slice(), b"data"] {
        let artifact = ArtifactRef { digest: Digest::of(bytes), bytes: bytes.len() as u64 };
        let mut incoming = artifacts.receive(artifact).expect("begun");
        incoming.write(bytes).await.expect("written");
        artifacts.keep(incoming).await.expect("kept");
        driver.abandoned(artifact).await;
        stored.push(artifact);
    }
    let [orphan, dataset] = stored[..] else { panic!("two") };
    // The driver looks at what has waited for long enough with its next tick.
    while artifacts.size(orphan.digest).await.expect("looks").is_some() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(artifacts.size(dataset.digest).await.expect("looks"), Some(4));
}

#[tokio::test]
async fn at_its_end_a_driver_removes_orphans_unless_another_coordinator_may_lead_by_then() {
    for has_leadership in [false, true] {
        let open = move || -> Result<Box<dyn Store>, StoreError> {
            let (store, script) = (Box::new(MemoryStore::default()), Arc::default());
            Ok(Box::new(Flaky { store, script, has_leadership }))
        };
        let artifacts = Arc::new(Artifacts::objects(Arc::new(object_store::memory::InMemory::new())));
        let (driver, running) =
            Driver::start_as_task(Box::new(open), Arc::clone(&artifacts), Clock::start()).expect("starts");
        // With a leadership it may be the dataset that the next leader has just launched a sweep on.
        let artifact = ArtifactRef { digest: Digest::of(b"fresh"), bytes: 5 };
        let mut incoming = artifacts.receive(artifact).expect("begun");
        incoming.write(b"fresh").await.expect("written");
        artifacts.keep(incoming).await.expect("kept");
        driver.stop().await;
        assert!(running.ended().await);
        assert_eq!(artifacts.size(artifact.digest).await.expect("looks").is_some(), has_leadership);
    }
}

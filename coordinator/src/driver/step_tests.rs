//! Many step metrics at once over a slow disk: commands go first, and everything is acknowledged in the end.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coordinator_core::{AuditEntry, AuditSeal, Command, DatasetRecord, Mutation, Reply, Tables};
use coordinator_store::{MemoryStore, StepBatch, Store, StoreError, StoreReader};
use sweep_proto::protocol::{PROTOCOL_VERSION, STEP_METRICS_MAX};
use sweep_proto::{
    ArtifactRef, AttemptId, Axis, Configuration, DataSource, DataSpec, Digest, Hyperparameter, LeaseToken,
    StepMetric, SweepSpec, TrialId, Value, WorkerId, WorkerProfile,
};

use super::Driver;
use super::live::POINTS_PER_ROUND_MAX;
use crate::artifacts::Artifacts;
use crate::clock::Clock;

/// Trials that report at once: several rounds' worth.
const TRIALS: u64 = 50;
const WORKER: WorkerId = WorkerId(uuid::Uuid::from_u128(7));

/// A store that says how many points it is to append, and waits until it may.
struct Gated {
    store: MemoryStore,
    asked: Sender<usize>,
    opened: Arc<Mutex<Receiver<()>>>,
}

impl StoreReader for Gated {
    fn load(&mut self) -> Result<Tables, StoreError> {
        self.store.load()
    }

    fn read_steps(&mut self, of: AttemptId, from: u64, max: usize) -> Result<Vec<StepMetric>, StoreError> {
        self.store.read_steps(of, from, max)
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

impl Store for Gated {
    fn commit(&mut self, mutations: &[Mutation]) -> Result<(), StoreError> {
        self.store.commit(mutations)
    }

    fn append_steps(&mut self, batches: &[StepBatch]) -> Result<Vec<u64>, StoreError> {
        // The test may have ended by a failure of its own.
        _ = self.asked.send(batches.iter().map(|batch| batch.points.len()).sum());
        _ = self.opened.lock().unwrap_or_else(PoisonError::into_inner).recv();
        self.store.append_steps(batches)
    }

    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        self.store.reader()
    }
}

pub(super) fn launch() -> Command {
    let levels = (1..=TRIALS).map(Value::Integer).collect();
    let spec = SweepSpec {
        name: "many".into(),
        data: DataSpec::new(DataSource::Known { name: "snippets".into(), path: None }),
        fixed: Configuration::default(),
        axes: vec![Axis::of_levels(Hyperparameter::Units, levels)],
        replicates: 1,
        seed: 0,
        failures_max: 1,
        reuse: false,
        priority: 0,
        objective: sweep_proto::Objective::default(),
        further_objectives: sweep_proto::FurtherObjectives::default(),
        constraints: Box::default(),
        search: None,
    };
    let dataset = |variant: BTreeMap<Hyperparameter, Value>| DatasetRecord {
        variant,
        artifact: ArtifactRef { digest: Digest::of(b"data"), bytes: 4 },
        classes: vec!["no".into(), "yes".into()],
        vocabulary: 10,
        rows: [1_000_000, 1, 1],
        account: None,
    };
    let datasets = spec.data_variants().into_iter().map(dataset).collect();
    let (file_text, quota) = (String::new(), Box::default());
    Command::Launch { spec, file_text, datasets, attach: false, owner: None, quota }
}

async fn leases(driver: &Driver) -> Vec<LeaseToken> {
    driver.command(launch()).await.expect("it launches");
    let profile = WorkerProfile {
        name: "w".into(),
        build: "1".into(),
        slots: TRIALS as u32,
        devices: Vec::new(),
        group: 1,
    };
    let (worker, protocol) = (WORKER, PROTOCOL_VERSION);
    let register = Command::Register { worker, protocol, profile, fresh: true, instance: None };
    driver.command(register).await.expect("it registers");
    let ask = Command::AskWork { worker: WORKER, request_id: "1".into(), slots: TRIALS as u32, group: 1 };
    let Ok(Reply::Grants(groups)) = driver.command(ask).await else { panic!("no grants") };
    groups.into_iter().flatten().map(|granted| granted.token).collect()
}

#[tokio::test]
async fn commands_go_first_and_no_round_of_step_metrics_is_long() {
    let (asked, rounds) = channel();
    let (open_gate, opened) = channel();
    let opened = Arc::new(Mutex::new(opened));
    let store = MemoryStore::default();
    let open = Box::new(move || {
        let gated = Gated { store: store.clone(), asked: asked.clone(), opened: Arc::clone(&opened) };
        Ok(Box::new(gated) as Box<dyn Store>)
    });
    let artifacts = Arc::new(Artifacts::objects(Arc::new(object_store::memory::InMemory::new())));
    let (driver, _thread) = Driver::start(open, None, artifacts, Clock::start()).expect("starts");
    let tokens = leases(&driver).await;
    assert_eq!(tokens.len() as u64, TRIALS);
    let point =
        |sequence| StepMetric { sequence, epoch: 1, step: sequence, loss: 0.5, examples_per_second: 1.0 };
    let points: Vec<StepMetric> = (0..STEP_METRICS_MAX as u64).map(point).collect();
    let send = |token| {
        let (driver, points) = (driver.clone(), points.clone());
        tokio::spawn(async move { driver.append_steps(WORKER, token, points).await })
    };
    let sent: Vec<_> = tokens.iter().map(|token| send(*token)).collect();
    let next_round = async |rounds: Receiver<usize>| {
        let waited =
            tokio::task::spawn_blocking(move || (rounds.recv_timeout(Duration::from_mins(1)), rounds));
        let (round, rounds) = waited.await.expect("no panic");
        (round.expect("a round"), rounds)
    };
    let (first, mut rounds) = next_round(rounds).await;
    let mut all = vec![first];
    let heartbeat = Command::Heartbeat { worker: WORKER, tokens: tokens.clone() };
    let mut beating = Box::pin(driver.command(heartbeat));
    tokio::select! {
        biased;
        _ = &mut beating => panic!("answered by a driver that waits for its store"),
        // The first poll has put it into the mailbox: it is there before the round ends.
        () = std::future::ready(()) => {}
    }
    open_gate.send(()).expect("the store waits");
    let beaten = tokio::time::timeout(Duration::from_mins(1), beating).await;
    beaten.expect("answered before the next round ended").expect("a live lease");
    while all.iter().sum::<usize>() < points.len() * tokens.len() {
        let round;
        (round, rounds) = next_round(rounds).await;
        all.push(round);
        open_gate.send(()).expect("the store waits");
    }
    assert!(all.iter().all(|round| *round < POINTS_PER_ROUND_MAX + STEP_METRICS_MAX), "{all:?}");
    assert!(all.len() >= 3, "{all:?}");
    for answer in sent {
        let next = answer.await.expect("no panic").expect("stored");
        assert_eq!(next, points.len() as u64);
    }
}

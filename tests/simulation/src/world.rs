//! Plays one schedule: builds the hosts, lets everything go wrong, heals, and waits for the end of every sweep.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use coordinator_core::Tables;
use coordinator_store::MemoryStore;
use object_store::ObjectStore as _;
use object_store::memory::InMemory;
use sweep_proto::{Digest, WorkerId};
use tokio_stream::StreamExt as _;
use turmoil::Sim;

use crate::entropy;
use crate::faults::Faults;
use crate::hosts::{CoordinatorHost, WorkerHost};
use crate::operator::Operator;
use crate::oracle::Oracle;
use crate::plan::{COORDINATOR, OPERATOR, Plan};
use crate::random::Random;

/// Simulated time of one step: the network delivers between two of them, and hosts count milliseconds within.
const TICK: Duration = Duration::from_millis(20);

/// Within this time a healed cluster has ended every sweep: leases run out, workers rest, trials are trained.
const HEALED_TIME: Duration = Duration::from_mins(25);

/// Segments that a simulated connection may hold.
const TCP_CAPACITY: usize = 8_192;

/// What an error begins with that says which promise a schedule broke.
pub const BROKEN: &str = "the schedule broke a promise:";

/// What a schedule came to.
#[derive(Clone, Debug)]
pub struct ScheduleOutcome {
    /// A hash of everything that happened, in order.
    pub signature: u64,
    /// What was reached, in words.
    pub corners: BTreeSet<String>,
    /// How much time has passed in the simulation.
    pub simulated: Duration,
}

/// Plays a schedule. It must be the first and only one of its process.
///
/// # Errors
/// Every violation that was found.
pub fn play(plan: &Plan) -> Result<ScheduleOutcome> {
    entropy::seal()?;
    let folder = tempfile::tempdir_in(scratch()).context("no scratch folder")?;
    write_rows(folder.path())?;
    let rows = MemoryStore::default();
    let oracle = Oracle::new(rows.clone());
    watch_panics(&oracle);
    let mut sim = turmoil::Builder::new()
        .rng_seed(plan.seed)
        .epoch(UNIX_EPOCH + Duration::from_secs(1_700_000_000))
        .tick_duration(TICK)
        .simulation_duration(plan.healed_at + HEALED_TIME)
        .tcp_capacity(TCP_CAPACITY)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(plan.latency_max)
        .enable_random_order()
        .build();
    let artifacts = Arc::new(InMemory::new());
    populate(&mut sim, plan, &oracle, (rows, Arc::clone(&artifacts)), folder.path());
    let played = run(&mut sim, plan, &oracle);
    let simulated = sim.elapsed();
    if played.is_ok() && oracle.violations().is_empty() {
        oracle.finish(&blobs(&artifacts)?);
    }
    drop(sim);
    let violations = oracle.violations();
    if !violations.is_empty() {
        bail!("{BROKEN}\n{}", violations.join("\n"));
    }
    played?;
    Ok(ScheduleOutcome { signature: oracle.signature(), corners: oracle.corners(), simulated })
}

/// The digests of the artifacts that are kept.
fn blobs(artifacts: &InMemory) -> Result<BTreeSet<Digest>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let listed: Vec<_> = runtime.block_on(artifacts.list(None).collect());
    let digest = |object: object_store::Result<object_store::ObjectMeta>| {
        let name = object?.location.as_ref().replace('/', "");
        name.parse().with_context(|| format!("{name} is not the name of an artifact"))
    };
    listed.into_iter().map(digest).collect()
}

fn populate(
    sim: &mut Sim<'_>,
    plan: &Plan,
    oracle: &Oracle,
    (rows, artifacts): (MemoryStore, Arc<InMemory>),
    folder: &Path,
) {
    let mut random = Random::new(plan.seed.rotate_left(17));
    let coordinator = CoordinatorHost {
        rows,
        artifacts,
        dataset_cache: folder.join("datasets"),
        oracle: oracle.clone(),
        bug: plan.bug,
        disk_faults_permille: plan.disk_faults_permille,
        healed_at: plan.healed_at,
        random: Arc::new(Mutex::new(random.split())),
    };
    sim.host(COORDINATOR, move || coordinator.clone().live());
    for (number, worker) in plan.workers.iter().enumerate() {
        let host = WorkerHost {
            host: worker.host.clone(),
            worker: WorkerId(uuid::Uuid::from_u128(number as u128 + 1)),
            slots: worker.slots,
            group: worker.group,
            folder: folder.join(&worker.host),
            oracle: oracle.clone(),
            bug: plan.bug,
            repeats_permille: plan.repeats_permille,
            crashes_permille: plan.crashes_permille,
            healed_at: plan.healed_at,
            random: Arc::new(Mutex::new(Random::new(worker.seed))),
        };
        sim.host(worker.host.as_str(), move || host.clone().live());
    }
    let (plan, oracle, folder) = (plan.clone(), oracle.clone(), folder.to_owned());
    sim.client(OPERATOR, async move { Operator::new(&plan, oracle, folder).run(plan).await });
}

fn run(sim: &mut Sim<'_>, plan: &Plan, oracle: &Oracle) -> Result<()> {
    let mut faults = Faults::new(plan, oracle.clone());
    let mut events = plan.events.iter().peekable();
    let mut is_healed = false;
    loop {
        while let Some((_, event)) = events.next_if(|(at, _)| *at <= sim.elapsed()) {
            faults.happen(sim, event);
        }
        if !is_healed && sim.elapsed() >= plan.healed_at {
            faults.heal(sim);
            is_healed = true;
        }
        let is_done =
            sim.step().map_err(|error| anyhow::anyhow!("{error}\n{}", standing(&oracle.tables())))?;
        if !oracle.violations().is_empty() {
            return Ok(());
        }
        if is_healed && is_done && oracle.tables().sweeps.values().all(|sweep| sweep.state.is_ended()) {
            return Ok(());
        }
        ensure!(
            sim.elapsed() < plan.healed_at + HEALED_TIME,
            "{BROKEN}\nsweeps did not end though everything was healed:\n{}",
            standing(&oracle.tables())
        );
    }
}

/// Where everything stands, for whoever looks for the reason.
fn standing(tables: &Tables) -> String {
    let sweeps = tables.sweeps.values().map(|sweep| format!("sweep {} is {:?}", sweep.id, sweep.state));
    let trials = tables.trials.values().map(|trial| {
        format!(
            "trial {} is {:?}, {} attempts, lease {:?}",
            trial.spec.id, trial.state, trial.attempts, trial.lease
        )
    });
    let workers = tables
        .workers
        .values()
        .map(|worker| format!("worker {} is {:?}, {:?}", worker.profile.name, worker.state, worker.troubles));
    sweeps.chain(trials).chain(workers).collect::<Vec<_>>().join("\n")
}

/// A panic of any task is a violation: the runtime would go on without it.
fn watch_panics(oracle: &Oracle) {
    let oracle = Mutex::new(oracle.clone());
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        // Whoever panics inside of the oracle has it locked: then the panic's own message has to do.
        if let Ok(oracle) = oracle.try_lock() {
            oracle.panicked(&panic.to_string());
        }
    }));
}

/// Memory, where the system has a file system for it: what agents sync then costs nothing.
fn scratch() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// The rows that every sweep trains on.
fn write_rows(folder: &Path) -> Result<()> {
    let row = |row: u32| {
        let (word, label) = if row.is_multiple_of(2) { ("good", "yes") } else { ("bad", "no") };
        format!("a {word} text number {},{label}\n", row % 7)
    };
    let text = format!("text,label\n{}", (0..40).map(row).collect::<String>());
    let path = folder.join("rows.csv");
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    // The same time of change everywhere.
    let file = std::fs::File::options().write(true).open(&path)?;
    Ok(file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))?)
}

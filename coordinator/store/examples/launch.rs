//! How long a launch of many trials keeps everybody waiting, and what memory its trials take:
//! `cargo run --release -p coordinator-store --example launch [TRIALS]`.

use std::error::Error;
use std::time::{Duration, Instant};

use coordinator_core::{Command, DatasetRecord, Engine, Quota, Tables, Totals, TrialState};
use coordinator_store::{SqliteStore, Store as _, StoreReader as _};
use sweep_proto::{
    ArtifactRef, Axis, Configuration, DataSource, DataSpec, Digest, Hyperparameter, SweepId, SweepSpec,
    Timestamp, TrialResult, Value,
};

/// Replicates of each configuration.
const REPLICATES: u32 = 10;

fn spec(trials: u64) -> SweepSpec {
    let levels = (1..=trials / u64::from(REPLICATES) / 10).map(Value::Integer).collect();
    let sizes = (1..=10).map(|size| Value::Integer(size * 8)).collect();
    SweepSpec {
        name: "large".into(),
        data: DataSpec::new(DataSource::Known { name: "snippets".into(), path: None }),
        fixed: Configuration::default(),
        axes: vec![
            Axis::of_levels(Hyperparameter::Units, levels),
            Axis::of_levels(Hyperparameter::BatchSize, sizes),
        ],
        replicates: REPLICATES,
        seed: 0,
        failures_max: 3,
        reuse: true,
        priority: 0,
        constraints: Box::default(),
        search: None,
    }
}

fn launch(trials: u64) -> Command {
    let spec = spec(trials);
    let dataset = |variant| DatasetRecord {
        variant,
        artifact: ArtifactRef { digest: Digest::of(b"data"), bytes: 4 },
        classes: vec!["no".into(), "yes".into()],
        vocabulary: 10,
        rows: [8, 1, 1],
        account: None,
    };
    let datasets = spec.data_variants().into_iter().map(dataset).collect();
    let most = u64::MAX;
    let quota = Quota::of(Totals {
        sweeps: most,
        stored_trials: most,
        open_trials: most,
        text_bytes: most,
        artifact_bytes: most,
        memory_bytes: most,
    });
    Command::Launch {
        spec,
        file_text: String::new(),
        datasets,
        attach: false,
        owner: None,
        quota: Box::new(quota),
    }
}

/// Resident memory of this process, in bytes.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1_024
}

/// Does a command, and lets all trials follow; how long each step kept everybody waiting.
fn hold(
    engine: &mut Engine,
    store: &mut SqliteStore,
    command: &Command,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let mut holds = Vec::new();
    let mut command = command;
    loop {
        let began = Instant::now();
        let decision = engine.decide(Timestamp(0), command)?;
        store.commit(&decision.mutations)?;
        engine.fold(&decision);
        holds.push(began.elapsed());
        command = &Command::Follow;
        if !engine.is_behind() {
            return Ok(holds);
        }
    }
}

/// How long what a status reads, and the choice at the end, holds the driver once all trials have completed.
#[allow(clippy::print_stdout, reason = "what an example is for")]
fn look_at_finished(engine: &Engine, sweep: SweepId) {
    let mut tables = engine.tables().clone();
    for (number, trial) in tables.trials.values_mut().enumerate() {
        trial.state = TrialState::Completed;
        trial.result = Some(TrialResult {
            best_epoch: 2,
            epochs: 3,
            early_stopped: false,
            score: 0.3 + (number % 9_973) as f64 / 1e5,
            accuracy: 0.9,
            parameters: 1_000,
            model: ArtifactRef { digest: Digest::of(b"model"), bytes: 4 },
        });
    }
    let engine = Engine::restore(tables, Timestamp(0));
    let timed = |what: &str, look: &dyn Fn() -> usize| {
        let began = Instant::now();
        let found = look();
        println!("{what}: {:.1?} ({found})", began.elapsed());
    };
    timed("means of the configurations", &|| engine.configurations(sweep).len());
    timed("lowest trial", &|| usize::from(engine.lowest_trial(sweep).is_some()));
    timed("still learning", &|| engine.still_learning(sweep).0 as usize);
    timed("ledger", &|| engine.ledger(sweep).planned as usize);
    timed("forecast", &|| usize::from(engine.forecast(sweep).is_some()));
}

#[allow(clippy::print_stdout, reason = "what an example is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let trials = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("sweep.db");
    let mut store = SqliteStore::open(&path)?;
    let mut engine = Engine::restore(Tables::default(), Timestamp(0)).with_stock(usize::MAX);
    let before = resident_bytes();
    let sweep = SweepId(1);
    for (name, command) in [
        ("launch", launch(trials)),
        ("pause", Command::Pause(sweep)),
        ("resume", Command::Resume(sweep)),
        ("cancel", Command::Cancel(sweep)),
    ] {
        let mut holds = hold(&mut engine, &mut store, &command)?;
        holds.sort_unstable();
        let (longest, median) = (holds[holds.len() - 1], holds[holds.len() / 2]);
        let total: Duration = holds.iter().sum();
        let steps = holds.len();
        println!("{name}: {steps} steps, longest {longest:.1?}, median {median:.1?}, together {total:.1?}");
        if name == "launch" {
            println!("memory for each trial: {} bytes", (resident_bytes() - before) / trials);
        }
    }
    look_at_finished(&engine, sweep);
    drop(store);
    let began = Instant::now();
    let tables = SqliteStore::open(&path)?.load()?;
    println!("loading {} trials: {:.1?}", tables.trials.len(), began.elapsed());
    Ok(())
}

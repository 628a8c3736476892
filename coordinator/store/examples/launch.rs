//! How long a launch of many trials keeps everybody waiting, and what memory its trials take:
//! `cargo run --release -p coordinator-store --example launch [TRIALS]`.

use std::error::Error;
use std::time::{Duration, Instant};

use coordinator_core::{Command, Engine, Tables};
use coordinator_store::{SqliteStore, Store as _, StoreReader as _};
use sweep_proto::{Hyperparameter, SweepId, SweepSpec, Timestamp};

#[allow(dead_code, reason = "each example uses a part of it")]
#[path = "../../core/examples/setup/mod.rs"]
mod setup;

/// Replicates of each configuration.
const REPLICATES: u32 = 10;

fn spec(trials: u64) -> SweepSpec {
    let levels = trials / u64::from(REPLICATES) / 10;
    let axes = vec![setup::axis(Hyperparameter::Units, levels), setup::axis(Hyperparameter::BatchSize, 10)];
    setup::spec("large", axes, REPLICATES)
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
    tables.trials.values_mut().for_each(|trial| *trial = setup::completed(trial, 3));
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
    let before = setup::resident_bytes();
    let sweep = SweepId(1);
    for (name, command) in [
        ("launch", setup::launch(spec(trials))),
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
            println!("memory for each trial: {} bytes", (setup::resident_bytes() - before) / trials);
        }
    }
    look_at_finished(&engine, sweep);
    drop(store);
    let began = Instant::now();
    let tables = SqliteStore::open(&path)?.load()?;
    println!("loading {} trials: {:.1?}", tables.trials.len(), began.elapsed());
    Ok(())
}

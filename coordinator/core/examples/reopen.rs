//! How long the driver is held where an ended sweep of many trials is extended, without a pruner and with one, and deleted:
//! `cargo run --release -p coordinator-core --example reopen [TRIALS]`.

use std::error::Error;
use std::time::Instant;

use coordinator_core::{Command, Engine, Extension, Mutation, SweepRecord, SweepState, Tables};
use sweep_proto::{Hyperparameter, PrunerName, Search, SweepId, Timestamp};

#[allow(dead_code, reason = "each example uses a part of it")]
mod setup;

/// Epochs of each trial.
const EPOCHS: u32 = 10;

/// An engine with a sweep of that many trials, all of which have completed.
fn ended(trials: u64, pruner: PrunerName) -> Result<(Engine, SweepId), Box<dyn Error>> {
    let axes = vec![
        setup::axis(Hyperparameter::Units, trials / 100),
        setup::axis(Hyperparameter::BatchSize, 10),
        setup::axis(Hyperparameter::Embedding, 10),
    ];
    let mut spec = setup::spec("reopened", axes, 1);
    if pruner != PrunerName::None {
        spec.search = Some(Box::new(Search { pruner, ..Search::of_grid() }));
    }
    let mut engine = Engine::restore(Tables::default(), Timestamp(0)).with_stock(usize::MAX);
    let sweep = SweepId(1);
    setup::fold(&mut engine, &setup::launch(spec))?;
    while engine.is_behind() {
        setup::fold(&mut engine, &Command::Follow)?;
    }
    let made: Vec<_> = engine.tables().trials.values().cloned().collect();
    for trial in &made {
        setup::epochs(trial.spec.id, EPOCHS).for_each(|epoch| engine.evolve(&epoch));
        engine.evolve(&Mutation::Trial(setup::completed(trial, EPOCHS)));
    }
    let row = engine.sweep(sweep).ok_or("no sweep")?.clone();
    let ended_at = Some(Timestamp(2));
    engine.evolve(&Mutation::Sweep(SweepRecord { state: SweepState::Finished, ended_at, ..row }));
    Ok((engine, sweep))
}

#[allow(clippy::print_stdout, reason = "what an example is for")]
fn timed(what: &str, engine: &mut Engine, command: &Command) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let decision = engine.decide(Timestamp(3), command)?;
    let decided = began.elapsed();
    let began = Instant::now();
    engine.fold(&decision);
    println!("{what}: decided in {decided:.1?}, folded in {:.1?}", began.elapsed());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let trials = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    for pruner in [PrunerName::None, PrunerName::Median] {
        let (mut engine, sweep) = ended(trials, pruner)?;
        let spec = engine.sweep(sweep).ok_or("no sweep")?.spec.clone();
        let datasets = setup::datasets(&spec);
        let more = Extension { replicates: Some(2), ..Extension::default() };
        let mut copy = engine.clone();
        let command =
            Command::Extend { sweep, more, datasets, caller: None, quota: Box::new(setup::quota()) };
        timed(&format!("extended, pruner {}", pruner.name()), &mut copy, &command)?;
        timed(&format!("deleted, pruner {}", pruner.name()), &mut engine, &Command::Delete(sweep))?;
    }
    Ok(())
}

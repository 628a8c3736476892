//! What a sweep of a million trials takes of the engine: seconds to launch it, memory, and the time of what a status reads,
//! as it is launched, with every trial made, with every trial ended, and with an attempt and eight epochs of each:
//! `cargo run --release -p coordinator-core --example million [TRIALS [REPLICATES]]`.

use std::error::Error;
use std::time::Instant;

use coordinator_core::{Command, Engine, Mutation, Tables};
use sweep_proto::{Hyperparameter, SweepId, SweepSpec, Timestamp, WorkerId};

#[allow(dead_code, reason = "each example uses a part of it")]
mod setup;

/// Epochs of each trial.
const EPOCHS: u32 = 8;

/// A grid of that many trials.
fn spec(trials: u64, replicates: u32) -> SweepSpec {
    let side = trials / u64::from(replicates) / 400;
    let axes = vec![
        setup::axis(Hyperparameter::Units, side),
        setup::axis(Hyperparameter::BatchSize, 20),
        setup::axis(Hyperparameter::Embedding, 20),
    ];
    setup::spec("million", axes, replicates)
}

/// Launches, and makes as many trials as are made ahead.
fn launched(stock: usize, spec: &SweepSpec) -> Result<Engine, Box<dyn Error>> {
    let mut engine = Engine::restore(Tables::default(), Timestamp(0)).with_stock(stock);
    setup::fold(&mut engine, &setup::launch(spec.clone()))?;
    while engine.is_behind() {
        setup::fold(&mut engine, &Command::Follow)?;
    }
    Ok(engine)
}

/// Everything that a status reads of the engine's rows and indices.
fn look(engine: &Engine, sweep: SweepId) -> u64 {
    let best = engine.best_configurations(sweep, 10).len() as u64;
    let outlook = engine.outlook(sweep).map_or(0, |outlook| outlook.name().len() as u64);
    let forecast = engine.forecast(sweep).map_or(0, |forecast| forecast.seconds as u64);
    let lowest = engine.lowest_trial(sweep).map_or(0, |trial| u64::from(trial.spec.id.index));
    let tests = engine.trials_of_choice(sweep).count() as u64;
    engine.ledger(sweep).planned
        + engine.progress(sweep).planned
        + engine.still_learning(sweep).0
        + engine.ran_ms(sweep, Timestamp(1))
        + [best, outlook, forecast, lowest, tests, engine.away(sweep)].iter().sum::<u64>()
}

#[allow(clippy::print_stdout, reason = "what an example is for")]
fn show(what: &str, engine: &Engine, bytes: u64, trials: u64, seconds: f64) {
    let sweep = SweepId(1);
    let looks: u32 = 100;
    let began = Instant::now();
    let seen: u64 = (0..looks).map(|_| std::hint::black_box(look(engine, sweep))).sum();
    let each = began.elapsed() / looks;
    let rows = engine.tables().trials.len();
    println!(
        "{what}: {seconds:.2} s, {rows} rows, {} KiB, {:.1} bytes for each trial; a look takes {each:.1?} ({seen})",
        bytes / 1_024,
        bytes as f64 / trials as f64,
    );
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let trials = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let spec = spec(trials, arguments.next().map_or(Ok(10), |text| text.parse())?);
    let before = setup::resident_bytes();
    let began = Instant::now();
    let engine = launched(coordinator_core::limits::STOCK_TRIALS, &spec)?;
    show("launched", &engine, setup::resident_bytes() - before, trials, began.elapsed().as_secs_f64());
    drop(engine);

    let before = setup::resident_bytes();
    let began = Instant::now();
    let mut engine = launched(usize::MAX, &spec)?;
    show("all made", &engine, setup::resident_bytes() - before, trials, began.elapsed().as_secs_f64());

    let began = Instant::now();
    let ids: Vec<_> = engine.tables().trials.keys().collect();
    for id in &ids {
        let ended = engine.tables().trials.get(id).map(|trial| setup::completed(trial, EPOCHS));
        if let Some(trial) = ended {
            engine.evolve(&Mutation::Trial(trial));
        }
    }
    show("all ended", &engine, setup::resident_bytes() - before, trials, began.elapsed().as_secs_f64());

    let began = Instant::now();
    let (worker, name) = (WorkerId::generate(), "node-17.example.org".into());
    for (id, token) in ids.into_iter().zip(1..) {
        engine.evolve(&setup::attempt(id, token, (worker, &name)));
        setup::epochs(id, EPOCHS).for_each(|epoch| engine.evolve(&epoch));
    }
    let seconds = began.elapsed().as_secs_f64();
    show("with attempts and epochs", &engine, setup::resident_bytes() - before, trials, seconds);
    Ok(())
}

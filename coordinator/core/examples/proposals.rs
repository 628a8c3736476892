//! How long the driver is held by what samplers are told of a searched sweep:
//! `cargo run --release -p coordinator-core --example proposals [TRIALS]`.

use std::error::Error;
use std::time::{Duration, Instant};

use coordinator_core::{Command, Engine, Known, Reply, Tables, TrialRecord, TrialState};
use sweep_proto::{
    Axis, Budget, Configuration, ConfigurationIndex, Hyperparameter, Range, SamplerName, Search, SweepId,
    SweepSpec, Timestamp, TrialId, Value,
};

#[allow(dead_code, reason = "each example uses a part of it")]
mod setup;

/// Epochs of each trial.
const EPOCHS: u32 = 3;

/// Trials and ends that are told at one time, as by the driver.
const TOLD_MAX: usize = 5_000;

fn spec(trials: u64) -> Result<SweepSpec, Box<dyn Error>> {
    let axis = |hyperparameter| {
        let range = Range::new(hyperparameter, [1, 4_096].map(Value::Integer), false, None)?;
        Ok::<_, Box<dyn Error>>(Axis::of_range(hyperparameter, range))
    };
    let budget = Budget { trials: Some(u32::try_from(trials)?), ..Budget::default() };
    let axes = vec![axis(Hyperparameter::Units)?, axis(Hyperparameter::BatchSize)?];
    let search = Search { sampler: SamplerName::Random, budget, ..Search::of_grid() };
    Ok(SweepSpec { search: Some(Box::new(search)), ..setup::spec("searched", axes, 1) })
}

/// The n-th trial, which has completed.
fn completed(first: &TrialRecord, number: u32) -> Result<TrialRecord, Box<dyn Error>> {
    let mut trial = first.clone();
    trial.spec.id = TrialId { index: number, ..trial.spec.id };
    let (units, batch) = (u64::from(number / 1_000) + 1, u64::from(number % 1_000) + 1);
    let configuration = Configuration::default().with(Hyperparameter::Units, Value::Integer(units))?;
    trial.spec.configuration = configuration.with(Hyperparameter::BatchSize, Value::Integer(batch))?;
    trial.configuration_index = ConfigurationIndex(number);
    trial.ended_number = Some(u64::from(number) + 1);
    Ok(setup::completed(&trial, EPOCHS))
}

/// An engine with a searched sweep of which that many trials have ended, and the next ones are wanted.
fn ended(trials: u32) -> Result<(Engine, SweepId), Box<dyn Error>> {
    let mut engine = Engine::restore(Tables::default(), Timestamp(0));
    let sweep = match setup::fold(&mut engine, &setup::launch(spec(1_000_000)?))? {
        Reply::Launched(sweep) => sweep,
        other => return Err(format!("{other:?}").into()),
    };
    propose(&mut engine, sweep)?;
    let mut tables = engine.tables().clone();
    let first = tables.trials.values().next().ok_or("no trial")?.clone();
    for number in 0..trials {
        let trial = completed(&first, number)?;
        tables.trials.insert(trial);
    }
    Ok((Engine::restore(tables, Timestamp(0)), sweep))
}

fn propose(engine: &mut Engine, sweep: SweepId) -> Result<(), Box<dyn Error>> {
    let mut asked = engine.proposal_request(sweep).ok_or("nothing is wanted")?;
    let (version, first, answer) = (asked.version, asked.first, asked.request.answer());
    setup::fold(engine, &Command::Propose { sweep, version, first, answer }).map(|_| ())
}

#[allow(clippy::print_stdout, reason = "what an example is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let trials = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let (mut engine, sweep) = ended(trials)?;
    let began = Instant::now();
    let whole = engine.proposal_request(sweep).ok_or("nothing is wanted")?;
    println!("the whole history of {} trials at once: {:.1?}", whole.request.history.made(), began.elapsed());
    drop(whole);

    let (mut known, mut copy): (Option<Known>, _) = (None, None);
    let mut holds: Vec<Duration> = Vec::new();
    loop {
        let began = Instant::now();
        let question = engine.question(sweep, known, TOLD_MAX).ok_or("nothing is wanted")?;
        holds.push(began.elapsed());
        let is_asked = question.count > 0;
        known = Some(question.known);
        copy = question.put(copy);
        if is_asked {
            break;
        }
    }
    let longest = holds.iter().max().copied().unwrap_or_default();
    println!("from the beginning: {} parts of at most {TOLD_MAX}, longest {longest:.1?}", holds.len());

    propose(&mut engine, sweep)?;
    let pending: Vec<TrialRecord> =
        engine.tables().trials.values().filter(|trial| trial.state == TrialState::Pending).cloned().collect();
    let mut tables = engine.tables().clone();
    for (number, trial) in (trials..).zip(&pending) {
        let mut ended = completed(trial, number)?;
        ended.spec = trial.spec.clone();
        ended.configuration_index = trial.configuration_index;
        tables.trials.insert(ended);
    }
    let engine = Engine::restore(tables, Timestamp(0));
    let began = Instant::now();
    let question = engine.question(sweep, known, TOLD_MAX).ok_or("nothing is wanted")?;
    let (made, ended) = (question.news.made.len(), question.news.ended.len());
    println!("what is new, {made} trials and {ended} ends: {:.1?}", began.elapsed());
    let began = Instant::now();
    let mut asked = question.put(copy).ok_or("no copy")?;
    let found = asked.request.answer()?.proposals.len();
    println!("the answer, {found} proposals, beside the driver: {:.1?}", began.elapsed());
    Ok(())
}

//! Replays a search on many seeds, over generated tables or a recorded one, and says how good it was and how fast.
//!
//! ```text
//! cargo run --release -p coordinator-search --example searches -- auto small 50
//! cargo run --release -p coordinator-search --example searches -- random+asha recorded.csv 50 --workers 8 --share 0.15
//! ```
//!
//! A recorded table is a CSV file with a column for each hyperparameter, named as in sweep files, and the columns `replicate` and `epoch`
//! (from 1), `loss` and `ms`. Searchers see the first half of its replicates, the other half judges.

mod options;
mod recorded;
mod summary;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use coordinator_search::Space;
use coordinator_search::auto::{Auto, Candidates, Settings};
use coordinator_search::replay::generator::{self, Kind};
use coordinator_search::replay::{Course, CurveTable, Judge, Listed, Sampled, Setup, Strategy, Trace, play};
use sweep_proto::{Configuration, PrunerName, SamplerName, Search};

use options::Options;
use summary::Summary;

/// A table, and all that is needed to search it.
struct World {
    table: CurveTable,
    candidates: Candidates,
    judge: Judge,
    space: Space,
    configurations: Vec<Configuration>,
}

fn generated(kind: Kind, seed: u64) -> Result<World> {
    let made = generator::make(kind, seed)?;
    let space = generator::space();
    let (_, configurations) = Candidates::of(&space)?;
    Ok(World { table: made.table, candidates: made.candidates, judge: made.judge, space, configurations })
}

fn strategy(options: &Options, world: &World, seed: u64) -> Result<Box<dyn Strategy>> {
    let (configurations, replicates) = (world.table.configurations(), world.table.replicates() as u32);
    let epochs = world.table.epochs() as u32;
    Ok(match options.strategy.as_str() {
        "auto" => {
            let settings = Settings {
                patience: options.patience,
                ..Settings::new(seed, replicates, epochs, generator::CHANCE_LOSS)
            };
            Box::new(Auto::new(settings, world.candidates.clone())?)
        }
        "listed" => Box::new(Listed::grid(configurations, replicates)),
        "shuffled" => Box::new(Listed::random(configurations, replicates, seed)),
        name => {
            let (sampler, pruner) = name.split_once('+').unwrap_or((name, PrunerName::None.name()));
            let sampler = SamplerName::from_name(sampler).with_context(|| {
                format!(
                    "{sampler} is no sampler; choose auto, listed, shuffled or one of {:?}",
                    SamplerName::NAMES
                )
            })?;
            let pruner = PrunerName::from_name(pruner)
                .with_context(|| format!("{pruner} is no pruner; choose one of {:?}", PrunerName::NAMES))?;
            let search = Search { sampler, pruner, ..Search::of_grid() };
            let trials = configurations as u64 * u64::from(replicates);
            let workers = options.workers as u64;
            let setup = Setup { sampler, seed, space: world.space.clone(), replicates, workers, trials };
            Box::new(Sampled::new(setup, &search, epochs, &world.configurations))
        }
    })
}

/// Time that this thread has computed: others that run on the machine do not count where the system tells it (Linux).
fn computed(since_start: Instant) -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = text.split_whitespace().next().and_then(|ns| ns.parse().ok());
    ns.map_or_else(|| since_start.elapsed(), Duration::from_nanos)
}

fn searched(options: &Options, world: &World, seed: u64) -> Result<(Trace, Duration)> {
    let all_epochs = world.table.all_epochs();
    let epochs = (options.share * all_epochs as f64) as u64;
    let course = Course { workers: options.workers, epochs, patience: options.patience };
    let mut strategy = strategy(options, world, seed)?;
    let start = Instant::now();
    let began = computed(start);
    let trace = play(&world.table, course, &mut *strategy).map_err(|problem| anyhow!(problem))?;
    Ok((trace, computed(start).saturating_sub(began)))
}

fn main() -> Result<()> {
    let options = Options::read(std::env::args().skip(1))?;
    let kind = Kind::ALL.iter().find(|(name, _)| *name == options.table).map(|(_, kind)| *kind);
    let recorded = match kind {
        Some(_) => None,
        None => Some(recorded::read(&options.table)?),
    };
    let mut summary = Summary::new(options.share);
    for seed in options.first_seed..options.first_seed + options.seeds {
        let made = kind.map(|kind| generated(kind, seed)).transpose()?;
        let world = made.as_ref().or(recorded.as_ref()).context("a table is made or recorded")?;
        let (trace, took) = searched(&options, world, seed)?;
        summary.add(&trace, &world.judge, world.table.all_epochs(), took);
    }
    println!("{} {}: {summary}", options.strategy, options.table);
    Ok(())
}

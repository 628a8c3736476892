//! Replays a search on many seeds, over generated tables or a recorded one, and says how good it was and how fast.
//!
//! ```text
//! cargo run --release -p coordinator-search --example searches -- auto small 50
//! cargo run --release -p coordinator-search --example searches -- random+asha recorded.csv 50 --workers 8 --share 0.15
//! ```
//!
//! Of a recorded table, `sweep replay` tells more; here the time of each search is taken without that of others. Searches have the names
//! that they have there.

mod options;
mod recorded;
mod summary;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use coordinator_search::auto::Candidates;
use coordinator_search::replay::generator::{self, Kind};
use coordinator_search::replay::recorded::World;
use coordinator_search::replay::{Course, Trace};

use options::Options;
use summary::Summary;

fn generated(kind: Kind, seed: u64) -> Result<World> {
    let made = generator::make(kind, seed)?;
    let space = generator::space();
    let (_, configurations) = Candidates::of(&space)?;
    Ok(World::judged(made.table, (space, configurations), made.judge, generator::CHANCE_LOSS)?)
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
    let start = Instant::now();
    let began = computed(start);
    let trace = options.search.play(world, course, seed).map_err(|problem| anyhow!(problem))?;
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
    println!("{} {}: {summary}", options.search, options.table);
    Ok(())
}

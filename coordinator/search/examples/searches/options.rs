//! What the command line asks for.

use anyhow::{Context, Result, anyhow, bail};
use coordinator_search::replay::Entrant;

/// The options of a run.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) search: Entrant,
    /// A kind of generated tables, or the path of a recorded one.
    pub(crate) table: String,
    pub(crate) seeds: u64,
    pub(crate) first_seed: u64,
    pub(crate) workers: usize,
    /// Part of the grid's epochs after which a search ends.
    pub(crate) share: f64,
    pub(crate) patience: u32,
}

const USAGE: &str = "usage: searches SEARCH TABLE SEEDS [--first N] [--workers N] [--share S] [--patience N]";

impl Options {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut next = || words.next().context(USAGE);
        let search = next()?.parse().map_err(|problem: String| anyhow!("{problem}; {USAGE}"))?;
        let (table, seeds) = (next()?, next()?.parse().context(USAGE)?);
        let mut options = Self { search, table, seeds, first_seed: 0, workers: 8, share: 0.15, patience: 2 };
        while let Some(name) = words.next() {
            let value = words.next().with_context(|| format!("{name} needs a value; {USAGE}"))?;
            let problem = || format!("{value} is no value of {name}; {USAGE}");
            match name.as_str() {
                "--first" => options.first_seed = value.parse().with_context(problem)?,
                "--workers" => options.workers = value.parse().with_context(problem)?,
                "--share" => options.share = value.parse().with_context(problem)?,
                "--patience" => options.patience = value.parse().with_context(problem)?,
                _ => bail!("{name} is no option; {USAGE}"),
            }
        }
        Ok(options)
    }
}

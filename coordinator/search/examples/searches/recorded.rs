//! Reads a recorded table of learning curves: the reader of `sweep replay`, with the normal distribution in the place of Student's.

use anyhow::{Context, Result};
use coordinator_search::replay::recorded::{Columns, Known, Reader, World};

/// The critical value of a two-sided test at 5 % where there are many degrees of freedom.
const CRITICAL: f64 = 1.96;

pub(crate) fn read(path: &str) -> Result<World> {
    let mut file = csv::Reader::from_path(path).with_context(|| format!("cannot read {path}"))?;
    let known = Known::default();
    let header: Vec<String> = file.headers()?.iter().map(str::to_owned).collect();
    let mut reader = Reader::new(Columns::of_epochs(&header, known.objective())?, known.objective());
    for (row, record) in file.records().enumerate() {
        reader.row(row as u64 + 2, &record?.iter().collect::<Vec<_>>())?;
    }
    Ok(World::new(&reader.finish()?, &known, None, &|_| CRITICAL)?)
}

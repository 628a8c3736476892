//! Reads a recorded table of learning curves.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use coordinator_search::Space;
use coordinator_search::auto::Candidates;
use coordinator_search::replay::{CurveTable, Epoch, Judge};
use sweep_proto::{Axis, Hyperparameter, Value};

use crate::World;

/// Columns behind the hyperparameters.
const COLUMNS: [&str; 4] = ["replicate", "epoch", "loss", "ms"];

pub(crate) fn read(path: &str) -> Result<World> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read {path}"))?;
    let header = reader.headers()?.clone();
    let axes: Vec<&str> = header.iter().take(header.len().saturating_sub(COLUMNS.len())).collect();
    if !header.iter().skip(axes.len()).eq(COLUMNS) {
        bail!("{path} must end with the columns {COLUMNS:?}; rename them, or write the table again");
    }
    let hyperparameter = |name: &&str| {
        Hyperparameter::ALL
            .iter()
            .copied()
            .find(|one| one.name() == *name)
            .with_context(|| format!("the column {name} of {path} is no hyperparameter"))
    };
    let axes: Vec<Hyperparameter> = axes.iter().map(hyperparameter).collect::<Result<_>>()?;
    let mut levels: Vec<BTreeSet<Value>> = vec![BTreeSet::new(); axes.len()];
    let mut curves: BTreeMap<(Vec<Value>, usize), BTreeMap<usize, Epoch>> = BTreeMap::new();
    for (row, record) in reader.records().enumerate() {
        let record = record?;
        let at = |column: usize| record.get(column).unwrap_or_default();
        let problem = || format!("row {} of {path} has a value that cannot be read", row + 2);
        let value =
            |(column, one): (usize, &Hyperparameter)| Value::read(*one, at(column)).with_context(problem);
        let values: Vec<Value> = axes.iter().enumerate().map(value).collect::<Result<_>>()?;
        levels.iter_mut().zip(&values).for_each(|(levels, value)| {
            levels.insert(value.clone());
        });
        let [replicate, epoch, loss, ms] = [0, 1, 2, 3].map(|column| at(axes.len() + column));
        let epoch: usize = epoch.parse().with_context(problem)?;
        let one = Epoch { loss: loss.parse().with_context(problem)?, ms: ms.parse().with_context(problem)? };
        curves.entry((values, replicate.parse().with_context(problem)?)).or_default().insert(epoch, one);
    }
    let replicates =
        1 + curves.keys().map(|(_, replicate)| *replicate).max().context("the table is empty")?;
    let space_axes = axes.iter().zip(levels);
    let space_axes = space_axes.map(|(axis, levels)| Axis::of_levels(*axis, levels.into_iter().collect()));
    let space = Space::over(space_axes.collect());
    let (candidates, configurations) = Candidates::of(&space)?;
    let mut all = Vec::new();
    for configuration in &configurations {
        let values: Vec<Value> = axes.iter().map(|axis| configuration.get(*axis)).collect();
        for replicate in 0..replicates {
            let curve = curves.remove(&(values.clone(), replicate)).unwrap_or_default();
            all.push(curve.into_values().collect::<Vec<_>>());
        }
    }
    let whole = CurveTable::new(replicates, all)?;
    world(&whole, space, candidates, configurations)
}

/// Searchers see the first half of the replicates, the other half judges.
fn world(
    whole: &CurveTable,
    space: Space,
    candidates: Candidates,
    configurations: Vec<sweep_proto::Configuration>,
) -> Result<World> {
    let seen = whole.replicates() / 2;
    let curves = (0..whole.configurations())
        .flat_map(|one| (0..seen).map(move |replicate| (one, replicate as u32)))
        .map(|(one, replicate)| whole.curve(one, replicate).to_vec())
        .collect();
    let table = CurveTable::new(seen, curves)?;
    let judged = |one: usize| {
        let scores = whole.scores(one);
        let unseen = &scores[seen..];
        unseen.iter().sum::<f64>() / unseen.len() as f64
    };
    let truth = (0..whole.configurations()).map(judged).collect();
    let judge = Judge::new(truth, table.seed_deviation(), seen);
    Ok(World { table, candidates, judge, space, configurations })
}

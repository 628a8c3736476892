//! Which trials can be compared: those that stand at every level with the same other values and the same replicate.
//!
//! Where trials are missing (a sweep that is underway, or that lost some), the trials of one level have other partners and
//! other seeds than those of another, and their means would tell of these. A block is what is left when the
//! compared levels are taken away: only blocks that have a result in every compared cell count.

use std::collections::BTreeMap;

use sweep_proto::{Axis, Value};

use crate::table::{Table, TrialOutcome, TrialRow};

/// Trials of the cells of some axes.
#[derive(Clone, Debug)]
pub struct Matched<'a> {
    /// By cell, written in mixed radix over the axes' levels: trials of the blocks that every compared cell has.
    pub cells: Vec<Vec<(&'a TrialRow, TrialOutcome)>>,
    /// By cell: all completed trials.
    pub completed: Vec<u32>,
}

/// What the trials of a block share: the levels of all other axes and the replicate. Without a whole grid each trial is a block of its own.
type BlockKey = (Vec<Value>, u32, u32);
/// The trials of a block by cell.
type Block<'a> = BTreeMap<usize, (&'a TrialRow, TrialOutcome)>;

/// The comparable trials by their levels of `axes`; without a whole grid all of them. Cells without any completed trial are not compared.
pub fn matched<'a>(table: &'a Table, axes: &[&Axis]) -> Matched<'a> {
    let count = axes.iter().map(|axis| axis.levels().len()).product();
    let mut blocks: BTreeMap<BlockKey, Block<'a>> = BTreeMap::new();
    let mut completed = vec![0; count];
    let others: Vec<_> = table
        .swept
        .iter()
        .copied()
        .filter(|one| axes.iter().all(|axis| axis.hyperparameter != *one))
        .collect();
    for (trial, outcome) in table.completed() {
        let configuration = &table.configurations[trial.configuration];
        let cell = axes.iter().try_fold(0, |cell, axis| {
            let level = configuration.get(axis.hyperparameter);
            Some(cell * axis.levels().len() + axis.levels().iter().position(|one| *one == level)?)
        });
        let Some(cell) = cell else { continue };
        completed[cell] += 1;
        let block = others.iter().map(|one| configuration.get(*one)).collect();
        // Several values lie in one bin, so that each trial is a block by itself.
        let apart = if table.is_whole_grid { 0 } else { trial.id.index };
        blocks.entry((block, trial.replicate, apart)).or_default().insert(cell, (trial, outcome));
    }
    let compared = completed.iter().filter(|trials| **trials > 0).count();
    let mut cells = vec![Vec::new(); count];
    // Without a whole grid hardly a block is in every cell, so all trials count.
    for block in blocks.into_values().filter(|block| !table.is_whole_grid || block.len() == compared) {
        for (cell, trial) in block {
            cells[cell].push(trial);
        }
    }
    Matched { cells, completed }
}

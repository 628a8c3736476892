//! Reads recorded learning curves from rows of text: those of a report's `epochs.csv`, or of a table that somebody else has made.

mod cells;
mod columns;
mod curves;
mod problems;
mod world;

use std::collections::BTreeMap;

use sweep_proto::{Axis, Hyperparameter, Objective, SweepSpec, Value};

pub use columns::Columns;
pub use curves::Reader;
pub use problems::Problems;
pub use world::World;

use super::Epoch;

/// Most rows of a table: those of a sweep of 100,000 trials of 100 epochs.
pub const ROWS_MAX: u64 = 10_000_000;

/// What is known of a table beside its rows.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The sweep that it is of.
    pub spec: Option<SweepSpec>,
    /// By what its trials are ranked; `None`: by what its sweep says, else by the validation loss.
    pub objective: Option<Objective>,
    /// Classes of the data; `None`: two are taken for granted.
    pub classes: Option<usize>,
}

impl Known {
    /// By what trials are ranked.
    pub fn objective(&self) -> Objective {
        self.objective.or(self.spec.as_ref().map(|spec| spec.objective)).unwrap_or_default()
    }
}

/// The trials of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The hyperparameters that vary, with their levels in their order.
    pub axes: Vec<Axis>,
    /// Hyperparameters that do not.
    pub fixed: BTreeMap<Hyperparameter, Value>,
    /// Curves by the values of the axes and the replicate, the replicates numbered from 0 without gaps.
    pub curves: BTreeMap<(Vec<Value>, usize), Vec<Epoch>>,
    /// Replicates that some trial has.
    pub replicates: usize,
    /// What whoever reads the results should know of the table.
    pub notes: Vec<String>,
}

impl Recorded {
    /// The number that a hyperparameter has in all trials; `None` where it varies, is not told, or is no number.
    pub fn fixed_number(&self, hyperparameter: Hyperparameter) -> Option<u64> {
        match self.fixed.get(&hyperparameter) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }
}

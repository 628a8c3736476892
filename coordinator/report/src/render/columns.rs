//! The documented columns of the tidy files: one list for CSV and Parquet.

use std::ops::Range;

use sweep_proto::metric::figure::{Row, Unit};
use sweep_proto::{EpochFigure, EpochMetric, Kind, TestFigure, Value};

use crate::table::{Table, TrialOutcome, TrialRow};

/// One typed column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds, with its unit.
    pub doc: &'static str,
    /// Its cells, one per row.
    pub cells: Cells,
}

/// The cells of a column; a missing one is `None`.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Whole numbers.
    Integer(Vec<Option<u64>>),
    /// Real numbers, finite.
    Real(Vec<Option<f64>>),
    /// Flags.
    Flag(Vec<Option<bool>>),
    /// Text.
    Text(Vec<Option<String>>),
}

impl Cells {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Cells::Integer(cells) => cells.len(),
            Cells::Real(cells) => cells.len(),
            Cells::Flag(cells) => cells.len(),
            Cells::Text(cells) => cells.len(),
        }
    }
}

/// Collects columns of rows of type `R`.
struct Builder<R> {
    rows: Vec<R>,
    columns: Vec<Column>,
}

impl<R: Copy> Builder<R> {
    fn integer(&mut self, name: &'static str, doc: &'static str, of: impl Fn(R) -> Option<u64>) {
        let cells = Cells::Integer(self.rows.iter().map(|row| of(*row)).collect());
        self.columns.push(Column { name, doc, cells });
    }

    fn real(&mut self, name: &'static str, doc: &'static str, of: impl Fn(R) -> Option<f64>) {
        // Adding zero takes its sign from -0.0.
        let cell = |row: &R| of(*row).filter(|number| number.is_finite()).map(|number| number + 0.0);
        let cells = self.rows.iter().map(cell).collect();
        self.columns.push(Column { name, doc, cells: Cells::Real(cells) });
    }

    fn flag(&mut self, name: &'static str, doc: &'static str, of: impl Fn(R) -> Option<bool>) {
        let cells = Cells::Flag(self.rows.iter().map(|row| of(*row)).collect());
        self.columns.push(Column { name, doc, cells });
    }

    fn text(&mut self, name: &'static str, doc: &'static str, of: impl Fn(R) -> Option<String>) {
        let cells = Cells::Text(self.rows.iter().map(|row| of(*row)).collect());
        self.columns.push(Column { name, doc, cells });
    }

    /// Which trial, then its hyperparameters: the swept ones first.
    fn trial(&mut self, table: &Table, position: impl Fn(R) -> usize + Copy) {
        let of = |at: R| &table.trials[position(at)];
        self.integer("sweep", "The sweep's number.", |at| Some(of(at).id.sweep.0));
        self.integer("trial", "The trial's position in the sweep, from 0.", |at| {
            Some(u64::from(of(at).id.index))
        });
        self.text("state", "The trial's state.", |at| Some(of(at).state.name().to_owned()));
        for hyperparameter in table.columns() {
            let row = hyperparameter.row();
            let value = |at: R| table.configurations[of(at).configuration].get(hyperparameter);
            // The kind decides the type of the column, so that an empty table has it too.
            match row.kind {
                Kind::Integer { .. } => self.integer(row.name, row.doc, |at| {
                    if let Value::Integer(number) = value(at) { Some(number) } else { None }
                }),
                Kind::Real { .. } => self.real(row.name, row.doc, |at| {
                    if let Value::Real(number) = value(at) { Some(number) } else { None }
                }),
                Kind::Flag => self.flag(row.name, row.doc, |at| {
                    if let Value::Flag(flag) = value(at) { Some(flag) } else { None }
                }),
                Kind::Choice(_) => self.text(row.name, row.doc, |at| Some(value(at).to_string())),
            }
        }
        self.integer(
            "replicate",
            "The replicate, from 0: the same one has the same seed everywhere.",
            |at| Some(u64::from(of(at).replicate)),
        );
        self.integer("seed", "The seed of initial values, dropout masks and shuffles.", |at| {
            Some(of(at).seed)
        });
    }
}

/// Rows that are columns at the same time, and a group of a Parquet file. Readers work on a group at a time and are best with 100,000 to
/// 1,000,000 rows in one. Few are better for the memory of whoever writes the report: docs/benchmarks.md has what it takes.
const ROWS_MAX: usize = 131_072;

/// The columns of `trials.csv` and `trials.parquet`, piece by piece: one row per trial, by id.
pub fn of_trials(table: &Table) -> impl Iterator<Item = Vec<Column>> + '_ {
    pieces(table, |_| 1).map(|trials| trial_columns(table, trials))
}

/// The columns of `epochs.csv` and `epochs.parquet`, piece by piece: one row per trial and epoch, by id and epoch. A
/// reused trial has the epochs of the one that stands in for it.
pub fn of_epochs(table: &Table) -> impl Iterator<Item = Vec<Column>> + '_ {
    pieces(table, |trial| trial.epochs.len()).map(|trials| epoch_columns(table, trials))
}

/// Ranges of trials with about as many rows each; one empty range for an empty table, so that its columns are known.
fn pieces(table: &Table, rows: fn(&TrialRow) -> usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let from = next?;
        let (mut to, mut held) = (from, 0);
        while to < table.trials.len() && held < ROWS_MAX {
            held += rows(&table.trials[to]);
            to += 1;
        }
        next = (to < table.trials.len()).then_some(to);
        Some(from..to)
    })
}

fn trial_columns(table: &Table, trials: Range<usize>) -> Vec<Column> {
    let mut builder = Builder { rows: trials.collect(), columns: Vec::new() };
    let of = |at: usize| &table.trials[at];
    builder.trial(table, |at| at);
    builder.text("key", "The trial's content address.", |at| Some(of(at).key.to_string()));
    builder.text("dataset", "SHA-256 of the encoded dataset.", |at| Some(of(at).dataset.to_string()));
    outcome_columns(&mut builder, table);
    test_columns(&mut builder, table);
    let doc = "Seconds inside epochs: training and validation.";
    builder.real("seconds", doc, |at| of(at).seconds());
    let doc = "Training examples per second, mean over epochs.";
    builder.real("examples_per_second", doc, |at| of(at).examples_per_second());
    let doc = "Largest resident memory of the slot process, in bytes.";
    builder.integer("peak_memory_bytes", doc, |at| of(at).peak_memory_bytes());
    let doc = "Energy of the device inside epochs, in joules; empty unless it is known of every epoch.";
    builder.real("energy_joules", doc, |at| of(at).energy_joules());
    builder.integer("attempts", "Attempts begun.", |at| Some(u64::from(of(at).attempts)));
    builder.integer("failures", "Attempts failed.", |at| Some(u64::from(of(at).failures)));
    let doc = "The earlier trial whose result stands in, written sweep/trial.";
    builder.text("reused_from", doc, |at| of(at).reused_from.map(|from| from.to_string()));
    let doc = "The epoch in which the trial diverged.";
    builder.integer("diverged_epoch", doc, |at| of(at).diverged_epoch.map(u64::from));
    builder.text("worker", "The worker of the last training attempt.", |at| of(at).worker.clone());
    builder.text("error", "Why the last failed or diverged attempt ended.", |at| of(at).error.clone());
    builder.columns
}

fn outcome_columns(builder: &mut Builder<usize>, table: &Table) {
    let of = |at: usize, number: fn(TrialOutcome) -> f64| table.trials[at].outcome.map(number);
    let count = |at: usize, number: fn(TrialOutcome) -> u64| table.trials[at].outcome.map(number);
    builder.real("validation_loss", "The score: validation loss at the best epoch, in nats.", |at| {
        of(at, |outcome| outcome.loss)
    });
    builder.real("validation_accuracy", "Validation accuracy at the best epoch, a fraction.", |at| {
        of(at, |outcome| outcome.accuracy)
    });
    let doc = "Macro F1 on the validation split at the best epoch: the unweighted mean over classes.";
    builder.real("validation_macro_f1", doc, |at| {
        table.trials[at].kept_epoch().map(|epoch| epoch.validation_macro_f1)
    });
    builder.integer("best_epoch", "The epoch with the lowest validation loss, from 1.", |at| {
        count(at, |outcome| u64::from(outcome.best_epoch))
    });
    builder.integer("epochs_trained", "Epochs trained.", |at| count(at, |outcome| u64::from(outcome.epochs)));
    builder.flag("early_stopped", "Whether patience ran out.", |at| {
        table.trials[at].outcome.map(|outcome| outcome.early_stopped)
    });
    builder
        .integer("parameters", "Trained numbers in the model.", |at| count(at, |outcome| outcome.parameters));
    let last = |at: usize, number: fn(&EpochMetric) -> f64| table.trials[at].epochs.last().map(number);
    builder.real("last_validation_loss", "Validation loss at the last epoch, in nats.", |at| {
        last(at, |epoch| epoch.validation_loss)
    });
    builder.real("last_validation_accuracy", "Validation accuracy at the last epoch, a fraction.", |at| {
        last(at, |epoch| epoch.validation_accuracy)
    });
}

fn test_columns(builder: &mut Builder<usize>, table: &Table) {
    let of = |at: usize| table.trials[at].test.as_ref();
    for figure in TestFigure::ALL {
        builder.real(figure.column(), figure.row().doc, |at| of(at).and_then(|test| figure.of(test)));
    }
}

fn epoch_columns(table: &Table, trials: Range<usize>) -> Vec<Column> {
    let epochs = |at: usize| table.trials[at].epochs.len();
    let rows = trials.flat_map(|at| (0..epochs(at)).map(move |epoch| (at, epoch)));
    let mut builder = Builder { rows: rows.collect(), columns: Vec::new() };
    builder.trial(table, |(at, _)| at);
    let of = |(at, epoch): (usize, usize)| &table.trials[at].epochs[epoch];
    builder.integer("epoch", "The epoch, from 1.", |at| Some(u64::from(of(at).epoch)));
    for figure in EpochFigure::ALL {
        let Row { name, doc, unit, .. } = figure.row();
        match unit {
            Unit::Bytes => builder.integer(name, doc, |at| figure.of(of(at)).map(|bytes| bytes as u64)),
            _ => builder.real(name, doc, |at| figure.of(of(at))),
        }
    }
    builder.columns
}

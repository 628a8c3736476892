//! Removal of rows in PostgreSQL, each with everything below it: one statement for each table, whatever the number of rows.

use std::collections::BTreeSet;

use coordinator_core::Key;
use postgres::Transaction;
use postgres::types::{ToSql, Type};
use sweep_proto::TrialId;
use uuid::Uuid;

use super::rows::{execute, raise_counter};
use super::session::Failure;
use crate::encoding::LAST_SWEEP;

/// Tables whose rows belong to a trial, children first.
const OF_TRIAL: [&str; 4] = ["steps", "epochs", "attempts", "trials"];

/// What one commit removes.
#[derive(Default)]
pub(super) struct Removals {
    sweeps: BTreeSet<i64>,
    trials: BTreeSet<(i64, i64)>,
    /// Trials whose step metrics go alone.
    steps: BTreeSet<(i64, i64)>,
    workers: BTreeSet<Uuid>,
    tokens: BTreeSet<String>,
    certificates: BTreeSet<String>,
}

fn trial_key(trial: TrialId) -> (i64, i64) {
    (trial.sweep.0.cast_signed(), i64::from(trial.index))
}

impl Removals {
    pub(super) fn add(&mut self, key: Key) {
        match key {
            Key::Sweep(id) => self.sweeps.insert(id.0.cast_signed()),
            Key::Trial(id) => self.trials.insert(trial_key(id)),
            Key::Steps(id) => self.steps.insert(trial_key(id)),
            Key::Worker(id) => self.workers.insert(id.0),
            Key::Token(id) => self.tokens.insert(id.to_string()),
            Key::Certificate(id) => self.certificates.insert(id.to_string()),
        };
    }

    /// Removes everything, children before their parents.
    pub(super) fn write(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        remove_of_trials(transaction, "steps", &self.steps)?;
        for table in OF_TRIAL {
            remove_of_trials(transaction, table, &self.trials)?;
            remove(transaction, table, "sweep", Type::INT8_ARRAY, &self.sweeps)?;
        }
        remove(transaction, "search_events", "sweep", Type::INT8_ARRAY, &self.sweeps)?;
        remove(transaction, "sweeps", "id", Type::INT8_ARRAY, &self.sweeps)?;
        if let Some(last) = self.sweeps.last() {
            raise_counter(transaction, LAST_SWEEP, last.cast_unsigned())?;
        }
        remove(transaction, "workers", "id", Type::UUID_ARRAY, &self.workers)?;
        remove(transaction, "tokens", "id", Type::TEXT_ARRAY, &self.tokens)?;
        remove(transaction, "certificates", "id", Type::TEXT_ARRAY, &self.certificates)
    }
}

fn remove_of_trials(
    transaction: &mut Transaction<'_>,
    table: &str,
    trials: &BTreeSet<(i64, i64)>,
) -> Result<(), Failure> {
    let (sweeps, indices): (Vec<i64>, Vec<i64>) = trials.iter().copied().unzip();
    let sql = format!(
        "DELETE FROM {table} USING unnest($1, $2) AS gone (sweep, trial)
         WHERE {table}.sweep = gone.sweep AND {table}.trial = gone.trial"
    );
    execute(transaction, &sql, sweeps.len(), &[&sweeps, &indices], [Type::INT8_ARRAY, Type::INT8_ARRAY])
}

fn remove<T>(
    transaction: &mut Transaction<'_>,
    table: &str,
    column: &str,
    kind: Type,
    keys: &BTreeSet<T>,
) -> Result<(), Failure>
where
    T: Clone + ToSql + Sync + std::fmt::Debug,
{
    let keys: Vec<T> = keys.iter().cloned().collect();
    let sql = format!("DELETE FROM {table} WHERE {column} = ANY($1)");
    execute(transaction, &sql, keys.len(), &[&keys], [kind])
}

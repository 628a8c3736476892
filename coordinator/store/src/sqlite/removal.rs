//! Removal of rows in SQLite, each with everything below it.

use coordinator_core::Key;
use rusqlite::{Connection, Params, params};
use sweep_proto::{SweepId, TrialId};

use super::rows::raise_counter;
use crate::StoreError;
use crate::encoding::LAST_SWEEP;

/// Tables whose rows belong to a trial, children first.
const OF_TRIAL: [&str; 4] = ["steps", "epochs", "attempts", "trials"];

/// Removes a row.
pub(super) fn remove(connection: &Connection, key: Key) -> Result<(), StoreError> {
    match key {
        Key::Sweep(id) => remove_sweep(connection, id),
        Key::Trial(id) => OF_TRIAL.iter().try_for_each(|table| remove_of_trial(connection, table, id)),
        Key::Steps(id) => remove_of_trial(connection, "steps", id),
        Key::Worker(id) => delete(connection, "workers", "id = ?1", params![id.0.as_bytes().as_slice()]),
        Key::Token(id) => delete(connection, "tokens", "id = ?1", params![id.to_string()]),
        Key::Certificate(id) => delete(connection, "certificates", "id = ?1", params![id.to_string()]),
    }
}

fn remove_sweep(connection: &Connection, id: SweepId) -> Result<(), StoreError> {
    let number = id.0.cast_signed();
    OF_TRIAL.iter().try_for_each(|table| delete(connection, table, "sweep = ?1", params![number]))?;
    delete(connection, "search_events", "sweep = ?1", params![number])?;
    delete(connection, "sweeps", "id = ?1", params![number])?;
    raise_counter(connection, LAST_SWEEP, id.0)
}

fn remove_of_trial(connection: &Connection, table: &str, id: TrialId) -> Result<(), StoreError> {
    delete(connection, table, "sweep = ?1 AND trial = ?2", params![id.sweep.0.cast_signed(), id.index])
}

fn delete(
    connection: &Connection,
    table: &str,
    condition: &str,
    values: impl Params,
) -> Result<(), StoreError> {
    connection.prepare_cached(&format!("DELETE FROM {table} WHERE {condition}"))?.execute(values)?;
    Ok(())
}

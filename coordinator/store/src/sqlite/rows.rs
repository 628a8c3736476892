//! Mutations as SQL, and rows as records again.

use coordinator_core::{AttemptRecord, EpochRecord, Mutation, Tables, TrialRecord, WorkerRecord};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use sweep_proto::{EpochMetric, SweepId, TrialId};

use super::{access, removal};
use crate::StoreError;
use crate::encoding::{
    LAST_SWEEP, LAST_TOKEN, from_body, sum_of_body, sum_of_counter, sum_of_epoch, to_json, verify,
};

/// Executes one mutation.
pub(super) fn apply(connection: &Connection, mutation: &Mutation) -> Result<(), StoreError> {
    match mutation {
        Mutation::Sweep(sweep) => {
            let body = to_json(sweep)?;
            let sum = sum_of_body("sweep", &sweep.id.to_string(), &body);
            let sql = "INSERT INTO sweeps VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT DO UPDATE SET state = excluded.state, body = excluded.body, checksum = excluded.checksum";
            let id = sweep.id.0.cast_signed();
            connection.prepare_cached(sql)?.execute(params![id, sweep.state.name(), body, sum])?;
        }
        Mutation::Trial(trial) => apply_trial(connection, trial)?,
        Mutation::Attempt(attempt) => apply_attempt(connection, attempt)?,
        Mutation::Epoch(epoch) => apply_epoch(connection, epoch)?,
        Mutation::TruncateEpochs { trial, epoch } => {
            let sql = "DELETE FROM epochs WHERE sweep = ?1 AND trial = ?2 AND epoch > ?3";
            connection.prepare_cached(sql)?.execute(params![
                trial.sweep.0.cast_signed(),
                trial.index,
                epoch
            ])?;
        }
        Mutation::Worker(worker) => apply_worker(connection, worker)?,
        Mutation::Token(token) => access::apply_token(connection, token)?,
        Mutation::Certificate(certificate) => access::apply_certificate(connection, certificate)?,
        Mutation::Audit(entry) => access::apply_audit(connection, entry)?,
        Mutation::AuditBase(base) => access::apply_audit_base(connection, base)?,
        Mutation::AuditSeal(seal) => access::apply_audit_seal(connection, seal)?,
        Mutation::LastToken(token) => raise_counter(connection, LAST_TOKEN, *token)?,
        Mutation::Remove(key) => removal::remove(connection, *key)?,
    }
    Ok(())
}

/// Counters only grow, whatever order batches come in.
pub(super) fn raise_counter(connection: &Connection, name: &str, value: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO counters VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE
        SET value = excluded.value, checksum = excluded.checksum WHERE excluded.value > value";
    let sum = sum_of_counter(name, value);
    connection.prepare_cached(sql)?.execute(params![name, value.cast_signed(), sum])?;
    Ok(())
}

/// What a counter has reached; 0 where it never moved.
fn counter(connection: &Connection, name: &str) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value, checksum FROM counters WHERE name = ?1")?;
    let row: Option<(i64, i64)> =
        statement.query_row(params![name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((value, sum)) = row else { return Ok(0) };
    let value = value.cast_unsigned();
    verify(sum, sum_of_counter(name, value), &format!("the counter {name}"))?;
    Ok(value)
}

fn apply_trial(connection: &Connection, trial: &TrialRecord) -> Result<(), StoreError> {
    let id = trial.spec.id;
    let body = to_json(trial)?;
    let sum = sum_of_body("trial", &id.to_string(), &body);
    let sql = "INSERT INTO trials VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE
        SET state = excluded.state, key = excluded.key, body = excluded.body, checksum = excluded.checksum";
    let key = trial.key.0.as_bytes().as_slice();
    connection.prepare_cached(sql)?.execute(params![
        id.sweep.0.cast_signed(),
        id.index,
        trial.state.name(),
        key,
        body,
        sum
    ])?;
    Ok(())
}

fn apply_attempt(connection: &Connection, attempt: &AttemptRecord) -> Result<(), StoreError> {
    let id = attempt.id;
    let body = to_json(attempt)?;
    let sum = sum_of_body("attempt", &id.to_string(), &body);
    let sql = "INSERT INTO attempts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE
        SET state = excluded.state, token = excluded.token, body = excluded.body, checksum = excluded.checksum";
    connection.prepare_cached(sql)?.execute(params![
        id.trial.sweep.0.cast_signed(),
        id.trial.index,
        id.number,
        attempt.state.name(),
        attempt.token.0.cast_signed(),
        body,
        sum,
    ])?;
    Ok(())
}

fn apply_epoch(connection: &Connection, epoch: &EpochRecord) -> Result<(), StoreError> {
    let metric = &epoch.metric;
    let sql = "INSERT INTO epochs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
        ON CONFLICT DO UPDATE SET attempt = excluded.attempt, train_loss = excluded.train_loss,
        train_accuracy = excluded.train_accuracy, validation_loss = excluded.validation_loss,
        validation_accuracy = excluded.validation_accuracy, validation_macro_f1 = excluded.validation_macro_f1,
        seconds = excluded.seconds, examples_per_second = excluded.examples_per_second,
        peak_memory_bytes = excluded.peak_memory_bytes, checksum = excluded.checksum,
        energy_joules = excluded.energy_joules";
    connection.prepare_cached(sql)?.execute(params![
        epoch.trial.sweep.0.cast_signed(),
        epoch.trial.index,
        metric.epoch,
        epoch.attempt,
        metric.train_loss,
        metric.train_accuracy,
        metric.validation_loss,
        metric.validation_accuracy,
        metric.validation_macro_f1,
        metric.seconds,
        metric.examples_per_second,
        metric.peak_memory_bytes.cast_signed(),
        sum_of_epoch(epoch),
        metric.energy_joules,
    ])?;
    Ok(())
}

fn apply_worker(connection: &Connection, worker: &WorkerRecord) -> Result<(), StoreError> {
    let body = to_json(worker)?;
    let sum = sum_of_body("worker", &worker.id.to_string(), &body);
    let sql = "INSERT INTO workers VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT DO UPDATE SET state = excluded.state, body = excluded.body, checksum = excluded.checksum";
    let id = worker.id.0.as_bytes().as_slice();
    connection.prepare_cached(sql)?.execute(params![id, worker.state.name(), body, sum])?;
    Ok(())
}

/// Reads every table.
pub(super) fn load(connection: &Connection) -> Result<Tables, StoreError> {
    let mut tables = Tables::default();
    each(connection, "SELECT id, body, checksum FROM sweeps", |row| {
        let id = SweepId(row.get::<_, i64>(0)?.cast_unsigned());
        tables.sweeps.insert(id, body(row, 1, "sweep", &id.to_string())?);
        Ok(())
    })?;
    each(connection, "SELECT sweep, trial, body, checksum FROM trials", |row| {
        let id = trial_id(row)?;
        let trial: TrialRecord = body(row, 2, "trial", &id.to_string())?;
        tables.trials.insert(trial);
        Ok(())
    })?;
    each(connection, "SELECT sweep, trial, attempt, body, checksum FROM attempts", |row| {
        let id = sweep_proto::AttemptId { trial: trial_id(row)?, number: row.get(2)? };
        let attempt: AttemptRecord = body(row, 3, "attempt", &id.to_string())?;
        tables.attempts.insert(attempt);
        Ok(())
    })?;
    each(connection, "SELECT * FROM epochs", |row| {
        let epoch = epoch(row)?;
        tables.epochs.insert(epoch);
        Ok(())
    })?;
    each(connection, "SELECT id, body, checksum FROM workers", |row| {
        let id = uuid::Uuid::from_slice(&row.get::<_, Vec<u8>>(0)?)
            .map_err(|error| StoreError::corrupt("the id of a worker", error))?;
        tables.workers.insert(sweep_proto::WorkerId(id), body(row, 1, "worker", &id.to_string())?);
        Ok(())
    })?;
    tables.last_token = counter(connection, LAST_TOKEN)?;
    // Rows of before sweeps could be removed have no such counter: no sweep of theirs is gone.
    let newest = tables.sweeps.last_key_value().map_or(0, |(id, _)| id.0);
    tables.last_sweep = counter(connection, LAST_SWEEP)?.max(newest);
    access::load(connection, &mut tables)?;
    tables.number_configurations();
    Ok(tables)
}

pub(super) fn each(
    connection: &Connection,
    sql: &str,
    mut visit: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        visit(row)?;
    }
    Ok(())
}

/// The record in column `at`, after checking the checksum in the column after it.
pub(super) fn body<T: DeserializeOwned>(
    row: &Row<'_>,
    at: usize,
    kind: &str,
    id: &str,
) -> Result<T, StoreError> {
    from_body(kind, id, &row.get::<_, String>(at)?, row.get(at + 1)?)
}

fn trial_id(row: &Row<'_>) -> Result<TrialId, StoreError> {
    Ok(TrialId { sweep: SweepId(row.get::<_, i64>(0)?.cast_unsigned()), index: row.get(1)? })
}

fn epoch(row: &Row<'_>) -> Result<EpochRecord, StoreError> {
    let epoch = EpochRecord {
        trial: trial_id(row)?,
        attempt: row.get(3)?,
        metric: EpochMetric {
            epoch: row.get(2)?,
            train_loss: row.get(4)?,
            train_accuracy: row.get(5)?,
            validation_loss: row.get(6)?,
            validation_accuracy: row.get(7)?,
            validation_macro_f1: row.get(8)?,
            seconds: row.get(9)?,
            examples_per_second: row.get(10)?,
            peak_memory_bytes: row.get::<_, i64>(11)?.cast_unsigned(),
            energy_joules: row.get(13)?,
        },
    };
    verify(
        row.get(12)?,
        sum_of_epoch(&epoch),
        &format!("epoch {} of trial {}", epoch.metric.epoch, epoch.trial),
    )?;
    Ok(epoch)
}

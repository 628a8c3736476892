//! Mutations as SQL, and rows as records again.

use std::sync::LazyLock;

use coordinator_core::{EpochRecord, Mutation, Tables};
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, params_from_iter};
use sweep_proto::{EpochMetric, SweepId, TrialId};
use uuid::Uuid;

use super::{audit, removal};
use crate::StoreError;
use crate::document::{self, Cell, CellType, Document, Kind};
use crate::encoding::{LAST_SWEEP, LAST_TOKEN, sum_of_counter, sum_of_epoch, verify};

/// Executes one mutation.
pub(super) fn apply(connection: &Connection, mutation: &Mutation) -> Result<(), StoreError> {
    if let Some((kind, key, document)) = document::of(mutation)? {
        return set(connection, kind, &key, &document);
    }
    match mutation {
        Mutation::Epoch(epoch) => apply_epoch(connection, epoch)?,
        Mutation::TruncateEpochs { trial, epoch } => {
            let sql = "DELETE FROM epochs WHERE sweep = ?1 AND trial = ?2 AND epoch > ?3";
            let values = params![trial.sweep.0.cast_signed(), trial.index, epoch];
            connection.prepare_cached(sql)?.execute(values)?;
        }
        Mutation::Audit(entry) => audit::apply_entry(connection, entry)?,
        Mutation::AuditBase(base) => audit::apply_base(connection, base)?,
        Mutation::AuditSeal(seal) => audit::apply_seal(connection, seal)?,
        Mutation::LastToken(token) => raise_counter(connection, LAST_TOKEN, *token)?,
        Mutation::Remove(key) => removal::remove(connection, *key)?,
        // Documents, which are set above.
        Mutation::Sweep(_)
        | Mutation::Trial(_)
        | Mutation::Attempt(_)
        | Mutation::Worker(_)
        | Mutation::Token(_)
        | Mutation::Certificate(_)
        | Mutation::SearchEvent(_) => {}
    }
    Ok(())
}

/// Sets a document.
fn set(connection: &Connection, kind: Kind, key: &[Cell], document: &Document) -> Result<(), StoreError> {
    let cells = key.iter().chain(&document.asked).map(|cell| cell as &dyn ToSql);
    let values = cells.chain([&document.body as &dyn ToSql, &document.checksum]);
    connection.prepare_cached(set_statement(kind))?.execute(params_from_iter(values))?;
    Ok(())
}

/// The statement that sets a document of a kind: written once, because every commit runs it.
fn set_statement(kind: Kind) -> &'static str {
    static STATEMENTS: LazyLock<[String; Kind::ALL.len()]> = LazyLock::new(|| {
        Kind::ALL.map(|kind| {
            let columns = kind.key().len() + kind.asked().len() + 2;
            let places: Vec<_> = (1..=columns).map(|place| format!("?{place}")).collect();
            let (table, places) = (kind.table(), places.join(", "));
            format!("INSERT INTO {table} VALUES ({places}) ON CONFLICT DO UPDATE SET {}", kind.replacements())
        })
    });
    &STATEMENTS[kind as usize]
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Number(number) => number.to_sql(),
            Self::Text(text) => Ok(ToSqlOutput::from(text.as_ref())),
            Self::Bytes(bytes) => bytes.to_sql(),
            Self::Uuid(id) => Ok(ToSqlOutput::from(id.as_bytes().as_slice())),
        }
    }
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

/// Reads every table.
pub(super) fn load(connection: &Connection) -> Result<Tables, StoreError> {
    let mut tables = Tables::default();
    for kind in Kind::ALL {
        each(connection, &kind.select(), |row| {
            let columns = kind.key();
            let key = columns
                .iter()
                .enumerate()
                .map(|(at, (_, of))| cell(row, at, *of))
                .collect::<Result<_, _>>()?;
            let (body, checksum): (String, _) = (row.get(columns.len())?, row.get(columns.len() + 1)?);
            document::Row { kind, key, body: &body, checksum }.restore(&mut tables)
        })?;
    }
    each(connection, "SELECT * FROM epochs", |row| {
        let epoch = epoch(row)?;
        tables.epochs.insert(epoch);
        Ok(())
    })?;
    tables.last_token = counter(connection, LAST_TOKEN)?;
    // Rows of before sweeps could be removed have no such counter: no sweep of theirs is gone.
    let newest = tables.sweeps.last_key_value().map_or(0, |(id, _)| id.0);
    tables.last_sweep = counter(connection, LAST_SWEEP)?.max(newest);
    audit::load(connection, &mut tables)?;
    tables.number_configurations();
    Ok(tables)
}

fn each(
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

fn cell(row: &Row<'_>, at: usize, of: CellType) -> Result<Cell, StoreError> {
    Ok(match of {
        CellType::Number => Cell::Number(row.get(at)?),
        CellType::Text => Cell::Text(row.get::<_, String>(at)?.into()),
        CellType::Bytes => Cell::Bytes(row.get(at)?),
        CellType::Uuid => {
            let id = Uuid::from_slice(&row.get::<_, Vec<u8>>(at)?);
            Cell::Uuid(id.map_err(|error| StoreError::corrupt("a key that is a UUID", error))?)
        }
    })
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

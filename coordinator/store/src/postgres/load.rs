//! Reads every row of PostgreSQL as records again.

use coordinator_core::{AuditEntry, AuditSeal, EpochRecord, Tables};
use postgres::types::Type;
use postgres::{Row, Transaction};
use serde::de::DeserializeOwned;
use sweep_proto::{EpochMetric, SweepId, TrialId};

use super::session::Failure;
use crate::StoreError;
use crate::document::{self, Cell, CellType, Kind};
use crate::encoding::{
    AUDIT_BASE, AUDIT_SEAL, LAST_SWEEP, LAST_TOKEN, SEAL_MARK, audit_entry, audit_mark, newer_seal,
    sum_of_counter, sum_of_epoch, verify,
};

/// Every table as of the same moment.
pub(super) fn load(transaction: &mut Transaction<'_>) -> Result<Tables, Failure> {
    let mut tables = Tables::default();
    for kind in Kind::ALL {
        for row in transaction.query_typed(&kind.select(), &[])? {
            document(kind, &row)?.restore(&mut tables)?;
        }
    }
    for row in transaction.query_typed("SELECT * FROM epochs", &[])? {
        let epoch = epoch(&row)?;
        tables.epochs.insert(epoch);
    }
    tables.last_token = counter(transaction, LAST_TOKEN)?;
    // Rows of before sweeps could be removed have no such counter: no sweep of theirs is gone.
    let newest = tables.sweeps.last_key_value().map_or(0, |(id, _)| id.0);
    tables.last_sweep = counter(transaction, LAST_SWEEP)?.max(newest);
    load_audit(transaction, &mut tables)?;
    tables.number_configurations();
    Ok(tables)
}

/// What a counter has reached; 0 where it never moved.
fn counter(transaction: &mut Transaction<'_>, name: &str) -> Result<u64, Failure> {
    let sql = "SELECT value, checksum FROM counters WHERE name = $1";
    let Some(row) = transaction.query_typed_opt(sql, &[(&name, Type::TEXT)])? else { return Ok(0) };
    let value = row.try_get::<_, i64>(0)?.cast_unsigned();
    verify(row.try_get(1)?, sum_of_counter(name, value), &format!("the counter {name}"))?;
    Ok(value)
}

/// Where the audit log begins and ends.
fn load_audit(transaction: &mut Transaction<'_>, tables: &mut Tables) -> Result<(), Failure> {
    let sql = "SELECT body FROM audit WHERE sequence > 0 ORDER BY sequence DESC LIMIT 1";
    if let Some(row) = transaction.query_typed_opt(sql, &[])? {
        let entry = audit_entry(row.try_get(0)?)?;
        tables.audit = entry.head();
    }
    tables.audit_base = mark(transaction, AUDIT_BASE)?.unwrap_or_default();
    Ok(())
}

/// The newest signature under the end of the audit log.
pub(super) fn seal(transaction: &mut Transaction<'_>) -> Result<Option<AuditSeal>, Failure> {
    let kept = super::marks::get(transaction, SEAL_MARK)?;
    let kept = kept.map(|body| audit_mark(&body)).transpose()?;
    Ok(newer_seal(mark(transaction, AUDIT_SEAL)?, kept))
}

fn mark<T: DeserializeOwned>(transaction: &mut Transaction<'_>, place: i64) -> Result<Option<T>, Failure> {
    let sql = "SELECT body FROM audit WHERE sequence = $1";
    let row = transaction.query_typed_opt(sql, &[(&place, Type::INT8)])?;
    row.map(|row| Ok(audit_mark(row.try_get(0)?)?)).transpose()
}

/// Audit entries in order.
pub(super) fn audit(
    transaction: &mut Transaction<'_>,
    from_sequence: u64,
    entries_max: usize,
) -> Result<Vec<AuditEntry>, Failure> {
    let from = from_sequence.min(i64::MAX as u64).cast_signed();
    let sql = "SELECT body FROM audit WHERE sequence >= $1 ORDER BY sequence LIMIT $2";
    let rows = transaction.query_typed(sql, &[(&from, Type::INT8), (&(entries_max as i64), Type::INT8)])?;
    rows.iter().map(|row| Ok(audit_entry(row.try_get(0)?)?)).collect()
}

fn document(kind: Kind, row: &Row) -> Result<document::Row<'_>, Failure> {
    let columns = kind.key();
    let key = columns.iter().enumerate().map(|(at, (_, of))| cell(row, at, *of)).collect::<Result<_, _>>()?;
    let (body, checksum) = (row.try_get(columns.len())?, row.try_get(columns.len() + 1)?);
    Ok(document::Row { kind, key, body, checksum })
}

fn cell(row: &Row, at: usize, of: CellType) -> Result<Cell, Failure> {
    Ok(match of {
        CellType::Number => Cell::Number(row.try_get(at)?),
        CellType::Text => Cell::Text(row.try_get::<_, String>(at)?.into()),
        CellType::Bytes => Cell::Bytes(row.try_get(at)?),
        CellType::Uuid => Cell::Uuid(row.try_get(at)?),
    })
}

fn trial_id(row: &Row) -> Result<TrialId, Failure> {
    Ok(TrialId { sweep: SweepId(row.try_get::<_, i64>(0)?.cast_unsigned()), index: small(row, 1)? })
}

/// A number that was written as 32 bits.
fn small(row: &Row, at: usize) -> Result<u32, Failure> {
    let number: i64 = row.try_get(at)?;
    let too_large = |_| StoreError::corrupt("a row of the database", format!("{number} is no small number"));
    Ok(u32::try_from(number).map_err(too_large)?)
}

fn epoch(row: &Row) -> Result<EpochRecord, Failure> {
    let epoch = EpochRecord {
        trial: trial_id(row)?,
        attempt: small(row, 3)?,
        metric: EpochMetric {
            epoch: small(row, 2)?,
            train_loss: row.try_get(4)?,
            train_accuracy: row.try_get(5)?,
            validation_loss: row.try_get(6)?,
            validation_accuracy: row.try_get(7)?,
            validation_macro_f1: row.try_get(8)?,
            seconds: row.try_get(9)?,
            examples_per_second: row.try_get(10)?,
            peak_memory_bytes: row.try_get::<_, i64>(11)?.cast_unsigned(),
            energy_joules: row.try_get(13)?,
        },
    };
    let place = format!("epoch {} of trial {}", epoch.metric.epoch, epoch.trial);
    verify(row.try_get(12)?, sum_of_epoch(&epoch), &place)?;
    Ok(epoch)
}

//! The audit log in SQLite.

use coordinator_core::{AuditEntry, AuditHead, AuditSeal, Tables};
use rusqlite::{Connection, OptionalExtension, params};

use crate::StoreError;
use crate::encoding::{AUDIT_BASE, AUDIT_SEAL, SEAL_MARK, audit_entry, audit_mark, newer_seal, to_json};

/// Appends an entry; one that is there already stays as it is.
pub(super) fn apply_entry(connection: &Connection, entry: &AuditEntry) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![entry.sequence.cast_signed(), to_json(entry)?])?;
    Ok(())
}

/// Removes the entries up to one, and keeps which one it was.
pub(super) fn apply_base(connection: &Connection, base: &AuditHead) -> Result<(), StoreError> {
    let sql = "DELETE FROM audit WHERE sequence BETWEEN 1 AND ?1";
    connection.prepare_cached(sql)?.execute(params![base.sequence.cast_signed()])?;
    set_mark(connection, AUDIT_BASE, &to_json(base)?)
}

/// Keeps the signature under the end of the audit log, in the log's table and outside of it.
pub(super) fn apply_seal(connection: &Connection, seal: &AuditSeal) -> Result<(), StoreError> {
    let body = to_json(seal)?;
    set_mark(connection, AUDIT_SEAL, &body)?;
    let sql = "INSERT INTO marks VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body";
    connection.prepare_cached(sql)?.execute(params![SEAL_MARK, body])?;
    Ok(())
}

fn set_mark(connection: &Connection, place: i64, body: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body";
    connection.prepare_cached(sql)?.execute(params![place, body])?;
    Ok(())
}

fn mark<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    place: i64,
) -> Result<Option<T>, StoreError> {
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM audit WHERE sequence = ?1")?
        .query_row(params![place], |row| row.get(0))
        .optional()?;
    body.map(|body| audit_mark(&body)).transpose()
}

/// The newest signature under the end of the audit log.
pub(super) fn read_seal(connection: &Connection) -> Result<Option<AuditSeal>, StoreError> {
    let kept: Option<String> = connection
        .prepare_cached("SELECT body FROM marks WHERE name = ?1")?
        .query_row(params![SEAL_MARK], |row| row.get(0))
        .optional()?;
    let kept = kept.map(|body| audit_mark(&body)).transpose()?;
    Ok(newer_seal(mark(connection, AUDIT_SEAL)?, kept))
}

/// Reads where the audit log begins and ends.
pub(super) fn load(connection: &Connection, tables: &mut Tables) -> Result<(), StoreError> {
    let last: Option<String> = connection
        .prepare_cached("SELECT body FROM audit WHERE sequence > 0 ORDER BY sequence DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    if let Some(last) = last {
        let entry = audit_entry(&last)?;
        tables.audit = entry.head();
    }
    tables.audit_base = mark(connection, AUDIT_BASE)?.unwrap_or_default();
    Ok(())
}

/// Reads audit entries in order.
pub(super) fn read_entries(
    connection: &Connection,
    from_sequence: u64,
    entries_max: usize,
) -> Result<Vec<AuditEntry>, StoreError> {
    let mut entries = Vec::new();
    let mut statement = connection
        .prepare_cached("SELECT body FROM audit WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2")?;
    let mut rows = statement.query(params![from_sequence.cast_signed(), entries_max as i64])?;
    while let Some(row) = rows.next()? {
        entries.push(audit_entry(&row.get::<_, String>(0)?)?);
    }
    Ok(entries)
}

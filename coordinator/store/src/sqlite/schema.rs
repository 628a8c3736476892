//! Creates the schema, brings older ones up to date and refuses newer ones.

use std::cmp::Ordering;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::StoreError;

/// Every migration, in order; the schema's version is how many of them were applied. Append only. One may be empty: rows that an
/// older program would misread need a version that it refuses.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_initial.sql"),
    include_str!("../../migrations/sqlite/0002_access.sql"),
    include_str!("../../migrations/sqlite/0003_energy.sql"),
    include_str!("../../migrations/sqlite/0004_marks.sql"),
    include_str!("../../migrations/sqlite/0005_meanings.sql"),
    include_str!("../../migrations/sqlite/0006_search.sql"),
    include_str!("../../migrations/sqlite/0007_search_events.sql"),
];

/// Refuses a database whose schema is not the newest.
pub(super) fn check_current(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: i64 = connection.query_row("SELECT version FROM schema_version", [], |row| row.get(0))?;
    let known = (MIGRATIONS.len() as u64).cast_signed();
    match found.cmp(&known) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(StoreError::NewerSchema { path: path.to_owned(), found, known }),
        Ordering::Less => Err(StoreError::Conflict(format!(
            "{} has schema {found}, this program writes schema {known}; start a coordinator of this version on it once",
            path.display()
        ))),
    }
}

/// Checks the file and applies the migrations that it lacks, each in its own transaction.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" {
        return Err(StoreError::corrupt(path.display(), check));
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let is_ours = transaction
        .query_row("SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'", [], |_| Ok(()))
        .optional()?
        .is_some();
    if tables > 0 && !is_ours {
        return Err(StoreError::Conflict(format!(
            "{} is an SQLite database of another program; choose another file",
            path.display()
        )));
    }
    if !is_ours {
        transaction.execute_batch(
            "CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;
             INSERT INTO schema_version VALUES (0);",
        )?;
    }
    transaction.commit()?;
    let found: i64 = connection.query_row("SELECT version FROM schema_version", [], |row| row.get(0))?;
    let known = (MIGRATIONS.len() as u64).cast_signed();
    if found > known {
        return Err(StoreError::NewerSchema { path: path.to_owned(), found, known });
    }
    for (migration, version) in MIGRATIONS.iter().zip(1_i64..) {
        if version <= found {
            continue;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.execute("UPDATE schema_version SET version = ?1", [version])?;
        transaction.commit()?;
        tracing::info!(version, path = %path.display(), "migrated the database");
    }
    Ok(())
}

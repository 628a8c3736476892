//! Creates the schema in PostgreSQL, brings older ones up to date and refuses newer ones.

use postgres::Transaction;

use super::session::Failure;
use crate::StoreError;

/// Every migration, in order; the schema's version is how many of them were applied. Append only. One may be empty: rows that an
/// older program would misread need a version that it refuses.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_initial.sql"),
    include_str!("../../migrations/postgres/0002_energy.sql"),
    include_str!("../../migrations/postgres/0003_marks.sql"),
    include_str!("../../migrations/postgres/0004_meanings.sql"),
    include_str!("../../migrations/postgres/0005_search.sql"),
    include_str!("../../migrations/postgres/0006_search_events.sql"),
];

/// The key of the lock under which migrations run ("lstm" in ASCII): two coordinators may start together.
const LOCK: i64 = 0x6c73_746d;

/// Applies the migrations that are missing, all in the transaction given. Gives the version found.
pub(super) fn migrate(transaction: &mut Transaction<'_>, place: &str) -> Result<i64, Failure> {
    // Held until the transaction ends; works behind a pooler, too.
    transaction.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})"))?;
    transaction.batch_execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")?;
    let row = transaction.query_typed_opt("SELECT version FROM schema_version", &[])?;
    let found: i64 = if let Some(row) = row {
        row.try_get(0)?
    } else {
        transaction.batch_execute("INSERT INTO schema_version VALUES (0)")?;
        0
    };
    let known = (MIGRATIONS.len() as u64).cast_signed();
    if found > known {
        return Err(StoreError::NewerSchema { path: place.into(), found, known }.into());
    }
    for (migration, version) in MIGRATIONS.iter().zip(1_i64..) {
        if version > found {
            transaction.batch_execute(migration)?;
            transaction.batch_execute(&format!("UPDATE schema_version SET version = {version}"))?;
            tracing::info!(version, "migrated the database");
        }
    }
    Ok(found)
}

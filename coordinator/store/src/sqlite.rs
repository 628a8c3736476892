//! The embedded store: one SQLite file, write-ahead log, every commit synced to the disk.

mod audit;
mod free;
mod removal;
mod rows;
mod schema;
mod steps;

use std::path::{Path, PathBuf};
use std::time::Duration;

use coordinator_core::{AuditEntry, AuditSeal, Mutation, Tables};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use sweep_proto::{AttemptId, StepMetric, TrialId};

use crate::{FreeSpace, StepBatch, Store, StoreError, StoreReader};

/// How long a write waits for another program that holds the file, in milliseconds: a backup or a
/// person's `sqlite3` is short, and workers wait meanwhile.
const BUSY_TIMEOUT_MS: u64 = 10_000;

/// Prepared statements kept; there are fewer.
const STATEMENT_CACHE: usize = 64;

/// The one writer of a database file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
}

/// A second connection that only reads.
#[derive(Debug)]
struct SqliteReader(Connection);

impl SqliteStore {
    /// Opens a database, creating or migrating it where needed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for files that are no such database or are damaged,
    /// [`StoreError::NewerSchema`] for those of a newer program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let open = || -> Result<Connection, StoreError> {
            let mut connection = Connection::open(path)?;
            configure(&connection)?;
            schema::migrate(&mut connection, path)?;
            settle_log(&connection)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| at_file(error, path))?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Opens a database for reading only, also beside a coordinator that writes to it. Nothing is migrated.
    ///
    /// # Errors
    /// As [`Self::open`]; [`StoreError::Conflict`] for a database that an older program has made.
    pub fn read(path: &Path) -> Result<Box<dyn StoreReader>, StoreError> {
        let open = || -> Result<SqliteReader, StoreError> {
            let reader = SqliteReader::open(path)?;
            schema::check_current(&reader.0, path)?;
            Ok(reader)
        };
        open().map(|reader| Box::new(reader) as Box<dyn StoreReader>).map_err(|error| at_file(error, path))
    }

    /// What SQLite itself finds wrong with its file; empty where nothing is.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot look.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let mut findings = Vec::new();
        for check in ["PRAGMA integrity_check(100)", "PRAGMA foreign_key_check"] {
            let mut statement = self.connection.prepare(check)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let text: String = row.get(0)?;
                if text != "ok" {
                    findings.push(format!("{}: {check}: {text}", self.path.display()));
                }
            }
        }
        Ok(findings)
    }
}

impl SqliteReader {
    fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))?;
        Ok(Self(connection))
    }
}

/// Names the file in errors that say only "the database".
fn at_file(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::Corrupt { place, problem } if place == "the database" => {
            StoreError::corrupt(path.display(), problem)
        }
        StoreError::Unavailable(problem) => StoreError::Unavailable(format!("{}: {problem}", path.display())),
        other => other,
    }
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // Before the first table is made: an older file changes only when it is rebuilt.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    // FULL syncs the log on every commit: what was acknowledged survives a power cut.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

/// Moves what the log holds into the database, synced, and begins the log anew.
///
/// After a failed sync the kernel may believe pages to be on the disk that are not. Rows that this program
/// finds in a log which it did not write must not depend on them.
fn settle_log(connection: &Connection) -> Result<(), StoreError> {
    // A reader in the way means that the log is in use, and was not found but written here.
    match connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(StoreError::from) {
        // What can be read shall be read.
        Err(StoreError::Full(problem)) => {
            tracing::warn!(problem, "no room to fold the log into the database");
            Ok(())
        }
        settled => settled,
    }
}

fn load(connection: &mut Connection) -> Result<Tables, StoreError> {
    // One read transaction: every table as of the same commit.
    let transaction = connection.transaction()?;
    rows::load(&transaction)
}

impl StoreReader for SqliteStore {
    fn load(&mut self) -> Result<Tables, StoreError> {
        load(&mut self.connection).map_err(|error| at_file(error, &self.path))
    }

    fn read_steps(
        &mut self,
        attempt: AttemptId,
        from_sequence: u64,
        points_max: usize,
    ) -> Result<Vec<StepMetric>, StoreError> {
        steps::read(&self.connection, attempt, from_sequence, points_max)
    }

    fn step_bytes(&mut self, from: TrialId) -> Result<u64, StoreError> {
        steps::bytes(&self.connection, from)
    }

    fn read_audit(&mut self, from_sequence: u64, entries_max: usize) -> Result<Vec<AuditEntry>, StoreError> {
        audit::read_entries(&self.connection, from_sequence, entries_max)
    }

    fn read_seal(&mut self) -> Result<Option<AuditSeal>, StoreError> {
        audit::read_seal(&self.connection)
    }

    fn free_space(&mut self) -> Result<FreeSpace, StoreError> {
        free::space(&self.connection)
    }
}

impl StoreReader for SqliteReader {
    fn load(&mut self) -> Result<Tables, StoreError> {
        load(&mut self.0)
    }

    fn read_steps(
        &mut self,
        attempt: AttemptId,
        from_sequence: u64,
        points_max: usize,
    ) -> Result<Vec<StepMetric>, StoreError> {
        steps::read(&self.0, attempt, from_sequence, points_max)
    }

    fn step_bytes(&mut self, from: TrialId) -> Result<u64, StoreError> {
        steps::bytes(&self.0, from)
    }

    fn read_audit(&mut self, from_sequence: u64, entries_max: usize) -> Result<Vec<AuditEntry>, StoreError> {
        audit::read_entries(&self.0, from_sequence, entries_max)
    }

    fn read_seal(&mut self) -> Result<Option<AuditSeal>, StoreError> {
        audit::read_seal(&self.0)
    }

    fn free_space(&mut self) -> Result<FreeSpace, StoreError> {
        free::space(&self.0)
    }
}

impl Store for SqliteStore {
    fn commit(&mut self, mutations: &[Mutation]) -> Result<(), StoreError> {
        // IMMEDIATE takes the write lock first, so that waiting for it happens where it can be waited for.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for mutation in mutations {
            rows::apply(&transaction, mutation)?;
        }
        Ok(transaction.commit()?)
    }

    fn append_steps(&mut self, batches: &[StepBatch]) -> Result<Vec<u64>, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let next =
            batches.iter().map(|batch| steps::append(&transaction, batch)).collect::<Result<_, _>>()?;
        transaction.commit()?;
        Ok(next)
    }

    fn give_back(&mut self) -> Result<u64, StoreError> {
        free::give_back(&self.connection)
    }

    fn rebuild(&mut self) -> Result<(), StoreError> {
        free::rebuild(&self.connection)
    }

    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        Ok(Box::new(SqliteReader::open(&self.path)?))
    }
}

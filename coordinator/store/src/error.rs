//! Why a store refuses or fails.

use std::fmt::Display;
use std::path::PathBuf;

use thiserror::Error;

/// Why a store refuses or fails.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A row refers to one that does not exist. Nothing has changed.
    #[error("{0} is not in the store")]
    NotFound(String),
    /// The store is not as this request needs it.
    #[error("{0}")]
    Conflict(String),
    /// The store cannot be reached or written now.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// There is no room for what is to be written. Nothing has changed.
    #[error("no room in the store: {0}")]
    Full(String),
    /// The stored bytes are not what was written.
    #[error("{place} is damaged: {problem}; restore it from a backup, or move it away to start empty")]
    Corrupt {
        /// Which file, or which row of it.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A newer program wrote this database.
    #[error("{} has schema {found}, this program knows schemas up to {known}; use the newer program", path.display())]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// Another coordinator is the one writer. Nothing has changed.
    #[error("this coordinator stands by; the one at {address} leads")]
    NotLeader {
        /// Where the leader is reached.
        address: String,
    },
    /// The database has rows already.
    #[error("the database has rows already; restore into an empty one")]
    NotEmpty,
    /// A restoration into the database is not complete. Nothing has changed.
    #[error(
        "`sweep restore` into this database was cut off or is still at work: it is not complete; give the same command again: it \
         removes what the first one has written and begins again"
    )]
    Unfinished,
    /// The URL names no store.
    #[error("\"{0}\" names no store; use postgres://HOST/DATABASE, sqlite:PATH or memory:")]
    UnknownUrl(String),
    /// The URL names a store but is not complete or not safe.
    #[error("the store's URL cannot be used: {0}")]
    Url(String),
}

impl StoreError {
    pub(crate) fn corrupt(place: impl Display, problem: impl Display) -> Self {
        Self::Corrupt { place: place.to_string(), problem: problem.to_string() }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::corrupt("the database", error),
            Some(Code::ConstraintViolation) => {
                Self::NotFound(format!("a row that another refers to ({error})"))
            }
            Some(Code::DiskFull) => Self::Full(error.to_string()),
            Some(_) => Self::Unavailable(error.to_string()),
            // Wrong types in columns and the like: the row was not written by this program.
            None => Self::corrupt("a row of the database", error),
        }
    }
}

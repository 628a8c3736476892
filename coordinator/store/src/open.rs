//! The registry of stores: which URL opens which.

use std::path::Path;

use crate::{MemoryStore, PostgresStore, SqliteStore, Store, StoreError};

/// Opens the store that a URL names: `memory:`, `sqlite:PATH` or `postgres://…`.
///
/// # Errors
/// [`StoreError::UnknownUrl`] for any other URL, else what opening that store gives.
pub fn open(url: &str) -> Result<Box<dyn Store>, StoreError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Box::new(MemoryStore::default())),
        Some(("sqlite", path)) if !path.is_empty() => Ok(Box::new(SqliteStore::open(Path::new(path))?)),
        Some(("postgres" | "postgresql", _)) => Ok(Box::new(PostgresStore::open(url)?)),
        _ => Err(StoreError::UnknownUrl(url.to_owned())),
    }
}

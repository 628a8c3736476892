//! The registry of stores: which URL opens which.

use std::path::Path;

use crate::{MemoryStore, SqliteStore, Store, StoreError};

/// Opens the store that a URL names: `memory:` or `sqlite:PATH`.
///
/// # Errors
/// [`StoreError::UnknownUrl`] for any other URL, else what opening that store gives.
pub fn open(url: &str) -> Result<Box<dyn Store>, StoreError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Box::new(MemoryStore::default())),
        Some(("sqlite", path)) if !path.is_empty() => Ok(Box::new(SqliteStore::open(Path::new(path))?)),
        _ => Err(StoreError::UnknownUrl(url.to_owned())),
    }
}

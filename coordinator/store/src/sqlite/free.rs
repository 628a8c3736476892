//! Pages of the file that hold no rows any more: removing rows leaves them to later ones, and they are given back from here.

use rusqlite::Connection;

use crate::{FreeSpace, StoreError};

/// Pages given back at one time: a megabyte of the usual size, a few milliseconds.
const PAGES_MAX: u32 = 256;

/// SQLite's name for a file of which parts can be given back.
const INCREMENTAL: u32 = 2;

pub(super) fn space(connection: &Connection) -> Result<FreeSpace, StoreError> {
    let bytes = pages(connection)? * number(connection, "page_size")?;
    let needs_rebuild = bytes > 0 && number(connection, "auto_vacuum")? != u64::from(INCREMENTAL);
    Ok(FreeSpace { bytes, needs_rebuild })
}

pub(super) fn give_back(connection: &Connection) -> Result<u64, StoreError> {
    let before = pages(connection)?;
    if before == 0 {
        return Ok(0);
    }
    // Each step of the statement frees one page.
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_MAX})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    let freed = before.saturating_sub(pages(connection)?);
    Ok(freed * number(connection, "page_size")?)
}

pub(super) fn rebuild(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    Ok(connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?)
}

fn pages(connection: &Connection) -> Result<u64, StoreError> {
    number(connection, "freelist_count")
}

fn number(connection: &Connection, pragma: &str) -> Result<u64, StoreError> {
    let number: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
    Ok(number.cast_unsigned())
}

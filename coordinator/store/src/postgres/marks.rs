//! Facts about the whole database, by name: the newest signature of the audit log, and a restoration that is not complete.

use postgres::Transaction;
use postgres::types::Type;
use serde::{Deserialize, Serialize};

use super::session::Failure;
use crate::StoreError;
use crate::encoding::to_json;

/// The name of the mark of a restoration.
const RESTORATION: &str = "restoration";

/// Every table that a restoration fills, children first. What is not ours is not touched.
const FILLED: [&str; 10] = [
    "steps",
    "epochs",
    "attempts",
    "trials",
    "search_events",
    "sweeps",
    "workers",
    "counters",
    "tokens",
    "certificates",
];

/// What a database says of the restoration that filled it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restoration {
    /// Names the restoration: the data folder that belongs to it has the same.
    pub id: String,
    /// Whether every row was written and checked.
    pub is_complete: bool,
}

/// The body of a mark.
pub(super) fn get(transaction: &mut Transaction<'_>, name: &str) -> Result<Option<String>, Failure> {
    let row =
        transaction.query_typed_opt("SELECT body FROM marks WHERE name = $1", &[(&name, Type::TEXT)])?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Sets a mark.
pub(super) fn set(transaction: &mut Transaction<'_>, name: &str, body: &str) -> Result<(), Failure> {
    let sql = "INSERT INTO marks VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET body = excluded.body";
    transaction.execute_typed(sql, &[(&name, Type::TEXT), (&body, Type::TEXT)])?;
    Ok(())
}

/// What the database says of its restoration, if it was restored.
pub(super) fn restoration(transaction: &mut Transaction<'_>) -> Result<Option<Restoration>, Failure> {
    let unreadable = |error| StoreError::corrupt("the mark of a restoration", error);
    let body = get(transaction, RESTORATION)?;
    Ok(body.map(|body| serde_json::from_str(&body).map_err(unreadable)).transpose()?)
}

/// Marks an empty database as being restored. What an earlier restoration has left that was cut off is removed first: nobody
/// else can have written there, because every coordinator refuses such a database.
pub(super) fn begin(transaction: &mut Transaction<'_>, id: &str) -> Result<(), Failure> {
    if restoration(transaction)?.is_some_and(|known| !known.is_complete) {
        for table in FILLED {
            transaction.batch_execute(&format!("DELETE FROM {table}"))?;
        }
        transaction.batch_execute("DELETE FROM audit; DELETE FROM marks")?;
    }
    for table in FILLED.iter().chain(&["audit", "marks"]) {
        let rows = transaction.query_typed(&format!("SELECT 1 FROM {table} LIMIT 1"), &[])?;
        if !rows.is_empty() {
            return Err(StoreError::NotEmpty.into());
        }
    }
    mark(transaction, id, false)
}

/// Marks the restoration as complete: coordinators may work there.
pub(super) fn complete(transaction: &mut Transaction<'_>, id: &str) -> Result<(), Failure> {
    match restoration(transaction)? {
        Some(known) if known.id == id => mark(transaction, id, true),
        _ => Err(StoreError::Conflict(
            "another restoration has taken over this database; restore into an empty one".to_owned(),
        )
        .into()),
    }
}

fn mark(transaction: &mut Transaction<'_>, id: &str, is_complete: bool) -> Result<(), Failure> {
    set(transaction, RESTORATION, &to_json(&Restoration { id: id.to_owned(), is_complete })?)
}

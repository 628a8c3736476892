//! The readers of stored rows by themselves: what may be damaged comes in, a row or an error comes out.

use coordinator_core::AuditEntry;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sweep_proto::{AttemptId, StepMetric};

use crate::{StoreError, encoding};

/// A row of step metrics as it is stored, whatever has become of it.
#[derive(Clone, Copy, Debug)]
pub struct StepsRow<'a> {
    /// The sequence of the first point.
    pub first: i64,
    /// How many points it says to hold.
    pub count: i64,
    /// The points.
    pub packed: &'a [u8],
    /// The checksum.
    pub sum: i64,
}

/// The points of a row.
///
/// # Errors
/// [`StoreError::Corrupt`] where the row is not what was written.
pub fn read_steps(attempt: AttemptId, row: StepsRow<'_>) -> Result<Vec<StepMetric>, StoreError> {
    Ok(encoding::unpack(attempt, row.first, row.count, row.packed, row.sum)?.collect())
}

/// Points as a row holds them.
pub fn pack_steps(points: &[StepMetric]) -> Vec<u8> {
    encoding::pack(points)
}

/// The checksum of a row of step metrics.
pub fn sum_of_steps(attempt: AttemptId, first: u64, packed: &[u8]) -> i64 {
    encoding::sum_of_steps(attempt, first, packed)
}

/// The record in a row's text, whose checksum was written over this kind and name.
///
/// # Errors
/// [`StoreError::Corrupt`] where it is not what was written.
pub fn read_record<T: DeserializeOwned>(kind: &str, id: &str, body: &str, sum: i64) -> Result<T, StoreError> {
    encoding::from_body(kind, id, body, sum)
}

/// The text of a record's row, and its checksum.
///
/// # Errors
/// [`StoreError::Conflict`] for what JSON cannot hold.
pub fn write_record<T: Serialize>(kind: &str, id: &str, record: &T) -> Result<(String, i64), StoreError> {
    let body = encoding::to_json(record)?;
    let sum = sum_of_record(kind, id, &body);
    Ok((body, sum))
}

/// The checksum of a record's row.
pub fn sum_of_record(kind: &str, id: &str, body: &str) -> i64 {
    encoding::sum_of_body(kind, id, body)
}

/// An entry of the audit log.
///
/// # Errors
/// [`StoreError::Corrupt`] where it cannot be read.
pub fn read_audit_entry(text: &str) -> Result<AuditEntry, StoreError> {
    encoding::audit_entry(text)
}

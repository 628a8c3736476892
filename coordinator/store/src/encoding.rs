//! How rows look in every SQL store: JSON bodies, checksums, packed step metrics.

use coordinator_core::{AuditEntry, AuditSeal, EpochRecord};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sweep_proto::digest::Hasher;
use sweep_proto::{AttemptId, StepMetric};

use crate::StoreError;

/// Bytes of one packed step metric.
pub(crate) const POINT_BYTES: usize = 28;

/// The first eight bytes of a SHA-256 over parts, each preceded by its length.
pub(crate) fn checksum(parts: &[&[u8]]) -> i64 {
    let mut hasher = Hasher::default();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let digest = hasher.finish();
    let mut eight = [0_u8; 8];
    eight.copy_from_slice(&digest.as_bytes()[..8]);
    i64::from_le_bytes(eight)
}

/// A record as the text of a row.
pub(crate) fn to_json<T: Serialize>(record: &T) -> Result<String, StoreError> {
    serde_json::to_string(record)
        .map_err(|error| StoreError::Conflict(format!("a record cannot be written: {error}")))
}

/// The checksum of a row that carries a record.
pub(crate) fn sum_of_body(kind: &str, id: &str, body: &str) -> i64 {
    checksum(&[kind.as_bytes(), id.as_bytes(), body.as_bytes()])
}

/// The record of a row, after checking its checksum.
pub(crate) fn from_body<T: DeserializeOwned>(
    kind: &str,
    id: &str,
    body: &str,
    sum: i64,
) -> Result<T, StoreError> {
    let place = format!("{kind} {id}");
    verify(sum, sum_of_body(kind, id, body), &place)?;
    serde_json::from_str(body).map_err(|error| StoreError::corrupt(place, error))
}

/// Compares checksums.
pub(crate) fn verify(found: i64, expected: i64, place: &str) -> Result<(), StoreError> {
    if found == expected { Ok(()) } else { Err(StoreError::corrupt(place, "its checksum differs")) }
}

/// The name of the largest fencing token ever granted among the counters.
pub(crate) const LAST_TOKEN: &str = "last_token";

/// The name of the largest number of a removed sweep among the counters.
pub(crate) const LAST_SWEEP: &str = "last_sweep";

/// The checksum of a counter.
pub(crate) fn sum_of_counter(name: &str, value: u64) -> i64 {
    checksum(&[name.as_bytes(), &value.to_le_bytes()])
}

/// The checksum of an epoch's row.
pub(crate) fn sum_of_epoch(epoch: &EpochRecord) -> i64 {
    let metric = &epoch.metric;
    let reals = [
        metric.train_loss,
        metric.train_accuracy,
        metric.validation_loss,
        metric.validation_accuracy,
        metric.validation_macro_f1,
        metric.seconds,
        metric.examples_per_second,
    ];
    // SQLite may give -0.0 back as 0.0; both are the same measurement.
    let reals = reals.map(|real| (real + 0.0).to_le_bytes());
    let place = format!("{}/{}/{}", epoch.trial, metric.epoch, epoch.attempt);
    let memory = metric.peak_memory_bytes.to_le_bytes();
    let mut parts: Vec<&[u8]> = vec![b"epoch", place.as_bytes(), reals.as_flattened(), &memory];
    // Rows of before energy was told keep their checksums.
    let energy = metric.energy_joules.map(|joules| (joules + 0.0).to_le_bytes());
    parts.extend(energy.as_ref().map(<[u8; 8]>::as_slice));
    checksum(&parts)
}

/// An entry of the audit log.
pub(crate) fn audit_entry(text: &str) -> Result<AuditEntry, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt("an entry of the audit log", error))
}

/// Where the last of the removed entries stands in the table of the audit log, whose entries are numbered from 1.
pub(crate) const AUDIT_BASE: i64 = -1;

/// Where the signature under the end of the audit log stands, alike.
pub(crate) const AUDIT_SEAL: i64 = -2;

/// The name of that signature among the marks of the database.
pub(crate) const SEAL_MARK: &str = "audit seal";

/// The newer of two signatures: whoever puts an old one back must do so in both places.
pub(crate) fn newer_seal(one: Option<AuditSeal>, other: Option<AuditSeal>) -> Option<AuditSeal> {
    one.into_iter().chain(other).max_by_key(|seal| seal.head.sequence)
}

/// A mark of the audit log.
pub(crate) fn audit_mark<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt("a mark of the audit log", error))
}

/// The checksum of a row of step metrics.
pub(crate) fn sum_of_steps(attempt: AttemptId, first: u64, packed: &[u8]) -> i64 {
    checksum(&[b"steps", attempt.to_string().as_bytes(), &first.to_le_bytes(), packed])
}

/// Step metrics as bytes, little-endian: epoch u32, step u64, loss f64, examples per second f64.
pub(crate) fn pack(points: &[StepMetric]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(points.len() * POINT_BYTES);
    for point in points {
        packed.extend_from_slice(&point.epoch.to_le_bytes());
        packed.extend_from_slice(&point.step.to_le_bytes());
        packed.extend_from_slice(&point.loss.to_le_bytes());
        packed.extend_from_slice(&point.examples_per_second.to_le_bytes());
    }
    packed
}

/// The sequence after a row of step metrics that says to hold `count` points in `bytes`.
pub(crate) fn sequence_after(
    attempt: AttemptId,
    first: i64,
    count: i64,
    bytes: i64,
) -> Result<u64, StoreError> {
    let is_whole = count > 0 && bytes == count.saturating_mul(POINT_BYTES as i64);
    match first.checked_add(count).map(u64::try_from) {
        Some(Ok(next)) if is_whole && first >= 0 => Ok(next),
        _ => Err(StoreError::corrupt(format!("step metrics of {attempt}"), "the count of points differs")),
    }
}

/// The step metrics of a row whose first sequence is `first`, after checking its count and checksum.
pub(crate) fn unpack(
    attempt: AttemptId,
    first: i64,
    count: i64,
    packed: &[u8],
    sum: i64,
) -> Result<impl Iterator<Item = StepMetric>, StoreError> {
    sequence_after(attempt, first, count, packed.len() as i64)?;
    let first = first.cast_unsigned();
    if sum != sum_of_steps(attempt, first, packed) {
        return Err(StoreError::corrupt(format!("step metrics of {attempt}"), "the checksum differs"));
    }
    Ok(packed.as_chunks::<POINT_BYTES>().0.iter().zip(first..).map(|(point, sequence)| {
        let eight = |at: usize| {
            let mut bytes = [0_u8; 8];
            bytes.copy_from_slice(&point[at..at + 8]);
            bytes
        };
        StepMetric {
            sequence,
            epoch: u32::from_le_bytes([point[0], point[1], point[2], point[3]]),
            step: u64::from_le_bytes(eight(4)),
            loss: f64::from_le_bytes(eight(12)),
            examples_per_second: f64::from_le_bytes(eight(20)),
        }
    }))
}

#[cfg(test)]
mod tests {
    use sweep_proto::{EpochMetric, SweepId, TrialId};

    use super::*;

    #[test]
    fn an_epochs_checksum_covers_its_energy_and_whether_it_has_one() {
        let sum = |energy_joules| {
            sum_of_epoch(&EpochRecord {
                trial: TrialId { sweep: SweepId(1), index: 0 },
                attempt: 1,
                metric: EpochMetric {
                    epoch: 1,
                    train_loss: 0.5,
                    train_accuracy: 0.5,
                    validation_loss: 0.5,
                    validation_accuracy: 0.5,
                    validation_macro_f1: 0.5,
                    seconds: 1.0,
                    examples_per_second: 1.0,
                    peak_memory_bytes: 1,
                    energy_joules,
                },
            })
        };
        assert_ne!(sum(None), sum(Some(0.0)));
        assert_ne!(sum(Some(0.0)), sum(Some(5e-324)));
        assert_eq!(sum(Some(0.0)), sum(Some(-0.0)), "SQLite may give one back as the other");
    }
}

//! Step metrics in SQLite: one packed row per batch.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sweep_proto::{AttemptId, StepMetric};

use super::rows::checksum;
use crate::{StepBatch, StoreError, continuation};

/// Bytes of one packed point.
const POINT_BYTES: usize = 28;

/// Appends what goes on from the stored points, and gives the next sequence.
pub(super) fn append(transaction: &Transaction<'_>, batch: &StepBatch) -> Result<u64, StoreError> {
    let AttemptId { trial, number } = batch.attempt;
    let last: Option<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT first_sequence, count FROM steps WHERE sweep = ?1 AND trial = ?2 AND attempt = ?3
             ORDER BY first_sequence DESC LIMIT 1",
        )?
        .query_row(params![trial.sweep.0.cast_signed(), trial.index, number], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let next = last.map_or(0, |(first, count)| first.cast_unsigned() + count.cast_unsigned());
    let points = continuation(&batch.points, next);
    if points.is_empty() {
        return Ok(next);
    }
    let packed = pack(points);
    let count = points.len() as u64;
    transaction.prepare_cached("INSERT INTO steps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
        trial.sweep.0.cast_signed(),
        trial.index,
        number,
        next.cast_signed(),
        count.cast_signed(),
        packed,
        sum_of(batch.attempt, next, &packed),
    ])?;
    Ok(next + count)
}

/// Reads points in order.
pub(super) fn read(
    connection: &Connection,
    attempt: AttemptId,
    from_sequence: u64,
    points_max: usize,
) -> Result<Vec<StepMetric>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT first_sequence, points, checksum FROM steps
         WHERE sweep = ?1 AND trial = ?2 AND attempt = ?3 AND first_sequence + count > ?4
         ORDER BY first_sequence",
    )?;
    let mut rows = statement.query(params![
        attempt.trial.sweep.0.cast_signed(),
        attempt.trial.index,
        attempt.number,
        from_sequence.min(i64::MAX as u64).cast_signed(),
    ])?;
    let mut points = Vec::new();
    while let Some(row) = rows.next()? {
        let first = row.get::<_, i64>(0)?.cast_unsigned();
        let packed: Vec<u8> = row.get(1)?;
        if row.get::<_, i64>(2)? != sum_of(attempt, first, &packed)
            || !packed.len().is_multiple_of(POINT_BYTES)
        {
            return Err(StoreError::corrupt(format!("step metrics of {attempt}"), "the checksum differs"));
        }
        points.extend(unpack(first, &packed).filter(|point| point.sequence >= from_sequence));
        if points.len() >= points_max {
            points.truncate(points_max);
            break;
        }
    }
    Ok(points)
}

fn sum_of(attempt: AttemptId, first: u64, packed: &[u8]) -> i64 {
    checksum(&[b"steps", attempt.to_string().as_bytes(), &first.to_le_bytes(), packed])
}

fn pack(points: &[StepMetric]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(points.len() * POINT_BYTES);
    for point in points {
        packed.extend_from_slice(&point.epoch.to_le_bytes());
        packed.extend_from_slice(&point.step.to_le_bytes());
        packed.extend_from_slice(&point.loss.to_le_bytes());
        packed.extend_from_slice(&point.examples_per_second.to_le_bytes());
    }
    packed
}

fn unpack(first: u64, packed: &[u8]) -> impl Iterator<Item = StepMetric> {
    packed.as_chunks::<POINT_BYTES>().0.iter().zip(first..).map(|(point, sequence)| {
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
    })
}

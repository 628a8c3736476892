//! Step metrics in SQLite: one packed row per batch.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sweep_proto::{AttemptId, StepMetric, TrialId};

use crate::encoding::{pack, sequence_after, sum_of_steps, unpack};
use crate::{StepBatch, StoreError, continuation};

/// Appends what goes on from the stored points, and gives the next sequence.
pub(super) fn append(transaction: &Transaction<'_>, batch: &StepBatch) -> Result<u64, StoreError> {
    let AttemptId { trial, number } = batch.attempt;
    let last: Option<(i64, i64, i64)> = transaction
        .prepare_cached(
            "SELECT first_sequence, count, length(points) FROM steps WHERE sweep = ?1 AND trial = ?2 AND attempt = ?3
             ORDER BY first_sequence DESC LIMIT 1",
        )?
        .query_row(params![trial.sweep.0.cast_signed(), trial.index, number], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let next = match last {
        Some((first, count, bytes)) => sequence_after(batch.attempt, first, count, bytes)?,
        None => 0,
    };
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
        sum_of_steps(batch.attempt, next, &packed),
    ])?;
    Ok(next + count)
}

/// Bytes of the points of a sweep's trials from this one on.
pub(super) fn bytes(connection: &Connection, from: TrialId) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(sum(length(points)), 0) FROM steps WHERE sweep = ?1 AND trial >= ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let bytes: i64 =
        statement.query_row(params![from.sweep.0.cast_signed(), from.index], |row| row.get(0))?;
    Ok(bytes.cast_unsigned())
}

/// Reads points in order.
pub(super) fn read(
    connection: &Connection,
    attempt: AttemptId,
    from_sequence: u64,
    points_max: usize,
) -> Result<Vec<StepMetric>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT first_sequence, count, points, checksum FROM steps
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
        let packed: Vec<u8> = row.get(2)?;
        let stored = unpack(attempt, row.get(0)?, row.get(1)?, &packed, row.get(3)?)?;
        points.extend(stored.filter(|point| point.sequence >= from_sequence));
        if points.len() >= points_max {
            points.truncate(points_max);
            break;
        }
    }
    Ok(points)
}

//! Step metrics in PostgreSQL: one packed row per batch.

use std::collections::BTreeMap;

use postgres::Transaction;
use postgres::types::Type;
use sweep_proto::{AttemptId, StepMetric, TrialId};

use super::session::Failure;
use crate::encoding::{pack, sequence_after, sum_of_steps, unpack};
use crate::{StepBatch, continuation};

type Key = (i64, i64, i64);

fn key(attempt: AttemptId) -> Key {
    let TrialId { sweep, index } = attempt.trial;
    (sweep.0.cast_signed(), i64::from(index), i64::from(attempt.number))
}

/// Rows on their way, column by column.
#[derive(Default)]
struct Columns {
    sweeps: Vec<i64>,
    trials: Vec<i64>,
    attempts: Vec<i64>,
    firsts: Vec<i64>,
    counts: Vec<i64>,
    points: Vec<Vec<u8>>,
    sums: Vec<i64>,
}

/// Appends what goes on from the stored points, and gives the next sequence of each batch.
pub(super) fn append(transaction: &mut Transaction<'_>, batches: &[StepBatch]) -> Result<Vec<u64>, Failure> {
    let mut next = stored(transaction, batches)?;
    let mut rows = Columns::default();
    let mut answers = Vec::with_capacity(batches.len());
    for batch in batches {
        let key = key(batch.attempt);
        let first = next.get(&key).copied().unwrap_or(0);
        let points = continuation(&batch.points, first);
        if !points.is_empty() {
            let packed = pack(points);
            rows.sweeps.push(key.0);
            rows.trials.push(key.1);
            rows.attempts.push(key.2);
            rows.firsts.push(first.cast_signed());
            rows.counts.push(points.len() as i64);
            rows.sums.push(sum_of_steps(batch.attempt, first, &packed));
            rows.points.push(packed);
        }
        let after = first + points.len() as u64;
        next.insert(key, after);
        answers.push(after);
    }
    if !rows.sweeps.is_empty() {
        let sql = "INSERT INTO steps SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)";
        let numbers = Type::INT8_ARRAY;
        transaction.execute_typed(
            sql,
            &[
                (&rows.sweeps, numbers.clone()),
                (&rows.trials, numbers.clone()),
                (&rows.attempts, numbers.clone()),
                (&rows.firsts, numbers.clone()),
                (&rows.counts, numbers.clone()),
                (&rows.points, Type::BYTEA_ARRAY),
                (&rows.sums, numbers),
            ],
        )?;
    }
    Ok(answers)
}

/// The next sequence of every attempt of the batches that has points.
fn stored(transaction: &mut Transaction<'_>, batches: &[StepBatch]) -> Result<BTreeMap<Key, u64>, Failure> {
    let keys: Vec<Key> = batches.iter().map(|batch| key(batch.attempt)).collect();
    let sweeps: Vec<i64> = keys.iter().map(|key| key.0).collect();
    let trials: Vec<i64> = keys.iter().map(|key| key.1).collect();
    let attempts: Vec<i64> = keys.iter().map(|key| key.2).collect();
    let sql = "SELECT asked.place, last.first_sequence, last.count, last.bytes
        FROM unnest($1, $2, $3) WITH ORDINALITY AS asked (sweep, trial, attempt, place)
        CROSS JOIN LATERAL (
            SELECT first_sequence, count, octet_length(points)::BIGINT AS bytes FROM steps
            WHERE steps.sweep = asked.sweep AND steps.trial = asked.trial AND steps.attempt = asked.attempt
            ORDER BY first_sequence DESC LIMIT 1
        ) AS last";
    let numbers = Type::INT8_ARRAY;
    let parameters: [(&(dyn postgres::types::ToSql + Sync), Type); 3] =
        [(&sweeps, numbers.clone()), (&trials, numbers.clone()), (&attempts, numbers)];
    let mut next = BTreeMap::new();
    for row in transaction.query_typed(sql, &parameters)? {
        let place: i64 = row.try_get(0)?;
        // Ordinality counts from one, over the rows that were sent.
        if let Some(batch) = batches.get((place - 1) as usize) {
            let after = sequence_after(batch.attempt, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?;
            next.insert(key(batch.attempt), after);
        }
    }
    Ok(next)
}

/// Bytes of the points of a sweep's trials from this one on.
pub(super) fn bytes(transaction: &mut Transaction<'_>, from: TrialId) -> Result<u64, Failure> {
    let sql =
        "SELECT coalesce(sum(octet_length(points)), 0)::BIGINT FROM steps WHERE sweep = $1 AND trial >= $2";
    let (sweep, trial) = (from.sweep.0.cast_signed(), i64::from(from.index));
    let row = transaction.query_typed_opt(sql, &[(&sweep, Type::INT8), (&trial, Type::INT8)])?;
    let bytes: i64 = row.map_or(Ok(0), |row| row.try_get(0))?;
    Ok(bytes.cast_unsigned())
}

/// Reads points in order.
pub(super) fn read(
    transaction: &mut Transaction<'_>,
    attempt: AttemptId,
    from_sequence: u64,
    points_max: usize,
) -> Result<Vec<StepMetric>, Failure> {
    let (sweep, trial, number) = key(attempt);
    let from = from_sequence.min(i64::MAX as u64).cast_signed();
    // A row holds at least one point.
    let rows_max = points_max as i64;
    let sql = "SELECT first_sequence, count, points, checksum FROM steps
        WHERE sweep = $1 AND trial = $2 AND attempt = $3 AND first_sequence + count > $4
        ORDER BY first_sequence LIMIT $5";
    let parameters: [(&(dyn postgres::types::ToSql + Sync), Type); 5] = [
        (&sweep, Type::INT8),
        (&trial, Type::INT8),
        (&number, Type::INT8),
        (&from, Type::INT8),
        (&rows_max, Type::INT8),
    ];
    let mut points = Vec::new();
    for row in transaction.query_typed(sql, &parameters)? {
        let stored = unpack(attempt, row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)?;
        points.extend(stored.filter(|point| point.sequence >= from_sequence));
        if points.len() >= points_max {
            points.truncate(points_max);
            break;
        }
    }
    Ok(points)
}

//! What keeps a sweep from going on: why its workers hand trials back, as their logs tell it.

use coordinator_core::{AttemptRecord, AttemptState, Engine};
use sweep_proto::{AttemptId, SweepId, TrialId};

use crate::attempt_logs::AttemptLogs;

/// How a worker's log marks lines of trouble.
const MARKS: [&str; 2] = ["ERROR ", "WARN "];

/// The words of the worker that handed back a trial last, where that brought no epoch and the trial still waits or runs.
pub(crate) fn of(engine: &Engine, sweep: SweepId, logs: &AttemptLogs) -> Option<String> {
    let last = fruitless(engine, sweep).max_by_key(|attempt| attempt.ended_at)?;
    let log = logs.of(last.id)?;
    let mut lines = log.lines.iter().rev();
    let words = lines.find_map(|line| MARKS.iter().find_map(|mark| line.text.strip_prefix(mark)))?;
    Some(format!("trial {} was handed back by {}: {words}", last.id.trial, last.worker_name))
}

/// Attempts of open trials that were handed back without an epoch.
fn fruitless(engine: &Engine, sweep: SweepId) -> impl Iterator<Item = &AttemptRecord> {
    let tables = engine.tables();
    let attempt = |index, number| AttemptId { trial: TrialId { sweep, index }, number };
    let all = tables.attempts.range(attempt(0, 0)..=attempt(u32::MAX, u32::MAX)).map(|(_, attempt)| attempt);
    all.filter(move |attempt| {
        let is_open = tables.trials.get(&attempt.id.trial).is_some_and(|trial| !trial.state.is_terminal());
        let mut epochs = tables.epochs.range((attempt.id.trial, 0)..=(attempt.id.trial, u32::MAX));
        attempt.state == AttemptState::Released
            && is_open
            && !epochs.any(|(_, epoch)| epoch.attempt == attempt.id.number)
    })
}

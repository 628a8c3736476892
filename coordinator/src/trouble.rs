//! What keeps a sweep from going on: why its workers hand trials back or lose their leases, as their logs tell it.

use coordinator_core::{AttemptRecord, AttemptState, Engine};
use sweep_proto::{AttemptId, SweepId, Timestamp};

use crate::attempt_logs::AttemptLogs;

/// How a worker's log marks lines of trouble; the first alone counts where the attempt brought an epoch.
const MARKS: [&str; 2] = ["ERROR ", "WARN "];

/// Most hand-backs of a sweep that are told, newest first.
const TOLD_MAX: usize = 10;

/// Most whose logs are read for it: trials that are handed back in order have no words of trouble.
const READ_MAX: usize = 50;

/// An attempt that its worker handed back, or whose lease ran out.
#[derive(Clone, Debug)]
pub(crate) struct HandBack {
    pub(crate) attempt: AttemptId,
    /// The worker's name.
    pub(crate) worker: String,
    pub(crate) how: AttemptState,
    pub(crate) at: Option<Timestamp>,
    /// The worker's last words about it.
    pub(crate) reason: String,
}

/// The newest hand-backs and lost leases of trials that are not over, newest first, each with its reason. What was handed back
/// without a word of trouble, as when a sweep is paused or a worker drained, is in order and not told.
pub(crate) fn of(engine: &Engine, sweep: SweepId, logs: &AttemptLogs) -> Vec<HandBack> {
    if !engine.has_open_trials(sweep) {
        return Vec::new();
    }
    let mut newest: Vec<&AttemptRecord> = given_back(engine, sweep).collect();
    newest.sort_by_key(|attempt| std::cmp::Reverse((attempt.ended_at, attempt.id)));
    let told = newest.into_iter().take(READ_MAX).filter_map(|attempt| {
        let marks = if is_fruitless(engine, attempt) { &MARKS[..] } else { &MARKS[..1] };
        let words = logs.last_of(attempt.id, |line| {
            marks.iter().find_map(|mark| line.strip_prefix(mark)).map(str::to_owned)
        });
        let reason = match attempt.state {
            AttemptState::Expired => words.unwrap_or_else(|| silence(attempt)),
            _ => words?,
        };
        Some(HandBack {
            attempt: attempt.id,
            worker: attempt.worker_name.to_string(),
            how: attempt.state,
            at: attempt.ended_at,
            reason,
        })
    });
    told.take(TOLD_MAX).collect()
}

fn silence(attempt: &AttemptRecord) -> String {
    format!("nothing more was heard of {}", attempt.worker_name)
}

/// Attempts of trials that are not over that their workers handed back or whose leases ran out.
fn given_back(engine: &Engine, sweep: SweepId) -> impl Iterator<Item = &AttemptRecord> {
    let attempts = engine.open_trials(sweep).flat_map(|trial| engine.tables().attempts_of(trial.spec.id));
    attempts.filter(|attempt| matches!(attempt.state, AttemptState::Released | AttemptState::Expired))
}

/// Whether no epoch came of an attempt.
fn is_fruitless(engine: &Engine, attempt: &AttemptRecord) -> bool {
    !engine.tables().epochs_of(attempt.id.trial).any(|epoch| epoch.attempt == attempt.id.number)
}

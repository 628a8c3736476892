//! Takes the lines of attempts' logs from workers: bounded, made inert, and only from whoever holds the lease.

use coordinator_core::Engine;
use sweep_proto::protocol::{LOG_LINE_CHARACTERS_MAX, LOG_LINES_MAX};
use sweep_proto::text::inert_line;
use sweep_proto::{AttemptId, LeaseToken, Timestamp, WorkerId, wire};
use tonic::Status;

use super::{Shared, status};
use crate::attempt_logs::LogLine;

/// Keeps the lines of leases that are live, and that this worker holds where one is named; others are ignored: they may have
/// been lost on the way of the message.
pub(super) async fn take(
    shared: &Shared,
    worker: Option<WorkerId>,
    logs: Vec<wire::LogLines>,
) -> Result<(), Status> {
    if logs.is_empty() {
        return Ok(());
    }
    check(&logs)?;
    let tokens: Vec<LeaseToken> = logs.iter().map(|log| LeaseToken(log.token)).collect();
    let look = move |engine: &Engine, _| -> Vec<Option<AttemptId>> {
        let attempt = |token: &LeaseToken| {
            let (trial, number, holder) = engine.lease_holder(*token)?;
            (worker.is_none_or(|worker| worker == holder)).then_some(AttemptId { trial, number })
        };
        tokens.iter().map(attempt).collect()
    };
    let attempts = shared.driver.read(look).await.map_err(status::of_driver)?;
    for (log, attempt) in logs.iter().zip(attempts) {
        if let Some(attempt) = attempt {
            shared.attempt_logs.add(attempt, log.first, log.lines.iter().map(line).collect());
        }
    }
    Ok(())
}

/// A worker keeps and sends no more than this.
fn check(logs: &[wire::LogLines]) -> Result<(), Status> {
    for log in logs {
        if log.lines.len() > LOG_LINES_MAX {
            return Err(status::invalid(format!(
                "more than {LOG_LINES_MAX} lines of one log in one message"
            )));
        }
        if log.lines.iter().any(|line| line.text.chars().count() > LOG_LINE_CHARACTERS_MAX) {
            let problem = format!("a line of a log has more than {LOG_LINE_CHARACTERS_MAX} characters");
            return Err(status::invalid(problem));
        }
    }
    Ok(())
}

fn line(line: &wire::LogLine) -> LogLine {
    LogLine { at: Timestamp(line.at_ms), text: inert_line(&line.text) }
}

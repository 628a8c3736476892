//! Rows with which unit tests begin.

use sweep_proto::{AttemptId, LeaseToken, SweepId, Timestamp, TrialId, WorkKind};

use super::{AttemptRecord, AttemptState};

/// An attempt that trains since that time, in milliseconds, and of which nothing was heard.
pub(crate) fn attempt(started_ms: u64) -> AttemptRecord {
    AttemptRecord {
        id: AttemptId { trial: TrialId { sweep: SweepId(1), index: 0 }, number: 1 },
        work: WorkKind::Train,
        worker: "00000000-0000-7000-8000-000000000001".parse().expect("an id"),
        worker_name: "".into(),
        token: LeaseToken(1),
        started_at: Timestamp(started_ms),
        first_epoch: 1,
        state: AttemptState::Running,
        ended_at: None,
        failure: None,
        error: None,
        heard_at: None,
        kept_at: None,
        members: 1,
    }
}

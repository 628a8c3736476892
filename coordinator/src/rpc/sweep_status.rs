//! The status of a sweep, with what takes some work to find out.

use coordinator_core::Engine;
use coordinator_report::sections::verdict;
use coordinator_report::{Language, ReportInput};
use sweep_proto::{SweepId, Timestamp};
use tonic::Status;

use crate::attempt_logs::AttemptLogs;
use crate::rpc::report;
use crate::status;
use crate::view::{SweepView, Warning};

/// Most trials of a sweep whose verdict a status tells: that of more is work for a report.
const VERDICT_TRIALS_MAX: u64 = 5_000;

/// A sweep as it was seen in one look at the engine, before what takes some work was told of it.
pub(super) struct StatusLook {
    view: SweepView,
    /// The records of an ended sweep, from which its verdict follows.
    records: Option<ReportInput>,
}

/// A look at a sweep; `None` where there is none.
pub(super) fn look(engine: &Engine, id: SweepId, now: Timestamp, logs: &AttemptLogs) -> Option<StatusLook> {
    let view = SweepView::of(engine, id, now, logs)?;
    let is_judged = view.state.is_ended() && view.ledger.planned <= VERDICT_TRIALS_MAX;
    Some(StatusLook { view, records: is_judged.then(|| report::collect(engine, id, now)).flatten() })
}

impl StatusLook {
    /// The view; of an ended sweep with which hyperparameter matters most, and the warning that belongs to it.
    pub(super) async fn told(self) -> Result<SweepView, Status> {
        let Self { mut view, records } = self;
        let Some(records) = records else { return Ok(view) };
        let judged = tokio::task::spawn_blocking(move || verdict::of(&records, Language::English));
        if let Some(verdict) = judged.await.map_err(status::internal)? {
            view.matters_most = Some(verdict.text);
            view.warnings.extend(verdict.warning.map(|text| Warning { kind: "unequal_noise", text }));
        }
        Ok(view)
    }
}

//! Workers as their table shows them, copied from the engine.

use coordinator_core::{Engine, WorkerRecord};
use coordinator_report::sections::format;
use sweep_proto::{Timestamp, TrialId, WorkerCondition, WorkerId};

use crate::json::Worker;
use crate::view::WorkerView;

/// Workers on one page; those that are gone come last.
const WORKERS_MAX: usize = 500;

/// A worker's row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: WorkerId,
    /// As `sweep workers` tells it.
    pub(super) worker: Worker,
    /// Training examples a second of what it runs, by each trial's last epoch.
    pub(super) examples_per_second: Option<f64>,
    /// What it runs.
    pub(super) trials: Vec<TrialId>,
}

impl Row {
    /// Training examples a second, or a dash.
    pub(super) fn speed(&self) -> String {
        self.examples_per_second.map_or_else(|| format::NONE.to_owned(), |speed| format::count(speed as u64))
    }

    /// How long ago it was heard.
    pub(super) fn heard(&self) -> String {
        // Whole seconds: a page is told again every few of them.
        let seconds = self.worker.last_seen_ms / 1_000;
        if seconds < 10 {
            format!("{seconds} s ago")
        } else {
            format!("{} ago", format::duration(seconds as f64))
        }
    }

    /// Whether it can be told to drain.
    pub(super) fn may_drain(&self) -> bool {
        self.worker.state.known().is_some_and(|condition| {
            matches!(
                condition,
                WorkerCondition::Ready | WorkerCondition::Resting | WorkerCondition::Disconnected
            )
        })
    }
}

/// Every worker, those that work first, and how many there are.
pub(super) fn of(engine: &Engine, now: Timestamp) -> (Vec<Row>, usize) {
    let mut workers: Vec<&WorkerRecord> = engine.tables().workers.values().collect();
    let count = workers.len();
    workers.sort_by(|left, right| {
        let by_name = left.profile.name.cmp(&right.profile.name);
        left.state.cmp(&right.state).then(by_name).then(left.id.cmp(&right.id))
    });
    let rows = workers.into_iter().take(WORKERS_MAX).map(|worker| row(engine, worker, now));
    (rows.collect(), count)
}

fn row(engine: &Engine, worker: &WorkerRecord, now: Timestamp) -> Row {
    let held = engine.leases_of(worker.id).filter_map(|token| engine.lease_holder(token));
    let trials: Vec<_> = held.map(|(trial, _, _)| trial).collect();
    let speed = |trial: &TrialId| {
        engine.tables().epochs_of(*trial).next_back().map(|epoch| epoch.metric.examples_per_second)
    };
    let speeds: Vec<f64> = trials.iter().filter_map(speed).filter(|speed| speed.is_finite()).collect();
    Row {
        id: worker.id,
        worker: Worker::from(WorkerView::of(engine, worker, now)),
        examples_per_second: (!speeds.is_empty()).then(|| speeds.iter().sum()),
        trials,
    }
}

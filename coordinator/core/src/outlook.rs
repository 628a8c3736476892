//! What is to be expected of a sweep: whether anybody works on it, and when it will end.

use sweep_proto::{AttemptId, SweepId, Timestamp, WorkerId};

use crate::engine::Engine;
use crate::forecast::Forecast;
use crate::record::{AttemptRecord, SweepState, WorkerRecord, WorkerState};

/// What is to be expected of a sweep. Every view tells it alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outlook {
    /// Nothing is to be done: it has ended, or is paused.
    Still,
    /// There is work, and nobody is connected who would do it.
    NoWorker {
        /// When a worker was last heard, at the earliest when this coordinator process started; `None` where there was none.
        since: Option<Timestamp>,
    },
    /// It goes on; too little was measured to tell its end, or only the test split is left.
    Unmeasured,
    /// It goes on, and will end then.
    Ends(Forecast),
}

impl Outlook {
    /// The outlook's name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Still => "still",
            Self::NoWorker { .. } => "no_worker",
            Self::Unmeasured => "unmeasured",
            Self::Ends(_) => "ends",
        }
    }
}

impl Engine {
    /// What is to be expected of a sweep; `None` where there is none. Reads a bounded number of rows.
    pub fn outlook(&self, id: SweepId) -> Option<Outlook> {
        let sweep = self.sweep(id)?;
        if !matches!(sweep.state, SweepState::Open | SweepState::Evaluating) {
            return Some(Outlook::Still);
        }
        if !self.tables.workers.values().any(|worker| self.works(worker)) {
            return Some(Outlook::NoWorker { since: self.volatile.last_heard_at() });
        }
        Some(self.forecast(id).map_or(Outlook::Unmeasured, Outlook::Ends))
    }

    /// When the holder of an attempt's lease was last heard of it, as far as rows and this coordinator process know.
    pub(crate) fn last_heard_of(&self, attempt: &AttemptRecord) -> Timestamp {
        let durable = attempt.heard_at.unwrap_or(attempt.started_at);
        self.volatile.held_at(attempt.token).map_or(durable, |held| held.max(durable))
    }

    /// Whether a worker is connected and gets work.
    pub fn works(&self, worker: &WorkerRecord) -> bool {
        worker.state == WorkerState::Ready && !self.is_disconnected(worker.id)
    }

    /// Whether a worker is there: it has not left, and this coordinator process has heard it since its last session ended.
    pub fn is_connected(&self, worker: WorkerId) -> bool {
        let state = self.tables.workers.get(&worker).map(|worker| worker.state);
        matches!(state, Some(WorkerState::Ready | WorkerState::Draining)) && !self.is_disconnected(worker)
    }

    /// Trials of a sweep under a lease whose worker is not connected.
    pub fn away(&self, sweep: SweepId) -> u64 {
        let leases = self.running(sweep).filter_map(|trial| trial.lease);
        leases.filter(|lease| !self.is_connected(lease.worker)).count() as u64
    }

    /// Milliseconds for which all attempts of a sweep held their slots; those that run, until they were last heard.
    pub fn held_ms(&self, id: SweepId) -> u64 {
        let Some(index) = self.index.sweeps.get(&id) else { return 0 };
        let running = self.running(id).filter_map(|trial| {
            let number = trial.lease?.attempt;
            self.tables.attempts.get(&AttemptId { trial: trial.spec.id, number })
        });
        let running = running.map(|attempt| self.last_heard_of(attempt).since_ms(attempt.started_at));
        running.fold(index.held.ended_ms(), u64::saturating_add)
    }

    /// Milliseconds in which trials of a sweep ran, up to `now`; pauses of the sweep and of its coordinator do not count.
    pub fn ran_ms(&self, id: SweepId, now: Timestamp) -> u64 {
        let Some(index) = self.index.sweeps.get(&id) else { return 0 };
        let leases = self.running(id).filter_map(|trial| trial.lease.map(|lease| (trial.spec.id, lease)));
        let live = leases.filter_map(|(trial, lease)| {
            let id = AttemptId { trial, number: lease.attempt };
            let attempt = self.tables.attempts.get(&id)?;
            let heard = self.last_heard_of(attempt);
            let until = if self.is_disconnected(lease.worker) { heard } else { now.max(heard) };
            Some((attempt.started_at, until))
        });
        // Leases that are live now overlap, but for those that a dead worker holds.
        let all = live.reduce(|(from, until), (start, end)| (from.min(start), until.max(end)));
        all.map_or(index.ran.total_ms(), |(from, until)| index.ran.total_with_ms(from, until))
    }
}

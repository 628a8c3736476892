//! Whose fault a failure is: trials that take their workers down or outgrow them, and workers on which every trial
//! fails.

use sweep_proto::{FailureKind, Timestamp, TrialId, WorkKind, WorkerId};

use crate::draft::Draft;
use crate::engine::Engine;
use crate::limits::{REST_FIRST_MS, REST_MAX_MS, WORKER_FAILURES_MAX, WORKERS_LOST_MAX};
use crate::record::{AttemptRecord, AttemptState, TrialRecord, Troubles, WorkerRecord, WorkerState};

impl Engine {
    /// Whether a worker gets no work now, because trial after trial has failed on it and another worker can
    /// take its place. Where nobody else is sound the trials may be what is wrong, and everybody works.
    pub fn is_resting(&self, worker: &WorkerRecord, now: Timestamp) -> bool {
        let rests = |one: &WorkerRecord| one.troubles.rests_until.is_some_and(|until| now < until);
        let mut others = self.tables.workers.values().filter(|one| one.id != worker.id);
        rests(worker) && others.any(|one| one.state == WorkerState::Ready && !rests(one))
    }
}

impl Engine {
    /// Whether a trial has outgrown slots like those of this worker, and somebody has larger ones. Where it has outgrown
    /// everybody it is tried again where there is most: another process may have taken the memory.
    pub(super) fn wants_more_memory(&self, trial: TrialId, worker: &WorkerRecord, now: Timestamp) -> bool {
        let trial = self.tables.trials.get(&trial);
        let Some(outgrown) = trial.and_then(|trial| trial.outgrown_bytes) else { return false };
        let own = worker.profile.slot_memory_bytes().unwrap_or(0);
        let sound = self.tables.workers.values().filter(|one| {
            one.state == WorkerState::Ready && one.troubles.rests_until.is_none_or(|until| until <= now)
        });
        let most = sound.filter_map(|one| one.profile.slot_memory_bytes()).max().unwrap_or(0);
        own <= outgrown && own < most
    }
}

impl Draft<'_> {
    /// An attempt of a trial did not find the memory that it needs.
    pub(super) fn outgrew(&mut self, trial: &mut TrialRecord, worker: WorkerId) {
        trial.out_of_memory += 1;
        let bytes = self.worker(worker).and_then(|worker| worker.profile.slot_memory_bytes());
        trial.outgrown_bytes = trial.outgrown_bytes.max(bytes);
    }

    /// A trial failed on a worker.
    pub(super) fn blame(&mut self, worker: WorkerId, trial: TrialId) {
        let Some(worker) = self.worker(worker).cloned() else { return };
        let mut troubles = worker.troubles.clone();
        if !troubles.trials.contains(&trial) {
            troubles.trials.push(trial);
        }
        if troubles.trials.len() >= WORKER_FAILURES_MAX {
            let wait_ms = (REST_FIRST_MS << troubles.rests.min(16)).min(REST_MAX_MS);
            troubles.rests_until = Some(self.now.plus_ms(wait_ms));
            troubles.rests += 1;
            // After the rest one more failure is enough.
            troubles.trials.remove(0);
        }
        self.set_worker(WorkerRecord { troubles, ..worker });
    }

    /// Something went well on a worker.
    pub(super) fn absolve(&mut self, worker: WorkerId) {
        if let Some(worker) = self.worker(worker).filter(|one| one.troubles != Troubles::default()).cloned() {
            self.set_worker(WorkerRecord { troubles: Troubles::default(), ..worker });
        }
    }

    /// Whether this attempt and those before it all ended with their workers, none of them an epoch further.
    pub(crate) fn takes_workers_down(&self, trial: &TrialRecord, last: &AttemptRecord) -> bool {
        if trial.checkpoint.map_or(0, |checkpoint| checkpoint.epoch) >= last.first_epoch {
            return false;
        }
        let attempts: Vec<&AttemptRecord> = self.attempts_of(trial.spec.id).collect();
        trial.lost_with_workers(&attempts) >= WORKERS_LOST_MAX
    }
}

impl TrialRecord {
    /// How many of its newest attempts in a row ended with their workers, none of them an epoch further.
    pub(super) fn lost_with_workers(&self, attempts: &[&AttemptRecord]) -> usize {
        let Some(last) = attempts.last() else { return 0 };
        let lost = attempts.iter().rev().take_while(|one| {
            let is_lost = matches!(one.state, AttemptState::Expired | AttemptState::Revoked);
            let counts = one.work == WorkKind::Train && one.id.number > self.forgiven;
            counts && is_lost && one.first_epoch == last.first_epoch
        });
        lost.count()
    }
}

impl AttemptRecord {
    /// Whether it failed because its slot did, which others shared with it: no fault of its trial, as far as is known.
    pub(crate) fn failed_with_its_slot(&self) -> bool {
        let of_slot =
            |kind| matches!(kind, FailureKind::Crashed | FailureKind::OutOfMemory | FailureKind::Stalled);
        self.members > 1 && self.failure.is_some_and(of_slot)
    }
}

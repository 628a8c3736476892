//! The decisions, one file per kind of command, and what they share.

pub(crate) mod access;
mod budget;
pub(crate) mod complete;
pub(crate) mod control;
pub(crate) mod delete;
mod ending;
pub(crate) mod extend;
pub(crate) mod follow;
pub(crate) mod generation;
pub(crate) mod grid;
mod kept;
pub(crate) mod launch;
pub(crate) mod propose;
pub(crate) mod prune;
mod reopen;
pub(crate) mod report_epoch;
pub(crate) mod retry;
mod revive;
mod search;
mod search_log;
mod settle;
mod shelve;
mod spend;
pub(crate) mod steer;
pub(crate) mod tick;
mod trouble;
pub(crate) mod unreadable;
pub(crate) mod work;
pub(crate) mod worker;

use sweep_proto::{LeaseToken, WorkerId};

use crate::command::{Decision, Rejection, Touch};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{AttemptRecord, AttemptState, SweepRecord, TrialRecord, WorkerRecord, WorkerState};

type Decided = Result<Decision, Rejection>;

/// A sweep that exists.
fn known_sweep(engine: &Engine, id: sweep_proto::SweepId) -> Result<&SweepRecord, Rejection> {
    engine.sweep(id).ok_or(Rejection::UnknownSweep(id))
}

/// A worker that registered and has not left.
fn known_worker(engine: &Engine, id: WorkerId) -> Result<&WorkerRecord, Rejection> {
    let worker = engine.tables.workers.get(&id).filter(|worker| worker.state != WorkerState::Departed);
    worker.ok_or(Rejection::UnknownWorker(id))
}

/// The trial and the running attempt of a live lease.
fn live_lease(engine: &Engine, token: LeaseToken) -> Result<(&TrialRecord, &AttemptRecord), Rejection> {
    let lost = || Rejection::LeaseLost { token, reason: loss_reason(engine, token) };
    let trial = engine.index.live.get(&token).and_then(|id| engine.tables.trials.get(id)).ok_or_else(lost)?;
    let attempt = engine.index.attempts.get(token).and_then(|id| engine.tables.attempts.get(&id));
    attempt
        .filter(|attempt| attempt.state == AttemptState::Running)
        .map(|attempt| (trial, attempt))
        .ok_or_else(lost)
}

/// Why a token is stale, for the worker's log.
fn loss_reason(engine: &Engine, token: LeaseToken) -> String {
    let attempt = engine.index.attempts.get(token).and_then(|id| engine.tables.attempts.get(&id));
    let Some(attempt) = attempt else { return "no such lease was granted".to_owned() };
    let why = match attempt.state {
        AttemptState::Running => "is held by another worker",
        AttemptState::Succeeded => "has brought its result",
        AttemptState::Reached => "has come to its rung, where its trial waits",
        AttemptState::Pruned => "has ended: its trial is pruned",
        AttemptState::Diverged => "has ended as diverged",
        AttemptState::Failed => "has ended as failed",
        AttemptState::Released => "was handed back",
        AttemptState::Expired => "was lost: no heartbeat came in time, or its worker left or began again",
        AttemptState::Revoked => "was revoked: its sweep was changed or its worker shut out",
    };
    format!("attempt {} {why}", attempt.id)
}

impl Draft<'_> {
    /// A worker was heard: it lives.
    fn hear(&mut self, worker: &WorkerRecord) {
        if worker.state == WorkerState::Lost {
            self.set_worker(WorkerRecord { state: WorkerState::Ready, ..worker.clone() });
        }
        self.touch(Touch::Worker(worker.id, self.now));
    }

    /// A report came under a live lease: it lives on, and so does its worker.
    fn renew(&mut self, token: LeaseToken, worker: WorkerId) {
        self.touch(Touch::Held(token, self.now));
        let engine = self.engine;
        if let Some(worker) = engine.tables.workers.get(&worker) {
            self.hear(worker);
        }
    }
}

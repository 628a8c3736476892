//! The engine and its store as one: what a batch of requests decides, writes and is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use coordinator_core::{Command, Engine, Mutation, Rejection, Reply, StepBounds};
use coordinator_store::{StepBatch, Store, StoreError};
use sweep_proto::{ArtifactRef, AttemptId, LeaseToken, StepMetric, Timestamp, WorkerId};
use tokio::sync::oneshot;

use super::{DriverError, OpenStore, Reading, Request, grids, journal};
use crate::security::sealing::Sealer;

/// Pause between two tries to write to a full disk, in milliseconds: each failed one loads everything again.
pub(super) const FULL_PAUSE_MS: u64 = 1_000;

/// Step metrics that are written between two rounds of commands: a fraction of a second's work for a slow disk.
pub(super) const POINTS_PER_ROUND_MAX: usize = 20_000;

type CommandAnswer = (oneshot::Sender<Result<Reply, DriverError>>, Result<Reply, DriverError>);

/// Step metrics that wait to be written: commands go first, because curves may be late and leases may not.
struct Steps {
    worker: WorkerId,
    token: LeaseToken,
    points: Vec<StepMetric>,
    reply: oneshot::Sender<Result<u64, DriverError>>,
}

/// What is lost together when the store fails.
pub(super) struct Live {
    pub(super) engine: Engine,
    pub(super) store: Box<dyn Store>,
    /// Signs the audit log, where it is signed.
    pub(super) sealer: Option<Arc<Sealer>>,
    full: Option<FullDisk>,
    waiting: VecDeque<Steps>,
    /// No trial could follow what was decided of its sweep: nothing is tried again before the next request or tick.
    is_stuck: bool,
}

/// The newest write found no room. Reads and what writes nothing go on.
struct FullDisk {
    problem: String,
    next_try: Timestamp,
}

/// One batch on its way to the disk.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) mutations: Vec<Mutation>,
    pub(super) commands: Vec<CommandAnswer>,
    pub(super) looks: Vec<Reading>,
    pub(super) unreferenced: Vec<ArtifactRef>,
    /// Blobs without a reference that somebody may be about to refer to.
    pub(super) uploaded_again: Vec<ArtifactRef>,
    pub(super) stop: bool,
}

impl Live {
    /// Opens the store and folds what it holds.
    ///
    /// # Errors
    /// Whatever opening or loading gives.
    pub(super) fn load(
        open: &OpenStore,
        sealer: Option<Arc<Sealer>>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut store = open()?;
        let tables = store.load()?;
        grids::look_at(&tables);
        let engine = Engine::restore(tables, now);
        let (waiting, is_stuck) = (VecDeque::new(), false);
        let mut live = Self { engine, store, sealer, full: None, waiting, is_stuck };
        live.note_damage_of_the_log(now)?;
        Ok(live)
    }

    /// Whether the store may still be written, where others may write it, too.
    ///
    /// # Errors
    /// Where it may not.
    pub(super) fn verify(&mut self) -> Result<(), StoreError> {
        self.store.verify()
    }

    /// Whether the newest write found no room.
    pub(super) fn is_full(&self) -> bool {
        self.full.is_some()
    }

    pub(super) fn accept(&mut self, now: Timestamp, request: Request, batch: &mut Batch) {
        match request {
            Request::Command { command, reply } => {
                let answer = self.decide(now, &command, batch);
                batch.commands.push((reply, answer));
            }
            // Reads wait for the commit: nobody is shown what may not come true.
            Request::Read(look) => batch.looks.push(look),
            Request::Steps { worker, token, points, reply } => {
                self.waiting.push_back(Steps { worker, token, points, reply });
            }
            Request::Reader(reply) => {
                let reader = self.store.reader();
                _ = reply.send(reader.map_err(|error| DriverError::Unavailable(error.to_string())));
            }
            Request::GiveBack { all, reply } => {
                let given = if all { self.store.rebuild().map(|()| 0) } else { self.store.give_back() };
                // Whoever asked may have gone.
                _ = reply.send(given.map_err(|error| DriverError::of_store(&error)));
            }
            Request::Unreferenced(artifact) => batch.uploaded_again.push(artifact),
            Request::Proposed(proposed) => {
                // Whatever is refused here is asked again, on a full disk when there is room.
                if let Some(command) = proposed.command
                    && let Err(refusal) = self.decide(now, &command, batch)
                {
                    tracing::debug!(%refusal, "proposals were refused");
                }
            }
            Request::Stop => batch.stop = true,
        }
    }

    /// Decides and folds at once: the next request of the batch sees what this one changed.
    ///
    /// # Errors
    /// Where the engine refuses, or where there is something to write and no room for it.
    pub(super) fn decide(
        &mut self,
        now: Timestamp,
        command: &Command,
        batch: &mut Batch,
    ) -> Result<Reply, DriverError> {
        let mut decision = self.engine.decide(now, command)?;
        if !decision.mutations.is_empty()
            && let Err(full) = self.writable(now)
        {
            if !decision.is_sign_of_life() {
                return Err(full);
            }
            // Workers live on a full disk, too.
            decision.mutations.clear();
        }
        let mut replaced = BTreeMap::new();
        for mutation in &decision.mutations {
            journal::record(&self.engine, mutation);
            replaced.extend(self.engine.blobs_before(mutation).into_iter().map(|blob| (blob.digest, blob)));
        }
        self.engine.fold(&decision);
        let lost = replaced.into_values().filter(|blob| !self.engine.is_named(blob.digest));
        batch.unreferenced.extend(lost);
        batch.mutations.extend(decision.mutations);
        Ok(decision.reply)
    }

    /// Lets a bounded number of trials follow what was decided of their sweep, after everybody else had their turn.
    pub(super) fn follow(&mut self, now: Timestamp, batch: &mut Batch) {
        let done = |live: &Self, batch: &Batch| (batch.mutations.len(), live.engine.uncounted());
        let before = done(self, batch);
        if self.engine.is_behind()
            && let Err(refusal) = self.decide(now, &Command::Follow, batch)
        {
            tracing::warn!(%refusal, "trials cannot follow what was decided of their sweep");
        }
        self.is_stuck = done(self, batch) == before;
    }

    /// Whether more trials are to follow at once.
    pub(super) fn has_followers(&self) -> bool {
        self.engine.is_behind() && !self.is_stuck
    }

    /// Between two tries on a full disk, nothing is written.
    fn writable(&self, now: Timestamp) -> Result<(), DriverError> {
        match &self.full {
            Some(full) if now < full.next_try => Err(DriverError::DiskFull(full.problem.clone())),
            _ => Ok(()),
        }
    }

    /// Commits. Where there is no room nothing was written, and the engine goes back to what the store holds.
    ///
    /// # Errors
    /// Any failure but a full disk, after which nobody knows what the store holds.
    pub(super) fn persist(&mut self, now: Timestamp, mutations: &[Mutation]) -> Result<Written, StoreError> {
        if mutations.is_empty() {
            return Ok(Written::All);
        }
        let seal = self.sealer.as_ref().and_then(|sealer| sealer.seal_of(mutations));
        let committed = match &seal {
            Some(seal) => self.store.commit(&[mutations, &[Mutation::AuditSeal(seal.clone())]].concat()),
            None => self.store.commit(mutations),
        };
        match committed {
            Ok(()) => {
                if let (Some(sealer), Some(seal)) = (&self.sealer, &seal) {
                    sealer.keep(seal);
                }
                if self.full.take().is_some() {
                    tracing::info!("there is room on the disk again");
                }
                Ok(Written::All)
            }
            Err(StoreError::Full(problem)) => {
                self.engine = self.engine.rolled_back(self.store.load()?, now);
                self.found_full(now, &problem);
                Ok(Written::Nothing(problem))
            }
            Err(error) => Err(error),
        }
    }

    fn found_full(&mut self, now: Timestamp, problem: &str) {
        if self.full.is_none() {
            tracing::error!(
                problem,
                "no room to write; free some space. Everything waits for it, reads go on"
            );
        }
        let next_try = now.plus_ms(FULL_PAUSE_MS);
        self.full = Some(FullDisk { problem: problem.to_owned(), next_try });
    }

    /// Whether step metrics wait to be written.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Takes the step metrics of one round from the queue; those under no live lease are refused.
    fn next_round(
        &mut self,
        now: Timestamp,
    ) -> (Vec<oneshot::Sender<Result<u64, DriverError>>>, Vec<StepBatch>) {
        let (mut replies, mut batches) = (Vec::new(), Vec::new());
        let mut points_taken = 0;
        while points_taken < POINTS_PER_ROUND_MAX
            && let Some(Steps { worker, token, points, reply }) = self.waiting.pop_front()
        {
            let attempt = admit_steps(&self.engine, worker, token, &points);
            match self.writable(now).and_then(|()| Ok(attempt?)) {
                Ok(attempt) => {
                    points_taken += points.len();
                    replies.push(reply);
                    batches.push(StepBatch { attempt, points });
                }
                // Whoever asked may have gone.
                Err(refusal) => _ = reply.send(Err(refusal)),
            }
        }
        (replies, batches)
    }

    /// Appends one round of step metrics, after the rows that were decided before: an attempt must be there before
    /// its metrics.
    ///
    /// # Errors
    /// Any failure but a full disk.
    pub(super) fn append(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let (replies, batches) = self.next_round(now);
        if batches.is_empty() {
            return Ok(());
        }
        let next = self.store.append_steps(&batches);
        for (position, reply) in replies.into_iter().enumerate() {
            let answer = match &next {
                Ok(next) => next.get(position).copied().ok_or_else(super::gone),
                Err(error) => Err(DriverError::of_store(error)),
            };
            _ = reply.send(answer);
        }
        match next {
            Err(StoreError::Full(problem)) => {
                self.found_full(now, &problem);
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }
}

/// The attempt that step metrics belong to: under a live lease, and no more of them than its trial has batches.
fn admit_steps(
    engine: &Engine,
    worker: WorkerId,
    token: LeaseToken,
    points: &[StepMetric],
) -> Result<AttemptId, Rejection> {
    let lost = || Rejection::LeaseLost { token, reason: "it is not live".to_owned() };
    let attempt = engine.attempt_of(worker, token).ok_or_else(lost)?;
    let StepBounds { epochs, points: most } = engine.step_bounds(attempt.trial).ok_or_else(lost)?;
    let is_possible = |one: &StepMetric| one.sequence < most && u64::from(one.epoch) <= epochs;
    if points.iter().all(is_possible) {
        return Ok(attempt);
    }
    Err(Rejection::Invalid(format!(
        "attempt {attempt} reports step metrics that its trial cannot have: it has {epochs} epochs with {most} batches in all"
    )))
}

/// What of a batch has reached the disk.
pub(super) enum Written {
    All,
    /// There was no room, for this reason.
    Nothing(String),
}

impl Batch {
    /// Answers everybody that nothing is known; tells whether the thread shall end.
    pub(super) fn fail(self, error: &StoreError) -> bool {
        for look in self.looks {
            look(Err(&error.to_string()));
        }
        refuse(self.commands, || DriverError::of_store(error));
        self.stop
    }

    /// Answers those who wanted something written that there is no room; what they saw decided is undone.
    pub(super) fn find_full(&mut self, problem: &str) {
        refuse(std::mem::take(&mut self.commands), || DriverError::DiskFull(problem.to_owned()));
        self.mutations.clear();
    }
}

fn refuse(commands: Vec<CommandAnswer>, error: impl Fn() -> DriverError) {
    // Whoever asked may have gone.
    for (reply, _) in commands {
        _ = reply.send(Err(error()));
    }
}

//! The driver's loop: drain the mailbox, decide everything, commit once, then reply.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use coordinator_core::{Command, Engine, Key, Mutation, SearchEvent, SweepState, TrialState, WorkerState};
use coordinator_store::StoreError;
use sweep_proto::{SweepId, Timestamp};
use tokio::sync::mpsc;

use super::collector::{Collector, Named, Waste};
use super::live::{Batch, FULL_PAUSE_MS, Live, Written};
use super::proposer::Proposer;
use super::stale::Stale;
use super::{Availability, DriverError, Notices, OpenStore, Request};
use crate::clock::Clock;
use crate::security::sealing::Sealer;

/// Most requests decided before one commit: bounds what one failed write takes with it.
const BATCH_MAX: usize = 1_024;

/// Age below which an unreferenced blob survives a look for orphans: a worker that lived through a crash of the
/// coordinator still reports the checkpoint that it had uploaded just before.
pub(crate) const ORPHAN_AGE_MIN: Duration = Duration::from_hours(1);

/// Pause between two looks for blobs that nothing refers to, in milliseconds, while serving.
const ORPHAN_LOOK_MS: u64 = 3_600_000;

/// Longest time between two ticks, in milliseconds: far below a lease's life, so that a tick that
/// comes late means that this process stood still.
const TICK_MAX_MS: u64 = 5_000;

/// Shortest time between two ticks, in milliseconds.
const TICK_MIN_MS: u64 = 20;

/// Pause between two tries to open a failed store, in milliseconds.
const REOPEN_MS: u64 = 1_000;

pub(super) struct Core {
    open: OpenStore,
    sealer: Option<Arc<Sealer>>,
    live: Option<Live>,
    /// Why there is no store, where there is none.
    reason: String,
    collector: Collector,
    proposer: Proposer,
    notices: Arc<Notices>,
    clock: Clock,
    stale: Stale,
    /// Sweeps whose trials were still being counted after the last batch.
    counting: BTreeSet<SweepId>,
    last_tick: Timestamp,
    last_open: Timestamp,
    last_orphan_look: Timestamp,
}

/// Runs the loop on a thread of its own.
pub(super) fn spawn(core: Core, requests: mpsc::Receiver<Request>) -> Result<JoinHandle<()>, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| StoreError::Unavailable(format!("no driver thread: {error}")))?;
    std::thread::Builder::new()
        .name("driver".to_owned())
        .spawn(move || runtime.block_on(core.run(requests)))
        .map_err(|error| StoreError::Unavailable(format!("no driver thread: {error}")))
}

impl Core {
    /// Loads the store.
    pub(super) fn load(
        (open, sealer): (OpenStore, Option<Arc<Sealer>>),
        (collector, proposer): (Collector, Proposer),
        clock: Clock,
        notices: Arc<Notices>,
    ) -> Result<Self, StoreError> {
        let now = clock.now();
        let (live, reason) = match Live::load(&open, sealer.clone(), now) {
            Ok(live) => (Some(live), String::new()),
            Err(error @ StoreError::NotLeader { .. }) => (None, error.to_string()),
            Err(error) => return Err(error),
        };
        let stale = Stale::default();
        let mut core = Self {
            open,
            sealer,
            live,
            reason,
            collector,
            proposer,
            notices,
            clock,
            stale,
            counting: BTreeSet::new(),
            last_tick: now,
            last_open: now,
            last_orphan_look: now,
        };
        match &core.live {
            Some(_) => core.serves(),
            None => core.stands_by(),
        }
        core.propose();
        Ok(core)
    }

    /// Asks for what sweeps want proposed. On a full disk it could not be written.
    fn propose(&mut self) {
        if let Some(live) = self.live.as_ref().filter(|live| !live.is_full()) {
            self.proposer.ask(&live.engine);
        }
    }

    /// The loop, until it is told to stop or nobody can ask any more.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut mail = Vec::with_capacity(BATCH_MAX);
        loop {
            let wait = Duration::from_millis(self.next_wake().since_ms(self.clock.now()));
            // Nothing is lost by a timeout: `recv_many` is cancel safe.
            // Nobody can ask any more once every handle is gone.
            let asked = tokio::time::timeout(wait, requests.recv_many(&mut mail, BATCH_MAX)).await;
            if asked == Ok(0) || self.serve(&mut mail) {
                return self.leave();
            }
        }
    }

    /// Leaves no orphan behind, unless a worker may still report one of them under its lease. Where other coordinators may lead,
    /// one may do so at once, and name what is unnamed here: it looks for orphans by itself.
    fn leave(&self) {
        if let Some(live) = &self.live
            && !live.store.has_leadership()
            && live.engine.tables().trials.values().all(|trial| trial.lease.is_none())
        {
            let named = Named::AtTheEnd(live.engine.named_blobs());
            self.collector.remove(Waste::Orphans { named, older_than: Duration::ZERO });
        }
    }

    fn look_for_orphans(&self) {
        self.collector.remove(Waste::Orphans { named: Named::Then, older_than: ORPHAN_AGE_MIN });
    }

    /// A store has become available: nobody else writes to it.
    fn serves(&self) {
        self.look_for_orphans();
        self.notices.becomes(Availability::Serving);
    }

    fn stands_by(&self) {
        tracing::info!(reason = self.reason, "standing by");
        self.notices.becomes(Availability::Standby);
    }

    /// There is no store any more, for this reason.
    fn fails(&mut self, error: &StoreError) {
        let is_new = self.reason != error.to_string();
        self.reason = error.to_string();
        if !matches!(error, StoreError::NotLeader { .. }) {
            tracing::error!(%error, "the store is unavailable");
            self.notices.becomes(Availability::Unavailable);
        } else if is_new {
            self.stands_by();
        }
    }

    fn next_wake(&self) -> Timestamp {
        match &self.live {
            Some(live) if live.has_waiting() || live.has_followers() => self.clock.now(),
            Some(_) => self.next_tick(),
            None => self.last_open.plus_ms(REOPEN_MS),
        }
    }

    fn next_tick(&self) -> Timestamp {
        let latest = self.last_tick.plus_ms(TICK_MAX_MS);
        let deadline = self.live.as_ref().and_then(|live| live.engine.next_deadline()).unwrap_or(latest);
        let is_full = self.live.as_ref().is_some_and(Live::is_full);
        let pause_ms = if is_full { FULL_PAUSE_MS } else { TICK_MIN_MS };
        deadline.min(latest).max(self.last_tick.plus_ms(pause_ms))
    }

    /// Serves one batch; tells whether the thread shall end.
    fn serve(&mut self, mail: &mut Vec<Request>) -> bool {
        let now = self.clock.now();
        for request in mail.iter() {
            if let Request::Proposed(proposed) = request {
                self.proposer.answered(proposed);
            }
        }
        self.reopen(now);
        // Asked while the store is in its place: the next deadline is its engine's.
        let is_tick_due = now >= self.next_tick();
        let Some(mut live) = self.live.take() else {
            return refuse(mail.drain(..), &self.reason);
        };
        if let Err(error) = live.verify() {
            self.fails(&error);
            return refuse(mail.drain(..), &self.reason);
        }
        let mut batch = Batch::default();
        if is_tick_due {
            self.last_tick = now;
            // Only a full disk refuses a tick: the next one does what this one did not.
            if let Err(refusal) = live.decide(now, &Command::Tick, &mut batch) {
                tracing::debug!(%refusal, "a tick was refused");
            }
        }
        for request in mail.drain(..) {
            live.accept(now, request, &mut batch);
        }
        live.follow(now, &mut batch);
        match live.persist(now, &batch.mutations) {
            Ok(written) => {
                if let Written::Nothing(problem) = written {
                    batch.find_full(&problem);
                    self.proposer.forget();
                }
                let stop = batch.stop;
                self.finish(live, batch, now);
                stop
            }
            Err(error) => {
                // The engine is ahead of the store, or not: nobody knows. Both start again from the disk.
                // Everything of this batch is answered as unavailable.
                self.fails(&error);
                batch.fail(&error)
            }
        }
    }

    fn reopen(&mut self, now: Timestamp) {
        if self.live.is_some() || now.since_ms(self.last_open) < REOPEN_MS {
            return;
        }
        self.last_open = now;
        match Live::load(&self.open, self.sealer.clone(), now) {
            Ok(live) => {
                tracing::info!("the store is available");
                // The next failure is news, also where it is for the same reason.
                self.reason.clear();
                self.proposer.forget();
                self.serves();
                self.live = Some(live);
            }
            Err(error) => self.fails(&error),
        }
    }

    /// Everything is durable: tell everybody.
    fn finish(&mut self, mut live: Live, batch: Batch, now: Timestamp) {
        let Batch { mutations, commands, looks, unreferenced, uploaded_again, stop, .. } = batch;
        // Whoever was shut out is cut off before it is told that they are: what they open afterwards is answered with the reason.
        self.notify(&mutations);
        self.notify_counted(&live);
        for (reply, answer) in commands {
            // Whoever asked may have gone.
            _ = reply.send(answer);
        }
        let mut stored = live.append(now);
        // What was asked before a stop is done before it.
        while stop && stored.is_ok() && live.has_waiting() {
            stored = live.append(now);
        }
        for look in looks {
            look(Ok((&live.engine, now)));
        }
        unreferenced.into_iter().for_each(|artifact| self.stale.push(now, artifact));
        uploaded_again.into_iter().for_each(|artifact| self.stale.push_uploaded_again(now, artifact));
        self.collect(&live.engine, now);
        if now.since_ms(self.last_orphan_look) >= ORPHAN_LOOK_MS {
            self.last_orphan_look = now;
            self.look_for_orphans();
        }
        if let Err(error) = stored {
            self.fails(&error);
        } else {
            self.live = Some(live);
            self.propose();
        }
    }

    fn notify(&self, mutations: &[Mutation]) {
        let sweep_of = |mutation: &Mutation| match mutation {
            Mutation::Sweep(sweep) => Some(sweep.id),
            Mutation::Trial(trial) => Some(trial.spec.id.sweep),
            Mutation::Epoch(epoch) => Some(epoch.trial.sweep),
            Mutation::Remove(Key::Sweep(sweep)) => Some(*sweep),
            _ => None,
        };
        let changed: BTreeSet<_> = mutations.iter().filter_map(sweep_of).collect();
        if !changed.is_empty() {
            self.notices.sweeps_changed(&changed);
        }
        for mutation in mutations {
            if let Mutation::Certificate(certificate) = mutation
                && certificate.revoked_at.is_some()
            {
                self.notices.revoked(certificate.id);
            }
            if let Mutation::Token(token) = mutation
                && token.revoked_at.is_some()
            {
                self.notices.token_revoked(token.id);
            }
            if let Mutation::Worker(worker) = mutation {
                self.notices.speaks(worker.id, worker.process.instance);
            }
        }
        let is_work = |mutation: &Mutation| match mutation {
            Mutation::Sweep(sweep) => matches!(sweep.state, SweepState::Open | SweepState::Evaluating),
            Mutation::Trial(trial) => {
                trial.lease.is_none() && matches!(trial.state, TrialState::Pending | TrialState::Completed)
            }
            _ => false,
        };
        if mutations.iter().any(is_work) {
            self.notices.work_appeared();
        }
        let is_steering = |mutation: &Mutation| match mutation {
            Mutation::Sweep(sweep) => matches!(sweep.state, SweepState::Paused | SweepState::Cancelled),
            Mutation::Worker(worker) => worker.state == WorkerState::Draining,
            // A steered search calls trials back that report nothing at that moment.
            Mutation::SearchEvent(record) => matches!(
                record.event,
                SearchEvent::Paused { .. }
                    | SearchEvent::Ended { state: TrialState::Pruned | TrialState::Cancelled, .. }
            ),
            _ => false,
        };
        if mutations.iter().any(is_steering) {
            self.notices.steered();
        }
    }

    /// Where all trials of a sweep are counted that goes on, no row has changed, and yet they are handed out from now on.
    fn notify_counted(&mut self, live: &Live) {
        let before = std::mem::replace(&mut self.counting, live.engine.counting());
        let counted: BTreeSet<_> = before.difference(&self.counting).copied().collect();
        if !counted.is_empty() {
            self.notices.sweeps_changed(&counted);
            self.notices.work_appeared();
        }
    }

    /// Hands over what was kept for long enough, unless a row names it again. Whether one does by then is asked once more when it is
    /// removed.
    fn collect(&mut self, engine: &Engine, now: Timestamp) {
        while let Some((lost_at, artifact)) = self.stale.pop_due(now) {
            if engine.is_named(artifact.digest) {
                continue;
            }
            let lost_for = Duration::from_millis(now.since_ms(lost_at));
            self.collector.remove(Waste::Stale { artifact, lost_for });
        }
    }
}

/// Answers everybody why there is no store; tells whether the thread shall end.
fn refuse(mail: impl Iterator<Item = Request>, reason: &str) -> bool {
    let unavailable = || DriverError::Unavailable(reason.to_owned());
    let mut stop = false;
    for request in mail {
        match request {
            Request::Command { reply, .. } => _ = reply.send(Err(unavailable())),
            Request::Steps { reply, .. } | Request::GiveBack { reply, .. } => {
                _ = reply.send(Err(unavailable()));
            }
            Request::Reader(reply) => _ = reply.send(Err(unavailable())),
            Request::Read(look) => look(Err(reason)),
            Request::Unreferenced(_) | Request::Proposed(_) => {}
            Request::Stop => stop = true,
        }
    }
    stop
}

//! The engine: decides what a command changes, and folds what became true.

use sweep_proto::{SweepId, Timestamp, TrialId};

use crate::audit_trail;
use crate::command::{Command, Decision, Rejection, Touch};
use crate::decide;
use crate::decide::work::Room;
use crate::index::{Index, Stock};
use crate::limits::SLICE_TRIALS;
use crate::mutation::{Key, Mutation};
use crate::record::{EpochRecord, WorkerState};
use crate::retention;
use crate::tables::Tables;
use crate::volatile::Volatile;

/// The coordinator's whole state, and the decisions over it.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    pub(crate) tables: Tables,
    pub(crate) index: Index,
    pub(crate) volatile: Volatile,
    /// Trials that one command makes or changes at most, where it would change all of a sweep.
    pub(crate) slice: Slice,
}

/// See [`SLICE_TRIALS`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice(pub(crate) usize);

impl Default for Slice {
    fn default() -> Self {
        Self(SLICE_TRIALS)
    }
}

impl Engine {
    /// This engine with another size of slices than [`SLICE_TRIALS`]: small ones show in tests what large sweeps do.
    #[must_use]
    pub fn with_slice(mut self, trials: usize) -> Self {
        self.slice = Slice(trials.max(1));
        self
    }

    /// This engine with another stock of waiting trials than [`STOCK_TRIALS`](crate::limits::STOCK_TRIALS): a small one shows in
    /// tests what sweeps of many trials do, a huge one makes all trials at once.
    #[must_use]
    pub fn with_stock(mut self, trials: usize) -> Self {
        self.index = Index::rebuild(&self.tables, Stock(trials.max(1)));
        self
    }

    /// An engine over what a store loaded. Every live lease starts a fresh term at `now`, because the
    /// time that passed while no coordinator ran is nobody's fault.
    pub fn restore(tables: Tables, now: Timestamp) -> Self {
        let index = Index::rebuild(&tables, Stock::default());
        let volatile = Volatile::restore(&tables, now);
        Self { tables, index, volatile, slice: Slice::default() }
    }

    /// The engine over what its store holds, where its newest decisions could not be written. Who was connected still is.
    #[must_use]
    pub fn rolled_back(&self, mut tables: Tables, now: Timestamp) -> Self {
        tables.share_points(&self.tables);
        let mut engine = Self::restore(tables, now);
        let connected = self.tables.workers.keys().filter(|worker| self.is_connected(**worker));
        connected.for_each(|worker| engine.touch(&Touch::Worker(*worker, now)));
        engine
    }

    /// The durable rows.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// What a command would change, or why it is refused. Changes nothing.
    ///
    /// # Errors
    /// A [`Rejection`] says why; nothing is to be persisted then.
    pub fn decide(&self, now: Timestamp, command: &Command) -> Result<Decision, Rejection> {
        match command {
            Command::Launch { spec, file_text, datasets, attach, owner, quota } => {
                let launch =
                    decide::launch::Launch { spec, file_text, datasets, owner: owner.as_deref(), quota };
                decide::launch::launch(self, now, &launch, *attach)
            }
            Command::Extend { sweep, more, datasets, caller, quota } => {
                decide::extend::extend(self, now, *sweep, (more, datasets), (caller.as_deref(), quota))
            }
            Command::Retry { sweep, which, caller, quota } => {
                decide::retry::retry(self, now, *sweep, which, (caller.as_deref(), quota))
            }
            Command::Unreadable { artifact, is_gone, reason } => {
                Ok(decide::unreadable::unreadable(self, now, *artifact, *is_gone, reason))
            }
            Command::Cancel(sweep) => decide::control::cancel(self, now, *sweep),
            Command::Pause(sweep) => decide::control::pause(self, now, *sweep),
            Command::Resume(sweep) => decide::control::resume(self, now, *sweep),
            Command::Delete(sweep) => decide::delete::delete(self, now, *sweep),
            Command::Register { worker, protocol, profile, fresh, instance } => {
                let newcomer = decide::worker::Newcomer { id: *worker, fresh: *fresh, instance: *instance };
                decide::worker::register(self, now, newcomer, *protocol, profile)
            }
            Command::Heartbeat { worker, tokens } => decide::worker::heartbeat(self, now, *worker, tokens),
            Command::Disconnected(worker) => Ok(decide::worker::disconnected(self, *worker)),
            Command::AskWork { worker, request_id, slots, group } => {
                decide::work::ask(self, now, *worker, request_id, Room { slots: *slots, group: *group })
            }
            Command::ReportEpoch { token, metric, checkpoint } => {
                decide::report_epoch::report_epoch(self, now, *token, metric, *checkpoint)
            }
            Command::Complete { token, outcome } => decide::complete::complete(self, now, *token, outcome),
            Command::ByHolder { worker, command } => {
                self.check_holder(*worker, command.lease())?;
                self.decide(now, command)
            }
            Command::Drain(worker) => decide::worker::drain(self, now, *worker),
            Command::Deregister(worker) => decide::worker::deregister(self, now, *worker),
            Command::CreateToken(new) => decide::access::create_token(self, now, new),
            Command::RevokeToken { token, with_workers } => {
                decide::access::revoke_token(self, now, *token, *with_workers)
            }
            Command::RevokeWorker(worker) => decide::access::revoke_worker(self, now, *worker),
            Command::Join(request) => decide::access::join(self, now, request),
            Command::Renew { shown, key, certificate } => {
                decide::access::renew(self, now, *shown, *key, *certificate)
            }
            Command::ForgetAudit { through, written_at, damage, by } => {
                audit_trail::forget(self, now, (*through, *written_at), damage, by)
            }
            Command::By { note, shown, command } => decide::access::by(self, now, (note, *shown), command),
            Command::Record(note) => Ok(decide::access::record(self, now, note)),
            Command::NewGeneration => Ok(decide::generation::begin(self, now)),
            Command::Forget { keep, by } => Ok(retention::forget(self, now, keep, by)),
            Command::Tick => Ok(decide::tick::tick(self, now)),
            Command::Follow => decide::follow::follow(self, now),
            Command::Propose { sweep, version, first, answer } => {
                let stand = decide::propose::Stand { sweep: *sweep, version: *version, first: *first };
                Ok(decide::propose::propose(self, now, stand, answer))
            }
            Command::Steer { sweep, version, answer } => {
                Ok(decide::steer::steer(self, now, (*sweep, *version), answer))
            }
        }
    }

    /// Folds a whole decision in: its mutations, which must be durable by now, then its touches.
    pub fn fold(&mut self, decision: &Decision) {
        for mutation in &decision.mutations {
            self.evolve(mutation);
        }
        for touch in &decision.touches {
            self.touch(touch);
        }
    }

    /// Folds one durable fact in.
    pub fn evolve(&mut self, mutation: &Mutation) {
        match mutation {
            Mutation::Trial(trial) => {
                let before = self.tables.trials.insert(trial.clone());
                if let Some(lease) = before.as_ref().and_then(|trial| trial.lease)
                    && trial.lease.is_none_or(|now| now.token != lease.token)
                {
                    self.volatile.forget_lease(lease.token);
                }
                self.index.trial_changed(&self.tables, before.as_ref(), trial);
            }
            Mutation::Sweep(sweep) => {
                let before = self.tables.sweeps.get(&sweep.id).cloned();
                self.tables.apply(mutation);
                self.index.sweep_changed(&self.tables, before.as_ref(), sweep, self.slice.0);
            }
            Mutation::Attempt(attempt) => {
                let before = self.tables.attempts.insert(attempt.clone());
                self.index.attempt_changed(&self.tables, before.as_ref(), attempt);
            }
            Mutation::Worker(worker) => {
                self.tables.apply(mutation);
                self.volatile.watch(worker.id, is_watched(worker.state));
            }
            Mutation::Epoch(EpochRecord { trial, .. }) | Mutation::TruncateEpochs { trial, .. } => {
                let before = self.tables.epochs_recorded(*trial);
                self.tables.apply(mutation);
                let recorded = self.tables.epochs_recorded(*trial);
                if let Some(trial) = self.tables.trials.get(trial) {
                    self.index.epochs_changed(&self.tables, trial, before, recorded);
                }
            }
            Mutation::SearchEvent(_)
            | Mutation::LastToken(_)
            | Mutation::Token(_)
            | Mutation::Certificate(_)
            | Mutation::Audit(_)
            | Mutation::AuditBase(_)
            | Mutation::AuditSeal(_) => {
                self.tables.apply(mutation);
            }
            Mutation::Remove(key) => self.remove(*key),
        }
    }

    /// Removes a row and everything below it, from the indices, too.
    fn remove(&mut self, key: Key) {
        match key {
            Key::Sweep(id) => self.remove_sweep(id),
            Key::Trial(id) => self.remove_trial(id),
            Key::Worker(id) => {
                self.volatile.forget_worker(id);
                self.tables.apply(&Mutation::Remove(key));
            }
            Key::Steps(_) | Key::Token(_) | Key::Certificate(_) => self.tables.apply(&Mutation::Remove(key)),
        }
    }

    fn remove_sweep(&mut self, id: SweepId) {
        let trials: Vec<_> = self.tables.trials_of(id).map(|trial| trial.spec.id).collect();
        trials.into_iter().for_each(|trial| self.remove_trial(trial));
        let sweep = self.tables.sweeps.get(&id).cloned();
        self.tables.apply(&Mutation::Remove(Key::Sweep(id)));
        if let Some(sweep) = sweep {
            self.index.sweep_removed(&sweep);
        }
    }

    fn remove_trial(&mut self, id: TrialId) {
        self.tables.attempts_of(id).for_each(|attempt| self.index.attempt_removed(attempt));
        let trial = self.tables.trials.get(&id).cloned();
        let recorded = self.tables.epochs_recorded(id);
        self.tables.apply(&Mutation::Remove(Key::Trial(id)));
        if let Some(trial) = trial {
            if let Some(lease) = trial.lease {
                self.volatile.forget_lease(lease.token);
            }
            self.index.trial_removed(&self.tables, &trial, recorded);
        }
    }

    /// Folds one volatile fact in, after the mutations of the same decision.
    pub fn touch(&mut self, touch: &Touch) {
        match touch {
            Touch::Lease(token, expires) => {
                if self.index.live.contains_key(token) {
                    self.volatile.set_expiry(*token, *expires);
                }
            }
            Touch::Held(token, heard) => {
                if self.index.live.contains_key(token) {
                    self.volatile.hear_of(*token, *heard);
                }
            }
            Touch::Worker(worker, heard) => {
                if let Some(record) = self.tables.workers.get(worker) {
                    self.volatile.hear(*worker, *heard);
                    self.volatile.watch(*worker, is_watched(record.state));
                }
            }
            Touch::Disconnected(worker) => self.volatile.disconnect(*worker),
            Touch::NotBefore(trial, due) => self.volatile.put_off(*trial, *due),
            Touch::Shown(sweep) => self.index.show_more(&self.tables, *sweep, self.slice.0),
            Touch::Tick(now) => {
                self.volatile.last_tick = Some(*now);
                self.volatile.forget_pauses(*now);
            }
        }
    }
}

/// Whether silence of a worker in this state has a consequence.
pub(crate) fn is_watched(state: WorkerState) -> bool {
    matches!(state, WorkerState::Ready | WorkerState::Draining)
}

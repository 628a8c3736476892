//! What must hold, checked at every commit, every acknowledgement and every slot; and what a schedule was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coordinator_core::{
    AttemptRecord, AttemptState, Engine, EpochRecord, Key, Mutation, SweepRecord, SweepState, Tables,
    TrialRecord, TrialState,
};
use coordinator_store::{MemoryStore, StoreReader as _};
use sweep_proto::{
    AttemptId, AttemptOutcome, Digest, LeaseToken, Timestamp, TrialId, TrialSpec, WorkKind, WorkerId,
};

use crate::training::{self, State};

/// Most attempts of one trial that a schedule's faults explain.
const ATTEMPTS_MAX: u32 = 80;

/// Violations after which a schedule is bad enough.
const VIOLATIONS_MAX: usize = 20;

/// Watches one world. Clones watch the same.
#[derive(Clone)]
pub struct Oracle(Arc<Mutex<Seen>>);

/// What was seen.
#[derive(Default)]
struct Seen {
    /// What is durable.
    store: MemoryStore,
    tables: Tables,
    commits: u64,
    violations: Vec<String>,
    signature: Signature,
    /// Trials that have ended, as they ended.
    ended: BTreeMap<TrialId, TrialRecord>,
    /// Attempts that ended with the report of an epoch, and the commit of both.
    ended_by_report: BTreeMap<AttemptId, u64>,
    /// Leases of trials that were removed: whoever hears late of what came of them hears nothing false.
    removed: BTreeSet<LeaseToken>,
    /// The commit that last removed epochs of a trial.
    forgotten: BTreeMap<TrialId, u64>,
    /// Epochs that a worker was told to be durable, and after which commit it heard it.
    acknowledged: BTreeMap<(TrialId, u32), u64>,
    /// Slots that train a trial, with their hosts.
    training: BTreeMap<TrialId, BTreeMap<u64, String>>,
    seats: u64,
    corners: BTreeSet<String>,
}

/// A hash of everything that happened, in order (FNV-1a).
#[derive(Clone, Copy)]
struct Signature(u64);

impl Default for Signature {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Signature {
    fn add(&mut self, event: &str) {
        for byte in event.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// A slot that trains. It counts as ended when this is dropped.
pub struct Seat {
    oracle: Oracle,
    trial: TrialId,
    number: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seen = self.oracle.seen();
        if let Some(slots) = seen.training.get_mut(&self.trial) {
            slots.remove(&self.number);
        }
    }
}

impl Oracle {
    /// An oracle over what is durable.
    pub fn new(store: MemoryStore) -> Self {
        Self(Arc::new(Mutex::new(Seen { store, ..Seen::default() })))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened; it becomes part of the schedule's signature.
    pub fn event(&self, event: &str) {
        self.seen().event(event);
    }

    /// Something must not be.
    pub fn violation(&self, problem: String) {
        self.seen().violation(problem);
    }

    /// Some task has panicked.
    pub fn panicked(&self, panic: &str) {
        if let Ok(mut seen) = self.0.try_lock() {
            seen.violations.push(format!("a task panicked: {panic}"));
        }
    }

    /// Something worth reaching was reached.
    pub fn corner(&self, name: &str) {
        self.seen().corners.insert(name.to_owned());
    }

    /// What was found wrong so far.
    pub fn violations(&self) -> Vec<String> {
        self.seen().violations.clone()
    }

    /// The hash of everything that happened so far.
    pub fn signature(&self) -> u64 {
        self.seen().signature.0
    }

    /// What was reached.
    pub fn corners(&self) -> BTreeSet<String> {
        self.seen().corners.clone()
    }

    /// What is durable.
    pub fn tables(&self) -> Tables {
        self.seen().tables.clone()
    }

    /// These rows have become durable.
    pub fn committed(&self, mutations: &[Mutation]) {
        let mut seen = self.seen();
        seen.commits += 1;
        for mutation in mutations {
            seen.mutation(mutation);
            seen.tables.apply(mutation);
        }
        for problem in Engine::restore(seen.tables.clone(), Timestamp(0)).audit() {
            seen.violation(problem);
        }
    }

    /// The engine of the running coordinator, between two of its batches.
    pub fn compare(&self, engine: &Engine) {
        let mut seen = self.seen();
        let durable = seen.store.load();
        if durable.as_ref().ok() != Some(engine.tables()) {
            seen.violation("the engine is not the fold of the store".to_owned());
        }
        for problem in engine.audit() {
            seen.violation(problem);
        }
    }

    /// A worker was told that an epoch is durable.
    pub fn epoch_acknowledged(&self, host: &str, token: LeaseToken, epoch: u32) {
        let mut seen = self.seen();
        seen.event(&format!("{host} heard that epoch {epoch} under {token} is durable"));
        let Some(attempt) = seen.attempt(token) else {
            if seen.removed.contains(&token) {
                return;
            }
            return seen.violation(format!("{host}: an epoch was acknowledged under no lease: {token}"));
        };
        let trial = attempt.id.trial;
        let is_there = seen.tables.epochs.contains_key(&(trial, epoch));
        if !is_there && !seen.forgotten.contains_key(&trial) {
            let problem = format!(
                "{host}: epoch {epoch} of trial {trial} was acknowledged under {token} and is not durable"
            );
            seen.violation(problem);
        }
        let commits = seen.commits;
        seen.acknowledged.insert((trial, epoch), commits);
    }

    /// A worker was told that step metrics below a sequence are durable.
    pub fn steps_acknowledged(&self, host: &str, token: LeaseToken, next: u64) {
        let mut seen = self.seen();
        seen.event(&format!("{host} heard that steps below {next} under {token} are durable"));
        let Some(attempt) = seen.attempt(token) else {
            if seen.removed.contains(&token) {
                return;
            }
            return seen.violation(format!("{host}: steps were acknowledged under no lease: {token}"));
        };
        let stored = seen.steps(attempt.id).len() as u64;
        if stored < next {
            let problem = format!(
                "{host}: {next} steps of attempt {} were acknowledged, {stored} are durable",
                attempt.id
            );
            seen.violation(problem);
        }
    }

    /// A worker was told that a lease is lost.
    pub fn lease_lost(&self, host: &str, token: LeaseToken, reason: &str) {
        let mut seen = self.seen();
        seen.event(&format!("{host} heard that {token} is lost"));
        let state = seen.attempt(token).map(|attempt| attempt.state);
        if state == Some(AttemptState::Running) {
            seen.violation(format!("{host}: was told that {token} is lost, but it is live: {reason}"));
        }
        seen.corners.insert("lease lost".to_owned());
    }

    /// A worker's completion was accepted.
    pub fn completed(&self, host: &str, token: LeaseToken, outcome: &AttemptOutcome) {
        let mut seen = self.seen();
        seen.event(&format!("{host} heard that {token} is completed"));
        let state = seen.attempt(token).map(|attempt| attempt.state);
        let fits = matches!(
            (state, outcome),
            (Some(AttemptState::Succeeded), AttemptOutcome::Trained(_) | AttemptOutcome::Evaluated(_))
                | (Some(AttemptState::Diverged), AttemptOutcome::Diverged { .. })
                | (Some(AttemptState::Failed), AttemptOutcome::Failed { .. })
                | (Some(AttemptState::Released), AttemptOutcome::Released { .. })
        );
        if !fits && !seen.removed.contains(&token) {
            seen.violation(format!(
                "{host}: {outcome:?} under {token} was accepted, the attempt is {state:?}"
            ));
        }
    }

    /// A slot begins to work.
    pub fn slot_starts(
        &self,
        host: &str,
        worker: WorkerId,
        work: WorkKind,
        spec: &TrialSpec,
        from: &State,
    ) -> Option<Seat> {
        let mut seen = self.seen();
        seen.event(&format!("{host} begins {work:?} of {} after epoch {}", spec.id, from.epoch));
        if work != WorkKind::Train {
            return None;
        }
        if !from.is_of(spec) || *from != State::after(spec, from.epoch) {
            seen.violation(format!(
                "{host}: trial {} goes on from a checkpoint that is not its own",
                spec.id
            ));
        }
        seen.check_first_epoch(host, worker, spec.id, from.epoch + 1);
        if from.epoch > 0 {
            seen.corners.insert("resumed from a checkpoint".to_owned());
        }
        seen.seats += 1;
        let number = seen.seats;
        let slots = seen.training.entry(spec.id).or_default();
        let others: Vec<_> = slots.values().cloned().collect();
        slots.insert(number, host.to_owned());
        if !others.is_empty() {
            seen.violation(format!("{host} trains trial {} while {others:?} do, too", spec.id));
        }
        Some(Seat { oracle: self.clone(), trial: spec.id, number })
    }

    /// Everything has ended: the whole of what is durable is right. `blobs` are the artifacts that are there.
    pub fn finish(&self, blobs: &BTreeSet<Digest>) {
        let mut seen = self.seen();
        let tables = seen.tables.clone();
        if seen.store.load().ok().as_ref() != Some(&tables) {
            seen.violation("the store is not the fold of what was committed".to_owned());
        }
        for trial in tables.trials.values() {
            seen.check_trial(&tables, trial);
            if let Some(result) = &trial.result
                && !blobs.contains(&result.model.digest)
            {
                seen.violation(format!("the model of trial {} is gone", trial.spec.id));
            }
        }
        for attempt in tables.attempts.values() {
            seen.check_steps(&tables, attempt);
            seen.corners.insert(format!("{:?} {:?}", attempt.work, attempt.state));
        }
        for ((trial, epoch), heard) in seen.acknowledged.clone() {
            let is_forgotten = seen.forgotten.get(&trial).is_some_and(|commit| *commit > heard);
            if !is_forgotten && !tables.epochs.contains_key(&(trial, epoch)) {
                seen.violation(format!("the acknowledged epoch {epoch} of trial {trial} is gone"));
            }
        }
    }
}

impl Seen {
    fn event(&mut self, event: &str) {
        let now = turmoil::in_simulation().then(turmoil::sim_elapsed).flatten().unwrap_or_default();
        let line = format!("{} ms: {event}", now.as_millis());
        tracing::debug!(target: "schedule", "{line}");
        self.signature.add(&line);
    }

    fn violation(&mut self, mut problem: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            let now = turmoil::in_simulation().then(turmoil::sim_elapsed).flatten().unwrap_or_default();
            problem.insert_str(0, &format!("at {} ms: ", now.as_millis()));
            self.violations.push(problem);
        }
    }

    fn attempt(&self, token: LeaseToken) -> Option<AttemptRecord> {
        self.tables.attempts.values().find(|attempt| attempt.token == token).cloned()
    }

    fn steps(&mut self, attempt: AttemptId) -> Vec<sweep_proto::StepMetric> {
        self.store.read_steps(attempt, 0, usize::MAX).unwrap_or_default()
    }

    /// Checks one row against those before it, of which some may be of the same commit.
    fn mutation(&mut self, mutation: &Mutation) {
        match mutation {
            Mutation::Sweep(sweep) => {
                self.event(&format!("sweep {} is {:?}", sweep.id, sweep.state));
                self.check_launched_once(sweep);
                self.corners.insert(format!("sweep {}", sweep.state.name()));
                let reuses =
                    |trial: &TrialRecord| trial.reused_from.is_some_and(|origin| origin.sweep == sweep.id);
                if sweep.is_deleted() && self.tables.trials.values().any(reuses) {
                    self.corners.insert("deleted under what reuses it".to_owned());
                }
                if sweep.spec.search.is_some() && sweep.state == SweepState::Finished {
                    self.corners.insert("search finished".to_owned());
                }
            }
            Mutation::Trial(trial) => self.trial_changes(trial),
            Mutation::Attempt(attempt) => self.attempt_changes(attempt),
            Mutation::Epoch(epoch) => self.epoch_appears(epoch),
            Mutation::TruncateEpochs { trial, epoch } => {
                self.event(&format!("trial {trial} keeps {epoch} epochs"));
                self.forgotten.insert(*trial, self.commits);
            }
            Mutation::Worker(worker) => {
                self.event(&format!("worker {} is {:?}", worker.profile.name, worker.state));
                self.corners.insert(format!("worker {}", worker.state.name()));
            }
            Mutation::SearchEvent(_)
            | Mutation::LastToken(_)
            | Mutation::Token(_)
            | Mutation::Certificate(_)
            | Mutation::Audit(_)
            | Mutation::AuditBase(_)
            | Mutation::AuditSeal(_) => {}
            Mutation::Remove(key) => self.removed(*key),
        }
    }

    /// What was removed with its sweep is not missed; the audit finds whatever another trial rests on.
    fn removed(&mut self, key: Key) {
        self.event(&format!("{key:?} is removed"));
        let is_gone = |trial: TrialId| match key {
            Key::Sweep(sweep) => trial.sweep == sweep,
            Key::Trial(id) => trial == id,
            _ => false,
        };
        self.ended.retain(|trial, _| !is_gone(*trial));
        let attempts = self.tables.attempts.values().filter(|attempt| is_gone(attempt.id.trial));
        self.removed.extend(attempts.map(|attempt| attempt.token));
        let gone: Vec<_> = self.acknowledged.keys().filter(|(trial, _)| is_gone(*trial)).copied().collect();
        self.forgotten.extend(gone.into_iter().map(|(trial, _)| (trial, self.commits)));
        self.corners.insert("removed".to_owned());
    }

    /// A file that is launched while a sweep of it goes on attaches to that sweep.
    fn check_launched_once(&mut self, sweep: &SweepRecord) {
        if self.tables.sweeps.contains_key(&sweep.id) {
            return;
        }
        let same = |other: &&SweepRecord| !other.state.is_ended() && other.file_text == sweep.file_text;
        if let Some(other) = self.tables.sweeps.values().find(same).map(|other| other.id) {
            self.violation(format!(
                "sweep {} was launched though sweep {other} is the same and goes on",
                sweep.id
            ));
        }
    }

    /// What waited when a budget of hours was spent, and has trained as far as it had, goes on where there is budget again.
    fn goes_on(&self, end: &TrialRecord, trial: &TrialRecord) -> bool {
        let sweep = self.tables.sweeps.get(&trial.spec.id.sweep);
        let has_meter = sweep.is_some_and(|sweep| sweep.spec.metered_ms().is_some());
        let waited = end.state == TrialState::Cancelled || end.is_shelved();
        has_meter && waited && !trial.state.is_terminal() && trial.checkpoint == end.checkpoint
    }

    fn trial_changes(&mut self, trial: &TrialRecord) {
        let id = trial.spec.id;
        let token = trial.lease.map(|lease| lease.token.0);
        self.event(&format!("trial {id} is {:?}, lease {token:?}", trial.state));
        if self.ended.get(&id).is_some_and(|end| self.goes_on(end, trial)) {
            self.ended.remove(&id);
        }
        if let Some(end) = self.ended.get(&id) {
            let same = end.state == trial.state
                && end.result == trial.result
                && end.reused_from == trial.reused_from
                && end.ended_at == trial.ended_at
                && (end.test.is_none() || end.test == trial.test);
            if !same {
                self.violation(format!(
                    "trial {id} had ended as {:?} and becomes {:?}",
                    end.state, trial.state
                ));
            }
        }
        if trial.state.is_terminal() {
            self.ended.insert(id, trial.clone());
        }
        if trial.result.as_ref().is_some_and(|result| *result != training::result(&trial.spec)) {
            self.violation(format!("trial {id} has the wrong result {:?}", trial.result));
        }
        if trial.attempts > ATTEMPTS_MAX {
            self.violation(format!("trial {id} was begun {} times", trial.attempts));
        }
    }

    fn attempt_changes(&mut self, attempt: &AttemptRecord) {
        self.event(&format!("attempt {} under {} is {:?}", attempt.id, attempt.token, attempt.state));
        let before = self.tables.attempts.get(&attempt.id);
        // What was kept of it may turn out to be of no use: its trial begins again.
        let changes =
            |before: &AttemptRecord| AttemptRecord { kept_at: attempt.kept_at, ..before.clone() } != *attempt;
        let was_running = before.is_some_and(|before| before.state == AttemptState::Running);
        if was_running && matches!(attempt.state, AttemptState::Reached | AttemptState::Pruned) {
            self.ended_by_report.insert(attempt.id, self.commits);
        }
        if before.is_some_and(|before| before.state != AttemptState::Running && changes(before)) {
            self.violation(format!("attempt {} had ended and changes to {:?}", attempt.id, attempt.state));
        }
    }

    fn epoch_appears(&mut self, epoch: &EpochRecord) {
        let (id, number) = (epoch.trial, epoch.metric.epoch);
        self.event(&format!("trial {id} has epoch {number}"));
        let Some(trial) = self.tables.trials.get(&id).cloned() else { return };
        let is_live = trial.lease.is_some_and(|lease| lease.attempt == epoch.attempt);
        let attempt = AttemptId { trial: id, number: epoch.attempt };
        let ends_it = self.ended_by_report.get(&attempt) == Some(&self.commits);
        if !is_live && !ends_it {
            self.violation(format!("attempt {id}/{} added epoch {number} without a lease", epoch.attempt));
        }
        if epoch.metric != State::after(&trial.spec, number).metric() {
            self.violation(format!("epoch {number} of trial {id} has the wrong numbers"));
        }
    }

    /// The lease under which a slot trains was granted for just this epoch.
    fn check_first_epoch(&mut self, host: &str, worker: WorkerId, trial: TrialId, first: u32) {
        let lease = self.tables.trials.get(&trial).and_then(|trial| trial.lease);
        let Some(lease) = lease.filter(|lease| lease.worker == worker) else { return };
        let attempt = self.tables.attempts.get(&AttemptId { trial, number: lease.attempt });
        if let Some(expected) = attempt.map(|attempt| attempt.first_epoch)
            && expected != first
        {
            self.violation(format!("{host} trains trial {trial} from epoch {first} on, not from {expected}"));
        }
    }

    fn check_trial(&mut self, tables: &Tables, trial: &TrialRecord) {
        let id = trial.spec.id;
        self.corners.insert(format!("trial {}", trial.state.name()));
        if !trial.state.is_terminal() {
            self.violation(format!("trial {id} has not ended: {:?}", trial.state));
        }
        if trial.test.as_deref().is_some_and(|test| *test != training::test(&trial.spec)) {
            self.violation(format!("trial {id} has the wrong test measurement"));
        }
        let Some(result) = &trial.result else { return };
        if trial.reused_from.is_some() {
            self.corners.insert("reused trial".to_owned());
            return;
        }
        let epochs: Vec<_> = tables.epochs_of(id).map(|epoch| epoch.metric.epoch).collect();
        if epochs != (1..=result.epochs).collect::<Vec<_>>() {
            self.violation(format!("trial {id} has the epochs {epochs:?}, its result {}", result.epochs));
        }
        let succeeded =
            |one: &&AttemptRecord| one.work == WorkKind::Train && one.state == AttemptState::Succeeded;
        if tables.attempts_of(id).filter(succeeded).count() != 1 {
            self.violation(format!("trial {id} has not exactly one attempt that succeeded"));
        }
    }

    fn check_steps(&mut self, tables: &Tables, attempt: &AttemptRecord) {
        let Some(trial) = tables.trials.get(&attempt.id.trial) else { return };
        let steps = self.steps(attempt.id);
        let mut expected = Vec::new();
        if attempt.work == WorkKind::Train {
            let mut state = State::after(&trial.spec, attempt.first_epoch - 1);
            while expected.len() < steps.len() {
                state.advance();
                expected.extend(state.steps(attempt.first_epoch));
            }
            if attempt.state == AttemptState::Succeeded && state.epoch < training::epochs(&trial.spec) {
                self.violation(format!("attempt {} succeeded without its whole curve", attempt.id));
            }
        }
        if steps != expected[..steps.len().min(expected.len())] {
            self.violation(format!(
                "the steps of attempt {} have a gap, a repetition or wrong numbers",
                attempt.id
            ));
        }
    }
}

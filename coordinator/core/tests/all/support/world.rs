//! A simulated world: an engine over a store, a bad network, workers and an operator, driven by a seed.

use std::collections::{BTreeMap, BTreeSet};

use coordinator_core::limits::{LEASE_TTL_MS, STALL_MS, STOCK_TRIALS};
use coordinator_core::{
    AttemptState, Command, Engine, Extension, Granted, Keep, Key, Known, Mutation, ProposalRequest,
    Rejection, Reply, Retried, Steered, SweepState, Tables, TrialRecord, TrialState,
};
use coordinator_store::Store;
use sweep_proto::{
    CheckpointRef, EpochMetric, FailureKind, Hyperparameter, PrunerName, Search, SweepId, Timestamp, TrialId,
    WorkKind, WorkerId,
};

use super::lab::operator;
use super::random::Random;
use super::values;
use super::worker::Worker;

mod checks;
mod corners;
mod medium;
mod searches;

pub use medium::Medium;

/// A command or its answer on its way.
#[derive(Clone, Debug)]
enum Letter {
    Command { worker: usize, incarnation: u64, command: Command },
    Answer { worker: usize, incarnation: u64, command: Command, answer: Result<Reply, Rejection> },
}

/// Epochs of every trial.
const EPOCHS: u32 = 3;

/// Commands between two comparisons with a database file.
const DISK_CHECK_INTERVAL: u64 = 100;

/// Commands in a row that changed no row before everything is checked all the same.
const UNCHANGED_MAX: u32 = 20;

/// How many trials follow at one time what is decided of their sweep: all of them, or in every third world a few.
fn slice(seed: u64) -> usize {
    if seed.is_multiple_of(3) { 2 } else { 1_000 }
}

/// How many trials of a sweep are made ahead: more than any has, or in every fifth world a few.
fn stock(seed: u64) -> usize {
    if seed % 5 == 1 { 3 } else { STOCK_TRIALS }
}

/// How many trials a slot of a worker trains together: up to four, in every second world.
fn group(seed: u64, worker: u64) -> u32 {
    if matches!(seed % 4, 0 | 3) { 1 + ((seed / 4 + worker) % 4) as u32 } else { 1 }
}

/// An engine over rows, with this world's slices and stock.
fn restored(seed: u64, tables: Tables, now: u64) -> Engine {
    Engine::restore(tables, Timestamp(now)).with_slice(slice(seed)).with_stock(stock(seed))
}

/// Everything.
#[allow(clippy::struct_excessive_bools, reason = "independent facts of a world, not one state")]
pub struct World {
    pub engine: Engine,
    seed: u64,
    /// What was persisted.
    store: Box<dyn Store>,
    medium: Medium,
    checks: u64,
    /// Commands since the last check.
    unchecked: u32,
    pub now: u64,
    pub steps: u64,
    random: Random,
    /// For what was added later: a seed's schedule stays what it was.
    other_random: Random,
    /// For searches, which were added later still.
    search_random: Random,
    /// Answers of samplers on their way, some of them to questions that have long been answered.
    proposals: Vec<Command>,
    /// Of each searched sweep what is known of it, with its question, by whoever asks its sampler.
    copies: BTreeMap<SweepId, (Known, ProposalRequest)>,
    /// The same of steered ones.
    steered: BTreeMap<SweepId, (Known, Box<Steered>)>,
    /// How often an answer of a steered search paused a trial, and how often one let it go on.
    paused: u64,
    promoted: u64,
    /// How often trials were proposed, and how often an answer came too late.
    proposed: u64,
    outdated: u64,
    workers: Vec<Worker>,
    post: BTreeMap<(u64, u64), Letter>,
    letters: u64,
    faulty: bool,
    launched: u32,
    /// Trials that have ended, as they ended.
    ended: BTreeMap<TrialId, TrialRecord>,
    /// When the coordinator's next tick is due.
    tick_at: u64,
    /// Whether a trial was handed out that was stopped in mid-epoch before.
    resumed_underway: bool,
    /// Whether several trials were granted into one slot.
    grouped: bool,
    /// Whether trials followed later what was decided of their sweep.
    followed_late: bool,
    /// Whether ended trials were tried again.
    retried: bool,
    /// Whether the coordinator held a sweep.
    held: bool,
    /// Whether a sweep was deleted, and whether another one had taken results over from it.
    deleted: bool,
    deleted_origin: bool,
    models_removed: bool,
    /// Whether checkpoints of shelved trials were removed.
    shelved_removed: bool,
    /// Whether a shelved trial went on.
    revived: bool,
    /// Whether a sweep went on with what its finalist left of the budget.
    went_on: bool,
    /// Whether a budget was raised that was spent while trials waited at rungs.
    raised_early: bool,
    /// Whether a trial was handed out only for its result although the budget was spent.
    told_again: bool,
}

impl World {
    pub fn new(seed: u64, medium: Medium) -> Self {
        let mut random = Random::new(seed);
        let workers = (0..=random.below(4))
            .map(|number| {
                let slots = 1 + random.below(3) as u32;
                Worker::new(values::worker_id(number), slots, group(seed, number))
            })
            .collect();
        Self {
            engine: restored(seed, Tables::default(), 0),
            seed,
            store: medium.open(),
            medium,
            checks: 0,
            unchecked: 0,
            now: 0,
            steps: 0,
            random,
            other_random: Random::new(!seed),
            search_random: Random::new(seed ^ 0x5ea7_c4ed),
            proposals: Vec::new(),
            copies: BTreeMap::new(),
            steered: BTreeMap::new(),
            paused: 0,
            promoted: 0,
            proposed: 0,
            outdated: 0,
            workers,
            post: BTreeMap::new(),
            letters: 0,
            faulty: true,
            launched: 0,
            ended: BTreeMap::new(),
            tick_at: 0,
            resumed_underway: false,
            grouped: false,
            followed_late: false,
            retried: false,
            held: false,
            deleted: false,
            deleted_origin: false,
            models_removed: false,
            shelved_removed: false,
            revived: false,
            went_on: false,
            raised_early: false,
            told_again: false,
        }
    }

    /// Lets everything go wrong for a number of steps.
    pub fn chaos(&mut self, steps: u64) {
        self.launch();
        for _ in 0..steps {
            self.fault();
            self.step();
        }
    }

    /// Heals everything and runs until all sweeps ended.
    pub fn heal(&mut self, steps_max: u64) {
        self.faulty = false;
        for worker in &mut self.workers {
            worker.stopped_until = 0;
            if !worker.alive {
                worker.start();
            }
        }
        let sweeps: Vec<_> = self.engine.tables().sweeps.keys().copied().collect();
        for _ in 0..steps_max {
            for sweep in &sweeps {
                if self.state(*sweep) == SweepState::Paused {
                    self.execute(&Command::Resume(*sweep)).unwrap();
                }
            }
            // A worker that was told to drain before the healing leaves; another process takes its place.
            for worker in self.workers.iter_mut().filter(|worker| !worker.alive) {
                worker.start();
            }
            if sweeps.iter().all(|sweep| self.state(*sweep).is_ended()) && !self.engine.is_behind() {
                return;
            }
            self.step();
        }
        panic!(
            "sweeps did not end: {:?}",
            sweeps.iter().map(|one| (one, self.engine.ledger(*one))).collect::<Vec<_>>()
        );
    }

    /// A deleted sweep had ended.
    fn state(&self, sweep: SweepId) -> SweepState {
        self.engine.sweep(sweep).map_or(SweepState::Cancelled, |sweep| sweep.state)
    }

    /// Half a second or so: letters arrive, workers act, the clock ticks.
    fn step(&mut self) {
        self.steps += 1;
        self.now += 200 + self.random.below(800);
        while let Some(entry) = self.post.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let letter = entry.remove();
            self.deliver(letter);
        }
        for index in 0..self.workers.len() {
            let worker = &mut self.workers[index];
            let incarnation = worker.incarnation;
            for command in worker.wake(self.now, &mut self.random, self.faulty) {
                if self.faulty && self.other_random.permille(50) {
                    self.skip_epochs(&command);
                }
                self.send(&Letter::Command { worker: index, incarnation, command });
            }
        }
        if self.now >= self.tick_at {
            self.tick_at = self.now + 1_000;
            self.execute(&Command::Tick).unwrap();
        }
        self.propose();
        if self.engine.is_behind() && (!self.faulty || self.other_random.permille(300)) {
            self.followed_late = true;
            let before = (self.engine.tables().clone(), self.engine.uncounted());
            let told = self.told_of_reviving();
            self.execute(&Command::Follow).unwrap();
            self.check_told(&told);
            let after = (self.engine.tables().clone(), self.engine.uncounted());
            assert_ne!(after, before, "trials lag behind, and none of them follows");
        }
    }

    /// A worker with a fault reports its last epoch before its first: it is told so, and nothing changes.
    fn skip_epochs(&mut self, command: &Command) {
        let Command::ReportEpoch { token, metric, checkpoint } = command else { return };
        let Some((trial, _, _)) = self.engine.lease_holder(*token) else { return };
        let last = EPOCHS;
        if self.engine.tables().epochs_of(trial).next().is_some() || metric.epoch >= last {
            return;
        }
        let metric = EpochMetric { epoch: last, ..metric.clone() };
        let checkpoint = CheckpointRef { epoch: last, ..*checkpoint };
        let answer = self.execute(&Command::ReportEpoch { token: *token, metric, checkpoint });
        assert!(matches!(answer, Err(Rejection::EpochOutOfOrder { .. })), "a gap was accepted: {answer:?}");
    }

    /// Drops, repeats and delays letters.
    fn send(&mut self, letter: &Letter) {
        let copies = if !self.faulty || !self.random.permille(100) { 1 } else { self.random.below(3) };
        for _ in 0..copies {
            let late = self.faulty && self.random.permille(20);
            let delay = self.random.below(if late { 3 * LEASE_TTL_MS } else { 300 });
            self.letters += 1;
            self.post.insert((self.now + delay, self.letters), letter.clone());
        }
    }

    fn deliver(&mut self, letter: Letter) {
        match letter {
            Letter::Command { worker, incarnation, command } => {
                let answer = self.execute(&command);
                self.send(&Letter::Answer { worker, incarnation, command, answer });
            }
            Letter::Answer { worker, incarnation, command, answer } => {
                let worker = &mut self.workers[worker];
                if worker.alive && worker.incarnation == incarnation && self.now >= worker.stopped_until {
                    worker.answered(self.now, &command, &answer);
                }
            }
        }
    }

    fn fault(&mut self) {
        match self.random.below(600) {
            0..=5 => {
                let worker = self.any_worker();
                worker.alive = false;
            }
            6..=20 => {
                let worker = self.any_worker();
                if !worker.alive {
                    worker.start();
                }
            }
            21..=24 => {
                let pause = self.random.below(4 * LEASE_TTL_MS);
                let until = self.now + pause;
                self.any_worker().stopped_until = until;
            }
            25..=27 => self.any_worker().leave(),
            28..=29 => {
                let worker = self.any_worker().id;
                _ = self.execute(&Command::Drain(worker));
            }
            30..=34 => self.restart(),
            35..=36 => self.stall(),
            37..=41 if self.launched < 4 => self.launch(),
            42..=59 => self.operate(),
            _ => {}
        }
    }

    fn any_worker(&mut self) -> &mut Worker {
        let index = self.random.below(self.workers.len() as u64) as usize;
        &mut self.workers[index]
    }

    /// The coordinator is killed and starts again from its store; what was on its way is lost.
    fn restart(&mut self) {
        self.now += self.random.below(2 * LEASE_TTL_MS);
        self.store = self.medium.open();
        let tables = self.store.load().unwrap();
        self.engine = restored(self.seed, tables, self.now);
        self.copies.clear();
        self.steered.clear();
        if self.random.permille(500) {
            self.post.clear();
        }
        self.check();
    }

    /// The coordinator stands still for longer than any lease: nobody may lose one by that alone.
    fn stall(&mut self) {
        self.execute(&Command::Tick).unwrap();
        self.now += STALL_MS + 1 + self.random.below(4 * LEASE_TTL_MS);
        let expired = |engine: &Engine| {
            engine.tables().attempts.values().filter(|one| one.state == AttemptState::Expired).count()
        };
        let before = expired(&self.engine);
        self.execute(&Command::Tick).unwrap();
        assert_eq!(expired(&self.engine), before, "leases ran out while the coordinator stood still");
    }

    fn launch(&mut self) {
        self.launched += 1;
        let units: Vec<u64> = (1..=1 + self.random.below(4)).map(|one| one * 8).collect();
        let name = format!("sweep {}", self.random.below(2));
        let spec = values::spec(&name, &units, 1 + self.random.below(3) as u32, u64::from(EPOCHS));
        let mut spec = values::impatient(spec, 1);
        spec.reuse = self.random.permille(700);
        spec.failures_max = 1 + self.random.below(3) as u32;
        let objectives: Vec<_> = sweep_proto::Objective::all().collect();
        spec.objective = objectives[self.engine.tables().sweeps.len() % objectives.len()];
        spec.search = self.pruned();
        if self.search_random.permille(400) {
            self.search(&mut spec);
        }
        self.execute(&values::launch(spec)).unwrap();
    }

    /// In every other sweep a pruner.
    fn pruned(&mut self) -> Option<Box<Search>> {
        let pruner = match self.other_random.below(4) {
            0 => PrunerName::Median,
            1 => PrunerName::Asha,
            _ => return None,
        };
        let (eta, min_epochs) = (Some(2), Some(1));
        Some(Box::new(Search { pruner, eta, min_epochs, ..Search::of_grid() }))
    }

    /// An operator does something to some sweep; refusals are checked to change nothing.
    fn operate(&mut self) {
        let last = self.engine.tables().last_sweep;
        let sweep = SweepId(1 + self.random.below(last));
        if self.other_random.permille(100) {
            self.delete(sweep);
        }
        // No random number decides it, so that schedules which have found a fault stay as they are.
        if (self.now / 1_000).is_multiple_of(7) {
            self.forget();
        }
        if self.engine.sweep(sweep).is_none() {
            assert_eq!(self.execute(&Command::Cancel(sweep)), Err(Rejection::UnknownSweep(sweep)));
            return;
        }
        if self.other_random.permille(150) {
            self.retry_or_hold(sweep);
        }
        let command = match self.random.below(12) {
            0..=3 => Command::Pause(sweep),
            4..=8 => Command::Resume(sweep),
            9 if self.random.permille(300) => Command::Cancel(sweep),
            _ => self.extend(sweep),
        };
        _ = self.execute(&command);
    }

    /// What ended sweeps need no longer goes. What they do need must stay: the audit asks for it.
    fn forget(&mut self) {
        let keep = Keep { unused_ms: None, steps_ms: Some(0), models_ms: Some(0) };
        if let Ok(Reply::Forgotten(Some(part))) = self.execute(&Command::Forget { keep, by: operator() }) {
            self.models_removed |= part.models > 0;
            self.shelved_removed |= part.shelved > 0;
        }
    }

    /// A person deletes a sweep. What others have taken over from it must stay: the audit asks for it.
    fn delete(&mut self, sweep: SweepId) {
        let reused = self.engine.tables().trials.values().filter_map(|trial| trial.reused_from);
        let is_origin = reused.into_iter().any(|origin| origin.sweep == sweep);
        let is_done = self.execute(&Command::Delete(sweep)).is_ok();
        self.deleted |= is_done;
        self.deleted_origin |= is_done && is_origin;
        assert!(!is_done || self.engine.sweep(sweep).is_none(), "a deleted sweep is still seen");
    }

    /// A person tries failed trials again, or the coordinator loses an artifact.
    fn retry_or_hold(&mut self, sweep: SweepId) {
        let artifacts: Vec<_> = {
            let tables = self.engine.tables();
            let datasets = tables.sweeps.get(&sweep).into_iter().flat_map(|sweep| &sweep.datasets);
            let trials = tables.trials_of(sweep);
            let kept = trials.flat_map(|trial| trial.checkpoint.into_iter().chain(trial.underway));
            kept.map(|one| one.artifact.digest).chain(datasets.map(|one| one.artifact.digest)).collect()
        };
        let command = if self.other_random.permille(500) {
            let (failed, diverged) = (true, self.other_random.permille(300));
            let which = Retried::Every { failed, diverged };
            Command::Retry { sweep, which, caller: None, quota: Box::default() }
        } else {
            let at = self.other_random.below(artifacts.len() as u64) as usize;
            let is_gone = self.other_random.permille(700);
            Command::Unreadable { artifact: artifacts[at], is_gone, reason: "gone".to_owned() }
        };
        let is_done = self.execute(&command).is_ok_and(|reply| matches!(reply, Reply::Retried { .. }));
        self.retried |= is_done;
        self.held |= self.engine.sweep(sweep).unwrap().held.is_some();
    }

    fn extend(&mut self, sweep: SweepId) -> Command {
        let spec = self.engine.sweep(sweep).unwrap().spec.clone();
        let present = spec.axes.iter().map(|axis| axis.levels().len() as u64).max().unwrap();
        let mut more = Extension { budget: self.more_budget(&spec), ..Extension::default() };
        match self.random.below(3) {
            0 if spec.replicates < 4 => more.replicates = Some(spec.replicates + 1),
            1 if spec.axes.len() == 1 => more.axes.push(values::axis(Hyperparameter::MaxLength, &[50])),
            _ if present < 6 => more.axes.push(values::axis(Hyperparameter::Units, &[(present + 1) * 8])),
            _ => {}
        }
        let lengths: [u64; 2] = [50, 200];
        let datasets = lengths
            .iter()
            .map(|length| {
                let mut variant = spec.fixed.data_variant();
                variant.insert(Hyperparameter::MaxLength, sweep_proto::Value::Integer(*length));
                values::dataset(variant)
            })
            .collect();
        Command::Extend { sweep, more, datasets, caller: None, quota: Box::default() }
    }

    /// Decides, persists, folds; then checks everything that must hold.
    fn execute(&mut self, command: &Command) -> Result<Reply, Rejection> {
        let now = Timestamp(self.now);
        let stale = command.lease().is_some_and(|token| self.engine.lease_holder(token).is_none());
        let last_token = self.engine.tables().last_token;
        let mut has_changed = false;
        let answer = match self.engine.decide(now, command) {
            Ok(decision) => {
                assert!(
                    !stale || decision.mutations.is_empty(),
                    "a stale token changed something: {command:?}"
                );
                has_changed = !decision.mutations.is_empty();
                self.check_ended(&decision.mutations, command);
                self.note_budgets(&decision.mutations, command);
                self.store.commit(&decision.mutations).unwrap();
                self.engine.fold(&decision);
                Ok(decision.reply)
            }
            Err(rejection) => Err(rejection),
        };
        if let Ok(Reply::Grants(groups)) = &answer {
            let mut granted = groups.iter().flatten().filter_map(|one| one.checkpoint);
            self.resumed_underway |= granted.any(|checkpoint| checkpoint.batches > 0);
            self.grouped |= groups.iter().any(|group| group.len() > 1);
            self.check_budgets(groups, last_token);
            if let Command::AskWork { worker, group, .. } = command {
                self.check_room(*worker, groups, *group);
            }
        }
        if let Command::Register { worker, fresh: true, .. } = command {
            assert_eq!(
                self.engine.leases_of(*worker).count(),
                0,
                "a new process holds leases of the old one"
            );
        }
        self.check_repetition(command, &answer);
        self.unchecked += 1;
        if has_changed || self.unchecked >= UNCHANGED_MAX {
            self.unchecked = 0;
            self.check();
        }
        answer
    }

    /// Deletes every sweep, one after another: after the last, nothing is left of any.
    pub fn delete_everything(&mut self) {
        self.faulty = false;
        let mut sweeps: Vec<_> = self.engine.sweeps().map(|sweep| sweep.id).collect();
        while !sweeps.is_empty() {
            let sweep = sweeps.swap_remove(self.other_random.below(sweeps.len() as u64) as usize);
            self.execute(&Command::Delete(sweep)).unwrap();
            while self.engine.is_behind() {
                self.execute(&Command::Follow).unwrap();
            }
        }
        let tables = self.engine.tables();
        let rows =
            [tables.trials.len(), tables.attempts.len(), tables.epochs.len(), tables.search_events.len()];
        assert_eq!((tables.sweeps.len(), rows), (0, [0; 4]), "rows of deleted sweeps are left");
        assert!(self.engine.named_blobs().is_empty(), "blobs of deleted sweeps are named");
        self.compare();
    }
}

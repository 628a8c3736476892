//! Scripted slots: they train in simulated time and report what the trial's numbers are.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sweep_proto::{FailureKind, TrialSpec, WorkKind, WorkerId};
use worker::slot::protocol::{
    FromSlot, Halt, MemberEvent, MemberId, MemberStart, SlotCommand, SlotEnd, Start,
};
use worker::slot::{SlotEnds, SlotHandle, SlotRunner};

use crate::oracle::{Oracle, Seat};
use crate::random::Random;
use crate::training::{self, State};

/// Shortest and longest time of a third of an epoch, in milliseconds.
const STEP_MS: (u64, u64) = (100, 2_500);

/// Checkpoints that may wait for upload, as in a real slot.
const EPOCHS_WAITING_MAX: u32 = 2;

/// Starts scripted slots on one host.
pub struct ScriptedSlots {
    /// Who watches.
    pub oracle: Oracle,
    /// The host.
    pub host: String,
    /// Its worker.
    pub worker: WorkerId,
    /// Chance in a thousand that an epoch ends in a crash.
    pub crashes_permille: u64,
    /// When slots stop crashing.
    pub healed_at: Duration,
    /// What the slots suffer.
    pub random: Arc<Mutex<Random>>,
}

impl SlotRunner for ScriptedSlots {
    fn start(&self, start: Start) -> io::Result<SlotHandle> {
        let (handle, ends) = SlotHandle::pair();
        let random = self.random.lock().unwrap_or_else(PoisonError::into_inner).split();
        if start.members.len() > 1 {
            self.oracle.corner("group in a slot");
        }
        let slot = Slot {
            oracle: self.oracle.clone(),
            host: self.host.clone(),
            worker: self.worker,
            crashes_permille: self.crashes_permille,
            healed_at: self.healed_at,
            random,
            ears: start.members.iter().map(|one| (one.member, Ear::default())).collect(),
            waiting: VecDeque::new(),
        };
        tokio::spawn(slot.run(start, ends));
        Ok(handle)
    }
}

/// What a member was told.
#[derive(Default)]
struct Ear {
    /// The newest epoch whose checkpoint the agent has stored.
    taken: u32,
    stop: bool,
}

struct Slot {
    oracle: Oracle,
    host: String,
    worker: WorkerId,
    crashes_permille: u64,
    healed_at: Duration,
    random: Random,
    /// Of members that have not ended.
    ears: BTreeMap<MemberId, Ear>,
    /// Members whose turn it is not.
    waiting: VecDeque<Trial>,
}

/// A member between two epochs.
struct Trial {
    start: MemberStart,
    state: State,
    /// The first epoch of this attempt.
    first: u32,
    /// Whether an epoch has begun and not ended.
    is_underway: bool,
    _seat: Option<Seat>,
}

/// Why a piece of work goes no further.
enum Told {
    /// The member whose turn it is shall end.
    Stop,
    /// The slot is gone: its agent has left, or it dies without a word.
    Kill,
}

/// How far a turn has come.
enum Turn {
    GoesOn,
    Ended(SlotEnd),
}

impl Slot {
    async fn run(mut self, start: Start, mut ends: SlotEnds) {
        let kill = ends.kill.clone();
        tokio::select! {
            biased;
            () = kill.cancelled() => {}
            // Whatever it was told, nothing follows.
            _ = self.work(start, &mut ends) => {}
        }
    }

    /// The members by turns of one epoch, until each has ended.
    async fn work(&mut self, start: Start, ends: &mut SlotEnds) -> Result<(), Told> {
        for member in start.members {
            match self.sit_down(member, start.work) {
                Ok(trial) => self.waiting.push_back(trial),
                Err((member, message)) => {
                    self.end(ends, member, SlotEnd::Failed { kind: FailureKind::Data, message }).await?;
                }
            }
        }
        while let Some(mut trial) = self.waiting.pop_front() {
            let member = trial.start.member;
            let turn = match start.work {
                WorkKind::Train => self.epoch(&mut trial, ends).await,
                WorkKind::Evaluate => self.evaluate(&trial.start, ends).await.map(Turn::Ended),
            };
            match turn {
                Ok(Turn::GoesOn) => self.waiting.push_back(trial),
                Ok(Turn::Ended(end)) => {
                    drop(trial);
                    self.end(ends, member, end).await?;
                }
                Err(Told::Stop) => {
                    let end = self.stopped(trial);
                    self.end(ends, member, end).await?;
                }
                Err(Told::Kill) => return Err(Told::Kill),
            }
        }
        Ok(())
    }

    /// Those that wait and shall stop have nothing beyond their newest epoch.
    async fn end_stopped(&mut self, ends: &SlotEnds) -> Result<(), Told> {
        loop {
            let is_stopped = |one: &Trial| self.is_told_to_stop(one.start.member);
            let at = self.waiting.iter().position(is_stopped);
            let Some(trial) = at.and_then(|at| self.waiting.remove(at)) else { return Ok(()) };
            self.oracle.corner("member stopped beside others");
            let member = trial.start.member;
            drop(trial);
            self.end(ends, member, SlotEnd::Stopped { underway: None }).await?;
        }
    }

    /// A member begins; its problem where its checkpoint is of no use.
    fn sit_down(&mut self, start: MemberStart, work: WorkKind) -> Result<Trial, (MemberId, String)> {
        let state = match &start.checkpoint {
            None => State::fresh(&start.spec),
            Some(path) => read(path).map_err(|message| (start.member, message))?,
        };
        let seat = self.oracle.slot_starts(&self.host, self.worker, work, &start.spec, &state);
        self.ears.entry(start.member).or_default().taken = state.epoch;
        let first = state.epoch + 1;
        Ok(Trial { start, state, first, is_underway: false, _seat: seat })
    }

    fn is_told_to_stop(&self, member: MemberId) -> bool {
        self.ears.get(&member).is_some_and(|ear| ear.stop)
    }

    fn taken(&self, member: MemberId) -> u32 {
        self.ears.get(&member).map_or(0, |ear| ear.taken)
    }

    async fn end(&mut self, ends: &SlotEnds, member: MemberId, end: SlotEnd) -> Result<(), Told> {
        self.ears.remove(&member);
        send(ends, member, MemberEvent::Ended(end)).await
    }

    /// One epoch of a member, or what is left to do before its end.
    async fn epoch(&mut self, trial: &mut Trial, ends: &mut SlotEnds) -> Result<Turn, Told> {
        let (spec, member) = (trial.start.spec.clone(), trial.start.member);
        let last = training::epochs(&spec).min(trial.start.until_epoch.unwrap_or(u32::MAX));
        if trial.state.epoch < last {
            let mut state = trial.state.clone();
            state.advance();
            trial.is_underway = true;
            for step in state.steps(trial.first) {
                self.pass(ends, member, STEP_MS).await?;
                send(ends, member, MemberEvent::Steps { points: vec![step] }).await?;
            }
            if training::diverges_in(&spec) == Some(state.epoch) {
                let message = "the loss left every bound".to_owned();
                if self.ears.len() > 1 {
                    self.oracle.corner("member diverged beside others");
                }
                return Ok(Turn::Ended(SlotEnd::Diverged { epoch: state.epoch, message }));
            }
            if self.crashes() {
                self.oracle.corner(if self.ears.len() > 1 { "group crashed" } else { "slot crashed" });
                return Err(Told::Kill);
            }
            let name = format!("checkpoint-{}", state.epoch);
            let checkpoint = match write(&trial.start.directory, &name, &state.to_bytes()) {
                Ok(path) => path,
                Err(error) => return Ok(Turn::Ended(SlotEnd::DiskFailed { message: error.to_string() })),
            };
            (trial.state, trial.is_underway) = (state, false);
            send(ends, member, MemberEvent::Epoch { metric: trial.state.metric(), checkpoint }).await?;
        }
        let is_over = trial.state.epoch >= last;
        let waiting_max = if is_over { 1 } else { EPOCHS_WAITING_MAX };
        while trial.state.epoch - self.taken(member) >= waiting_max {
            self.hear(ends, member).await?;
            self.end_stopped(ends).await?;
        }
        Ok(match trial.state.epoch {
            epoch if epoch >= training::epochs(&spec) => Turn::Ended(trained(&spec, &trial.start.directory)),
            epoch if epoch >= last => Turn::Ended(SlotEnd::Reached { epoch }),
            _ => Turn::GoesOn,
        })
    }

    /// Hands over what an interrupted epoch has done. In this world that is nothing which another slot could tell
    /// from the epoch's beginning.
    fn stopped(&mut self, trial: Trial) -> SlotEnd {
        let Trial { start, state, is_underway, .. } = trial;
        if !is_underway {
            return SlotEnd::Stopped { underway: None };
        }
        self.oracle.corner("slot stopped in mid-epoch");
        let batches = self.random.within(1, 9) as u32;
        match write(&start.directory, "underway", &state.to_bytes()) {
            Ok(path) => SlotEnd::Stopped { underway: Some(Halt { epoch: state.epoch, batches, path }) },
            Err(error) => SlotEnd::DiskFailed { message: error.to_string() },
        }
    }

    async fn evaluate(&mut self, start: &MemberStart, ends: &mut SlotEnds) -> Result<SlotEnd, Told> {
        self.pass(ends, start.member, STEP_MS).await?;
        let model = start.model.as_ref().and_then(|path| std::fs::read(path).ok());
        if model != Some(training::best(&start.spec).model()) {
            self.oracle
                .violation(format!("{}: trial {} is evaluated with a wrong model", self.host, start.spec.id));
        }
        if self.crashes() { Err(Told::Kill) } else { Ok(SlotEnd::Evaluated(training::test(&start.spec))) }
    }

    fn crashes(&mut self) -> bool {
        let is_healed = turmoil::sim_elapsed().is_none_or(|now| now >= self.healed_at);
        self.random.permille(self.crashes_permille) && !is_healed
    }

    /// Lets simulated time pass, unless the member whose turn it is is told to end.
    async fn pass(&mut self, ends: &mut SlotEnds, turn: MemberId, bounds: (u64, u64)) -> Result<(), Told> {
        let wait = tokio::time::sleep(Duration::from_millis(self.random.within(bounds.0, bounds.1)));
        tokio::pin!(wait);
        if self.is_told_to_stop(turn) {
            return Err(Told::Stop);
        }
        loop {
            tokio::select! {
                biased;
                told = self.hear(ends, turn) => told?,
                () = &mut wait => return Ok(()),
            }
            self.end_stopped(ends).await?;
        }
    }

    async fn hear(&mut self, ends: &mut SlotEnds, turn: MemberId) -> Result<(), Told> {
        let Some((member, command)) = ends.commands.recv().await else { return Err(Told::Kill) };
        let Some(ear) = self.ears.get_mut(&member) else { return Ok(()) };
        match command {
            SlotCommand::EpochTaken { epoch } => ear.taken = ear.taken.max(epoch),
            SlotCommand::Stop => ear.stop = true,
        }
        if self.is_told_to_stop(turn) { Err(Told::Stop) } else { Ok(()) }
    }
}

async fn send(ends: &SlotEnds, member: MemberId, event: MemberEvent) -> Result<(), Told> {
    ends.events.send(FromSlot::Member { member, event }).await.map_err(|_| Told::Kill)
}

fn trained(spec: &TrialSpec, directory: &Path) -> SlotEnd {
    let result = training::result(spec);
    match write(directory, "model", &training::best(spec).model()) {
        Ok(model) => SlotEnd::Trained {
            best_epoch: result.best_epoch,
            epochs: result.epochs,
            early_stopped: result.early_stopped,
            score: result.score,
            accuracy: result.accuracy,
            parameters: result.parameters,
            model,
        },
        Err(error) => SlotEnd::DiskFailed { message: error.to_string() },
    }
}

fn read(path: &Path) -> Result<State, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    State::from_bytes(&bytes).ok_or_else(|| "the checkpoint is damaged".to_owned())
}

fn write(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let path = directory.join(name);
    std::fs::write(&path, bytes)?;
    Ok(path)
}

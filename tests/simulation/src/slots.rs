//! Scripted slots: they train in simulated time and report what the trial's numbers are.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sweep_proto::{FailureKind, TrialSpec, WorkKind, WorkerId};
use worker::slot::protocol::{FromSlot, Halt, SlotEnd, Start};
use worker::slot::{SlotCommand, SlotEnds, SlotHandle, SlotRunner};

use crate::oracle::Oracle;
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
        let slot = Slot {
            oracle: self.oracle.clone(),
            host: self.host.clone(),
            worker: self.worker,
            crashes_permille: self.crashes_permille,
            healed_at: self.healed_at,
            random,
            taken: 0,
            underway: None,
        };
        tokio::spawn(slot.run(start, ends));
        Ok(handle)
    }
}

struct Slot {
    oracle: Oracle,
    host: String,
    worker: WorkerId,
    crashes_permille: u64,
    healed_at: Duration,
    random: Random,
    /// The newest epoch whose checkpoint the agent has stored.
    taken: u32,
    /// What an epoch under way began from.
    underway: Option<State>,
}

/// The slot has been told to end, or its agent has gone.
enum Told {
    Stop,
    Kill,
}

impl Slot {
    async fn run(mut self, start: Start, mut ends: SlotEnds) {
        let kill = ends.kill.clone();
        let end = tokio::select! {
            biased;
            () = kill.cancelled() => return,
            end = self.work(&start, &mut ends) => end,
        };
        if let Some(end) = end {
            // An agent that has gone wants no end.
            _ = ends.events.send(FromSlot::Ended(end)).await;
        }
    }

    /// Works to the end; `None` where the slot dies without a word.
    async fn work(&mut self, start: &Start, ends: &mut SlotEnds) -> Option<SlotEnd> {
        let state = match &start.checkpoint {
            None => State::fresh(&start.spec),
            Some(path) => match read(path) {
                Ok(state) => state,
                Err(message) => return Some(SlotEnd::Failed { kind: FailureKind::Data, message }),
            },
        };
        let seat = self.oracle.slot_starts(&self.host, self.worker, start.work, &start.spec, &state);
        let end = match start.work {
            WorkKind::Train => self.train(start, state, ends).await,
            WorkKind::Evaluate => self.evaluate(start, ends).await,
        };
        drop(seat);
        match end {
            Ok(end) => end,
            Err(Told::Stop) => Some(self.stopped(&start.directory)),
            Err(Told::Kill) => None,
        }
    }

    async fn train(
        &mut self,
        start: &Start,
        mut state: State,
        ends: &mut SlotEnds,
    ) -> Result<Option<SlotEnd>, Told> {
        let spec = &start.spec;
        let first = state.epoch + 1;
        self.taken = state.epoch;
        while state.epoch < training::epochs(spec) {
            self.underway = Some(state.clone());
            state.advance();
            for step in state.steps(first) {
                self.pass(ends, STEP_MS).await?;
                send(ends, FromSlot::Steps { points: vec![step] }).await?;
            }
            if training::diverges_in(spec) == Some(state.epoch) {
                let message = "the loss left every bound".to_owned();
                return Ok(Some(SlotEnd::Diverged { epoch: state.epoch, message }));
            }
            if self.crashes() {
                self.oracle.corner("slot crashed");
                return Ok(None);
            }
            let checkpoint =
                write(&start.directory, &format!("checkpoint-{}", state.epoch), &state.to_bytes());
            let checkpoint = match checkpoint {
                Ok(path) => path,
                Err(error) => return Ok(Some(SlotEnd::DiskFailed { message: error.to_string() })),
            };
            self.underway = None;
            send(ends, FromSlot::Epoch { metric: state.metric(), checkpoint }).await?;
            while state.epoch - self.taken >= EPOCHS_WAITING_MAX {
                self.hear(ends).await?;
            }
        }
        while self.taken < state.epoch {
            self.hear(ends).await?;
        }
        Ok(Some(trained(spec, &start.directory)))
    }

    /// Hands over what an interrupted epoch has done. In this world that is nothing which another slot could tell
    /// from the epoch's beginning.
    fn stopped(&mut self, directory: &Path) -> SlotEnd {
        let Some(state) = self.underway.take() else { return SlotEnd::Stopped { underway: None } };
        self.oracle.corner("slot stopped in mid-epoch");
        let batches = self.random.within(1, 9) as u32;
        match write(directory, "underway", &state.to_bytes()) {
            Ok(path) => SlotEnd::Stopped { underway: Some(Halt { epoch: state.epoch, batches, path }) },
            Err(error) => SlotEnd::DiskFailed { message: error.to_string() },
        }
    }

    async fn evaluate(&mut self, start: &Start, ends: &mut SlotEnds) -> Result<Option<SlotEnd>, Told> {
        self.pass(ends, STEP_MS).await?;
        let model = start.model.as_ref().and_then(|path| std::fs::read(path).ok());
        if model != Some(training::best(&start.spec).model()) {
            self.oracle
                .violation(format!("{}: trial {} is evaluated with a wrong model", self.host, start.spec.id));
        }
        Ok((!self.crashes()).then(|| SlotEnd::Evaluated(training::test(&start.spec))))
    }

    fn crashes(&mut self) -> bool {
        let is_healed = turmoil::sim_elapsed().is_none_or(|now| now >= self.healed_at);
        self.random.permille(self.crashes_permille) && !is_healed
    }

    /// Lets simulated time pass, unless the slot is told to end.
    async fn pass(&mut self, ends: &mut SlotEnds, bounds: (u64, u64)) -> Result<(), Told> {
        let wait = tokio::time::sleep(Duration::from_millis(self.random.within(bounds.0, bounds.1)));
        tokio::pin!(wait);
        loop {
            tokio::select! {
                biased;
                told = self.hear(ends) => told?,
                () = &mut wait => return Ok(()),
            }
        }
    }

    async fn hear(&mut self, ends: &mut SlotEnds) -> Result<(), Told> {
        match ends.commands.recv().await {
            Some(SlotCommand::EpochTaken { epoch }) => {
                self.taken = self.taken.max(epoch);
                Ok(())
            }
            Some(SlotCommand::Stop) => Err(Told::Stop),
            None => Err(Told::Kill),
        }
    }
}

async fn send(ends: &SlotEnds, event: FromSlot) -> Result<(), Told> {
    ends.events.send(event).await.map_err(|_| Told::Kill)
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

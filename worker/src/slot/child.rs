//! The slot process: reads its group, drives the trainer, tells the agent what happens to each member.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sweep_proto::{FailureKind, WorkKind};
use worker_trainer::{DeviceChoice, Ended, Member, StopSignal, TrainError, TrainRequest};

use super::confinement;
use super::energy::EnergyMeter;
use super::protocol::{
    FromSlot, MemberEvent, MemberId, MemberStart, SlotCommand, SlotEnd, Start, ToSlot, read_frame,
    write_frame,
};
use super::reporting::Reporting;
use super::sandbox;
use crate::reason::describe;

/// How often the agent hears at most that batches are being worked on.
const PULSE_INTERVAL: Duration = Duration::from_secs(1);

/// How a slot process is bounded.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Memory that it may take, in bytes; `None`: as much as there is.
    pub memory_bytes: Option<u64>,
    /// Slots that share its device.
    pub device_slots: u32,
    /// Whether it is shut in with the files that it needs.
    pub is_sandboxed: bool,
}

/// Runs one group over standard input and output.
///
/// # Errors
/// Whatever broke the talk with the agent. Failures of the work itself are told to the agent.
pub fn run(bounds: Bounds) -> io::Result<()> {
    confinement::enter(bounds.memory_bytes);
    let mut stdin = io::stdin().lock();
    let Some(first) = read_frame::<ToSlot>(&mut stdin)? else {
        return Ok(());
    };
    drop(stdin);
    let ToSlot::Start(start) = first else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the first message of an agent must be its work",
        ));
    };
    // Before any other thread: the rules hold for this one and for those that it starts.
    if bounds.is_sandboxed
        && let Err(error) = sandbox::enter(&start)
    {
        eprintln!("this slot cannot be shut in with its files: {}", describe(&error));
    }
    let mut ears = Vec::new();
    let mut switches = BTreeMap::new();
    for member in &start.members {
        let (taken_sender, taken) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        switches.insert(member.member, Switch { taken: taken_sender, stop: Arc::clone(&stop) });
        ears.push(Ear { taken, stop });
    }
    std::thread::Builder::new().name("commands".into()).spawn(move || listen(&switches))?;
    work(&start, bounds.device_slots, ears)
}

/// What the agent tells a member: the listening thread's end.
struct Switch {
    taken: mpsc::Sender<u32>,
    /// Set once and only read after: the agent wants the member to end.
    stop: Arc<AtomicBool>,
}

/// The member's end.
struct Ear {
    taken: mpsc::Receiver<u32>,
    stop: Arc<AtomicBool>,
}

/// Obeys the agent until it closes the pipe. Then nobody wants the work: the process ends at once.
fn listen(switches: &BTreeMap<MemberId, Switch>) {
    let mut stdin = io::stdin().lock();
    loop {
        let (member, command) = match read_frame::<ToSlot>(&mut stdin) {
            Ok(Some(ToSlot::Member { member, command })) => (member, command),
            Ok(Some(ToSlot::Start(_))) => continue,
            Ok(None) | Err(_) => leave(),
        };
        let Some(switch) = switches.get(&member) else { continue };
        match command {
            SlotCommand::Stop => switch.stop.store(true, Ordering::Relaxed),
            SlotCommand::EpochTaken { epoch } => {
                // The receiver is gone once the work has ended.
                let _ = switch.taken.send(epoch);
            }
        }
    }
}

#[allow(clippy::exit, reason = "the trainer holds the main thread, and nobody waits for its result")]
fn leave() -> ! {
    std::process::exit(0)
}

/// Tells the agent now and then that batches are being worked on.
struct Pulse {
    told_at: Cell<Instant>,
}

impl Pulse {
    fn start() -> Self {
        Self { told_at: Cell::new(Instant::now()) }
    }

    fn beat(&self) {
        if self.told_at.get().elapsed() >= PULSE_INTERVAL {
            self.told_at.set(Instant::now());
            // An agent that is gone is noticed where it is listened to.
            let _ = write_frame(io::stdout(), &FromSlot::Alive);
        }
    }
}

/// Whether a member shall end. Asked before every batch, so it keeps the pulse going, too.
struct Stop<'a> {
    flag: &'a AtomicBool,
    pulse: &'a Pulse,
}

impl StopSignal for Stop<'_> {
    fn requested(&self) -> bool {
        self.pulse.beat();
        self.flag.load(Ordering::Relaxed)
    }
}

fn tell_end(member: MemberId, end: SlotEnd) -> io::Result<()> {
    write_frame(io::stdout(), &FromSlot::Member { member, event: MemberEvent::Ended(end) })
}

fn work(start: &Start, device_slots: u32, ears: Vec<Ear>) -> io::Result<()> {
    let device: DeviceChoice = match start.device.parse() {
        Ok(device) => device,
        Err(error) => {
            let end = SlotEnd::Failed { kind: FailureKind::Device, message: describe(&error) };
            return start.members.iter().try_for_each(|one| tell_end(one.member, end.clone()));
        }
    };
    match start.work {
        WorkKind::Train => train(start, device, device_slots, ears),
        WorkKind::Evaluate => {
            let pulse = Pulse::start();
            for (member, ear) in start.members.iter().zip(&ears) {
                let stop = Stop { flag: &ear.stop, pulse: &pulse };
                let end = evaluate(start, member, device, &stop).unwrap_or_else(|error| failed(&error));
                tell_end(member.member, end)?;
            }
            Ok(())
        }
    }
}

fn failed(error: &TrainError) -> SlotEnd {
    match error {
        TrainError::File { action: "written", .. } => SlotEnd::DiskFailed { message: describe(error) },
        // Besides keeping checkpoints the observer only writes to the agent, which hears of nothing then.
        TrainError::Observer(cause) if cause.kind() != io::ErrorKind::InvalidData => {
            SlotEnd::DiskFailed { message: describe(error) }
        }
        _ => SlotEnd::Failed { kind: error.kind(), message: describe(error) },
    }
}

fn train(start: &Start, device: DeviceChoice, device_slots: u32, ears: Vec<Ear>) -> io::Result<()> {
    let pulse = Pulse::start();
    let (taken, flags): (Vec<_>, Vec<_>) = ears.into_iter().map(|ear| (ear.taken, ear.stop)).unzip();
    let stops: Vec<_> = flags.iter().map(|flag| Stop { flag, pulse: &pulse }).collect();
    let mut observers = Vec::new();
    for (member, taken) in start.members.iter().zip(taken) {
        let energy = EnergyMeter::of_device(device, device_slots);
        observers.push(Reporting::new(member.member, io::stdout(), &member.directory, taken, energy));
    }
    let members = start.members.iter().zip(&mut observers).zip(&stops);
    let members = members.map(|((member, observer), stop)| Member {
        request: TrainRequest {
            spec: &member.spec,
            dataset: &start.dataset,
            checkpoint: member.checkpoint.as_deref(),
            until_epoch: member.until_epoch,
            directory: &member.directory,
            device,
        },
        observer,
        stop,
    });
    let members = members.collect();
    let mut told = Ok(());
    worker_trainer::train_group(members, &mut |number, ended| {
        let member = &start.members[number];
        let end = ended.map_or_else(|error| failed(&error), |ended| end_of(ended, member));
        if told.is_ok() {
            told = tell_end(member.member, end);
        }
    });
    told
}

fn end_of(ended: Ended, member: &MemberStart) -> SlotEnd {
    match ended {
        Ended::Completed(completed) => SlotEnd::Trained {
            best_epoch: completed.best_epoch,
            epochs: completed.epochs,
            early_stopped: completed.early_stopped,
            score: completed.score,
            accuracy: completed.accuracy,
            parameters: completed.parameters,
            model: completed.model,
        },
        Ended::Diverged { epoch, message } => SlotEnd::Diverged { epoch, message },
        Ended::Reached { epoch } => SlotEnd::Reached { epoch },
        // A checkpoint at the end of an epoch was reported with it; the agent has the one that it gave.
        Ended::Stopped { checkpoint } => SlotEnd::Stopped {
            underway: checkpoint
                .filter(|halt| halt.batches > 0 && Some(halt.path.as_path()) != member.checkpoint.as_deref()),
        },
    }
}

fn evaluate(
    start: &Start,
    member: &MemberStart,
    device: DeviceChoice,
    stop: &dyn StopSignal,
) -> Result<SlotEnd, TrainError> {
    let Some(model) = &member.model else {
        let message = "an evaluation was granted without a model".to_owned();
        return Ok(SlotEnd::Failed { kind: FailureKind::Rejected, message });
    };
    let measured = worker_trainer::evaluate(&member.spec, &start.dataset, model, device, stop)?;
    Ok(measured.map_or(SlotEnd::Stopped { underway: None }, SlotEnd::Evaluated))
}

//! The slot process: reads its work, drives the trainer, tells the agent what happens.

use std::cell::Cell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sweep_proto::{EpochMetric, FailureKind, StepMetric, WorkKind};
use worker_trainer::{DeviceChoice, Ended, Observer, StopSignal, TrainError, TrainRequest};

use super::confinement;
use super::energy::EnergyMeter;
use super::protocol::{FromSlot, SlotEnd, Start, ToSlot, read_frame, write_frame};
use super::sandbox;
use crate::reason::describe;

/// Checkpoints that may wait for upload: training goes on during one upload, and disks stay bounded.
const EPOCHS_WAITING_MAX: usize = 2;

/// Step metrics in one frame: far below its bound.
const POINTS_MAX: usize = 1_000;

/// How often the agent hears at most that batches are being worked on.
const PULSE_INTERVAL: Duration = Duration::from_secs(1);

/// Set once and only read after: the agent wants the work to end.
static STOP: AtomicBool = AtomicBool::new(false);

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

/// Runs one piece of work over standard input and output.
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
    let (taken_sender, taken) = mpsc::channel();
    std::thread::Builder::new().name("commands".into()).spawn(move || listen(&taken_sender))?;
    let mut stdout = io::stdout();
    let end = work(&start, bounds.device_slots, &mut stdout, taken);
    write_frame(&mut stdout, &FromSlot::Ended(end))
}

/// Obeys the agent until it closes the pipe. Then nobody wants the work: the process ends at once.
fn listen(taken: &mpsc::Sender<u32>) {
    let mut stdin = io::stdin().lock();
    loop {
        match read_frame::<ToSlot>(&mut stdin) {
            Ok(Some(ToSlot::Stop)) => STOP.store(true, Ordering::Relaxed),
            Ok(Some(ToSlot::EpochTaken { epoch })) => {
                // The receiver is gone once the work has ended.
                let _ = taken.send(epoch);
            }
            Ok(Some(ToSlot::Start(_))) => {}
            Ok(None) | Err(_) => leave(),
        }
    }
}

#[allow(clippy::exit, reason = "the trainer holds the main thread, and nobody waits for its result")]
fn leave() -> ! {
    std::process::exit(0)
}

/// Tells the agent now and then that batches are being worked on, and the trainer whether to go on.
struct Pulse {
    told_at: Cell<Instant>,
}

impl Pulse {
    fn start() -> Self {
        Self { told_at: Cell::new(Instant::now()) }
    }
}

impl StopSignal for Pulse {
    fn requested(&self) -> bool {
        if self.told_at.get().elapsed() >= PULSE_INTERVAL {
            self.told_at.set(Instant::now());
            // An agent that is gone is noticed where it is listened to.
            let _ = write_frame(io::stdout(), &FromSlot::Alive);
        }
        STOP.load(Ordering::Relaxed)
    }
}

fn work(start: &Start, device_slots: u32, output: &mut dyn Write, taken: mpsc::Receiver<u32>) -> SlotEnd {
    let device: DeviceChoice = match start.device.parse() {
        Ok(device) => device,
        Err(error) => return SlotEnd::Failed { kind: FailureKind::Device, message: describe(&error) },
    };
    let end = match start.work {
        WorkKind::Train => {
            let energy = EnergyMeter::of_device(device, device_slots);
            train(start, device, energy, output, taken)
        }
        WorkKind::Evaluate => evaluate(start, device),
    };
    end.unwrap_or_else(|error| match error {
        TrainError::File { action: "written", .. } => SlotEnd::DiskFailed { message: describe(&error) },
        // Besides keeping checkpoints the observer only writes to the agent, which hears of nothing then.
        TrainError::Observer(ref cause) if cause.kind() != io::ErrorKind::InvalidData => {
            SlotEnd::DiskFailed { message: describe(&error) }
        }
        _ => SlotEnd::Failed { kind: error.kind(), message: describe(&error) },
    })
}

fn train(
    start: &Start,
    device: DeviceChoice,
    energy: EnergyMeter,
    output: &mut dyn Write,
    taken: mpsc::Receiver<u32>,
) -> Result<SlotEnd, TrainError> {
    let request = TrainRequest {
        spec: &start.spec,
        dataset: &start.dataset,
        checkpoint: start.checkpoint.as_deref(),
        directory: &start.directory,
        device,
    };
    let mut observer = Reporting { output, directory: &start.directory, taken, waiting: Vec::new(), energy };
    Ok(match worker_trainer::train(&request, &mut observer, &Pulse::start())? {
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
        // A checkpoint at the end of an epoch was reported with it; the agent has the one that it gave.
        Ended::Stopped { checkpoint } => SlotEnd::Stopped {
            underway: checkpoint
                .filter(|halt| halt.batches > 0 && Some(halt.path.as_path()) != start.checkpoint.as_deref()),
        },
    })
}

fn evaluate(start: &Start, device: DeviceChoice) -> Result<SlotEnd, TrainError> {
    let Some(model) = &start.model else {
        let message = "an evaluation was granted without a model".to_owned();
        return Ok(SlotEnd::Failed { kind: FailureKind::Rejected, message });
    };
    let measured = worker_trainer::evaluate(&start.spec, &start.dataset, model, device, &Pulse::start())?;
    Ok(measured.map_or(SlotEnd::Stopped { underway: None }, SlotEnd::Evaluated))
}

/// Passes what the trainer measures to the agent.
struct Reporting<'a> {
    output: &'a mut dyn Write,
    directory: &'a Path,
    taken: mpsc::Receiver<u32>,
    /// Checkpoints that the agent has not taken yet.
    waiting: Vec<(u32, PathBuf)>,
    energy: EnergyMeter,
}

impl Reporting<'_> {
    /// Deletes checkpoints that were taken, and waits while too many were not.
    fn await_room(&mut self) -> io::Result<()> {
        while let Ok(epoch) = self.taken.try_recv() {
            self.discard(epoch)?;
        }
        while self.waiting.len() >= EPOCHS_WAITING_MAX {
            let epoch = self.taken.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            self.discard(epoch)?;
        }
        Ok(())
    }

    fn discard(&mut self, epoch: u32) -> io::Result<()> {
        let Some(position) = self.waiting.iter().position(|(waiting, _)| *waiting == epoch) else {
            return Ok(());
        };
        std::fs::remove_file(self.waiting.swap_remove(position).1)
    }
}

impl Observer for Reporting<'_> {
    fn steps(&mut self, points: &[StepMetric]) -> io::Result<()> {
        // A loss that is no number is told as the trial's end; the points behind it mean nothing.
        let finite = points.iter().take_while(|point| point.loss.is_finite()).count();
        for batch in points[..finite].chunks(POINTS_MAX) {
            let mut points = batch.to_vec();
            for point in points.iter_mut().filter(|point| !point.examples_per_second.is_finite()) {
                point.examples_per_second = 0.0;
            }
            write_frame(&mut self.output, &FromSlot::Steps { points })?;
        }
        Ok(())
    }

    fn epoch_begins(&mut self, is_resumed: bool) {
        self.energy.begin(is_resumed);
    }

    fn epoch(&mut self, metric: &EpochMetric, checkpoint: &Path) -> io::Result<()> {
        // Waiting for room is no part of the epoch.
        let energy_joules = self.energy.end();
        self.await_room()?;
        let held = self.directory.join(format!("epoch-{}.safetensors", metric.epoch));
        // The trainer replaces its file by renaming, so a second name keeps this epoch's bytes.
        if std::fs::hard_link(checkpoint, &held).is_err() {
            std::fs::copy(checkpoint, &held)?;
        }
        self.waiting.push((metric.epoch, held.clone()));
        let mut metric = EpochMetric { energy_joules, ..metric.clone() };
        if !metric.examples_per_second.is_finite() {
            metric.examples_per_second = 0.0;
        }
        write_frame(&mut self.output, &FromSlot::Epoch { metric, checkpoint: held })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(epoch: u32) -> EpochMetric {
        EpochMetric {
            epoch,
            train_loss: 0.5,
            train_accuracy: 0.5,
            validation_loss: 0.5,
            validation_accuracy: 0.5,
            validation_macro_f1: 0.5,
            seconds: 1.0,
            examples_per_second: f64::INFINITY,
            peak_memory_bytes: 1,
            energy_joules: None,
        }
    }

    #[test]
    fn an_epochs_file_stays_until_it_was_taken_while_the_trainer_replaces_its_own() {
        let directory = tempfile::tempdir().expect("directory");
        let (taken_sender, taken) = mpsc::channel();
        let mut output = Vec::new();
        let mut observer = Reporting {
            output: &mut output,
            directory: directory.path(),
            taken,
            waiting: Vec::new(),
            energy: EnergyMeter::new(None, 1),
        };
        let checkpoint = directory.path().join("checkpoint.safetensors");
        let write = |text: &str| {
            let temporary = directory.path().join("temporary");
            std::fs::write(&temporary, text).expect("write");
            std::fs::rename(&temporary, &checkpoint).expect("rename");
        };
        write("one");
        observer.epoch(&metric(1), &checkpoint).expect("first");
        write("two");
        observer.epoch(&metric(2), &checkpoint).expect("second");
        let held = |epoch| directory.path().join(format!("epoch-{epoch}.safetensors"));
        assert_eq!(std::fs::read_to_string(held(1)).expect("held"), "one");
        taken_sender.send(1).expect("open");
        write("three");
        observer.epoch(&metric(3), &checkpoint).expect("third");
        assert!(!held(1).exists());
        assert_eq!(std::fs::read_to_string(held(2)).expect("held"), "two");
    }

    #[test]
    fn points_from_the_first_loss_that_is_no_number_on_are_left_out() {
        let (_sender, taken) = mpsc::channel();
        let mut output = Vec::new();
        let mut observer = Reporting {
            output: &mut output,
            directory: Path::new("."),
            taken,
            waiting: Vec::new(),
            energy: EnergyMeter::new(None, 1),
        };
        let point = |sequence, loss| StepMetric {
            sequence,
            epoch: 1,
            step: sequence,
            loss,
            examples_per_second: 1.0,
        };
        observer.steps(&[point(0, 0.5), point(1, f64::NAN), point(2, 0.5)]).expect("written");
        let read = read_frame::<FromSlot>(output.as_slice()).expect("frame");
        assert_eq!(read, Some(FromSlot::Steps { points: vec![point(0, 0.5)] }));
    }
}

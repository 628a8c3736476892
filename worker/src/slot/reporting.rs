//! What the trainer measures of one member, on its way to the agent.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use sweep_proto::{EpochMetric, StepMetric};
use worker_trainer::Observer;

use super::energy::EnergyMeter;
use super::protocol::{FromSlot, MemberEvent, MemberId, write_frame};

/// Checkpoints that may wait for upload: training goes on during one upload, and disks stay bounded.
const EPOCHS_WAITING_MAX: usize = 2;

/// Step metrics in one frame: far below its bound.
const POINTS_MAX: usize = 1_000;

/// Passes what the trainer measures to the agent.
pub(super) struct Reporting<'a, W> {
    member: MemberId,
    output: W,
    directory: &'a Path,
    taken: mpsc::Receiver<u32>,
    /// Checkpoints that the agent has not taken yet.
    waiting: Vec<(u32, PathBuf)>,
    energy: EnergyMeter,
}

impl<'a, W: Write> Reporting<'a, W> {
    /// For a member whose files lie in a directory. `taken` brings the epochs whose checkpoints were stored.
    pub(super) fn new(
        member: MemberId,
        output: W,
        directory: &'a Path,
        taken: mpsc::Receiver<u32>,
        energy: EnergyMeter,
    ) -> Self {
        Self { member, output, directory, taken, waiting: Vec::new(), energy }
    }

    fn tell(&mut self, event: MemberEvent) -> io::Result<()> {
        write_frame(&mut self.output, &FromSlot::Member { member: self.member, event })
    }

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

impl<W: Write> Observer for Reporting<'_, W> {
    fn steps(&mut self, points: &[StepMetric]) -> io::Result<()> {
        // A loss that is no number is told as the trial's end; the points behind it mean nothing.
        let finite = points.iter().take_while(|point| point.loss.is_finite()).count();
        for batch in points[..finite].chunks(POINTS_MAX) {
            let mut points = batch.to_vec();
            for point in points.iter_mut().filter(|point| !point.examples_per_second.is_finite()) {
                point.examples_per_second = 0.0;
            }
            self.tell(MemberEvent::Steps { points })?;
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
        self.tell(MemberEvent::Epoch { metric, checkpoint: held })
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::read_frame;
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
        let energy = EnergyMeter::new(None, 1);
        let mut observer = Reporting::new(MemberId(2), &mut output, directory.path(), taken, energy);
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
        let energy = EnergyMeter::new(None, 1);
        let mut observer = Reporting::new(MemberId(2), &mut output, Path::new("."), taken, energy);
        let point = |sequence, loss| StepMetric {
            sequence,
            epoch: 1,
            step: sequence,
            loss,
            examples_per_second: 1.0,
        };
        observer.steps(&[point(0, 0.5), point(1, f64::NAN), point(2, 0.5)]).expect("written");
        let read = read_frame::<FromSlot>(output.as_slice()).expect("frame");
        let event = MemberEvent::Steps { points: vec![point(0, 0.5)] };
        assert_eq!(read, Some(FromSlot::Member { member: MemberId(2), event }));
    }
}

//! The process that trains one configuration for a while and times its batches and epochs.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sweep_proto::encoded::{EncodedView, Split};
use sweep_proto::measure::{MeasureRequest, MeasureTrial, MeasuredTrial, Speed};
use sweep_proto::{EpochMetric, Hyperparameter, StepMetric, SweepId, TrialId, TrialSpec, Value};
use worker_trainer::{DeviceChoice, Ended, Observer, TrainRequest, peak_memory_bytes};

use super::REQUEST_BYTES_MAX;
use crate::reason::describe;
use crate::slot::confinement;

/// Batches that are trained at least, the first of which is not counted: it warms caches and allocator.
const BATCHES_MIN: usize = 3;

/// Trains what `input` asks for and writes how fast it was.
pub(super) fn run(
    device: DeviceChoice,
    memory_bytes: Option<u64>,
    began: Instant,
    input: impl Read,
    output: impl Write,
) -> anyhow::Result<()> {
    confinement::enter(memory_bytes);
    let request: MeasureRequest = serde_json::from_reader(input.take(REQUEST_BYTES_MAX))?;
    let trial = request.trials.first().context("there is no configuration to measure")?;
    let scratch = super::scratch(&request.directory)?;
    let budget = Duration::from_secs_f64(request.seconds.clamp(0.0, 3_600.0));
    let measured = train(trial, device, scratch.path(), budget, began)?;
    serde_json::to_writer(output, &measured)?;
    Ok(())
}

/// When batches began and epochs ended.
struct Clock {
    began: Instant,
    budget: Duration,
    /// Training batches of one epoch.
    batches: usize,
    times: RefCell<Times>,
}

#[derive(Default)]
struct Times {
    first_batch: Option<Instant>,
    /// The beginnings of the present epoch's batches, and the end of its last one: validation begins then.
    marks: Vec<Instant>,
    /// Batches timed and their seconds, without the first of all.
    timed: (usize, Duration),
    epochs: Vec<f64>,
}

impl Times {
    fn mark(&mut self, now: Instant, batches: usize) {
        let is_first_epoch = self.epochs.is_empty();
        if let Some(last) = self.marks.last().filter(|_| self.marks.len() <= batches) {
            // The first batch of all warms up.
            if !(is_first_epoch && self.marks.len() == 1) {
                self.timed = (self.timed.0 + 1, self.timed.1 + (now - *last));
            }
        }
        self.first_batch.get_or_insert(now);
        self.marks.push(now);
    }
}

impl Clock {
    /// Asked before every batch of training and validation.
    fn is_over(&self) -> bool {
        let now = Instant::now();
        let mut times = self.times.borrow_mut();
        times.mark(now, self.batches);
        let is_measured = !times.epochs.is_empty() || times.timed.0 + 1 >= BATCHES_MIN;
        let first = times.first_batch.unwrap_or(now);
        is_measured && now - first >= self.budget
    }

    fn speed(&self) -> Speed {
        let times = self.times.borrow();
        let (batches, seconds) = (times.timed.0 as f64, times.timed.1.as_secs_f64());
        // The first epoch warms up, too, where there are others.
        let epochs = &times.epochs[usize::from(times.epochs.len() > 1)..];
        Speed {
            epochs: epochs.len() as f64,
            epoch_seconds: epochs.iter().sum::<f64>() / epochs.len().max(1) as f64,
            batches,
            batch_seconds: seconds / batches.max(1.0),
            start_seconds: times.first_batch.map_or(0.0, |first| (first - self.began).as_secs_f64()),
            peak_memory_bytes: peak_memory_bytes(),
        }
    }
}

struct Epochs<'a>(&'a Clock);

impl Observer for Epochs<'_> {
    fn steps(&mut self, _points: &[StepMetric]) -> io::Result<()> {
        Ok(())
    }

    fn epoch(&mut self, metric: &EpochMetric, _checkpoint: &Path) -> io::Result<()> {
        let mut times = self.0.times.borrow_mut();
        times.epochs.push(metric.seconds);
        times.marks.clear();
        Ok(())
    }
}

fn train(
    trial: &MeasureTrial,
    device: DeviceChoice,
    directory: &Path,
    budget: Duration,
    began: Instant,
) -> anyhow::Result<MeasuredTrial> {
    let rows = EncodedView::parse(std::fs::read(&trial.dataset)?)?.rows(Split::Train);
    let batch_size = trial.configuration.batch_size().max(1) as usize;
    // Time alone ends it.
    let endless = [(Hyperparameter::Epochs, 10_000), (Hyperparameter::Patience, 0)];
    let mut configuration = trial.configuration.clone();
    for (name, value) in endless {
        configuration.set(name, Value::Integer(value))?;
    }
    let id = TrialId { sweep: SweepId(0), index: 0 };
    let spec = TrialSpec { id, configuration, replicate: 0, seed: 0, dataset: trial.digest.into() };
    let request = TrainRequest {
        spec: &spec,
        dataset: &trial.dataset,
        checkpoint: None,
        until_epoch: None,
        directory,
        device,
    };
    let clock = Clock { began, budget, batches: rows.div_ceil(batch_size), times: RefCell::default() };
    Ok(match worker_trainer::train(&request, &mut Epochs(&clock), &|| clock.is_over()) {
        Ok(ended) => measured(ended, &clock),
        Err(error) => MeasuredTrial::Failed { message: describe(&error) },
    })
}

/// Divergence comes to light after batches that were only handed to a device: before the first epoch's end their times say nothing
/// of how long they take.
fn measured(ended: Ended, clock: &Clock) -> MeasuredTrial {
    match ended {
        Ended::Diverged { message, .. } if clock.times.borrow().epochs.is_empty() => {
            MeasuredTrial::Failed { message }
        }
        _ => MeasuredTrial::Trained(clock.speed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_timed_without_the_first_and_without_validation() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut times = Times::default();
        // Two batches of 100 ms after a first of 500 ms, then two of validation.
        for moment in [0, 500, 600, 700, 710, 720] {
            times.mark(at(moment), 3);
        }
        assert_eq!(times.timed, (2, Duration::from_millis(200)));
        times.epochs.push(0.72);
        times.marks.clear();
        for moment in [800, 900] {
            times.mark(at(moment), 3);
        }
        assert_eq!(times.timed, (3, Duration::from_millis(300)), "in later epochs the first batch counts");
    }

    #[test]
    fn what_diverges_before_the_end_of_an_epoch_was_not_measured() {
        let (began, budget) = (Instant::now(), Duration::from_secs(1));
        let clock = Clock { began, budget, batches: 40, times: RefCell::default() };
        clock.times.borrow_mut().timed = (5, Duration::from_millis(1));
        let diverged = || Ended::Diverged { epoch: 1, message: "the training loss is NaN".to_owned() };
        assert!(
            matches!(measured(diverged(), &clock), MeasuredTrial::Failed { message } if message.contains("NaN"))
        );
        clock.times.borrow_mut().epochs.push(0.5);
        assert!(matches!(measured(diverged(), &clock), MeasuredTrial::Trained(speed) if speed.epochs == 1.0));
    }
}

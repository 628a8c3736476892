//! One pass over the training split, and the step metrics on the way.

use std::path::Path;
use std::time::{Duration, Instant};

use sweep_proto::encoded::Split;
use sweep_proto::{EpochMetric, StepMetric};

use crate::data::{Batch, Dataset, training_batches};
use crate::error::TrainError;
use crate::model::{DropoutKey, Model};
use crate::observer::{Observer, StopSignal};
use crate::optimizer::Optimizer;

use super::tally::{Tally, Underway};
use super::waiting::{DoneStep, Step, Waiting};

/// Most step metrics of one epoch: enough for a curve.
const STEP_METRICS_PER_EPOCH_MAX: usize = 100;
/// Step metrics are passed on at least this often while they arise; those of one block together.
const STEP_METRICS_INTERVAL: Duration = Duration::from_secs(1);

/// How an epoch ended.
pub(super) enum EpochEnd {
    Done,
    Stopped,
    Diverged(String),
}

/// How an epoch's training ended.
pub(super) enum PassEnd {
    /// Every batch is done.
    Trained(Underway),
    /// A stop came before the next batch.
    Stopped(Underway),
    /// What was seen.
    Diverged(String),
}

/// Step metrics of an attempt on their way to the observer.
pub(super) struct Steps<'a> {
    observer: &'a mut dyn Observer,
    sequence: u64,
    waiting: Vec<StepMetric>,
    pub(super) passed_on: Instant,
}

impl<'a> Steps<'a> {
    pub(super) fn new(observer: &'a mut dyn Observer) -> Self {
        Self { observer, sequence: 0, waiting: Vec::new(), passed_on: Instant::now() }
    }

    fn add(&mut self, epoch: u32, step: u64, loss: f64, examples_per_second: f64) {
        self.waiting.push(StepMetric { sequence: self.sequence, epoch, step, loss, examples_per_second });
        self.sequence += 1;
    }

    /// Passes on what waits, where that was not done lately.
    fn flush_if_due(&mut self) -> Result<(), TrainError> {
        if self.passed_on.elapsed() >= STEP_METRICS_INTERVAL { self.flush() } else { Ok(()) }
    }

    /// Passes on what waits.
    pub(super) fn flush(&mut self) -> Result<(), TrainError> {
        self.passed_on = Instant::now();
        if self.waiting.is_empty() {
            return Ok(());
        }
        let points = std::mem::take(&mut self.waiting);
        self.observer.steps(&points).map_err(TrainError::Observer)
    }

    /// Tells that an epoch begins.
    pub(super) fn epoch_begins(&mut self, is_resumed: bool) {
        self.observer.epoch_begins(is_resumed);
    }

    /// Passes on what waits, then the epoch.
    pub(super) fn epoch(&mut self, metric: &EpochMetric, checkpoint: &Path) -> Result<(), TrainError> {
        self.flush()?;
        self.observer.epoch(metric, checkpoint).map_err(TrainError::Observer)
    }
}

/// One pass over the training split.
pub(super) struct Pass<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) batch_size: usize,
    pub(super) seed: u64,
    pub(super) epoch: u32,
}

impl Pass<'_> {
    /// Trains on every batch after those that an earlier attempt did.
    pub(super) fn run(
        &self,
        model: &mut Model,
        optimizer: &mut Optimizer,
        steps: &mut Steps<'_>,
        stop: &dyn StopSignal,
        from: Underway,
    ) -> Result<PassEnd, TrainError> {
        let batches = training_batches(self.dataset.view(), self.batch_size, self.seed, self.epoch);
        let done = from.batches as usize;
        let mut account = Account::new(self.epoch, batches.len(), from);
        for (place, rows) in batches.iter().enumerate().skip(done) {
            if stop.requested() {
                return account.end(steps, PassEnd::Stopped);
            }
            let batch = Batch::of_split(self.dataset.view(), Split::Train, rows);
            account.waiting.push(self.step(model, optimizer, place, batch)?);
            if account.waiting.are_due()
                && let Some(message) = account.settle(steps)?
            {
                return Ok(PassEnd::Diverged(message));
            }
        }
        account.end(steps, PassEnd::Trained)
    }

    /// One optimiser step, whose results wait.
    fn step(
        &self,
        model: &mut Model,
        optimizer: &mut Optimizer,
        place: usize,
        batch: Batch,
    ) -> Result<Step, TrainError> {
        let number = optimizer.steps() + 1;
        let (scores, gradients) = model.learn(&batch, DropoutKey { seed: self.seed, step: number })?;
        let norm = optimizer.step(model.parameters(), &gradients)?;
        Ok(Step { place, number, labels: batch.labels, scores, norm })
    }
}

/// What is known of a pass, and what waits.
struct Account {
    epoch: u32,
    /// Batches of the epoch.
    batches: usize,
    waiting: Waiting,
    underway: Underway,
    /// When the newest block was brought.
    brought_at: Instant,
    /// Time that the batches since the last step metric took.
    recent_seconds: f64,
}

impl Account {
    fn new(epoch: u32, batches: usize, underway: Underway) -> Self {
        let (waiting, brought_at) = (Waiting::default(), Instant::now());
        Self { epoch, batches, waiting, underway, brought_at, recent_seconds: 0.0 }
    }

    /// Brings what waits and counts it; how a step has diverged, where one has. The time of a block is dealt to its steps by their
    /// examples: nobody sees when each of them was done.
    fn settle(&mut self, steps: &mut Steps<'_>) -> Result<Option<String>, TrainError> {
        let block = self.waiting.bring()?;
        let examples: usize = block.iter().map(|step| step.labels.len()).sum();
        let seconds = self.brought_at.elapsed().as_secs_f64();
        self.brought_at = Instant::now();
        for step in block {
            if let Some(message) = step.divergence() {
                steps.flush()?;
                return Ok(Some(message));
            }
            self.count(&step, seconds * step.labels.len() as f64 / examples as f64, steps);
        }
        steps.flush_if_due()?;
        Ok(None)
    }

    fn count(&mut self, step: &DoneStep, seconds: f64, steps: &mut Steps<'_>) {
        let Underway { all, recent, .. } = &mut self.underway;
        all.add(&step.scored, &step.labels);
        recent.add(&step.scored, &step.labels);
        self.recent_seconds += seconds;
        let every = self.batches.div_ceil(STEP_METRICS_PER_EPOCH_MAX);
        let done = step.place + 1;
        if done.is_multiple_of(every) || done == self.batches {
            steps.add(self.epoch, step.number, recent.loss(), recent.rate(self.recent_seconds));
            (*recent, self.recent_seconds) = (Tally::default(), 0.0);
        }
        self.underway.batches = done as u32;
        self.underway.seconds += seconds;
    }

    /// The end of the pass, unless what waited says another one.
    fn end(mut self, steps: &mut Steps<'_>, end: fn(Underway) -> PassEnd) -> Result<PassEnd, TrainError> {
        let diverged = self.settle(steps)?;
        steps.flush()?;
        Ok(diverged.map_or_else(|| end(self.underway), PassEnd::Diverged))
    }
}

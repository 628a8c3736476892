//! One pass over the training split, and the step metrics on the way.

use std::path::Path;
use std::time::{Duration, Instant};

use sweep_proto::encoded::Split;
use sweep_proto::{EpochMetric, StepMetric};

use crate::data::{Batch, Dataset, training_batches};
use crate::error::TrainError;
use crate::model::loss::Scored;
use crate::model::{DropoutKey, Model};
use crate::observer::{Observer, StopSignal};
use crate::optimizer::Optimizer;

use super::tally::{Tally, Underway};

/// Most step metrics of one epoch: enough for a curve.
const STEP_METRICS_PER_EPOCH_MAX: usize = 100;
/// Step metrics are passed on at least this often while they arise.
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
    passed_on: Instant,
}

impl<'a> Steps<'a> {
    pub(super) fn new(observer: &'a mut dyn Observer) -> Self {
        Self { observer, sequence: 0, waiting: Vec::new(), passed_on: Instant::now() }
    }

    fn add(&mut self, epoch: u32, step: u64, loss: f64, examples_per_second: f64) -> Result<(), TrainError> {
        self.waiting.push(StepMetric { sequence: self.sequence, epoch, step, loss, examples_per_second });
        self.sequence += 1;
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
        let every = batches.len().div_ceil(STEP_METRICS_PER_EPOCH_MAX);
        let (started, seconds_before) = (Instant::now(), from.seconds);
        let mut underway = from;
        let mut recent_since = started;
        for (place, rows) in batches.iter().enumerate().skip(underway.batches as usize) {
            if stop.requested() {
                steps.flush()?;
                return Ok(PassEnd::Stopped(underway));
            }
            let batch = Batch::of_split(self.dataset.view(), Split::Train, rows);
            let scored = match self.step(model, optimizer, &batch)? {
                Ok(scored) => scored,
                Err(message) => {
                    steps.flush()?;
                    return Ok(PassEnd::Diverged(message));
                }
            };
            let Underway { all, recent, .. } = &mut underway;
            all.add(&scored, &batch.labels);
            recent.add(&scored, &batch.labels);
            if (place + 1) % every == 0 || place + 1 == batches.len() {
                let rate = recent.rate(recent_since.elapsed().as_secs_f64());
                steps.add(self.epoch, optimizer.steps(), recent.loss(), rate)?;
                (*recent, recent_since) = (Tally::default(), Instant::now());
            }
            underway.batches = place as u32 + 1;
            underway.seconds = seconds_before + started.elapsed().as_secs_f64();
        }
        Ok(PassEnd::Trained(underway))
    }

    /// One optimiser step. The inner `Err` says how it diverged.
    fn step(
        &self,
        model: &mut Model,
        optimizer: &mut Optimizer,
        batch: &Batch,
    ) -> Result<Result<Scored, String>, TrainError> {
        let step = optimizer.steps() + 1;
        let (scored, gradients) = model.learn(batch, DropoutKey { seed: self.seed, step })?;
        let loss = scored.mean_loss();
        if !loss.is_finite() {
            return Ok(Err(format!("the training loss is {loss} at step {step}")));
        }
        let norm = optimizer.step(model.parameters(), &gradients)?;
        if !norm.is_finite() {
            return Ok(Err(format!("the gradient's norm is {norm} at step {step}")));
        }
        Ok(Ok(scored))
    }
}

//! The life of one trial: epochs of training and validation until its end.

mod calibration;
mod epoch;
mod evaluation;
mod group;
mod memory;
mod ranking;
mod tally;
#[cfg(test)]
mod tests;
mod waiting;

use std::path::{Path, PathBuf};
use std::time::Instant;

use sweep_proto::encoded::Split;
use sweep_proto::{EpochMetric, TestMetric, TrialSpec};

use crate::checkpoint::{Checkpoint, Progress};
use crate::data::Dataset;
use crate::device::DeviceChoice;
use crate::error::TrainError;
use crate::model::{Model, ModelShape, Named};
use crate::observer::{Observer, StopSignal};
use crate::optimizer::Optimizer;
use crate::request::{Completed, Ended, Halt, TrainRequest};
use crate::weights_file::{self, Expected};

pub(crate) use evaluation::Evaluation;
pub use group::{Member, OnEnd, train_group};
pub use memory::peak_bytes as peak_memory_bytes;
pub(crate) use tally::Underway;

use epoch::{EpochEnd, PassEnd, Steps};

/// The checkpoint's name in the work directory.
const CHECKPOINT_FILE: &str = "checkpoint.safetensors";
/// The name of the best weights in the work directory.
const MODEL_FILE: &str = "model.safetensors";

/// Trains one trial, from its checkpoint if the request has one.
///
/// # Errors
/// [`TrainError`]; its [`kind`](TrainError::kind) says whether another try may succeed.
pub fn train(
    request: &TrainRequest<'_>,
    observer: &mut dyn Observer,
    stop: &dyn StopSignal,
) -> Result<Ended, TrainError> {
    let dataset = open_dataset(request.dataset)?;
    let mut trial = Trial::prepare(*request, &dataset)?;
    let mut steps = Steps::new(observer);
    loop {
        if let Some(ended) = trial.turn(&mut steps, stop)? {
            return Ok(ended);
        }
    }
}

/// A dataset to train on.
fn open_dataset(path: &Path) -> Result<Dataset, TrainError> {
    let dataset = Dataset::open(path)?;
    dataset.require(Split::Train)?;
    dataset.require(Split::Validation)?;
    Ok(dataset)
}

/// Measures a trial's best weights (`model.safetensors`) on the test split; `None` where a stop was requested.
///
/// # Errors
/// As for [`train`].
pub fn evaluate(
    spec: &TrialSpec,
    dataset: &Path,
    model: &Path,
    device: DeviceChoice,
    stop: &dyn StopSignal,
) -> Result<Option<TestMetric>, TrainError> {
    let dataset = Dataset::open(dataset)?;
    dataset.require(Split::Test)?;
    let shape = ModelShape::new(&spec.configuration, dataset.header())?;
    let mut model = load_model(shape, model, device)?;
    let Some(evaluation) = Evaluation::of_split(&mut model, &dataset, Split::Test, stop)? else {
        return Ok(None);
    };
    if !evaluation.loss().is_finite() {
        return Err(TrainError::NotFinite { what: "the loss on the test split" });
    }
    Ok(Some(evaluation.test_metric()))
}

/// A model with the weights of a `model.safetensors`.
pub(crate) fn load_model(shape: ModelShape, path: &Path, device: DeviceChoice) -> Result<Model, TrainError> {
    let expected: Expected = shape.parameters().into_iter().map(|one| (one.name, one.dimensions)).collect();
    let file = weights_file::read(path, &expected)?;
    Model::with_weights(shape, &file.tensors, &device.open()?)
}

/// What a checkpoint holds, and where it is.
fn halt(progress: &Progress, path: PathBuf) -> Halt {
    let batches = progress.underway.as_ref().map_or(0, |underway| underway.batches);
    Halt { epoch: progress.epoch, batches, path }
}

/// A trial in training.
struct Trial<'a> {
    request: TrainRequest<'a>,
    dataset: &'a Dataset,
    model: Model,
    optimizer: Optimizer,
    progress: Progress,
    best: Named,
    newest: Option<Halt>,
}

impl<'a> Trial<'a> {
    fn prepare(request: TrainRequest<'a>, dataset: &'a Dataset) -> Result<Self, TrainError> {
        let spec = request.spec;
        let device = request.device.open()?;
        let shape = ModelShape::new(&spec.configuration, dataset.header())?;
        let Some(path) = request.checkpoint else {
            let model = Model::initial(shape, spec.seed, &device)?;
            let optimizer = Optimizer::new(&spec.configuration, model.parameters())?;
            let progress = Progress::start(spec);
            return Ok(Self {
                request,
                dataset,
                model,
                optimizer,
                progress,
                best: Named::new(),
                newest: None,
            });
        };
        let mut model = Model::initial(shape.clone(), spec.seed, &device)?;
        let mut optimizer = Optimizer::new(&spec.configuration, model.parameters())?;
        let checkpoint = Checkpoint::read(path, spec, &shape, optimizer.state())?;
        model = Model::with_weights(model.shape().clone(), &checkpoint.weights, &device)?;
        optimizer.restore(checkpoint.progress.steps, &checkpoint.optimizer)?;
        let newest = Some(halt(&checkpoint.progress, path.to_owned()));
        let (progress, best) = (checkpoint.progress, checkpoint.best);
        Ok(Self { request, dataset, model, optimizer, progress, best, newest })
    }

    /// Trains one epoch, unless none follows; how the trial has ended, where it has.
    fn turn(&mut self, steps: &mut Steps<'_>, stop: &dyn StopSignal) -> Result<Option<Ended>, TrainError> {
        if self.is_over().is_none() && !self.has_reached() {
            match self.epoch(steps, stop)? {
                EpochEnd::Done => {}
                EpochEnd::Stopped => return Ok(Some(Ended::Stopped { checkpoint: self.newest.clone() })),
                EpochEnd::Diverged(message) => {
                    return Ok(Some(Ended::Diverged { epoch: self.progress.epoch + 1, message }));
                }
            }
        }
        match self.is_over() {
            Some(early_stopped) => self.complete(early_stopped).map(|one| Some(Ended::Completed(one))),
            None => Ok(self.has_reached().then_some(Ended::Reached { epoch: self.progress.epoch })),
        }
    }

    /// Whether it has come as far as it is to train now.
    fn has_reached(&self) -> bool {
        self.request.until_epoch.is_some_and(|until| self.progress.epoch >= until)
    }

    /// Whether no epoch follows, and if so, whether that is for lack of improvement.
    fn is_over(&self) -> Option<bool> {
        let configuration = &self.request.spec.configuration;
        if u64::from(self.progress.epoch) >= configuration.epochs() {
            return Some(false);
        }
        let patience = configuration.patience();
        let impatient = patience > 0 && u64::from(self.progress.epochs_without_improvement()) >= patience;
        impatient.then_some(true)
    }

    /// Trains and validates one epoch, keeps what is best, writes the checkpoint, tells the observer.
    fn epoch(&mut self, steps: &mut Steps<'_>, stop: &dyn StopSignal) -> Result<EpochEnd, TrainError> {
        let started = Instant::now();
        let epoch = self.progress.epoch + 1;
        let batch_size = self.request.spec.configuration.batch_size() as usize;
        let seed = self.request.spec.seed;
        let pass = epoch::Pass { dataset: self.dataset, batch_size, seed, epoch };
        let from = self.progress.underway.clone().unwrap_or_default();
        let seconds_before = from.seconds;
        steps.epoch_begins(from.batches > 0);
        let trained = match pass.run(&mut self.model, &mut self.optimizer, steps, stop, from)? {
            PassEnd::Trained(trained) => trained,
            PassEnd::Stopped(underway) => return self.halt(underway),
            PassEnd::Diverged(message) => return Ok(EpochEnd::Diverged(message)),
        };
        let Some(validation) = Evaluation::of_split(&mut self.model, self.dataset, Split::Validation, stop)?
        else {
            steps.flush()?;
            return self.halt(trained);
        };
        if !validation.loss().is_finite() {
            return Ok(EpochEnd::Diverged(format!("the validation loss is {}", validation.loss())));
        }
        self.advance(epoch, &validation)?;
        let metric = EpochMetric {
            epoch,
            train_loss: trained.all.loss(),
            train_accuracy: trained.all.accuracy(),
            validation_loss: validation.loss(),
            validation_accuracy: validation.accuracy(),
            validation_macro_f1: validation.macro_f1(),
            seconds: seconds_before + started.elapsed().as_secs_f64(),
            examples_per_second: trained.all.rate(trained.seconds),
            peak_memory_bytes: memory::peak_bytes(),
            energy_joules: None,
        };
        let path = self.request.directory.join(CHECKPOINT_FILE);
        steps.epoch(&metric, &path)?;
        self.newest = Some(halt(&self.progress, path));
        Ok(EpochEnd::Done)
    }

    /// Keeps what an interrupted epoch has done so far, unless that is nothing.
    fn halt(&mut self, underway: Underway) -> Result<EpochEnd, TrainError> {
        if underway.batches > self.progress.underway.as_ref().map_or(0, |before| before.batches) {
            self.progress.underway = Some(underway);
            self.progress.steps = self.optimizer.steps();
            let path = self.request.directory.join(CHECKPOINT_FILE);
            self.write_checkpoint(self.model.weights()?, &path)?;
            self.newest = Some(halt(&self.progress, path));
        }
        Ok(EpochEnd::Stopped)
    }

    fn advance(&mut self, epoch: u32, validation: &Evaluation) -> Result<(), TrainError> {
        self.progress.epoch = epoch;
        self.progress.underway = None;
        self.progress.steps = self.optimizer.steps();
        let weights = self.model.weights()?;
        if validation.loss() < self.progress.best_loss {
            self.progress.best_epoch = epoch;
            self.progress.best_loss = validation.loss();
            self.progress.best_accuracy = validation.accuracy();
            self.best.clone_from(&weights);
        }
        self.write_checkpoint(weights, &self.request.directory.join(CHECKPOINT_FILE))
    }

    fn write_checkpoint(&self, weights: Named, path: &Path) -> Result<(), TrainError> {
        // Before the first validation nothing is best: the present weights stand in, and whatever comes is better.
        let best = if self.progress.best_epoch == 0 { weights.clone() } else { self.best.clone() };
        let optimizer = self.optimizer.state().clone();
        Checkpoint { progress: self.progress.clone(), weights, best, optimizer }.write(path)
    }

    fn complete(&self, early_stopped: bool) -> Result<Completed, TrainError> {
        let model = self.request.directory.join(MODEL_FILE);
        weights_file::write(&model, &self.best, ("format", "pt".to_owned()))?;
        Ok(Completed {
            best_epoch: self.progress.best_epoch,
            epochs: self.progress.epoch,
            early_stopped,
            score: self.progress.best_loss,
            accuracy: self.progress.best_accuracy,
            parameters: self.model.shape().parameter_count(),
            model,
        })
    }
}

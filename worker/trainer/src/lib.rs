//! Models, kernels, optimisers and the training loop of one trial.
//!
//! The crate is synchronous and knows no network: [`train`] tells an [`Observer`] what it measures and
//! asks a [`StopSignal`] whether to end. Equal trials give equal bits on the same build and SIMD level,
//! whatever the number of threads and interruptions.

mod device;
mod error;
mod observer;
mod request;

pub use device::DeviceChoice;
pub use error::TrainError;
pub use observer::{Observer, StopSignal};
pub use request::{Completed, Ended, Prediction, TrainRequest};

use std::path::Path;

use sweep_proto::{TestMetric, TrialSpec};

fn unfinished<T>() -> Result<T, TrainError> {
    Err(TrainError::Rejected("training is not built into this commit".into()))
}

/// Trains one trial, from its checkpoint if the request has one.
pub fn train(
    _request: &TrainRequest<'_>,
    _observer: &mut dyn Observer,
    _stop: &dyn StopSignal,
) -> Result<Ended, TrainError> {
    unfinished()
}

/// Measures a trial's best weights (`model.safetensors`) on the test split.
pub fn evaluate(
    _spec: &TrialSpec,
    _dataset: &Path,
    _model: &Path,
    _device: DeviceChoice,
) -> Result<TestMetric, TrainError> {
    unfinished()
}

/// Classifies texts with the model in a directory.
pub fn predict(
    _directory: &Path,
    _texts: &[String],
    _device: DeviceChoice,
) -> Result<Vec<Prediction>, TrainError> {
    unfinished()
}

//! Models, kernels, optimisers and the training loop of a trial, or of a group of trials by turns.
//!
//! The crate is synchronous and knows no network: [`train`] tells an [`Observer`] what it measures and
//! asks a [`StopSignal`] whether to end. Equal trials give equal bits on the same build and SIMD level,
//! whatever the number of threads and interruptions.

mod checkpoint;
mod data;
mod device;
mod error;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod interchange;
mod kernels;
pub mod measure;
mod model;
pub mod model_directory;
mod observer;
mod optimizer;
mod request;
#[cfg(test)]
mod testing;
mod training;
mod transfer;
mod weights_file;

pub use device::{DeviceChoice, DeviceChoiceError};
pub use error::TrainError;
pub use model_directory::predict;
pub use observer::{Observer, StopSignal};
pub use request::{Completed, Ended, Halt, Prediction, TrainRequest};
pub use training::{Member, OnEnd, evaluate, peak_memory_bytes, train, train_group};

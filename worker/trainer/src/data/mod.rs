//! Reading the encoded dataset and cutting it into batches.

mod batches;
mod dataset;

pub(crate) use batches::{Batch, evaluation_batches, training_batches};
pub(crate) use dataset::Dataset;

//! Why a trial could not be trained, evaluated or predicted with.

use std::io;
use std::path::PathBuf;

use sweep_proto::FailureKind;
use sweep_proto::encoded::EncodedError;
use thiserror::Error;

/// Everything that ends an attempt without a result.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The encoded dataset cannot be opened.
    #[error("the encoded dataset {path} cannot be read")]
    DatasetFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The encoded dataset is damaged.
    #[error("the encoded dataset {path} is damaged: fetch it again")]
    DatasetContent {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: EncodedError,
    },
    /// A split has no rows.
    #[error("the {split} split of the dataset is empty")]
    EmptySplit {
        /// The split's name.
        split: &'static str,
    },
    /// The configuration cannot be trained on this dataset.
    #[error("the configuration cannot be used: {0}")]
    Rejected(String),
    /// A checkpoint or weights file is damaged or belongs to something else.
    #[error("{path} cannot be used: {reason}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of the work directory cannot be read or written.
    #[error("{path} cannot be {action}")]
    File {
        /// What was tried: "read", "written", ...
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of a model directory does not hold what it should.
    #[error("{path} of the model cannot be understood: {reason}")]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What a model computes left every bound: such weights are read, but say nothing.
    #[error("{what} is not a finite number: these are not the weights of a trained model")]
    NotFinite {
        /// What was computed.
        what: &'static str,
    },
    /// The observer could not take a metric.
    #[error("the trial's metrics cannot be passed on")]
    Observer(#[source] io::Error),
    /// The device cannot be opened.
    #[error("the device {device} cannot be used")]
    Device {
        /// As chosen.
        device: String,
        /// What candle said.
        source: Box<candle_core::Error>,
    },
    /// Memory does not suffice.
    #[error("memory does not suffice: {0}")]
    OutOfMemory(String),
    /// A tensor operation failed.
    #[error("a tensor operation failed")]
    Tensor(#[source] Box<candle_core::Error>),
}

impl TrainError {
    /// What kind of failure this is for the coordinator: it decides whether the trial is tried again.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::DatasetFile { .. } | Self::DatasetContent { .. } | Self::File { .. } => FailureKind::Data,
            Self::EmptySplit { .. } | Self::Rejected(_) | Self::ModelFile { .. } | Self::NotFinite { .. } => {
                FailureKind::Rejected
            }
            // A damaged checkpoint is fetched anew, or the trial starts from its beginning.
            Self::Weights { .. } => FailureKind::Data,
            Self::Observer(_) => FailureKind::Crashed,
            Self::Device { .. } | Self::Tensor(_) => FailureKind::Device,
            Self::OutOfMemory(_) => FailureKind::OutOfMemory,
        }
    }
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        let text = error.to_string();
        if text.contains("OUT_OF_MEMORY") || text.contains("out of memory") {
            return Self::OutOfMemory(text);
        }
        Self::Tensor(Box::new(error))
    }
}

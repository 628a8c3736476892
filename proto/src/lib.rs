//! The words of the project: domain values, wire messages, and the conversions between the two.
//!
//! This crate must not know storage, servers or candle. Everything that both the coordinator and
//! the worker need to agree on lives here, and nothing else does.

pub mod access;
pub mod artifact;
pub mod configuration;
pub mod data_account;
pub mod digest;
pub mod encoded;
pub mod front_objective;
mod grouped;
pub mod hyperparameter;
pub mod ids;
pub mod left_out;
pub mod measure;
pub mod metric;
pub mod model_size;
mod nearest;
pub mod objective;
pub mod outcome;
pub mod protocol;
pub mod reading;
pub mod search;
pub mod space;
pub mod state;
pub mod sweep_file;
pub mod sweep_spec;
pub mod text;
pub mod time;
pub mod trial;
mod values;
pub mod worker;

#[cfg(feature = "wire")]
pub mod convert;
#[cfg(feature = "wire")]
pub mod wire;

pub use sweep_random as random;

pub use access::{Role, Token, TokenId};
pub use artifact::{ArtifactKind, ArtifactRef, CheckpointRef};
pub use configuration::{Configuration, Value, ValueError};
pub use data_account::{DataAccount, DataWarning};
pub use digest::{Digest, SharedDigest};
pub use front_objective::{FrontObjective, FurtherObjectives, OBJECTIVES_MAX};
pub use hyperparameter::{Hyperparameter, Kind, Section};
pub use ids::{AttemptId, ConfigurationIndex, LeaseToken, SweepId, TrialId, TrialKey, WorkerId};
pub use metric::{ConfidenceBin, EpochFigure, EpochMetric, HardExample, StepMetric, TestFigure, TestMetric};
pub use objective::Objective;
pub use outcome::{AttemptOutcome, FailureKind, TrialResult};
pub use reading::{HtmlBreaks, Reading};
pub use search::{Amount, Budget, MeteredPart, PrunerName, SamplerName, Search};
pub use space::{Axis, Bounds, Condition, Constraint, Constraints, Domain, Range};
pub use state::{AttemptState, SweepState, TrialState, WorkerCondition, WorkerState};
pub use sweep_spec::{DataSource, DataSpec, SweepSpec};
pub use time::Timestamp;
pub use trial::{TrialSpec, WorkKind};
pub use worker::{Device, DeviceKind, WorkerProfile};

//! Names of things: each its own type, so that no two can be confused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::digest::Digest;

/// Text that is not the identifier it should be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("\"{text}\" is not {expected}")]
pub struct IdError {
    text: String,
    expected: &'static str,
}

impl IdError {
    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.chars().take(80).collect(), expected }
    }
}

/// A sweep: the coordinator numbers them from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SweepId(pub u64);

impl fmt::Display for SweepId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for SweepId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self).map_err(|_| IdError::new(text, "a sweep's number"))
    }
}

/// A trial: the sweep it belongs to and its position in it, from 0. Written `3/17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TrialId {
    /// The sweep.
    pub sweep: SweepId,
    /// Position in the sweep, from 0.
    pub index: u32,
}

impl fmt::Display for TrialId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.sweep, self.index)
    }
}

impl FromStr for TrialId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError::new(text, "a trial such as 3/17");
        let (sweep, index) = text.split_once('/').ok_or_else(error)?;
        Ok(Self { sweep: sweep.parse()?, index: index.parse().map_err(|_| error())? })
    }
}

/// A configuration within its sweep: numbered from 0, in the order in which trials first have it. Within a sweep, equal
/// numbers mean equal configurations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigurationIndex(pub u32);

/// What a trial *is*, wherever it runs: the digest of its configuration, replicate seed, dataset and
/// numerics version. Two trials with the same key have the same result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrialKey(pub Digest);

impl fmt::Display for TrialKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// One try of a trial, numbered from 1. Written `3/17/1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// The trial.
    pub trial: TrialId,
    /// Which try, from 1.
    pub number: u32,
}

impl fmt::Display for AttemptId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.trial, self.number)
    }
}

/// The fencing token of a lease. Tokens only ever grow, so an older one names a lost lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseToken(pub u64);

impl fmt::Display for LeaseToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A worker process's identity. It chooses one when it first starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub Uuid);

impl WorkerId {
    /// A new identity. Only the shell of a worker or a test calls this.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for WorkerId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self).map_err(|_| IdError::new(text, "a worker's UUID"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_ids_are_read_again() {
        let trial = TrialId { sweep: SweepId(3), index: 17 };
        assert_eq!(trial.to_string().parse(), Ok(trial));
        assert_eq!(AttemptId { trial, number: 2 }.to_string(), "3/17/2");
        assert!("3-17".parse::<TrialId>().is_err());
        assert!("3/-1".parse::<TrialId>().is_err());
    }
}

//! What a report is made from: the records of one sweep, as the store holds them.

use std::collections::BTreeMap;

use coordinator_core::{AttemptRecord, EpochRecord, SweepRecord, TrialRecord, WorkerRecord};
use sweep_proto::Digest;

/// The records of one sweep, and of the trials that it reused.
///
/// A reused trial has its result and test metric itself, but its epochs stand under the trial that
/// trained them: `epochs` and `attempts` hold those of the originals too.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportInput {
    /// The sweep.
    pub sweep: SweepRecord,
    /// Its trials.
    pub trials: Vec<TrialRecord>,
    /// The attempts of its trials and of the originals of reused trials.
    pub attempts: Vec<AttemptRecord>,
    /// The epochs of its trials and of the originals of reused trials.
    pub epochs: Vec<EpochRecord>,
    /// The workers that took part.
    pub workers: Vec<WorkerRecord>,
    /// Of when the report is, in milliseconds since the Unix epoch: the end of an ended sweep, else when it is made. The only
    /// clock of a report.
    pub generated_at_ms: u64,
    /// The version of the program that makes it.
    pub build: String,
    /// What devices cost; empty where nobody said.
    pub prices: Vec<Price>,
    /// Texts of the hardest test examples, by dataset and row of the test split, by their beginnings. They are no records;
    /// empty where the data is private.
    pub texts: BTreeMap<(Digest, u64), String>,
}

/// What an hour of a device costs, in any currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// A part of the device's model name, in upper or lower case; empty for every device that no other price names.
    pub device: String,
    /// Per hour of one device.
    pub per_device_hour: f64,
}

//! The digest of what a report is made from, to hold a signed report against the store.

use std::io;

use coordinator_core::{AttemptRecord, EpochRecord, SweepRecord, TrialRecord};
use serde::Serialize;
use sweep_proto::Digest;
use sweep_proto::digest::Hasher;

use crate::input::ReportInput;

/// SHA-256 over the sweep, its trials, attempts and epochs as JSON lines, sorted: the same for the same records,
/// whenever it is made. Workers are left out, because they come and go after the sweep's end, and so are leases and
/// checkpoints, which no number of the report is made from.
///
/// # Errors
/// Where a path of the sweep is not Unicode.
pub fn records_digest(input: &ReportInput) -> Result<Digest, serde_json::Error> {
    let mut lines = Lines(Hasher::default());
    let ReportInput { sweep, trials, attempts, epochs, .. } = input;
    lines.push::<SweepRecord>("sweep", sweep)?;
    let mut trials: Vec<&TrialRecord> = trials.iter().collect();
    trials.sort_by_key(|trial| trial.spec.id);
    for trial in trials {
        lines.push::<TrialRecord>("trial", &lasting(trial))?;
    }
    let mut attempts: Vec<&AttemptRecord> = attempts.iter().collect();
    attempts.sort_by_key(|attempt| (attempt.id, attempt.token));
    for attempt in attempts {
        lines.push::<AttemptRecord>("attempt", attempt)?;
    }
    let mut epochs: Vec<&EpochRecord> = epochs.iter().collect();
    epochs.sort_by_key(|epoch| (epoch.trial, epoch.metric.epoch, epoch.attempt));
    for epoch in epochs {
        lines.push::<EpochRecord>("epoch", epoch)?;
    }
    Ok(lines.0.finish())
}

/// A trial without what is forgotten once it has ended.
fn lasting(trial: &TrialRecord) -> TrialRecord {
    TrialRecord { lease: None, checkpoint: None, underway: None, outgrown_bytes: None, ..trial.clone() }
}

/// Lines that are hashed as they are written.
struct Lines(Hasher);

impl Lines {
    fn push<T: Serialize>(&mut self, what: &str, record: &T) -> Result<(), serde_json::Error> {
        self.0.update(what.as_bytes());
        serde_json::to_writer(&mut *self, record)?;
        self.0.update(b"\n");
        Ok(())
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

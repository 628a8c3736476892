//! The digest of what a report is made from, to hold a signed report against the store.

mod space;
mod sweep;
mod trial;

use std::io;

use coordinator_core::{AttemptRecord, EpochRecord, TrialRecord};
use serde::Serialize;
use sweep_proto::Digest;
use sweep_proto::digest::Hasher;

use crate::input::ReportInput;

/// What of the records is hashed, and in which form. A version stays as it is for good: reports that were signed with it are
/// held against the store by it.
///
/// The forms are written out in `records/`, apart from the forms of the store. A new field that earlier sweeps may have belongs to a
/// new version; the versions before leave it out. A field that no earlier sweep can have (an objective, further objectives, a
/// hyperparameter that is not at its default) is told in every version, and only where it says something: what was signed before
/// keeps its digest, and no version leaves out what a report follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Projection {
    /// The rows as they were stored when reports were first signed.
    First,
    /// The first, with every figure of the test split that the trainer measured, and the order of a sweep's trials.
    Second,
}

impl Projection {
    /// Every version, oldest first.
    pub const ALL: [Projection; 2] = [Projection::First, Projection::Second];

    /// What new reports are signed with.
    pub const NEWEST: Projection = Projection::Second;

    /// The number in signatures and messages, from 1.
    pub fn number(self) -> u32 {
        match self {
            Projection::First => 1,
            Projection::Second => 2,
        }
    }

    /// The version of that number; `None` where a later program made it.
    pub fn of_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.number() == number)
    }
}

/// SHA-256 over the sweep, its trials, attempts and epochs as JSON lines, sorted: the same for the same records,
/// whenever it is made. Workers are left out, because they come and go after the sweep's end, and so are leases and
/// checkpoints, which no number of the report is made from.
///
/// # Errors
/// Where a path of the sweep is not Unicode.
pub fn records_digest(input: &ReportInput, projection: Projection) -> Result<Digest, serde_json::Error> {
    let mut lines = Lines(Hasher::default());
    write_records(input, projection, &mut lines)?;
    Ok(lines.0.finish())
}

/// Writes the lines that [`records_digest`] hashes.
///
/// # Errors
/// Where a path of the sweep is not Unicode, and any error of the writer.
pub fn write_records(
    input: &ReportInput,
    projection: Projection,
    lines: &mut impl io::Write,
) -> Result<(), serde_json::Error> {
    let ReportInput { sweep, trials, attempts, epochs, .. } = input;
    push(lines, "sweep", &sweep::Sweep::of(sweep, projection))?;
    let mut trials: Vec<&TrialRecord> = trials.iter().collect();
    trials.sort_by_key(|trial| trial.spec.id);
    for trial in trials {
        push(lines, "trial", &trial::Trial::of(trial, projection))?;
    }
    let mut attempts: Vec<&AttemptRecord> = attempts.iter().collect();
    attempts.sort_by_key(|attempt| (attempt.id, attempt.token));
    for attempt in attempts {
        push(lines, "attempt", &trial::Attempt::of(attempt))?;
    }
    let mut epochs: Vec<&EpochRecord> = epochs.iter().collect();
    epochs.sort_by_key(|epoch| (epoch.trial, epoch.metric.epoch, epoch.attempt));
    for epoch in epochs {
        push(lines, "epoch", &trial::Epoch::of(epoch))?;
    }
    Ok(())
}

fn push<T: Serialize>(lines: &mut impl io::Write, what: &str, record: &T) -> Result<(), serde_json::Error> {
    lines.write_all(what.as_bytes()).map_err(serde_json::Error::io)?;
    serde_json::to_writer(&mut *lines, record)?;
    lines.write_all(b"\n").map_err(serde_json::Error::io)
}

/// Lines that are hashed as they are written.
struct Lines(Hasher);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

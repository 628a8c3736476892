//! Checks a data directory in which no coordinator works: everything that must hold of it, or what does not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use coordinator_core::{AuditHead, Engine, Tables};
use coordinator_store::{SqliteStore, StoreError, StoreReader};
use serde::Serialize;
use sweep_proto::{ArtifactRef, AttemptId, Digest, SweepId, Timestamp};
use thiserror::Error;

use crate::artifacts::Artifacts;
use crate::rpc::report::collect;
use crate::server::{ARTIFACTS, DATABASE, StartError, lock};

/// Audit entries read at once.
const AUDIT_PAGE: usize = 1_000;

/// Step metrics read at once.
const STEPS_PAGE: usize = 10_000;

/// Why nothing was checked.
#[derive(Debug, Error)]
pub enum FsckError {
    /// No coordinator has ever worked there.
    #[error("{} is no data directory: it has no {DATABASE}", .0.display())]
    NoDatabase(PathBuf),
    /// It is in use, or cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Sweeps.
    pub sweeps: u64,
    /// Trials of all sweeps.
    pub trials: u64,
    /// Attempts of all trials.
    pub attempts: u64,
    /// Epoch metrics.
    pub epochs: u64,
    /// Step metrics.
    pub steps: u64,
    /// Entries of the audit log.
    pub audit_entries: u64,
    /// Artifacts that rows refer to.
    pub artifacts: u64,
    /// Their bytes.
    pub artifact_bytes: u64,
    /// Every violation, in words; empty where all is well.
    pub problems: Vec<String>,
}

/// Checks the database, the rows against one another, step metrics and artifacts. `strict` reads every
/// byte of every artifact and renders every report twice, too.
///
/// # Errors
/// [`FsckError`] where nothing can be checked; what is wrong with the content is among the findings.
pub fn fsck(directory: &Path, strict: bool) -> Result<Findings, FsckError> {
    let database = directory.join(DATABASE);
    if !database.is_file() {
        return Err(FsckError::NoDatabase(directory.to_owned()));
    }
    let _lock = lock(directory)?;
    let mut findings = Findings::default();
    let mut store = SqliteStore::open(&database)?;
    findings.problems.extend(store.integrity()?);
    let tables = match store.load() {
        Ok(tables) => tables,
        Err(error @ StoreError::Corrupt { .. }) => {
            // Nothing that rows say can be believed any more.
            findings.problems.push(error.to_string());
            return Ok(findings);
        }
        Err(error) => return Err(error.into()),
    };
    findings.count(&tables);
    findings.steps(&mut store, &tables)?;
    findings.audit_log(&mut store)?;
    findings.artifacts(&directory.join(ARTIFACTS), &tables, strict);
    let engine = Engine::restore(tables, Timestamp(0));
    findings.problems.extend(engine.audit());
    if strict {
        findings.reports(&engine);
    }
    Ok(findings)
}

impl Findings {
    fn count(&mut self, tables: &Tables) {
        self.sweeps = tables.sweeps.len() as u64;
        self.trials = tables.trials.len() as u64;
        self.attempts = tables.attempts.len() as u64;
        self.epochs = tables.epochs.len() as u64;
    }

    /// Step metrics have no gap, no repetition, and only go forward.
    fn steps(&mut self, store: &mut SqliteStore, tables: &Tables) -> Result<(), StoreError> {
        for attempt in tables.attempts.keys() {
            match steps_of(store, *attempt) {
                Ok((count, is_ordered)) => {
                    self.steps += count;
                    if !is_ordered {
                        self.problems.push(format!("the step metrics of attempt {attempt} are not in order"));
                    }
                }
                Err(error @ StoreError::Corrupt { .. }) => self.problems.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Every entry of the audit log follows the one before.
    fn audit_log(&mut self, store: &mut SqliteStore) -> Result<(), StoreError> {
        let mut head = AuditHead::default();
        loop {
            let page = match store.read_audit(head.sequence + 1, AUDIT_PAGE) {
                Ok(page) => page,
                Err(error @ StoreError::Corrupt { .. }) => {
                    self.problems.push(error.to_string());
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            if page.is_empty() {
                return Ok(());
            }
            for entry in page {
                if let Err(problem) = head.advance(&entry) {
                    self.problems.push(format!("the audit log is broken: {problem}"));
                    return Ok(());
                }
                self.audit_entries += 1;
            }
        }
    }

    fn artifacts(&mut self, directory: &Path, tables: &Tables, strict: bool) {
        for (artifact, owner) in wanted(tables) {
            self.artifacts += 1;
            self.artifact_bytes += artifact.bytes;
            if let Some(problem) =
                artifact_problem(&Artifacts::path_in(directory, artifact.digest), artifact, strict)
            {
                self.problems.push(format!("artifact {} of {owner} {problem}", artifact.digest));
            }
        }
    }

    /// The same records give the same bytes.
    fn reports(&mut self, engine: &Engine) {
        for sweep in engine.tables().sweeps.keys() {
            if let Some(problem) = report_problem(engine, *sweep) {
                self.problems.push(format!("the report of sweep {sweep} {problem}"));
            }
        }
    }
}

/// How many step metrics an attempt has, and whether they are in order.
fn steps_of(store: &mut SqliteStore, attempt: AttemptId) -> Result<(u64, bool), StoreError> {
    let (mut count, mut is_ordered, mut last) = (0, true, None);
    loop {
        let points = store.read_steps(attempt, count, STEPS_PAGE)?;
        if points.is_empty() {
            return Ok((count, is_ordered));
        }
        for point in points {
            is_ordered &= point.sequence == count && last < Some((point.epoch, point.step));
            last = Some((point.epoch, point.step));
            count = count.max(point.sequence) + 1;
        }
    }
}

/// Every artifact that a row refers to, each with one of those who do.
fn wanted(tables: &Tables) -> BTreeMap<ArtifactRef, String> {
    let datasets = tables.sweeps.values().flat_map(|sweep| {
        sweep.datasets.iter().map(|dataset| (dataset.artifact, format!("sweep {}, a dataset,", sweep.id)))
    });
    let checkpoints = tables.trials.values().filter_map(|trial| {
        Some((trial.checkpoint?.artifact, format!("trial {}, its checkpoint,", trial.spec.id)))
    });
    let models = tables.trials.values().filter_map(|trial| {
        Some((trial.result.as_ref()?.model, format!("trial {}, its model,", trial.spec.id)))
    });
    datasets.chain(checkpoints).chain(models).collect()
}

fn artifact_problem(path: &Path, artifact: ArtifactRef, strict: bool) -> Option<String> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some("is missing".to_owned()),
        Err(error) => return Some(format!("cannot be read: {error}")),
        Ok(file) if file.len() != artifact.bytes => {
            return Some(format!("has {} bytes instead of {}", file.len(), artifact.bytes));
        }
        Ok(_) if !strict => return None,
        Ok(_) => {}
    }
    match File::open(path).and_then(Digest::of_reader) {
        Err(error) => Some(format!("cannot be read: {error}")),
        Ok(digest) => (digest != artifact.digest).then(|| "holds other bytes than were stored".to_owned()),
    }
}

fn report_problem(engine: &Engine, sweep: SweepId) -> Option<String> {
    let render = || -> Result<_, String> {
        let input = collect(engine, sweep, Timestamp(0)).ok_or("has no records")?;
        coordinator_report::render(&input).map_err(|error| format!("cannot be made: {error}"))
    };
    match (render(), render()) {
        (Ok(first), Ok(second)) => (first != second).then(|| "differs when it is made again".to_owned()),
        (Err(problem), _) | (_, Err(problem)) => Some(problem),
    }
}

//! Checks a data folder in which no coordinator works: everything that must hold of it, or what does not.

use std::path::PathBuf;

use coordinator_core::{AuditHead, Counts, Engine, Tables};
use coordinator_report::Language;
use coordinator_store::{PostgresStore, SqliteStore, StoreError, StoreReader};
use serde::Serialize;
use sweep_proto::digest::Hasher;
use sweep_proto::{ArtifactRef, AttemptId, SweepId, Timestamp};
use thiserror::Error;

use crate::artifacts::{ArtifactError, Artifacts};
use crate::audit_log;
use crate::place::{DATABASE, Place, StoreChoice};
use crate::rpc::report::collect;
use crate::start_error::StartError;
use crate::unfinished;

/// Step metrics read at once.
const STEPS_PAGE: usize = 10_000;

/// Why nothing was checked.
#[derive(Debug, Error)]
pub enum FsckError {
    /// No coordinator has ever worked there.
    #[error("{} is no data folder: it has no {DATABASE}", .0.display())]
    NoDatabase(PathBuf),
    /// It is in use, or cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The artifacts cannot be looked at.
    #[error("the artifacts cannot be checked: {0}")]
    Artifacts(String),
    /// The checking itself was cut off.
    #[error("the check was cut off: {0}")]
    CutOff(String),
}

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Sweeps.
    pub sweeps: u64,
    /// Their trials.
    pub trials: u64,
    /// Trials of deleted sweeps: later sweeps reuse them, or they are about to go.
    pub trials_of_deleted: u64,
    /// Attempts of all trials, those of deleted sweeps among them.
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
    /// Sweeps that the coordinator holds until somebody resumes them, each with the reason.
    pub held: Vec<String>,
    /// What the audit log itself says was wrong with it at an earlier start. The finding is permanent, also in backups.
    pub audit_damage: Vec<String>,
    /// Every other violation, in words; empty where all is well.
    pub problems: Vec<String>,
}

/// Checks the database, the rows against one another, step metrics and artifacts. `strict` reads every
/// byte of every artifact and renders every report twice, too.
///
/// # Errors
/// [`FsckError`] where nothing can be checked; what is wrong with the content is among the findings.
pub async fn fsck(place: &Place, strict: bool) -> Result<Findings, FsckError> {
    unfinished::refuse(&place.data_directory)?;
    if place.store == StoreChoice::Sqlite && !place.data_directory.join(DATABASE).is_file() {
        return Err(FsckError::NoDatabase(place.data_directory.clone()));
    }
    let _lock = place.lock()?;
    if let StoreChoice::Postgres(url) = &place.store {
        let url = url.clone();
        let checked =
            tokio::task::spawn_blocking(move || PostgresStore::open(url.as_str())?.check_complete());
        checked.await.map_err(|error| FsckError::CutOff(error.to_string()))??;
    }
    check(place, strict).await
}

/// As [`fsck`], for who holds the lock.
///
/// # Errors
/// Those of [`fsck`].
pub(crate) async fn check(place: &Place, strict: bool) -> Result<Findings, FsckError> {
    let rows = place.clone();
    let rows = tokio::task::spawn_blocking(move || check_rows(&rows, strict)).await;
    let (mut findings, tables) = rows.map_err(|error| FsckError::CutOff(error.to_string()))??;
    if let Some(tables) = tables {
        let unusable = |error: ArtifactError| FsckError::Artifacts(error.to_string());
        let artifacts = Artifacts::look(&place.artifacts()).map_err(unusable)?;
        findings.artifacts(&artifacts, &tables, strict).await;
    }
    Ok(findings)
}

/// Checks what the store keeps. Gives the rows, unless nothing that they say can be believed.
fn check_rows(place: &Place, strict: bool) -> Result<(Findings, Option<Tables>), FsckError> {
    let mut findings = Findings::default();
    let mut store: Box<dyn StoreReader> = match place.store {
        StoreChoice::Sqlite => {
            let store = SqliteStore::open(&place.data_directory.join(DATABASE))?;
            findings.problems.extend(store.integrity()?);
            Box::new(store)
        }
        StoreChoice::Postgres(ref url) => Box::new(PostgresStore::open(url.as_str())?),
        StoreChoice::Memory => return Ok((findings, None)),
    };
    let tables = match store.load() {
        Ok(tables) => tables,
        Err(error @ StoreError::Corrupt { .. }) => {
            findings.problems.push(error.to_string());
            return Ok((findings, None));
        }
        Err(error) => return Err(error.into()),
    };
    findings.count(&tables);
    findings.steps(&mut *store, &tables)?;
    findings.audit_log(&mut *store, &tables, place, strict)?;
    findings.held(&tables);
    let engine = Engine::restore(tables, Timestamp(0));
    findings.problems.extend(engine.audit());
    if strict {
        findings.reports(&engine);
    }
    Ok((findings, Some(engine.tables().clone())))
}

impl Findings {
    fn count(&mut self, tables: &Tables) {
        let Counts { sweeps, trials, trials_of_deleted } = tables.counts();
        (self.sweeps, self.trials, self.trials_of_deleted) = (sweeps, trials, trials_of_deleted);
        self.attempts = tables.attempts.len() as u64;
        self.epochs = tables.epochs.len() as u64;
    }

    /// What waits for the operator is told; it is no fault of the rows.
    fn held(&mut self, tables: &Tables) {
        let held = tables.sweeps.values().filter_map(|sweep| Some((sweep.id, sweep.held.as_ref()?)));
        self.held = held.map(|(sweep, reason)| format!("sweep {sweep}: {reason}")).collect();
    }

    /// Step metrics have no gap, no repetition, and only go forward.
    fn steps(&mut self, store: &mut dyn StoreReader, tables: &Tables) -> Result<(), StoreError> {
        for attempt in tables.attempts.keys() {
            match steps_of(store, attempt) {
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

    /// Every entry of the audit log follows the one before, up to the one that was signed.
    fn audit_log(
        &mut self,
        store: &mut dyn StoreReader,
        tables: &Tables,
        place: &Place,
        strict: bool,
    ) -> Result<(), StoreError> {
        let state = audit_log::follow(store, tables.audit_base, place, |_| {})?;
        if strict && state.key.is_none() && tables.audit != AuditHead::default() {
            self.problems.push(
                "the end of the audit log is not signed, so that a cut end would not be found; a coordinator that starts \
                 here signs it"
                    .to_owned(),
            );
        }
        self.problems.extend(state.problems);
        self.audit_damage = state.damage;
        self.audit_entries = state.entries;
        Ok(())
    }

    async fn artifacts(&mut self, artifacts: &Artifacts, tables: &Tables, strict: bool) {
        for (artifact, holder) in tables.named_blobs() {
            self.artifacts += 1;
            self.artifact_bytes += artifact.bytes;
            if let Some(problem) = artifact_problem(artifacts, artifact, strict).await {
                self.problems.push(format!("artifact {} of {holder} {problem}", artifact.digest));
            }
        }
    }

    /// The same records give the same bytes.
    fn reports(&mut self, engine: &Engine) {
        for sweep in engine.sweeps().map(|sweep| sweep.id) {
            if let Some(problem) = report_problem(engine, sweep) {
                self.problems.push(format!("the report of sweep {sweep} {problem}"));
            }
        }
    }
}

/// How many step metrics an attempt has, and whether they are in order.
fn steps_of(store: &mut dyn StoreReader, attempt: AttemptId) -> Result<(u64, bool), StoreError> {
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

async fn artifact_problem(artifacts: &Artifacts, artifact: ArtifactRef, strict: bool) -> Option<String> {
    match artifacts.size(artifact.digest).await {
        Err(error) => return Some(format!("cannot be read: {error}")),
        Ok(None) => return Some("is missing".to_owned()),
        Ok(Some(bytes)) if bytes != artifact.bytes => {
            return Some(format!("has {bytes} bytes instead of {}", artifact.bytes));
        }
        Ok(Some(_)) if !strict => return None,
        Ok(Some(_)) => {}
    }
    let digest = async || {
        let mut blob = artifacts.read(artifact.digest, 0).await?;
        let mut hasher = Hasher::default();
        while let Some(bytes) = blob.next().await? {
            hasher.update(&bytes);
        }
        Ok::<_, ArtifactError>(hasher.finish())
    };
    match digest().await {
        Err(error) => Some(format!("cannot be read: {error}")),
        Ok(digest) => (digest != artifact.digest).then(|| "holds other bytes than were stored".to_owned()),
    }
}

fn report_problem(engine: &Engine, sweep: SweepId) -> Option<String> {
    let render = || -> Result<_, String> {
        let input = collect(engine, sweep, Timestamp(0)).ok_or("has no records")?;
        coordinator_report::render(&input, Language::default())
            .map_err(|error| format!("cannot be made: {error}"))
    };
    match (render(), render()) {
        (Ok(first), Ok(second)) => (first != second).then(|| "differs when it is made again".to_owned()),
        (Err(problem), _) | (_, Err(problem)) => Some(problem),
    }
}

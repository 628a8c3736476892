//! Backups: every row, every artifact and the keys, copied beside a working coordinator and brought back
//! into an empty place.
//!
//! A backup is a data folder with SQLite in it, whatever the store was: so it also carries a cluster from
//! SQLite to PostgreSQL or back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use coordinator_core::{Command, Counts, Engine, Mutation, Tables};
use coordinator_store::{
    Candidate, PostgresStore, Restoration, SqliteStore, StepBatch, Store, StoreError, StoreReader,
};
use serde::{Deserialize, Serialize};
use sweep_proto::{ArtifactRef, AttemptId, Timestamp};
use thiserror::Error;

use crate::artifacts::{ArtifactError, Artifacts};
use crate::fsck::{self, Findings, FsckError};
use crate::place::{DATABASE, Place, StoreChoice};
use crate::security::sealing;
use crate::security_files::SECURITY;
use crate::start_error::StartError;
use crate::unfinished::{self, Unfinished};

/// The file that is written last: a folder without it is no whole backup.
const MANIFEST: &str = "backup.json";

/// The layout of a backup.
const FORMAT: u32 = 1;

/// Rows in one transaction.
const ROWS_AT_ONCE: usize = 1_000;

/// Step metrics read and written at once.
const STEPS_AT_ONCE: usize = 10_000;

/// How often the rows are copied anew because an artifact of theirs was replaced meanwhile.
const TRIES: u32 = 5;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout.
    pub format: u32,
    /// The program that made it.
    pub version: String,
    /// When, in milliseconds since 1970.
    pub made_at_ms: u64,
    /// Sweeps.
    pub sweeps: u64,
    /// Their trials.
    pub trials: u64,
    /// Trials of deleted sweeps: later sweeps reuse them, or they are about to go. Manifests of before they were
    /// told apart count them among the trials.
    #[serde(default)]
    pub trials_of_deleted: u64,
    /// Artifacts.
    pub artifacts: u64,
    /// Their bytes.
    pub artifact_bytes: u64,
    /// The files of keys that belong to it; none in backups of before they were listed.
    #[serde(default)]
    pub keys: Vec<String>,
}

/// Why there is no backup, or why it was not brought back.
#[derive(Debug, Error)]
pub enum BackupError {
    /// There is something already.
    #[error("{} is not empty; name a folder that does not exist yet", .0.display())]
    NotEmpty(PathBuf),
    /// The database has rows already.
    #[error("the database given has rows already; restore into an empty one")]
    DatabaseNotEmpty,
    /// It has no manifest, or one of another program.
    #[error("{} is no whole backup: {problem}", path.display())]
    NoBackup {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An artifact is missing or damaged.
    #[error("artifact {} cannot be copied: {problem}; `sweep fsck --strict` tells more", artifact.digest)]
    Artifact {
        /// Which.
        artifact: ArtifactRef,
        /// What is wrong.
        problem: String,
    },
    /// The place of the artifacts cannot be used.
    #[error("the artifacts: {0}")]
    Artifacts(String),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The place is in use, or cannot be made.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It cannot be checked.
    #[error(transparent)]
    Fsck(#[from] FsckError),
    /// The rows contradict one another.
    #[error("{} problems were found, first: {}", .0.len(), .0.first().map_or("", String::as_str))]
    Problems(Vec<String>),
    /// The copying itself was cut off.
    #[error("the copying was cut off: {0}")]
    CutOff(String),
}

impl BackupError {
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// Copies what a coordinator keeps into a new folder, also while it works. `progress` gets the bytes of
/// artifacts copied and in all. The folder has its name once it is whole.
///
/// # Errors
/// A [`BackupError`]; what was copied by then is begun anew the next time.
pub async fn backup(
    source: &Place,
    target: &Path,
    progress: impl Fn(u64, u64),
) -> Result<Manifest, BackupError> {
    if source.store == StoreChoice::Sqlite && !source.data_directory.join(DATABASE).is_file() {
        return Err(FsckError::NoDatabase(source.data_directory.clone()).into());
    }
    unfinished::refuse(&source.data_directory)?;
    let folder = Unfinished::begin(target, unfinished::BACKUP, &StoreChoice::Sqlite)?;
    let target = folder.path().to_owned();
    let copy = Place::local(&target);
    let from = Artifacts::look(&source.artifacts()).map_err(unusable)?;
    let into = Artifacts::open(&copy.artifacts()).await.map_err(unusable)?;
    let mut tries = 0;
    let mut manifest = loop {
        tries += 1;
        let (place, database) = (source.clone(), target.join(DATABASE));
        let tables = blocking(move || -> Result<Tables, BackupError> {
            remove_database(&database)?;
            let mut copied = SqliteStore::open(&database)?;
            let tables = copy_rows(&mut *read(&place)?, &mut copied)?;
            keep_seal(&mut copied, database.parent().unwrap_or(Path::new(".")))?;
            Ok(tables)
        })
        .await?;
        match copy_artifacts(&from, &into, &tables, &progress).await {
            Ok((artifacts, artifact_bytes)) => break manifest(&tables, artifacts, artifact_bytes),
            // A checkpoint that was replaced after its row was read: newer rows name newer ones.
            Err(BackupError::Artifact { .. }) if tries < TRIES => {}
            Err(error) => return Err(error),
        }
    };
    manifest.keys = copy_keys(&source.data_directory, &target)?;
    sound(fsck::check(&copy, false).await?)?;
    let path = target.join(MANIFEST);
    let json = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other);
    let json = json.map_err(BackupError::at(&path))?;
    crate::security::files::write(&path, &json).map_err(BackupError::at(&path))?;
    folder.finish()?;
    Ok(manifest)
}

/// Brings a backup back into an empty place and begins a new generation there: workers of the old world hold
/// nothing any more. The data folder has its name once it is whole.
///
/// # Errors
/// A [`BackupError`]; what was copied by then is begun anew the next time.
pub async fn restore(
    source: &Path,
    target: &Place,
    progress: impl Fn(u64, u64),
) -> Result<Manifest, BackupError> {
    let manifest = read_manifest(source)?;
    check_keys(source, &manifest)?;
    let copy = Place::local(source);
    sound(fsck::fsck(&copy, true).await?)?;
    if is_done_but_for_its_folder(target).await? {
        unfinished::unmark(&target.data_directory)?;
        return Ok(manifest);
    }
    unfinished::check_free(&target.data_directory)?;
    let (place, id) = (target.clone(), uuid::Uuid::now_v7().to_string());
    let name = id.clone();
    // Before a folder is made: another coordinator may lead there, or have rows there.
    let store = blocking(move || begin_rows(&place, &name)).await?;
    let folder = Unfinished::begin_as(&target.data_directory, unfinished::RESTORE, &target.store, &id)?;
    let target = Place { data_directory: folder.path().to_owned(), ..target.clone() };
    let (rows, place) = (copy.clone(), target.clone());
    let tables = blocking(move || -> Result<Tables, BackupError> {
        let mut store = match store {
            Some(store) => store,
            None => (place.opener(""))()?,
        };
        let tables = copy_rows(&mut *read(&rows)?, &mut *store)?;
        begin_generation(&mut *store)?;
        keep_seal(&mut *store, &place.data_directory)?;
        Ok(tables)
    })
    .await?;
    let from = Artifacts::look(&copy.artifacts()).map_err(unusable)?;
    let into = Artifacts::open(&target.artifacts()).await.map_err(unusable)?;
    copy_artifacts(&from, &into, &tables, &progress).await?;
    copy_keys(source, &target.data_directory)?;
    sound(fsck::check(&target, true).await?)?;
    if let StoreChoice::Postgres(url) = target.store {
        // A coordinator may lead there by now, and stand still because the database is not complete.
        blocking(move || Ok(PostgresStore::open(url.as_str())?.complete_restoration(&id)?)).await?;
    }
    folder.finish()?;
    Ok(manifest)
}

/// Whether an earlier restoration into a database was cut off when all was written and checked, and only its folder still
/// refused.
async fn is_done_but_for_its_folder(target: &Place) -> Result<bool, BackupError> {
    let (Some(id), StoreChoice::Postgres(url)) = (unfinished::id_of(&target.data_directory), &target.store)
    else {
        return Ok(false);
    };
    let url = url.clone();
    let known = blocking(move || Ok(PostgresStore::open(url.as_str())?.restoration()?)).await?;
    Ok(known == Some(Restoration { id, is_complete: true }))
}

/// Marks a database as being restored, and gives it; `None` where the rows go into the folder that is yet to be made.
fn begin_rows(place: &Place, id: &str) -> Result<Option<Box<dyn Store>>, BackupError> {
    let StoreChoice::Postgres(url) = &place.store else { return Ok(None) };
    let (holder, address) = (id.to_owned(), "a restoration".to_owned());
    let begun = PostgresStore::begin_restoration(url.as_str(), &Candidate { holder, address }, id);
    match begun {
        Ok(store) => Ok(Some(Box::new(store))),
        Err(StoreError::NotEmpty) => Err(BackupError::DatabaseNotEmpty),
        Err(error) => Err(error.into()),
    }
}

/// The copy's data folder knows the signed end of its audit log, as the first one did.
fn keep_seal(store: &mut dyn StoreReader, folder: &Path) -> Result<(), BackupError> {
    match store.read_seal()? {
        Some(seal) => sealing::keep(folder, &seal).map_err(BackupError::at(folder)),
        None => Ok(()),
    }
}

fn sound(findings: Findings) -> Result<(), BackupError> {
    if findings.problems.is_empty() { Ok(()) } else { Err(BackupError::Problems(findings.problems)) }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn unusable(error: ArtifactError) -> BackupError {
    BackupError::Artifacts(error.to_string())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| BackupError::CutOff(error.to_string()))?
}

fn remove_database(database: &Path) -> Result<(), BackupError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        let path = PathBuf::from(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(BackupError::at(&path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn read(place: &Place) -> Result<Box<dyn StoreReader>, StoreError> {
    match &place.store {
        StoreChoice::Sqlite => SqliteStore::read(&place.data_directory.join(DATABASE)),
        StoreChoice::Postgres(url) => {
            let store = PostgresStore::open(url.as_str())?;
            store.check_complete()?;
            Ok(Box::new(store))
        }
        StoreChoice::Memory => Err(StoreError::Conflict("a store in memory has no backup".to_owned())),
    }
}

/// Copies every row into an empty store, and gives them.
fn copy_rows(source: &mut dyn StoreReader, target: &mut dyn Store) -> Result<Tables, StoreError> {
    let tables = source.load()?;
    let mut mutations = tables.mutations().peekable();
    while mutations.peek().is_some() {
        let some: Vec<Mutation> = mutations.by_ref().take(ROWS_AT_ONCE).collect();
        target.commit(&some)?;
    }
    drop(mutations);
    copy_audit_log(source, target, &tables)?;
    for attempt in tables.attempts.keys() {
        copy_steps(source, target, attempt)?;
    }
    Ok(tables)
}

/// Copies the audit log up to the entry that was signed after the rows were read, with its signature.
fn copy_audit_log(
    source: &mut dyn StoreReader,
    target: &mut dyn Store,
    tables: &Tables,
) -> Result<(), StoreError> {
    let seal = source.read_seal()?;
    let last = seal.as_ref().map_or(tables.audit.sequence, |seal| seal.head.sequence);
    let mut next = tables.audit_base.sequence + 1;
    while next <= last {
        let page = source.read_audit(next, ROWS_AT_ONCE)?;
        let Some(end) = page.last().map(|entry| entry.sequence) else { break };
        let entries: Vec<Mutation> =
            page.into_iter().filter(|entry| entry.sequence <= last).map(Mutation::Audit).collect();
        target.commit(&entries)?;
        next = end + 1;
    }
    target.commit(&seal.into_iter().map(Mutation::AuditSeal).collect::<Vec<_>>())
}

fn copy_steps(
    source: &mut dyn StoreReader,
    target: &mut dyn Store,
    attempt: AttemptId,
) -> Result<(), StoreError> {
    let mut next = 0;
    loop {
        let points = source.read_steps(attempt, next, STEPS_AT_ONCE)?;
        if points.is_empty() {
            return Ok(());
        }
        let stored = target.append_steps(&[StepBatch { attempt, points }])?;
        match stored.first() {
            Some(after) if *after > next => next = *after,
            _ => return Err(StoreError::Conflict(format!("the step metrics of {attempt} have a gap"))),
        }
    }
}

fn begin_generation(store: &mut dyn Store) -> Result<(), StoreError> {
    let now = now();
    let engine = Engine::restore(store.load()?, now);
    let decision = engine.decide(now, &Command::NewGeneration);
    let decision = decision.map_err(|rejection| StoreError::Conflict(rejection.to_string()))?;
    store.commit(&decision.mutations)
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(0))
}

/// Copies every artifact that the rows name; gives their number and bytes.
async fn copy_artifacts(
    from: &Artifacts,
    into: &Artifacts,
    tables: &Tables,
    progress: &impl Fn(u64, u64),
) -> Result<(u64, u64), BackupError> {
    let wanted: Vec<ArtifactRef> = tables.named_blobs().into_keys().collect();
    let total: u64 = wanted.iter().map(|artifact| artifact.bytes).sum();
    let mut done = 0;
    progress(0, total);
    for artifact in &wanted {
        copy_artifact(from, into, *artifact)
            .await
            .map_err(|error| BackupError::Artifact { artifact: *artifact, problem: error.to_string() })?;
        done += artifact.bytes;
        progress(done, total);
    }
    Ok((wanted.len() as u64, total))
}

async fn copy_artifact(
    from: &Artifacts,
    into: &Artifacts,
    artifact: ArtifactRef,
) -> Result<(), ArtifactError> {
    if into.refresh(artifact).await? {
        return Ok(());
    }
    let mut blob = from.read(artifact.digest, 0).await?;
    let mut incoming = into.receive(artifact)?;
    while let Some(bytes) = blob.next().await? {
        incoming.write(&bytes).await?;
    }
    into.keep(incoming).await
}

/// Copies keys and the administrator's token: without them every worker and person would have to be let in
/// again. Returns the names of the files.
fn copy_keys(from: &Path, into: &Path) -> Result<Vec<String>, BackupError> {
    let (from, into) = (from.join(SECURITY), into.join(SECURITY));
    let mut names = Vec::new();
    if !from.is_dir() {
        return Ok(names);
    }
    crate::security::files::create_folder(&into).map_err(BackupError::at(&into))?;
    for entry in fs::read_dir(&from).map_err(BackupError::at(&from))? {
        let path = entry.map_err(BackupError::at(&from))?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        let bytes = crate::security::files::read(&path).map_err(BackupError::at(&path))?;
        let target = into.join(name);
        crate::security::files::write(&target, &bytes).map_err(BackupError::at(&target))?;
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Refuses a backup that has lost a file of keys: what was signed with it could not be told from a forgery.
fn check_keys(source: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let is_missing = |name: &&String| !source.join(SECURITY).join(name).is_file();
    let Some(missing) = manifest.keys.iter().find(is_missing) else { return Ok(()) };
    let problem = format!("its file {SECURITY}/{missing} is missing; put it back, or restore another backup");
    Err(BackupError::NoBackup { path: source.to_owned(), problem })
}

fn manifest(tables: &Tables, artifacts: u64, artifact_bytes: u64) -> Manifest {
    let Counts { sweeps, trials, trials_of_deleted } = tables.counts();
    Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at_ms: now().0,
        sweeps,
        trials,
        trials_of_deleted,
        artifacts,
        artifact_bytes,
        keys: Vec::new(),
    }
}

fn read_manifest(folder: &Path) -> Result<Manifest, BackupError> {
    let none = |problem: String| BackupError::NoBackup { path: folder.to_owned(), problem };
    let bytes = fs::read(folder.join(MANIFEST)).map_err(|error| none(format!("{MANIFEST}: {error}")))?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|error| none(format!("{MANIFEST}: {error}")))?;
    if manifest.format != FORMAT {
        let format = manifest.format;
        return Err(none(format!("it has format {format}, this program knows {FORMAT}")));
    }
    Ok(manifest)
}

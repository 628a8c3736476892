//! Preparing the datasets of a sweep: encode each variant once and keep it as an artifact.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use coordinator_core::DatasetRecord;
use coordinator_dataset::{Progress, Reach};
use sweep_proto::text::inert_line;
use sweep_proto::{ArtifactRef, DataSource, DataSpec, wire};
use thiserror::Error;
use tokio::time::Instant;

use crate::artifacts::{ArtifactError, Artifacts, Pins};
use crate::readers::{ReadDataset, ReadError, Readers, Variant};

/// Shortest time between two messages about the progress of one stage: a person reads no faster.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Why the datasets of a sweep are not there.
#[derive(Debug, Error)]
pub(crate) enum PrepareError {
    /// The data is not usable.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It cannot be stored.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

/// Prepares every variant, in order, and keeps each as an artifact, pinned until the rows that name it are there.
pub(crate) async fn prepare(
    readers: &Readers,
    data: DataSpec,
    reach: Reach,
    variants: Vec<Variant>,
    cache: PathBuf,
    artifacts: &Artifacts,
    progress: impl Progress + Send + 'static,
) -> Result<(Vec<DatasetRecord>, Pins), PrepareError> {
    let read = readers.prepare(data, reach, variants.clone(), cache.clone(), progress).await?;
    let mut pins = artifacts.pins();
    let mut records = Vec::with_capacity(read.len());
    for (variant, dataset) in variants.into_iter().zip(read) {
        let ReadDataset { digest, bytes, classes, vocabulary, rows, account } = dataset;
        let artifact = ArtifactRef { digest, bytes };
        artifacts.adopt(&coordinator_dataset::encoded_path(&cache, digest), artifact, &mut pins).await?;
        // For people to read; the dataset itself keeps the names as they are.
        let classes = classes.iter().map(|class| inert_line(class)).collect();
        let account = Some(account.made_inert());
        records.push(DatasetRecord { variant, artifact, classes, vocabulary, rows, account });
    }
    Ok((records, pins))
}

/// Removes the test texts that preparing has kept beside the datasets: the coordinator tells them to nobody.
pub(crate) fn forget_texts(cache: &Path, records: &[DatasetRecord]) -> Result<(), PrepareError> {
    for record in records {
        coordinator_dataset::forget_test_texts(cache, record.artifact.digest)
            .map_err(|error| ReadError::Broke(format!("test texts cannot be removed: {error}")))?;
    }
    Ok(())
}

/// Reads the relative paths of a data source against the directory of the sweep file.
pub fn resolve_paths(source: &mut DataSource, directory: &Path) {
    let resolve = |path: &mut PathBuf| *path = directory.join(&*path);
    match source {
        DataSource::Known { path, .. } => path.iter_mut().for_each(resolve),
        DataSource::File { path, validation_path, test_path, .. } => {
            resolve(path);
            validation_path.iter_mut().chain(test_path).for_each(resolve);
        }
    }
}

/// Every path that a source reads on this machine.
pub(crate) fn paths(source: &DataSource) -> Vec<&Path> {
    match source {
        DataSource::Known { path, .. } => path.iter().map(PathBuf::as_path).collect(),
        DataSource::File { path, validation_path, test_path, .. } => {
            std::iter::once(path).chain(validation_path).chain(test_path).map(PathBuf::as_path).collect()
        }
    }
}

/// Hands progress to a sender that must not block, at a rate that a person can read.
pub(crate) struct Reporter<F> {
    state: Mutex<(wire::Progress, Option<Instant>)>,
    send: F,
}

impl<F: Fn(wire::Progress) + Sync> Reporter<F> {
    /// A reporter that calls `send`.
    pub(crate) fn new(send: F) -> Self {
        Self { state: Mutex::default(), send }
    }
}

impl<F: Fn(wire::Progress) + Sync> Progress for Reporter<F>
where
    F: Send,
{
    fn stage(&self, name: &str, total: Option<u64>, in_bytes: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let stage = wire::Progress { stage: name.to_owned(), done: 0, total: total.unwrap_or(0), in_bytes };
        *state = (stage, Some(Instant::now()));
        (self.send)(state.0.clone());
    }

    fn advance(&self, done: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.done = done;
        let is_last = state.0.total > 0 && done >= state.0.total;
        if is_last || state.1.is_none_or(|last| last.elapsed() >= PROGRESS_INTERVAL) {
            state.1 = Some(Instant::now());
            (self.send)(state.0.clone());
        }
    }
}

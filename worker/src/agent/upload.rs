//! Stores an artifact with the coordinator.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sweep_proto::protocol::{ARTIFACT_BYTES_MAX, CHUNK_BYTES};
use sweep_proto::wire::UploadPart;
use sweep_proto::{ArtifactRef, Digest};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::backoff::{Backoff, Jitter, is_transient};
use super::blocking::blocking;
use super::connect::Clients;

/// Parts that are read ahead of the network.
const PARTS_AHEAD: usize = 4;

/// Least time that an upload may take, and least speed beyond it in bytes per second: slower ones are
/// tried again over a new connection.
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(1);
const UPLOAD_BYTES_PER_SECOND_MIN: u64 = 2_000;

/// Why an artifact could not be stored.
#[derive(Debug, Error)]
pub(super) enum UploadError {
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is larger than coordinators store.
    #[error("{path} has {bytes} bytes, more than the {ARTIFACT_BYTES_MAX} that are stored")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The coordinator does not want it.
    #[error("the coordinator refuses the artifact: {0}")]
    Refused(Box<Status>),
}

/// Stores a file's bytes and tells their reference. Tries on until the coordinator is back; drop it to
/// give up.
///
/// # Errors
/// [`UploadError`] where trying again is useless.
pub(super) async fn upload(
    clients: &Clients,
    path: &Path,
    jitter: Jitter,
) -> Result<ArtifactRef, UploadError> {
    let artifact = reference(path).await?;
    let mut backoff = Backoff::new(jitter);
    let limit = UPLOAD_TIMEOUT + Duration::from_secs(artifact.bytes / UPLOAD_BYTES_PER_SECOND_MIN);
    loop {
        let (sender, parts) = mpsc::channel(PARTS_AHEAD);
        let reader = tokio::spawn(read_parts(path.to_owned(), artifact, sender));
        let mut client = clients.carrier_of(artifact);
        let answer = tokio::time::timeout(limit, client.upload(ReceiverStream::new(parts))).await;
        let answer = answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("the upload took too long")));
        // The stream is gone by now, so the reader ends.
        if let Ok(Err(source)) = reader.await {
            return Err(UploadError::File { path: path.to_owned(), source });
        }
        match answer {
            Ok(_) => return Ok(artifact),
            Err(status) if is_transient(&status) => {
                tracing::debug!(%status, "an upload was interrupted");
                tokio::time::sleep(backoff.next_wait()).await;
            }
            Err(status) => return Err(UploadError::Refused(Box::new(status))),
        }
    }
}

/// The digest and the size of a file.
async fn reference(path: &Path) -> Result<ArtifactRef, UploadError> {
    let failed = |source| UploadError::File { path: path.to_owned(), source };
    let owned = path.to_owned();
    let hashed = blocking(move || {
        let file = File::open(owned)?;
        let bytes = file.metadata()?.len();
        Ok((Digest::of_reader(file)?, bytes))
    });
    let (digest, bytes) = hashed.await.map_err(failed)?;
    if bytes > ARTIFACT_BYTES_MAX {
        return Err(UploadError::TooLarge { path: path.to_owned(), bytes });
    }
    Ok(ArtifactRef { digest, bytes })
}

async fn read_parts(path: PathBuf, artifact: ArtifactRef, parts: mpsc::Sender<UploadPart>) -> io::Result<()> {
    let file = blocking(move || File::open(path)).await?;
    let mut announced = Some(artifact.into());
    loop {
        let mut part = file.try_clone()?;
        let data = blocking(move || {
            let mut data = Vec::new();
            (&mut part).take(CHUNK_BYTES as u64).read_to_end(&mut data)?;
            Ok(data)
        });
        let data = data.await?;
        // The first part goes out even if the file is empty: it names the artifact.
        if data.is_empty() && announced.is_none() {
            return Ok(());
        }
        let part = UploadPart { artifact: announced.take(), data: data.into() };
        if parts.send(part).await.is_err() {
            return Ok(());
        }
    }
}

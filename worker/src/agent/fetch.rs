//! Brings blobs onto this machine by digest: resumable, checked, and shared between slots and workers.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use sweep_proto::digest::Hasher;
use sweep_proto::wire::FetchRequest;
use sweep_proto::{ArtifactRef, Digest};
use thiserror::Error;
use tonic::Status;

use super::backoff::{Backoff, Jitter, is_transient};
use super::blocking::blocking;
use super::connect::Clients;

/// From this size on a terminal sees a bar.
const PROGRESS_BYTES_MIN: u64 = 4 << 20;

/// How often a fetch looks whether another process has finished the same blob.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Longest silence of a stream before it is opened anew.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a blob that arrived damaged is fetched again.
const DAMAGED_TRIES_MAX: u32 = 3;

/// Why a blob could not be brought here.
#[derive(Debug, Error)]
pub(super) enum FetchError {
    /// The coordinator will not give it.
    #[error("the coordinator does not give {digest}: {status}")]
    Refused {
        /// Which blob.
        digest: Digest,
        /// The answer.
        status: Box<Status>,
    },
    /// What came was another blob, again and again.
    #[error("{digest} arrived damaged {DAMAGED_TRIES_MAX} times")]
    Damaged {
        /// Which blob.
        digest: Digest,
    },
    /// The disk failed.
    #[error("{path} cannot be written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A directory of blobs named by digest.
#[derive(Clone, Debug)]
pub(super) struct Fetcher {
    clients: Clients,
    jitter_seed: u64,
    show_progress: bool,
}

impl Fetcher {
    /// A fetcher over a connection.
    pub(super) fn new(clients: Clients, jitter_seed: u64, show_progress: bool) -> Self {
        Self { clients, jitter_seed, show_progress }
    }

    /// The file `directory/<digest>`, fetched unless it is there and whole. Waits for another process
    /// that fetches the same one. Tries on until the coordinator is back; drop it to give up.
    ///
    /// # Errors
    /// [`FetchError`] where trying again is useless.
    pub(super) async fn fetch(&self, artifact: ArtifactRef, directory: &Path) -> Result<PathBuf, FetchError> {
        let target = directory.join(artifact.digest.to_string());
        let partial_path = directory.join(format!("{}.partial", artifact.digest));
        let failed = |source| FetchError::File { path: partial_path.clone(), source };
        std::fs::create_dir_all(directory).map_err(failed)?;
        if is_whole(&target, artifact).await {
            return Ok(target);
        }
        let partial = lock(&partial_path).await.map_err(failed)?;
        // Whoever held the lock may have finished it.
        if is_whole(&target, artifact).await {
            return Ok(target);
        }
        self.fill(artifact, &partial, &partial_path).await?;
        partial.sync_all().map_err(failed)?;
        std::fs::rename(&partial_path, &target).map_err(failed)?;
        Ok(target)
    }

    /// Fills a locked file, going on from what an interrupted fetch has left in it.
    async fn fill(&self, artifact: ArtifactRef, file: &File, path: &Path) -> Result<(), FetchError> {
        let failed = |source| FetchError::File { path: path.to_owned(), source };
        let mut backoff = Backoff::new(Jitter::seeded(self.jitter_seed));
        let mut download = Download::resume(file, artifact).map_err(failed)?;
        let bar = self.bar(artifact);
        for _ in 0..DAMAGED_TRIES_MAX {
            while download.received < artifact.bytes {
                let before = download.received;
                match self.stream_into(artifact, &mut download, &bar).await {
                    Ok(()) => {}
                    Err(Interrupted::Status(status)) if is_transient(&status) => {
                        tracing::debug!(%status, received = download.received, "a fetch was interrupted");
                    }
                    Err(Interrupted::Status(status)) => {
                        return Err(FetchError::Refused {
                            digest: artifact.digest,
                            status: Box::new(status),
                        });
                    }
                    Err(Interrupted::File(source)) => return Err(failed(source)),
                }
                if download.received == artifact.bytes {
                    break;
                }
                if download.received > before {
                    backoff.reset();
                }
                tokio::time::sleep(backoff.next_wait()).await;
            }
            if download.hasher.clone().finish() == artifact.digest {
                bar.finish_and_clear();
                return Ok(());
            }
            tracing::warn!(digest = %artifact.digest, "a fetched blob was damaged and is fetched again");
            file.set_len(0).map_err(failed)?;
            download = Download::resume(file, artifact).map_err(failed)?;
        }
        Err(FetchError::Damaged { digest: artifact.digest })
    }

    async fn stream_into(
        &self,
        artifact: ArtifactRef,
        download: &mut Download<'_>,
        bar: &ProgressBar,
    ) -> Result<(), Interrupted> {
        let digest = artifact.digest.as_bytes().to_vec().into();
        let request = FetchRequest { digest, offset: download.received };
        let mut client = self.clients.carrier_of(artifact);
        let mut stream = within_timeout(client.fetch(request)).await?.into_inner();
        while let Some(chunk) = within_timeout(stream.message()).await? {
            if chunk.data.is_empty() {
                // Else a stream of nothing would never end.
                return Err(Interrupted::Status(Status::unavailable("a part without bytes came")));
            }
            let room = artifact.bytes - download.received;
            if chunk.data.len() as u64 > room {
                let problem =
                    format!("{} is longer than the {} bytes announced", artifact.digest, artifact.bytes);
                return Err(Interrupted::Status(Status::data_loss(problem)));
            }
            download.take(&chunk.data).map_err(Interrupted::File)?;
            bar.set_position(download.received);
        }
        Ok(())
    }

    fn bar(&self, artifact: ArtifactRef) -> ProgressBar {
        if !self.show_progress || artifact.bytes < PROGRESS_BYTES_MIN || !console::user_attended_stderr() {
            return ProgressBar::hidden();
        }
        let template = "fetching {msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        let bar = ProgressBar::new(artifact.bytes).with_message(artifact.digest.short());
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

enum Interrupted {
    Status(Status),
    File(io::Error),
}

async fn within_timeout<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, Interrupted> {
    match tokio::time::timeout(CHUNK_TIMEOUT, call).await {
        Ok(answer) => answer.map_err(Interrupted::Status),
        Err(_) => Err(Interrupted::Status(Status::deadline_exceeded("the stream was silent"))),
    }
}

/// A file in the making and the digest of what it holds.
struct Download<'a> {
    file: &'a File,
    hasher: Hasher,
    received: u64,
}

impl<'a> Download<'a> {
    fn resume(mut file: &'a File, artifact: ArtifactRef) -> io::Result<Self> {
        if file.metadata()?.len() > artifact.bytes {
            file.set_len(0)?;
        }
        file.seek(SeekFrom::Start(0))?;
        let mut download = Self { file, hasher: Hasher::default(), received: 0 };
        let mut buffer = vec![0_u8; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(download),
                count => {
                    download.hasher.update(&buffer[..count]);
                    download.received += count as u64;
                }
            }
        }
    }

    fn take(&mut self, data: &[u8]) -> io::Result<()> {
        self.file.write_all(data)?;
        self.hasher.update(data);
        self.received += data.len() as u64;
        Ok(())
    }
}

/// Opens and locks a file that several processes may want to fill. The lock ends with the handle, so a
/// process that dies leaves its part to the next.
async fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_POLL).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(file)
}

/// Whether the file is there with the right bytes. Checked at each use: disks lose bits, and a digest
/// is far cheaper than a trial on wrong data.
async fn is_whole(path: &Path, artifact: ArtifactRef) -> bool {
    let path = path.to_owned();
    let checked = blocking(move || {
        let file = File::open(&path)?;
        let length = file.metadata()?.len();
        Ok(length == artifact.bytes && Digest::of_reader(file)? == artifact.digest)
    });
    checked.await.unwrap_or(false)
}

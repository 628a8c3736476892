//! A blob that is being received: nobody sees it before it is whole and checked.

use std::io;
use std::path::Path;

use sweep_proto::digest::Hasher;
use sweep_proto::{ArtifactRef, Digest};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;

use super::ArtifactError;

/// A blob in the making, in a file without a lasting name.
#[derive(Debug)]
pub(crate) struct Incoming {
    file: tokio::fs::File,
    path: TempPath,
    expected: ArtifactRef,
    received: u64,
    hasher: Hasher,
}

/// A received blob whose bytes are those announced, synced to the disk.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) path: TempPath,
    pub(super) artifact: ArtifactRef,
}

impl Incoming {
    pub(super) fn in_folder(folder: &Path, expected: ArtifactRef) -> io::Result<Self> {
        let (file, path) = NamedTempFile::new_in(folder)?.into_parts();
        let file = tokio::fs::File::from_std(file);
        Ok(Self { file, path, expected, received: 0, hasher: Hasher::default() })
    }

    /// Appends bytes; refuses more than were announced.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        self.received += bytes.len() as u64;
        if self.received > self.expected.bytes {
            return Err(ArtifactError::Mismatch(format!("more than {} bytes", self.expected.bytes)));
        }
        self.hasher.update(bytes);
        Ok(self.file.write_all(bytes).await?)
    }

    /// Checks the whole.
    pub(super) async fn finish(mut self) -> Result<Whole, ArtifactError> {
        let expected = self.expected;
        if self.received != expected.bytes {
            let problem = format!("{} bytes instead of {}", self.received, expected.bytes);
            return Err(ArtifactError::Mismatch(problem));
        }
        let digest: Digest = self.hasher.finish();
        if digest != expected.digest {
            return Err(ArtifactError::Mismatch(format!("digest {digest} instead of {}", expected.digest)));
        }
        self.file.flush().await?;
        self.file.sync_all().await?;
        Ok(Whole { path: self.path, artifact: expected })
    }
}

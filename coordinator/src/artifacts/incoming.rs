//! A blob that is being received: nobody sees it before it is whole and checked.

use std::io;
use std::path::Path;

use sweep_proto::digest::Hasher;
use sweep_proto::{ArtifactRef, Digest};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;

use super::ArtifactError;

/// Largest blob that may grow in memory, in bytes: a connection's worth of them at one time is some tens of megabytes.
const MEMORY_BYTES_MAX: u64 = 64 * 1024;

/// A blob in the making.
#[derive(Debug)]
pub(crate) struct Incoming {
    growing: Growing,
    expected: ArtifactRef,
    received: u64,
    hasher: Hasher,
}

/// Where a blob grows.
#[derive(Debug)]
enum Growing {
    /// In a file without a lasting name.
    File { file: tokio::fs::File, path: TempPath },
    /// In memory.
    Memory(Vec<u8>),
}

/// A received blob whose bytes are those announced.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) content: Content,
    pub(super) artifact: ArtifactRef,
}

/// Where a whole blob lies.
#[derive(Debug)]
pub(super) enum Content {
    /// In a file, synced to the disk.
    File(TempPath),
    /// In memory.
    Memory(Vec<u8>),
}

impl Incoming {
    /// A blob that grows in a file of this folder.
    pub(super) fn in_folder(folder: &Path, expected: ArtifactRef) -> io::Result<Self> {
        let (file, path) = NamedTempFile::new_in(folder)?.into_parts();
        let file = tokio::fs::File::from_std(file);
        Ok(Self::growing(Growing::File { file, path }, expected))
    }

    /// A blob that grows in memory while it is small, else in a file.
    pub(super) fn in_memory(expected: ArtifactRef) -> io::Result<Self> {
        if expected.bytes > MEMORY_BYTES_MAX {
            return Self::in_folder(&std::env::temp_dir(), expected);
        }
        Ok(Self::growing(Growing::Memory(Vec::new()), expected))
    }

    fn growing(growing: Growing, expected: ArtifactRef) -> Self {
        Self { growing, expected, received: 0, hasher: Hasher::default() }
    }

    /// Appends bytes; refuses more than were announced.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        self.received += bytes.len() as u64;
        if self.received > self.expected.bytes {
            return Err(ArtifactError::Mismatch(format!("more than {} bytes", self.expected.bytes)));
        }
        self.hasher.update(bytes);
        match &mut self.growing {
            Growing::File { file, .. } => Ok(file.write_all(bytes).await?),
            Growing::Memory(memory) => {
                memory.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Checks the whole.
    pub(super) async fn finish(self) -> Result<Whole, ArtifactError> {
        let expected = self.expected;
        if self.received != expected.bytes {
            let problem = format!("{} bytes instead of {}", self.received, expected.bytes);
            return Err(ArtifactError::Mismatch(problem));
        }
        let digest: Digest = self.hasher.finish();
        if digest != expected.digest {
            return Err(ArtifactError::Mismatch(format!("digest {digest} instead of {}", expected.digest)));
        }
        let content = match self.growing {
            Growing::File { mut file, path } => {
                file.flush().await?;
                file.sync_all().await?;
                Content::File(path)
            }
            Growing::Memory(memory) => Content::Memory(memory),
        };
        Ok(Whole { content, artifact: expected })
    }
}

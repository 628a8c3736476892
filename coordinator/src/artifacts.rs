//! Blobs in a local directory, addressed by their digest: datasets, checkpoints, models.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sweep_proto::digest::Hasher;
use sweep_proto::protocol::CHUNK_BYTES;
use sweep_proto::{ArtifactRef, Digest};
use tempfile::NamedTempFile;
use thiserror::Error;

/// The sub-directory in which blobs grow until they are whole.
const INCOMING: &str = "incoming";

/// How long a blob that nothing refers to is kept after it was last uploaded: an upload of
/// bytes that are there already may be followed by the report that refers to them again.
const GRACE: Duration = Duration::from_mins(1);

/// Why a blob was not stored.
#[derive(Debug, Error)]
pub(crate) enum ArtifactError {
    /// The bytes are not what was announced.
    #[error("the bytes sent are not those announced: {0}")]
    Mismatch(String),
    /// The disk refused.
    #[error("the artifact cannot be stored: {0}")]
    Disk(#[from] io::Error),
}

/// The directory. Files lie two levels deep: `ab/cdef...`.
#[derive(Debug)]
pub(crate) struct Artifacts {
    root: PathBuf,
}

impl Artifacts {
    /// Opens the directory, creating it where needed, and removes what an earlier process left unfinished.
    pub(crate) fn open(root: PathBuf) -> io::Result<Self> {
        let incoming = root.join(INCOMING);
        if incoming.exists() {
            fs::remove_dir_all(&incoming)?;
        }
        fs::create_dir_all(&incoming)?;
        Ok(Self { root })
    }

    /// Where a blob lies. Only a digest leads to a path: nothing from a wire is ever part of one.
    pub(crate) fn path(&self, digest: Digest) -> PathBuf {
        Self::path_in(&self.root, digest)
    }

    /// As [`Self::path`], for a directory that is not opened.
    pub(crate) fn path_in(root: &Path, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        root.join(&name[..2]).join(&name[2..])
    }

    /// Whether a blob is here, whole.
    pub(crate) fn contains(&self, artifact: ArtifactRef) -> bool {
        fs::metadata(self.path(artifact.digest))
            .is_ok_and(|file| file.is_file() && file.len() == artifact.bytes)
    }

    /// As [`Self::contains`], and keeps the blob from being collected for a while.
    pub(crate) fn refresh(&self, artifact: ArtifactRef) -> bool {
        let touched = File::options()
            .append(true)
            .open(self.path(artifact.digest))
            .and_then(|file| file.set_modified(SystemTime::now()));
        touched.is_ok() && self.contains(artifact)
    }

    /// A blob in the making, of the announced size and digest.
    pub(crate) fn receive(&self, expected: ArtifactRef) -> io::Result<Incoming> {
        let file = NamedTempFile::new_in(self.root.join(INCOMING))?;
        let target = self.path(expected.digest);
        Ok(Incoming { file, target, expected, received: 0, hasher: Hasher::default() })
    }

    /// Takes over a file that is here under another name, after checking its bytes.
    pub(crate) fn adopt(&self, file: &Path, artifact: ArtifactRef) -> Result<(), ArtifactError> {
        if self.refresh(artifact) {
            return Ok(());
        }
        let mut incoming = self.receive(artifact)?;
        let mut source = File::open(file)?;
        let mut buffer = vec![0_u8; CHUNK_BYTES];
        loop {
            match source.read(&mut buffer)? {
                0 => return incoming.finish(),
                count => incoming.write(&buffer[..count])?,
            }
        }
    }

    /// Removes a blob that nothing refers to; keeps one that was uploaded lately and says so with `false`.
    pub(crate) fn remove_stale(&self, digest: Digest) -> io::Result<bool> {
        let path = self.path(digest);
        match fs::metadata(&path).and_then(|file| file.modified()) {
            Ok(modified) if modified.elapsed().unwrap_or_default() < GRACE => Ok(false),
            Ok(_) => fs::remove_file(&path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Removes every blob that is not wanted and was stored that long ago, and counts them. Files with
    /// other names are left alone.
    pub(crate) fn sweep_orphans(&self, wanted: &BTreeSet<Digest>, older_than: Duration) -> io::Result<u64> {
        let mut removed = 0;
        for folder in fs::read_dir(&self.root)? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() || folder.file_name() == INCOMING {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                let file = file?;
                let name =
                    [folder.file_name(), file.file_name()].map(|part| part.to_string_lossy().into_owned());
                if let Ok(digest) = name.concat().parse()
                    && !wanted.contains(&digest)
                    && file.metadata()?.modified()?.elapsed().unwrap_or_default() >= older_than
                {
                    fs::remove_file(file.path())?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

/// A blob that is being received: nobody sees it before it is whole and checked.
#[derive(Debug)]
pub(crate) struct Incoming {
    file: NamedTempFile,
    target: PathBuf,
    expected: ArtifactRef,
    received: u64,
    hasher: Hasher,
}

impl Incoming {
    /// Appends bytes; refuses more than were announced.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), ArtifactError> {
        self.received += bytes.len() as u64;
        if self.received > self.expected.bytes {
            return Err(ArtifactError::Mismatch(format!("more than {} bytes", self.expected.bytes)));
        }
        self.hasher.update(bytes);
        Ok(self.file.write_all(bytes)?)
    }

    /// Checks the whole, syncs it to the disk and gives it its name.
    pub(crate) fn finish(self) -> Result<(), ArtifactError> {
        if self.received != self.expected.bytes {
            let problem = format!("{} bytes instead of {}", self.received, self.expected.bytes);
            return Err(ArtifactError::Mismatch(problem));
        }
        let digest = self.hasher.finish();
        if digest != self.expected.digest {
            return Err(ArtifactError::Mismatch(format!(
                "digest {digest} instead of {}",
                self.expected.digest
            )));
        }
        self.file.as_file().sync_all()?;
        let folder = self.target.parent().unwrap_or(Path::new("."));
        if fs::create_dir(folder).is_ok()
            && let Some(root) = folder.parent()
        {
            File::open(root)?.sync_all()?;
        }
        self.file.persist(&self.target).map_err(|error| error.error)?;
        // The new name itself must survive a power cut, too.
        Ok(File::open(folder)?.sync_all()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_and_right_blobs_get_a_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let artifacts = Artifacts::open(directory.path().join("artifacts")).expect("opens");
        let right = ArtifactRef { digest: Digest::of(b"weights"), bytes: 7 };
        let attempt = |bytes: &[u8]| {
            let mut incoming = artifacts.receive(right).expect("begins");
            incoming.write(bytes).and_then(|()| incoming.finish())
        };
        for wrong in [b"weight".as_slice(), b"weighty", b"weights and more"] {
            assert!(matches!(attempt(wrong), Err(ArtifactError::Mismatch(_))), "{wrong:?}");
            assert!(!artifacts.contains(right));
        }
        attempt(b"weights").expect("stored");
        assert!(artifacts.contains(right));
        assert!(!artifacts.contains(ArtifactRef { bytes: 8, ..right }));
    }

    #[test]
    fn a_fresh_blob_is_not_collected_and_orphans_go_at_the_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let artifacts = Artifacts::open(directory.path().to_owned()).expect("opens");
        let put = |bytes: &[u8]| {
            let artifact = ArtifactRef { digest: Digest::of(bytes), bytes: bytes.len() as u64 };
            let file = directory.path().join("source");
            fs::write(&file, bytes).expect("written");
            artifacts.adopt(&file, artifact).expect("stored");
            artifact
        };
        let (kept, orphan) = (put(b"kept"), put(b"orphan"));
        assert!(!artifacts.remove_stale(orphan.digest).expect("reads"), "it was uploaded just now");
        assert_eq!(
            artifacts.sweep_orphans(&BTreeSet::from([kept.digest]), Duration::ZERO).expect("sweeps"),
            1
        );
        assert!(artifacts.contains(kept) && !artifacts.contains(orphan));
        assert!(artifacts.remove_stale(orphan.digest).expect("gone already"));
    }
}

//! Blobs in a local directory, two levels deep: `ab/cdef...`.

use std::fs::{self, File};
use std::io::{self, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sweep_proto::{ArtifactRef, Digest};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncSeekExt;

use super::incoming::{Content, Whole};
use super::{ArtifactError, name_of};
use crate::blocking::blocking;

/// The sub-directory in which blobs grow until they are whole.
const INCOMING: &str = "incoming";

/// The directory.
#[derive(Debug)]
pub(crate) struct Directory {
    root: PathBuf,
}

impl Directory {
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        let incoming = root.join(INCOMING);
        if incoming.exists() {
            fs::remove_dir_all(&incoming)?;
        }
        fs::create_dir_all(&incoming)?;
        Ok(Self { root })
    }

    pub(super) fn look(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn incoming(&self) -> PathBuf {
        self.root.join(INCOMING)
    }

    /// Where a blob lies. Only a digest leads to a path: nothing from a wire is ever part of one.
    fn path(&self, digest: Digest) -> PathBuf {
        let (folder, rest) = name_of(digest);
        self.root.join(folder).join(rest)
    }

    pub(super) fn size(&self, digest: Digest) -> Result<Option<u64>, ArtifactError> {
        match fs::metadata(self.path(digest)) {
            Ok(file) => Ok(file.is_file().then_some(file.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn touch(&self, digest: Digest) {
        // A blob that is not here, or cannot be written, shows in what follows.
        _ = File::options()
            .append(true)
            .open(self.path(digest))
            .and_then(|file| file.set_modified(SystemTime::now()));
    }

    pub(super) async fn keep(&self, whole: Whole) -> Result<(), ArtifactError> {
        let target = self.path(whole.artifact.digest);
        let incoming = self.incoming();
        let rename = move || match whole.content {
            Content::File(file) => name(file, &target),
            Content::Memory(bytes) => {
                let mut file = NamedTempFile::new_in(incoming)?;
                file.write_all(&bytes)?;
                file.as_file().sync_all()?;
                name(file.into_temp_path(), &target)
            }
        };
        Ok(blocking(rename).await??)
    }

    pub(super) async fn read(&self, digest: Digest, offset: u64) -> Result<tokio::fs::File, ArtifactError> {
        let mut file = tokio::fs::File::open(self.path(digest)).await?;
        file.seek(SeekFrom::Start(offset)).await?;
        Ok(file)
    }

    pub(super) fn remove_stale(&self, digest: Digest, grace: Duration) -> io::Result<bool> {
        let path = self.path(digest);
        match fs::metadata(&path).and_then(|file| file.modified()) {
            Ok(modified) if modified.elapsed().unwrap_or_default() < grace => Ok(false),
            Ok(_) => fs::remove_file(&path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    pub(super) fn remove(&self, digest: Digest) -> io::Result<()> {
        match fs::remove_file(self.path(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn orphans(
        &self,
        stays: &dyn Fn(&Digest) -> bool,
        older_than: Duration,
    ) -> io::Result<Vec<ArtifactRef>> {
        let mut orphans = Vec::new();
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
                    && !stays(&digest)
                {
                    let metadata = file.metadata()?;
                    if metadata.modified()?.elapsed().unwrap_or_default() >= older_than {
                        orphans.push(ArtifactRef { digest, bytes: metadata.len() });
                    }
                }
            }
        }
        Ok(orphans)
    }
}

/// Gives a synced file its lasting name, which survives a power cut, too.
fn name(file: TempPath, target: &Path) -> io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("."));
    if fs::create_dir(folder).is_ok()
        && let Some(root) = folder.parent()
    {
        File::open(root)?.sync_all()?;
    }
    file.persist(target).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

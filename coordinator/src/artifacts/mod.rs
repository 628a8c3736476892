//! Blobs addressed by their digest (datasets, checkpoints, models), in a local directory or an object store.

mod directory;
mod incoming;
mod objects;
mod pins;

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use prost::bytes::Bytes;
use sweep_proto::protocol::CHUNK_BYTES;
use sweep_proto::{ArtifactRef, Digest};
use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::sync::{RwLock, RwLockWriteGuard};

use crate::blocking::blocking;
use directory::Directory;
pub(crate) use incoming::Incoming;
use objects::Objects;
use pins::Pinned;
pub(crate) use pins::Pins;

/// How long a blob that lost its references is kept after it was uploaded once more: the report that refers to
/// it again may follow.
const GRACE: Duration = Duration::from_mins(1);

/// Why a blob was not stored or read.
#[derive(Debug, Error)]
pub(crate) enum ArtifactError {
    /// The bytes are not what was announced.
    #[error("the bytes sent are not those announced: {0}")]
    Mismatch(String),
    /// The disk refused.
    #[error("the artifact cannot be stored: {0}")]
    Disk(#[from] io::Error),
    /// The object store refused or cannot be reached.
    #[error("the object store: {0}")]
    Objects(#[from] object_store::Error),
    /// Reading was to begin behind the end.
    #[error("the artifact has {bytes} bytes, not {offset}")]
    Offset {
        /// Where reading was to begin.
        offset: u64,
        /// The artifact's size.
        bytes: u64,
    },
    /// There is no such blob.
    #[error("there is no artifact {0}")]
    NotFound(Digest),
}

/// Where blobs lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArtifactsChoice {
    /// In this directory.
    Directory(PathBuf),
    /// In a bucket of S3-compatible storage, by `s3://bucket/prefix`. Credentials, region and endpoint come
    /// from the usual `AWS_…` variables of the environment.
    Objects(String),
}

impl std::str::FromStr for ArtifactsChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            None if text.is_empty() => Err("it must be a folder or s3://BUCKET/PREFIX".to_owned()),
            None => Ok(Self::Directory(PathBuf::from(text))),
            Some(("s3", rest)) if !rest.is_empty() && !rest.starts_with('/') => {
                Ok(Self::Objects(text.to_owned()))
            }
            Some(("s3", _)) => {
                Err("an address of storage names its bucket, as s3://BUCKET/PREFIX".to_owned())
            }
            Some((scheme, _)) => {
                Err(format!("artifacts lie in a folder or at s3://BUCKET/PREFIX, not at {scheme}://"))
            }
        }
    }
}

/// The blobs of one coordinator, the only writer.
#[derive(Debug)]
pub(crate) struct Artifacts {
    place: Storage,
    /// Held alone by a removal, so that no blob is found present and then removed.
    removal: RwLock<()>,
    pinned: Pinned,
}

#[derive(Debug)]
enum Storage {
    Directory(Directory),
    Objects(Objects),
}

/// A blob that is being read.
#[derive(Debug)]
pub(crate) struct Blob(Source);

#[derive(Debug)]
enum Source {
    File(tokio::fs::File),
    Object(objects::Pieces),
}

impl Blob {
    /// The next bytes, at most [`CHUNK_BYTES`]; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ArtifactError> {
        match &mut self.0 {
            Source::File(file) => {
                let mut data = Vec::with_capacity(CHUNK_BYTES);
                let count = file.take(CHUNK_BYTES as u64).read_to_end(&mut data).await?;
                Ok((count > 0).then(|| data.into()))
            }
            Source::Object(pieces) => pieces.next().await,
        }
    }
}

impl Artifacts {
    /// Opens a place of blobs, creating a folder where needed, and removes what an earlier process left
    /// unfinished. What cannot be written says so here and not after an hour of training.
    pub(crate) async fn open(choice: &ArtifactsChoice) -> Result<Self, ArtifactError> {
        match choice {
            ArtifactsChoice::Directory(root) => Ok(Self::directory(root)?),
            ArtifactsChoice::Objects(url) => {
                let objects = Objects::connect(url)?;
                objects.probe().await?;
                Ok(Self::of(Storage::Objects(objects)))
            }
        }
    }

    /// Blobs in a local directory.
    pub(crate) fn directory(root: &Path) -> io::Result<Self> {
        Directory::open(root.to_owned()).map(Storage::Directory).map(Self::of)
    }

    /// As [`Self::open`], for reading only: nothing is made, probed or removed.
    pub(crate) fn look(choice: &ArtifactsChoice) -> Result<Self, ArtifactError> {
        match choice {
            ArtifactsChoice::Directory(root) => {
                Ok(Self::of(Storage::Directory(Directory::look(root.clone()))))
            }
            ArtifactsChoice::Objects(url) => Ok(Self::of(Storage::Objects(Objects::connect(url)?))),
        }
    }

    /// Blobs in a storage that was opened elsewhere.
    pub(crate) fn objects(store: Arc<dyn ObjectStore>) -> Self {
        Self::of(Storage::Objects(Objects::over(store)))
    }

    fn of(place: Storage) -> Self {
        Self { place, removal: RwLock::default(), pinned: Pinned::default() }
    }

    /// The size of a blob that is here, whole; `None` where it is not here.
    pub(crate) async fn size(&self, digest: Digest) -> Result<Option<u64>, ArtifactError> {
        match &self.place {
            Storage::Directory(directory) => directory.size(digest),
            Storage::Objects(objects) => objects.size(digest).await,
        }
    }

    /// Whether a blob is here, whole. Keeps it from being collected for a while.
    pub(crate) async fn refresh(&self, artifact: ArtifactRef) -> Result<bool, ArtifactError> {
        let _present = self.removal.read().await;
        match &self.place {
            Storage::Directory(directory) => directory.touch(artifact.digest),
            Storage::Objects(objects) => objects.touch(artifact.digest),
        }
        Ok(self.size(artifact.digest).await? == Some(artifact.bytes))
    }

    /// A blob in the making, of the announced size and digest.
    pub(crate) fn receive(&self, expected: ArtifactRef) -> Result<Incoming, ArtifactError> {
        match &self.place {
            Storage::Directory(directory) => Ok(Incoming::in_folder(&directory.incoming(), expected)?),
            Storage::Objects(_) => Ok(Incoming::in_memory(expected)?),
        }
    }

    /// Checks a received blob and gives it its name: it is durable when this returns.
    pub(crate) async fn keep(&self, incoming: Incoming) -> Result<(), ArtifactError> {
        let whole = incoming.finish().await?;
        let _present = self.removal.read().await;
        match &self.place {
            Storage::Directory(directory) => directory.keep(whole).await,
            Storage::Objects(objects) => objects.keep(whole).await,
        }
    }

    /// To be filled by [`adopt`](Self::adopt), and kept until the rows that name what was adopted are there.
    pub(crate) fn pins(&self) -> Pins {
        self.pinned.pins()
    }

    /// Takes over a file that is here under another name, after checking its bytes. It stays while it is pinned, whatever loses
    /// its last reference meanwhile.
    pub(crate) async fn adopt(
        &self,
        file: &Path,
        artifact: ArtifactRef,
        pins: &mut Pins,
    ) -> Result<(), ArtifactError> {
        pins.add(artifact.digest);
        if self.refresh(artifact).await? {
            return Ok(());
        }
        let mut incoming = self.receive(artifact)?;
        let path = file.to_owned();
        let mut file = blocking(move || std::fs::File::open(path)).await??;
        loop {
            let read = blocking(move || {
                let mut bytes = Vec::with_capacity(CHUNK_BYTES);
                (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut bytes).map(|_| (bytes, file))
            });
            let (bytes, rest) = read.await??;
            if bytes.is_empty() {
                break;
            }
            incoming.write(&bytes).await?;
            file = rest;
        }
        self.keep(incoming).await
    }

    /// Opens a blob at an offset, which may be at most its size.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`]; [`ArtifactError::Offset`] for an offset behind the end.
    pub(crate) async fn read(&self, digest: Digest, offset: u64) -> Result<Blob, ArtifactError> {
        let bytes = self.size(digest).await?.ok_or(ArtifactError::NotFound(digest))?;
        if offset > bytes {
            return Err(ArtifactError::Offset { offset, bytes });
        }
        match &self.place {
            Storage::Directory(directory) => Ok(Blob(Source::File(directory.read(digest, offset).await?))),
            Storage::Objects(objects) => Ok(Blob(Source::Object(objects.read(digest, offset, bytes).await?))),
        }
    }

    /// What [`Removal::orphans`] would remove now. It holds nobody up: storage may be slow to list.
    pub(crate) async fn look_for_orphans(
        &self,
        wanted: &BTreeSet<Digest>,
        older_than: Duration,
    ) -> Result<Orphans, ArtifactError> {
        let orphans = find_orphans(&self.place, &self.pinned.all(), wanted, older_than).await?;
        Ok(Orphans::of(&orphans))
    }

    /// Begins a removal: until it is dropped no blob is found present or stored by anybody else. Which blobs rows name is asked
    /// *after* this, so that rows that came before are seen, and whoever is about to write others has pinned what they name.
    pub(crate) async fn removal(&self) -> Removal<'_> {
        let alone = self.removal.write().await;
        Removal { place: &self.place, pinned: self.pinned.all(), _alone: alone }
    }
}

/// A removal that is underway.
#[derive(Debug)]
pub(crate) struct Removal<'a> {
    place: &'a Storage,
    /// What was pinned when it began.
    pinned: BTreeSet<Digest>,
    _alone: RwLockWriteGuard<'a, ()>,
}

impl Removal<'_> {
    /// Removes a blob that lost its last reference that long ago; keeps one that is pinned, or was uploaded or asked for since
    /// then and lately, and says so with `false`.
    pub(crate) async fn stale(
        &self,
        artifact: ArtifactRef,
        lost_for: Duration,
    ) -> Result<bool, ArtifactError> {
        let Stale { later, errors, .. } = self.all_stale(&[(artifact, lost_for)]).await;
        errors.into_iter().next().map_or(Ok(later.is_empty()), Err)
    }

    /// The same of several blobs. An object store is far away: it is asked for all of them together.
    pub(crate) async fn all_stale(&self, lost: &[(ArtifactRef, Duration)]) -> Stale {
        let (pinned, free): (Vec<_>, Vec<_>) =
            lost.iter().copied().partition(|(artifact, _)| self.pinned.contains(&artifact.digest));
        let mut stale = Stale::default();
        stale.later.extend(pinned.into_iter().map(|(artifact, _)| artifact));
        match self.place {
            Storage::Directory(directory) => {
                for (artifact, lost_for) in free {
                    match directory.remove_stale(artifact.digest, lost_for.min(GRACE)) {
                        Ok(true) => stale.removed += 1,
                        Ok(false) => stale.later.push(artifact),
                        Err(error) => stale.errors.push(error.into()),
                    }
                }
            }
            Storage::Objects(objects) => {
                let (recent, old): (Vec<_>, Vec<_>) = free.into_iter().partition(|(artifact, lost_for)| {
                    objects.is_recent(artifact.digest, (*lost_for).min(GRACE))
                });
                stale.later.extend(recent.into_iter().map(|(artifact, _)| artifact));
                let old = old.into_iter().map(|(artifact, _)| artifact.digest);
                (stale.removed, stale.errors) = objects.remove(old).await;
            }
        }
        stale
    }

    /// Removes every blob that is not wanted and was stored that long ago, and tells what that was. What has
    /// another name is left alone.
    pub(crate) async fn orphans(
        &self,
        wanted: &BTreeSet<Digest>,
        older_than: Duration,
    ) -> Result<Orphans, ArtifactError> {
        let orphans = find_orphans(self.place, &self.pinned, wanted, older_than).await?;
        let digests = orphans.iter().map(|orphan| orphan.digest);
        let error = match self.place {
            Storage::Directory(directory) => {
                digests.map(|digest| directory.remove(digest)).find_map(Result::err).map(ArtifactError::from)
            }
            Storage::Objects(objects) => objects.remove(digests).await.1.into_iter().next(),
        };
        error.map_or_else(|| Ok(Orphans::of(&orphans)), Err)
    }
}

/// What became of blobs that were to be removed.
#[derive(Debug, Default)]
pub(crate) struct Stale {
    /// How many are gone.
    pub(crate) removed: usize,
    /// Those that are kept for now.
    pub(crate) later: Vec<ArtifactRef>,
    /// Why others could not be removed.
    pub(crate) errors: Vec<ArtifactError>,
}

/// Blobs that are neither wanted nor pinned and were stored that long ago.
async fn find_orphans(
    place: &Storage,
    pinned: &BTreeSet<Digest>,
    wanted: &BTreeSet<Digest>,
    older_than: Duration,
) -> Result<Vec<ArtifactRef>, ArtifactError> {
    let stays = |digest: &Digest| wanted.contains(digest) || pinned.contains(digest);
    match place {
        Storage::Directory(directory) => Ok(directory.orphans(&stays, older_than)?),
        Storage::Objects(objects) => objects.orphans(&stays, older_than).await,
    }
}

/// Blobs that nothing refers to, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orphans {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

impl Orphans {
    fn of(orphans: &[ArtifactRef]) -> Self {
        let bytes = orphans.iter().map(|orphan| orphan.bytes).sum();
        Self { count: orphans.len() as u64, bytes }
    }
}

/// The two parts of a blob's name: its folder and the rest.
fn name_of(digest: Digest) -> (String, String) {
    let mut folder = digest.to_string();
    let rest = folder.split_off(2);
    (folder, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One place of each kind.
    fn places(directory: &Path) -> Vec<Artifacts> {
        let local = Artifacts::directory(&directory.join("artifacts")).expect("opens");
        vec![local, Artifacts::of(Storage::Objects(Objects::in_memory()))]
    }

    async fn put(artifacts: &Artifacts, expected: ArtifactRef, bytes: &[u8]) -> Result<(), ArtifactError> {
        let mut incoming = artifacts.receive(expected)?;
        incoming.write(bytes).await?;
        artifacts.keep(incoming).await
    }

    fn artifact(bytes: &[u8]) -> ArtifactRef {
        ArtifactRef { digest: Digest::of(bytes), bytes: bytes.len() as u64 }
    }

    #[tokio::test]
    async fn only_whole_and_right_blobs_get_a_name() {
        let directory = tempfile::tempdir().expect("a directory");
        for artifacts in places(directory.path()) {
            let right = artifact(b"weights");
            for wrong in [b"weight".as_slice(), b"weighty", b"weights and more"] {
                let outcome = put(&artifacts, right, wrong).await;
                assert!(matches!(outcome, Err(ArtifactError::Mismatch(_))), "{wrong:?}");
                assert!(!artifacts.refresh(right).await.expect("looks"));
            }
            put(&artifacts, right, b"weights").await.expect("stored");
            assert!(artifacts.refresh(right).await.expect("looks"));
            assert!(!artifacts.refresh(ArtifactRef { bytes: 8, ..right }).await.expect("looks"));
        }
    }

    #[tokio::test]
    async fn a_blob_is_read_from_any_offset() {
        let directory = tempfile::tempdir().expect("a directory");
        let bytes: Vec<u8> = (0..2 * CHUNK_BYTES + 10).map(|at| (at % 251) as u8).collect();
        for artifacts in places(directory.path()) {
            put(&artifacts, artifact(&bytes), &bytes).await.expect("stored");
            for offset in [0, 1, CHUNK_BYTES, bytes.len() - 1, bytes.len()] {
                let mut blob = artifacts.read(Digest::of(&bytes), offset as u64).await.expect("opens");
                let mut read = Vec::new();
                while let Some(piece) = blob.next().await.expect("reads") {
                    assert!(!piece.is_empty() && piece.len() <= CHUNK_BYTES);
                    read.extend_from_slice(&piece);
                }
                assert!(read == bytes[offset..], "from {offset}");
            }
            let beyond = artifacts.read(Digest::of(&bytes), bytes.len() as u64 + 1).await;
            assert!(matches!(beyond, Err(ArtifactError::Offset { .. })));
            let missing = artifacts.read(Digest::of(b"missing"), 0).await;
            assert!(matches!(missing, Err(ArtifactError::NotFound(_))));
        }
    }

    #[tokio::test]
    async fn a_pinned_blob_stays_whatever_loses_its_last_reference() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = directory.path().join("source");
        std::fs::write(&source, b"dataset").expect("written");
        let dataset = artifact(b"dataset");
        for artifacts in places(directory.path()) {
            // It is here from an earlier sweep, which is deleted while another one is launched on it.
            put(&artifacts, dataset, b"dataset").await.expect("stored");
            let (mut pins, mut others) = (artifacts.pins(), artifacts.pins());
            artifacts.adopt(&source, dataset, &mut pins).await.expect("here");
            artifacts.adopt(&source, dataset, &mut others).await.expect("here");
            drop(others);
            // What was pinned when the removal began stays, also where its rows come and it is let go of meanwhile.
            let removal = artifacts.removal().await;
            let seen = artifacts.look_for_orphans(&BTreeSet::new(), Duration::ZERO).await.expect("looks");
            assert_eq!(seen.count, 0, "a look knows what is pinned");
            drop(pins);
            let removed = removal.stale(dataset, Duration::ZERO).await.expect("looks");
            assert!(!removed, "it is about to be named");
            let orphans = removal.orphans(&BTreeSet::new(), Duration::ZERO).await.expect("looks");
            assert_eq!(orphans.count, 0);
            drop(removal);
            let removal = artifacts.removal().await;
            assert!(removal.stale(dataset, Duration::ZERO).await.expect("looks"), "it was given up");
        }
    }

    #[tokio::test]
    async fn a_fresh_blob_is_not_collected_and_orphans_go_at_the_start() {
        let directory = tempfile::tempdir().expect("a directory");
        for artifacts in places(directory.path()) {
            for bytes in [b"kept".as_slice(), b"orphan"] {
                put(&artifacts, artifact(bytes), bytes).await.expect("stored");
            }
            let (kept, orphan) = (artifact(b"kept"), artifact(b"orphan"));
            let long_ago = Duration::from_hours(1);
            let removal = artifacts.removal().await;
            let removed = removal.stale(orphan, long_ago).await.expect("reads");
            assert!(!removed, "it was uploaded just now");
            let wanted = BTreeSet::from([kept.digest]);
            let hour = Duration::from_hours(1);
            assert_eq!(removal.orphans(&wanted, hour).await.expect("sweeps").count, 0);
            let one = Orphans { count: 1, bytes: orphan.bytes };
            // A look waits for no removal, and no upload waits for a look.
            let seen = tokio::time::timeout(
                Duration::from_mins(1),
                artifacts.look_for_orphans(&wanted, Duration::ZERO),
            );
            assert_eq!(seen.await.expect("it does not wait").expect("looks"), one);
            assert_eq!(removal.orphans(&wanted, Duration::ZERO).await.expect("sweeps"), one);
            assert_eq!(artifacts.size(kept.digest).await.expect("looks"), Some(4));
            assert_eq!(artifacts.size(orphan.digest).await.expect("looks"), None);
        }
    }

    #[test]
    fn a_place_is_a_folder_or_a_bucket() {
        let parse = str::parse::<ArtifactsChoice>;
        assert_eq!(parse("/var/blobs"), Ok(ArtifactsChoice::Directory("/var/blobs".into())));
        assert!(matches!(parse("s3://bucket/some/where"), Ok(ArtifactsChoice::Objects(_))));
        for wrong in ["", "s3://", "s3:///prefix", "gs://bucket", "https://example.org/bucket"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}

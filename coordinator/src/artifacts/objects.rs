//! Blobs in S3-compatible storage.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig, WriteMultipart,
};
use prost::bytes::Bytes;
use sweep_proto::protocol::CHUNK_BYTES;
use sweep_proto::{ArtifactRef, Digest};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tokio_stream::{Stream, StreamExt};

use super::incoming::{Content, Whole};
use super::{ArtifactError, GRACE, name_of};

/// Size from which on a blob is sent in parts, and of each part, in bytes.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Parts of one blob that are under way at one time.
const PARTS_AT_ONCE: usize = 4;

/// How often a request is repeated where the storage is overloaded or a connection breaks.
const RETRIES: usize = 5;

/// How long a request may be repeated for.
const RETRY_TIME: Duration = Duration::from_secs(30);

/// How long one request may take.
const REQUEST_TIME: Duration = Duration::from_mins(1);

/// The object by which a start finds out whether it may write.
const PROBE: &str = "probe";

/// A bucket, or the part of it under a prefix.
#[derive(Debug)]
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    /// Blobs that were uploaded or asked for lately by this process, the only writer.
    recent: Mutex<BTreeMap<Digest, Instant>>,
}

impl Objects {
    /// The bucket of an `s3://bucket/prefix`; everything else comes from the environment's `AWS_…` variables.
    pub(super) fn connect(url: &str) -> Result<Self, ArtifactError> {
        // One TLS library for everything; a second call changes nothing.
        _ = rustls::crypto::ring::default_provider().install_default();
        let retries =
            RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIME, ..RetryConfig::default() };
        let endpoint = std::env::var("AWS_ENDPOINT_URL").or_else(|_| std::env::var("AWS_ENDPOINT"));
        let is_local = endpoint.is_ok_and(|endpoint| is_loopback(&endpoint));
        let client = ClientOptions::new().with_timeout(REQUEST_TIME);
        let mut builder = AmazonS3Builder::from_env().with_url(url).with_retry(retries);
        if is_local {
            builder = builder.with_client_options(client.with_allow_http(true));
        }
        let store = builder.build()?;
        let (_, prefix) = url.trim_start_matches("s3://").split_once('/').unwrap_or((url, ""));
        let prefix = Path::parse(prefix.trim_matches('/')).map_err(object_store::Error::from)?;
        Ok(Self::over(Arc::new(PrefixStore::new(store, prefix))))
    }

    /// Objects that live as long as this value: for tests.
    #[cfg(test)]
    pub(super) fn in_memory() -> Self {
        Self::over(Arc::new(object_store::memory::InMemory::new()))
    }

    /// Objects of a storage that was opened elsewhere.
    pub(super) fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, recent: Mutex::default() }
    }

    /// Fails where the bucket is not there or may not be written.
    pub(super) async fn probe(&self) -> Result<(), ArtifactError> {
        let path = Path::from(PROBE);
        self.store.put(&path, PutPayload::from_static(b"lstm-sweep may write here")).await?;
        Ok(self.store.delete(&path).await?)
    }

    pub(super) async fn size(&self, digest: Digest) -> Result<Option<u64>, ArtifactError> {
        match self.store.head(&path(digest)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn touch(&self, digest: Digest) {
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|_, at| now.duration_since(*at) < GRACE);
        recent.insert(digest, now);
    }

    /// Objects appear whole or not at all, and only after their digest was checked here.
    pub(super) async fn keep(&self, whole: Whole) -> Result<(), ArtifactError> {
        let digest = whole.artifact.digest;
        self.touch(digest);
        let path_of_file = match whole.content {
            Content::Memory(bytes) => {
                self.store.put(&path(digest), bytes.into()).await?;
                return Ok(());
            }
            Content::File(path) => path,
        };
        let mut file = tokio::fs::File::open(&path_of_file).await?;
        if whole.artifact.bytes <= PART_BYTES as u64 {
            let mut bytes = Vec::with_capacity(whole.artifact.bytes as usize);
            file.read_to_end(&mut bytes).await?;
            self.store.put(&path(digest), bytes.into()).await?;
            return Ok(());
        }
        let upload = self.store.put_multipart(&path(digest)).await?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        loop {
            parts.wait_for_capacity(PARTS_AT_ONCE).await?;
            let mut piece = Vec::with_capacity(CHUNK_BYTES);
            if (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut piece).await? == 0 {
                parts.finish().await?;
                return Ok(());
            }
            parts.put(piece.into());
        }
    }

    pub(super) async fn read(
        &self,
        digest: Digest,
        offset: u64,
        bytes: u64,
    ) -> Result<Pieces, ArtifactError> {
        if offset == bytes {
            return Ok(Pieces { objects: Box::pin(tokio_stream::empty()), rest: Bytes::new() });
        }
        let options = GetOptions { range: Some(GetRange::Offset(offset)), ..GetOptions::default() };
        let found = self.store.get_opts(&path(digest), options).await?;
        Ok(Pieces { objects: Box::pin(found.into_stream()), rest: Bytes::new() })
    }

    /// Whether a blob was uploaded or asked for lately.
    pub(super) fn is_recent(&self, digest: Digest, grace: Duration) -> bool {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.get(&digest).is_some_and(|at| at.elapsed() < grace)
    }

    /// Removes blobs with as few requests as the storage takes, and some of these at one time: how many are gone, and why others are not.
    pub(super) async fn remove(&self, digests: impl Iterator<Item = Digest>) -> (usize, Vec<ArtifactError>) {
        let paths: Vec<_> = digests.map(|digest| Ok(path(digest))).collect();
        let mut outcomes = self.store.delete_stream(Box::pin(tokio_stream::iter(paths)));
        let (mut gone, mut errors) = (0, Vec::new());
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => gone += 1,
                Err(error) => errors.push(error.into()),
            }
        }
        (gone, errors)
    }

    pub(super) async fn orphans(
        &self,
        stays: &(dyn Fn(&Digest) -> bool + Sync),
        older_than: Duration,
    ) -> Result<Vec<ArtifactRef>, ArtifactError> {
        let mut listing = self.store.list(None);
        let mut orphans = Vec::new();
        while let Some(object) = listing.next().await {
            let object = object?;
            let name = object.location.as_ref().replace('/', "");
            let modified = std::time::SystemTime::from(object.last_modified);
            if let Ok(digest) = name.parse::<Digest>()
                && !stays(&digest)
                && !self.is_recent(digest, GRACE.min(older_than))
                && modified.elapsed().unwrap_or_default() >= older_than
            {
                orphans.push(ArtifactRef { digest, bytes: object.size });
            }
        }
        Ok(orphans)
    }
}

/// An object on its way, in pieces of bounded size.
pub(super) struct Pieces {
    objects: std::pin::Pin<Box<dyn Stream<Item = object_store::Result<Bytes>> + Send>>,
    rest: Bytes,
}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pieces").field("rest", &self.rest.len()).finish_non_exhaustive()
    }
}

impl Pieces {
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ArtifactError> {
        while self.rest.is_empty() {
            match self.objects.next().await {
                None => return Ok(None),
                Some(bytes) => self.rest = bytes?,
            }
        }
        let count = self.rest.len().min(CHUNK_BYTES);
        Ok(Some(self.rest.split_to(count)))
    }
}

fn path(digest: Digest) -> Path {
    let (folder, rest) = name_of(digest);
    Path::from_iter([folder, rest])
}

/// Whether an endpoint is this machine, where nobody listens in.
fn is_loopback(endpoint: &str) -> bool {
    let host = endpoint.trim_start_matches("http://");
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|local| {
        host.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    })
}

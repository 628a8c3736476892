//! Streams of bytes: fetching and uploading artifacts, and files sent to people.

use std::time::Duration;

use bytes::Bytes;
use coordinator_core::{Engine, Rejection};
use sweep_proto::digest::Hasher;
use sweep_proto::protocol::CHUNK_BYTES;
use sweep_proto::{ArtifactRef, Digest, LeaseToken, convert, wire};
use tokio::time::Instant;
use tonic::{Status, Streaming};

use super::patient::{PatientSender, PatientStream, patient};
use super::{CHUNK_QUEUE, Shared, status};
use crate::artifacts::Pins;
use crate::security::caller::Caller;

/// Longest pause between two parts of an upload: a worker that is silent for longer starts anew.
const UPLOAD_PAUSE_MAX: Duration = Duration::from_mins(1);

/// Slowest upload, in bytes a second, beyond one such pause: slower than any line that a worker is of use on.
const UPLOAD_RATE_MIN: u64 = 4 * 1024;

/// What a fetch answers.
pub(super) type Chunks = PatientStream<wire::Chunk, Status>;
/// What a download by a person answers.
pub(super) type FileParts = PatientStream<wire::FilePart, Status>;

/// Streams a blob from an offset on, to whom a live lease names it.
pub(super) async fn fetch(
    shared: &Shared,
    caller: Caller,
    request: wire::FetchRequest,
) -> Result<Chunks, Status> {
    let digest = convert::digest(&request.digest, "digest").map_err(status::of_conversion)?;
    check_named(shared, caller, digest).await?;
    shared.check_giveable(digest).await?;
    let mut blob =
        shared.artifacts.read(digest, request.offset).await.map_err(|error| status::of_artifact(&error))?;
    let (parts, stream) = patient(CHUNK_QUEUE, status::given_up);
    tokio::spawn(async move {
        loop {
            let part = match blob.next().await {
                Ok(None) => return,
                Ok(Some(data)) => Ok(wire::Chunk { data }),
                Err(error) => Err(status::of_artifact(&error)),
            };
            let failed = part.is_err();
            if parts.send(part).await.is_err() || failed {
                return;
            }
        }
    });
    Ok(stream)
}

/// A worker that has proven who it is fetches only what its live leases name.
async fn check_named(shared: &Shared, caller: Caller, digest: Digest) -> Result<(), Status> {
    let Some(worker) = caller.worker() else { return Ok(()) };
    let look = move |engine: &Engine, _| engine.may_fetch(worker, digest);
    if shared.driver.read(look).await.map_err(status::of_driver)? {
        return Ok(());
    }
    Err(Status::permission_denied(format!("no live lease of worker {worker} names the artifact {digest}")))
}

/// Receives a blob of a worker that holds a lease: nothing of it is seen before it is whole, checked and on the disk.
pub(super) async fn upload(
    shared: &Shared,
    caller: Caller,
    parts: Streaming<wire::UploadPart>,
) -> Result<(), Status> {
    let mut parts = Parts { stream: parts, received: 0, began: Instant::now() };
    let first = parts.next().await?.ok_or_else(|| status::invalid("the upload is empty"))?;
    let artifact =
        first.artifact.ok_or_else(|| status::invalid("the first part does not name its artifact"))?;
    let artifact: ArtifactRef = artifact.try_into().map_err(status::of_conversion)?;
    let admission = shared.admit_upload(caller.worker(), artifact).await?;
    receive(shared, artifact, parts, first.data).await?;
    if let Some(admission) = admission {
        admission.keep();
    }
    Ok(())
}

async fn receive(
    shared: &Shared,
    artifact: ArtifactRef,
    mut parts: Parts,
    mut data: Bytes,
) -> Result<(), Status> {
    let of_artifact = |error| status::of_artifact(&error);
    if shared.artifacts.refresh(artifact).await.map_err(of_artifact)? {
        return check_bytes(artifact, parts, &data).await;
    }
    let mut incoming = shared.artifacts.receive(artifact).map_err(of_artifact)?;
    loop {
        incoming.write(&data).await.map_err(of_artifact)?;
        match parts.next().await? {
            Some(part) => data = part.data,
            None => return shared.artifacts.keep(incoming).await.map_err(of_artifact),
        }
    }
}

/// Reads an upload of what is here already: a stream that is cut looks like a failure to its sender, and who has sent nothing but
/// the name of a blob has not shown that it has it.
async fn check_bytes(artifact: ArtifactRef, mut parts: Parts, first: &[u8]) -> Result<(), Status> {
    let mut hasher = Hasher::default();
    hasher.update(first);
    while parts.received <= artifact.bytes
        && let Some(part) = parts.next().await?
    {
        hasher.update(&part.data);
    }
    if parts.received != artifact.bytes || hasher.finish() != artifact.digest {
        let problem = format!(
            "the bytes are not those of the artifact {} that they were announced as",
            artifact.digest
        );
        return Err(status::invalid(problem));
    }
    Ok(())
}

/// The parts of an upload, which must come at a bearable pace.
struct Parts {
    stream: Streaming<wire::UploadPart>,
    received: u64,
    began: Instant,
}

impl Parts {
    async fn next(&mut self) -> Result<Option<wire::UploadPart>, Status> {
        let pace = Duration::from_secs(self.received / UPLOAD_RATE_MIN);
        let until = (Instant::now() + UPLOAD_PAUSE_MAX).min(self.began + UPLOAD_PAUSE_MAX + pace);
        let part = tokio::time::timeout_at(until, self.stream.message()).await;
        let part =
            part.map_err(|_| Status::deadline_exceeded("the upload paused for too long, or is too slow"))??;
        self.received += part.as_ref().map_or(0, |part| part.data.len() as u64);
        Ok(part)
    }
}

/// What is said to a report of a blob.
pub(super) enum Reported {
    /// It is here, and may be reported. It stays while the pins are held: until the report is answered.
    Fit(Pins),
    /// It is not here, or not this worker's to report: whoever reports it cannot mend that.
    Unfit(Status),
}

/// Whether a worker may report a blob: its trial's own, or one that it has shown, and that is here. The last is asked last: it
/// tells which blobs there are.
///
/// # Errors
/// Where the lease is another worker's, and where it cannot be looked up.
pub(super) async fn check_reported(
    shared: &Shared,
    caller: Caller,
    token: LeaseToken,
    artifact: ArtifactRef,
    what: &str,
) -> Result<Reported, Status> {
    let digest = artifact.digest;
    if let Some(worker) = caller.worker()
        && !shared.uploads.has_shown(worker, token, artifact)
    {
        let look = move |engine: &Engine, _| (engine.attempt_worker(token), engine.may_report(token, digest));
        let (holder, may_report) = shared.driver.read(look).await.map_err(status::of_driver)?;
        if holder.is_some_and(|holder| holder != worker) {
            return Err(status::of_rejection(&Rejection::NotHolder { token, worker }));
        }
        match may_report {
            Some(true) => {}
            Some(false) => {
                return Ok(Reported::Unfit(Status::permission_denied(format!(
                    "the {what} {digest} was not uploaded by worker {worker} under the lease {token}, and is not its trial's own"
                ))));
            }
            None => {
                let problem = format!("the lease {token} was never granted");
                return Ok(Reported::Unfit(Status::failed_precondition(problem)));
            }
        }
    }
    // Before it is looked for: what is found present is removed by nobody from then on.
    let mut pins = shared.artifacts.pins();
    pins.add(digest);
    if shared.artifacts.refresh(artifact).await.map_err(|error| status::of_artifact(&error))? {
        return Ok(Reported::Fit(pins));
    }
    let problem = format!("the {what} {digest} was not uploaded before it was reported");
    Ok(Reported::Unfit(status::invalid(problem)))
}

/// A file that a person downloads.
pub(super) enum Download {
    /// In memory.
    Bytes(Bytes),
    /// An artifact.
    Artifact(Digest),
}

/// Streams files one after another.
pub(super) fn download(shared: &Shared, files: Vec<(String, Download)>) -> FileParts {
    let (parts, stream) = patient(CHUNK_QUEUE, status::given_up);
    let shared = shared.clone();
    tokio::spawn(async move {
        for (name, content) in files {
            if let Err(error) = send_file(&shared, &name, content, &parts).await {
                // Whoever downloads may have gone.
                _ = parts.send(Err(error)).await;
                return;
            }
        }
    });
    stream
}

async fn send_file(
    shared: &Shared,
    name: &str,
    content: Download,
    parts: &PatientSender<wire::FilePart, Status>,
) -> Result<(), Status> {
    let send =
        async |part| parts.send(part).await.map_err(|_| Status::cancelled("the download was given up"));
    let part = |data: Bytes| Ok(wire::FilePart { name: name.to_owned(), data });
    match content {
        Download::Bytes(bytes) if bytes.is_empty() => send(part(bytes)).await,
        Download::Bytes(mut bytes) => {
            while !bytes.is_empty() {
                send(part(bytes.split_to(bytes.len().min(CHUNK_BYTES)))).await?;
            }
            Ok(())
        }
        Download::Artifact(digest) => {
            let of_artifact = |error| status::of_artifact(&error);
            let mut blob = shared.artifacts.read(digest, 0).await.map_err(of_artifact)?;
            while let Some(data) = blob.next().await.map_err(of_artifact)? {
                send(Ok(wire::FilePart { name: name.to_owned(), data })).await?;
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use coordinator_store::{MemoryStore, Store};
    use object_store::memory::InMemory;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::artifacts::Artifacts;
    use crate::clock::Clock;
    use crate::driver::Driver;
    use crate::security::doors::Doors;

    #[tokio::test]
    async fn what_is_reported_stays_until_the_report_is_answered() {
        let store = MemoryStore::default();
        let open = Box::new(move || Ok(Box::new(store.clone()) as Box<dyn Store>));
        let artifacts = Arc::new(Artifacts::objects(Arc::new(InMemory::new())));
        let (driver, _running) =
            Driver::start_as_task(open, Arc::clone(&artifacts), Clock::start()).expect("starts");
        let (cache, doors) = (PathBuf::new(), Doors::default());
        let shared = Shared::new(driver, Arc::clone(&artifacts), cache, CancellationToken::new(), doors);
        let shared = shared.expect("random bytes");
        let artifact = ArtifactRef { digest: Digest::of(b"weights"), bytes: 7 };
        let mut incoming = artifacts.receive(artifact).expect("a place");
        incoming.write(b"weights").await.expect("written");
        artifacts.keep(incoming).await.expect("kept");

        let reported = check_reported(&shared, Caller::Local, LeaseToken(1), artifact, "checkpoint").await;
        let Ok(Reported::Fit(pins)) = reported else { panic!("it is here") };
        let remove = async || {
            let removal = artifacts.removal().await;
            removal.stale(artifact, Duration::ZERO).await.expect("looks")
        };
        assert!(!remove().await, "a row is about to name it");
        drop(pins);
        assert!(remove().await, "no row came");
        let reported = check_reported(&shared, Caller::Local, LeaseToken(1), artifact, "checkpoint").await;
        assert!(matches!(reported, Ok(Reported::Unfit(_))));
    }
}

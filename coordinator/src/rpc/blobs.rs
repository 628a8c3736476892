//! Streams of bytes: fetching and uploading artifacts, and files sent to people.

use std::io::SeekFrom;
use std::time::Duration;

use sweep_proto::protocol::CHUNK_BYTES;
use sweep_proto::{ArtifactRef, Digest, convert, wire};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::{STREAM_QUEUE, Shared, status};

/// Longest pause between two parts of an upload: a worker that is silent for longer starts anew.
const UPLOAD_PAUSE_MAX: Duration = Duration::from_mins(1);

/// What a fetch answers.
pub(super) type Chunks = ReceiverStream<Result<wire::Chunk, Status>>;
/// What a download by a person answers.
pub(super) type FileParts = ReceiverStream<Result<wire::FilePart, Status>>;

/// Streams a blob from an offset on.
pub(super) async fn fetch(shared: &Shared, request: wire::FetchRequest) -> Result<Chunks, Status> {
    let digest = convert::digest(&request.digest, "digest").map_err(status::of_conversion)?;
    let mut file = tokio::fs::File::open(shared.artifacts.path(digest)).await.map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            Status::not_found(format!("there is no artifact {digest}"))
        } else {
            status::internal(format!("cannot open artifact {digest}: {error}"))
        }
    })?;
    let bytes = file.metadata().await.map_err(status::internal)?.len();
    if request.offset > bytes {
        return Err(Status::out_of_range(format!(
            "artifact {digest} has {bytes} bytes, not {}",
            request.offset
        )));
    }
    file.seek(SeekFrom::Start(request.offset)).await.map_err(status::internal)?;
    let (parts, stream) = mpsc::channel(STREAM_QUEUE);
    tokio::spawn(async move {
        loop {
            let mut data = Vec::with_capacity(CHUNK_BYTES);
            let part = match (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut data).await {
                Ok(0) => return,
                Ok(_) => Ok(wire::Chunk { data: data.into() }),
                Err(error) => Err(status::internal(format!("cannot read artifact {digest}: {error}"))),
            };
            let failed = part.is_err();
            if parts.send(part).await.is_err() || failed {
                return;
            }
        }
    });
    Ok(ReceiverStream::new(stream))
}

/// Receives a blob: nothing of it is seen before it is whole, checked and on the disk.
pub(super) async fn upload(shared: &Shared, mut parts: Streaming<wire::UploadPart>) -> Result<(), Status> {
    let first = next_part(&mut parts).await?.ok_or_else(|| status::invalid("the upload is empty"))?;
    let artifact =
        first.artifact.ok_or_else(|| status::invalid("the first part does not name its artifact"))?;
    let artifact: ArtifactRef = artifact.try_into().map_err(status::of_conversion)?;
    let artifacts = shared.artifacts.clone();
    let (sender, mut data) = mpsc::channel(STREAM_QUEUE);
    let writer = tokio::task::spawn_blocking(move || {
        if artifacts.refresh(artifact) {
            return Ok(());
        }
        let mut incoming = artifacts.receive(artifact)?;
        while let Some(bytes) = data.blocking_recv() {
            incoming.write(AsRef::<[u8]>::as_ref(&bytes))?;
        }
        incoming.finish()
    });
    let mut received = first.data.len() as u64;
    let mut open = sender.send(first.data).await.is_ok();
    // A writer that ended early has its reason, which its result tells. Where the blob was here already the
    // rest is still read, because a stream that is cut looks like a failure to its sender.
    while received <= artifact.bytes && (open || !writer.is_finished() || shared.artifacts.contains(artifact))
    {
        let Some(part) = next_part(&mut parts).await? else { break };
        received += part.data.len() as u64;
        if open {
            open = sender.send(part.data).await.is_ok();
        }
    }
    drop(sender);
    writer.await.map_err(status::internal)?.map_err(|error| status::of_artifact(&error))
}

async fn next_part(parts: &mut Streaming<wire::UploadPart>) -> Result<Option<wire::UploadPart>, Status> {
    tokio::time::timeout(UPLOAD_PAUSE_MAX, parts.message())
        .await
        .map_err(|_| Status::deadline_exceeded("the upload paused for too long"))?
}

/// Refuses a reference to a blob that is not here.
pub(super) fn check_present(shared: &Shared, artifact: ArtifactRef, what: &str) -> Result<(), Status> {
    if shared.artifacts.refresh(artifact) {
        return Ok(());
    }
    Err(status::invalid(format!("the {what} {} was not uploaded before it was reported", artifact.digest)))
}

/// A file that a person downloads.
pub(super) enum Download {
    /// In memory.
    Bytes(Vec<u8>),
    /// An artifact.
    Artifact(Digest),
}

/// Streams files one after another.
pub(super) fn download(shared: &Shared, files: Vec<(String, Download)>) -> FileParts {
    let (parts, stream) = mpsc::channel(STREAM_QUEUE);
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
    ReceiverStream::new(stream)
}

async fn send_file(
    shared: &Shared,
    name: &str,
    content: Download,
    parts: &mpsc::Sender<Result<wire::FilePart, Status>>,
) -> Result<(), Status> {
    let gone = |_| Status::cancelled("the download was given up");
    let part = |data: Vec<u8>| Ok(wire::FilePart { name: name.to_owned(), data: data.into() });
    match content {
        Download::Bytes(bytes) if bytes.is_empty() => parts.send(part(bytes)).await.map_err(gone),
        Download::Bytes(bytes) => {
            for chunk in bytes.chunks(CHUNK_BYTES) {
                parts.send(part(chunk.to_vec())).await.map_err(gone)?;
            }
            Ok(())
        }
        Download::Artifact(digest) => {
            let mut file = tokio::fs::File::open(shared.artifacts.path(digest))
                .await
                .map_err(|error| status::internal(format!("cannot open artifact {digest}: {error}")))?;
            loop {
                let mut data = Vec::with_capacity(CHUNK_BYTES);
                let count = (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut data).await;
                if count.map_err(status::internal)? == 0 {
                    return Ok(());
                }
                parts.send(part(data)).await.map_err(gone)?;
            }
        }
    }
}

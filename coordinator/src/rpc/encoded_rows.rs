//! Parts of an encoded dataset, read from the artifacts without the rest of it.

use sweep_proto::Digest;
use sweep_proto::encoded::{EncodedHeader, HEADER_BYTES_MAX, MAGIC, Split};
use tonic::Status;

use super::status;
use crate::artifacts::Artifacts;

/// Magic and length of the header, in bytes.
const PREFIX_BYTES: usize = 16;

/// The header of an encoded dataset, and where its first split begins.
pub(super) async fn read_header(
    artifacts: &Artifacts,
    dataset: Digest,
) -> Result<(EncodedHeader, u64), Status> {
    let start = read(artifacts, dataset, 0, PREFIX_BYTES).await?;
    let (magic, length) = start.split_at(8);
    let length = number(length);
    if magic != MAGIC || length > HEADER_BYTES_MAX {
        return Err(broken(dataset, &"not an encoded dataset"));
    }
    let json = read(artifacts, dataset, PREFIX_BYTES as u64, length as usize).await?;
    let header = serde_json::from_slice(&json).map_err(|error| broken(dataset, &error))?;
    Ok((header, (PREFIX_BYTES as u64 + length).next_multiple_of(8)))
}

/// The tokens of one row.
pub(super) async fn row_tokens(
    artifacts: &Artifacts,
    dataset: Digest,
    (header, rows_at): (&EncodedHeader, u64),
    split: Split,
    row: u64,
) -> Result<Vec<u32>, Status> {
    // As `sweep_proto::encoded` writes them: offsets, labels and tokens of each split, each up to a multiple of 8.
    let tokens_behind = |at: u64, rows: u64| (at + 8 * (rows + 1) + 4 * rows).next_multiple_of(8);
    let before = &header.splits[..split as usize];
    let at = before
        .iter()
        .fold(rows_at, |at, size| (tokens_behind(at, size.rows) + 4 * size.tokens).next_multiple_of(8));
    let size = header.splits[split as usize];
    if row >= size.rows {
        return Err(broken(dataset, &format!("its {} split has no row {row}", split.name())));
    }
    let span = read(artifacts, dataset, at + 8 * row, 16).await?;
    let (start, end) = (number(&span[..8]), number(&span[8..]));
    if start > end || end > size.tokens || end - start > u64::from(header.max_length) {
        return Err(broken(dataset, &"an offset is wrong"));
    }
    let tokens_at = tokens_behind(at, size.rows) + 4 * start;
    let bytes = read(artifacts, dataset, tokens_at, 4 * (end - start) as usize).await?;
    Ok(bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect())
}

/// Exactly that many bytes from an offset on.
async fn read(artifacts: &Artifacts, dataset: Digest, at: u64, count: usize) -> Result<Vec<u8>, Status> {
    let mut bytes = Vec::new();
    let mut blob = artifacts.read(dataset, at).await.map_err(|error| status::of_artifact(&error))?;
    while bytes.len() < count {
        let piece = blob.next().await.map_err(|error| status::of_artifact(&error))?;
        bytes.extend_from_slice(&piece.ok_or_else(|| broken(dataset, &"it ends too early"))?);
    }
    bytes.truncate(count);
    Ok(bytes)
}

/// A little-endian number of eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn broken(dataset: Digest, problem: &dyn std::fmt::Display) -> Status {
    status::internal(format!("dataset {dataset}: {problem}"))
}

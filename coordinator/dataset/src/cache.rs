//! What was prepared before: encoded files by digest, and an index from settings to digests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sweep_proto::encoded::EncodedView;
use sweep_proto::{DataSpec, Digest, Hyperparameter, Value};

use crate::Prepared;
use crate::download::write_atomically;
use crate::error::DatasetError;
use crate::summary::Summary;

/// Raised whenever the same source and settings give other bytes, or another account, than before.
const PREPARATION_VERSION: u32 = 3;

/// What the index keeps of a preparation.
#[derive(Serialize, Deserialize)]
struct Entry {
    digest: Digest,
    summary: Summary,
}

/// What decides the encoded bytes: the source's stamp, the data section's numbers, the variant.
pub(crate) fn fingerprint(
    stamp: Digest,
    data: &DataSpec,
    variant: &BTreeMap<Hyperparameter, Value>,
) -> Digest {
    let variant: Vec<_> = variant.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = format!(
        "{PREPARATION_VERSION} {stamp} {:?} {:?} {:?} {:?} {:?} {} {variant:?}",
        data.validation_share,
        data.test_share,
        data.train_rows,
        data.test_rows,
        data.bad_rows_share_max,
        data.seed
    );
    Digest::of(text.as_bytes())
}

/// The encoded file of a digest in a cache.
pub fn encoded_path(cache: &Path, digest: Digest) -> PathBuf {
    cache.join(format!("{digest}.sweepds"))
}

fn entry_path(cache: &Path, fingerprint: Digest) -> PathBuf {
    cache.join("prepared").join(format!("{fingerprint}.json"))
}

/// A finished preparation, if it is there and its bytes still have their digest. Whatever is missing or
/// damaged is as good as never prepared.
pub(crate) fn find(cache: &Path, fingerprint: Digest) -> Option<Prepared> {
    let entry: Entry = serde_json::from_slice(&std::fs::read(entry_path(cache, fingerprint)).ok()?).ok()?;
    let path = encoded_path(cache, entry.digest);
    let bytes = std::fs::read(&path).ok()?;
    if Digest::of(&bytes) != entry.digest {
        tracing::warn!(path = %path.display(), "a prepared dataset is damaged and is prepared again");
        return None;
    }
    let size = bytes.len() as u64;
    let header = EncodedView::parse(bytes).ok()?.header().clone();
    Some(Prepared { digest: entry.digest, path, bytes: size, header, summary: entry.summary })
}

/// Writes an encoded dataset under its digest, then the index entry that leads to it.
pub(crate) fn store(
    cache: &Path,
    fingerprint: Digest,
    bytes: &[u8],
    summary: &Summary,
) -> Result<(Digest, PathBuf), DatasetError> {
    let index = cache.join("prepared");
    std::fs::create_dir_all(&index).map_err(DatasetError::io(&index, "create it"))?;
    let digest = Digest::of(bytes);
    let path = encoded_path(cache, digest);
    write_atomically(&path, bytes).map_err(DatasetError::io(&path, "write it"))?;
    let entry = Entry { digest, summary: summary.clone() };
    let entry_path = entry_path(cache, fingerprint);
    serde_json::to_vec(&entry)
        .map_err(std::io::Error::other)
        .and_then(|json| write_atomically(&entry_path, &json))
        .map_err(DatasetError::io(&entry_path, "write it"))?;
    Ok((digest, path))
}

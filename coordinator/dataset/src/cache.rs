//! What was prepared before: encoded files by digest, and an index from settings to digests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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

/// The file of the test texts of a digest in a cache.
pub(crate) fn texts_path(cache: &Path, digest: Digest) -> PathBuf {
    cache.join(format!("{digest}.texts"))
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
    touch(&path);
    touch(&texts_path(cache, entry.digest));
    let bytes = std::fs::read(&path).ok()?;
    if Digest::of(&bytes) != entry.digest {
        tracing::warn!(path = %path.display(), "a prepared dataset is damaged and is prepared again");
        return None;
    }
    let size = bytes.len() as u64;
    let header = EncodedView::parse(bytes).ok()?.header().clone();
    Some(Prepared { digest: entry.digest, path, bytes: size, header, summary: entry.summary })
}

/// A file of a cache that nobody needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spare {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// The prepared files of datasets that are not among those wanted, and were last used that long ago: encoded rows, test texts and
/// entries of the index. Whatever else lies in the cache, downloads among it, is not of them.
///
/// # Errors
/// A folder or a file that is there and cannot be read.
pub fn spare_files(cache: &Path, wanted: &BTreeSet<Digest>, unused_for: Duration) -> io::Result<Vec<Spare>> {
    let mut spare = Vec::new();
    for file in files(cache)? {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        let is_ours = file.extension().is_some_and(|kind| kind == "sweepds" || kind == "texts");
        if is_ours && stem.is_some_and(|digest| !wanted.contains(&digest)) {
            spare.extend(old(file, unused_for)?);
        }
    }
    for file in files(&cache.join("prepared"))? {
        let is_ours = file.extension().is_some_and(|kind| kind == "json");
        let entry = std::fs::read(&file).ok().and_then(|json| serde_json::from_slice::<Entry>(&json).ok());
        if is_ours && entry.is_some_and(|entry| !wanted.contains(&entry.digest)) {
            spare.extend(old(file, unused_for)?);
        }
    }
    Ok(spare)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn old(path: PathBuf, unused_for: Duration) -> io::Result<Option<Spare>> {
    let file = match path.metadata() {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_old = file.is_file() && file.modified()?.elapsed().unwrap_or_default() >= unused_for;
    Ok(is_old.then_some(Spare { path, bytes: file.len() }))
}

/// Marks a file as used just now: whoever found it is about to read it.
fn touch(path: &Path) {
    _ = File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_datasets_that_nobody_wants_are_spare_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = folder.path();
        let (wanted, gone) = (Digest::of(b"wanted"), Digest::of(b"gone"));
        std::fs::create_dir_all(cache.join("prepared")).expect("made");
        let entry = |digest: Digest| {
            serde_json::json!({ "digest": digest, "summary": Summary::default() }).to_string()
        };
        let mut spare = Vec::new();
        for digest in [wanted, gone] {
            let files =
                [format!("{digest}.sweepds"), format!("{digest}.texts"), format!("prepared/{digest}.json")];
            for name in files {
                let text = if name.ends_with("json") { entry(digest) } else { "rows".to_owned() };
                std::fs::write(cache.join(&name), &text).expect("written");
                if digest == gone {
                    spare.push(Spare { path: cache.join(name), bytes: text.len() as u64 });
                }
            }
        }
        for other in ["aclImdb_v1.tar.gz", "notes.json", "short.sweepds", "prepared/broken.json"] {
            std::fs::write(cache.join(other), "{").expect("written");
        }
        let found = |age| {
            let mut found = spare_files(cache, &BTreeSet::from([wanted]), age).expect("looked");
            found.sort_by(|one, other| one.path.cmp(&other.path));
            found
        };
        spare.sort_by(|one, other| one.path.cmp(&other.path));
        assert_eq!(found(Duration::ZERO), spare);
        assert_eq!(found(Duration::from_hours(1)), [], "somebody may be about to name them");
        assert_eq!(
            spare_files(&cache.join("nowhere"), &BTreeSet::new(), Duration::ZERO).expect("looked"),
            []
        );
    }
}

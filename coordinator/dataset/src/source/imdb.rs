//! The Large Movie Review Dataset (Maas et al., 2011): its official archive, or the unpacked folder.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sweep_proto::Reading;
use tar::Archive;

use super::SourcePath;
use super::input::{Watched, open, sorted_entries};
use super::texts::Texts;
use crate::download::{Checksum, fetch};
use crate::error::DatasetError;
use crate::limits::{FILES_MAX, TEXT_BYTES_MAX, UNPACKED_BYTES_MAX};
use crate::progress::Progress;
use crate::rows::{Part, Place, Rows};

const URL: &str = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz";
const SHA256: &str = "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe";
/// Bytes of the archive: the official one has 84 MB.
const DOWNLOAD_BYTES_MAX: u64 = 128 << 20;
/// What is told of a copy that has the reviews without a label.
const UNLABELLED_NOTE: &str = "the folder \"unsup\" is passed over: its texts have no label";
/// The two folders of each part with the classes they hold; `unsup` has no labels and is not read.
const CLASSES: [(&str, &str); 2] = [("neg", "negative"), ("pos", "positive")];
const LAYOUT: &str = "`path` of \"imdb\" must be aclImdb_v1.tar.gz or the unpacked folder aclImdb with train and test, each with pos and neg";

/// Fetches the archive from its home, unless the cache has it.
pub(crate) fn download(cache: &Path, progress: &dyn Progress) -> Result<PathBuf, DatasetError> {
    let path = cache.join("downloads").join("aclImdb_v1.tar.gz");
    fetch(URL, &path, &Checksum::Sha256(SHA256), DOWNLOAD_BYTES_MAX, progress)?;
    Ok(path)
}

/// Reads every labelled review. The archive and the folder give the same rows in the same order.
pub(crate) fn read(
    path: &SourcePath,
    reading: &Reading,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    let metadata = path.metadata().map_err(DatasetError::io(path, "open it"))?;
    let reviews =
        if metadata.is_dir { read_folder(path, rows)? } else { read_archive(path, rows, progress)? };
    reviews.finish(path, reading.encoding.as_deref(), rows)?;
    if rows.train.is_empty() || rows.test.is_empty() {
        return Err(DatasetError::broken(path.display(), format!("it has no labelled reviews; {LAYOUT}")));
    }
    Ok(())
}

fn read_folder(path: &SourcePath, rows: &mut Rows) -> Result<Texts, DatasetError> {
    let inner = path.join("aclImdb");
    let root = if inner.is_dir() { inner } else { path.clone() };
    let mut reviews = Texts::default();
    for (part, part_name) in [(Part::Train, "train"), (Part::Test, "test")] {
        let home = format!("{}/{part_name}", root.file_name());
        rows.enter(part, &home);
        if root.join(part_name).join("unsup").is_dir() {
            rows.note(UNLABELLED_NOTE);
        }
        for (folder_name, class) in CLASSES {
            let folder = root.join(part_name).join(folder_name);
            if !folder.is_folder()? {
                return Err(DatasetError::broken(
                    folder.display(),
                    format!("this folder is missing; {LAYOUT}"),
                ));
            }
            for entry in sorted_entries(&folder)? {
                let file = format!("{part_name}/{folder_name}/{}", entry.file_name());
                reviews.add_file(&entry, &home, file, part, class, rows)?;
            }
        }
    }
    Ok(reviews)
}

/// One review of the archive: its part, the place of its class, its file name, its bytes.
type Review = (bool, usize, String, Vec<u8>);

fn read_archive(path: &SourcePath, rows: &mut Rows, progress: &dyn Progress) -> Result<Texts, DatasetError> {
    let mut unpacked = unpack(path, rows, progress)?;
    // The order of an archive is an accident; the folder is read by name.
    unpacked.sort_unstable();
    let mut reviews = Texts::default();
    for (is_test, class, name, text) in unpacked {
        let (folder, class) = CLASSES[class];
        let part = if is_test { Part::Test } else { Part::Train };
        let file = format!("{}/{folder}/{name}", if is_test { "test" } else { "train" });
        reviews.add(&path.file_name(), file, part, class, text);
    }
    Ok(reviews)
}

fn unpack(path: &SourcePath, rows: &mut Rows, progress: &dyn Progress) -> Result<Vec<Review>, DatasetError> {
    let damaged = |error: std::io::Error| {
        let reason = format!("the archive cannot be read ({error}); fetch it again; {LAYOUT}");
        DatasetError::broken(path.display(), reason)
    };
    let unpacked = MultiGzDecoder::new(Watched::binary(open(path)?, progress)).take(UNPACKED_BYTES_MAX);
    let mut archive = Archive::new(unpacked);
    let mut reviews = Vec::new();
    let mut files = 0;
    for entry in archive.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        files += 1;
        if files > FILES_MAX {
            return Err(DatasetError::broken(path.display(), "the archive has more than five million files"));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some((is_test, class, name)) = position(&name) else {
            if name.contains("/unsup/") {
                rows.note(UNLABELLED_NOTE);
            }
            continue;
        };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if entry.size() > TEXT_BYTES_MAX as u64 {
            rows.reject(Place { file: &name, line: 1 }, "the text is longer than 1 MiB")?;
            continue;
        }
        let mut text = Vec::with_capacity(entry.size() as usize);
        entry.take(TEXT_BYTES_MAX as u64).read_to_end(&mut text).map_err(damaged)?;
        reviews.push((is_test, class, name, text));
    }
    let mut rest = archive.into_inner();
    std::io::copy(&mut rest, &mut std::io::sink()).map_err(damaged)?;
    if rest.limit() == 0 {
        return Err(DatasetError::broken(path.display(), "the archive unpacks to more than 4 GiB"));
    }
    Ok(reviews)
}

/// Whether a name in an archive is that of a labelled review.
pub(crate) fn is_review(name: &str) -> bool {
    position(name).is_some()
}

/// What a path such as `aclImdb/train/pos/0_9.txt` says.
fn position(path: &str) -> Option<(bool, usize, String)> {
    let mut ends = path.rsplit('/');
    let (name, class, part) = (ends.next()?, ends.next()?, ends.next()?);
    #[expect(
        clippy::case_sensitive_file_extension_comparisons,
        reason = "the official names are in lower case"
    )]
    let hidden = name.starts_with('.') || !name.ends_with(".txt");
    let class = CLASSES.iter().position(|(folder, _)| *folder == class)?;
    let part = Part::from_folder(part)?;
    (!hidden).then(|| (part == Part::Test, class, name.to_owned()))
}

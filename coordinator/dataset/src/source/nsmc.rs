//! The Naver sentiment movie corpus: two TSV files of Korean reviews (CC0, github.com/e9t/nsmc).

use std::path::{Path, PathBuf};

use sweep_proto::Reading;

use super::delimited::{self, Family};
use super::{Columns, Part, Rows, SourcePath};
use crate::download::{Checksum, fetch};
use crate::error::DatasetError;
use crate::progress::Progress;

/// The file by which a folder is told to be the corpus.
pub(crate) const TRAINING_FILE: &str = "ratings_train.txt";
const FILES: [(Part, &str, &str, &str); 2] = [
    (
        Part::Train,
        TRAINING_FILE,
        "https://raw.githubusercontent.com/e9t/nsmc/master/ratings_train.txt",
        "ac0dba272895dc1d0b3dd5f11afbeaeb7abe7876",
    ),
    (
        Part::Test,
        "ratings_test.txt",
        "https://raw.githubusercontent.com/e9t/nsmc/master/ratings_test.txt",
        "b6cfcd8cd1557bcd9bf06617b0e429ed73e9a367",
    ),
];
/// Bytes of one file: the official ones have 15 MB and 5 MB.
const DOWNLOAD_BYTES_MAX: u64 = 64 << 20;

/// Both files of a folder.
pub(crate) fn files(folder: &SourcePath) -> Result<Vec<(Part, SourcePath)>, DatasetError> {
    let files: Vec<_> = FILES.iter().map(|(part, name, _, _)| (*part, folder.join(name))).collect();
    for (_, file) in &files {
        file.is_folder()?;
        if !file.is_file() {
            let reason = "`path` of \"nsmc\" must be a folder with ratings_train.txt and ratings_test.txt; this file is missing";
            return Err(DatasetError::broken(file.display(), reason));
        }
    }
    Ok(files)
}

/// Fetches both files from their home, unless the cache has them; gives their folder.
pub(crate) fn download(cache: &Path, progress: &dyn Progress) -> Result<PathBuf, DatasetError> {
    let folder = cache.join("downloads").join("nsmc");
    for (_, name, url, blob) in FILES {
        fetch(url, &folder.join(name), &Checksum::GitBlob(blob), DOWNLOAD_BYTES_MAX, progress)?;
    }
    Ok(folder)
}

/// Reads one file.
pub(crate) fn read(
    path: &SourcePath,
    reading: &Reading,
    part: Part,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    let columns = Columns {
        text: vec!["document".into()],
        label: "label".into(),
        names: &[("0", "negative"), ("1", "positive")],
    };
    delimited::read(path, Family::PlainTsv, &columns, reading, part, rows, progress)
}

//! What the tests of this crate share: small files in a folder of their own.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "tests")]

pub(crate) mod parquet;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sweep_proto::{DataSource, DataSpec, Hyperparameter, Value};

/// A folder that goes away with the test, and a cache in it.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("inside")).expect("created");
        std::fs::write(&path, bytes).expect("written");
        path
    }
}

/// A user's file with columns `text` and `label`.
pub fn file(path: &Path) -> DataSpec {
    DataSpec::new(DataSource::File {
        path: path.to_owned(),
        validation_path: None,
        test_path: None,
        text: "text".into(),
        label: "label".into(),
    })
}

/// The same with a test file.
pub fn with_test(path: &Path, test: &Path) -> DataSpec {
    let mut data = file(path);
    if let DataSource::File { test_path, .. } = &mut data.source {
        *test_path = Some(test.to_owned());
    }
    data
}

/// A known dataset at a path.
pub fn known(name: &str, path: Option<&Path>) -> DataSpec {
    DataSpec::new(DataSource::Known { name: name.into(), path: path.map(Path::to_owned) })
}

/// Data hyperparameters by name.
pub fn variant(values: &[(Hyperparameter, Value)]) -> BTreeMap<Hyperparameter, Value> {
    values.iter().cloned().collect()
}

/// `count` rows of text and label that differ from each other; two classes in turn.
pub fn rows(count: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|row| {
            let label = if row % 2 == 0 { "bad" } else { "good" };
            (format!("a {label} film number {row}"), label.to_owned())
        })
        .collect()
}

/// The same rows as CSV with a header.
pub fn csv(count: usize) -> String {
    rows(count).iter().fold("text,label\n".to_owned(), |all, (text, label)| format!("{all}{text},{label}\n"))
}

/// A table as a compressed file.
pub fn packed(bytes: &[u8], ending: &str) -> Vec<u8> {
    match ending {
        "gz" => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(bytes).and_then(|()| packer.finish()).expect("in memory")
        }
        "zst" => zstd::encode_all(bytes, 0).expect("in memory"),
        "bz2" => {
            let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            packer.write_all(bytes).and_then(|()| packer.finish()).expect("in memory")
        }
        "zip" => zip_of(&[("films.csv", bytes), ("__MACOSX/._films.csv", b"x")]),
        other => panic!("{other}"),
    }
}

/// A ZIP archive of some files.
pub fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("in memory");
        writer.write_all(bytes).expect("in memory");
    }
    writer.finish().expect("in memory").into_inner()
}

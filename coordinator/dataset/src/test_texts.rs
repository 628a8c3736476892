//! The texts of the test split as they stand in the data, kept beside an encoded dataset for the people who read reports.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use sweep_proto::Digest;

use crate::cache::texts_path;
use crate::download::write_atomically;
use crate::limits::{TEST_TEXT_CHARACTERS, TEST_TEXTS_BYTES_MAX};
use crate::rows::Row;

/// Keeps the beginnings of the test texts in a file for its owner only, one JSON string a line; none where they are too large
/// together.
pub(crate) fn keep(cache: &Path, dataset: Digest, test: &[Row]) -> io::Result<()> {
    let mut lines = Vec::new();
    for row in test {
        let text: String = row.text.chars().take(TEST_TEXT_CHARACTERS).collect();
        serde_json::to_writer(&mut lines, &text)?;
        lines.push(b'\n');
        if lines.len() > TEST_TEXTS_BYTES_MAX {
            return Ok(());
        }
    }
    write_atomically(&texts_path(cache, dataset), &lines)
}

/// The beginnings of some test texts by row of the test split; those that are not kept are left out.
///
/// # Errors
/// A file that is there and cannot be read.
pub fn test_texts(cache: &Path, dataset: Digest, rows: &[u64]) -> io::Result<BTreeMap<u64, String>> {
    let file = match File::open(texts_path(cache, dataset)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut texts = BTreeMap::new();
    for (row, line) in (0..).zip(BufReader::new(file).lines()) {
        let line = line?;
        if rows.contains(&row) {
            texts.insert(row, serde_json::from_str(&line)?);
        }
    }
    Ok(texts)
}

/// Removes the test texts of a dataset, where they are to be told to nobody.
///
/// # Errors
/// A file that is there and cannot be removed.
pub fn forget_test_texts(cache: &Path, dataset: Digest) -> io::Result<()> {
    match std::fs::remove_file(texts_path(cache, dataset)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn texts_are_kept_as_they_stand_for_their_owner_only() {
        let cache = tempfile::tempdir().expect("a folder");
        let dataset = Digest::of(b"data");
        let row = |text: &str| Row { text: text.into(), label: 0 };
        let long = "long ".repeat(TEST_TEXT_CHARACTERS);
        keep(cache.path(), dataset, &[row("It's \"good\",\nDon't"), row("b"), row(&long)]).expect("kept");
        let texts = test_texts(cache.path(), dataset, &[0, 2, 9]).expect("read");
        assert_eq!(texts[&0], "It's \"good\",\nDon't");
        assert_eq!((texts[&2].chars().count(), texts.len()), (TEST_TEXT_CHARACTERS, 2));
        let mode = texts_path(cache.path(), dataset).metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
        for dataset in [Digest::of(b"other"), dataset] {
            forget_test_texts(cache.path(), dataset).expect("gone");
            assert!(test_texts(cache.path(), dataset, &[0]).expect("none is kept").is_empty());
        }
    }

    #[test]
    fn texts_that_are_too_large_together_are_not_kept() {
        let cache = tempfile::tempdir().expect("a folder");
        let text = "한".repeat(TEST_TEXT_CHARACTERS);
        let many = TEST_TEXTS_BYTES_MAX / text.len() + 1;
        let rows: Vec<Row> = (0..many).map(|_| Row { text: text.clone(), label: 0 }).collect();
        keep(cache.path(), Digest::of(b"data"), &rows).expect("left out");
        assert_eq!(std::fs::read_dir(cache.path()).expect("a folder").count(), 0);
    }
}

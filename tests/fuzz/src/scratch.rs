//! A folder in memory for readers that take files.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread_local;

use tempfile::TempDir;

thread_local! {
    static FOLDER: TempDir = make();
}

/// In memory where the system has such a place: millions of files are written and read once.
fn make() -> TempDir {
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("sweep-fuzz-");
        builder
    };
    builder().tempdir_in("/dev/shm").or_else(|_| builder().tempdir()).expect("a folder for files")
}

/// A path of that name in this thread's folder. What an earlier input left there is still there.
pub(crate) fn path(name: &str) -> PathBuf {
    FOLDER.with(|folder| folder.path().join(name))
}

/// Writes a file in this thread's folder.
pub(crate) fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = path(name);
    fs::write(&path, bytes).expect("written");
    path
}

/// An empty folder of that name in this thread's folder.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = path(name);
    clear(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

/// Removes a folder and all that is in it.
fn clear(path: &Path) {
    if path.exists() {
        fs::remove_dir_all(path).expect("removed");
    }
}

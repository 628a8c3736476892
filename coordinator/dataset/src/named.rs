//! What a source names on this machine, before any of it is opened: what a confined reader must be able to reach.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::limits::FILES_MAX;

/// Folders within folders that are looked into, as by the readers.
const DEPTH_MAX: u32 = 14;

/// Files and folders that some paths of a source lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// What is read: the paths themselves, the files that match a pattern, and what links inside of folders lead to.
    pub read: BTreeSet<PathBuf>,
    /// Folders of which only the names of the entries are read: those that patterns are looked up in.
    pub listed: BTreeSet<PathBuf>,
}

impl Named {
    /// Follows paths of a source: files, folders and patterns. What cannot be looked at is left to the reader, which says why.
    pub fn by<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut named = Self::default();
        let mut entries = 0;
        for path in paths {
            if path.exists() {
                named.take(path, 0, &mut entries);
                continue;
            }
            // A path may lead into an archive.
            if let Some(archive) = path.ancestors().skip(1).find(|above| above.is_file()) {
                named.take(archive, 0, &mut entries);
                continue;
            }
            let Some((folder, pattern)) = pattern(path) else { continue };
            for entry in entries_of(&folder) {
                let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if pattern.matches(&name) {
                    named.take(&entry, 0, &mut entries);
                }
            }
            named.listed.insert(folder);
        }
        named
    }

    fn take(&mut self, path: &Path, depth: u32, entries: &mut u64) {
        let Ok(end) = path.canonicalize() else { return };
        if self.read.insert(end.clone()) {
            self.follow_links(&end, depth, entries);
        }
    }

    /// Takes in what the links of a folder lead to; everything else in it is reached with the folder.
    fn follow_links(&mut self, folder: &Path, depth: u32, entries: &mut u64) {
        for entry in entries_of(folder) {
            *entries += 1;
            if *entries > FILES_MAX || depth > DEPTH_MAX {
                return;
            }
            if entry.is_symlink() {
                self.take(&entry, depth + 1, entries);
            } else if entry.is_dir() {
                self.follow_links(&entry, depth + 1, entries);
            }
        }
    }
}

/// The folder and the pattern of a path whose last part is a pattern.
fn pattern(path: &Path) -> Option<(PathBuf, glob::Pattern)> {
    let pattern = glob::Pattern::new(&path.file_name()?.to_string_lossy()).ok()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some((folder.to_owned(), pattern))
}

/// The entries of a folder; empty where the path is not a folder.
fn entries_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, write};
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn paths_patterns_and_links_are_followed_and_nothing_else_is_named() {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().canonicalize().expect("there");
        let at = |name: &str| root.join(name);
        for folder in ["corpus/pos", "corpus/neg", "blobs", "shards"] {
            create_dir_all(at(folder)).expect("made");
        }
        for file in
            ["corpus/pos/1.txt", "blobs/a", "blobs/b", "shards/train-1.csv", "shards/notes.md", "secret"]
        {
            write(at(file), "x").expect("written");
        }
        symlink(at("blobs/a"), at("corpus/neg/1.txt")).expect("linked");
        symlink("../blobs/b", at("shards/train-2.csv")).expect("linked");
        symlink(at("shards"), at("shards/again")).expect("linked");
        let named = |path: &str| Named::by([at(path).as_path()]);
        let paths = |names: &[&str]| names.iter().map(|name| at(name)).collect::<BTreeSet<_>>();
        assert_eq!(named("corpus"), Named { read: paths(&["corpus", "blobs/a"]), listed: BTreeSet::new() });
        let shards = Named { read: paths(&["shards/train-1.csv", "blobs/b"]), listed: paths(&["shards"]) };
        assert_eq!(named("shards/train-*.csv"), shards);
        assert_eq!(named("shards").read, paths(&["shards", "blobs/b"]), "a link to a folder above ends");
        assert_eq!(named("blobs/a/inner.csv").read, paths(&["blobs/a"]), "as into an archive");
        assert_eq!(named("absent.csv").read, BTreeSet::new());
    }
}

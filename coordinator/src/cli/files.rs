//! Receives files from a coordinator into a folder: checked names, bounded sizes, whole files only.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sweep_proto::wire::FilePart;
use tempfile::NamedTempFile;
use tonic::{Status, Streaming};

use super::exit::Failure;

/// Most files of one report or model: there are about ten.
const FILES_MAX: usize = 256;
/// Most files of one export: some forty for each of the trials that an MLflow folder may have, or one for each of the
/// largest sweep.
const TREE_FILES_MAX: usize = 1_200_000;
/// Most folders on the way to a file of an export.
const DEPTH_MAX: usize = 8;
/// Most bytes of one report or model: the largest model that a sweep file allows has a gigabyte or so.
const BYTES_MAX: u64 = 16 << 30;
/// Permissions of a file that is handed around.
const FILE_MODE: u32 = 0o644;
/// Permissions of its folder.
const FOLDER_MODE: u32 = 0o755;
/// Longest file name.
const NAME_BYTES_MAX: usize = 128;

/// Makes a folder where it is missing and tries whether files can be made in it.
///
/// # Errors
/// Where one of both is refused.
pub(crate) fn check_writable(directory: &Path) -> Result<(), Failure> {
    make_folder(directory)?;
    NamedTempFile::new_in(directory)
        .map_err(|error| Failure::file("write into", directory, &error))
        .map(|_removed| ())
}

/// Makes a folder and those above it that are missing, which others may read: what lies there is made to be handed around.
fn make_folder(directory: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file("make the folder", directory, &error);
    let missing: Vec<&Path> = directory
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && folder.symlink_metadata().is_err())
        .collect();
    std::fs::create_dir_all(directory).map_err(failed)?;
    missing.into_iter().try_for_each(|folder| readable_by_all(folder, FOLDER_MODE)).map_err(failed)
}

/// Writes every file of the stream into `directory`, which is made where it is missing, and returns
/// the names in order. A file appears only when it is complete.
///
/// # Errors
/// A broken stream, a name that is none, a disk that refuses.
pub(crate) async fn receive(parts: Streaming<FilePart>, directory: &Path) -> Result<Vec<String>, Failure> {
    receive_into(Receiver::new(directory), parts).await
}

/// As [`receive`], but fetches everything before the first file is put in its place, in the order of the stream: a broken connection
/// leaves what was there.
///
/// # Errors
/// As [`receive`].
pub(crate) async fn replace(parts: Streaming<FilePart>, directory: &Path) -> Result<Vec<String>, Failure> {
    make_folder(directory)?;
    let fetched = tempfile::Builder::new().prefix(".fetched-").tempdir_in(directory);
    let fetched = fetched.map_err(|error| Failure::file("write into", directory, &error))?;
    let names = receive_into(Receiver::new(fetched.path()), parts).await?;
    for name in &names {
        let path = directory.join(name);
        let moved = std::fs::rename(fetched.path().join(name), &path);
        moved.map_err(|error| Failure::file("write", &path, &error))?;
    }
    Ok(names)
}

/// As [`receive`], of files in folders below `directory`, whose names have `/` between them.
///
/// # Errors
/// As [`receive`].
pub(crate) async fn receive_tree(
    parts: Streaming<FilePart>,
    directory: &Path,
) -> Result<Vec<String>, Failure> {
    receive_into(Receiver { is_tree: true, ..Receiver::new(directory) }, parts).await
}

async fn receive_into(
    mut receiver: Receiver<'_>,
    mut parts: Streaming<FilePart>,
) -> Result<Vec<String>, Failure> {
    make_folder(receiver.directory)?;
    loop {
        match parts.message().await {
            Ok(Some(part)) => receiver.part(&part)?,
            Ok(None) => return receiver.finish(),
            Err(status) => return Err(broken(status)),
        }
    }
}

fn broken(status: Status) -> Failure {
    let failure = Failure::from(status);
    if failure.hint.is_some() {
        failure
    } else {
        failure.hint("complete files are kept; the same command fetches again")
    }
}

struct Receiver<'d> {
    directory: &'d Path,
    open: Option<(String, NamedTempFile)>,
    names: Vec<String>,
    seen: BTreeSet<String>,
    bytes: u64,
    /// Whether names may have folders.
    is_tree: bool,
}

impl<'d> Receiver<'d> {
    fn new(directory: &'d Path) -> Self {
        Self { directory, open: None, names: Vec::new(), seen: BTreeSet::new(), bytes: 0, is_tree: false }
    }

    fn part(&mut self, part: &FilePart) -> Result<(), Failure> {
        if self.open.as_ref().is_none_or(|(name, _)| *name != part.name) {
            self.close()?;
            self.begin(&part.name)?;
        }
        self.bytes += part.data.len() as u64;
        if self.bytes > BYTES_MAX {
            return Err(Failure::failed(format!("the coordinator sends more than {} GiB", BYTES_MAX >> 30)));
        }
        if let Some((name, file)) = &mut self.open {
            let path = self.directory.join(&*name);
            // Not through the temporary file itself, which names itself in errors.
            file.as_file_mut()
                .write_all(&part.data)
                .map_err(|error| Failure::file("write", &path, &error))?;
        }
        Ok(())
    }

    fn begin(&mut self, name: &str) -> Result<(), Failure> {
        let is_allowed = if self.is_tree { is_plain_path(name) } else { is_plain_name(name) };
        if !is_allowed {
            return Err(Failure::failed(format!(
                "the coordinator sends a file named {name:?}, which is refused"
            )));
        }
        if !self.seen.insert(name.to_owned()) || self.seen.len() > self.files_max() {
            return Err(Failure::failed(format!("the coordinator sends {name:?} twice, or too many files")));
        }
        let path = self.directory.join(name);
        let folder = path.parent().unwrap_or(self.directory);
        if self.is_tree {
            make_folder(folder)?;
        }
        let file =
            NamedTempFile::new_in(folder).map_err(|error| Failure::file("write into", folder, &error))?;
        self.open = Some((name.to_owned(), file));
        Ok(())
    }

    fn files_max(&self) -> usize {
        if self.is_tree { TREE_FILES_MAX } else { FILES_MAX }
    }

    fn close(&mut self) -> Result<(), Failure> {
        if let Some((name, file)) = self.open.take() {
            let path = self.directory.join(&name);
            readable_by_all(file.path(), FILE_MODE).map_err(|error| Failure::file("write", &path, &error))?;
            file.persist(&path).map_err(|error| Failure::file("write", &path, &error.error))?;
            self.names.push(name);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<String>, Failure> {
        self.close()?;
        if self.names.is_empty() {
            return Err(Failure::failed("the coordinator sent no file"));
        }
        Ok(self.names)
    }
}

/// What this program makes is for its owner only; a report is made to be handed around.
fn readable_by_all(path: &Path, mode: u32) -> std::io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

/// One component, of letters, digits, `.`, `_` and `-`, and no hidden file: it cannot leave the folder.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Plain names with `/` between them: below the folder, and not deep.
fn is_plain_path(path: &str) -> bool {
    path.split('/').count() <= DEPTH_MAX && path.split('/').all(is_plain_name)
}

/// The file of a report that a person opens first.
pub(crate) fn main_page(directory: &Path, names: &[String]) -> PathBuf {
    let html = |name: &&String| {
        Path::new(name.as_str()).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html"))
    };
    names.iter().find(html).map_or_else(|| directory.to_owned(), |name| directory.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, data: &[u8]) -> FilePart {
        FilePart { name: name.into(), data: data.to_vec().into() }
    }

    #[test]
    fn parts_become_whole_files_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut receiver = Receiver::new(folder.path());
        for one in [part("report.html", b"<p>"), part("report.html", b"</p>"), part("empty.csv", b"")] {
            receiver.part(&one).expect("accepted");
        }
        assert_eq!(receiver.finish().expect("finished"), ["report.html", "empty.csv"]);
        assert_eq!(std::fs::read(folder.path().join("report.html")).expect("there"), b"<p></p>");
        assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 2);
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["../x", "/etc/passwd", "", "..", ".bashrc", "a/b", "a\\b", "a\0", &"x".repeat(200)] {
            assert!(Receiver::new(folder.path()).part(&part(name, b"x")).is_err(), "{name:?}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 0);
    }

    #[test]
    fn a_tree_stays_below_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let tree = || Receiver { is_tree: true, ..Receiver::new(folder.path()) };
        let deep = ["a"; DEPTH_MAX + 1].join("/");
        for name in ["../x", "a/../../x", "/etc/passwd", "a//b", "a/", "./a", "a/.b", "a\\b", "", &deep] {
            assert!(tree().part(&part(name, b"x")).is_err(), "{name:?}");
        }
        let mut receiver = tree();
        receiver.part(&part("a/b/c", b"1")).expect("accepted");
        receiver.part(&part("a/d", b"2")).expect("accepted");
        assert_eq!(receiver.finish().expect("finished"), ["a/b/c", "a/d"]);
        assert_eq!(std::fs::read(folder.path().join("a/b/c")).expect("there"), b"1");
    }

    #[test]
    fn a_file_that_comes_back_later_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut receiver = Receiver::new(folder.path());
        receiver.part(&part("a", b"1")).expect("accepted");
        receiver.part(&part("b", b"2")).expect("accepted");
        assert!(receiver.part(&part("a", b"3")).is_err());
    }
}

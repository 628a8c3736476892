//! Receives files from a coordinator into a folder: checked names, bounded sizes, whole files only.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use sweep_proto::wire::FilePart;
use tempfile::NamedTempFile;
use tonic::{Status, Streaming};

use super::exit::Failure;

/// Most files of one report or model: there are about ten.
const FILES_MAX: usize = 256;
/// Most bytes of one report or model: the largest model that a sweep file allows has a gigabyte or so.
const BYTES_MAX: u64 = 16 << 30;
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

fn make_folder(directory: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(directory).map_err(|error| Failure::file("make the folder", directory, &error))
}

/// Writes every file of the stream into `directory`, which is made where it is missing, and returns
/// the names in order. A file appears only when it is complete.
///
/// # Errors
/// A broken stream, a name that is none, a disk that refuses.
pub(crate) async fn receive(
    mut parts: Streaming<FilePart>,
    directory: &Path,
) -> Result<Vec<String>, Failure> {
    make_folder(directory)?;
    let mut receiver = Receiver::new(directory);
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
}

impl<'d> Receiver<'d> {
    fn new(directory: &'d Path) -> Self {
        Self { directory, open: None, names: Vec::new(), seen: BTreeSet::new(), bytes: 0 }
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
            file.write_all(&part.data).map_err(|error| Failure::file("write", &path, &error))?;
        }
        Ok(())
    }

    fn begin(&mut self, name: &str) -> Result<(), Failure> {
        if !is_plain_name(name) {
            return Err(Failure::failed(format!(
                "the coordinator sends a file named {name:?}, which is refused"
            )));
        }
        if !self.seen.insert(name.to_owned()) || self.seen.len() > FILES_MAX {
            return Err(Failure::failed(format!("the coordinator sends {name:?} twice, or too many files")));
        }
        let file = NamedTempFile::new_in(self.directory)
            .map_err(|error| Failure::file("write into", self.directory, &error))?;
        self.open = Some((name.to_owned(), file));
        Ok(())
    }

    fn close(&mut self) -> Result<(), Failure> {
        if let Some((name, file)) = self.open.take() {
            let path = self.directory.join(&name);
            readable_by_all(file.path()).map_err(|error| Failure::file("write", &path, &error))?;
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

/// Temporary files are readable by their owner only; a report is made to be handed around.
#[cfg(unix)]
fn readable_by_all(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// One component, of letters, digits, `.`, `_` and `-`, and no hidden file: it cannot leave the folder.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
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
    fn a_file_that_comes_back_later_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut receiver = Receiver::new(folder.path());
        receiver.part(&part("a", b"1")).expect("accepted");
        receiver.part(&part("b", b"2")).expect("accepted");
        assert!(receiver.part(&part("a", b"3")).is_err());
    }
}

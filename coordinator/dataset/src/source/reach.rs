//! Which files a source may read, and the one place where readers open them.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Display, Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use nix::libc::{O_NOCTTY, O_NONBLOCK};

use crate::error::{DatasetError, OutOfReach};

/// Opening a pipe or a device must not wait for its other side.
const FLAGS: i32 = O_NONBLOCK | O_NOCTTY;

/// Which files may be read: all that the process may read, or only what lies beneath some folders. By default nothing.
#[derive(Clone, Debug)]
pub struct Reach(Option<Arc<[Root]>>);

impl Default for Reach {
    fn default() -> Self {
        Self(Some(Arc::default()))
    }
}

/// A folder that is shown, held open.
#[derive(Debug)]
struct Root {
    folder: Dir,
    /// Its name as it was given, and the one without links.
    names: [PathBuf; 2],
}

impl Reach {
    /// Every file that the process may read.
    pub fn everywhere() -> Self {
        Self(None)
    }

    /// Only files beneath these folders. Every name is resolved by the kernel beneath its folder (`openat2`; step by step
    /// where the kernel lacks it), at the moment of use: no link and no exchange leads out.
    ///
    /// # Errors
    /// A folder that cannot be opened.
    pub fn beneath(folders: &[PathBuf]) -> io::Result<Self> {
        let root = |path: &PathBuf| {
            let names = [std::path::absolute(path)?, path.canonicalize()?];
            Ok(Root { folder: Dir::open_ambient_dir(path, ambient_authority())?, names })
        };
        Ok(Self(Some(folders.iter().map(root).collect::<io::Result<_>>()?)))
    }

    /// The folders, by their names without links; `None`: everywhere.
    pub fn folders(&self) -> Option<Vec<PathBuf>> {
        let roots = self.0.as_deref()?;
        Some(roots.iter().map(|root| root.names[1].clone()).collect())
    }

    /// Checks that a path does not lead out at this moment; that nothing is there is found when it is read.
    ///
    /// # Errors
    /// [`DatasetError::OutOfReach`].
    pub fn check(&self, path: &Path) -> Result<(), DatasetError> {
        let metadata = SourcePath::new(path, self).metadata();
        match metadata.map_err(DatasetError::io(path, "open it")) {
            Err(error @ DatasetError::OutOfReach { .. }) => Err(error),
            _ => Ok(()),
        }
    }
}

impl Root {
    /// The folder and the rest of a path that lies in it by its name.
    fn rest_of<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        let rest = self.names.iter().find_map(|name| path.strip_prefix(name).ok())?;
        Some(if rest.as_os_str().is_empty() { Path::new(".") } else { rest })
    }
}

/// What readers need to know of a file without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Whether it is a regular file.
    pub(crate) is_file: bool,
    /// Whether it is a folder.
    pub(crate) is_dir: bool,
    /// Its size in bytes.
    pub(crate) len: u64,
    /// When it was changed, where the file system tells.
    pub(crate) modified: Option<SystemTime>,
}

/// A file or folder of a source, together with what may be reached. Readers have no other way to a file.
#[derive(Clone, Debug)]
pub(crate) struct SourcePath {
    path: PathBuf,
    /// Where it is a file inside of an archive: the archive, and the file's name in it.
    member: Option<(PathBuf, String)>,
    reach: Reach,
}

impl SourcePath {
    /// A path within some reach.
    pub(crate) fn new(path: &Path, reach: &Reach) -> Self {
        Self { path: path.to_owned(), member: None, reach: reach.clone() }
    }

    /// A path of this program itself, such as a download.
    pub(crate) fn anywhere(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), member: None, reach: Reach::everywhere() }
    }

    /// Another path within the same reach.
    pub(crate) fn at(&self, path: &Path) -> Self {
        Self::new(path, &self.reach)
    }

    /// A file inside of this archive.
    pub(crate) fn inside(&self, name: &str) -> Self {
        let member = Some((self.path.clone(), name.to_owned()));
        Self { path: self.path.join(name), member, reach: self.reach.clone() }
    }

    /// The name inside of its archive.
    pub(crate) fn member(&self) -> Option<&str> {
        self.member.as_ref().map(|(_, name)| name.as_str())
    }

    /// The file that is opened: the archive of what lies inside of one.
    pub(crate) fn opened(&self) -> &Path {
        self.member.as_ref().map_or(&self.path, |(archive, _)| archive)
    }

    /// The path, for messages and for its name's parts; never to open it.
    pub(crate) fn shown(&self) -> &Path {
        &self.path
    }

    /// The path, for messages.
    pub(crate) fn display(&self) -> Display<'_> {
        self.path.display()
    }

    /// Its last component; of a path such as `..`, which has none, all of it.
    pub(crate) fn file_name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// The folder that it lies in.
    pub(crate) fn parent(&self) -> Self {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self::new(parent.unwrap_or(Path::new(".")), &self.reach)
    }

    /// What lies in it under a name.
    pub(crate) fn join(&self, name: impl AsRef<Path>) -> Self {
        Self::new(&self.path.join(name), &self.reach)
    }

    /// Opens it for reading. A pipe is opened, too, and its reader finds no regular file.
    pub(crate) fn open(&self) -> io::Result<File> {
        self.within(
            |path| File::options().read(true).custom_flags(FLAGS).open(path),
            |folder, rest| {
                let options = OpenOptions::new().read(true).custom_flags(FLAGS).clone();
                Ok(folder.open_with(rest, &options)?.into_std())
            },
        )
    }

    /// What it is. Links are followed, as far as the reach goes.
    pub(crate) fn metadata(&self) -> io::Result<Facts> {
        self.within(
            |path| std::fs::metadata(path).map(|metadata| Facts::of(&metadata)),
            |folder, rest| {
                let metadata = folder.metadata(rest)?;
                Ok(Facts {
                    is_file: metadata.is_file(),
                    is_dir: metadata.is_dir(),
                    len: metadata.len(),
                    modified: metadata.modified().ok().map(cap_std::time::SystemTime::into_std),
                })
            },
        )
    }

    /// Whether it is a folder. A link that leads nowhere is none; its reader says so.
    ///
    /// # Errors
    /// [`DatasetError::OutOfReach`]: what leads out is refused by name and not passed over.
    pub(crate) fn is_folder(&self) -> Result<bool, DatasetError> {
        match self.metadata().map_err(DatasetError::io(self, "open it")) {
            Ok(facts) => Ok(facts.is_dir),
            Err(error @ DatasetError::OutOfReach { .. }) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Whether it is a folder that can be reached.
    pub(crate) fn is_dir(&self) -> bool {
        self.metadata().is_ok_and(|facts| facts.is_dir)
    }

    /// Whether it is a regular file that can be reached.
    pub(crate) fn is_file(&self) -> bool {
        self.metadata().is_ok_and(|facts| facts.is_file)
    }

    /// The entries of a folder by name.
    pub(crate) fn entries(&self) -> io::Result<Vec<Self>> {
        let mut names = self.within(
            |path| {
                std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()
            },
            |folder, rest| folder.read_dir(rest)?.map(|entry| Ok(entry?.file_name())).collect(),
        )?;
        names.sort();
        Ok(names.into_iter().map(|name| self.join(name)).collect())
    }

    /// Acts on the path, or on the rest of it beneath the folder that holds it.
    fn within<T>(
        &self,
        anywhere: impl Fn(&Path) -> io::Result<T>,
        beneath: impl Fn(&Dir, &Path) -> io::Result<T>,
    ) -> io::Result<T> {
        let path = self.opened();
        let Some(roots) = &self.reach.0 else { return anywhere(path) };
        let act = |path: &Path| {
            let (root, rest) = roots.iter().find_map(|root| Some((root, root.rest_of(path)?)))?;
            match beneath(&root.folder, rest) {
                Err(error) if leads_out(&error) => None,
                done => Some(done),
            }
        };
        // A link by an absolute name may end in a folder that is shown: its end is opened beneath that folder.
        let end = || act(&path.canonicalize().ok()?);
        act(path)
            .or_else(end)
            .unwrap_or_else(|| Err(io::Error::new(io::ErrorKind::PermissionDenied, OutOfReach)))
    }
}

impl Facts {
    fn of(metadata: &Metadata) -> Self {
        Self {
            is_file: metadata.is_file(),
            is_dir: metadata.is_dir(),
            len: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// Whether a path was refused since it leads out of its folder: the one refusal that the system did not make.
fn leads_out(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir, rename, write};
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder that is shown, beside a secret.
    fn place() -> (tempfile::TempDir, Reach) {
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name);
        create_dir(at("shown")).expect("a folder");
        create_dir(at("secret")).expect("a folder");
        write(at("secret/rows.csv"), "secret").expect("written");
        write(at("shown/rows.csv"), "shown").expect("written");
        let reach = Reach::beneath(&[at("shown")]).expect("it is there");
        (place, reach)
    }

    fn read(path: &Path, reach: &Reach) -> Result<String, String> {
        let mut text = String::new();
        let mut file = SourcePath::new(path, reach).open().map_err(|error| error.to_string())?;
        file.read_to_string(&mut text).expect("text");
        Ok(text)
    }

    #[test]
    fn nothing_beyond_the_folders_is_opened_by_any_name() {
        let (place, reach) = place();
        let at = |name: &str| place.path().join(name);
        symlink(at("secret/rows.csv"), at("shown/link.csv")).expect("a link");
        symlink("../secret", at("shown/folder")).expect("a link");
        symlink("/proc/self/root", at("shown/root")).expect("a link");
        let secret = at("secret/rows.csv");
        let by_root = at("shown/root").join(secret.strip_prefix("/").expect("absolute"));
        for path in [
            secret,
            at("shown/link.csv"),
            at("shown/folder/rows.csv"),
            at("shown/../secret/rows.csv"),
            at("secret/absent"),
            by_root,
        ] {
            assert_eq!(read(&path, &reach), Err(OutOfReach.to_string()), "{}", path.display());
            assert!(reach.check(&path).is_err() && Reach::default().check(&path).is_err());
        }
        assert!(SourcePath::new(&at("shown/folder"), &reach).entries().is_err());
        assert_eq!(read(&at("shown/../shown/rows.csv"), &Reach::everywhere()).as_deref(), Ok("shown"));
    }

    #[test]
    fn what_lies_beneath_is_read_also_through_links_that_stay() {
        let (place, reach) = place();
        let at = |name: &str| place.path().join(name);
        symlink("rows.csv", at("shown/relative.csv")).expect("a link");
        symlink(at("shown/rows.csv"), at("shown/absolute.csv")).expect("a link");
        symlink(at("shown"), at("other-name")).expect("a link");
        for name in ["shown/rows.csv", "shown/relative.csv", "shown/absolute.csv", "other-name/rows.csv"] {
            assert_eq!(read(&at(name), &reach).as_deref(), Ok("shown"), "{name}");
        }
        let names = SourcePath::new(&at("shown"), &reach).entries().expect("a folder");
        let names: Vec<_> = names.iter().map(SourcePath::file_name).collect();
        assert_eq!(names, ["absolute.csv", "relative.csv", "rows.csv"]);
        let missing = SourcePath::new(&at("shown/absent.csv"), &reach).open().expect_err("absent");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_folder_that_is_exchanged_for_a_link_after_the_check_leads_nowhere() {
        let (place, reach) = place();
        let at = |name: &str| place.path().join(name);
        create_dir(at("shown/corpus")).expect("a folder");
        write(at("shown/corpus/rows.csv"), "shown").expect("written");
        let path = at("shown/corpus/rows.csv");
        assert!(reach.check(&path).is_ok() && reach.check(&at("shown/absent")).is_ok());
        rename(at("shown/corpus"), at("shown/earlier")).expect("renamed");
        symlink(at("secret"), at("shown/corpus")).expect("a link");
        assert_eq!(read(&path, &reach), Err(OutOfReach.to_string()));
    }
}

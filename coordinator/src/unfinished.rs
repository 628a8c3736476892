//! Folders in the making: a backup or a restored data folder grows beside its name, gets the name once it is whole, and
//! is refused until then.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sweep_transport::presence::LOCK;

use crate::backup::BackupError;
use crate::place::{Place, StoreChoice};
use crate::start_error::StartError;

/// The file that stands in a folder until it is whole. It tells what makes the folder.
const MARKER: &str = "unfinished";

/// What a folder is called until it is whole, behind its name.
const SUFFIX: &str = ".unfinished";

/// A folder in the making. Dropped before it is finished it stays, and is refused.
#[derive(Debug)]
pub(crate) struct Unfinished {
    grows_at: PathBuf,
    target: PathBuf,
    /// One maker at a time.
    _lock: File,
}

impl Unfinished {
    /// Begins a folder, or begins it again where an earlier try was cut off. `what` is the command that makes it.
    ///
    /// # Errors
    /// [`BackupError::NotEmpty`] where there is something else at its place.
    pub(crate) fn begin(target: &Path, what: &str, store: &StoreChoice) -> Result<Self, BackupError> {
        Self::begin_as(target, what, store, "")
    }

    /// As [`Self::begin`], under a name by which [`id_of`] finds it again.
    ///
    /// # Errors
    /// Those of [`Self::begin`].
    pub(crate) fn begin_as(
        target: &Path,
        what: &str,
        store: &StoreChoice,
        id: &str,
    ) -> Result<Self, BackupError> {
        let target = std::path::absolute(target).map_err(BackupError::at(target))?;
        let grows_at = match beside(&target) {
            // A database is written at once, and cannot be renamed with the folder: the folder refuses for both.
            Some(beside) if *store == StoreChoice::Sqlite && !is_mounted(&target) => beside,
            _ => target.clone(),
        };
        check_free(&target)?;
        check_free(&grows_at)?;
        let lock = Place::local(&grows_at).lock_alone()?;
        clear(&grows_at).map_err(BackupError::at(&grows_at))?;
        let marker = grows_at.join(MARKER);
        mark(&marker, &format!("{what}\n{id}")).map_err(BackupError::at(&marker))?;
        Ok(Self { grows_at, target, _lock: lock })
    }

    /// Where it grows.
    pub(crate) fn path(&self) -> &Path {
        &self.grows_at
    }

    /// Gives the whole folder its name.
    ///
    /// # Errors
    /// [`BackupError::File`]; the folder is then refused still.
    pub(crate) fn finish(self) -> Result<(), BackupError> {
        let target = &self.target;
        if self.grows_at != *target {
            sync(&self.grows_at)?;
            if fs::symlink_metadata(target.join(MARKER)).is_ok() {
                fs::remove_dir_all(target).map_err(BackupError::at(target))?;
            }
            // An empty folder of that name is replaced.
            fs::rename(&self.grows_at, target).map_err(BackupError::at(target))?;
            sync(target.parent().unwrap_or(Path::new("/")))?;
        }
        unmark(target)
    }
}

/// Takes the marker from a whole folder.
///
/// # Errors
/// [`BackupError::File`]; the folder is then refused still.
pub(crate) fn unmark(folder: &Path) -> Result<(), BackupError> {
    let marker = folder.join(MARKER);
    fs::remove_file(&marker).map_err(BackupError::at(&marker))?;
    sync(folder)
}

/// The name under which a folder that is not finished was begun.
pub(crate) fn id_of(folder: &Path) -> Option<String> {
    let told = fs::read_to_string(folder.join(MARKER)).ok()?;
    told.split_once('\n').map(|(_, id)| id.to_owned()).filter(|id| !id.is_empty())
}

/// Refuses a data folder that was not finished, or whose restoration was cut off beside it.
///
/// # Errors
/// [`StartError::Unfinished`].
pub(crate) fn refuse(folder: &Path) -> Result<(), StartError> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let is_there = fs::read_dir(&absolute).is_ok_and(|mut entries| entries.next().is_some());
    let beside = beside(&absolute).filter(|_| !is_there);
    for path in [Some(absolute), beside].into_iter().flatten() {
        let marker = path.join(MARKER);
        if fs::symlink_metadata(&marker).is_ok() {
            let is_backup = fs::read(&marker).is_ok_and(|what| what.starts_with(BACKUP.as_bytes()));
            let what = if is_backup { BACKUP } else { RESTORE };
            return Err(StartError::Unfinished { path, what });
        }
    }
    Ok(())
}

/// The command that makes a backup.
pub(crate) const BACKUP: &str = "sweep backup";
/// The command that brings one back.
pub(crate) const RESTORE: &str = "sweep restore";

fn beside(target: &Path) -> Option<PathBuf> {
    let mut name = target.file_name()?.to_owned();
    name.push(SUFFIX);
    Some(target.with_file_name(name))
}

/// Whether a folder is a file system of its own, which cannot be renamed.
fn is_mounted(folder: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    let (own, parent) = (device(folder), folder.parent().and_then(device));
    own.is_some() && own != parent
}

/// Whether a folder may be begun here: nothing is here, or what an earlier try has left.
///
/// # Errors
/// [`BackupError::NotEmpty`].
pub(crate) fn check_free(folder: &Path) -> Result<(), BackupError> {
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BackupError::at(folder)(error)),
    };
    // The lock is made before the marker.
    let is_free = folder.join(MARKER).exists()
        || entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == LOCK));
    if is_free { Ok(()) } else { Err(BackupError::NotEmpty(folder.to_owned())) }
}

/// Writes the marker under its own name, so that nothing else stands here before it; that it exists is what counts.
fn mark(marker: &Path, what: &str) -> io::Result<()> {
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(marker)?;
    file.write_all(what.as_bytes())?;
    file.sync_all()?;
    File::open(marker.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// Removes what an earlier try has left; its marker goes last.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == LOCK || entry.file_name() == MARKER {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn sync(folder: &Path) -> Result<(), BackupError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::at(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(target: &Path) -> Result<Unfinished, BackupError> {
        Unfinished::begin(target, RESTORE, &StoreChoice::Sqlite)
    }

    fn refusal(folder: &Path) -> Option<PathBuf> {
        match refuse(folder) {
            Err(StartError::Unfinished { path, .. }) => Some(path),
            _ => None,
        }
    }

    #[test]
    fn a_folder_that_was_cut_off_is_refused_until_it_is_made_again() {
        let parent = tempfile::tempdir().expect("a folder");
        let target = parent.path().join("data");
        let cut_off = begin(&target).expect("begun");
        fs::write(cut_off.path().join("half"), "").expect("written");
        let beside = cut_off.path().to_owned();
        assert!(begin(&target).is_err(), "two at a time");
        drop(cut_off);
        assert!(!target.exists());
        assert_eq!(refusal(&target), Some(beside.clone()), "by the name that it was to have");
        assert_eq!(refusal(&beside), Some(beside.clone()), "and by the one that it has");
        let again = begin(&target).expect("begun again");
        assert!(!again.path().join("half").exists());
        fs::write(again.path().join("whole"), "").expect("written");
        again.finish().expect("finished");
        assert_eq!(refusal(&target), None);
        assert!(target.join("whole").exists() && !beside.exists());
        assert!(matches!(begin(&target), Err(BackupError::NotEmpty(_))), "nothing is overwritten");
    }

    #[test]
    fn what_a_kill_left_between_the_name_and_the_marker_is_refused_and_replaced() {
        let parent = tempfile::tempdir().expect("a folder");
        let target = parent.path().join("data");
        fs::create_dir(&target).expect("made");
        let made = begin(&target).expect("an empty folder is free");
        fs::rename(made.path(), &target).expect("renamed");
        drop(made);
        assert_eq!(refusal(&target), Some(target.clone()));
        begin(&target).expect("begun again").finish().expect("finished");
        assert_eq!(refusal(&target), None);
    }

    #[test]
    fn other_things_beside_are_not_touched() {
        let parent = tempfile::tempdir().expect("a folder");
        let target = parent.path().join("data");
        fs::create_dir(parent.path().join("data.unfinished")).expect("made");
        fs::write(parent.path().join("data.unfinished/mine"), "").expect("written");
        assert!(matches!(begin(&target), Err(BackupError::NotEmpty(_))));
        assert_eq!(refusal(&target), None);
    }
}

//! Where the coordinator of a data folder is reached: left there by the coordinator, read by programs on the same machine.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The file in a data folder.
const FILE: &str = "coordinator.json";

/// The file whose lock the coordinator of a data folder holds for as long as it runs.
pub const LOCK: &str = "lock";

/// The data folder of commands that name none.
pub const DATA_FOLDER: &str = ".sweep";

/// Largest file that is read, in bytes: it has some short lines.
const BYTES_MAX: u64 = 64 * 1024;

/// The header in which a coordinator tells its identity to those whom it lets in.
pub const IDENTITY_HEADER: &str = "sweep-coordinator";

/// A coordinator as its data folder knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Where programs on this machine reach it, or last reached it.
    pub address: String,
    /// Random, made once for a data folder: it tells this coordinator from another at the same address.
    pub identity: String,
    /// Whether all that it keeps lies in the data folder.
    pub is_whole: bool,
}

impl Presence {
    /// What a data folder knows; `None` where no coordinator has worked there yet.
    ///
    /// # Errors
    /// The system's, or a file that is none of a coordinator.
    pub fn read(folder: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(folder.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes)?;
        serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other)
    }

    /// Tells the programs of this machine. The file is whole at every moment, and for its owner only.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.as_file().sync_all()?;
        file.persist(folder.join(FILE)).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    }
}

/// Whether a program holds the lock of a data folder: a coordinator that runs, or one that starts, checks or restores.
///
/// # Errors
/// The system's, where it lets nobody look.
pub fn is_in_use(folder: &Path) -> io::Result<bool> {
    match File::open(folder.join(LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(std::fs::TryLockError::WouldBlock) => Ok(true),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_a_coordinator_leaves_is_read_again_and_is_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Presence::read(folder.path()).expect("none"), None);
        let presence =
            Presence { address: "http://127.0.0.1:1".into(), identity: "x".into(), is_whole: true };
        presence.write(folder.path()).expect("written");
        assert_eq!(Presence::read(folder.path()).expect("read"), Some(presence));
        let mode = std::fs::metadata(folder.path().join(FILE)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(folder.path().join(FILE), "{").expect("written");
        Presence::read(folder.path()).expect_err("damaged");
    }

    #[test]
    fn a_folder_is_in_use_while_its_lock_is_held() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!is_in_use(folder.path()).expect("no lock yet"));
        let lock = File::create(folder.path().join(LOCK)).expect("made");
        assert!(!is_in_use(folder.path()).expect("nobody holds it"));
        lock.lock().expect("locked");
        assert!(is_in_use(folder.path()).expect("held"));
        drop(lock);
        assert!(!is_in_use(folder.path()).expect("let go"));
    }
}

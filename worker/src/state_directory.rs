//! Where a worker keeps its identity and its files, and the lock that gives a directory one owner.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sweep_proto::WorkerId;
use sweep_transport::private::{self, PrivateError};
use thiserror::Error;

/// Workers of one user on one machine for which a free directory is looked for.
const WORKERS_MAX: u32 = 1_024;

/// Largest identity file that is read, in bytes: a UUID and a line end, with room.
const IDENTITY_BYTES_MAX: u64 = 100;

/// Why no state directory could be had.
#[derive(Debug, Error)]
pub enum StateError {
    /// Another process owns it.
    #[error("another worker runs with the state directory {0}; give this one another with --state-dir")]
    InUse(PathBuf),
    /// All default directories are taken.
    #[error("{WORKERS_MAX} workers of this user run already; give this one a directory with --state-dir")]
    AllInUse,
    /// There is no home directory.
    #[error("neither HOME nor XDG_STATE_HOME is set; give a directory with --state-dir")]
    NoHome,
    /// The folder is another user's, or others may write into it.
    #[error(transparent)]
    NotPrivate(#[from] PrivateError),
    /// A file cannot be used.
    #[error("{path} cannot be used")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A directory that this process owns until it drops this.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    cache: PathBuf,
    worker: WorkerId,
    /// Held for its lock, which ends with the process however that dies.
    _lock: File,
}

impl StateDirectory {
    /// Owns this directory; its cache of datasets lies inside.
    ///
    /// # Errors
    /// [`StateError::InUse`] where another process owns it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        Self::open_with_cache(path, path.join("cache"))
    }

    /// Owns the first free directory `worker-<n>` of this user. All of them share one cache.
    ///
    /// # Errors
    /// [`StateError`], where the home directory is of no use.
    pub fn open_default() -> Result<Self, StateError> {
        let home = |variable: &str, below: &str| {
            let from_variable =
                std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
            from_variable.or_else(|| std::env::home_dir().map(|home| home.join(below)))
        };
        let states = home("XDG_STATE_HOME", ".local/state").ok_or(StateError::NoHome)?.join("lstm-sweep");
        let cache = home("XDG_CACHE_HOME", ".cache").ok_or(StateError::NoHome)?.join("lstm-sweep");
        for number in 1..=WORKERS_MAX {
            match Self::open_with_cache(&states.join(format!("worker-{number}")), cache.clone()) {
                Err(StateError::InUse(_)) => {}
                other => return other,
            }
        }
        Err(StateError::AllInUse)
    }

    fn open_with_cache(path: &Path, cache: PathBuf) -> Result<Self, StateError> {
        let failed = |source| StateError::File { path: path.to_owned(), source };
        private::claim(path)?;
        // Absolute, because slot processes get paths below it.
        let path = path.canonicalize().map_err(failed)?;
        let cache = std::path::absolute(cache).map_err(failed)?;
        let lock_path = path.join("lock");
        let lock =
            OpenOptions::new().write(true).create(true).truncate(false).open(&lock_path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::InUse(path)),
            Err(TryLockError::Error(source)) => return Err(StateError::File { path: lock_path, source }),
        }
        let worker = identity(&path)?;
        Ok(Self { path, cache, worker, _lock: lock })
    }

    /// Who this worker is, now and after a restart.
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Scratch space.
    pub fn work(&self) -> PathBuf {
        self.path.join("work")
    }

    /// Datasets by digest.
    pub fn cache(&self) -> PathBuf {
        self.cache.clone()
    }
}

/// The identity in a directory, made where there is none. One that cannot be read is replaced: an
/// identity is only a name.
fn identity(directory: &Path) -> Result<WorkerId, StateError> {
    use std::io::Read as _;

    let path = directory.join("worker-id");
    let failed = |source| StateError::File { path: path.clone(), source };
    match File::open(&path) {
        Ok(file) => {
            let mut bytes = Vec::new();
            file.take(IDENTITY_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
            if let Ok(worker) = String::from_utf8_lossy(&bytes).trim().parse() {
                return Ok(worker);
            }
            tracing::warn!(path = %path.display(), "the worker's identity is damaged; it gets a new one");
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let worker = WorkerId::generate();
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    writeln!(file, "{worker}").and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(worker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_survives_a_restart_and_a_second_owner_is_refused() {
        let directory = tempfile::tempdir().expect("directory");
        let first = StateDirectory::open(directory.path()).expect("free");
        let worker = first.worker();
        let error = StateDirectory::open(directory.path()).expect_err("owned");
        assert!(error.to_string().contains("--state-dir"), "{error}");
        drop(first);
        assert_eq!(StateDirectory::open(directory.path()).expect("free again").worker(), worker);
    }

    #[test]
    fn a_damaged_identity_is_replaced() {
        let directory = tempfile::tempdir().expect("directory");
        std::fs::write(directory.path().join("worker-id"), [0xff; 300]).expect("write");
        let worker = StateDirectory::open(directory.path()).expect("free").worker();
        assert_eq!(StateDirectory::open(directory.path()).expect("free again").worker(), worker);
    }
}

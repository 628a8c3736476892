//! Where a coordinator keeps everything: the data directory, the store, the artifacts.

use std::fs::File;
use std::path::{Path, PathBuf};

use coordinator_store::{MemoryStore, SqliteStore, Store};

use crate::artifacts::ArtifactsChoice;
use crate::driver::OpenStore;
use crate::server::StartError;

/// The embedded store's file in a data directory.
pub(crate) const DATABASE: &str = "sweep.db";
/// The artifacts' folder in a data directory.
pub(crate) const ARTIFACTS: &str = "artifacts";

/// Where the durable state lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// SQLite, in `sweep.db` of the data directory.
    #[default]
    Sqlite,
    /// Nowhere: everything is lost when the process ends. For tests.
    Memory,
}

/// Everything that outlives a coordinator process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Holds the lock, the keys, and whatever is not kept elsewhere.
    pub data_directory: PathBuf,
    /// Where the durable state lives.
    pub store: StoreChoice,
    /// Where artifacts lie; `None`: in the data directory.
    pub artifacts: Option<ArtifactsChoice>,
}

impl Place {
    /// One directory with everything in it.
    pub fn local(data_directory: impl Into<PathBuf>) -> Self {
        Self { data_directory: data_directory.into(), store: StoreChoice::Sqlite, artifacts: None }
    }

    /// Where artifacts lie.
    pub(crate) fn artifacts(&self) -> ArtifactsChoice {
        let own = || ArtifactsChoice::Directory(self.data_directory.join(ARTIFACTS));
        self.artifacts.clone().unwrap_or_else(own)
    }

    /// What opens the store, as often as it is asked.
    pub(crate) fn opener(&self) -> OpenStore {
        match &self.store {
            StoreChoice::Sqlite => {
                let path = self.data_directory.join(DATABASE);
                Box::new(move || Ok(Box::new(SqliteStore::open(&path)?) as Box<dyn Store>))
            }
            StoreChoice::Memory => {
                let store = MemoryStore::default();
                Box::new(move || Ok(Box::new(store.clone())))
            }
        }
    }

    /// One coordinator per data directory. The system lets go of the lock when the process ends, however it
    /// ends.
    pub(crate) fn lock(&self) -> Result<File, StartError> {
        let directory = &self.data_directory;
        std::fs::create_dir_all(directory).map_err(at(directory))?;
        let path = directory.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => Err(StartError::Locked(directory.clone())),
            Err(std::fs::TryLockError::Error(source)) => Err(StartError::DataDirectory { path, source }),
        }
    }
}

/// Names the file or folder that an error is about.
pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> StartError {
    let path = path.to_owned();
    move |source| StartError::DataDirectory { path, source }
}

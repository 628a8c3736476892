//! Where a coordinator keeps everything: the data directory, the store, the artifacts.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use coordinator_store::{Candidate, MemoryStore, PostgresStore, SqliteStore, Store, StoreError};

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
    /// PostgreSQL, by its URL: this coordinator leads, or stands by while another one does.
    Postgres(DatabaseUrl),
    /// Nowhere: everything is lost when the process ends. For tests.
    Memory,
}

/// The URL of a database, which may hold a password: it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DatabaseUrl")
    }
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(StoreError::UnknownUrl(text.split([':', '@']).next().unwrap_or_default().to_owned()));
        }
        PostgresStore::check_url(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl DatabaseUrl {
    /// Whether anybody who sees the URL knows a password.
    pub fn has_password(&self) -> bool {
        let authority = self.0.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
        let user = authority.and_then(|authority| authority.rsplit_once('@')).map(|(user, _)| user);
        user.is_some_and(|user| user.contains(':')) || self.0.contains("password=")
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
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

    /// What opens the store, as often as it is asked. `address` tells others where this coordinator is.
    pub(crate) fn opener(&self, address: &str) -> OpenStore {
        match &self.store {
            StoreChoice::Sqlite => {
                let path = self.data_directory.join(DATABASE);
                Box::new(move || Ok(Box::new(SqliteStore::open(&path)?) as Box<dyn Store>))
            }
            StoreChoice::Postgres(url) => {
                let holder = uuid::Uuid::now_v7().to_string();
                let candidate = Candidate { holder, address: address.to_owned() };
                let url = url.clone();
                Box::new(move || Ok(Box::new(PostgresStore::lead(url.as_str(), &candidate)?)))
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

//! Where a coordinator keeps everything: the data folder, the store, the artifacts.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use coordinator_store::{Candidate, MemoryStore, PostgresStore, SqliteStore, Store, StoreError};
use sweep_transport::presence::LOCK;
use sweep_transport::private;

use crate::artifacts::ArtifactsChoice;
use crate::driver::OpenStore;
use crate::start_error::StartError;
use crate::unfinished;

/// The embedded store's file in a data folder.
pub const DATABASE: &str = "sweep.db";
/// The artifacts' folder in a data folder.
pub(crate) const ARTIFACTS: &str = "artifacts";

/// In the lock's file while a coordinator, a check or a restoration holds it.
const HELD_LONG: &str = "long\n";
/// In the lock's file while a command holds it that reads what lies there.
const HELD_BRIEFLY: &str = "briefly\n";

/// How long the lock is waited for: a command that only looks whether it is free has it for a moment.
const LOOK_WAIT: Duration = Duration::from_secs(1);
/// As [`LOOK_WAIT`], where a command reads what lies there: a large report takes some seconds.
const BRIEF_WAIT: Duration = Duration::from_secs(30);
/// Pause between two tries to take the lock.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// Where the durable state lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// SQLite, in `sweep.db` of the data folder.
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
    /// Where artifacts lie; `None`: in the data folder.
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
                Box::new(move || {
                    // Before SQLite makes it, for its owner only; its log and index take over the permissions.
                    private::claim_file(&path).map_err(|error| StoreError::Unavailable(error.to_string()))?;
                    Ok(Box::new(SqliteStore::open(&path)?) as Box<dyn Store>)
                })
            }
            StoreChoice::Postgres(url) => {
                let holder = uuid::Uuid::now_v7().to_string();
                let candidate = Candidate { holder, address: address.to_owned() };
                let url = url.clone();
                Box::new(move || {
                    Ok(Box::new(PostgresStore::lead(url.as_str(), &candidate)?) as Box<dyn Store>)
                })
            }
            StoreChoice::Memory => {
                let store = MemoryStore::default();
                Box::new(move || Ok(Box::new(store.clone())))
            }
        }
    }

    /// One coordinator per data folder, and none in one that is not finished. The system lets go of the lock when the
    /// process ends, however it ends.
    pub(crate) fn lock(&self) -> Result<File, StartError> {
        unfinished::refuse(&self.data_directory)?;
        self.lock_as(HELD_LONG)
    }

    /// As [`Self::lock`], for who makes the directory.
    pub(crate) fn lock_alone(&self) -> Result<File, StartError> {
        self.lock_as(HELD_LONG)
    }

    /// As [`Self::lock`], for somebody who lets go of it soon: whoever else wants it waits.
    pub(crate) fn lock_briefly(&self) -> Result<File, StartError> {
        unfinished::refuse(&self.data_directory)?;
        self.lock_as(HELD_BRIEFLY)
    }

    fn lock_as(&self, holder: &str) -> Result<File, StartError> {
        let directory = &self.data_directory;
        private::claim(directory)?;
        let path = directory.join(LOCK);
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true).mode(0o600);
        let mut file = options.open(&path).map_err(at(&path))?;
        let since = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(std::fs::TryLockError::WouldBlock) => {}
                Err(std::fs::TryLockError::Error(source)) => {
                    return Err(StartError::DataDirectory { path, source });
                }
            }
            let told = std::fs::read_to_string(&path).unwrap_or_default();
            let wait = if told == HELD_BRIEFLY { BRIEF_WAIT } else { LOOK_WAIT };
            if since.elapsed() >= wait {
                return Err(StartError::Locked(directory.clone()));
            }
            std::thread::sleep(LOOK_PAUSE);
        }
        // It only says how long to wait: a disk that is full must not be in the way.
        let _hint = file.set_len(0).and_then(|()| file.write_all(holder.as_bytes()));
        Ok(file)
    }

    /// Whether the data folder holds all that a coordinator keeps.
    pub(crate) fn is_whole(&self) -> bool {
        self.store == StoreChoice::Sqlite && self.artifacts.is_none()
    }
}

/// Names the file or folder that an error is about.
pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> StartError {
    let path = path.to_owned();
    move |source| StartError::DataDirectory { path, source }
}

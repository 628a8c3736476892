//! Where the rows of a simulated world are kept: in memory, or in a database file.

use coordinator_store::{MemoryStore, SqliteStore, Store};

/// Where the rows of a world are kept while its coordinator is dead.
pub enum Medium {
    /// In memory: compared with the engine after every command.
    Memory(MemoryStore),
    /// In a database file, which a restart closes and opens: compared now and then, because it is slow.
    Disk(tempfile::TempDir),
}

impl Medium {
    pub(super) fn open(&self) -> Box<dyn Store> {
        match self {
            Self::Memory(store) => Box::new(store.clone()),
            Self::Disk(folder) => Box::new(SqliteStore::open(&folder.path().join("world.db")).unwrap()),
        }
    }
}

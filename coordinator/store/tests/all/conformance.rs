//! Every store of this crate passes the suite.
#![allow(clippy::expect_used, reason = "tests say so by panicking")]

use coordinator_store::conformance::{self, Fixture};
use coordinator_store::{MemoryStore, SqliteStore, Store};

struct Memory(MemoryStore);

impl Fixture for Memory {
    fn open(&self) -> Box<dyn Store> {
        Box::new(self.0.clone())
    }
}

struct Sqlite(tempfile::TempDir);

impl Fixture for Sqlite {
    fn open(&self) -> Box<dyn Store> {
        Box::new(SqliteStore::open(&self.0.path().join("sweep.db")).expect("opens"))
    }
}

#[test]
fn memory() {
    conformance::run(|| Memory(MemoryStore::default()));
}

#[test]
fn sqlite() {
    conformance::run(|| Sqlite(tempfile::tempdir().expect("a directory")));
}

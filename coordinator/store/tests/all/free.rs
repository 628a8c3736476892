//! Room in the database's file that removed rows have left: it is told, and given back part by part.

use std::path::Path;

use coordinator_core::{Key, Mutation, Troubles, WorkerRecord, WorkerState};
use coordinator_store::{SqliteStore, Store, StoreReader};
use rusqlite::Connection;
use sweep_proto::{Timestamp, WorkerId, WorkerProfile};

/// Workers that fill some megabytes.
const WORKERS: u128 = 2_000;

fn worker(number: u128) -> Mutation {
    Mutation::Worker(WorkerRecord {
        id: WorkerId(uuid::Uuid::from_u128(number)),
        profile: WorkerProfile {
            name: "x".repeat(2_000),
            build: "1".into(),
            slots: 1,
            devices: Vec::new(),
            group: 1,
        },
        state: WorkerState::Departed,
        registered_at: Timestamp(1),
        answered: None,
        troubles: Troubles::default(),
        process: coordinator_core::ProcessRecord::default(),
        left_at: None,
    })
}

/// Fills a database and removes all but one row again.
fn filled(path: &Path) -> SqliteStore {
    let mut store = SqliteStore::open(path).unwrap();
    store.commit(&(0..WORKERS).map(worker).collect::<Vec<_>>()).unwrap();
    let gone =
        (1..WORKERS).map(|number| Mutation::Remove(Key::Worker(WorkerId(uuid::Uuid::from_u128(number)))));
    store.commit(&gone.collect::<Vec<_>>()).unwrap();
    store
}

/// The size of the file, once the log is folded in.
fn size(store: SqliteStore, path: &Path) -> u64 {
    drop(store);
    path.metadata().unwrap().len()
}

#[test]
fn free_room_is_given_back_in_parts_beside_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.db");
    let mut store = filled(&path);
    let mut reader = store.reader().unwrap();
    let free = reader.free_space().unwrap();
    assert!(free.bytes > 2_000_000 && !free.needs_rebuild, "{free:?}");
    let first = store.give_back().unwrap();
    assert!(first > 0 && first < free.bytes, "a part of it: {first} of {free:?}");
    let mut given = first;
    loop {
        match store.give_back().unwrap() {
            0 => break,
            bytes => given += bytes,
        }
    }
    assert_eq!(given, free.bytes);
    assert_eq!(reader.free_space().unwrap().bytes, 0);
    assert_eq!(reader.load().unwrap().workers.len(), 1, "what stays is there");
    drop(reader);
    assert!(size(store, &path) < 500_000);
}

#[test]
fn the_file_of_an_older_program_is_rebuilt_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.db");
    // As it was made before parts could be given back.
    let old = Connection::open(&path).unwrap();
    old.execute_batch("CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT; INSERT INTO schema_version VALUES (0);")
        .unwrap();
    drop(old);
    let mut store = filled(&path);
    let free = store.free_space().unwrap();
    assert!(free.bytes > 2_000_000 && free.needs_rebuild, "{free:?}");
    assert_eq!(store.give_back().unwrap(), 0);
    store.rebuild().unwrap();
    assert_eq!(store.free_space().unwrap().bytes, 0);
    assert!(!store.free_space().unwrap().needs_rebuild);
    assert_eq!(store.load().unwrap().workers.len(), 1);
    assert!(size(store, &path) < 500_000);
    assert!(SqliteStore::open(&path).unwrap().integrity().unwrap().is_empty());
}

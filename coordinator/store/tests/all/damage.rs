//! Damaged and foreign database files: refused by name, never a panic, never a wrong row.
#![allow(clippy::expect_used, reason = "tests say so by panicking")]

use std::fs;
use std::path::Path;

use coordinator_core::{Mutation, Tables, WorkerRecord, WorkerState};
use coordinator_store::{SqliteStore, Store, StoreError, StoreReader, open};
use sweep_proto::{Timestamp, WorkerId, WorkerProfile};

fn worker(number: u128) -> Mutation {
    Mutation::Worker(WorkerRecord {
        id: WorkerId(uuid::Uuid::from_u128(number)),
        profile: WorkerProfile {
            name: format!("host-{number}"),
            build: "1".into(),
            slots: 1,
            devices: Vec::new(),
            group: 1,
        },
        state: WorkerState::Ready,
        registered_at: Timestamp(1),
        answered: None,
        troubles: coordinator_core::Troubles::default(),
        process: coordinator_core::ProcessRecord::default(),
        left_at: None,
    })
}

/// A database in one file, its log folded in.
fn written(path: &Path) -> Tables {
    let mut store = SqliteStore::open(path).expect("opens");
    let mutations: Vec<_> = (0..40).map(worker).collect();
    store.commit(&mutations).expect("commits");
    let tables = store.load().expect("loads");
    drop(store);
    tables
}

#[test]
fn files_that_are_no_database_are_refused_by_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("sweep.db");
    fs::write(&path, "name = \"a sweep file, perhaps\"\n".repeat(100)).expect("written");
    let error = SqliteStore::open(&path).expect_err("refused");
    assert!(matches!(&error, StoreError::Corrupt { place, .. } if place.ends_with("sweep.db")), "{error}");
    assert!(SqliteStore::open(&directory.path().join("missing/sweep.db")).is_err());
}

#[test]
fn databases_of_other_programs_and_newer_ones_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let foreign = directory.path().join("foreign.db");
    let connection = rusqlite::Connection::open(&foreign).expect("opens");
    connection.execute_batch("CREATE TABLE notes (text TEXT)").expect("creates");
    assert!(matches!(SqliteStore::open(&foreign), Err(StoreError::Conflict(_))));

    let newer = directory.path().join("newer.db");
    written(&newer);
    let connection = rusqlite::Connection::open(&newer).expect("opens");
    connection.execute("UPDATE schema_version SET version = 99", []).expect("updates");
    let error = SqliteStore::open(&newer).expect_err("refused");
    assert!(error.to_string().contains("newer.db has schema 99"), "{error}");
}

#[test]
fn a_changed_value_is_found_by_its_checksum() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("sweep.db");
    written(&path);
    let connection = rusqlite::Connection::open(&path).expect("opens");
    connection.execute("UPDATE workers SET body = replace(body, 'host-7', 'host-8')", []).expect("updates");
    drop(connection);
    let error = SqliteStore::open(&path).expect("opens").load().expect_err("refused");
    assert!(matches!(&error, StoreError::Corrupt { place, .. } if place.starts_with("worker ")), "{error}");
}

#[test]
fn damage_anywhere_is_detected_or_harmless() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("sweep.db");
    let expected = written(&path);
    let whole = fs::read(&path).expect("read");
    let damaged = directory.path().join("damaged.db");
    let check = |bytes: &[u8], what: &str| {
        for file in ["damaged.db", "damaged.db-wal", "damaged.db-shm"] {
            _ = fs::remove_file(directory.path().join(file));
        }
        fs::write(&damaged, bytes).expect("written");
        if let Ok(tables) = SqliteStore::open(&damaged).and_then(|mut store| store.load()) {
            assert!(tables == expected || tables == Tables::default(), "{what}: wrong rows were believed");
            // Only a file that lost all its bytes may pass for a new one.
            assert!(tables == expected || bytes.is_empty(), "{what}: the rows were lost without a word");
        }
    };
    // Prime strides reach every kind of page and every part of it.
    for at in (0..whole.len()).step_by(131) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        check(&bytes, &format!("bit flipped in byte {at}"));
    }
    for length in (0..whole.len()).step_by(1_999) {
        check(&whole[..length], &format!("cut to {length} bytes"));
    }
}

#[test]
fn urls_name_stores() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("sweep.db");
    assert!(open(&format!("sqlite:{}", path.display())).is_ok());
    assert!(path.exists());
    assert!(open("memory:").is_ok());
    for wrong in ["", "sqlite:", "mysql://host/db", "memory:x"] {
        assert!(matches!(open(wrong), Err(StoreError::UnknownUrl(_))), "{wrong}");
    }
}

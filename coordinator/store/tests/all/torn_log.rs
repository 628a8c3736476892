//! A write-ahead log that ends anywhere, or has a changed byte: the state is that of a whole commit, never between two.
#![allow(clippy::expect_used, reason = "tests say so by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use coordinator_core::{Mutation, Tables, Troubles, WorkerRecord, WorkerState};
use coordinator_store::{SqliteStore, Store, StoreReader};
use sweep_proto::{Timestamp, WorkerId, WorkerProfile};

const COMMITS: u128 = 24;

/// Two rows that a commit changes together, so that half of one shows.
fn pair(number: u128) -> [Mutation; 2] {
    [1, 2].map(|half| {
        Mutation::Worker(WorkerRecord {
            id: WorkerId(uuid::Uuid::from_u128(number * 10 + half)),
            profile: WorkerProfile {
                // Long names make commits of several pages.
                name: format!("host-{number}-{}", "x".repeat(2_000)),
                build: "1".into(),
                slots: 1,
                devices: Vec::new(),
                group: 1,
            },
            state: WorkerState::Ready,
            registered_at: Timestamp(1),
            answered: None,
            troubles: Troubles::default(),
            process: coordinator_core::ProcessRecord::default(),
            left_at: None,
        })
    })
}

fn log_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// A database, its log, and how long the log was after each commit.
struct Written {
    database: Vec<u8>,
    log: Vec<u8>,
    /// The log's length and the rows, after none, one, two … commits.
    states: Vec<(usize, Tables)>,
}

fn written() -> Written {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("sweep.db");
    let mut store = SqliteStore::open(&path).expect("opens");
    let log_length = || fs::metadata(log_of(&path)).expect("a log").len() as usize;
    let mut states = vec![(log_length(), store.load().expect("loads"))];
    for number in 1..=COMMITS {
        store.commit(&pair(number)).expect("commits");
        states.push((log_length(), store.load().expect("loads")));
    }
    // Copied under the open store: closing it would fold the log in.
    let [database, log] = [path.clone(), log_of(&path)].map(|file| fs::read(file).expect("read"));
    Written { database, log, states }
}

/// What a coordinator finds that starts on these bytes.
fn found(written: &Written, log: &[u8]) -> Tables {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("sweep.db");
    fs::write(&path, &written.database).expect("written");
    fs::write(log_of(&path), log).expect("written");
    SqliteStore::open(&path).expect("opens").load().expect("loads")
}

#[test]
fn a_log_cut_anywhere_gives_every_commit_before_the_cut_and_none_after() {
    let written = written();
    let boundaries = written.states.iter().map(|(length, _)| *length);
    let cuts: Vec<usize> = boundaries
        .flat_map(|length| [length.saturating_sub(1), length, length + 1])
        .chain((0..written.log.len()).step_by(1_013))
        .filter(|cut| *cut <= written.log.len())
        .collect();
    for cut in cuts {
        let expected = written.states.iter().rfind(|(length, _)| *length <= cut).map(|(_, tables)| tables);
        assert_eq!(Some(&found(&written, &written.log[..cut])), expected, "cut to {cut} bytes");
    }
}

#[test]
fn a_changed_byte_in_the_log_gives_the_state_of_a_whole_commit() {
    let written = written();
    for at in (0..written.log.len()).step_by(1_013) {
        let mut log = written.log.clone();
        log[at] ^= 0x20;
        let tables = found(&written, &log);
        assert!(
            written.states.iter().any(|(_, state)| *state == tables),
            "byte {at} changed: a state that never was"
        );
    }
}

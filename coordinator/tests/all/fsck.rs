//! What `fsck` finds: nothing after honest work, each kind of damage by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use std::path::{Path, PathBuf};

use coordinator::{Findings, FsckError, Place, StartError};
use support::{SWEEP, ScriptedWorker, User, start};
use sweep_proto::{WorkerId, wire};

async fn fsck(directory: &Path, strict: bool) -> Result<Findings, FsckError> {
    coordinator::fsck(&Place::local(directory), strict).await
}

/// A data folder in which a sweep has ended and another one is under way.
async fn worked() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    worker.work_off().await;
    user.launch(&SWEEP.replace("units = [8, 16]", "units = [24]"), false).await.unwrap();
    let grant = worker.ask().await.unwrap();
    worker.epoch(&grant, 1).await.unwrap();
    worker.steps(grant.token, 0, 20).await.unwrap();
    let Err(FsckError::Start(StartError::Locked(_))) = fsck(directory.path(), false).await else {
        panic!("a coordinator works there")
    };
    server.stop().await.unwrap();
    directory
}

/// The files of a folder and its folders.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_work_leaves_nothing_to_find() {
    let directory = worked().await;
    let findings = fsck(directory.path(), true).await.unwrap();
    assert_eq!(findings.problems, Vec::<String>::new());
    assert_eq!((findings.sweeps, findings.trials, findings.attempts), (2, 6, 7));
    assert_eq!((findings.epochs, findings.steps), (9, 20));
    // One dataset, four models of the first sweep, one checkpoint of the second.
    assert_eq!(findings.artifacts, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trials_of_deleted_sweeps_that_others_reuse_are_counted_by_themselves() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    worker.work_off().await;
    let later = SWEEP.replace("units = [8, 16]", "units = [8]").replace("tiny", "later");
    user.launch(&later, false).await.unwrap();
    worker.work_off().await;
    user.0.delete(wire::GetRequest { sweep: "1".into() }).await.unwrap();
    server.stop().await.unwrap();

    let findings = fsck(directory.path(), true).await.unwrap();
    assert_eq!(findings.problems, Vec::<String>::new());
    assert_eq!((findings.sweeps, findings.trials, findings.trials_of_deleted), (1, 2, 2));
    let kept = directory.path().join("kept");
    let manifest = coordinator::backup(&Place::local(directory.path()), &kept, |_, _| {}).await.unwrap();
    assert_eq!((manifest.sweeps, manifest.trials, manifest.trials_of_deleted), (1, 2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_named() {
    let directory = worked().await;
    let mut found = 0;
    for file in files(&directory.path().join("artifacts")) {
        let bytes = std::fs::read(&file).unwrap();
        let problems = async || fsck(directory.path(), false).await.unwrap().problems;
        let strict = async || fsck(directory.path(), true).await.unwrap().problems;

        std::fs::remove_file(&file).unwrap();
        if problems().await.is_empty() {
            // A checkpoint that a later one has replaced: nothing refers to it any more.
            continue;
        }
        found += 1;
        assert!(
            matches!(problems().await.as_slice(), [one] if one.ends_with("is missing")),
            "{:?}",
            problems().await
        );
        std::fs::write(&file, &bytes[1..]).unwrap();
        assert!(
            matches!(problems().await.as_slice(), [one] if one.contains("instead of")),
            "{:?}",
            problems().await
        );
        let mut changed = bytes.clone();
        changed[0] ^= 1;
        std::fs::write(&file, &changed).unwrap();
        assert!(problems().await.is_empty(), "only reading tells");
        assert!(matches!(strict().await.as_slice(), [one] if one.ends_with("other bytes than were stored")));
        std::fs::write(&file, &bytes).unwrap();
    }
    assert_eq!(found, 6, "every artifact that a row refers to");
    assert!(fsck(directory.path(), true).await.unwrap().problems.is_empty(), "mended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_value_in_the_database_is_found() {
    let directory = worked().await;
    let database = directory.path().join("sweep.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let state = br#""state":"completed""#;
    let places = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(state)).collect::<Vec<_>>();
    // Some are remains of older rows in free pages.
    assert!(places.len() >= 4, "four trials have completed");
    places.into_iter().for_each(|at| bytes[at + 9..at + 18].copy_from_slice(b"cancelled"));
    std::fs::write(&database, bytes).unwrap();
    let problems = fsck(directory.path(), false).await.unwrap().problems;
    assert!(matches!(problems.as_slice(), [one] if one.contains("checksum")), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_audit_entry_is_found() {
    let directory = worked().await;
    let whole = fsck(directory.path(), false).await.unwrap();
    assert!(whole.problems.is_empty() && whole.audit_entries > 0, "{whole:?}");
    let database = directory.path().join("sweep.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let actor = br#""actor":"this machine""#;
    let places = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(actor)).collect::<Vec<_>>();
    assert!(!places.is_empty(), "the launch is in the log");
    places.into_iter().for_each(|at| bytes[at + 10..at + 14].copy_from_slice(b"that"));
    std::fs::write(&database, bytes).unwrap();
    let problems = fsck(directory.path(), false).await.unwrap().problems;
    assert!(matches!(problems.as_slice(), [one] if one.contains("audit log")), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_end_of_the_audit_log_is_found() {
    let directory = worked().await;
    let whole = fsck(directory.path(), true).await.unwrap();
    assert!(whole.problems.is_empty() && whole.audit_entries > 0, "{whole:?}");
    let database = directory.path().join("sweep.db");
    let cut = |sql: &str| rusqlite::Connection::open(&database).unwrap().execute(sql, []).unwrap();
    assert_eq!(cut("DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)"), 1);
    let problems = fsck(directory.path(), true).await.unwrap().problems;
    assert!(matches!(problems.as_slice(), [one] if one.contains("its end was cut off")), "{problems:?}");
    // Without the signature, too, wherever it is kept, a strict check does not take it for whole.
    assert_eq!(cut("DELETE FROM audit WHERE sequence = -2"), 1);
    assert_eq!(cut("DELETE FROM marks"), 1);
    std::fs::remove_file(directory.path().join("audit.seal")).unwrap();
    let problems = fsck(directory.path(), true).await.unwrap().problems;
    assert!(matches!(problems.as_slice(), [one] if one.contains("not signed")), "{problems:?}");
}

#[tokio::test]
async fn what_is_no_data_directory_is_said_so() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(fsck(directory.path(), false).await, Err(FsckError::NoDatabase(_))));
    assert!(files(directory.path()).is_empty(), "nothing is made");
    std::fs::write(directory.path().join("sweep.db"), "not a database, but long enough to be read as one")
        .unwrap();
    assert!(matches!(fsck(directory.path(), false).await, Err(FsckError::Store(_))));
}

//! The audit log against whoever cuts it, and what it says of acts: done, or refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coordinator::{AuditState, Place, Server, ServerConfig, StoreChoice};
use coordinator_core::limits::AUDIT_KEEP_MIN_MS;
use coordinator_core::{AuditEntry, AuditHead, AuditNote, DAMAGE_ACTION, FORGET_ACTION, Mutation};
use coordinator_store::{SqliteStore, Store};
use support::{SWEEP, User, channel, start};
use sweep_proto::Timestamp;
use sweep_proto::wire::access_service_client::AccessServiceClient;
use sweep_proto::wire::{AuditStateRequest, ExtendRequest, GetRequest, RetryRequest};

/// The log of a folder in which no coordinator works, and what is wrong with it.
async fn read(folder: &Path) -> (Vec<AuditEntry>, AuditState) {
    let entries = Arc::new(Mutex::new(Vec::new()));
    let shown = Arc::clone(&entries);
    let show = move |entry: &AuditEntry| shown.lock().unwrap().push(entry.clone());
    let state = coordinator::read_audit_log(&Place::local(folder), show).await.unwrap();
    let entries = entries.lock().unwrap().clone();
    (entries, state)
}

async fn problems(folder: &Path) -> Vec<String> {
    let state = read(folder).await.1;
    [state.damage, state.problems].concat()
}

async fn strict(folder: &Path) -> Vec<String> {
    let found = coordinator::fsck(&Place::local(folder), true).await.unwrap();
    [found.audit_damage, found.problems].concat()
}

fn sql(folder: &Path, sql: &str) {
    rusqlite::Connection::open(folder.join("sweep.db")).unwrap().execute_batch(sql).unwrap();
}

/// Pauses and resumes, so that the log has more entries.
async fn act(server: &Server) {
    let mut user = User::of(server).await;
    for _ in 0..2 {
        user.0.pause(GetRequest { sweep: "1".into() }).await.unwrap();
        user.0.resume(GetRequest { sweep: "1".into() }).await.unwrap();
    }
}

/// A folder with a sweep and five entries of the log.
async fn worked() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    User::of(&server).await.launch(SWEEP, false).await.unwrap();
    act(&server).await;
    server.stop().await.unwrap();
    assert_eq!(problems(folder.path()).await, Vec::<String>::new());
    folder
}

fn audit(folder: &Path) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sweep"));
    for name in ["RUST_LOG", "SWEEP_SERVER", "SWEEP_TOKEN", "SWEEP_STORE"] {
        command.env_remove(name);
    }
    command.args(["audit", "--data-dir"]).arg(folder).output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_a_cut_log_fails_and_changes_nothing() {
    let folder = worked().await;
    assert_eq!(audit(folder.path()).status.code(), Some(0));
    sql(folder.path(), "DELETE FROM audit WHERE sequence >= 3");
    for _ in 0..2 {
        let output = audit(folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("its end was cut off"), "{said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2, "what is there is shown");
        assert_eq!(read(folder.path()).await.1.entries, 2, "nothing was written");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coordinator_that_starts_on_a_cut_log_leaves_a_finding_for_ever() {
    let folder = worked().await;
    sql(folder.path(), "DELETE FROM audit WHERE sequence >= 4");
    for _ in 0..2 {
        let server = start(folder.path()).await;
        act(&server).await;
        let asked = folder.path().to_owned();
        let told = tokio::task::spawn_blocking(move || audit(&asked)).await.unwrap();
        assert_eq!(told.status.code(), Some(1), "also while it runs");
        server.stop().await.unwrap();
        for problems in [problems(folder.path()).await, strict(folder.path()).await] {
            assert!(
                matches!(problems.as_slice(), [one] if one.contains("entries 4 to 5 are missing")),
                "{problems:?}"
            );
        }
    }
    let (entries, _) = read(folder.path()).await;
    assert_eq!(entries.iter().filter(|entry| entry.note.action == DAMAGE_ACTION).count(), 1);
    // A damaged log can be backed up, and a backup of it does not look whole.
    let (kept, again) = (folder.path().join("kept"), folder.path().join("again"));
    coordinator::backup(&Place::local(folder.path()), &kept, |_, _| {}).await.unwrap();
    coordinator::restore(&kept, &Place::local(&again), |_, _| {}).await.unwrap();
    assert_eq!(problems(&again).await.len(), 1);
    assert_eq!(audit(folder.path()).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_removed_as_a_whole_is_found() {
    for gone in ["DELETE FROM audit", "DELETE FROM audit; DELETE FROM marks"] {
        let folder = worked().await;
        sql(folder.path(), gone);
        for problems in [problems(folder.path()).await, strict(folder.path()).await] {
            assert!(problems.iter().any(|one| one.contains("its end was cut off")), "{gone}: {problems:?}");
        }
        start(folder.path()).await.stop().await.unwrap();
        for problems in [problems(folder.path()).await, strict(folder.path()).await] {
            assert!(
                problems.iter().any(|one| one.contains("entries 1 to 5 are missing")),
                "{gone}: {problems:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_was_put_back_in_the_database_is_found_by_the_data_folder() {
    let folder = worked().await;
    let old = std::fs::read(folder.path().join("sweep.db")).unwrap();
    let server = start(folder.path()).await;
    act(&server).await;
    server.stop().await.unwrap();
    std::fs::write(folder.path().join("sweep.db"), old).unwrap();
    let problems = problems(folder.path()).await;
    assert!(matches!(problems.as_slice(), [one] if one.contains("ends with entry 5")), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_says_what_was_done_and_what_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    user.launch(
        &SWEEP.replace(
            "dataset = \"snippets\"",
            "path = \"/not/there.csv\"\ntext = \"text\"\nlabel = \"label\"",
        ),
        false,
    )
    .await
    .unwrap_err();
    let extend = |grid: &str, replicates| ExtendRequest {
        sweep: "1".into(),
        grid: grid.into(),
        replicates,
        ..ExtendRequest::default()
    };
    user.0.extend(extend("", 0)).await.unwrap_err();
    user.0.extend(extend("", 1)).await.unwrap_err();
    user.0.extend(extend("units = [24]", 0)).await.unwrap();
    let retry = |trials: Vec<u32>| RetryRequest { sweep: "1".into(), trials, ..Default::default() };
    user.0.retry(retry(vec![0])).await.unwrap_err();
    user.0.cancel(GetRequest { sweep: "1".into() }).await.unwrap();
    user.0.pause(GetRequest { sweep: "1".into() }).await.unwrap_err();
    server.stop().await.unwrap();
    let (entries, state) = read(folder.path()).await;
    assert_eq!(state.problems, Vec::<String>::new());
    let told: Vec<_> =
        entries.iter().map(|entry| (entry.note.action.as_str(), entry.note.is_allowed)).collect();
    assert_eq!(
        told,
        [
            ("launch", true),
            ("launch", false),
            ("extend", false),
            ("extend", false),
            ("extend", true),
            ("retry", false),
            ("cancel", true),
            ("pause", false),
        ]
    );
    assert!(entries[1].note.subject.contains("/not/there.csv"), "{:?}", entries[1]);
    assert!(entries[3].note.subject.contains("replicates already"), "{:?}", entries[3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_entries_go_by_themselves_and_damage_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(&folder.path().join("sweep.db")).unwrap();
    let mut head = AuditHead::default();
    for number in 0..4 {
        let note = AuditNote {
            actor: "admin".into(),
            peer: "-".into(),
            action: if number == 1 { DAMAGE_ACTION.into() } else { "pause".into() },
            subject: number.to_string(),
            is_allowed: true,
        };
        let entry = head.next(Timestamp(number * 1_000), note);
        head.advance(&entry).unwrap();
        store.commit(&[Mutation::Audit(entry)]).unwrap();
    }
    drop(store);
    let listen = "127.0.0.1:0".parse().unwrap();
    let config = ServerConfig::local(listen, folder.path().to_owned(), StoreChoice::Sqlite);
    let days = AUDIT_KEEP_MIN_MS / 86_400_000;
    let server = coordinator::start(ServerConfig { audit_days: Some(days), ..config }).await.unwrap();
    let mut access = AccessServiceClient::new(channel(&server).await);
    while access.audit_state(AuditStateRequest {}).await.unwrap().into_inner().base_sequence == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.stop().await.unwrap();
    let (entries, state) = read(folder.path()).await;
    assert_eq!(state.base.sequence, 4, "the entry that the start has written is young");
    assert!(state.problems.is_empty(), "{:?}", state.problems);
    assert!(matches!(state.damage.as_slice(), [one] if one.ends_with("says: 1")), "{:?}", state.damage);
    assert_eq!(entries.last().map(|entry| entry.note.action.as_str()), Some(FORGET_ACTION));
}

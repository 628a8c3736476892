//! `sweep gc`: what was kept for long enough is told, goes, and is missed by nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests say so by panicking")]

use crate::support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use coordinator::{DATABASE, Place, Server, ServerConfig, StoreChoice};
use coordinator_store::SqliteStore;
use serde_json::Value;
use support::command_line::CommandLine;
use support::{SWEEP, ScriptedWorker, User};
use sweep_proto::{AttemptId, SweepId, TrialId, WorkerId};
use tempfile::TempDir;

/// A coordinator that keeps what is in the folder `data` of a person's folder.
async fn start() -> (Server, CommandLine) {
    let folder = TempDir::new().unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let config = ServerConfig::local(listen, folder.path().join("data"), StoreChoice::Sqlite);
    let server = coordinator::start(config).await.unwrap();
    let line = CommandLine::new(folder, &server);
    (server, line)
}

/// Lets a file look as if nobody had used it for two days.
fn age(path: &Path) {
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(48)).unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn counts(told: &Value, names: &[&str]) -> Vec<u64> {
    names.iter().map(|name| told[name].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_and_spare_models_go_when_they_are_due_and_the_sweep_stays_whole() {
    let (server, line) = start().await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    let first = worker.ask().await.unwrap();
    worker.steps(first.token, 0, 5).await.unwrap();
    worker.work(&first).await;
    worker.work_off().await;
    assert_eq!(user.get("tiny").await.unwrap().state, "finished");

    let names = ["trials_with_steps", "step_bytes", "models"];
    let kept = line.json(&["gc", "--dry-run"]);
    assert_eq!(counts(&kept, &names), [0, 0, 0], "it has ended just now");
    let due = ["gc", "--keep-steps-days", "0", "--keep-models-days", "0"];
    let told = line.json(&[&due[..], &["--dry-run"]].concat());
    let [trials, bytes, models] = counts(&told, &names)[..] else { panic!("{told}") };
    // Both replicates of the best configuration keep theirs.
    assert!(trials == 4 && bytes > 0 && models == 2, "{told}");
    assert_eq!(line.json(&[&due[..], &["--dry-run"]].concat()), told, "nothing has gone");
    let gone = line.json(&due);
    assert_eq!(counts(&gone, &names), counts(&told, &names));
    assert_eq!(counts(&line.json(&due), &names), [0, 0, 0], "once");
    let text = String::from_utf8(line.sweep(&due).stdout).unwrap();
    assert_eq!(text, "removed nothing\n");

    assert!(!user.files("1", false).await.unwrap().is_empty(), "its report is made as before");
    assert_eq!(user.files("1", true).await.unwrap().len(), 5, "and its best model is there");
    let refused = line.fails(&["extend", "1", "--replicates", "3"], 2);
    assert!(refused.contains("another choice could not be measured on the test split"), "{refused}");
    let log = String::from_utf8(line.sweep(&["audit"]).stdout).unwrap();
    assert!(log.contains("collect garbage") && log.contains("2 models"), "{log}");
    server.stop().await.unwrap();

    let data = line.path("data");
    let database = data.join(DATABASE);
    let attempt =
        AttemptId { trial: TrialId { sweep: SweepId(1), index: support::index(&first) }, number: 1 };
    assert_eq!(SqliteStore::read(&database).unwrap().read_steps(attempt, 0, 9).unwrap(), []);
    let findings = coordinator::fsck(&Place::local(data), true).await.unwrap();
    assert_eq!(findings.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_deleted_sweep_leaves_beside_the_rows_goes_also_where_no_coordinator_runs() {
    let (server, line) = start().await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    assert!(line.sweep(&["cancel", "1"]).status.success());
    let data = line.path("data");
    let prepared = files(&data.join("datasets"));
    assert!(prepared.len() >= 3, "rows, texts and an entry: {prepared:?}");
    prepared.iter().for_each(|file| age(file));
    let named = ["prepared_files", "orphans"];
    assert_eq!(counts(&line.json(&["gc"]), &named), [0, 0], "a sweep names them");
    assert!(line.sweep(&["delete", "1", "--yes"]).status.success());
    server.stop().await.unwrap();

    // A blob that a crash has left.
    let blob = data.join("artifacts/ab").join("cd".repeat(31));
    fs::create_dir_all(blob.parent().unwrap()).unwrap();
    fs::write(&blob, "left").unwrap();
    age(&blob);
    let at_rest = |more: &[&str]| -> Value {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sweep"));
        command.args(["gc", "--json", "--data-dir"]).arg(&data).args(more);
        let output = command.env_remove("RUST_LOG").env_remove("SWEEP_SERVER").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let told = at_rest(&["--dry-run"]);
    assert_eq!(told["prepared_files"].as_u64(), Some(prepared.len() as u64), "{told}");
    assert!(told["prepared_bytes"].as_u64() > Some(0), "{told}");
    assert_eq!(files(&data.join("datasets")), prepared, "nothing has gone");
    at_rest(&["--rebuild"]);
    assert_eq!(files(&data.join("datasets")), Vec::<PathBuf>::new());
    assert!(!blob.exists());
    let findings = coordinator::fsck(&Place::local(data), true).await.unwrap();
    assert_eq!(findings.problems, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_a_reused_trial_leads_to_no_deleted_sweep() {
    let (server, line) = start().await;
    let mut user = User::of(&server).await;
    user.launch(SWEEP, false).await.unwrap();
    let mut worker = ScriptedWorker::join(&server, WorkerId::generate(), true).await;
    worker.work_off().await;
    user.launch(SWEEP, false).await.unwrap();
    let address = server.address();
    let page = |trial| support::page(&address.to_string(), &format!("/sweeps/2/trials/{trial}"));
    assert!(page(0).contains("href=\"/sweeps/1/trials/0\""), "{}", page(0));
    assert!(line.sweep(&["delete", "1", "--yes"]).status.success());
    // One that was not drawn before: what was drawn is shown again while nothing of its own sweep changes.
    let page = page(1);
    assert!(page.contains("reused from trial 1/1 of a deleted sweep"), "{page}");
    assert!(!page.contains("/sweeps/1/"), "{page}");
    server.stop().await.unwrap();
}

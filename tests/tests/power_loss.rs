//! The power is cut under the store and under a coordinator in mid-sweep: nothing acknowledged is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests say so by panicking")]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use coordinator_core::Mutation;
use coordinator_store::{SqliteStore, Store, StoreReader};
use rusqlite::Connection;
use serde_json::json;
use sweep_tests::hunt;
use sweep_tests::ledger::finished_by;
use sweep_tests::power::Disk;
use sweep_tests::processes::{Process, program, wait_until};

/// Cuts under the store, in the whole hunt.
const CUTS: u64 = 200;
/// Cuts of one round.
const CUTS_OF_A_ROUND: u64 = 50;

/// Cuts under a coordinator.
const COORDINATOR_CUTS: u32 = 6;

/// Commits until the disk refuses or `commits` are done, and says of each when it is acknowledged. Gives the
/// last that was tried.
fn commit_until(store: &mut SqliteStore, acknowledged: &AtomicU64, commits: u64) -> u64 {
    let from = acknowledged.load(Ordering::SeqCst);
    for token in from + 1..=from + commits {
        if store.commit(&[Mutation::LastToken(token)]).is_err() {
            return token;
        }
        acknowledged.store(token, Ordering::SeqCst);
    }
    from + commits
}

#[test]
fn cuts_lose_no_acknowledged_commit() -> Result<()> {
    let disk = Disk::new(32)?;
    let database = disk.path().join("sweep.db");
    let acknowledged = AtomicU64::new(0);
    let cuts = hunt::share("cuts", CUTS, CUTS_OF_A_ROUND)?;
    for cut in cuts.clone() {
        let mut store = SqliteStore::open(&database)?;
        // Some cuts come between commits, some while another thread's commits are under way. What is
        // acknowledged while the cut goes on nobody would have heard of: the machine is dead.
        let is_idle = cut % 2 == 0;
        let commits = if is_idle { 1 + cut % 17 } else { u64::from(u32::MAX) };
        let (before, tried) = std::thread::scope(|scope| -> Result<(u64, u64)> {
            let committing = scope.spawn(|| commit_until(&mut store, &acknowledged, commits));
            if is_idle {
                wait_until("the commits are done", || Ok(committing.is_finished()))?;
            }
            let before = acknowledged.load(Ordering::SeqCst);
            disk.cut()?;
            Ok((before, committing.join().expect("the committing thread")))
        })?;
        drop(store);
        disk.restore()?;
        let found = SqliteStore::open(&database)?.load()?.last_token;
        // Commits may have become durable whose answers the cut took away.
        let range = before..=tried;
        ensure!(range.contains(&found), "cut {cut}: {before} acknowledged, {found} found, {tried} tried");
        acknowledged.store(found, Ordering::SeqCst);
    }
    let commits = acknowledged.into_inner();
    println!("{} cuts, {commits} commits, none of those acknowledged lost", cuts.end - cuts.start);
    Ok(())
}

/// The rig is worth something: a database that does not wait for the disk loses rows on it.
#[test]
fn without_syncs_the_rig_loses_rows() -> Result<()> {
    let disk = Disk::new(32)?;
    let path = disk.path().join("careless.db");
    let open = |path: &Path| -> Result<Connection> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.execute_batch("CREATE TABLE IF NOT EXISTS numbers (number INTEGER)")?;
        Ok(connection)
    };
    let connection = open(&path)?;
    for number in 0..200 {
        connection.execute("INSERT INTO numbers VALUES (?1)", [number])?;
    }
    disk.cut()?;
    drop(connection);
    disk.restore()?;
    let found: i64 = open(&path)?.query_row("SELECT count(*) FROM numbers", [], |row| row.get(0))?;
    ensure!(found < 200, "all {found} rows survived: the cut is none");
    Ok(())
}

/// Enough that four trials last for longer than all cuts; their checkpoints are small, and so is the disk.
const EPOCHS: u32 = 60;

const SWEEP: &str = r#"
name = "power"
[data]
dataset = "snippets"
vocabulary = 1000
max_length = 30
train_rows = 2000
test_rows = 300
[grid]
units = [32, 48]
embedding = [32, 48]
[train]
epochs = EPOCHS
replicates = 1
"#;

#[test]
fn a_coordinator_goes_on_after_every_cut() -> Result<()> {
    let disk = Disk::new(256)?;
    let folder = tempfile::tempdir()?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let data = disk.path().join("data").to_string_lossy().into_owned();
    let serve = || -> Result<Process> {
        let arguments = ["serve", "--listen", &address, "--data-dir", &data];
        Process::start("sweep", &arguments, &folder.path().join("coordinator.log"))
    };
    let sweep = |arguments: &[&str]| -> Result<serde_json::Value> {
        let output = std::process::Command::new(program("sweep")?)
            .args(["--json", "--server", &format!("http://{address}")])
            .args(arguments)
            .output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let done = || -> Result<(u64, u64)> {
        let status = sweep(&["status", "power"])?;
        let running = status["running"].as_array().cloned().unwrap_or_default();
        let epoch = running.iter().filter_map(|one| one["epoch"].as_u64()).max().unwrap_or(0);
        Ok((status["trials"]["completed"].as_u64().unwrap_or(0), epoch))
    };
    let file = folder.path().join("power.toml");
    std::fs::write(&file, SWEEP.replace("EPOCHS", &EPOCHS.to_string()))?;
    let mut coordinator = serve()?;
    wait_until("the coordinator answers", || Ok(sweep(&["list"]).is_ok()))?;
    sweep(&["launch", &file.to_string_lossy()])?;
    let state = folder.path().join("worker").to_string_lossy().into_owned();
    let join =
        ["join", &format!("http://{address}"), "--slots", "1", "--device", "cpu", "--state-dir", &state];
    let _worker = Process::start("sweep-worker", &join, &folder.path().join("worker.log"))?;
    for _ in 0..COORDINATOR_CUTS {
        let before = done()?;
        wait_until("the sweep goes on", || Ok(done()? != before))?;
        let acknowledged = done()?.0;
        disk.cut()?;
        coordinator.kill()?;
        disk.restore()?;
        coordinator = serve()?;
        wait_until("the coordinator answers", || Ok(sweep(&["list"]).is_ok()))?;
        ensure!(done()?.0 >= acknowledged, "a completed trial was lost");
    }
    finished_by(sweep, folder.path(), "power")?.check_complete(4, EPOCHS)?;
    coordinator.kill()?;
    let findings = sweep(&["fsck", "--strict", "--data-dir", &data])?;
    ensure!(findings["problems"] == json!([]), "fsck: {findings}");
    Ok(())
}

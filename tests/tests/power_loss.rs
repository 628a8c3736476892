//! The power is cut under the store and under a coordinator in mid-sweep: nothing acknowledged is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests say so by panicking")]

use std::path::Path;

use anyhow::{Result, ensure};
use coordinator_core::Mutation;
use coordinator_store::{SqliteStore, Store, StoreReader};
use rusqlite::Connection;
use serde_json::json;
use sweep_tests::ledger::finished_by;
use sweep_tests::power::Disk;
use sweep_tests::processes::{Process, program, wait_until};

/// Cuts under the store.
const CUTS: u64 = 200;

/// Cuts under a coordinator.
const COORDINATOR_CUTS: u32 = 6;

/// Commits until the disk refuses or `commits` are done; gives the last that was acknowledged.
fn commit_until(store: &mut SqliteStore, from: u64, commits: u64) -> u64 {
    let mut acknowledged = from;
    for token in from + 1..=from + commits {
        match store.commit(&[Mutation::LastToken(token)]) {
            Ok(()) => acknowledged = token,
            Err(_) => break,
        }
    }
    acknowledged
}

#[test]
fn two_hundred_cuts_lose_no_acknowledged_commit() -> Result<()> {
    let disk = Disk::new(32)?;
    let database = disk.path().join("sweep.db");
    let mut acknowledged = 0;
    for cut in 0..CUTS {
        let mut store = SqliteStore::open(&database)?;
        // Some cuts come between commits, some while another thread's commits are under way.
        if cut % 2 == 0 {
            acknowledged = commit_until(&mut store, acknowledged, 1 + cut % 17);
            disk.cut()?;
            drop(store);
        } else {
            let committing = std::thread::spawn(move || commit_until(&mut store, acknowledged, u64::MAX / 2));
            disk.cut()?;
            acknowledged = committing.join().expect("the committing thread");
        }
        disk.restore()?;
        let found = SqliteStore::open(&database)?.load()?.last_token;
        // One commit may have become durable whose answer the cut took away.
        ensure!(
            (acknowledged..=acknowledged + 1).contains(&found),
            "cut {cut}: {acknowledged} acknowledged, {found} found"
        );
        acknowledged = found;
    }
    println!("{CUTS} cuts, {acknowledged} commits, none of those acknowledged lost");
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

/// Four trials of some seconds each.
const SWEEP: &str = r#"
name = "power"
[data]
dataset = "snippets"
max_length = 30
train_rows = 2000
test_rows = 300
[grid]
units = [32, 48]
embedding = [32, 48]
[train]
epochs = 6
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
    std::fs::write(&file, SWEEP)?;
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
    finished_by(sweep, folder.path(), "power")?.check_complete(4, 6)?;
    coordinator.kill()?;
    let findings = sweep(&["fsck", "--strict", "--data-dir", &data])?;
    ensure!(findings["problems"] == json!([]), "fsck: {findings}");
    Ok(())
}

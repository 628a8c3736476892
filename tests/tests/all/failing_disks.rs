//! Disks that are full and disks that fail, under a real coordinator: nothing acknowledged is lost, and it goes on by itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sweep_tests::ledger::finished;
use sweep_tests::processes::{Cluster, Setup, wait_until};
use sweep_tests::tmpfs::SmallDisk;

const EPOCHS: u32 = 12;

const SWEEP: &str = r#"
name = "NAME"
[data]
dataset = "snippets"
max_length = 30
train_rows = 3000
test_rows = 500
[grid]
units = [48]
embedding = [32, 48]
[train]
epochs = 12
replicates = 1
"#;

/// Room for the data of two small sweeps: a checkpoint that was replaced stays for another minute.
const DISK_MIB: u32 = 320;

/// Longer than a lease lasts.
const FULL_FOR: Duration = Duration::from_secs(35);

/// How often a sync fails.
const FAILURES: u32 = 25;

fn launch(cluster: &Cluster, name: &str) -> Result<Value> {
    let file = cluster.write(&format!("{name}.toml"), &SWEEP.replace("NAME", name))?;
    cluster.sweep(&["launch", &file.to_string_lossy()])
}

/// What a status tells of a sweep's trials.
fn ledger(cluster: &Cluster, sweep: &str) -> Result<Value> {
    Ok(cluster.sweep(&["status", sweep])?["ledger"].clone())
}

/// Deletes a sweep on a full disk: it is refused, and nothing of the sweep is gone. SQLite's log may hold room for some further
/// commits, which pauses of another sweep use up.
fn deletion_finds_no_room(cluster: &Cluster, disk: &SmallDisk, sweep: &str, other: &str) -> Result<()> {
    let before = ledger(cluster, sweep)?;
    let mut acts = ["resume", "pause"].iter().cycle();
    wait_until("a pause finds no room", || {
        disk.fill()?;
        let act = acts.next().context("an act")?;
        Ok(cluster.sweep(&[act, other]).is_err())
    })?;
    let Err(refused) = cluster.sweep(&["delete", sweep, "--yes"]) else {
        anyhow::bail!("sweep {sweep} was deleted on a full disk");
    };
    ensure!(refused.to_string().contains("full"), "it says why: {refused}");
    ensure!(ledger(cluster, sweep)? == before, "nothing of it is gone");
    Ok(())
}

fn is_training(cluster: &Cluster, sweep: &str) -> Result<bool> {
    let status = cluster.sweep(&["status", sweep])?;
    let running = status["running"].as_array().cloned().unwrap_or_default();
    Ok(running.iter().any(|trial| trial["epoch"].as_u64().is_some_and(|epoch| epoch >= 1)))
}

#[test]
fn a_full_disk_stops_writes_and_nothing_else() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let mut disk = None;
    cluster.replace_data(|data| {
        disk = Some(SmallDisk::mount(Path::new(data), DISK_MIB)?);
        Ok(())
    })?;
    let disk = disk.context("a disk")?;
    let _worker = cluster.add_worker()?;
    launch(&cluster, "first")?;
    wait_until("it trains", || is_training(&cluster, "first"))?;
    for (name, act) in [("ended", "cancel"), ("other", "pause")] {
        launch(&cluster, name)?;
        cluster.sweep(&[act, name])?;
    }

    disk.fill()?;
    let full_since = Instant::now();
    wait_until("a write has met the end of the disk", || {
        Ok(cluster.coordinator_log().contains("no room to write")
            || cluster.coordinator_log().contains("is full"))
    })?;
    // An upload that fails gives back the room that it had taken, and a launch may find that.
    let (mut accepted, mut refused) = (Vec::new(), String::new());
    wait_until("a launch finds no room", || {
        disk.fill()?;
        let name = format!("between-{}", accepted.len());
        match launch(&cluster, &name) {
            Ok(_) => accepted.push(name),
            Err(error) => refused = error.to_string(),
        }
        Ok(!refused.is_empty())
    })?;
    ensure!(refused.contains("full"), "it says why: {refused}");
    deletion_finds_no_room(&cluster, &disk, "ended", "other")?;
    wait_until("a lease would have ended", || {
        // Reads go on all the time.
        cluster.sweep(&["status", "first"])?;
        cluster.sweep(&["workers"])?;
        Ok(full_since.elapsed() >= FULL_FOR)
    })?;

    disk.make_room()?;
    wait_until("there is room to delete", || Ok(cluster.sweep(&["delete", "ended", "--yes"]).is_ok()))?;
    ensure!(ledger(&cluster, "ended").is_err(), "it is gone");
    accepted.push("other".to_owned());
    for name in &accepted {
        cluster.sweep(&["cancel", name])?;
    }
    let report = finished(&cluster, "first")?;
    report.check_complete(2, EPOCHS)?;
    let attempts = &report.json["ledger"]["attempts"];
    ensure!(*attempts == 3, "two trials and an evaluation, each once; not {attempts}");
    launch(&cluster, "second")?;
    finished(&cluster, "second")?.check_complete(2, EPOCHS)?;
    cluster.check_remains()
}

/// Fails one sync of any file with EIO each time that the file `FAIL_SYNC` exists, and removes it.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
static int fails(void) {
    const char *trigger = getenv("FAIL_SYNC");
    return trigger && unlink(trigger) == 0;
}
int fsync(int file) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}
int fdatasync(int file) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}
"#;

fn build_shim(folder: &Path) -> Result<PathBuf> {
    let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
    std::fs::write(&source, SHIM)?;
    let status =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).status();
    let status = status.context("run cc; install Debian's package gcc")?;
    ensure!(status.success(), "cc: {status}");
    Ok(library)
}

#[test]
fn a_failed_sync_loses_nothing_that_was_acknowledged() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let trigger = folder.path().join("fail");
    let environment = vec![
        ("LD_PRELOAD".to_owned(), build_shim(folder.path())?.to_string_lossy().into_owned()),
        ("FAIL_SYNC".to_owned(), trigger.to_string_lossy().into_owned()),
    ];
    let mut cluster = Cluster::start_with(Setup { environment, ..Setup::default() })?;
    let _worker = cluster.add_worker()?;
    // A disk that fails while the coordinator starts lets it end: that is another test's.
    let mut acknowledged = vec!["sweep-before".to_owned()];
    wait_until("the coordinator answers", || Ok(launch(&cluster, &acknowledged[0]).is_ok()))?;
    let mut refusals = 0;
    for round in 0..FAILURES {
        // Now a launch meets it, now a report of the worker.
        std::fs::write(&trigger, "")?;
        let name = format!("sweep-{round}");
        if launch(&cluster, &name).is_err() {
            refusals += 1;
            wait_until("it is taken", || Ok(launch(&cluster, &name).is_ok()))?;
        }
        acknowledged.push(name);
        wait_until("the sync has failed", || Ok(!trigger.exists()))?;
    }
    println!("{FAILURES} failed syncs refused {refusals} launches; {} were acknowledged", acknowledged.len());
    ensure!(refusals > 0, "a launch was to meet one");
    cluster.crash_coordinator()?;
    for name in &acknowledged {
        finished(&cluster, name)?.check_complete(2, EPOCHS)?;
    }
    cluster.check_remains()
}

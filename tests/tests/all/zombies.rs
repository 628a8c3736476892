//! Processes that stand still and come back, and processes that think they are another one.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sweep_tests::ledger::{attempts_by_state, finished};
use sweep_tests::processes::{Cluster, Process, WorkerSetup, wait_until};
use sweep_tests::progress::{all_in_mid_trial, all_ready, has_lost_its_lease, running, worker};

const EPOCHS: u32 = 60;

/// Longer than a lease of 30 s.
const LONG: Duration = Duration::from_secs(36);

/// Trials of some seconds each, one for each of these numbers of units.
fn launch(cluster: &Cluster, name: &str, units: &[u32]) -> Result<()> {
    let text = format!(
        r#"
name = "{name}"
[data]
dataset = "snippets"
vocabulary = 400
max_length = 24
train_rows = 1500
test_rows = 200
[grid]
units = {units:?}
[model]
embedding = 16
[train]
epochs = {EPOCHS}
replicates = 1
"#
    );
    let file = cluster.write(&format!("{name}.toml"), &text)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    Ok(())
}

#[test]
fn a_worker_that_slept_through_its_lease_drops_the_work_and_takes_new() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let sleeper = cluster.add_worker()?;
    let mut other = cluster.add_worker()?;
    all_ready(&cluster, &["worker-1", "worker-2"])?;
    launch(&cluster, "slept", &[8, 16])?;
    let held = all_in_mid_trial(&cluster, "slept", &["worker-1", "worker-2"])?.swap_remove(0);
    sleeper.signal_all("STOP")?;
    let began = Instant::now();
    let again = format!("attempt={}/{}", held.trial, held.attempt + 1);
    wait_until("the other worker has the trial", || Ok(other.log_text().contains(&again)))?;
    println!("{} went on elsewhere after {:?}", held.trial, began.elapsed());
    ensure!(!sleeper.log_text().contains("told to stop"), "it slept");

    // It wakes in the middle of the other one's work, or after it: what it says is refused either way.
    sleeper.signal_all("CONT")?;
    wait_until("the zombie has dropped its work", || Ok(has_lost_its_lease(&sleeper.log_text())))?;
    let report = finished(&cluster, "slept")?;
    report.check_complete(2, EPOCHS)?;
    report.check_attempts(1, 1)?;

    other.terminate()?;
    launch(&cluster, "after", &[10])?;
    let at = all_in_mid_trial(&cluster, "after", &["worker-1"])?;
    ensure!(at[0].attempt == 1, "{at:?}");
    finished(&cluster, "after")?.check_complete(1, EPOCHS)?;
    drop(sleeper);
    cluster.check_remains()
}

#[test]
fn a_coordinator_that_stood_still_takes_no_lease_away() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let workers = [cluster.add_worker()?, cluster.add_worker()?];
    all_ready(&cluster, &["worker-1", "worker-2"])?;
    launch(&cluster, "still", &[8, 12, 16])?;
    all_in_mid_trial(&cluster, "still", &["worker-1", "worker-2"])?;
    cluster.signal_coordinator("STOP")?;
    let began = Instant::now();
    // Nobody can renew, so both stop by themselves, before anybody else could have their trials.
    for worker in &workers {
        wait_until("the worker stops by itself", || {
            Ok(worker.log_text().contains("its lease could not be renewed in time"))
        })?;
    }
    wait_until("every lease would have ended", || Ok(began.elapsed() >= LONG))?;
    cluster.signal_coordinator("CONT")?;
    let report = finished(&cluster, "still")?;
    report.check_complete(3, EPOCHS)?;
    let states = attempts_by_state(&cluster)?;
    println!("{states:?}");
    ensure!(
        !states.contains_key("expired") && !states.contains_key("revoked"),
        "leases were taken: {states:?}"
    );
    // What the workers handed back is what they had to stop, each once.
    let released = states.get("released").copied().unwrap_or_default();
    ensure!((1..=2).contains(&released), "{states:?}");
    report.check_attempts(1, released)?;
    drop(workers);
    cluster.check_remains()
}

#[test]
fn of_one_state_directory_and_its_copy_the_newer_process_stays() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let mut older = cluster.add_worker()?;
    all_ready(&cluster, &["worker-1"])?;
    launch(&cluster, "twins", &[8, 16])?;
    let held = all_in_mid_trial(&cluster, "twins", &["worker-1"])?.swap_remove(0);

    // Two processes cannot share the directory: the second one says so and ends, and the first one goes on.
    let refused = second_process(&cluster, "worker-1")?;
    ensure!(refused.contains("another worker runs with the state directory"), "{refused}");
    ensure!(
        running(&cluster, "twins")?.iter().any(|one| one.worker == "worker-1"),
        "the first one lost its work"
    );

    // A copy is another matter: nothing on its machine tells that it is one.
    copy(&cluster.worker_state("worker-1"), &cluster.worker_state("copy"))?;
    let newer = cluster.start_worker(&WorkerSetup { name: "copy".into(), ..WorkerSetup::default() })?;
    ensure!(!older.ended_well()?, "the older process goes on");
    let said = older.log_text();
    ensure!(said.contains("another process has joined as worker"), "it does not say why: {said}");
    let at = all_in_mid_trial(&cluster, "twins", &["copy"])?.swap_remove(0);
    ensure!(at.trial == held.trial && at.attempt == held.attempt + 1, "{held:?}, then {at:?}");
    let listed = cluster.sweep(&["workers"])?;
    ensure!(listed.as_array().is_some_and(|all| all.len() == 1), "one identity, one worker: {listed}");
    ensure!(worker(&cluster, "copy")?["state"] == "ready", "{listed}");

    let report = finished(&cluster, "twins")?;
    report.check_complete(2, EPOCHS)?;
    report.check_attempts(1, 1)?;
    drop(newer);
    cluster.check_remains()
}

/// What a second process with the state directory of a running one says when it ends, as it must.
fn second_process(cluster: &Cluster, name: &str) -> Result<String> {
    let state = cluster.worker_state(name);
    let url = format!("http://{}", cluster.address());
    let arguments = ["join", &url, "--slots", "1", "--state-dir", &state.to_string_lossy()];
    let log = cluster.directory().join("second.log");
    let mut second = Process::start("sweep-worker", &arguments, &log)?;
    ensure!(!second.ended_well()?, "a second process runs with {}", state.display());
    Ok(second.log_text())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-r").arg(from).arg(to).status().context("run cp")?;
    ensure!(status.success(), "cp: {status}");
    Ok(())
}

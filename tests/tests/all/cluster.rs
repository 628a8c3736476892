//! A coordinator and workers as real processes, killed for real: every trial still ends exactly once.

use anyhow::{Result, ensure};
use sweep_tests::ledger::finished;
use sweep_tests::processes::{Cluster, Process, wait_until};

const TRIALS: usize = 8;
const EPOCHS: u32 = 4;

/// Eight trials of some seconds each.
const SWEEP: &str = r#"
name = "cluster"
[data]
dataset = "snippets"
max_length = 30
train_rows = 3000
test_rows = 500
[grid]
units = [48, 64]
embedding = [32, 48]
[train]
epochs = 4
replicates = 2
"#;

fn launch(cluster: &Cluster, text: &str) -> Result<()> {
    let file = cluster.write("cluster.toml", text)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    Ok(())
}

/// Whether some trial on that worker has finished its first epoch and is at work on a later one.
fn is_in_mid_trial(cluster: &Cluster, worker: &str) -> Result<bool> {
    let status = cluster.sweep(&["status", "cluster"])?;
    let running = status["running"].as_array().cloned().unwrap_or_default();
    Ok(running.iter().any(|trial| {
        let epoch = trial["epoch"].as_u64().unwrap_or_default();
        trial["worker"] == worker && trial["evaluating"] == false && (1..u64::from(EPOCHS)).contains(&epoch)
    }))
}

#[test]
fn workers_join_die_and_drain_in_mid_sweep() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let mut killed = cluster.add_worker()?;
    let mut drained = cluster.add_worker()?;
    launch(&cluster, SWEEP)?;
    wait_until("worker-1 is in mid-trial", || is_in_mid_trial(&cluster, "worker-1"))?;
    let _third = cluster.add_worker()?;
    killed.kill()?;
    wait_until("worker-2 is in mid-trial", || is_in_mid_trial(&cluster, "worker-2"))?;
    drained.terminate()?;
    let report = finished(&cluster, "cluster")?;
    report.check_complete(TRIALS, EPOCHS)?;

    // The same file again is all reuse: no attempt is made.
    launch(&cluster, SWEEP)?;
    let again = finished(&cluster, "2")?;
    ensure!(again.json["ledger"]["reused"] == TRIALS, "ledger: {}", again.json["ledger"]);
    ensure!(again.json["answer"] == report.json["answer"], "the answer differs: {}", again.json["answer"]);
    cluster.check_remains()
}

#[test]
fn a_coordinator_killed_three_times_loses_and_repeats_nothing() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let _workers = [cluster.add_worker()?, cluster.add_worker()?];
    launch(&cluster, SWEEP)?;
    for kill in 1..=3_u64 {
        wait_until("another trial ended", || {
            Ok(cluster.sweep(&["status", "cluster"])?["ledger"]["completed"].as_u64() >= Some(2 * kill - 1))
        })?;
        cluster.crash_coordinator()?;
    }
    let report = finished(&cluster, "cluster")?;
    report.check_complete(TRIALS, EPOCHS)?;
    // Workers lived through it, so no trial was begun again: one attempt each, and one more to measure
    // each of the chosen configuration's two replicates on the test split.
    ensure!(report.json["ledger"]["attempts"] == TRIALS + 2, "ledger: {}", report.json["ledger"]);
    cluster.check_remains()
}

#[test]
fn the_same_sweep_gives_the_same_numbers_however_many_workers_there_are() -> Result<()> {
    let mut reports = Vec::new();
    for workers in [1, 2] {
        let mut cluster = Cluster::start()?;
        let _workers = (0..workers).map(|_| cluster.add_worker()).collect::<Result<Vec<_>>>()?;
        launch(&cluster, &SWEEP.replace("epochs = 4", "epochs = 2"))?;
        let report = finished(&cluster, "cluster")?;
        report.check_complete(TRIALS, 2)?;
        reports.push(report.json["answer"].clone());
        cluster.check_remains()?;
    }
    ensure!(reports[0] == reports[1], "{} differs from {}", reports[0], reports[1]);
    Ok(())
}

/// One trial of one epoch that takes many times [`UNDERWAY_TICKS`], also on a machine that is several times as fast as today's.
const LONG_EPOCH: &str = r#"
name = "cluster"
[data]
dataset = "snippets"
[grid]
units = [320]
embedding = [256]
[train]
epochs = 1
replicates = 1
"#;

/// Computing time of a slot after which it is in mid-epoch, in hundredths of a second.
const UNDERWAY_TICKS: u64 = 80;

#[test]
fn a_worker_that_leaves_in_mid_epoch_hands_over_every_batch() -> Result<()> {
    let mut answers = Vec::new();
    for departures in [0, 2] {
        let mut cluster = Cluster::start()?;
        launch(&cluster, LONG_EPOCH)?;
        for _ in 0..departures {
            let mut leaving = cluster.add_worker()?;
            wait_until("it trains", || Ok(leaving.children_ticks()? > UNDERWAY_TICKS))?;
            leaving.terminate()?;
            let log = leaving.log_text();
            ensure!(log.contains("stopped in mid-epoch"), "it was not in mid-epoch: {log}");
        }
        let _last = cluster.add_worker()?;
        let report = finished(&cluster, "cluster")?;
        report.check_complete(1, 1)?;
        let attempts = &report.json["ledger"]["attempts"];
        ensure!(*attempts == departures + 2, "attempts and the evaluation: {attempts}");
        answers.push(report.json["answer"].clone());
        cluster.check_remains()?;
    }
    ensure!(answers[0] == answers[1], "{} differs from {}", answers[0], answers[1]);
    Ok(())
}

/// The state of every worker of this name.
fn states(cluster: &Cluster, name: &str) -> Result<Vec<String>> {
    let workers = cluster.sweep(&["workers"])?;
    let named = workers.as_array().into_iter().flatten().filter(|one| one["name"] == name);
    Ok(named.map(|one| one["state"].as_str().unwrap_or_default().to_owned()).collect())
}

#[test]
fn a_name_means_the_worker_that_lives_and_a_death_is_seen_at_once() -> Result<()> {
    let cluster = Cluster::start()?;
    let url = format!("http://{}", cluster.address());
    let start = |state: &str| {
        let folder = cluster.directory().join(state);
        let arguments =
            ["join", &url, "--slots", "1", "--name", "vm", "--state-dir", &folder.to_string_lossy()];
        Process::start("sweep-worker", &arguments, &cluster.directory().join(format!("{state}.log")))
    };
    launch(&cluster, SWEEP)?;
    let mut first = start("first")?;
    // Work comes over its session, whose end is to be seen.
    wait_until("the first has work", || {
        let status = cluster.sweep(&["status", "cluster"])?;
        Ok(status["running"].as_array().is_some_and(|running| !running.is_empty()))
    })?;
    ensure!(states(&cluster, "vm")? == ["ready"]);
    first.kill()?;
    // It is not said good-bye to, and its leases would last: only its connection tells.
    wait_until("its death is seen", || Ok(states(&cluster, "vm")? == ["disconnected"]))?;
    let mut second = start("second")?;
    wait_until("the second joins", || Ok(states(&cluster, "vm")?.contains(&"ready".to_owned())))?;
    cluster.sweep(&["drain", "vm"])?;
    ensure!(second.ended_well()?, "the living one was not told: {}", second.log_text());
    cluster.check_remains()
}

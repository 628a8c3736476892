//! Wall clocks that jump in mid-sweep or are wrong when a worker joins: no lease depends on them, and what does says so.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use sweep_tests::false_clock::FalseClock;
use sweep_tests::ledger::finished;
use sweep_tests::network::Namespace;
use sweep_tests::processes::{Cluster, FAR_PORT, Process, Setup, WorkerSetup, wait_until};
use sweep_tests::progress::{all_in_mid_trial, all_ready};
use sweep_tests::tools::shell;

const EPOCHS: u32 = 30;

/// Jumps as libfaketime takes them, each from the true time, and as seconds.
const JUMPS: [(&str, i64); 4] =
    [("+3600", 3_600), ("-600", -600), ("+10y", 10 * 365 * 24 * 3_600), ("+0", 0)];

/// How far a log's time may be from what was wanted, in seconds: the wait for the log, and leap days.
const TOLERANCE: i64 = 4 * 24 * 3_600;

/// Four trials of some seconds each.
fn launch(cluster: &Cluster) -> Result<()> {
    let text = format!(
        r#"
name = "clocks"
[data]
dataset = "snippets"
vocabulary = 400
max_length = 24
train_rows = 1500
test_rows = 200
[grid]
units = [8, 10, 12, 14]
[model]
embedding = 16
[train]
epochs = {EPOCHS}
replicates = 1
"#
    );
    let file = cluster.write("clocks.toml", &text)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    Ok(())
}

/// How far the newest line of a log is ahead of the true time, in seconds.
fn log_is_ahead(log: &str) -> Result<i64> {
    let is_dated = |line: &&str| line.starts_with("20") && line.contains('T');
    let newest = log.lines().rev().find(is_dated).context("a dated line")?;
    let dated = newest.split_whitespace().next().unwrap_or_default();
    let said: i64 = shell(&format!("date -d {dated} +%s"))?.trim().parse()?;
    Ok(said - i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}

/// Lets a clock jump again and again, and waits each time until its process has seen it.
fn jump_about(clock: &FalseClock, log: impl Fn() -> String) -> Result<()> {
    for (jump, seconds) in JUMPS {
        clock.jump(jump)?;
        wait_until(&format!("the process believes {jump}"), || {
            let ahead = log_is_ahead(&log())?;
            let tolerance = if seconds.abs() > TOLERANCE { TOLERANCE } else { 200 };
            Ok((ahead - seconds).abs() < tolerance)
        })?;
        println!("jumped to {jump}: the log is {} s ahead", log_is_ahead(&log())?);
    }
    Ok(())
}

#[test]
fn a_coordinators_clock_may_jump_in_mid_sweep() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let clock = FalseClock::new(folder.path(), "clock")?;
    let mut environment = clock.environment();
    // Each epoch is a line of its log.
    environment.push(("RUST_LOG".to_owned(), "info,coordinator=debug".to_owned()));
    let mut cluster = Cluster::start_with(Setup { own_environment: environment, ..Setup::default() })?;
    let worker = cluster.add_worker()?;
    all_ready(&cluster, &["worker-1"])?;
    launch(&cluster)?;
    all_in_mid_trial(&cluster, "clocks", &["worker-1"])?;
    jump_about(&clock, || cluster.coordinator_log())?;
    ends(cluster, &[worker])
}

#[test]
fn a_workers_clock_may_jump_in_mid_sweep() -> Result<()> {
    let cluster = Cluster::start()?;
    let clock = FalseClock::new(cluster.directory(), "clock")?;
    let setup =
        WorkerSetup { name: "worker-1".into(), environment: clock.environment(), ..WorkerSetup::default() };
    let worker = cluster.start_worker(&setup)?;
    all_ready(&cluster, &["worker-1"])?;
    launch(&cluster)?;
    all_in_mid_trial(&cluster, "clocks", &["worker-1"])?;
    jump_about(&clock, || worker.log_text())?;
    ends(cluster, &[worker])
}

/// The sweep ends with each trial begun once.
fn ends(cluster: Cluster, workers: &[Process]) -> Result<()> {
    let report = finished(&cluster, "clocks")?;
    report.check_complete(4, EPOCHS)?;
    report.check_attempts(1, 0)?;
    for worker in workers {
        ensure!(!worker.log_text().contains("could not be renewed"), "a lease was given up");
    }
    cluster.check_remains()
}

#[test]
fn a_worker_with_a_wrong_clock_joins_or_hears_why_not() -> Result<()> {
    let machine = Arc::new(Namespace::new()?);
    let folder = tempfile::tempdir()?;
    let own = FalseClock::new(folder.path(), "coordinator")?;
    let cluster = Cluster::start_with(Setup {
        machine: Some(Arc::clone(&machine)),
        own_environment: own.environment(),
        ..Setup::default()
    })?;
    // The coordinator's clock jumps, too, but only after its start: its certificates follow the time that went by.
    own.jump("+10y")?;
    let start = |name: &str, offset: &str| -> Result<Process> {
        let clock = FalseClock::new(folder.path(), name)?;
        clock.jump(offset)?;
        cluster.start_worker(&WorkerSetup {
            name: name.to_owned(),
            url: Some(format!("https://127.0.0.1:{FAR_PORT}")),
            machine: Some(Arc::clone(&machine)),
            environment: clock.environment(),
            group: None,
        })
    };
    let near = [start("ahead", "+3500")?, start("behind", "-3500")?];
    let mut week = start("week", "+8d")?;
    all_ready(&cluster, &["ahead", "behind", "week"])?;
    for (name, offset) in [("too-early", "-3d"), ("too-late", "+10y")] {
        let mut refused = start(name, offset)?;
        ensure!(!refused.ended_well()?, "{name} goes on");
        let said = refused.log_text();
        ensure!(said.contains("the clock of this machine or that of the coordinator is wrong"), "{said}");
        ensure!(said.contains("holds from") && said.contains("set the clock"), "{said}");
    }

    launch(&cluster)?;
    all_in_mid_trial(&cluster, "clocks", &["ahead", "behind", "week"])?;
    let report = finished(&cluster, "clocks")?;
    report.check_complete(4, EPOCHS)?;
    report.check_attempts(1, 0)?;

    // To a clock a week ahead every certificate looks old. It is renewed, but not again and again.
    let renewals = week.log_text().matches("the certificate was renewed").count();
    ensure!(renewals == 1, "{renewals} renewals");
    week.terminate()?;
    let mut again = start("week", "+8d")?;
    ensure!(!again.ended_well()?, "a worker without a certificate that it takes for good goes on");
    ensure!(
        again.log_text().contains("if the clock is right, paste a new line"),
        "it does not say what to do"
    );
    drop(near);
    cluster.check_remains()
}

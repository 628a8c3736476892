//! How soon things go on after a death, measured on real processes:
//!
//! `cargo build --release --workspace --examples && target/release/examples/recovery`

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sweep_tests::ledger::finished;
use sweep_tests::processes::{Cluster, Process, wait_until};

/// Deaths of the coordinator.
const KILLS: usize = 100;

/// Deaths of a worker, of each kind.
const WORKER_DEATHS: usize = 5;

/// One trial that lasts for minutes, in epochs of a fraction of a second.
const LONG: &str = r#"
name = "long"
[data]
dataset = "snippets"
max_length = 30
train_rows = 3000
test_rows = 500
[grid]
units = [48]
embedding = [32]
[train]
epochs = 2000
replicates = 1
"#;

/// Which worker is at which epoch of the only trial.
fn running(cluster: &Cluster) -> Result<Option<(String, u64)>> {
    let status = cluster.sweep(&["status", "long"])?;
    let first = status["running"].as_array().and_then(|running| running.first().cloned());
    Ok(first.and_then(|one| Some((one["worker"].as_str()?.to_owned(), one["epoch"].as_u64()?))))
}

fn launch(cluster: &Cluster, text: &str) -> Result<()> {
    let file = cluster.write("long.toml", text)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    Ok(())
}

fn summary(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_millis();
    println!(
        "{name}: {} times, median {} ms, p99 {} ms, longest {} ms",
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn coordinator() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let _worker = cluster.add_worker()?;
    launch(&cluster, &LONG.replace("epochs = 2000", "epochs = 600"))?;
    wait_until("a trial is under way", || Ok(running(&cluster)?.is_some_and(|(_, epoch)| epoch >= 1)))?;
    let mut times = Vec::new();
    for _ in 0..KILLS {
        let killed_at = Instant::now();
        cluster.crash_coordinator()?;
        times.push(killed_at.elapsed());
    }
    summary("coordinator SIGKILL -> answers again", times);
    let report = finished(&cluster, "long")?;
    let attempts = report.json["ledger"]["attempts"].clone();
    println!("attempts of one trial and its evaluation over {KILLS} deaths: {attempts}");
    ensure!(attempts == 2, "a trial was restarted");
    cluster.check_remains()
}

/// Ends the worker that trains in some way, and waits until another one trains on.
fn worker(name: &str, end: impl Fn(&mut Process) -> Result<()>) -> Result<()> {
    let mut cluster = Cluster::start()?;
    let mut workers = vec![cluster.add_worker()?];
    launch(&cluster, LONG)?;
    let mut times = Vec::new();
    let mut lost_epochs = Vec::new();
    for death in 1..=WORKER_DEATHS {
        workers.push(cluster.add_worker()?);
        let next = format!("worker-{}", death + 1);
        wait_until("the next one has joined", || {
            let workers = cluster.sweep(&["workers"])?;
            Ok(workers.as_array().is_some_and(|all| all.iter().any(|one| one["name"] == next.as_str())))
        })?;
        let before = death as u64 * 3;
        wait_until("it trains", || Ok(running(&cluster)?.is_some_and(|(_, epoch)| epoch >= before)))?;
        let (victim, epoch) = running(&cluster)?.context("nobody trains")?;
        let ended_at = Instant::now();
        end(&mut workers[death - 1])?;
        let mut resumed = 0;
        wait_until("another one trains", || {
            let now = running(&cluster)?;
            resumed = now.as_ref().map_or(0, |(_, epoch)| *epoch);
            Ok(now.is_some_and(|(worker, _)| worker != victim))
        })?;
        times.push(ended_at.elapsed());
        lost_epochs.push(epoch.saturating_sub(resumed));
    }
    summary(name, times);
    println!("reported epochs lost: {lost_epochs:?}");
    Ok(())
}

fn main() -> Result<()> {
    coordinator()?;
    worker("worker SIGTERM -> trial runs elsewhere", |process| process.signal("TERM"))?;
    worker("worker SIGKILL -> trial runs elsewhere (leases last 30 s)", Process::kill)
}

//! A proxy between worker and coordinator that does everything TCP can do wrong: the sweep ends as if nothing had been.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use sweep_tests::fault_proxy::{Fault, FaultProxy};
use sweep_tests::ledger::finished;
use sweep_tests::processes::{Cluster, WorkerSetup, wait_until};
use sweep_tests::progress::{all_in_mid_trial, running, silence_ms};

const TRIALS: usize = 4;
const EPOCHS: u32 = 40;

/// Trials of some seconds each.
const SWEEP: &str = r#"
name = "proxied"
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
epochs = 40
replicates = 1
"#;

/// The seed of the proxy's waits and cuts.
const SEED: u64 = 20_261_124;

fn count(of: &AtomicU64) -> u64 {
    of.load(Ordering::Relaxed)
}

#[test]
fn whatever_tcp_does_no_lease_is_lost_and_nothing_counts_twice() -> Result<()> {
    let cluster = Cluster::start()?;
    let proxy = FaultProxy::start(cluster.address(), SEED)?;
    let url = Some(format!("http://{}", proxy.address()));
    let worker = cluster.start_worker(&WorkerSetup { name: "far".into(), url, ..WorkerSetup::default() })?;
    let file = cluster.write("proxied.toml", SWEEP)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    all_in_mid_trial(&cluster, "proxied", &["far"])?;
    let counts = proxy.counts();
    let epochs = || Ok::<_, anyhow::Error>(cluster.sweep(&["status", "proxied"])?["epochs_done"].as_u64());

    for fault in [Fault::Delay(Duration::from_millis(30)), Fault::Throttle(50_000)] {
        let (before, done) = (count(&counts.delayed), epochs()?);
        proxy.set(fault);
        wait_until("an epoch passed all the same", || {
            Ok(count(&counts.delayed) > before + 5 && epochs()? > done)
        })?;
        println!("{fault:?}: {} pieces waited", count(&counts.delayed) - before);
    }
    proxy.set(Fault::CutAfter(30_000));
    wait_until("connections were cut", || Ok(count(&counts.cut) >= 5))?;
    println!("{} connections cut, {} taken", count(&counts.cut), count(&counts.connections));
    for round in 1..=3 {
        proxy.set(Fault::Reset);
        wait_until("a connection was reset", || Ok(count(&counts.reset) >= round))?;
        proxy.set(Fault::None);
        wait_until("the worker is back", || Ok(silence_ms(&cluster, "far")? < 1_000))?;
    }
    let held = running(&cluster, "proxied")?;

    // Half-open: what is open stays open and silent for ever, and only a new connection helps.
    let began = Instant::now();
    proxy.set(Fault::Swallow);
    wait_until("a heartbeat was swallowed", || Ok(silence_ms(&cluster, "far")? > 6_000))?;
    proxy.set(Fault::None);
    let healed = began.elapsed();
    wait_until("the worker is back", || Ok(silence_ms(&cluster, "far")? < 1_000))?;
    println!("healed after {healed:?}, a silent connection given up after {:?}: {held:?}", began.elapsed());
    ensure!(count(&counts.swallowed) > 0, "nothing was swallowed");

    let report = finished(&cluster, "proxied")?;
    report.check_complete(TRIALS, EPOCHS)?;
    report.check_attempts(1, 0)?;
    let log = worker.log_text();
    ensure!(!log.contains("its lease could not be renewed"), "a lease was given up");
    println!("{counts:?}");
    drop(worker);
    cluster.check_remains()
}

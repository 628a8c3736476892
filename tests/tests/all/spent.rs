//! What a sweep took, and what of it was lost, after a local run was killed and gone on with.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sweep_tests::processes::{Process, program, wait_until};

/// Trials of many short epochs: one is underway whenever the run is killed.
const SWEEP: &str = r#"
name = "spent"
[data]
dataset = "snippets"
max_length = 20
train_rows = 2000
test_rows = 200
[grid]
units = [16, 24]
[train]
epochs = 60
replicates = 1
"#;

fn sweep(folder: &Path, arguments: &[&str]) -> Result<Value> {
    let data = folder.join("data").display().to_string();
    let output = Command::new(program("sweep")?)
        .args(arguments)
        .args(["--json", "--data-dir", &data])
        .current_dir(folder)
        .output()?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn run(folder: &Path) -> Result<Process> {
    let data = folder.join("data").display().to_string();
    let file = folder.join("spent.toml").display().to_string();
    let out = folder.join("run-report").display().to_string();
    let arguments = ["run", &file, "--slots", "1", "--data-dir", &data, "-o", &out];
    Process::start("sweep", &arguments, &folder.join("run.log"))
}

fn seconds(cost: &Value, key: &str) -> Result<f64> {
    cost[key].as_f64().with_context(|| format!("no {key}: {cost}"))
}

#[test]
fn a_killed_run_is_lost_and_only_what_is_done_again_counts_as_that() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    std::fs::write(folder.join("spent.toml"), SWEEP)?;
    let mut first = run(folder)?;
    wait_until("an epoch has ended", || {
        // Before the first run has made its data folder there is nobody to ask.
        let done = sweep(folder, &["status", "spent"]).ok().and_then(|status| status["epochs_done"].as_u64());
        Ok(done >= Some(2))
    })?;
    first.kill()?;
    let idle = sweep(folder, &["status", "spent"])?;
    ensure!(idle["outlook"] == "stopped", "{idle}");
    ensure!(idle["eta_seconds"].is_null(), "nobody works on it: {idle}");
    let ran = seconds(&idle, "running_seconds")?;
    let again = seconds(&sweep(folder, &["status", "spent"])?, "running_seconds")?;
    ensure!(ran.to_bits() == again.to_bits(), "nothing runs, so {ran} s stay {ran} s, not {again}");

    let mut second = run(folder)?;
    wait_until("the second run ends", || second.ended_well())?;
    let out = folder.join("report").display().to_string();
    sweep(folder, &["report", "spent", "-o", &out])?;
    let report: Value = serde_json::from_slice(&std::fs::read(folder.join("report/report.json"))?)?;
    let ledger = &report["ledger"];
    ensure!(ledger["lost_leases"].as_u64() == Some(1), "{ledger}");
    ensure!(ledger["released_attempts"].as_u64() == Some(0), "nobody handed anything back: {ledger}");
    let cost = &report["cost"];
    let [lost, all, took, wall] =
        ["lost_attempt_seconds", "attempt_seconds", "running_seconds", "wall_seconds"]
            .map(|key| seconds(cost, key));
    let [lost, all, took, wall] = [lost?, all?, took?, wall?];
    ensure!(lost < ran, "the epochs before the kill are kept: {cost}");
    ensure!(took <= wall && all <= wall, "one slot is in use no longer than the calendar tells: {cost}");
    let ended = sweep(folder, &["status", "spent"])?;
    ensure!((seconds(&ended, "running_seconds")? - took).abs() < 1e-9, "one definition: {ended} {cost}");
    Ok(())
}

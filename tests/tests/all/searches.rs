//! A searched sweep as real processes: its configurations follow from its file, whoever runs it and whatever is killed meanwhile.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use sweep_tests::ledger::finished;
use sweep_tests::processes::{Cluster, command, wait_until};

/// A search of that many short trials over two ranges.
fn sweep(trials: usize) -> String {
    format!(
        r#"
name = "searched"
[data]
dataset = "snippets"
max_length = 10
train_rows = 200
test_rows = 100
[model]
embedding = 4
[grid]
units = {{ min = 4, max = 64, log = true }}
learning_rate = {{ min = 1e-3, max = 3e-2, log = true }}
[train]
epochs = 1
replicates = 1
[search]
sampler = "random"
trials = {trials}
"#
    )
}

/// The configurations of a report's trials, in the order in which they were made.
fn configurations(report: &Path) -> Result<Vec<(u64, f64)>> {
    let mut reader = csv::Reader::from_path(report.join("trials.csv"))?;
    let headers = reader.headers()?.clone();
    let place = |name| {
        headers.iter().position(|header| header == name).with_context(|| format!("no {name}: {headers:?}"))
    };
    let [trial, units, rate] = [place("trial")?, place("units")?, place("learning_rate")?];
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row?;
        let number = row[trial].rsplit('/').next().unwrap_or_default().parse::<u64>()?;
        rows.push((number, row[units].parse()?, row[rate].parse()?));
    }
    rows.sort_by_key(|(number, _, _)| *number);
    Ok(rows.into_iter().map(|(_, units, rate)| (units, rate)).collect())
}

fn check(configurations: &[(u64, f64)], trials: usize) -> Result<()> {
    let fits = |(units, rate): &(u64, f64)| (4..=64).contains(units) && (1e-3..=3e-2).contains(rate);
    ensure!(configurations.iter().all(fits), "outside its ranges: {configurations:?}");
    let distinct: BTreeSet<_> = configurations.iter().map(|(units, rate)| (units, rate.to_bits())).collect();
    ensure!(distinct.len() == trials, "not {trials} different ones: {configurations:?}");
    Ok(())
}

#[test]
fn the_same_search_tries_the_same_configurations() -> Result<()> {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("searched.toml"), sweep(12))?;
        let output = command("sweep")?.args(["run", "searched.toml"]).current_dir(folder.path()).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        runs.push(configurations(&folder.path().join("report/searched"))?);
    }
    check(&runs[0], 12)?;
    ensure!(runs[0] == runs[1], "{:?} and then {:?}", runs[0], runs[1]);
    Ok(())
}

/// More trials than are proposed at one time: the last ones are asked for after the coordinator was killed.
#[test]
fn a_killed_coordinator_goes_on_with_the_same_configurations() -> Result<()> {
    const TRIALS: usize = 80;
    let mut runs = Vec::new();
    for is_killed in [false, true] {
        let mut cluster = Cluster::start()?;
        let _workers = [cluster.add_worker()?, cluster.add_worker()?];
        let file = cluster.write("searched.toml", &sweep(TRIALS))?;
        cluster.sweep(&["launch", &file.to_string_lossy()])?;
        if is_killed {
            wait_until("some trials ended", || {
                Ok(cluster.sweep(&["status", "searched"])?["ledger"]["completed"].as_u64() >= Some(5))
            })?;
            cluster.crash_coordinator()?;
        }
        finished(&cluster, "searched")?.check_complete(TRIALS, 1)?;
        runs.push(configurations(&cluster.directory().join("report-searched"))?);
        cluster.check_remains()?;
    }
    check(&runs[0], TRIALS)?;
    ensure!(runs[0] == runs[1], "{:?} and, where it was killed, {:?}", runs[0], runs[1]);
    Ok(())
}

/// Some seconds of slots end a search over ranges whose trials wait at rungs: there is an answer, and no number that nobody knows.
#[test]
fn a_search_whose_hours_are_spent_has_an_answer() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let search = "pruner = \"asha\"\nhours = 0.002";
    let file = sweep(12).replace("trials = 12", search).replace("epochs = 1", "epochs = 9");
    std::fs::write(folder.path().join("searched.toml"), file)?;
    let arguments = ["run", "searched.toml", "--json"];
    let output = command("sweep")?.args(arguments).current_dir(folder.path()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ended: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    ensure!(ended["search"]["spent"] == "hours" && ended["search"]["is_open_ended"] == true, "{ended}");
    ensure!(ended["chosen"].is_string() && ended["ledger"]["completed"].as_u64() >= Some(1), "{ended}");
    ensure!(ended["ledger"]["planned"].is_null() && ended["epochs_planned"].is_null(), "{ended}");
    let report = std::fs::read(folder.path().join("report/searched/report.json"))?;
    let report: serde_json::Value = serde_json::from_slice(&report)?;
    ensure!(report["ledger"]["planned"].is_null() && report["ledger"]["balanced"] == true, "{report}");
    Ok(())
}

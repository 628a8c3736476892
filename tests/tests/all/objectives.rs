//! Sweeps that are ranked by other metrics than the validation loss, as real processes: launched, taken over, extended, reported.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use sweep_tests::ledger::finished;
use sweep_tests::processes::Cluster;

/// Four small configurations of two replicates.
fn sweep(name: &str, objective: &str) -> String {
    format!(
        r#"
name = "{name}"
{objective}
[data]
dataset = "snippets"
max_length = 10
train_rows = 300
test_rows = 100
[model]
embedding = 4
[grid]
units = [4, 8]
learning_rate = [1e-3, 3e-2]
[train]
epochs = 4
replicates = 2
"#
    )
}

/// Rows of a file of a report by the names of its columns.
fn rows(report: &Path, name: &str) -> Result<Vec<BTreeMap<String, String>>> {
    let mut reader = csv::Reader::from_path(report.join(name))?;
    Ok(reader.deserialize().collect::<Result<_, _>>()?)
}

/// The best configuration of a report by a metric, from its trials and epochs alone, and its mean.
fn best(report: &Path, metric: &str) -> Result<(String, f64)> {
    let epochs = rows(report, "epochs.csv")?;
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for trial in rows(report, "trials.csv")? {
        let is_kept = |epoch: &&BTreeMap<String, String>| {
            epoch["trial"] == trial["trial"] && epoch["epoch"] == trial["best_epoch"]
        };
        let kept = epochs.iter().find(is_kept).with_context(|| format!("the best epoch of {trial:?}"))?;
        let label = format!("units={} learning_rate={}", trial["units"], trial["learning_rate"]);
        values.entry(label).or_default().push(kept[metric].parse()?);
    }
    let is_maximised = metric != "validation_loss";
    let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let means = values.iter().map(|(label, values)| (label.clone(), mean(values)));
    let sign = if is_maximised { -1.0 } else { 1.0 };
    means.min_by(|one, other| (sign * one.1).total_cmp(&(sign * other.1))).context("no trial has completed")
}

#[test]
fn sweeps_choose_by_their_objectives_and_share_their_trials() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let worker = cluster.add_worker()?;
    let metrics = ["validation_loss", "validation_accuracy", "validation_macro_f1"];
    for (at, metric) in metrics.into_iter().enumerate() {
        let line = if at == 0 { String::new() } else { format!("objective = \"{metric}\"") };
        let file = cluster.write(&format!("{metric}.toml"), &sweep(metric, &line))?;
        cluster.sweep(&["launch", &file.to_string_lossy()])?;
        let report = finished(&cluster, metric)?;
        report.check_complete(8, 4)?;
        let status = cluster.sweep(&["status", metric])?;
        ensure!(status["objective"] == metric, "{status}");
        ensure!(status["ledger"]["reused"] == if at == 0 { 0 } else { 8 }, "{}", status["ledger"]);
        let (label, mean) = best(&cluster.directory().join(format!("report-{metric}")), metric)?;
        let told = &status["best"][0];
        ensure!(
            told["objective"].as_f64().is_some_and(|one| (one - mean).abs() < 1e-9),
            "{told}, not {mean}"
        );
        ensure!(report.json["answer"]["label"] == status["chosen"], "{}", report.json["answer"]);
        ensure!(told["label"] == status["chosen"], "{status}");
        let told = told["label"].as_str().unwrap_or_default();
        ensure!(label.split(' ').all(|part| told.contains(part)), "{told}, not {label}");
        ensure!(report.json.get("objective").is_some() == (at > 0), "{}", report.json["objective"]);
    }
    // An extension keeps the objective, and a restarted coordinator knows it.
    cluster.crash_coordinator()?;
    cluster.sweep(&["extend", "validation_macro_f1", "--replicates", "3"])?;
    let report = finished(&cluster, "validation_macro_f1")?;
    report.check_complete(12, 4)?;
    ensure!(report.json["objective"]["metric"] == "validation_macro_f1", "{}", report.json["objective"]);
    drop(worker);
    cluster.check_remains()
}

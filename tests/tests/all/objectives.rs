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

/// The labels of a report's configurations that none beats in accuracy and size, from its trials alone.
fn front(report: &Path) -> Result<Vec<String>> {
    let mut trials: BTreeMap<String, Vec<[f64; 2]>> = BTreeMap::new();
    for trial in rows(report, "trials.csv")? {
        let label = format!("units={} learning_rate={}", trial["units"], trial["learning_rate"]);
        let values = [trial["validation_accuracy"].parse()?, trial["parameters"].parse()?];
        trials.entry(label).or_default().push(values);
    }
    let mean =
        |rows: &Vec<[f64; 2]>, at: usize| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64;
    let means: Vec<_> = trials.iter().map(|(label, rows)| (label, [mean(rows, 0), mean(rows, 1)])).collect();
    let is_beaten = |one: &[f64; 2]| {
        means.iter().any(|(_, other)| other[0] >= one[0] && other[1] <= one[1] && other != one)
    };
    Ok(means.iter().filter(|(_, one)| !is_beaten(one)).map(|(label, _)| (*label).clone()).collect())
}

#[test]
fn a_sweep_of_two_objectives_reports_the_front_that_its_trials_give() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let worker = cluster.add_worker()?;
    let line = r#"objective = ["validation_accuracy", "parameters"]"#;
    let file = cluster.write("two.toml", &sweep("two", line))?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    let report = finished(&cluster, "two")?;
    report.check_complete(8, 4)?;
    let folder = cluster.directory().join("report-two");
    let told = report.json["front"]["configurations"].as_array().context("a front")?;
    let members = told.iter().filter(|one| one["on_front"] == true);
    let mut members: Vec<&str> = members.filter_map(|one| one["label"].as_str()).collect();
    members.sort_unstable();
    let mut expected = front(&folder)?;
    expected.sort_unstable();
    let has_same_values = |told: &str, expected: &String| expected.split(' ').all(|part| told.contains(part));
    ensure!(
        members.len() == expected.len()
            && members.iter().zip(&expected).all(|(one, other)| has_same_values(one, other)),
        "{members:?}, not {expected:?}"
    );
    // The first objective chooses, and everybody names all.
    let chosen = best(&folder, "validation_accuracy")?.0;
    ensure!(
        has_same_values(report.json["answer"]["label"].as_str().unwrap_or_default(), &chosen),
        "{chosen}"
    );
    let page = std::fs::read_to_string(folder.join("report.md"))?;
    let said = format!("are {} of 4 configurations", expected.len());
    ensure!(page.contains("## Pareto front") && page.contains(&said), "{page}");
    cluster.crash_coordinator()?;
    let status = cluster.sweep(&["status", "two"])?;
    ensure!(status["objective"] == "validation_accuracy", "{status}");
    ensure!(status["further_objectives"] == serde_json::json!(["parameters"]), "{status}");
    ensure!(status["best_trial"] == status["lowest"] && status["best_trial"].is_object(), "{status}");
    // The file that reproduces the sweep names them, too, and the signature holds.
    ensure!(
        report.json["set_up"]["sweep_file"].as_str().is_some_and(|file| file.contains(line)),
        "{}",
        report.json["set_up"]
    );
    cluster.sweep(&["verify", &folder.to_string_lossy()])?;
    drop(worker);
    cluster.check_remains()
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

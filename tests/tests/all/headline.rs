//! Every headline number of a real sweep's report and of its plan, computed again from the store: in JSON, CSV and on the page
//! it is the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use coordinator_core::{SweepState, Tables, TrialRecord, TrialState};
use coordinator_store::{SqliteStore, StoreReader as _};
use serde_json::Value;
use sweep_proto::Configuration;
use sweep_tests::ledger::{Report, finished};
use sweep_tests::processes::{Cluster, program};

const REPLICATES: usize = 3;

const SWEEP: &str = r#"
name = "headline"
[data]
dataset = "snippets"
max_length = 20
train_rows = 600
test_rows = 200
[grid]
units = [4, 16]
embedding = [4, 16]
[train]
epochs = 3
replicates = 3
"#;

/// What the store holds, read from a copy: the coordinator still has its own open.
fn stored(cluster: &Cluster) -> Result<Tables> {
    let folder = tempfile::tempdir()?;
    for file in ["sweep.db", "sweep.db-wal"] {
        let from = Path::new(&cluster.data()).join(file);
        if from.exists() {
            std::fs::copy(&from, folder.path().join(file))?;
        }
    }
    Ok(SqliteStore::open(&folder.path().join("sweep.db"))?.load()?)
}

/// The completed trials of each configuration, by replicate.
fn by_configuration(tables: &Tables) -> BTreeMap<&Configuration, Vec<&TrialRecord>> {
    let mut found: BTreeMap<&Configuration, Vec<&TrialRecord>> = BTreeMap::new();
    for trial in tables.trials.values().filter(|trial| trial.state == TrialState::Completed) {
        found.entry(&trial.spec.configuration).or_default().push(trial);
    }
    found.values_mut().for_each(|trials| trials.sort_by_key(|trial| trial.spec.replicate));
    found
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn deviation(numbers: &[f64]) -> f64 {
    let centre = mean(numbers);
    let squares: f64 = numbers.iter().map(|one| (one - centre).powi(2)).sum();
    (squares / (numbers.len() as f64 - 1.0)).sqrt()
}

fn near(what: &str, found: &Value, expected: f64) -> Result<()> {
    let number = found.as_f64().with_context(|| format!("{what} is {found}"))?;
    ensure!((number - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{what}: {number}, not {expected}");
    Ok(())
}

/// Means over replicates of each configuration: loss, accuracy.
fn means(trials: &[&TrialRecord]) -> Result<[Vec<f64>; 2]> {
    let results: Vec<_> =
        trials.iter().map(|trial| trial.result.as_ref().context("a result")).collect::<Result<_>>()?;
    Ok([results.iter().map(|one| one.score).collect(), results.iter().map(|one| one.accuracy).collect()])
}

#[test]
fn the_report_says_what_the_store_holds() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let _worker = cluster.add_worker()?;
    let file = cluster.write("headline.toml", SWEEP)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    let report = finished(&cluster, "headline")?;
    report.check_complete(4 * REPLICATES, 3)?;
    let tables = stored(&cluster)?;
    let sweep = tables.sweeps.values().next().context("a sweep")?;
    ensure!(sweep.state == SweepState::Finished);
    let configurations = by_configuration(&tables);
    ensure!(configurations.len() == 4 && configurations.values().all(|trials| trials.len() == REPLICATES));

    let scored: Vec<_> = configurations
        .iter()
        .map(|(one, trials)| Ok((mean(&means(trials)?[0]), *one, trials)))
        .collect::<Result<_>>()?;
    let best = scored.iter().min_by(|left, right| left.0.total_cmp(&right.0)).context("a best one")?;
    let worst = scored.iter().max_by(|left, right| left.0.total_cmp(&right.0)).context("a worst one")?;
    ensure!(sweep.chosen.as_ref() == Some(best.1), "{:?}", sweep.chosen);
    let answer = &report.json["answer"];
    check_answer(answer, best.2)?;
    check_gap(&answer["gap"], best.2, worst.2)?;
    check_page(&cluster, &report, best.2)?;
    check_rows(&cluster, &tables)?;
    cluster.check_remains()
}

fn check_answer(answer: &Value, best: &[&TrialRecord]) -> Result<()> {
    let [losses, accuracies] = means(best)?;
    near("validation loss", &answer["validation_loss"]["mean"], mean(&losses))?;
    near("its deviation", &answer["validation_loss"]["standard_deviation"], deviation(&losses))?;
    near("validation accuracy", &answer["validation_accuracy"]["mean"], mean(&accuracies))?;
    let tests: Vec<_> =
        best.iter().map(|trial| trial.test.as_ref().context("a measurement")).collect::<Result<_>>()?;
    let accuracies: Vec<f64> = tests.iter().map(|test| test.accuracy).collect();
    near("test accuracy", &answer["test_accuracy"], mean(&accuracies))?;
    near("test loss", &answer["test_loss"], mean(&tests.iter().map(|test| test.loss).collect::<Vec<_>>()))?;
    let macro_f1: Vec<f64> = tests.iter().map(|test| test.macro_f1).collect();
    near("macro F1", &answer["test_macro_f1"], mean(&macro_f1))?;
    let wrong: u64 = tests.iter().map(|test| test.confusion[0][1] + test.confusion[1][0]).sum();
    let cell = |row: usize, column: usize| answer["test_confusion"][row][column].as_u64().unwrap_or_default();
    ensure!(cell(0, 1) + cell(1, 0) == wrong, "confusion: {}", answer["test_confusion"]);
    Ok(())
}

fn check_gap(gap: &Value, best: &[&TrialRecord], worst: &[&TrialRecord]) -> Result<()> {
    let ([best_losses, best_accuracies], [worst_losses, worst_accuracies]) = (means(best)?, means(worst)?);
    let absolute = mean(&worst_losses) - mean(&best_losses);
    near("gap in loss", &gap["loss_absolute"], absolute)?;
    near("gap in %", &gap["loss_percent"], absolute / mean(&worst_losses) * 100.0)?;
    let points = (mean(&best_accuracies) - mean(&worst_accuracies)) * 100.0;
    near("gap in points", &gap["accuracy_points"], points)
}

/// The page shows the same numbers as people write them.
fn check_page(cluster: &Cluster, report: &Report, best: &[&TrialRecord]) -> Result<()> {
    let folder = cluster.directory().join("report-headline");
    let [losses, _] = means(best)?;
    let loss = format!("{:.4} ± {:.4}", mean(&losses), deviation(&losses));
    let gap = report.json["answer"]["gap"]["loss_percent"].as_f64().context("a gap")?;
    for (file, gap) in
        [("report.html", format!("{gap:.1} % loss")), ("report.md", format!("{gap:.1} % loss"))]
    {
        let page = std::fs::read_to_string(folder.join(file))?;
        ensure!(page.contains(&loss) && page.contains(&gap), "{file} does not say {loss} or {gap}");
    }
    Ok(())
}

/// Every row of `trials.csv` has the very bits of the store.
fn check_rows(cluster: &Cluster, tables: &Tables) -> Result<()> {
    let mut reader = csv::Reader::from_path(cluster.directory().join("report-headline/trials.csv"))?;
    let head = reader.headers()?.clone();
    let column = |name: &str| head.iter().position(|one| one == name).context("a column");
    let (loss, accuracy) = (column("validation_loss")?, column("validation_accuracy")?);
    let rows: Vec<_> = reader.records().collect::<Result<_, _>>()?;
    ensure!(rows.len() == tables.trials.len());
    for (row, trial) in rows.iter().zip(tables.trials.values()) {
        let result = trial.result.as_ref().context("a result")?;
        let bits = |number: f64| number.to_bits();
        ensure!(bits(row[loss].parse()?) == bits(result.score), "{} is not {}", &row[loss], result.score);
        ensure!(bits(row[accuracy].parse()?) == bits(result.accuracy));
    }
    Ok(())
}

/// What `sweep plan` says of a file, after measuring on one slot.
fn planned(file: &Path, data: &Path) -> Result<Value> {
    let output = Command::new(program("sweep")?)
        .args(["plan", "--json", "--slots", "1", "--price-per-device-hour", "3.6", "--data-dir"])
        .args([data, file])
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn bytes_below(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() { bytes_below(&entry.path())? } else { metadata.len() };
    }
    Ok(sum)
}

/// The peak of a slot is foretold within a third: builds differ, and so do the libraries that they load.
fn check_memory(models: &[Value], tables: &Tables) -> Result<()> {
    for trial in tables.trials.values() {
        let parameters = trial.result.as_ref().map(|result| result.parameters);
        let of_model = |one: &&Value| one["parameters"].as_u64() == parameters;
        let model = models.iter().find(of_model).context("a planned model")?;
        let told = model["memory_bytes"].as_f64().context("its memory")?;
        let epochs = tables.epochs_of(trial.spec.id).map(|epoch| epoch.metric.peak_memory_bytes);
        let peak = epochs.max().context("an epoch")? as f64;
        ensure!(
            (told / peak - 1.0).abs() < 1.0 / 3.0,
            "{told} bytes told of {}, {peak} taken",
            trial.spec.id
        );
    }
    Ok(())
}

#[test]
fn a_sweep_takes_what_its_plan_says() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let file = cluster.write("headline.toml", SWEEP)?;
    let plan = planned(&file, &cluster.directory().join("plan"))?;
    ensure!(
        plan["time"]["measured"].as_u64() >= Some(2),
        "the cheapest and the dearest are measured: {plan}"
    );
    let seconds = |key: &str| plan["time"][key].as_f64().with_context(|| format!("no {key}: {plan}"));
    let [low, all, high] = [seconds("seconds_low")?, seconds("seconds")?, seconds("seconds_high")?];
    ensure!(0.0 < low && low < all && all < high, "{plan}");
    let money = plan["time"]["money"]["total"].as_f64().context("money")?;
    ensure!(
        (money - seconds("slot_seconds")? / 1_000.0).abs() < 1e-9,
        "3.6 an hour is 0.001 a second: {plan}"
    );
    ensure!(plan["memory"]["measured_bytes"].as_u64() <= plan["memory"]["slot_bytes"].as_u64(), "{plan}");
    let left = std::fs::read_dir(cluster.directory().join("plan"))?.count();
    ensure!(left == 1, "beside the prepared data, measuring leaves nothing");

    let file = file.to_string_lossy();
    let by_workers = ["plan", &*file, "--price-per-device-hour", "1"];
    let nobody = cluster.sweep(&by_workers)?;
    ensure!(nobody["time"].is_null(), "nobody is connected who could tell: {nobody}");
    let notes = nobody["notes"].to_string();
    ensure!(notes.contains("no worker is connected") && notes.contains("--measure"), "{notes}");

    let _worker = cluster.add_worker()?;
    cluster.sweep(&["launch", &file])?;
    finished(&cluster, "headline")?.check_complete(4 * REPLICATES, 3)?;
    let known = cluster.sweep(&by_workers)?;
    let time = &known["time"];
    ensure!(time["trials"].as_u64() == Some(4 * REPLICATES as u64), "the rates rest on what was run: {time}");
    ensure!(time["workers"] == 1 && time["measured"] == 0, "nothing was measured here: {time}");
    ensure!(time["seconds"].as_f64() > Some(0.0) && !time["money"].is_null(), "{time}");
    let tables = stored(&cluster)?;
    let trained = by_configuration(&tables).into_values();
    let trained =
        trained.map(|trials| trials[0].result.as_ref().map(|result| result.parameters).context("a result"));
    let mut trained: Vec<u64> = trained.collect::<Result<_>>()?;
    let models = plan["models"].as_array().context("models")?;
    let mut told: Vec<u64> = models.iter().filter_map(|model| model["parameters"].as_u64()).collect();
    trained.sort_unstable();
    told.sort_unstable();
    ensure!(trained == told, "{trained:?} trained, {told:?} planned");

    check_memory(models, &tables)?;
    let disk = |key: &str| plan["disk"][key].as_u64().with_context(|| format!("no {key}: {plan}"));
    let taken = bytes_below(Path::new(&cluster.data()))?;
    ensure!(taken <= disk("total_bytes")?, "{taken} bytes taken: {plan}");
    let weights = disk("model_bytes")? + disk("dataset_bytes")? / 3;
    ensure!(
        taken >= weights,
        "{taken} bytes taken, of which the weights and the dataset alone are {weights}"
    );
    Ok(())
}

//! TensorBoard and MLflow read what `sweep export` writes, and find the numbers of the report.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sweep_tests::ledger::finished;
use sweep_tests::processes::Cluster;
use sweep_tests::python;

/// The readers' releases.
const PACKAGES: &str = "tensorboard==2.21.0 mlflow-skinny==3.17.2";

const SWEEP: &str = r#"
name = "../read by \"others\": 감성"
[data]
dataset = "snippets"
train_rows = 400
test_rows = 100
max_length = 12
[grid]
units = [4, 8]
[train]
epochs = 3
replicates = 2
"#;

/// Prints, by trial, units, epochs and the validation loss of each epoch in event files.
const TENSORBOARD: &str = r#"
import json, os, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
found = {}
for run in sorted(os.listdir(sys.argv[1])):
    events = EventAccumulator(os.path.join(sys.argv[1], run)).Reload()
    losses = events.Scalars("loss/validation")
    data = events.PluginTagToContent("hparams")
    start = plugin_data_pb2.HParamsPluginData.FromString(data["_hparams_/session_start_info"]).session_start_info
    end = plugin_data_pb2.HParamsPluginData.FromString(data["_hparams_/session_end_info"]).session_end_info
    found[str(int(run.split("-")[-1]))] = {
        "units": int(start.hparams["units"].number_value),
        "group": start.group_name,
        "success": end.status == 1,
        "steps": [one.step for one in losses],
        "losses": [one.value for one in losses],
    }
print(json.dumps(found))
"#;

/// The same of a file store.
const MLFLOW: &str = r#"
import json, os, sys
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
from mlflow.tracking import MlflowClient
client = MlflowClient(tracking_uri="file://" + os.path.abspath(sys.argv[1]))
experiments = [one for one in client.search_experiments() if one.name != "Default"]
assert len(experiments) == 1, experiments
found = {"name": experiments[0].name}
for run in client.search_runs([experiments[0].experiment_id]):
    losses = client.get_metric_history(run.info.run_id, "loss/validation")
    found[run.data.tags["trial"].split("/")[1]] = {
        "units": int(run.data.params["units"]),
        "success": run.info.status == "FINISHED",
        "steps": [one.step for one in losses],
        "losses": [one.value for one in losses],
        "best": run.data.metrics["best/validation_loss"],
    }
print(json.dumps(found))
"#;

fn read(script: &str, folder: &Path) -> Result<Value> {
    let python = python::program("readers-1", PACKAGES, "python")?;
    let output = Command::new(python).args(["-c", script]).arg(folder).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The validation losses of each trial from `epochs.csv`.
fn losses(epochs_csv: &Path) -> Result<Vec<Vec<f64>>> {
    let mut reader = csv::Reader::from_path(epochs_csv)?;
    let column = |headers: &csv::StringRecord, name: &str| {
        headers.iter().position(|header| header == name).with_context(|| format!("no column {name}"))
    };
    let headers = reader.headers()?.clone();
    let (trial, loss) = (column(&headers, "trial")?, column(&headers, "validation_loss")?);
    let mut found: Vec<Vec<f64>> = Vec::new();
    for record in reader.records() {
        let record = record?;
        let trial: usize = record[trial].parse()?;
        found.resize(found.len().max(trial + 1), Vec::new());
        found[trial].push(record[loss].parse()?);
    }
    Ok(found)
}

#[test]
fn tensorboard_and_mlflow_read_the_numbers_of_the_report() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let _worker = cluster.add_worker()?;
    let file = cluster.write("read.toml", SWEEP)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    finished(&cluster, "1")?;
    let folder = |name: &str| cluster.directory().join(name);
    let written = |name: &str| folder(name).to_string_lossy().into_owned();
    cluster.sweep(&["report", "1", "-o", &written("numbers")])?;
    let losses = losses(&folder("numbers").join("epochs.csv"))?;
    ensure!(losses.len() == 4 && losses.iter().all(|of| of.len() == 3), "{losses:?}");

    cluster.sweep(&["export", "1", "--format", "tensorboard", "--into", &written("runs")])?;
    let events = read(TENSORBOARD, &folder("runs"))?;
    cluster.sweep(&["export", "1", "--format", "mlflow", "--into", &written("tracking")])?;
    let runs = read(MLFLOW, &folder("tracking").join("mlruns"))?;
    ensure!(runs["name"] == "../read by \"others\": 감성 (sweep 1)", "{}", runs["name"]);
    for (trial, expected) in losses.iter().enumerate() {
        let units = if trial < 2 { 4 } else { 8 };
        for (what, of, tolerance) in [("TensorBoard", &events, 1e-6), ("MLflow", &runs, 0.0)] {
            let found = &of[trial.to_string()];
            ensure!(found["success"] == true && found["units"] == units, "{what}, {trial}: {found}");
            ensure!(found["steps"] == serde_json::json!([1, 2, 3]), "{what}, {trial}: {found}");
            let read: Vec<f64> = serde_json::from_value(found["losses"].clone())?;
            let near = |(read, expected): (&f64, &f64)| (read - expected).abs() <= tolerance * expected;
            ensure!(read.iter().zip(expected).all(near), "{what}, {trial}: {read:?}, not {expected:?}");
        }
        let best = expected.iter().copied().fold(f64::INFINITY, f64::min);
        ensure!(runs[trial.to_string()]["best"] == best, "the best of trial {trial}");
    }
    ensure!(events["0"]["group"] == events["1"]["group"] && events["1"]["group"] != events["2"]["group"]);
    cluster.check_remains()
}

//! What leaves is read by those who read it elsewhere: TensorBoard's and MLflow's own readers find in exports what the report
//! says, and the Python library `tokenizers` makes the same tokens of a text as a model's training did. What comes in is counted
//! as pandas and pyarrow count it.

mod data_counts;
mod exported_files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use coordinator_dataset::NoProgress;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sweep_proto::{DataSource, Hyperparameter, TestFigure};
use sweep_tests::ledger::finished;
use sweep_tests::processes::{Cluster, root};
use sweep_tests::python::Environment;
use tokenizers::Tokenizer;

/// What ends a line, a string, a path or a URI somewhere must pass every format.
const NAME: &str = "../\"read\" by 'others': 감성 😀 #%41?{x}<b>&";

const SWEEP: &str = r#"
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

/// What an epoch measures, as exports call it and as `epochs.csv` does.
const EPOCH_METRICS: [(&str, &str); 8] = [
    ("loss/train", "train_loss"),
    ("loss/validation", "validation_loss"),
    ("accuracy/train", "train_accuracy"),
    ("accuracy/validation", "validation_accuracy"),
    ("macro_f1/validation", "validation_macro_f1"),
    ("cost/seconds", "seconds"),
    ("cost/examples_per_second", "examples_per_second"),
    ("cost/peak_memory_bytes", "peak_memory_bytes"),
];

/// What is measured once, beside the figures of the test split, as exports call it and as `trials.csv` does.
const TRIAL_METRICS: [(&str, &str); 4] = [
    ("best/validation_loss", "validation_loss"),
    ("best/validation_accuracy", "validation_accuracy"),
    ("best/epoch", "best_epoch"),
    ("model/parameters", "parameters"),
];

/// Steps and values of each metric.
type Curves = BTreeMap<String, Vec<(u32, f64)>>;

/// One row of a file, by column.
type Row = BTreeMap<String, String>;

/// A trial as the report tells it.
struct Trial {
    row: Row,
    epochs: Vec<Row>,
    /// The columns that are hyperparameters, in the order of the file.
    hyperparameters: Vec<String>,
}

fn number(row: &Row, column: &str) -> Result<f64> {
    let cell = row.get(column).with_context(|| format!("no column {column}"))?;
    cell.parse().with_context(|| format!("{column} is {cell:?}"))
}

impl Trial {
    /// Those of a report, by their position.
    fn all(report: &Path) -> Result<Vec<Self>> {
        let (headers, trials) = rows(&report.join("trials.csv"))?;
        let (_, epochs) = rows(&report.join("epochs.csv"))?;
        let place = |name: &str| {
            headers.iter().position(|header| header == name).with_context(|| format!("no column {name}"))
        };
        let hyperparameters = &headers[place("state")? + 1..place("replicate")?];
        let of =
            |trial: &Row| epochs.iter().filter(|epoch| epoch["trial"] == trial["trial"]).cloned().collect();
        let trial = |row: Row| Self { epochs: of(&row), row, hyperparameters: hyperparameters.to_vec() };
        Ok(trials.into_iter().map(trial).collect())
    }

    fn curves(&self) -> Result<Curves> {
        let step = |row: &Row| -> Result<u32> { Ok(row["epoch"].parse()?) };
        let mut curves = Curves::new();
        for (name, column) in EPOCH_METRICS {
            let points = self.epochs.iter().map(|row| Ok((step(row)?, number(row, column)?)));
            curves.insert(name.to_owned(), points.collect::<Result<_>>()?);
        }
        let last = step(self.epochs.last().context("a trial without epochs")?)?;
        let tested = TestFigure::ALL.map(|figure| (figure.chart(), figure.column()));
        for (name, column) in TRIAL_METRICS.into_iter().chain(tested) {
            // Only replicates of the chosen configuration are measured on the test split.
            if !self.row[column].is_empty() {
                curves.insert(name.to_owned(), vec![(last, number(&self.row, column)?)]);
            }
        }
        Ok(curves)
    }

    fn parameters(&self) -> BTreeMap<&str, &str> {
        let names = self.hyperparameters.iter().map(String::as_str).chain(["replicate", "seed"]);
        names.map(|name| (name, self.row[name].as_str())).collect()
    }

    /// How people see its configuration: by the one hyperparameter of the grid.
    fn label(&self) -> String {
        format!("units={}", self.row["units"])
    }

    /// When each epoch ended, in milliseconds after the trial's begin.
    fn ends_ms(&self) -> Result<Vec<u64>> {
        let mut seconds = 0.0;
        let mut end = |row: &Row| -> Result<u64> {
            seconds += number(row, "seconds")?;
            Ok((seconds * 1_000.0) as u64)
        };
        self.epochs.iter().map(&mut end).collect()
    }
}

/// The header and the rows of a file.
fn rows(file: &Path) -> Result<(Vec<String>, Vec<Row>)> {
    let mut reader = csv::Reader::from_path(file)?;
    let headers: Vec<String> = reader.headers()?.iter().map(ToOwned::to_owned).collect();
    let named = |record: csv::StringRecord| -> Row {
        headers.iter().cloned().zip(record.iter().map(ToOwned::to_owned)).collect()
    };
    let rows = reader.records().map(|record| Ok(named(record?))).collect::<Result<_>>()?;
    Ok((headers, rows))
}

/// Whether a value of JSON is what stands in a cell.
fn is_same(value: &Value, cell: &str) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| cell.parse() == Ok(number)),
        Value::Bool(flag) => cell == flag.to_string(),
        Value::String(text) => cell == text,
        _ => false,
    }
}

/// Whether values by name are those of cells by name: none is missing, none is new.
fn are_same(values: &BTreeMap<String, Value>, cells: &BTreeMap<&str, &str>) -> bool {
    values.len() == cells.len()
        && cells.iter().all(|(name, cell)| values.get(*name).is_some_and(|value| is_same(value, cell)))
}

/// What a script finds in a folder, from a folder of its own.
fn read<T: DeserializeOwned>(environment: &Environment, script: &str, folder: &Path) -> Result<T> {
    let elsewhere = tempfile::tempdir()?;
    let scripts = root().canonicalize()?.join("tests/tests/all/readers");
    let output = Command::new(environment.program("python"))
        .arg("-B")
        .arg(scripts.join(script))
        .arg(folder)
        .current_dir(elsewhere.path())
        .envs([
            ("MLFLOW_ALLOW_FILE_STORE", "true"),
            ("MLFLOW_DISABLE_TELEMETRY", "true"),
            ("PYTHONUTF8", "1"),
        ])
        .output()?;
    ensure!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The readers' environment.
fn environment() -> Result<Environment> {
    let pins = std::fs::read_to_string(root().join("tests/tests/all/readers/requirements.txt"))?;
    Environment::of("readers", &pins, &["--no-deps", "--no-compile"])
}

/// A run as TensorBoard reads it.
#[derive(Debug, Deserialize)]
struct TensorBoardRun {
    scalars: Curves,
    parameters: BTreeMap<String, Value>,
    group: String,
    started: f64,
    ended: f64,
    status: u32,
}

/// `STATUS_SUCCESS` of TensorBoard's `hparams/api.proto`.
const SUCCESS: u32 = 1;

fn check_tensorboard(runs: &BTreeMap<String, TensorBoardRun>, trials: &[Trial]) -> Result<()> {
    ensure!(runs.len() == trials.len(), "{:?}", runs.keys());
    // Names end with numbers of one width, so that their order is that of the trials.
    for (position, (trial, (name, run))) in trials.iter().zip(runs).enumerate() {
        ensure!(
            name.starts_with("sweep-1-") && name.ends_with(&format!("/trial-{position:06}")),
            "{name} at {position}"
        );
        let mut expected = trial.curves()?;
        for (_, value) in expected.values_mut().flatten() {
            // Event files hold 32-bit floats.
            *value = f64::from(*value as f32);
        }
        ensure!(run.scalars == expected, "{name}: {:?}, not {expected:?}", run.scalars);
        ensure!(are_same(&run.parameters, &trial.parameters()), "{name}: {:?}", run.parameters);
        ensure!(run.group == trial.label(), "{name}: the group {:?}", run.group);
        ensure!(run.status == SUCCESS, "{name}: the status {}", run.status);
        let took_ms = ((run.ended - run.started) * 1_000.0).round() as u64;
        ensure!(trial.ends_ms()?.last() == Some(&took_ms), "{name}: {took_ms} ms");
    }
    Ok(())
}

/// A run as MLflow reads it.
#[derive(Debug, Deserialize)]
struct MlflowRun {
    name: String,
    status: String,
    started: u64,
    ended: u64,
    metrics: Curves,
    /// When each point of a metric was measured, in milliseconds since the Unix epoch.
    times: BTreeMap<String, Vec<u64>>,
    latest: BTreeMap<String, f64>,
    parameters: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    artifacts: BTreeMap<String, String>,
}

fn check_mlflow(experiments: &BTreeMap<String, Vec<MlflowRun>>, trials: &[Trial]) -> Result<()> {
    let name = format!("{NAME} (sweep 1)");
    ensure!(experiments.keys().eq([&name]), "{:?}", experiments.keys());
    let runs = &experiments[&name];
    ensure!(runs.len() == trials.len(), "{} runs", runs.len());
    for (position, trial) in trials.iter().enumerate() {
        let id = format!("1/{position}");
        let run =
            runs.iter().find(|run| run.tags.get("trial") == Some(&id)).context("a run for each trial")?;
        check_mlflow_run(run, trial, &id).with_context(|| format!("trial {id}"))?;
    }
    Ok(())
}

fn check_mlflow_run(run: &MlflowRun, trial: &Trial, id: &str) -> Result<()> {
    let expected = trial.curves()?;
    ensure!(run.metrics == expected, "{:?}, not {expected:?}", run.metrics);
    let latest = expected.iter().filter_map(|(name, points)| Some((name.clone(), points.last()?.1)));
    ensure!(run.latest == latest.collect(), "the latest: {:?}", run.latest);
    let ends: Vec<_> = trial.ends_ms()?.iter().map(|end| run.started + end).collect();
    ensure!(ends.last() == Some(&run.ended), "from {} to {}", run.started, run.ended);
    for (name, times) in &run.times {
        ensure!(ends.ends_with(times), "{name} at {times:?}, epochs ended at {ends:?}");
    }
    let parameters: BTreeMap<_, _> = run.parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
    ensure!(parameters == trial.parameters(), "{parameters:?}");
    let name = format!("{} replicate={}", trial.label(), trial.row["replicate"]);
    let mut tags = BTreeMap::from([("mlflow.runName", name.as_str()), ("sweep", "1"), ("trial", id)]);
    tags.extend(["key", "dataset", "state", "worker"].map(|tag| (tag, trial.row[tag].as_str())));
    ensure!(run.tags.iter().map(|(name, value)| (&**name, &**value)).eq(tags), "{:?}", run.tags);
    ensure!(run.name == name && run.status == "FINISHED", "{} is {}", run.name, run.status);
    ensure!(run.artifacts.keys().eq(["configuration.json"]), "{:?}", run.artifacts.keys());
    let configuration = serde_json::from_str(&run.artifacts["configuration.json"])?;
    let cells = trial.hyperparameters.iter().map(|name| (&**name, &*trial.row[name])).collect();
    ensure!(are_same(&configuration, &cells), "{configuration:?}");
    Ok(())
}

#[test]
fn tensorboard_and_mlflow_read_what_the_report_says() -> Result<()> {
    let environment = environment()?;
    let mut cluster = Cluster::start()?;
    let _worker = cluster.add_worker()?;
    let file = cluster.write("read.toml", &format!("name = {}\n{SWEEP}", json!(NAME)))?;
    let launched = cluster.sweep(&["launch", &file.to_string_lossy()])?;
    ensure!(launched["name"] == NAME, "{launched}");
    finished(&cluster, "1")?.check_complete(4, 3)?;
    let trials = Trial::all(&cluster.directory().join("report-1"))?;
    let measured: BTreeSet<_> = trials.iter().map(|trial| trial.row["test_loss"].is_empty()).collect();
    ensure!(measured.len() == 2, "some trials are measured on the test split, and others are not");

    cluster.sweep(&["export", "1", "--format", "tensorboard", "--into", "runs"])?;
    check_tensorboard(
        &read(&environment, "tensorboard_runs.py", &cluster.directory().join("runs"))?,
        &trials,
    )?;

    // Whatever the folder is called, and wherever it lies after another export into it.
    for folder in ["tracked 감성 #1?", "moved 100%41"] {
        cluster.sweep(&["export", "1", "--format", "mlflow", "--into", folder])?;
        let store = cluster.directory().join(folder).join("mlruns");
        check_mlflow(&read(&environment, "mlflow_runs.py", &store)?, &trials).context(folder)?;
        if folder.starts_with("tracked") {
            std::fs::rename(cluster.directory().join(folder), cluster.directory().join("moved 100%41"))?;
        }
    }
    cluster.check_remains()
}

/// Texts on which two libraries of regular expressions may differ: spaces of all kinds, marks, scripts, joined symbols.
const TEXTS: [&str; 6] = [
    "Don't GO!!\u{a0}It\u{2019}s 10/10,\tnaïve <pad> e\u{301}",
    "정말  재밌다!!! 10점 ㅋㅋ\u{3000}\u{1112}\u{1161}\u{11ab}",
    "👩\u{200d}💻 is here\u{2003}x\u{200b}y\u{85}z\u{1c}q",
    "ＦＵＬＬ　width, ﬁne ▁mark and\r\nlines\n\nof text",
    "とても面白い。ดีมาก हिन्दी العربية",
    "",
];

#[test]
fn the_library_tokenizers_makes_the_tokens_that_a_model_was_trained_on() -> Result<()> {
    let environment = environment()?;
    let folder = tempfile::tempdir()?;
    let rows = (0..120).map(|row| json!({ "text": TEXTS[row % 5], "label": row % 2 }).to_string() + "\n");
    std::fs::write(folder.path().join("rows.jsonl"), rows.collect::<String>())?;
    let sweep = "name = \"tokens\"\n[data]\npath = \"rows.jsonl\"\ntext = \"text\"\nlabel = \"label\"\n";
    let mut data =
        sweep_proto::sweep_file::parse("tokens.toml", sweep).map_err(|problems| anyhow!("{problems}"))?.data;
    if let DataSource::File { path, .. } = &mut data.source {
        *path = folder.path().join(&path);
    }
    let files = folder.path().join("files");
    std::fs::create_dir(&files)?;
    std::fs::write(files.join("texts.json"), json!(TEXTS).to_string())?;
    let mut expected: BTreeMap<String, Vec<Vec<u32>>> = BTreeMap::new();
    for kind in ["word", "character", "subword"] {
        let variant = BTreeMap::from([(Hyperparameter::Tokenizer, sweep_proto::Value::Word(kind.into()))]);
        let prepared =
            coordinator_dataset::prepare(&data, &variant, &folder.path().join("cache"), &NoProgress)?;
        std::fs::write(files.join(format!("{kind}.json")), &prepared.header.tokenizer)?;
        let ours =
            Tokenizer::from_bytes(prepared.header.tokenizer.as_bytes()).map_err(|error| anyhow!(error))?;
        let tokens =
            |text: &str| Ok(ours.encode(text, false).map_err(|error| anyhow!(error))?.get_ids().to_vec());
        expected.insert(kind.to_owned(), TEXTS.into_iter().map(tokens).collect::<Result<_>>()?);
    }
    let found: BTreeMap<String, Vec<Vec<u32>>> = read(&environment, "tokenizer_tokens.py", &files)?;
    ensure!(found == expected, "{found:?}, not {expected:?}");
    ensure!(expected.values().flatten().flatten().any(|token| *token > 1), "some tokens are known");
    Ok(())
}

//! The trials of a report as its files tell them, to the bit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sweep_proto::TestFigure;

use crate::cli::exit::Failure;

/// What each epoch is compared by: columns of `epochs.csv`, those of the model in the table of metrics.
pub(super) const EPOCH_METRICS: [&str; 5] =
    ["train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "validation_macro_f1"];

/// What each result is compared by: columns of `trials.csv`. The first is the score.
pub(super) const RESULT_METRICS: [&str; 5] =
    ["validation_loss", "validation_accuracy", "best_epoch", "epochs_trained", "parameters"];

/// Further columns of `trials.csv`, which only trials have that were measured on the test split.
/// A report of before one was measured lacks its column.
pub(super) const TEST_METRICS: [&str; TestFigure::COUNT] = TestFigure::COLUMNS;

/// A row of a file: cells by the names of their columns.
type Row = BTreeMap<String, String>;

/// What trained a trial, as far as it decides the bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct TrainedOn {
    /// Models of the worker's devices, in words.
    pub(super) devices: String,
    /// The version of its program.
    pub(super) build: String,
}

impl fmt::Display for TrainedOn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, build {}", self.devices, self.build)
    }
}

/// A trial of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Trial {
    /// Its position in its sweep.
    pub(super) number: u64,
    /// Its content address.
    pub(super) key: String,
    /// The digest of its encoded dataset.
    pub(super) dataset: String,
    /// Its replicate, from 0.
    pub(super) replicate: u32,
    /// Its state, and where it failed why.
    pub(super) state: String,
    /// Why its last attempt failed; empty where none did.
    pub(super) error: String,
    /// The values of the swept hyperparameters, and all others, as they stand in the file.
    pub(super) cells: Row,
    /// By the places of [`RESULT_METRICS`].
    pub(super) result: [Option<f64>; RESULT_METRICS.len()],
    /// By the places of [`TEST_METRICS`].
    pub(super) test: [Option<f64>; TEST_METRICS.len()],
    /// By epoch, by the places of [`EPOCH_METRICS`]; empty until [`read_epochs`].
    pub(super) epochs: BTreeMap<u32, [Option<f64>; EPOCH_METRICS.len()]>,
    /// Where it was trained; empty where the report does not say.
    pub(super) places: BTreeSet<TrainedOn>,
}

/// The trials of a report without their epochs, and the sweep file that reproduces it.
#[derive(Debug)]
pub(super) struct Records {
    /// By position.
    pub(super) trials: Vec<Trial>,
    /// TOML.
    pub(super) sweep_file: String,
}

/// The part of `report.json` that is needed here.
#[derive(Debug, Deserialize)]
struct Numbers {
    set_up: SetUp,
    failures: Vec<FailedAttempt>,
}

#[derive(Debug, Deserialize)]
struct SetUp {
    sweep: u64,
    sweep_file: String,
    workers: Vec<Worker>,
}

#[derive(Debug, Deserialize)]
struct Worker {
    name: String,
    build: String,
    devices: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct FailedAttempt {
    attempt: String,
    worker: String,
}

/// Reads the trials of the report in a folder.
///
/// # Errors
/// A file that is missing or is none of a report, with its name.
pub(super) fn read(folder: &Path) -> Result<Records, Failure> {
    let path = folder.join("report.json");
    let bytes = std::fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
    let numbers: Numbers = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::failed(format!("{} is not a report: {error}", path.display())))?;
    let path = folder.join("trials.csv");
    let trials = rows(&path)?.map(|row| trial(row?, &numbers).map_err(|problem| of_file(&path, &problem)));
    Ok(Records { trials: trials.collect::<Result<_, _>>()?, sweep_file: numbers.set_up.sweep_file })
}

/// Gives these trials the epochs of the report in the folder.
///
/// # Errors
/// As [`read`].
pub(super) fn read_epochs(folder: &Path, trials: &mut [&mut Trial]) -> Result<(), Failure> {
    let mut by_number: BTreeMap<u64, _> = trials.iter_mut().map(|trial| (trial.number, trial)).collect();
    let path = folder.join("epochs.csv");
    for row in rows(&path)? {
        let row = row?;
        let problem = |problem: String| of_file(&path, &problem);
        if let Some(trial) = by_number.get_mut(&whole(&row, "trial").map_err(problem)?) {
            let epoch = whole(&row, "epoch").map_err(problem)?;
            let epoch = u32::try_from(epoch).map_err(|_| problem(format!("there is no epoch {epoch}")))?;
            trial.epochs.insert(epoch, reals(&row, EPOCH_METRICS).map_err(problem)?);
        }
    }
    Ok(())
}

fn of_file(path: &Path, problem: &str) -> Failure {
    Failure::failed(format!("{} is not a file of a report: {problem}", path.display()))
}

fn rows(path: &Path) -> Result<impl Iterator<Item = Result<Row, Failure>> + '_, Failure> {
    let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    let rows = csv::Reader::from_reader(BufReader::new(file)).into_deserialize();
    Ok(rows.map(move |row| row.map_err(|error| of_file(path, &error.to_string()))))
}

fn trial(row: Row, numbers: &Numbers) -> Result<Trial, String> {
    let number = whole(&row, "trial")?;
    let replicate = whole(&row, "replicate")?;
    Ok(Trial {
        number,
        key: cell(&row, "key")?.to_owned(),
        dataset: cell(&row, "dataset")?.to_owned(),
        replicate: u32::try_from(replicate).map_err(|_| format!("there is no replicate {replicate}"))?,
        state: cell(&row, "state")?.to_owned(),
        error: cell(&row, "error")?.to_owned(),
        result: reals(&row, RESULT_METRICS)?,
        test: optional_reals(&row, TEST_METRICS)?,
        epochs: BTreeMap::new(),
        places: places(number, cell(&row, "worker")?, numbers),
        cells: row,
    })
}

/// Where a trial may have been trained: on its last worker, and on those that began it before.
fn places(trial: u64, last: &str, numbers: &Numbers) -> BTreeSet<TrainedOn> {
    let own = format!("{}/{trial}/", numbers.set_up.sweep);
    let earlier = numbers.failures.iter().filter(|failed| failed.attempt.starts_with(&own));
    let names: BTreeSet<&str> = earlier.map(|failed| failed.worker.as_str()).chain([last]).collect();
    let workers = numbers.set_up.workers.iter().filter(|worker| names.contains(worker.name.as_str()));
    workers
        .map(|worker| {
            let models: BTreeSet<String> = worker.devices.iter().map(|device| model(device)).collect();
            let devices = models.into_iter().collect::<Vec<_>>().join(" + ");
            TrainedOn { devices, build: worker.build.clone() }
        })
        .collect()
}

/// A device without its number on its machine: `cuda:3 (H100)` is `cuda (H100)`.
fn model(device: &str) -> String {
    match device.split_once(" (") {
        Some((kind, model)) => format!("{} ({model}", kind.split(':').next().unwrap_or(kind)),
        None => device.to_owned(),
    }
}

fn cell<'r>(row: &'r Row, column: &str) -> Result<&'r str, String> {
    row.get(column).map(String::as_str).ok_or_else(|| format!("it has no column {column}"))
}

fn whole(row: &Row, column: &str) -> Result<u64, String> {
    let text = cell(row, column)?;
    text.parse().map_err(|_| format!("{column} is {text:?}, not a whole number"))
}

/// The cells of columns as numbers, `None` where they are empty. The files hold the shortest text that reads back as
/// the same number.
fn reals<const COLUMNS: usize>(
    row: &Row,
    columns: [&str; COLUMNS],
) -> Result<[Option<f64>; COLUMNS], String> {
    let mut numbers = [None; COLUMNS];
    for (number, column) in numbers.iter_mut().zip(columns) {
        let text = cell(row, column)?;
        if !text.is_empty() {
            *number = Some(text.parse().map_err(|_| format!("{column} is {text:?}, not a number"))?);
        }
    }
    Ok(numbers)
}

/// As [`reals`], of columns that may be missing.
fn optional_reals<const COLUMNS: usize>(
    row: &Row,
    columns: [&str; COLUMNS],
) -> Result<[Option<f64>; COLUMNS], String> {
    let mut numbers = [None; COLUMNS];
    for (number, column) in numbers.iter_mut().zip(columns).filter(|(_, column)| row.contains_key(*column)) {
        [*number] = reals(row, [column])?;
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use sweep_proto::EpochFigure;

    use super::*;

    #[test]
    fn epochs_are_compared_by_all_that_the_same_trial_gives_again() {
        let told: Vec<_> = EpochFigure::ALL.into_iter().filter(|figure| figure.is_of_the_model()).collect();
        assert_eq!(told.iter().map(|figure| figure.name()).collect::<Vec<_>>(), EPOCH_METRICS);
    }

    fn report(trials: &str, epochs: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let json = r#"{"set_up": {"sweep": 3, "sweep_file": "name = 'x'", "workers": [
                {"name": "a", "build": "1.0.0", "devices": ["cuda:0 (H100)", "cuda:1 (H100)"]},
                {"name": "b", "build": "1.0.0", "devices": ["cpu (EPYC)"]}]},
            "failures": [{"attempt": "3/7/1", "worker": "b"}, {"attempt": "3/70/1", "worker": "a"}]}"#;
        std::fs::write(folder.path().join("report.json"), json).expect("written");
        std::fs::write(folder.path().join("trials.csv"), trials).expect("written");
        std::fs::write(folder.path().join("epochs.csv"), epochs).expect("written");
        folder
    }

    const TRIALS: &str = "trial,replicate,state,key,dataset,error,worker,validation_loss,validation_accuracy,best_epoch,\
        epochs_trained,parameters,test_loss,test_accuracy,test_macro_f1\n\
        7,1,completed,k,d,,a,0.30000000000000004,0.5,2,2,99,,,\n\
        70,0,failed,l,d,gone,,,,,,,,,\n";

    #[test]
    fn numbers_are_read_to_the_bit_and_workers_to_their_places() {
        let epochs = "trial,epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,validation_macro_f1\n\
            7,1,0.1,0.2,5e-324,0.4,0.5\n70,1,1,1,1,1,1\n";
        let folder = report(TRIALS, epochs);
        let mut records = read(folder.path()).expect("a report");
        let [first, second] = records.trials.as_mut_slice() else { panic!("two trials") };
        read_epochs(folder.path(), &mut [first]).expect("epochs");
        assert_eq!(first.result[0].map(f64::to_bits), Some((0.1_f64 + 0.2).to_bits()));
        assert_eq!(first.epochs[&1][2].map(f64::to_bits), Some(1));
        assert_eq!((second.result, second.epochs.len(), second.error.as_str()), ([None; 5], 0, "gone"));
        let places = |trial: &Trial| trial.places.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(places(first), ["cpu (EPYC), build 1.0.0", "cuda (H100), build 1.0.0"]);
        assert_eq!(places(second), ["cuda (H100), build 1.0.0"]);
    }

    #[test]
    fn what_is_no_report_is_named() {
        for (trials, problem) in [
            ("trial\n1\n", "no column replicate"),
            (&TRIALS.replace("0.5", "half"), "validation_accuracy is \"half\", not a number"),
            (&TRIALS.replace("7,1,", "-7,1,"), "trial is \"-7\", not a whole number"),
        ] {
            let failure = read(report(trials, "").path()).expect_err("refused");
            assert!(failure.message.contains(problem) && failure.message.contains("trials.csv"), "{failure}");
        }
    }
}

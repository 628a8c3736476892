//! The oracle of every end-to-end test: a finished sweep's report, checked to the unit.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::processes::{Cluster, wait_until};

/// A sweep's report, fetched and read.
#[derive(Debug)]
pub struct Report {
    /// `report.json`.
    pub json: Value,
    /// For each trial, its epochs in the order of `epochs.csv`.
    pub epochs: BTreeMap<String, Vec<u32>>,
    /// For each trial, its state in `trials.csv`.
    pub states: BTreeMap<String, String>,
}

impl Report {
    /// Reads the files of a report.
    ///
    /// # Errors
    /// Where a file or a column is missing.
    pub fn read(folder: &Path) -> Result<Self> {
        let json = serde_json::from_slice(&std::fs::read(folder.join("report.json"))?)?;
        let mut epochs = BTreeMap::<String, Vec<u32>>::new();
        for [trial, epoch] in columns(&folder.join("epochs.csv"), ["trial", "epoch"])? {
            epochs.entry(trial).or_default().push(epoch.parse()?);
        }
        let states = columns(&folder.join("trials.csv"), ["trial", "state"])?;
        let rows = states.len();
        let states: BTreeMap<_, _> = states.into_iter().map(|[trial, state]| (trial, state)).collect();
        ensure!(states.len() == rows, "trials.csv names a trial twice");
        Ok(Self { json, epochs, states })
    }

    /// Every trial completed exactly once, with every epoch once and in order, and the ledger says so.
    ///
    /// # Errors
    /// The first thing that is not so.
    pub fn check_complete(&self, trials: usize, epochs: u32) -> Result<()> {
        let ledger = &self.json["ledger"];
        ensure!(ledger["balanced"] == true, "it does not add up: {ledger}");
        ensure!(ledger["planned"] == trials, "planned: {ledger}");
        ensure!(ledger["states"]["completed"] == trials, "completed: {ledger}");
        ensure!(self.states.len() == trials, "trials.csv has {} trials", self.states.len());
        for (trial, state) in &self.states {
            ensure!(state == "completed", "trial {trial} is {state}");
            let trained = self.epochs.get(trial).with_context(|| format!("trial {trial} has no epochs"))?;
            ensure!(trained.iter().copied().eq(1..=epochs), "trial {trial} has the epochs {trained:?}");
        }
        Ok(())
    }
}

fn columns<const N: usize>(file: &Path, names: [&str; N]) -> Result<Vec<[String; N]>> {
    let mut reader = csv::Reader::from_path(file)?;
    let headers = reader.headers()?.clone();
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        let found = headers.iter().position(|header| header == name);
        *place = found.with_context(|| format!("{} has no column {name}: {headers:?}", file.display()))?;
    }
    let rows = reader.records().map(|row| {
        let row = row?;
        Ok(places.map(|place| row.get(place).unwrap_or_default().to_owned()))
    });
    rows.collect()
}

/// Waits until a sweep has ended and reads its report.
///
/// # Errors
/// Where it does not end, or not as finished.
pub fn finished(cluster: &Cluster, sweep: &str) -> Result<Report> {
    finished_by(|arguments| cluster.sweep(arguments), cluster.directory(), sweep)
}

/// As [`finished`], with `command` running a `sweep` command and `folder` for the report.
///
/// # Errors
/// Where it does not end, or not as finished.
pub fn finished_by(command: impl Fn(&[&str]) -> Result<Value>, folder: &Path, sweep: &str) -> Result<Report> {
    wait_until(&format!("sweep {sweep} finished"), || {
        Ok(command(&["status", sweep]).is_ok_and(|status| status["state"] == "finished"))
    })?;
    let folder = folder.join(format!("report-{sweep}"));
    command(&["report", sweep, "-o", &folder.to_string_lossy()])?;
    Report::read(&folder)
}

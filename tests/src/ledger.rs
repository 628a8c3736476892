//! The oracle of every end-to-end test: a finished sweep's report, checked to the unit.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
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
    /// For each trial, how often it was begun, measurements on the test split included.
    pub attempts: BTreeMap<String, u64>,
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
        let attempts = columns(&folder.join("trials.csv"), ["trial", "attempts"])?;
        let attempts = attempts.into_iter().map(|[trial, count]| Ok((trial, count.parse()?)));
        let attempts = attempts.collect::<Result<_>>()?;
        let states: BTreeMap<_, _> = states.into_iter().map(|[trial, state]| (trial, state)).collect();
        ensure!(states.len() == rows, "trials.csv names a trial twice");
        Ok(Self { json, epochs, states, attempts })
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

impl Report {
    /// Every trial was begun once, and each of the chosen configuration's `measured` replicates once more; beyond
    /// that, nothing was begun but `again` attempts.
    ///
    /// # Errors
    /// Where it was otherwise.
    pub fn check_attempts(&self, measured: usize, again: usize) -> Result<()> {
        let expected = self.states.len() + measured + again;
        let ledger = &self.json["ledger"];
        ensure!(ledger["attempts"] == expected, "{expected} attempts expected: {ledger}");
        ensure!(self.attempts.values().sum::<u64>() == expected as u64, "{:?}", self.attempts);
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

/// How many attempts of a cluster stand in each state, by the words of its database.
///
/// # Errors
/// Where the database cannot be read.
pub fn attempts_by_state(cluster: &Cluster) -> Result<BTreeMap<String, usize>> {
    let path = Path::new(&cluster.data()).join("sweep.db");
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut counted = database.prepare("SELECT state, count(*) FROM attempts GROUP BY state")?;
    let rows = counted.query_map([], |row| Ok((row.get(0)?, row.get::<_, u32>(1)? as usize)))?;
    Ok(rows.collect::<Result<_, _>>()?)
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
    // Of several sweeps of a name the newest is wanted, whichever stood there before.
    command(&["report", sweep, "-o", &folder.to_string_lossy(), "--force"])?;
    Report::read(&folder)
}

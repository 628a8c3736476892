//! Rows, classes, unusable rows and repeats of data of every kind are those that pandas and pyarrow count.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use coordinator_dataset::{InspectOptions, Inspection, NoProgress, inspect_with};
use serde::Deserialize;
use sweep_proto::Reading;
use sweep_proto::encoded::Split;

use super::{environment, read};

/// Cases that the script writes at least.
const CASES_MIN: usize = 45;

/// What the script wrote, and what it counted.
#[derive(Debug, Deserialize)]
struct Case {
    path: PathBuf,
    settings: Settings,
    expected: Counts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    text: Option<String>,
    label: Option<String>,
    header: Option<bool>,
    validation: Option<PathBuf>,
    test: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    usable: u64,
    blank: u64,
    unusable: u64,
    classes: BTreeMap<String, u64>,
    /// By split, where the case has splits of its own.
    #[serde(default)]
    repeats: BTreeMap<String, u64>,
    #[serde(default)]
    sizes: BTreeMap<String, u64>,
}

impl Case {
    fn check(&self, seen: &Inspection) -> Result<()> {
        let Counts { usable, blank, unusable, classes, repeats, sizes } = &self.expected;
        ensure!(seen.rows == *usable, "{} usable rows, not {usable}", seen.rows);
        let found: BTreeMap<String, u64> =
            seen.classes.iter().map(|one| (one.class.clone(), one.rows + one.test_rows)).collect();
        ensure!(found == *classes, "classes {found:?}, not {classes:?}");
        let dropped = seen.bad_rows.count + seen.left_out.values().sum::<u64>();
        ensure!(dropped == blank + unusable, "{dropped} rows dropped, not {blank} and {unusable}");
        let by_file: u64 = seen.files.iter().map(|file| file.rows + file.unusable).sum();
        ensure!(by_file == usable + seen.bad_rows.count, "its files have {by_file} rows together");
        for (split, repeats) in repeats {
            let account = seen.account.as_ref().context("an account")?;
            let split = Split::ALL.into_iter().find(|one| one.name() == split).context("a split")?;
            let found = account.split(split);
            ensure!(
                found.in_training == *repeats,
                "{} repeats in {split:?}, not {repeats}",
                found.in_training
            );
            ensure!(found.rows == sizes[split.name()], "{} rows in {split:?}", found.rows);
        }
        Ok(())
    }
}

#[test]
fn counts_are_those_of_an_independent_reader() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cases: Vec<Case> = read(&environment()?, "data_counts.py", folder.path())?;
    ensure!(cases.len() >= CASES_MIN, "only {} cases", cases.len());
    let mut problems = Vec::new();
    for case in &cases {
        let Settings { text, label, header, validation, test } = &case.settings;
        let options = InspectOptions {
            text: text.clone().into_iter().collect(),
            label: label.clone(),
            validation_path: validation.clone(),
            test_path: test.clone(),
            reading: Reading { header: *header, ..Reading::default() },
        };
        let path = case.path.to_string_lossy();
        let checked = inspect_with(&path, &options, &folder.path().join("cache"), &NoProgress)
            .map_err(anyhow::Error::from)
            .and_then(|seen| case.check(&seen));
        if let Err(problem) = checked {
            problems.push(format!("{path}: {problem:#}"));
        }
    }
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

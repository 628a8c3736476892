//! MLflow: the folder `mlruns` of its file store, with one experiment and a run for each trial.
//!
//! The layout is that of `mlflow/store/tracking/file_store.py`: `meta.yaml` of experiment and run, and a file for each
//! metric (lines of `milliseconds value step`), parameter and tag. `mlflow migrate-filestore` brings it into a database.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sweep_proto::Digest;

use super::{Parameter, Run, identity};
use crate::input::ReportInput;
use sweep_proto::EpochFigure;

/// `RunStatus` of MLflow's `service.proto`.
const FINISHED: u8 = 3;
const FAILED: u8 = 4;
const KILLED: u8 = 5;
const RUNNING: u8 = 1;

/// Longest value of a tag that we write, in characters: far above any name of ours.
const TAG_CHARACTERS_MAX: usize = 1_000;

pub(super) fn files(input: &ReportInput, runs: &[Run<'_>], folder_uri: &str) -> Vec<(String, Vec<u8>)> {
    let sweep = &input.sweep;
    let experiment = experiment_id(input);
    let location = format!("{folder_uri}mlruns/{experiment}");
    let meta = experiment_meta(input, &experiment, &location);
    let mut files = vec![(format!("mlruns/{experiment}/meta.yaml"), meta)];
    for run in runs {
        let id = run_id(input, run);
        let folder = format!("mlruns/{experiment}/{id}");
        files.push((format!("{folder}/meta.yaml"), run_meta(run, &experiment, &id, &location)));
        for (name, lines) in metrics(run) {
            files.push((format!("{folder}/metrics/{name}"), lines.into_bytes()));
        }
        for (name, parameter) in &run.parameters {
            let value = match parameter {
                Parameter::Value(value) => value.to_string(),
                Parameter::Number(number) => number.to_string(),
            };
            files.push((format!("{folder}/params/{name}"), value.into_bytes()));
        }
        // A run without a folder of artifacts is none to MLflow.
        let values: BTreeMap<_, _> = run.configuration.iter().collect();
        let values = serde_json::to_vec_pretty(&values).unwrap_or_default();
        files.push((format!("{folder}/artifacts/configuration.json"), values));
        let tags = [
            ("mlflow.runName", run_name(run)),
            ("sweep", sweep.id.to_string()),
            ("trial", run.trial.id.to_string()),
            ("key", run.trial.key.to_string()),
            ("dataset", run.trial.dataset.to_string()),
            ("state", run.trial.state.name().to_owned()),
            ("worker", run.trial.worker.clone().unwrap_or_default()),
        ];
        for (name, value) in tags {
            files.push((format!("{folder}/tags/{name}"), one_line(&value).into_bytes()));
        }
    }
    files
}

/// The least number of eighteen digits.
const EIGHTEEN_DIGITS: u64 = 100_000_000_000_000_000;

/// Eighteen digits, as MLflow draws them; here they follow from the sweep, so that exporting again replaces.
fn experiment_id(input: &ReportInput) -> String {
    let number =
        identity(input).as_bytes().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    (EIGHTEEN_DIGITS + number % (9 * EIGHTEEN_DIGITS)).to_string()
}

/// Thirty-two hexadecimal digits.
fn run_id(input: &ReportInput, run: &Run<'_>) -> String {
    let text = format!("{} {} {}", experiment_id(input), run.trial.id, run.trial.key);
    Digest::of(text.as_bytes()).to_string().chars().take(32).collect()
}

fn run_name(run: &Run<'_>) -> String {
    format!("{} replicate={}", run.label, run.trial.replicate)
}

fn experiment_meta(input: &ReportInput, experiment: &str, location: &str) -> Vec<u8> {
    let sweep = &input.sweep;
    let changed = sweep.ended_at.unwrap_or(sweep.created_at).0;
    let name = quoted(&format!("{} (sweep {})", sweep.spec.name, sweep.id.0));
    format!(
        "artifact_location: {location}\ncreation_time: {created}\nexperiment_id: '{experiment}'\n\
         last_update_time: {changed}\nlifecycle_stage: active\nname: {name}\n",
        location = quoted(location),
        created = sweep.created_at.0,
    )
    .into_bytes()
}

fn run_meta(run: &Run<'_>, experiment: &str, id: &str, location: &str) -> Vec<u8> {
    let (status, has_ended) = match run.trial.state {
        coordinator_core::TrialState::Completed => (FINISHED, true),
        coordinator_core::TrialState::Cancelled | coordinator_core::TrialState::Pruned => (KILLED, true),
        state if state.is_terminal() => (FAILED, true),
        _ => (RUNNING, false),
    };
    let ended = if has_ended { run.ended_ms().to_string() } else { "null".to_owned() };
    format!(
        "artifact_uri: {uri}\nend_time: {ended}\nentry_point_name: ''\nexperiment_id: '{experiment}'\n\
         lifecycle_stage: active\nrun_id: {id}\nrun_name: {name}\nrun_uuid: {id}\nsource_name: ''\nsource_type: 4\n\
         source_version: ''\nstart_time: {started}\nstatus: {status}\ntags: []\nuser_id: ''\n",
        uri = quoted(&format!("{location}/{id}/artifacts")),
        id = quoted(id),
        name = quoted(&run_name(run)),
        started = run.started_ms,
    )
    .into_bytes()
}

/// The lines of each metric by its path below `metrics`.
fn metrics(run: &Run<'_>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if !run.trial.epochs.is_empty() {
        for figure in EpochFigure::ALL {
            let line = |(at, epoch): (u64, &sweep_proto::EpochMetric)| {
                figure.of(epoch).map(|number| format!("{at} {number} {}\n", epoch.epoch))
            };
            let lines: String = run.epochs().filter_map(line).collect();
            if !lines.is_empty() {
                found.push((figure.chart(), lines));
            }
        }
    }
    let once = |number: f64| format!("{} {number} {}\n", run.ended_ms(), run.last_epoch());
    found.extend(run.finals.iter().map(|(name, number)| (*name, once(*number))));
    found
}

/// A YAML string in double quotes, in ASCII alone: no character of it ends the string or the line.
fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => written.extend(['\\', character]),
            ' '..='~' => written.push(character),
            other => {
                // Writing to a string cannot fail.
                let _ = write!(written, "\\U{:08x}", u32::from(other));
            }
        }
    }
    written.push('"');
    written
}

/// Text of strangers as one line of bounded length.
fn one_line(text: &str) -> String {
    let plain =
        |one: char| if one.is_control() || matches!(one, '\u{2028}' | '\u{2029}') { ' ' } else { one };
    text.chars().take(TAG_CHARACTERS_MAX).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_ends_a_quoted_string() {
        assert_eq!(quoted("a\"\\\n: é\u{85}"), "\"a\\\"\\\\\\U0000000a: \\U000000e9\\U00000085\"");
        assert_eq!(one_line("a\r\nb\u{2028}c"), "a  b c");
    }
}

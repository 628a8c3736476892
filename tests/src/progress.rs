//! What a coordinator says of its workers and of what they are at.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::processes::{Cluster, wait_until};

/// A trial that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Written `sweep/position`.
    pub trial: String,
    /// Who runs it.
    pub worker: String,
    /// The try, from 1.
    pub attempt: u64,
    /// Epochs that are recorded.
    pub epoch: u64,
    /// Whether it is measured and not trained.
    pub is_evaluated: bool,
}

/// The trials of a sweep that run now.
///
/// # Errors
/// Where the coordinator does not answer.
pub fn running(cluster: &Cluster, sweep: &str) -> Result<Vec<Running>> {
    let status = cluster.sweep(&["status", sweep])?;
    let listed = status["running"].as_array().context("a list of running trials")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(listed
        .iter()
        .map(|trial| Running {
            trial: text(&trial["trial"]),
            worker: text(&trial["worker"]),
            attempt: trial["attempt"].as_u64().unwrap_or_default(),
            epoch: trial["epoch"].as_u64().unwrap_or_default(),
            is_evaluated: trial["evaluating"] == true,
        })
        .collect())
}

/// Waits until each of these workers trains, with an epoch behind it; what each is at.
///
/// # Errors
/// Where they do not.
pub fn all_in_mid_trial(cluster: &Cluster, sweep: &str, workers: &[&str]) -> Result<Vec<Running>> {
    let mut found = Vec::new();
    wait_until(&format!("{workers:?} are in mid-trial"), || {
        let now = running(cluster, sweep)?;
        let of = |worker: &&str| {
            let is_at_work = |one: &&Running| one.worker == **worker && one.epoch >= 1 && !one.is_evaluated;
            now.iter().find(is_at_work).cloned()
        };
        found = workers.iter().filter_map(of).collect();
        Ok(found.len() == workers.len())
    })?;
    Ok(found)
}

/// What the coordinator says of a worker.
///
/// # Errors
/// Where it knows none of that name.
pub fn worker(cluster: &Cluster, name: &str) -> Result<Value> {
    let workers = cluster.sweep(&["workers"])?;
    let all = workers.as_array().context("a list of workers")?;
    all.iter()
        .find(|one| one["name"] == name)
        .cloned()
        .with_context(|| format!("no worker {name}: {workers}"))
}

/// How long ago a worker was heard, in milliseconds.
///
/// # Errors
/// Where the coordinator knows none of that name.
pub fn silence_ms(cluster: &Cluster, name: &str) -> Result<u64> {
    worker(cluster, name)?["last_seen_ms"].as_u64().context("when it was seen")
}

/// Whether a worker's log says that the coordinator took its work for lost: told in answer to a heartbeat or a report, or
/// when the worker hands the work back.
pub fn has_lost_its_lease(log: &str) -> bool {
    log.contains("instruction=Drop") || log.contains("the lease is lost and the work dropped")
}

/// Waits until the coordinator knows each of these workers as ready.
///
/// # Errors
/// Where they do not join.
pub fn all_ready(cluster: &Cluster, workers: &[&str]) -> Result<()> {
    wait_until(&format!("{workers:?} have joined"), || {
        Ok(workers.iter().all(|name| worker(cluster, name).is_ok_and(|one| one["state"] == "ready")))
    })
}

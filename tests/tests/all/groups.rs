//! Groups on real processes: four trials in one slot, killed, drained and diverging, end as they do alone.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use sweep_tests::ledger::{Report, finished};
use sweep_tests::processes::{Cluster, Process, WorkerSetup, wait_until};

/// Eight trials, of which those with the absurd learning rate diverge.
const SWEEP: &str = r#"
name = "groups"
[data]
dataset = "snippets"
max_length = 20
train_rows = 2500
test_rows = 200
[grid]
units = [32, 48]
learning_rate = [0.01, 100.0]
[train]
optimizer = "sgd"
gradient_clip = 0.0
weight_decay = 10.0
epochs = 8
replicates = 2
"#;

/// Its trials that diverge, and the others.
const HALF: usize = 4;

fn launch(cluster: &Cluster) -> Result<()> {
    let file = cluster.write("groups.toml", SWEEP)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    Ok(())
}

fn join(cluster: &Cluster, name: &str, group: u32) -> Result<Process> {
    let setup = WorkerSetup { name: name.to_owned(), group: Some(group), ..WorkerSetup::default() };
    cluster.start_worker(&setup)
}

/// Trials that this worker has trained beyond an epoch and trains on, all at the same time.
fn in_mid_trial(cluster: &Cluster, worker: &str) -> Result<usize> {
    let status = cluster.sweep(&["status", "groups"])?;
    let running = status["running"].as_array().cloned().unwrap_or_default();
    let is_in_mid_trial = |trial: &&Value| {
        let epoch = trial["epoch"].as_u64().unwrap_or_default();
        trial["worker"] == worker && trial["evaluating"] == false && (1..8).contains(&epoch)
    };
    Ok(running.iter().filter(is_in_mid_trial).count())
}

/// What must not depend on who trained what beside whom.
fn answer(report: &Report) -> Result<Value> {
    let states = report.states.values();
    let of = |state: &str| states.clone().filter(|one| *one == state).count();
    ensure!((of("completed"), of("diverged")) == (HALF, HALF), "{:?}", report.states);
    let ranking = report.json["ranking"].clone();
    ensure!(ranking.is_array() || ranking.is_object(), "no ranking: {ranking}");
    let epochs = report.epochs.iter().filter(|(trial, _)| report.states[*trial] == "completed");
    ensure!(epochs.clone().all(|(_, trained)| trained.iter().copied().eq(1..=8)), "{:?}", report.epochs);
    Ok(json!({ "answer": report.json["answer"], "ranking": ranking, "states": report.states }))
}

#[test]
fn groups_that_are_killed_and_drained_end_as_their_trials_do_alone() -> Result<()> {
    let mut alone = Cluster::start()?;
    let _workers = [alone.add_worker()?, alone.add_worker()?];
    launch(&alone)?;
    let expected = answer(&finished(&alone, "groups")?)?;

    let cluster = Cluster::start()?;
    let mut killed = join(&cluster, "killed", 4)?;
    launch(&cluster)?;
    wait_until("the slot of a group is killed", || {
        Ok(in_mid_trial(&cluster, "killed")? > 1 && killed.kill_children()? == 1)
    })?;
    wait_until("trials go on", || Ok(in_mid_trial(&cluster, "killed")? > 0))?;
    killed.kill()?;
    let mut drained = join(&cluster, "drained", 3)?;
    wait_until("the next worker trains", || Ok(in_mid_trial(&cluster, "drained")? > 0))?;
    drained.terminate()?;
    let _last = join(&cluster, "last", 2)?;
    let report = finished(&cluster, "groups")?;
    ensure!(answer(&report)? == expected, "{} differs from {expected}", answer(&report)?);
    cluster.check_remains()
}

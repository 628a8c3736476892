//! `sweep verify --rerun` with real training: honest numbers come again to the bit, forged ones are found.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use coordinator_core::{EpochRecord, Mutation, TrialRecord};
use coordinator_store::{SqliteStore, Store as _, StoreReader as _};
use serde_json::{Value, json};
use sweep_tests::castle::Castle;
use sweep_tests::ledger::{finished, finished_by};
use sweep_tests::processes::{Cluster, command, wait_until};

/// Four trials of a second each.
const SWEEP: &str = r#"
name = "claimed"
[data]
dataset = "snippets"
max_length = 20
train_rows = 400
test_rows = 100
[grid]
units = [8, 16]
[train]
epochs = 2
replicates = 2
"#;

/// The report that [`finished`] writes of that sweep.
const REPORT: &str = "report-claimed";

/// A cluster in which the sweep has ended, and its report.
fn reported(cluster: &mut Cluster) -> Result<PathBuf> {
    let file = cluster.write("claimed.toml", SWEEP)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    finished(cluster, "claimed")?.check_complete(4, 2)?;
    Ok(cluster.directory().join(REPORT))
}

/// A `sweep` command against the cluster, whatever comes of it.
fn sweep(cluster: &Cluster, arguments: &[&str]) -> Result<Output> {
    let mut command = command("sweep")?;
    command.args(arguments).current_dir(cluster.directory()).env_remove("SWEEP_TOKEN");
    Ok(command.env("SWEEP_SERVER", format!("http://{}", cluster.address())).output()?)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The trials of a rerun that were drawn.
fn drawn(verified: &Value) -> BTreeSet<String> {
    let trials = verified["rerun"]["trials"].as_array().into_iter().flatten();
    let drawn = trials.filter(|trial| trial["drawn"] == true);
    drawn.map(|trial| trial["trial"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn honest_numbers_come_again_to_the_bit() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let _worker = cluster.add_worker()?;
    reported(&mut cluster)?;
    let seven = ["verify", REPORT, "--rerun", "2", "--seed", "7"];
    let verified = cluster.sweep(&seven)?;
    let rerun = &verified["rerun"];
    ensure!(rerun["holds"] == true && rerun["seed"] == 7 && rerun["candidates"] == 4, "{rerun}");
    for trial in rerun["trials"].as_array().context("trials")? {
        ensure!(trial["verdict"] == "same" && trial["same_place"] == true, "{trial}");
        ensure!(trial["differences"] == json!([]) && trial["best_loss_difference"] == 0.0, "{trial}");
    }
    ensure!(drawn(&verified).len() == 2, "{rerun}");
    let again = cluster.sweep(&seven)?;
    ensure!(drawn(&again) == drawn(&verified), "another draw: {again}");

    let all = sweep(&cluster, &["verify", REPORT, "--rerun", "9"])?;
    let (told, noted) = (String::from_utf8_lossy(&all.stdout).into_owned(), stderr(&all));
    ensure!(all.status.success(), "{noted}");
    ensure!(noted.contains("4 completed trials, fewer than 9") && noted.contains("--seed"), "{noted}");
    ensure!(told.matches("the same to the bit").count() == 4, "{told}");

    // Nothing was reused, nobody is misled by a name, and the report is still that of the store.
    let own = cluster.sweep(&["list"])?;
    ensure!(own.as_array().context("a list")?.len() == 1, "what a check has launched is left out: {own}");
    let sweeps = cluster.sweep(&["list", "--all"])?;
    let sweeps = sweeps.as_array().context("a list")?;
    ensure!(sweeps.len() > 3, "{sweeps:?}");
    for one in sweeps.iter().filter(|one| one["id"] != 1) {
        let name = one["name"].as_str().unwrap_or_default();
        ensure!(name.starts_with("verify-rerun-1-") && one["state"] == "finished", "{one}");
        ensure!(one["ledger"]["reused"] == 0 && one["ledger"]["completed"] != 0, "{one}");
    }
    ensure!(cluster.sweep(&["verify", REPORT])?.get("rerun").is_none());
    let file = cluster.directory().join("claimed.toml");
    let later = cluster.sweep(&["launch", &file.to_string_lossy()])?;
    ensure!(later["ledger"]["reused"] == 4, "{later}");
    let report = finished(&cluster, "claimed")?;
    ensure!(report.json["set_up"]["sweep"] == later["id"], "the newest of the name");
    for row in columns(&cluster.directory().join(REPORT).join("trials.csv"), "reused_from")? {
        ensure!(row.starts_with("1/"), "taken over from {row}, not from the trial that was first");
    }
    // Reused results count as those of their keys.
    let of_reused = cluster.sweep(&["verify", REPORT, "--rerun", "1"])?;
    ensure!(of_reused["rerun"]["holds"] == true && of_reused["rerun"]["candidates"] == 4, "{of_reused}");
    cluster.check_remains()
}

fn columns(file: &Path, name: &str) -> Result<Vec<String>> {
    let mut reader = csv::Reader::from_path(file)?;
    let place = reader.headers()?.iter().position(|header| header == name).context("a column")?;
    reader.records().map(|row| Ok(row?.get(place).unwrap_or_default().to_owned())).collect()
}

/// Makes the best epoch of a trial, and with it its result, better than it was; checksums follow. Gives the epoch, the
/// loss that it had and the loss that it has.
fn forge(database: &Path, index: u32) -> Result<(u32, f64, f64)> {
    let mut store = SqliteStore::open(database)?;
    let tables = store.load()?;
    let of_index = |trial: &&TrialRecord| trial.spec.id.sweep.0 == 1 && trial.spec.id.index == index;
    let mut trial = tables.trials.values().find(of_index).context("the trial")?.clone();
    let id = trial.spec.id;
    let result = trial.result.as_mut().context("a result")?;
    let is_best = |one: &&EpochRecord| one.metric.epoch == result.best_epoch;
    let mut epoch = tables.epochs_of(id).find(is_best).context("its epoch")?.clone();
    let honest = result.score;
    ensure!(epoch.metric.validation_loss.to_bits() == honest.to_bits());
    // Too little to be seen on any page, and enough to be told.
    let forged = honest * (1.0 - 1e-9);
    result.score = forged;
    epoch.metric.validation_loss = forged;
    let best_epoch = epoch.metric.epoch;
    store.commit(&[Mutation::Epoch(epoch), Mutation::Trial(trial)])?;
    Ok((best_epoch, honest, forged))
}

#[test]
fn forged_records_are_signed_and_consistent_and_found() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let _worker = cluster.add_worker()?;
    reported(&mut cluster)?;
    let seven = ["verify", REPORT, "--rerun", "2", "--seed", "7"];
    let victim = drawn(&cluster.sweep(&seven)?).pop_first().context("a trial")?;
    let index = victim.strip_prefix("1/").context("of the first sweep")?.parse()?;
    let mut forged = None;
    let old = cluster.directory().join("old-data");
    cluster.replace_data(|data| {
        std::fs::rename(&old, data)?;
        forged = Some(forge(&Path::new(data).join("sweep.db"), index)?);
        Ok(())
    })?;
    let (epoch, honest, now) = forged.context("forged")?;
    cluster.sweep(&["report", "1", "-o", REPORT])?;
    ensure!(cluster.sweep(&["verify", REPORT])?["store_checked"] == true, "signatures cannot tell");

    let output = sweep(&cluster, &[&seven[..], &["--json"]].concat())?;
    ensure!(output.status.code() == Some(1), "{}", stderr(&output));
    ensure!(
        stderr(&output).contains(&format!("do not give what the report says: {victim}")),
        "{}",
        stderr(&output)
    );
    let verified: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(verified["rerun"]["holds"] == false);
    let trials = verified["rerun"]["trials"].as_array().context("trials")?;
    for trial in trials {
        let verdict = if trial["trial"] == victim.as_str() { "differs" } else { "same" };
        ensure!(trial["verdict"] == verdict, "{trial}");
    }
    let found = trials.iter().find(|trial| trial["trial"] == victim.as_str()).context("the trial")?;
    ensure!(found["same_place"] == true, "{found}");
    let expected = |epoch: Option<u32>| json!({ "epoch": epoch, "metric": "validation_loss", "reported": now, "now": honest, "change": honest - now });
    ensure!(found["differences"] == json!([expected(Some(epoch)), expected(None)]), "{found}");

    let told = sweep(&cluster, &seven)?;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    ensure!(told.status.code() == Some(1) && text.contains("OTHER NUMBERS on the same device"), "{text}");
    for part in [format!("trial {victim} "), format!("{honest:?}"), format!("{now:?}")] {
        ensure!(text.contains(&part), "{part} is not told:\n{text}");
    }
    cluster.check_remains()
}

#[test]
fn without_a_worker_it_says_what_it_waits_for_and_ctrl_c_cancels() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let mut worker = cluster.add_worker()?;
    reported(&mut cluster)?;
    for (wrong, reason) in [
        (&["--rerun", "1", "--offline"][..], "--offline asks none"),
        (&["--rerun", "0"], "0 is not in 1..="),
        (&["--seed", "1"], "--rerun"),
    ] {
        let output = sweep(&cluster, &[&["verify", REPORT], wrong].concat())?;
        ensure!(output.status.code() == Some(2) && stderr(&output).contains(reason), "{}", stderr(&output));
    }
    worker.terminate()?;

    let log = cluster.directory().join("verify.log");
    let mut verify = command("sweep")?;
    verify.args(["verify", REPORT, "--rerun", "3", "--seed", "7"]).current_dir(cluster.directory());
    verify.env_remove("SWEEP_TOKEN").env("SWEEP_SERVER", format!("http://{}", cluster.address()));
    let mut verify = verify.stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    let waits = wait_until("it waits", || {
        ensure!(verify.try_wait()?.is_none(), "it ended: {}", said());
        Ok(said().contains("waiting for a worker to join") && said().contains("no worker is connected"))
    });
    let interrupted = interrupt(verify.id());
    let status = verify.wait()?;
    waits?;
    interrupted?;
    ensure!(status.code() == Some(130), "{status}: {}", said());
    let sweeps = cluster.sweep(&["list", "--all"])?;
    let launched: Vec<_> = sweeps.as_array().context("a list")?.iter().filter(|one| one["id"] != 1).collect();
    ensure!(!launched.is_empty(), "{sweeps}");
    for one in launched {
        ensure!(one["state"] == "cancelled", "{one}");
        ensure!(said().contains(&format!("cancelled sweep {}", one["id"])), "{}", said());
    }
    ensure!(cluster.sweep(&["verify", REPORT])?["store_checked"] == true, "the report is as it was");
    cluster.check_remains()
}

fn interrupt(process: u32) -> Result<()> {
    let status = std::process::Command::new("kill").args(["-s", "INT", &process.to_string()]).status()?;
    ensure!(status.success(), "kill: {status}");
    Ok(())
}

#[test]
fn a_viewer_may_read_and_not_train() -> Result<()> {
    let castle = Castle::start()?;
    let _worker = castle.add_worker("worker")?;
    castle.launch(SWEEP)?;
    finished_by(|arguments| castle.sweep(arguments), castle.folder(), "claimed")?.check_complete(4, 2)?;
    let report = castle.folder().join(REPORT).to_string_lossy().into_owned();
    let viewer = castle.token("viewer", &[])?;
    let (held, said) = castle.sweep_as(&viewer, &["verify", &report])?;
    ensure!(held, "{said}");
    let (held, said) = castle.sweep_as(&viewer, &["verify", &report, "--rerun", "1"])?;
    ensure!(!held && said.contains("may not do this") && said.contains("submitter"), "{said}");
    ensure!(castle.sweep(&["list"])?.as_array().map(Vec::len) == Some(1), "nothing was launched");
    let submitter = castle.token("submitter", &[])?;
    let (held, said) = castle.sweep_as(&submitter, &["verify", &report, "--rerun", "1"])?;
    ensure!(held && said.contains("\"verdict\": \"same\""), "{said}");
    castle.check_remains()
}

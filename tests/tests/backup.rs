//! Backups with real processes: made in mid-sweep, brought back elsewhere, the old world's workers fenced.

use anyhow::{Result, ensure};
use sweep_tests::crash_points::{Watch, Watched};
use sweep_tests::ledger::finished;
use sweep_tests::postgres_server::PostgresServer;
use sweep_tests::processes::{Cluster, Setup, program, wait_until};

/// Four trials of some seconds each.
const SWEEP: &str = r#"
name = "backup"
[data]
dataset = "snippets"
max_length = 30
train_rows = 3000
test_rows = 500
[grid]
units = [48, 64]
embedding = [32, 48]
[train]
epochs = 8
replicates = 1
"#;

/// The largest epoch that a running trial has reached.
fn epoch(cluster: &Cluster) -> Result<u64> {
    let status = cluster.sweep(&["status", "backup"])?;
    let running = status["running"].as_array().cloned().unwrap_or_default();
    Ok(running.iter().filter_map(|one| one["epoch"].as_u64()).max().unwrap_or(0))
}

#[test]
fn a_backup_in_mid_sweep_goes_on_elsewhere_and_fences_the_old_workers() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let mut worker = cluster.add_worker()?;
    let file = cluster.write("backup.toml", SWEEP)?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    wait_until("a trial is under way", || Ok(epoch(&cluster)? >= 3))?;

    let data = cluster.data();
    let folder = cluster.directory().join("kept").to_string_lossy().into_owned();
    let manifest = cluster.sweep(&["backup", &folder, "--data-dir", &data])?;
    ensure!(manifest["trials"] == 4 && manifest["artifacts"].as_u64() >= Some(2), "{manifest}");
    ensure!(cluster.sweep(&["backup", &folder, "--data-dir", &data]).is_err(), "nothing is overwritten");

    // The machine burns down while its worker trains on, which then meets the restored coordinator.
    let at_backup = epoch(&cluster)?;
    wait_until("the trial goes on", || Ok(epoch(&cluster)? != at_backup))?;
    cluster.replace_data(|data| restore(&folder, data))?;
    let report = finished(&cluster, "backup")?;
    report.check_complete(4, 8)?;
    ensure!(report.json["ledger"]["attempts"].as_u64() >= Some(6), "{}", report.json["ledger"]);
    worker.terminate()?;
    cluster.check_remains()
}

/// Runs `sweep restore` into this data folder.
fn restore(folder: &str, data: &str) -> Result<()> {
    let output = std::process::Command::new(sweep_tests::processes::program("sweep")?)
        .args(["restore", folder, "--data-dir", data])
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn a_backup_carries_a_cluster_to_postgresql() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let worker = cluster.add_worker()?;
    let file = cluster.write("backup.toml", &SWEEP.replace("epochs = 8", "epochs = 2"))?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    let before = finished(&cluster, "backup")?;
    drop(worker);
    let folder = cluster.directory().join("kept").to_string_lossy().into_owned();
    cluster.sweep(&["backup", &folder, "--data-dir", &cluster.data()])?;

    let server = PostgresServer::start()?;
    let mut other = Cluster::start_with(Setup {
        place: vec!["--store".to_owned(), server.fresh_url()?],
        ..Setup::default()
    })?;
    // Its own first start has written nothing but the schema; its term runs out some seconds after its death.
    other.replace_data(|data| {
        wait_until("the restoration may write", || {
            let output = std::process::Command::new(sweep_tests::processes::program("sweep")?)
                .args(["restore", &folder, "--data-dir", data, "--store", &server_url(&server)])
                .output()?;
            let stderr = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success() || stderr.contains("leads"), "{stderr}");
            Ok(output.status.success())
        })
    })?;
    let after = finished(&other, "backup")?;
    ensure!(after.json["answer"] == before.json["answer"], "{}", after.json["answer"]);
    ensure!(after.epochs == before.epochs, "the curves differ");
    other.check_remains()
}

/// The only schema that the test has made.
fn server_url(server: &PostgresServer) -> String {
    format!("{}?options=-csearch_path%3Ds0", server.url())
}

/// A `sweep` command that is killed before its n-th write, if at all.
fn watched(arguments: &[&str], log: &std::path::Path, kill_at: Option<usize>) -> Result<Watched> {
    let watch = Watch::start("sweep", arguments, log, kill_at)?;
    wait_until("the command ended", || Ok(watch.has_ended()))?;
    watch.end()
}

/// The end of a `sweep` command: whether it did its work, and what it said.
fn sweep(arguments: &[&str]) -> Result<(bool, String)> {
    let output = std::process::Command::new(program("sweep")?).args(arguments).output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

/// Kills a command before its writes, each of the last ones and some of the others: what it leaves is whole under its name or
/// refused by it, and the same command makes it whole.
fn killed_before_writes(command: &[&str], made: &str, folder: &std::path::Path) -> Result<()> {
    let log = folder.join("command.log");
    let writes = watched(command, &log, None)?.boundaries.len();
    std::fs::remove_dir_all(made)?;
    let mut kills = 0;
    for at in (1..=writes).filter(|at| at % 6 == 1 || at + 8 > writes) {
        // Runs differ a little.
        kills += usize::from(watched(command, &log, Some(at))?.was_killed);
        let beside = format!("{made}.unfinished");
        for place in [made, &beside] {
            let (is_well, said) = sweep(&["fsck", "--strict", "--data-dir", place])?;
            let is_refused = said.contains("was cut off") || said.contains("is no data folder");
            ensure!(is_refused || is_well && place == made, "killed before write {at}, {place}: {said}");
        }
        let (is_done, said) = sweep(command)?;
        ensure!(is_done || said.contains("is not empty"), "repeated after a kill before write {at}: {said}");
        let (is_well, said) = sweep(&["fsck", "--strict", "--data-dir", made])?;
        ensure!(is_well, "after a kill before write {at} and a repetition: {said}");
        std::fs::remove_dir_all(made)?;
    }
    println!("{command:?}: killed before {kills} of {writes} writes");
    ensure!(kills > 8, "only {kills} of {writes} writes");
    Ok(())
}

#[test]
fn a_backup_and_a_restoration_that_are_killed_leave_nothing_that_looks_whole() -> Result<()> {
    let cluster = Cluster::start()?;
    let file = cluster.write("backup.toml", &SWEEP.replace("[48, 64]", "[8]").replace("[32, 48]", "[8]"))?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    let path = |name: &str| cluster.directory().join(name).to_string_lossy().into_owned();
    let (data, kept, new, again) = (cluster.data(), path("kept"), path("new"), path("again"));
    cluster.sweep(&["backup", &kept, "--data-dir", &data])?;
    killed_before_writes(&["restore", &kept, "--data-dir", &new], &new, cluster.directory())?;
    killed_before_writes(&["backup", &again, "--data-dir", &data], &again, cluster.directory())?;
    ensure!(restore(&again, &new).is_err(), "what was removed is not there");
    cluster.check_remains()
}

#[test]
fn a_coordinator_does_not_start_where_a_restoration_was_cut_off() -> Result<()> {
    let cluster = Cluster::start()?;
    let path = |name: &str| cluster.directory().join(name).to_string_lossy().into_owned();
    let (kept, new, log) = (path("kept"), path("new"), cluster.directory().join("command.log"));
    cluster.sweep(&["backup", &kept, "--data-dir", &cluster.data()])?;
    let writes = watched(&["restore", &kept, "--data-dir", &new], &log, None)?.boundaries.len();
    std::fs::remove_dir_all(&new)?;
    // In the midst of its writes the folder in the making is there.
    let restoring = watched(&["restore", &kept, "--data-dir", &new], &log, Some(writes / 2))?;
    ensure!(restoring.was_killed, "it has fewer writes");
    let (is_started, said) = sweep(&["serve", "--listen", "127.0.0.1:0", "--data-dir", &new])?;
    ensure!(!is_started && said.contains("`sweep restore` was cut off"), "{said}");
    ensure!(said.contains("new.unfinished"), "which folder: {said}");
    restore(&kept, &new)?;
    let (is_well, said) = sweep(&["fsck", "--strict", "--data-dir", &new])?;
    ensure!(is_well, "{said}");
    cluster.check_remains()
}

#[test]
fn a_damaged_backup_is_not_brought_back() -> Result<()> {
    let mut cluster = Cluster::start()?;
    let worker = cluster.add_worker()?;
    let file = cluster.write("backup.toml", &SWEEP.replace("epochs = 8", "epochs = 1"))?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    finished(&cluster, "backup")?;
    drop(worker);
    let folder = cluster.directory().join("kept");
    cluster.sweep(&["backup", &folder.to_string_lossy(), "--data-dir", &cluster.data()])?;
    let mut bytes = std::fs::read(folder.join("sweep.db"))?;
    let state = br#""state":"completed""#;
    let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(state)).collect();
    ensure!(!places.is_empty(), "trials have completed");
    places.into_iter().for_each(|at| bytes[at + 9..at + 18].copy_from_slice(b"cancelled"));
    std::fs::write(folder.join("sweep.db"), bytes)?;
    let target = cluster.directory().join("new").to_string_lossy().into_owned();
    let refused = restore(&folder.to_string_lossy(), &target);
    let error = refused.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(error.contains("checksum"), "{error}");

    std::fs::remove_file(folder.join("backup.json"))?;
    let refused = restore(&folder.to_string_lossy(), &target);
    let error = refused.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(error.contains("no whole backup"), "{error}");
    Ok(())
}

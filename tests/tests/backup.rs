//! Backups with real processes: made in mid-sweep, brought back elsewhere, the old world's workers fenced.

use anyhow::{Result, ensure};
use sweep_tests::ledger::finished;
use sweep_tests::postgres_server::PostgresServer;
use sweep_tests::processes::{Cluster, Setup, wait_until};

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

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

    std::fs::remove_file(folder.join("security/report.key"))?;
    let refused = restore(&folder.to_string_lossy(), &target);
    let error = refused.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(error.contains("security/report.key is missing"), "{error}");

    std::fs::remove_file(folder.join("backup.json"))?;
    let refused = restore(&folder.to_string_lossy(), &target);
    let error = refused.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(error.contains("no whole backup"), "{error}");
    Ok(())
}

/// A `sweep` command that may have to wait until the term of a killed one has run out.
fn once_led(arguments: &[&str]) -> Result<(bool, String)> {
    let mut end = None;
    wait_until("the term of the killed one is over", || {
        let (is_done, said) = sweep(arguments)?;
        let is_led = said.contains("leads");
        end = Some((is_done, said));
        Ok(!is_led)
    })?;
    end.ok_or_else(|| anyhow::anyhow!("it did not run"))
}

#[test]
fn a_restoration_into_postgresql_that_is_killed_is_refused_and_done_again_by_the_same_command() -> Result<()>
{
    let cluster = Cluster::start()?;
    let file = cluster.write("backup.toml", &SWEEP.replace("[48, 64]", "[8]").replace("[32, 48]", "[8]"))?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    let path = |name: &str| cluster.directory().join(name).to_string_lossy().into_owned();
    let (kept, new, other) = (path("kept"), path("new"), path("other"));
    let log = cluster.directory().join("command.log");
    cluster.sweep(&["backup", &kept, "--data-dir", &cluster.data()])?;
    let server = PostgresServer::start()?;
    let url = server.fresh_url()?;
    let writes =
        watched(&["restore", &kept, "--data-dir", &new, "--store", &url], &log, None)?.boundaries.len();
    std::fs::remove_dir_all(&new)?;
    let (mut refusals, mut half) = (0, 0);
    for at in [1, 3, writes / 2, writes - 8, writes - 6, writes - 4, writes - 2, writes - 1, writes] {
        let url = server.fresh_url()?;
        let command = ["restore", &kept, "--data-dir", &new, "--store", &url];
        let was_killed = watched(&command, &log, Some(at))?.was_killed;
        let (is_well, said) = once_led(&["fsck", "--data-dir", &new, "--store", &url])?;
        let is_refused = said.contains("was cut off") || said.contains("no data directory");
        ensure!(is_well || is_refused || !was_killed, "write {at}: {said}");
        let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &other, "--store", &url];
        let rows = format!("SELECT count(*) FROM s{}.trials", schema_of(&url)?);
        let marks = format!("SELECT body FROM s{}.marks", schema_of(&url)?);
        // A very early kill leaves not even the schema.
        if server.sql(&marks).is_ok_and(|marks| marks.contains("false")) {
            half += usize::from(server.sql(&rows)?.trim() != "0");
            refusals += 1;
            let (is_started, said) = once_led(&serve)?;
            ensure!(!is_started && said.contains("`sweep restore` into this database was cut off"), "{said}");
        }
        let (is_done, said) = once_led(&command)?;
        ensure!(is_done || said.contains("is not empty"), "repeated after a kill before write {at}: {said}");
        let (is_well, said) = once_led(&["fsck", "--strict", "--data-dir", &new, "--store", &url])?;
        ensure!(is_well, "after a kill before write {at} and a repetition: {said}");
        ensure!(server.sql(&rows)?.trim() != "0", "the rows are there");
        let again = path("again");
        let (is_done, said) = once_led(&["restore", &kept, "--data-dir", &again, "--store", &url])?;
        ensure!(!is_done && said.contains("has rows already"), "what is whole is not removed: {said}");
        std::fs::remove_dir_all(&new)?;
    }
    println!("{refusals} cut off, {half} of them with rows");
    ensure!(refusals >= 1 && half >= 1, "{refusals} cut off, {half} of them with rows");
    cluster.check_remains()
}

/// The number of the schema that a URL names.
fn schema_of(url: &str) -> Result<&str> {
    let number = url.rsplit_once("%3Ds").map(|(_, number)| number);
    number.ok_or_else(|| anyhow::anyhow!("no schema in {url}"))
}

#[test]
fn an_audit_log_that_was_removed_from_postgresql_is_found_by_the_data_folder() -> Result<()> {
    let server = PostgresServer::start()?;
    let url = server.fresh_url()?;
    let cluster =
        Cluster::start_with(Setup { place: vec!["--store".to_owned(), url.clone()], ..Setup::default() })?;
    let file = cluster.write("backup.toml", &SWEEP.replace("[48, 64]", "[8]").replace("[32, 48]", "[8]"))?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    cluster.sweep(&["pause", "backup"])?;
    let schema = schema_of(&url)?;
    server.sql(&format!("DELETE FROM s{schema}.audit"))?;
    server.sql(&format!("DELETE FROM s{schema}.marks"))?;
    let refused = cluster.sweep(&["audit"]).err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(refused.contains("its end was cut off"), "{refused}");
    Ok(())
}

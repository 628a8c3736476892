//! A bare second machine joins with the one pasted line and trains; an impostor gets nothing and runs nothing.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sweep_tests::processes::{Process, command, program, wait_until};
use sweep_tests::second_machine::SecondMachine;

/// Two trials of a second each.
const SWEEP: &str = r#"
name = "far"
[data]
dataset = "snippets"
max_length = 20
train_rows = 400
test_rows = 100
[grid]
units = [8, 16]
[train]
epochs = 2
replicates = 1
"#;

/// A `sweep` command in the coordinator's own folder, as its operator gives it.
fn sweep(folder: &Path, arguments: &[&str]) -> Result<Value> {
    let output = Command::new(program("sweep")?)
        .arg("--json")
        .args(arguments)
        .current_dir(folder)
        .env_remove("SWEEP_TOKEN")
        .env_remove("SWEEP_SERVER")
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "sweep {arguments:?}: {}: {stderr}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("sweep {arguments:?} printed no JSON"))
}

/// A coordinator with TLS on a free port, its data in `.sweep` of the folder.
fn serve(folder: &Path, host: &str) -> Result<Process> {
    let listen = format!("{host}:0");
    let data = folder.join(".sweep");
    let arguments = ["serve", "--tls", "--listen", &listen, "--data-dir", &data.to_string_lossy()];
    let process = Process::start("sweep", &arguments, &folder.join("coordinator.log"))?;
    wait_until("the coordinator answers", || Ok(sweep(folder, &["token", "list"]).is_ok()))?;
    Ok(process)
}

#[test]
fn a_bare_machine_joins_by_the_printed_line_and_trains() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut machine = SecondMachine::new(folder.path())?;
    machine.check_bare()?;
    let _coordinator = serve(folder.path(), machine.here())?;
    let created = sweep(folder.path(), &["token", "create", "worker"])?;
    let line = created["bare_line"].as_str().context("a line for a bare machine")?;
    machine.paste(line, &folder.path().join("machine.log"))?;
    std::fs::write(folder.path().join("far.toml"), SWEEP)?;
    sweep(folder.path(), &["launch", "far.toml"])?;
    let ended = wait_until("the sweep has ended", || {
        Ok(sweep(folder.path(), &["status", "far"])?["state"] == "finished")
    });
    let log = std::fs::read_to_string(folder.path().join("machine.log"))?;
    ended.with_context(|| format!("the second machine said:\n{log}"))?;
    ensure!(machine.has("/usr/local/bin/sweep-worker"), "the program was installed");
    let token = created["token"].as_str().context("a token")?;
    let secret = token.split('.').nth(2).context("a secret")?;
    let own = std::fs::read_to_string(folder.path().join("coordinator.log"))?;
    ensure!(!log.contains(secret) && !own.contains(secret), "a log holds the secret");
    Ok(())
}

#[test]
fn a_worker_comes_back_by_its_certificate_until_it_is_revoked() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let _coordinator = serve(folder.path(), "127.0.0.1")?;
    let created = sweep(folder.path(), &["token", "create", "worker"])?;
    let token = created["token"].as_str().context("a token")?;
    let address = created["addresses"][0].as_str().context("an address")?;
    let state = folder.path().join("state");
    let log = folder.path().join("worker.log");
    let arguments =
        ["join", address, "--slots", "1", "--name", "member", "--state-dir", &state.to_string_lossy()];
    let is_ready = || -> Result<bool> {
        let workers = sweep(folder.path(), &["workers"])?;
        Ok(workers.as_array().is_some_and(|all| all.iter().any(|one| one["state"] == "ready")))
    };
    let mut worker = Process::start_with("sweep-worker", &arguments, &[("SWEEP_TOKEN", token)], &log)?;
    wait_until("the worker has joined", is_ready)?;
    let command_line = std::fs::read(format!("/proc/{}/cmdline", worker.id()))?;
    ensure!(!String::from_utf8_lossy(&command_line).contains("sw1."), "the token is on the command line");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(state.join("identity.json"))?);
    ensure!(mode & 0o777 == 0o600, "others may read the identity: {mode:o}");
    worker.terminate()?;

    // The token was for one use; the certificate lets the worker in, with the token and without it.
    for environment in [&[("SWEEP_TOKEN", token)][..], &[]] {
        let mut again = Process::start_with("sweep-worker", &arguments, environment, &log)?;
        wait_until("the worker is back", is_ready)?;
        again.terminate()?;
    }
    let mut worker = Process::start("sweep-worker", &arguments, &log)?;
    wait_until("the worker is back", is_ready)?;
    std::fs::write(folder.path().join("far.toml"), SWEEP)?;
    sweep(folder.path(), &["launch", "far.toml"])?;
    sweep(folder.path(), &["revoke", "member"])?;
    ensure!(!worker.ended_well()?, "a revoked worker goes on");
    ensure!(worker.log_text().contains("revoked"), "it does not say why");
    let status = sweep(folder.path(), &["status", "far"])?;
    ensure!(status["state"] == "open" && status["ledger"]["leased"] == 0, "{status}");
    Ok(())
}

#[test]
fn an_impostor_gets_no_secret_and_nothing_of_it_is_run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let own = tempfile::tempdir()?;
    let _coordinator = serve(own.path(), "127.0.0.1")?;
    let created = sweep(own.path(), &["token", "create", "worker"])?;
    let text =
        |name: &str| created[name].as_str().map(str::to_owned).with_context(|| format!("{name} is missing"));
    let (bare, join, token) = (text("bare_line")?, text("join_line")?, text("token")?);
    let address = created["addresses"][0].as_str().context("an address")?.to_owned();

    // The impostor sits where the coordinator is thought to be: another coordinator with another key.
    let elsewhere = tempfile::tempdir()?;
    let impostor = serve(elsewhere.path(), "127.0.0.1")?;
    let presence = std::fs::read(elsewhere.path().join(".sweep/coordinator.json"))?;
    let presence: Value = serde_json::from_slice(&presence)?;
    let false_address = presence["address"].as_str().context("an address")?;
    let run = |line: &str| -> Result<(bool, String)> {
        let line = line.replace(&address, false_address).replace(
            "sweep-worker join",
            &format!(
                "{} join --state-dir {}",
                program("sweep-worker")?.display(),
                folder.path().join("state").display()
            ),
        );
        let output = Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output()?;
        Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    let (is_fooled, said) = run(&bare)?;
    ensure!(!is_fooled, "the script of an impostor was run: {said}");
    ensure!(!folder.path().join("install-sweep-worker.sh").exists(), "something was fetched: {said}");
    let (is_fooled, said) = run(&join)?;
    ensure!(!is_fooled && said.contains("another key"), "a worker joined an impostor: {said}");
    let secret = token.split('.').nth(2).context("a secret")?.to_owned();
    ensure!(!impostor.log_text().contains(&secret), "the impostor's log holds the secret");
    let log = sweep(own.path(), &["token", "list"])?;
    ensure!(log.as_array().is_some_and(|tokens| tokens.iter().any(|one| one["uses_left"] == 1)), "{log}");

    // One that speaks no TLS at all records what comes.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let plain_address = format!("https://{}", listener.local_addr()?);
    let recorder = std::thread::spawn(move || -> Result<Vec<u8>> {
        let (mut stream, _) = listener.accept()?;
        let mut heard = vec![0; 65_536];
        let count = stream.read(&mut heard)?;
        heard.truncate(count);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        Ok(heard)
    });
    let line = bare.replace(&address, &plain_address);
    let output = Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output()?;
    ensure!(!output.status.success(), "curl spoke without TLS");
    let heard = recorder.join().ok().context("the recorder ended")??;
    ensure!(!String::from_utf8_lossy(&heard).contains(&secret), "the secret was sent");
    Ok(())
}

/// One of our programs in a person's folder, with nothing in its environment that names a coordinator.
fn start_in(folder: &Path, name: &str, arguments: &[&str]) -> Result<Process> {
    let mut command = command(name)?;
    command.args(arguments).current_dir(folder).env_remove("SWEEP_TOKEN").env_remove("SWEEP_SERVER");
    Process::spawn(command, &folder.join(format!("{name}-{}.log", arguments[0])))
}

fn has_worker(folder: &Path) -> bool {
    // Answered by a coordinator that runs, and by none of the command itself.
    let workers = sweep(folder, &["workers"]).unwrap_or_default();
    workers.as_array().is_some_and(|all| all.iter().any(|one| one["state"] == "ready"))
}

#[test]
fn a_run_is_found_by_its_folder_and_everything_is_read_after_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("far.toml"), SWEEP)?;
    let mut run = start_in(folder.path(), "sweep", &["run", "far.toml", "--slots", "1"])?;
    wait_until("the run is found", || Ok(has_worker(folder.path())))?;
    ensure!(sweep(folder.path(), &["status"])?["name"] == "far");
    ensure!(run.ended_well()?, "{}", run.log_text());
    ensure!(folder.path().join("report/far/report.html").is_file(), "{}", run.log_text());

    // No coordinator runs any more.
    ensure!(sweep(folder.path(), &["workers"]).is_err());
    ensure!(sweep(folder.path(), &["status", "far"])?["state"] == "finished");
    ensure!(sweep(folder.path(), &["verify", "report/far"])?["store_checked"] == true);
    sweep(folder.path(), &["model", "best", "far", "-o", "model"])?;
    let said = sweep(folder.path(), &["predict", "--model", "model", "a film I will not forget"])?;
    ensure!(said.is_object(), "{said}");
    Ok(())
}

#[test]
fn a_worker_of_the_same_folder_joins_without_an_address() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let join = ["join", "--slots", "1", "--state-dir", "state"];
    let mut worker = start_in(folder.path(), "sweep-worker", &join)?;
    wait_until("the worker waits", || Ok(worker.log_text().contains("waiting for a coordinator")))?;
    let _coordinator = start_in(folder.path(), "sweep", &["serve", "--listen", "127.0.0.1:0"])?;
    wait_until("the worker has joined", || Ok(has_worker(folder.path())))?;
    worker.terminate()
}

//! A bare second machine joins with the one pasted line and trains; an impostor gets nothing and runs nothing.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sweep_tests::processes::{Process, program, wait_until};
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

fn serve(folder: &Path, host: &str) -> Result<Process> {
    let listen = format!("{host}:0");
    let data = folder.join(".sweep");
    let arguments = ["serve", "--listen", &listen, "--data-dir", &data.to_string_lossy()];
    let process = Process::start("sweep", &arguments, &folder.join("coordinator.log"))?;
    wait_until("the coordinator answers", || Ok(sweep(folder, &["list"]).is_ok()))?;
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
fn an_impostor_gets_no_secret_and_nothing_of_it_is_run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let own = tempfile::tempdir()?;
    let data = own.path().join(".sweep");
    let arguments = ["serve", "--tls", "--listen", "127.0.0.1:0", "--data-dir", &data.to_string_lossy()];
    let _coordinator = Process::start("sweep", &arguments, &own.path().join("secure.log"))?;
    wait_until("the coordinator answers", || Ok(sweep(own.path(), &["token", "list"]).is_ok()))?;
    let created = sweep(own.path(), &["token", "create", "worker"])?;
    let text =
        |name: &str| created[name].as_str().map(str::to_owned).with_context(|| format!("{name} is missing"));
    let (bare, join, token) = (text("bare_line")?, text("join_line")?, text("token")?);
    let address = created["addresses"][0].as_str().context("an address")?.to_owned();

    // The impostor sits where the coordinator is thought to be: another coordinator with another key.
    let elsewhere = tempfile::tempdir()?;
    let data = elsewhere.path().join(".sweep");
    let arguments = ["serve", "--tls", "--listen", "127.0.0.1:0", "--data-dir", &data.to_string_lossy()];
    let impostor = Process::start("sweep", &arguments, &elsewhere.path().join("impostor.log"))?;
    wait_until("the impostor answers", || Ok(sweep(elsewhere.path(), &["token", "list"]).is_ok()))?;
    let false_address = std::fs::read_to_string(data.join("security/address"))?;
    let run = |line: &str| -> Result<(bool, String)> {
        let line = line.replace(&address, false_address.trim()).replace(
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

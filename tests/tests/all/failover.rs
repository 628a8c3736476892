//! Two coordinators over one PostgreSQL database: the second takes over, and running trials go on.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sweep_tests::ledger::finished_by;
use sweep_tests::postgres_server::PostgresServer;
use sweep_tests::processes::{Process, program, wait_until};

const EPOCHS: u32 = 40;

/// Four trials of many short epochs.
const SWEEP: &str = r#"
name = "failover"
[data]
dataset = "snippets"
max_length = 30
train_rows = 3000
test_rows = 500
[grid]
units = [48, 64]
embedding = [32, 48]
[train]
epochs = 40
replicates = 1
"#;

/// Coordinators that share a database and a folder of artifacts, each with a data folder of its own.
struct Pair {
    folder: tempfile::TempDir,
    server: PostgresServer,
    addresses: [String; 2],
}

impl Pair {
    fn new() -> Result<Self> {
        let free = || -> Result<String> {
            let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            Ok(format!("127.0.0.1:{port}"))
        };
        Ok(Self {
            folder: tempfile::tempdir()?,
            server: PostgresServer::start()?,
            addresses: [free()?, free()?],
        })
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn start(&self, number: usize) -> Result<Process> {
        let (data, artifacts) = (self.path(&format!("data-{number}")), self.path("artifacts"));
        let url = self.server.url();
        let arguments = [
            "serve",
            "--listen",
            &self.addresses[number],
            "--data-dir",
            &data,
            "--store",
            &url,
            "--artifacts",
            &artifacts,
        ];
        Process::start("sweep", &arguments, &self.folder.path().join(format!("coordinator-{number}.log")))
    }

    /// Both addresses, as a worker or a person gives them.
    fn urls(&self) -> String {
        self.addresses.each_ref().map(|address| format!("http://{address}")).join(",")
    }

    fn add_worker(&self) -> Result<Process> {
        let state = self.path("worker");
        let arguments = ["join", &self.urls(), "--slots", "1", "--name", "worker-1", "--state-dir", &state];
        Process::start("sweep-worker", &arguments, &self.folder.path().join("worker.log"))
    }

    fn sweep(&self, arguments: &[&str]) -> Result<Value> {
        let output = std::process::Command::new(program("sweep")?)
            .args(["--json", "--server", &self.urls()])
            .args(arguments)
            .current_dir(self.folder.path())
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "sweep {arguments:?}: {}: {stderr}", output.status);
        serde_json::from_slice(&output.stdout).context("no JSON")
    }

    fn is_ready(&self, number: usize) -> bool {
        http_get(&self.addresses[number], "/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    fn wait_ready(&self, number: usize) -> Result<()> {
        wait_until("a coordinator is ready", || Ok(self.is_ready(number)))
    }

    /// The epoch that the running trial has reached.
    fn epoch(&self) -> Result<u64> {
        let status = self.sweep(&["status", "failover"])?;
        Ok(status["running"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["epoch"].as_u64())
            .max()
            .unwrap_or(0))
    }
}

fn http_get(address: &str, path: &str) -> Result<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_standby_takes_over_and_the_running_trial_goes_on() -> Result<()> {
    let pair = Pair::new()?;
    let mut first = pair.start(0)?;
    pair.wait_ready(0)?;
    let mut second = pair.start(1)?;
    wait_until("the second stands by", || Ok(second.log_text().contains("standing by")))?;
    ensure!(!pair.is_ready(1), "a coordinator that stands by is not ready");
    let answer = http_get(&pair.addresses[1], "/readyz")?;
    ensure!(answer.contains(&format!("http://{}", pair.addresses[0])), "it names the leader: {answer}");

    let _worker = pair.add_worker()?;
    let file = pair.folder.path().join("failover.toml");
    std::fs::write(&file, SWEEP)?;
    pair.sweep(&["launch", &file.to_string_lossy()])?;
    wait_until("a trial is under way", || Ok(pair.epoch()? >= 2))?;

    first.kill()?;
    let killed_at = Instant::now();
    pair.wait_ready(1)?;
    println!("the standby was ready {} ms after the SIGKILL of the leader", killed_at.elapsed().as_millis());

    // The first one comes back as the standby, and takes over again when the second one leaves.
    let mut first = pair.start(0)?;
    wait_until("the first stands by", || Ok(first.log_text().matches("standing by").count() == 1))?;
    wait_until("the trial is under way", || Ok(pair.epoch()? >= 2))?;
    let left_at = Instant::now();
    second.terminate()?;
    pair.wait_ready(0)?;
    println!("the standby was ready {} ms after the SIGTERM of the leader", left_at.elapsed().as_millis());

    let report = finished_by(|arguments| pair.sweep(arguments), pair.folder.path(), "failover")?;
    report.check_complete(4, EPOCHS)?;
    let attempts = report.json["ledger"]["attempts"].clone();
    ensure!(attempts == 5, "four trials and one evaluation in one attempt each, not {attempts}");
    first.kill()?;
    let findings = pair.sweep(&[
        "fsck",
        "--strict",
        "--data-dir",
        &pair.path("data-0"),
        "--store",
        &pair.server.url(),
        "--artifacts",
        &pair.path("artifacts"),
    ])?;
    ensure!(findings["problems"] == serde_json::json!([]), "fsck: {findings}");
    Ok(())
}

#[test]
fn the_database_goes_away_and_comes_back() -> Result<()> {
    let mut pair = Pair::new()?;
    let _coordinator = pair.start(0)?;
    pair.wait_ready(0)?;
    let _worker = pair.add_worker()?;
    let file = pair.folder.path().join("failover.toml");
    std::fs::write(&file, SWEEP.replace("epochs = 40", "epochs = 10"))?;
    pair.sweep(&["launch", &file.to_string_lossy()])?;
    wait_until("a trial is under way", || Ok(pair.epoch()? >= 2))?;
    pair.server.kill()?;
    wait_until("the coordinator is not ready", || Ok(!pair.is_ready(0)))?;
    pair.server.resume()?;
    pair.wait_ready(0)?;
    let report = finished_by(|arguments| pair.sweep(arguments), pair.folder.path(), "failover")?;
    report.check_complete(4, 10)?;
    let attempts = report.json["ledger"]["attempts"].clone();
    ensure!(attempts == 5, "no attempt was lost: {attempts}");
    Ok(())
}

#[test]
fn a_password_in_an_argument_is_refused_and_not_repeated() -> Result<()> {
    let output = std::process::Command::new(program("sweep")?)
        .args(["serve", "--store", "postgres://me:secret@127.0.0.1:1/db"])
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(2), "{}", output.status);
    ensure!(stderr.contains("SWEEP_STORE") && !stderr.contains("secret"), "{stderr}");
    Ok(())
}

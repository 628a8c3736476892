//! A coordinator with TLS and tokens as a real process, and its administrator.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::processes::{Process, program, wait_until};
use crate::vitals::Vitals;

/// A coordinator that other machines could reach, on loopback; its data lies in `.sweep` of its folder.
#[derive(Debug)]
pub struct Castle {
    coordinator: Process,
    /// Dropped after the process, whose log lies in it.
    folder: tempfile::TempDir,
    address: SocketAddr,
    /// Of its commands.
    environment: Vec<(String, String)>,
}

impl Castle {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// Where it does not come up.
    pub fn start() -> Result<Self> {
        Self::start_by(|arguments, log| Process::start("sweep", arguments, log))
    }

    /// As [`Self::start`], by a program of choice that is given the arguments of `sweep` and the log.
    ///
    /// # Errors
    /// Where it does not come up.
    pub fn start_by(start: impl FnOnce(&[&str], &Path) -> Result<Process>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // The port is chosen once, because a restarted coordinator must be found where it was.
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let coordinator = serve(folder.path(), address, &[], start)?;
        Ok(Self { coordinator, folder, address, environment: Vec::new() })
    }

    /// Kills the coordinator with SIGKILL and starts it again on the same data, as [`Self::start_by`].
    ///
    /// # Errors
    /// Where it does not come up again.
    pub fn restart(&mut self, start: impl FnOnce(&[&str], &Path) -> Result<Process>) -> Result<()> {
        self.coordinator.kill()?;
        self.coordinator = serve(self.folder.path(), self.address, &self.variables(), start)?;
        Ok(())
    }

    /// Variables of the environment of every command from now on.
    pub fn set_environment(&mut self, environment: &[(&str, &str)]) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.environment = environment.iter().map(owned).collect();
    }

    fn variables(&self) -> Vec<(&str, &str)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The folder of everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process.
    pub fn coordinator(&self) -> &Process {
        &self.coordinator
    }

    /// What the coordinator holds of the system.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn vitals(&self) -> Result<Vitals> {
        Vitals::of(self.coordinator.id())
    }

    /// A `sweep` command of the administrator, and its JSON.
    ///
    /// # Errors
    /// Where it fails.
    pub fn sweep(&self, arguments: &[&str]) -> Result<Value> {
        let output = run(self.folder(), arguments, &self.variables())?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "sweep {arguments:?}: {}: {stderr}", output.status);
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("sweep {arguments:?} printed no JSON: {stderr}"))
    }

    /// A `sweep` command with this token, in the folder `elsewhere` that knows no administrator: whether it did its work, and what it said.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub fn sweep_as(&self, token: &str, arguments: &[&str]) -> Result<(bool, String)> {
        let url = self.url();
        let mut environment = self.variables();
        environment.extend([("SWEEP_TOKEN", token), ("SWEEP_SERVER", &url)]);
        let elsewhere = self.folder().join("elsewhere");
        std::fs::create_dir_all(&elsewhere)?;
        let output = run(&elsewhere, arguments, &environment)?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
    }

    /// A new token.
    ///
    /// # Errors
    /// Where it is not made.
    pub fn token(&self, role: &str, more: &[&str]) -> Result<String> {
        let created = self.sweep(&[&["token", "create", role], more].concat())?;
        Ok(created["token"].as_str().context("a token")?.to_owned())
    }

    /// The audit log, oldest entry first; the command checks that none was changed.
    ///
    /// # Errors
    /// Where it is not whole.
    pub fn audit(&self) -> Result<Vec<Value>> {
        let output = run(self.folder(), &["audit"], &self.variables())?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// A worker with one slot that joins by a new token.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn add_worker(&self, name: &str) -> Result<Process> {
        let token = self.token("worker", &[])?;
        self.worker("sweep-worker", name, &[("SWEEP_TOKEN", &token)])
    }

    /// A worker with one slot and a state folder of its name.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn worker(&self, program: &str, name: &str, environment: &[(&str, &str)]) -> Result<Process> {
        let state = self.folder().join(name);
        let url = self.url();
        let arguments =
            ["join", &url, "--slots", "1", "--name", name, "--state-dir", &state.to_string_lossy()];
        Process::start_with(program, &arguments, environment, &self.folder().join(format!("{name}.log")))
    }

    /// Launches a sweep from its text.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn launch(&self, text: &str) -> Result<Value> {
        std::fs::write(self.folder().join("sweep.toml"), text)?;
        self.sweep(&["launch", "sweep.toml"])
    }

    /// Kills the coordinator with SIGKILL and checks what it has left with `sweep fsck --strict`.
    ///
    /// # Errors
    /// Where anything is wrong with it.
    pub fn check_remains(mut self) -> Result<()> {
        self.coordinator.kill()?;
        let findings = self.sweep(&["fsck", "--strict", "--data-dir", ".sweep"])?;
        ensure!(findings["problems"] == serde_json::json!([]), "fsck: {findings}");
        Ok(())
    }
}

fn serve(
    folder: &Path,
    address: SocketAddr,
    environment: &[(&str, &str)],
    start: impl FnOnce(&[&str], &Path) -> Result<Process>,
) -> Result<Process> {
    let (listen, data) = (address.to_string(), folder.join(".sweep"));
    let arguments = ["serve", "--tls", "--listen", &listen, "--data-dir", &data.to_string_lossy()];
    let process = start(&arguments, &folder.join("coordinator.log"))?;
    wait_until("the coordinator answers", || {
        Ok(run(folder, &["token", "list"], environment)?.status.success())
    })?;
    Ok(process)
}

fn run(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Output> {
    let mut command = Command::new(program("sweep")?);
    command.arg("--json").args(arguments).current_dir(folder);
    command.env_remove("SWEEP_TOKEN").env_remove("SWEEP_SERVER").envs(environment.iter().copied());
    Ok(command.output()?)
}

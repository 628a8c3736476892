//! Real coordinators and workers as processes, stopped when they are dropped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

/// How long a condition may take before a test gives up: generous, because machines are shared.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// The program of that name, beside this test's own executable and as new as the sources.
///
/// # Errors
/// Where cargo cannot build it.
pub fn program(name: &str) -> Result<PathBuf> {
    static BUILT: LazyLock<Result<PathBuf, String>> =
        LazyLock::new(|| build_programs().map_err(|error| format!("{error:#}")));
    BUILT.as_ref().map(|folder| folder.join(name)).map_err(|error| anyhow!("build the programs: {error}"))
}

/// Builds as `cargo test --workspace` does, which is nothing to do after it; a test of this package alone
/// would else meet programs of an older day.
fn build_programs() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(2).context("a test lies in target/PROFILE/deps")?;
    let target = folder.parent().context("a profile's folder lies in a target folder")?;
    let output = Command::new(env!("CARGO"))
        .args(["test", "--release", "--locked", "--workspace", "--no-run", "--target-dir"])
        .arg(target)
        .current_dir(root())
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(folder.to_owned())
}

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Waits until a condition holds, looking again every few milliseconds.
///
/// # Errors
/// Where it does not hold within [`PATIENCE`].
pub fn wait_until(what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if condition()? {
            return Ok(());
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    bail!("waited {} s in vain until {what}", PATIENCE.as_secs())
}

/// A process that is killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program, its output in a log file.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(name: &str, arguments: &[&str], log: &Path) -> Result<Self> {
        Self::start_with(name, arguments, &[], log)
    }

    /// As [`Self::start`], with variables in its environment.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start_with(
        name: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let child = Command::new(program(name)?)
            .args(arguments)
            .env("RUST_LOG", "info")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// SIGKILL: no chance to say good-bye.
    ///
    /// # Errors
    /// Where the process is gone already.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, then waits for the end.
    ///
    /// # Errors
    /// Where it does not end, or not with success.
    pub fn terminate(&mut self) -> Result<()> {
        self.signal("TERM")?;
        wait_until("the process ended", || Ok(self.child.try_wait()?.is_some()))?;
        let status = self.child.wait()?;
        ensure!(status.success(), "ended with {status}: {}", self.log_text());
        Ok(())
    }

    /// Sends a signal by name.
    ///
    /// # Errors
    /// Where there is no such process.
    pub fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status()?;
        ensure!(status.success(), "kill -s {name}: {status}");
        Ok(())
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end by itself; whether it ended with success.
    ///
    /// # Errors
    /// Where it does not end.
    pub fn ended_well(&mut self) -> Result<bool> {
        wait_until("the process ended", || Ok(self.child.try_wait()?.is_some()))?;
        Ok(self.child.wait()?.success())
    }

    /// What it printed so far.
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where the process has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The harness shows it where the test fails, by panic or by error.
        println!("--- {}\n{}", self.log.display(), self.log_text());
    }
}

/// How a coordinator is started, each time.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Where it keeps things, beside `--data-dir`: for `sweep serve` and `sweep fsck` alike.
    pub place: Vec<String>,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
}

impl Setup {
    fn variables(&self) -> Vec<(&str, &str)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// A coordinator on a data directory of its own, which outlives its process.
#[derive(Debug)]
pub struct Cluster {
    directory: tempfile::TempDir,
    address: String,
    setup: Setup,
    coordinator: Process,
    workers_started: u32,
}

impl Cluster {
    /// Starts a coordinator on a free port.
    ///
    /// # Errors
    /// Where it does not come up.
    pub fn start() -> Result<Self> {
        Self::start_with(Setup::default())
    }

    /// As [`Self::start`], in another way than by default.
    ///
    /// # Errors
    /// Where it does not come up.
    pub fn start_with(setup: Setup) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        // The port is chosen once, because a restarted coordinator must be found where it was.
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let coordinator = Self::serve(directory.path(), &address, &setup)?;
        let cluster = Self { directory, address, setup, coordinator, workers_started: 0 };
        cluster.wait_ready()?;
        Ok(cluster)
    }

    fn serve(directory: &Path, address: &str, setup: &Setup) -> Result<Process> {
        let data = directory.join("data");
        let data = data.to_string_lossy();
        let mut arguments = vec!["serve", "--listen", address, "--data-dir", &data];
        arguments.extend(setup.place.iter().map(String::as_str));
        Process::start_with("sweep", &arguments, &setup.variables(), &directory.join("coordinator.log"))
    }

    fn wait_ready(&self) -> Result<()> {
        wait_until("the coordinator answers", || Ok(self.sweep(&["list"]).is_ok()))
    }

    /// Kills the coordinator with SIGKILL and starts it again on the same data.
    ///
    /// # Errors
    /// Where it does not come up again.
    pub fn crash_coordinator(&mut self) -> Result<()> {
        self.coordinator.kill()?;
        self.coordinator = Self::serve(self.directory.path(), &self.address, &self.setup)?;
        self.wait_ready()
    }

    /// Kills the coordinator with SIGKILL, moves its data folder away, has another one made at its place, and
    /// starts the coordinator on that.
    ///
    /// # Errors
    /// Where it is not made, or the coordinator does not come up on it.
    pub fn replace_data(&mut self, make: impl FnOnce(&str) -> Result<()>) -> Result<()> {
        self.coordinator.kill()?;
        let data = self.data();
        std::fs::rename(&data, self.directory.path().join("old-data"))?;
        make(&data)?;
        self.coordinator = Self::serve(self.directory.path(), &self.address, &self.setup)?;
        self.wait_ready()
    }

    /// The coordinator's data folder.
    pub fn data(&self) -> String {
        self.directory.path().join("data").to_string_lossy().into_owned()
    }

    /// Kills the coordinator with SIGKILL and checks what it has left with `sweep fsck --strict`.
    ///
    /// # Errors
    /// Where anything is wrong with it.
    pub fn check_remains(mut self) -> Result<()> {
        self.coordinator.kill()?;
        let data = self.data();
        let mut arguments = vec!["fsck", "--strict", "--data-dir", &data];
        arguments.extend(self.setup.place.iter().map(String::as_str));
        let findings = self.sweep(&arguments)?;
        ensure!(findings["problems"] == serde_json::json!([]), "fsck: {findings}");
        Ok(())
    }

    /// Starts a worker with one slot.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn add_worker(&mut self) -> Result<Process> {
        self.workers_started += 1;
        let name = format!("worker-{}", self.workers_started);
        let state = self.directory.path().join(&name);
        let url = format!("http://{}", self.address);
        let arguments =
            ["join", &url, "--slots", "1", "--name", &name, "--state-dir", &state.to_string_lossy()];
        Process::start("sweep-worker", &arguments, &self.directory.path().join(format!("{name}.log")))
    }

    /// Runs a `sweep` command against this coordinator and gives its JSON.
    ///
    /// # Errors
    /// Where the command fails or prints no JSON.
    pub fn sweep(&self, arguments: &[&str]) -> Result<Value> {
        let url = format!("http://{}", self.address);
        let output = Command::new(program("sweep")?)
            .args(["--json", "--server", &url])
            .args(arguments)
            .envs(self.setup.variables())
            .current_dir(self.directory.path())
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "sweep {arguments:?}: {}: {stderr}", output.status);
        serde_json::from_slice(&output.stdout).with_context(|| format!("sweep {arguments:?} printed no JSON"))
    }

    /// Writes a file into the cluster's directory and gives its path.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// The directory of this cluster's files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

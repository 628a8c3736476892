//! Real coordinators and workers as processes, stopped when they are dropped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use crate::network::Namespace;

/// How long a condition may take before a test gives up: generous, because machines are shared.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// The program of that name, beside this test's own executable and as new as the sources; or in the folder that
/// `SWEEP_TEST_PROGRAMS` names, for who has just built it there.
///
/// # Errors
/// Where cargo cannot build it.
pub fn program(name: &str) -> Result<PathBuf> {
    static BUILT: LazyLock<Result<PathBuf, String>> =
        LazyLock::new(|| build_programs().map_err(|error| format!("{error:#}")));
    if let Some(folder) = std::env::var_os("SWEEP_TEST_PROGRAMS") {
        return Ok(PathBuf::from(folder).join(name));
    }
    BUILT.as_ref().map(|folder| folder.join(name)).map_err(|error| anyhow!("build the programs: {error}"))
}

/// Builds as `cargo test --workspace` does, which is nothing to do after it; a test of this package alone
/// would else meet programs of an older day.
fn build_programs() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(2).context("a test lies in target/PROFILE/deps")?;
    let target = folder.parent().context("a profile's folder lies in a target folder")?;
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo tells a test of its package; a build script that looks at it would run again, and all that rests on it.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_")
            || name.to_string_lossy().starts_with("CARGO_MANIFEST_")
        {
            cargo.env_remove(name);
        }
    }
    let output = cargo
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
        let mut command = command(name)?;
        command.args(arguments).envs(environment.iter().copied());
        Self::spawn(command, log)
    }

    /// Starts a command of any kind, its output in a log file.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn spawn(mut command: Command, log: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("start {command:?}"))?;
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

    /// Sends a signal to the process and to all that it has started: a worker's slots are its children.
    ///
    /// # Errors
    /// Where there is no such process.
    pub fn signal_all(&self, name: &str) -> Result<()> {
        let parents = parents()?;
        let mut all = vec![self.child.id()];
        let mut at = 0;
        while let Some(parent) = all.get(at).copied() {
            all.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
            at += 1;
        }
        // Children first: a parent that goes on may end them before their own signal comes.
        let all: Vec<_> = all.iter().rev().map(ToString::to_string).collect();
        let status = Command::new("kill").args(["-s", name]).args(&all).status()?;
        ensure!(status.success(), "kill -s {name} {all:?}: {status}");
        Ok(())
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills its child processes with SIGKILL; how many there were.
    ///
    /// # Errors
    /// Where the system does not list processes.
    pub fn kill_children(&self) -> Result<usize> {
        let children = parents()?.into_iter().filter(|(_, parent)| *parent == self.child.id());
        let kill = |(child, _): (u32, u32)| {
            // One that has just ended is gone, too.
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(child as i32), nix::sys::signal::SIGKILL)
                .is_ok()
        };
        Ok(children.filter(|child| kill(*child)).count())
    }

    /// Time for which its child processes have computed, in hundredths of a second.
    ///
    /// # Errors
    /// Where the system does not list processes.
    pub fn children_ticks(&self) -> Result<u64> {
        let mut ticks = 0;
        for (child, _) in parents()?.into_iter().filter(|(_, parent)| *parent == self.child.id()) {
            // Behind the name, which stands in parentheses: state, parent, … and as 12th and 13th user and system time.
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            let times = fields.get(11..13).unwrap_or_default();
            ticks += times.iter().filter_map(|time| time.parse::<u64>().ok()).sum::<u64>();
        }
        Ok(ticks)
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
        println!("--- {}\n{}", self.log.display(), ends_of(&self.log_text()));
    }
}

/// Lines of a long text's beginning and of its end: a test's own error must not drown in logs.
const LINES_AT_ENDS: (usize, usize) = (20, 80);

fn ends_of(text: &str) -> String {
    let (first, last) = LINES_AT_ENDS;
    let lines: Vec<&str> = text.lines().collect();
    match lines.len().checked_sub(first + last) {
        None | Some(0) => text.to_owned(),
        Some(left_out) => {
            let note = format!("… {left_out} lines left out …");
            let ends = [&lines[..first], &[&note], &lines[first + left_out..]];
            ends.concat().join("\n")
        }
    }
}

/// Every process of this machine with its parent.
fn parents() -> Result<Vec<(u32, u32)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let Ok(id) = entry.file_name().to_string_lossy().parse() else { continue };
        // A process may have ended meanwhile. Its name stands in parentheses, its state and its parent after it.
        let Ok(text) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let parent = text.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        found.extend(parent.map(|parent| (id, parent)));
    }
    Ok(found)
}

/// One of our programs, which logs as much as tests look for.
///
/// # Errors
/// Where cargo cannot build it.
pub fn command(name: &str) -> Result<Command> {
    command_on(None, name)
}

/// One of our programs, to be run on this machine or on another one.
fn command_on(machine: Option<&Namespace>, name: &str) -> Result<Command> {
    let program = program(name)?;
    let mut command = match machine {
        Some(machine) => machine.command(&program),
        None => Command::new(program),
    };
    command.env("RUST_LOG", "info");
    Ok(command)
}

/// How a coordinator is started, each time.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Where it keeps things, beside `--data-dir`: for `sweep serve` and `sweep fsck` alike.
    pub place: Vec<String>,
    /// More options of `sweep serve` alone.
    pub more: Vec<String>,
    /// Variables of its environment, and of that of the commands that ask it.
    pub environment: Vec<(String, String)>,
    /// Variables of its own environment alone.
    pub own_environment: Vec<(String, String)>,
    /// The machine that it runs on, where it listens on every network, with TLS; else this one.
    pub machine: Option<Arc<Namespace>>,
}

impl Setup {
    fn is_secure(&self) -> bool {
        self.machine.is_some()
    }
}

/// How a worker with one slot is started.
#[derive(Clone, Debug, Default)]
pub struct WorkerSetup {
    /// Its name in lists, and that of its state directory and log.
    pub name: String,
    /// Where it looks for the coordinator, where that is not the coordinator's own address.
    pub url: Option<String>,
    /// The machine that it runs on, where it is not this one.
    pub machine: Option<Arc<Namespace>>,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// Most trials that its slot trains together, where that is not one.
    pub group: Option<u32>,
}

/// Where a coordinator listens on a machine that it has for itself.
pub const FAR_PORT: u16 = 7_077;

/// The data folder in a cluster's directory: commands run beside it find the administrator's token.
const DATA: &str = ".sweep";

/// A coordinator on a data folder of its own, which outlives its process.
#[derive(Debug)]
pub struct Cluster {
    /// Dropped before the directory that holds its log.
    coordinator: Process,
    directory: tempfile::TempDir,
    address: String,
    setup: Setup,
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
        let address = if setup.is_secure() {
            format!("0.0.0.0:{FAR_PORT}")
        } else {
            // The port is chosen once, because a restarted coordinator must be found where it was.
            std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string()
        };
        let coordinator = Self::serve(directory.path(), &address, &setup)?;
        let cluster = Self { directory, address, setup, coordinator, workers_started: 0 };
        cluster.wait_ready()?;
        Ok(cluster)
    }

    fn serve(directory: &Path, address: &str, setup: &Setup) -> Result<Process> {
        let mut command = command_on(setup.machine.as_deref(), "sweep")?;
        command.args(["serve", "--listen", address, "--data-dir"]).arg(directory.join(DATA));
        command.args(&setup.place).args(&setup.more).envs(setup.environment.iter().cloned());
        command.envs(setup.own_environment.iter().cloned());
        Process::spawn(command, &directory.join("coordinator.log"))
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

    /// As [`Self::crash_coordinator`], with more options from then on.
    ///
    /// # Errors
    /// Where it does not come up again.
    pub fn restart_with(&mut self, more: &[&str]) -> Result<()> {
        self.setup.more.extend(more.iter().map(|one| (*one).to_owned()));
        self.crash_coordinator()
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

    /// What the coordinator printed so far, in all its lives.
    pub fn coordinator_log(&self) -> String {
        self.coordinator.log_text()
    }

    /// The coordinator's data folder.
    pub fn data(&self) -> String {
        self.directory.path().join(DATA).to_string_lossy().into_owned()
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
        self.start_worker(&WorkerSetup { name, ..WorkerSetup::default() })
    }

    /// As [`Self::add_worker`], in another way than by default.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start_worker(&self, setup: &WorkerSetup) -> Result<Process> {
        let WorkerSetup { name, url, machine, environment, group } = setup;
        let url = url.clone().unwrap_or_else(|| format!("http://{}", self.address));
        let mut command = command_on(machine.as_deref(), "sweep-worker")?;
        command.args(["join", &url, "--slots", "1", "--name", name, "--state-dir"]);
        command.arg(self.worker_state(name)).envs(environment.iter().cloned());
        command.args(group.iter().flat_map(|members| ["--group".to_owned(), members.to_string()]));
        if self.setup.is_secure() && !self.worker_state(name).join("identity.json").exists() {
            let created = self.sweep(&["token", "create", "worker"])?;
            command.env("SWEEP_TOKEN", created["token"].as_str().context("a token")?);
        }
        Process::spawn(command, &self.directory.path().join(format!("{name}.log")))
    }

    /// The state directory of the worker with that name.
    pub fn worker_state(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Sends a signal to the coordinator, by name.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn signal_coordinator(&self, name: &str) -> Result<()> {
        self.coordinator.signal(name)
    }

    /// The address that the coordinator listens on.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Runs a `sweep` command against this coordinator, on its machine, and gives its JSON.
    ///
    /// # Errors
    /// Where the command fails or prints no JSON.
    pub fn sweep(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = command_on(self.setup.machine.as_deref(), "sweep")?;
        command.arg("--json").args(arguments).envs(self.setup.environment.iter().cloned());
        command.env_remove("SWEEP_TOKEN").env_remove("SWEEP_SERVER").current_dir(self.directory.path());
        if !self.setup.is_secure() {
            command.env("SWEEP_SERVER", format!("http://{}", self.address));
        }
        let output = command.output()?;
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

//! Worker processes on this machine: found, started, watched, restarted, stopped.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::exit::Failure;
use super::output::plain;

/// Name of the worker program.
const PROGRAM: &str = "sweep-worker";
/// Deaths in a row after which a worker is given up.
const DEATHS_MAX: u32 = 5;
/// A worker that lived this long did some work: its death does not count as one in a row.
const LIVED: Duration = Duration::from_mins(1);
/// First wait before a restart; each further one is twice as long.
const RESTART_AFTER: Duration = Duration::from_millis(200);
/// How long a worker that was told to leave may take: enough to finish a batch and save its state.
const LEAVE_WITHIN: Duration = Duration::from_secs(20);
/// The same for the worker itself, a little shorter, so that it ends by itself.
const GRACE_SECONDS: &str = "15";
/// Bytes read from the end of a log to show its last lines.
const TAIL_BYTES: u64 = 8 << 10;
/// Lines shown of a log.
const TAIL_LINES: usize = 15;

/// The worker program: beside this program, else on the search path.
///
/// # Errors
/// Where there is none.
pub(crate) fn find_program() -> Result<PathBuf, Failure> {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(&name)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = beside.into_iter().chain(std::env::split_paths(&path).map(|folder| folder.join(&name)));
    candidates.into_iter().find(|candidate| candidate.is_file()).ok_or_else(|| {
        Failure::failed(format!("the program {PROGRAM} is neither beside sweep nor on PATH"))
            .hint("build both with `cargo build --release`, or copy it beside sweep")
    })
}

/// What to start.
#[derive(Clone, Debug)]
pub(crate) struct WorkerCommand {
    /// The worker program.
    pub(crate) program: PathBuf,
    /// Address of the coordinator.
    pub(crate) server: String,
    /// `auto` or a number.
    pub(crate) slots: String,
    /// The folder for logs, one file per worker, and for what workers keep.
    pub(crate) data_directory: PathBuf,
}

/// Running worker processes. Dropping them kills them.
#[derive(Debug)]
pub(crate) struct LocalWorkers {
    supervisors: JoinSet<()>,
    leaving: watch::Sender<bool>,
    lost: mpsc::Receiver<Failure>,
}

impl LocalWorkers {
    /// Starts `count` worker processes.
    ///
    /// # Errors
    /// Where the logs cannot be written.
    pub(crate) fn start(command: &WorkerCommand, count: u32) -> Result<Self, Failure> {
        let logs = &command.data_directory.join("logs");
        std::fs::create_dir_all(logs).map_err(|error| Failure::file("make the folder", logs, &error))?;
        let states = command.data_directory.join("workers");
        remove_abandoned(&states);
        let (leaving, leave) = watch::channel(false);
        let (report, lost) = mpsc::channel(count.max(1) as usize);
        let mut supervisors = JoinSet::new();
        for number in 1..=count {
            let log = logs.join(format!("worker-{number}.log"));
            if log.exists() {
                // How an earlier run ended can still be read.
                let earlier = logs.join(format!("worker-{number}.earlier.log"));
                std::fs::rename(&log, &earlier).map_err(|error| Failure::file("write", &earlier, &error))?;
            }
            // A name of its own, because a worker of a run that was killed may still hold its folder.
            let state = states.join(format!("{}-{number}", std::process::id()));
            let supervisor = Supervisor { command: command.clone(), log, state, leave: leave.clone() };
            let report = report.clone();
            supervisors.spawn(async move {
                let state = supervisor.state.clone();
                let outcome = supervisor.run().await;
                if let Err(error) = std::fs::remove_dir_all(&state) {
                    tracing::debug!(%error, folder = %state.display(), "a worker's folder stays");
                }
                if let Err(failure) = outcome {
                    // The channel has room for every worker; a closed one means that all is over.
                    let _over = report.try_send(failure);
                }
            });
        }
        Ok(Self { supervisors, leaving, lost })
    }

    /// Returns once a worker died too often, with why. Cancel-safe.
    pub(crate) async fn lost(&mut self) -> Failure {
        match self.lost.recv().await {
            Some(failure) => failure,
            // Every supervisor has ended without a complaint: nothing more can be lost.
            None => std::future::pending().await,
        }
    }

    /// Tells the processes to hand back and leave, waits a bounded time, then kills those that have not.
    pub(crate) async fn leave(mut self) {
        // No receiver left means that no process is left.
        let _none_left = self.leaving.send(true);
        let all = async { while self.supervisors.join_next().await.is_some() {} };
        if tokio::time::timeout(LEAVE_WITHIN, all).await.is_err() {
            tracing::warn!("a worker did not leave within {} s and is killed", LEAVE_WITHIN.as_secs());
            self.supervisors.shutdown().await;
        }
    }
}

/// Removes what workers of killed runs have left: this run holds the data folder alone.
fn remove_abandoned(states: &Path) {
    // Where there is no such folder there is nothing to remove.
    for entry in std::fs::read_dir(states).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let numbers = name.split_once('-').map(|(run, number)| [run.parse::<u32>(), number.parse()]);
        if numbers.is_some_and(|numbers| numbers.iter().all(Result::is_ok))
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::debug!(%error, folder = %entry.path().display(), "a worker's folder stays");
        }
    }
}

/// Keeps one worker process alive.
struct Supervisor {
    command: WorkerCommand,
    log: PathBuf,
    /// The worker's identity and scratch files; removed when it has left.
    state: PathBuf,
    leave: watch::Receiver<bool>,
}

impl Supervisor {
    async fn run(mut self) -> Result<(), Failure> {
        let mut deaths = 0;
        loop {
            let started = Instant::now();
            let mut child = self.spawn()?;
            // Kept open: closing it tells the worker to hand back and leave, and `wait` would.
            let stdin = child.stdin.take();
            let ended = tokio::select! {
                ended = child.wait() => Some(ended),
                // An error means that nobody wants the worker any more, either.
                _ = self.leave.wait_for(|leave| *leave) => None,
            };
            let ended = if let Some(ended) = ended {
                ended
            } else {
                drop(stdin);
                child.wait().await
            };
            let status = ended.map_err(|error| Failure::file("wait for", &self.command.program, &error))?;
            if *self.leave.borrow() {
                return Ok(());
            }
            deaths = if started.elapsed() >= LIVED { 1 } else { deaths + 1 };
            tracing::warn!(%status, deaths, log = %self.log.display(), "a worker process ended");
            if deaths >= DEATHS_MAX {
                return Err(self.given_up(&status.to_string()));
            }
            let pause = RESTART_AFTER * 2_u32.pow(deaths - 1);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // An error means that nobody wants the worker any more, either.
                _ = self.leave.wait_for(|leave| *leave) => return Ok(()),
            }
        }
    }

    fn spawn(&self) -> Result<Child, Failure> {
        let cannot_log = |error| Failure::file("write", &self.log, &error);
        let log = OpenOptions::new().append(true).create(true).open(&self.log).map_err(cannot_log)?;
        let also = log.try_clone().map_err(cannot_log)?;
        let mut command = Command::new(&self.command.program);
        command
            .args(["join", &self.command.server, "--slots", &self.command.slots, "--grace", GRACE_SECONDS])
            .arg("--state-dir")
            .arg(&self.state)
            .arg("--cache-dir")
            .arg(self.command.data_directory.join("workers").join("datasets"))
            // Open for as long as this process lives: a worker that was started so can tell from its
            // end that it has been left behind, even by SIGKILL.
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(also)
            .kill_on_drop(true);
        // Ctrl-C on the terminal goes to a whole process group; the worker is to hear of the stop
        // from here, once the sweep was told to wait.
        #[cfg(unix)]
        command.process_group(0);
        command.spawn().map_err(|error| Failure::file("start", &self.command.program, &error))
    }

    fn given_up(&self, status: &str) -> Failure {
        let tail = tail(&self.log).unwrap_or_default();
        Failure::failed(format!(
            "{}\nthe worker process died {DEATHS_MAX} times in a row ({status}); the end of {} is above",
            if tail.is_empty() { "(the log is empty)" } else { &tail },
            self.log.display()
        ))
    }
}

/// The last lines of a log, without control characters.
fn tail(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<String> = text.lines().map(plain).collect();
    Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
}

#[cfg(all(test, unix))]
#[allow(clippy::expect_used, reason = "a test's helpers fail the test")]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// One test at a time: a process that another one forks meanwhile would hold the script open for
    /// writing, and a file that is open for writing cannot be executed.
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

    /// A program that does what `script` says, and the command that starts it.
    fn command(folder: &Path, script: &str) -> WorkerCommand {
        let program = folder.join("worker");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("set");
        let data_directory = folder.join("data");
        WorkerCommand { program, server: "http://127.0.0.1:1".into(), slots: "auto".into(), data_directory }
    }

    #[tokio::test]
    async fn a_worker_that_keeps_dying_is_given_up_with_its_last_words() {
        let _alone = ALONE.lock().await;
        let folder = tempfile::tempdir().expect("a folder");
        let command = command(folder.path(), "echo no such device >&2; exit 7");
        let mut workers = LocalWorkers::start(&command, 1).expect("started");
        let failure = workers.lost().await;
        assert!(failure.message.contains("no such device"), "{failure}");
        assert!(failure.message.contains("5 times"), "{failure}");
        workers.leave().await;
    }

    #[tokio::test]
    async fn a_worker_that_leaves_when_told_is_not_started_again() {
        let _alone = ALONE.lock().await;
        let folder = tempfile::tempdir().expect("a folder");
        let command =
            command(folder.path(), "echo began >> \"$0.count\"; cat > /dev/null; echo left >> \"$0.count\"");
        let mut workers = LocalWorkers::start(&command, 1).expect("started");
        let count = folder.path().join("worker.count");
        let began = async {
            while !count.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = began => {}
            failure = workers.lost() => panic!("{failure}"),
        }
        workers.leave().await;
        assert_eq!(std::fs::read_to_string(count).expect("there"), "began\nleft\n");
    }
}

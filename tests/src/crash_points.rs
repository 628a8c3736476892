//! Kills a real process with SIGKILL just before its n-th write boundary: a system call that changes a file,
//! makes it durable, names it, or sends the first answer after that.
//!
//! The process is watched through ptrace, so that every boundary counts, those of libraries and of its child
//! processes, too, and none has to be marked in the program.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::processes::program;

/// What was seen of a process until its end.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// Every boundary in its order, in words.
    pub boundaries: Vec<String>,
    /// Whether it was killed at the boundary asked for.
    pub was_killed: bool,
}

/// A process that is being watched. Its end, or that of its last child, ends the watching.
#[derive(Debug)]
pub struct Watch {
    pid: Pid,
    watching: Option<std::thread::JoinHandle<Result<Watched>>>,
}

impl Watch {
    /// Starts a program under watch, its output in a log file. It dies before the boundary `kill_at`, counted
    /// from 1; without one it is only watched.
    ///
    /// # Errors
    /// Where it cannot be started or watched.
    pub fn start(name: &str, arguments: &[&str], log: &Path, kill_at: Option<usize>) -> Result<Self> {
        let program = program(name)?;
        let file = File::options().create(true).append(true).open(log)?;
        // It stops itself before it becomes the program, so that nothing of the program is missed.
        let mut command = Command::new("sh");
        command.args(["-c", "kill -STOP $$; exec \"$0\" \"$@\""]).arg(program).args(arguments);
        command.env("RUST_LOG", "info").stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        // A group of its own: a terminal's signals are for the test.
        command.process_group(0);
        let (started, pid) = std::sync::mpsc::sync_channel(1);
        // Only the thread that starts a process hears of it, and of its children.
        let watching = std::thread::spawn(move || {
            let child = command.spawn().context("start a process to be watched")?;
            let pid = Pid::from_raw(i32::try_from(child.id())?);
            let _ = started.send(pid);
            watch(pid, kill_at)
        });
        let pid = pid.recv().context("the process to be watched did not start")?;
        Ok(Self { pid, watching: Some(watching) })
    }

    /// Whether the process has ended.
    pub fn has_ended(&self) -> bool {
        self.watching.as_ref().is_none_or(std::thread::JoinHandle::is_finished)
    }

    /// Sends SIGTERM where it has not ended, waits for its end and says what was seen.
    ///
    /// # Errors
    /// Where watching failed.
    pub fn end(mut self) -> Result<Watched> {
        let watching = self.watching.take().context("it was waited for already")?;
        if !watching.is_finished() {
            // It may end by itself just now.
            let _ = kill(self.pid, Signal::SIGTERM);
        }
        match watching.join() {
            Ok(watched) => watched,
            Err(_) => bail!("the watching thread panicked"),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(watching) = self.watching.take() {
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = watching.join();
        }
    }
}

/// Follows a process and everything that it starts.
fn watch(main: Pid, kill_at: Option<usize>) -> Result<Watched> {
    waitpid(main, Some(WaitPidFlag::WUNTRACED))?;
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(main, options)?;
    let mut counter = Counter::default();
    let mut watched = Watched::default();
    let any = Pid::from_raw(-1);
    loop {
        let status = match waitpid(any, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
            Ok(status) => status,
            Err(Errno::ECHILD) => return Ok(watched),
            Err(error) => return Err(error).context("wait for a watched process"),
        };
        let (thread, signal) = match status {
            WaitStatus::PtraceSyscall(thread) => {
                if let Some(boundary) = counter.boundary(thread) {
                    watched.boundaries.push(boundary);
                    if Some(watched.boundaries.len()) == kill_at {
                        watched.was_killed = true;
                        kill(process_of(thread), Signal::SIGKILL)?;
                    }
                }
                (thread, None)
            }
            WaitStatus::PtraceEvent(thread, _, _) => (thread, None),
            WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
            _ => continue,
        };
        match ptrace::syscall(thread, signal) {
            // A thread of a process that is being killed is gone.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => return Err(error).context("resume a watched process"),
        }
    }
}

/// The process that a thread belongs to.
fn process_of(thread: Pid) -> Pid {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    line.and_then(|id| id.trim().parse().ok()).map_or(thread, Pid::from_raw)
}

/// Tells boundaries from other system calls.
#[derive(Debug, Default)]
struct Counter {
    /// For each process the file that its last boundary wrote to: a run of writes to one file is one boundary,
    /// because nobody sees a part of it before it is synced or answered for.
    last_written: BTreeMap<Pid, String>,
    /// Whether a file was changed since the process last sent something.
    is_dirty: BTreeMap<Pid, bool>,
}

impl Counter {
    /// The boundary before which a thread stands, if it stands before one.
    fn boundary(&mut self, thread: Pid) -> Option<String> {
        const ENTRY: u8 = libc::PTRACE_SYSCALL_INFO_ENTRY;
        if ptrace::syscall_info(thread).ok()?.op != ENTRY {
            return None;
        }
        let registers = ptrace::getregs(thread).ok()?;
        let call = i64::try_from(registers.orig_rax).ok()?;
        let process = process_of(thread);
        let file = || file_of(thread, registers.rdi);
        let named = |what: &str| Some(what.to_owned());
        let boundary = match call {
            libc::SYS_pwrite64 | libc::SYS_pwritev => self.written(process, &file()?),
            libc::SYS_write | libc::SYS_writev | libc::SYS_sendto | libc::SYS_sendmsg => match file()? {
                link if link.starts_with("socket:") => self.sent(process),
                path if is_kept(&path) => self.written(process, &path),
                _ => None,
            },
            libc::SYS_fsync | libc::SYS_fdatasync => Some(format!("sync {}", short(&file()?))),
            libc::SYS_ftruncate => Some(format!("truncate {}", short(&file()?))),
            libc::SYS_rename | libc::SYS_renameat | libc::SYS_renameat2 => named("rename"),
            libc::SYS_link | libc::SYS_linkat => named("link"),
            libc::SYS_unlink | libc::SYS_unlinkat => named("unlink"),
            libc::SYS_mkdir | libc::SYS_mkdirat => named("mkdir"),
            _ => None,
        }?;
        if boundary != "send" {
            self.is_dirty.insert(process, true);
        }
        if !boundary.starts_with("write ") {
            self.last_written.remove(&process);
        }
        Some(boundary)
    }

    fn written(&mut self, process: Pid, path: &str) -> Option<String> {
        let boundary = format!("write {}", short(path));
        let before = self.last_written.insert(process, path.to_owned());
        (before.as_deref() != Some(path)).then_some(boundary)
    }

    fn sent(&mut self, process: Pid) -> Option<String> {
        let was_dirty = self.is_dirty.insert(process, false).unwrap_or(false);
        was_dirty.then(|| "send".to_owned())
    }
}

/// What a file descriptor of a thread leads to.
fn file_of(thread: Pid, descriptor: u64) -> Option<String> {
    let link = std::fs::read_link(format!("/proc/{thread}/fd/{descriptor}")).ok()?;
    Some(link.to_string_lossy().into_owned())
}

/// Whether a file is one that the program keeps, and no terminal or log.
fn is_kept(path: &str) -> bool {
    let path = Path::new(path);
    path.starts_with(std::env::temp_dir()) && path.extension().is_none_or(|extension| extension != "log")
}

/// A file's name without what differs from run to run.
fn short(path: &str) -> String {
    let name = path.trim_end_matches(" (deleted)").rsplit('/').next().unwrap_or_default();
    let is_random = name.starts_with(".tmp") || name.chars().filter(char::is_ascii_hexdigit).count() > 12;
    if is_random { "a blob".to_owned() } else { name.to_owned() }
}

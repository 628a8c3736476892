//! Runs each group in a child process and tells its death from its end.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sweep_proto::FailureKind;
use sweep_proto::text::is_steering;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::gpu;
use crate::reason::{Traces, last_words};

use super::environment;
use super::protocol::{
    FromSlot, MemberEvent, MemberId, SlotCommand, SlotEnd, Start, ToSlot, encode_frame, read_frame_async,
};
use super::{EVENTS_MAX, SlotEnds, SlotHandle, SlotRunner};

/// Lines of a slot's standard error that an error message repeats.
const LAST_LINES_MAX: usize = 20;

/// Longest line of a slot's standard error in bytes; the rest of a longer one comes as further lines.
const LINE_BYTES_MAX: u64 = 2_000;

/// How Rust's allocator and the system say that there is no memory.
const LACKS_MEMORY: [&str; 2] = ["memory allocation of", "Cannot allocate memory"];

/// How long a slot that has ended its work may take to exit.
const EXIT_GRACE: Duration = Duration::from_secs(5);

/// Where Linux counts the processes that it killed for memory.
const OOM_COUNTER_FILE: &str = "/proc/vmstat";

/// A trainer frees and takes again the same large tensors at every batch. By default glibc gives them back to
/// the kernel each time and gets zeroed pages again; kept, they cost nothing. Other allocators read none of it.
pub(crate) const ALLOCATOR: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "33554432"), ("MALLOC_TRIM_THRESHOLD_", "1073741824")];

/// Starts `sweep-worker slot` for each group.
#[derive(Clone, Debug)]
pub struct ProcessRunner {
    /// The executable that understands `slot`.
    pub executable: PathBuf,
    /// Threads that the trainer of one slot may use.
    pub threads: usize,
    /// Memory that one slot may take, in bytes; `None`: as much as there is.
    pub memory_bytes: Option<u64>,
    /// Slots that share the device.
    pub device_slots: u32,
    /// Whether slots are shut in with the files that they need, where the kernel can do that.
    pub is_sandboxed: bool,
}

/// What a slot said on its standard error.
#[derive(Debug, Default)]
struct LastWords {
    lines: VecDeque<String>,
    /// The allocator found no memory. Told apart, because many lines may follow it.
    lacked_memory: bool,
    /// What the log has all of, and the reason nothing.
    traces: Traces,
}

impl LastWords {
    fn hear(&mut self, line: String) {
        self.lacked_memory |= LACKS_MEMORY.iter().any(|words| line.contains(words));
        if self.traces.hold(&line) {
            return;
        }
        if self.lines.len() == LAST_LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

/// GPUs are counted as the agent does, unless the user says otherwise.
fn order_of_devices(of_user: Option<&OsStr>) -> Option<(&'static str, &'static str)> {
    of_user.is_none().then_some((gpu::ORDER_VARIABLE, gpu::BUS_ORDER))
}

type SharedWords = Arc<Mutex<LastWords>>;

impl SlotRunner for ProcessRunner {
    fn start(&self, start: Start) -> io::Result<SlotHandle> {
        let mut child = Command::new(&self.executable)
            .arg("slot")
            .args(self.memory_bytes.iter().flat_map(|bytes| ["--memory-bytes".to_owned(), bytes.to_string()]))
            .args(["--device-slots", &self.device_slots.to_string()])
            .args((!self.is_sandboxed).then_some("--no-sandbox"))
            // What trains has no business with what lets the agent in.
            .env_clear()
            .envs(environment::for_slots(std::env::vars_os()))
            .env("RAYON_NUM_THREADS", self.threads.to_string())
            .envs(ALLOCATOR)
            .envs(order_of_devices(std::env::var_os(gpu::ORDER_VARIABLE).as_deref()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal reaches the agent alone: it asks its slots to stop in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let gone = || io::Error::other("a slot process started without its pipes");
        let stdin = child.stdin.take().ok_or_else(gone)?;
        let stdout = child.stdout.take().ok_or_else(gone)?;
        let stderr = child.stderr.take().ok_or_else(gone)?;
        let (handle, ends) = SlotHandle::pair();
        let members = start.members.iter().map(|one| one.member).collect();
        let first = encode_frame(&ToSlot::Start(Box::new(start)))?;
        let span = tracing::info_span!("slot", pid = child.id());
        let supervision = supervise(child, (stdin, stdout, stderr), (first, members), ends);
        tokio::spawn(supervision.instrument(span));
        Ok(handle)
    }
}

/// Lives as long as the child: forwards both directions, reaps it, and says how it died if it did.
async fn supervise(
    mut child: Child,
    (stdin, stdout, stderr): (ChildStdin, ChildStdout, ChildStderr),
    (first, mut running): (Vec<u8>, BTreeSet<MemberId>),
    ends: SlotEnds,
) {
    let SlotEnds { events, commands, kill } = ends;
    let oom_kills = oom_kills().await;
    let last_words = SharedWords::default();
    let relay = tokio::spawn(relay_stderr(stderr, Arc::clone(&last_words)).in_current_span());
    let writer = tokio::spawn(write_commands(stdin, first, commands).in_current_span());
    let (frame_sender, mut frames) = mpsc::channel(EVENTS_MAX);
    // A task of its own, because reading a frame must not be cancelled half-way.
    let reader = tokio::spawn(read_frames(stdout, frame_sender));
    let ended = tokio::select! {
        ended = forward(&mut frames, &mut running, &events) => ended,
        () = kill.cancelled() => Err(None),
    };
    // Closes the child's standard input, at which it exits.
    writer.abort();
    if ended.is_err() {
        // A child that is gone already cannot be killed: nothing to report.
        let _ =
            child.start_kill().inspect_err(|error| tracing::debug!(%error, "the slot could not be killed"));
    }
    let status = reap(&mut child).await;
    reader.abort();
    // Ends with the pipe; a grandchild that keeps the pipe open does not hold the slot.
    let _ = tokio::time::timeout(EXIT_GRACE, relay).await;
    if kill.is_cancelled() {
        return;
    }
    if let Err(problem) = ended {
        let was_oom_killed = self::oom_kills().await > oom_kills;
        let words = std::mem::take(&mut *last_words.lock().unwrap_or_else(PoisonError::into_inner));
        let end = explain_death(status, problem, &words, was_oom_killed);
        for member in running {
            let event = MemberEvent::Ended(end.clone());
            // An agent that has gone wants no end.
            let _ = events.send(FromSlot::Member { member, event }).await;
        }
    }
}

/// Forwards events until no member is running any more. `Err` where the child died or spoke nonsense first.
async fn forward(
    frames: &mut mpsc::Receiver<io::Result<FromSlot>>,
    running: &mut BTreeSet<MemberId>,
    events: &mpsc::Sender<FromSlot>,
) -> Result<(), Option<io::Error>> {
    while let Some(frame) = frames.recv().await {
        let event = match frame {
            Ok(event) => event,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(None),
            Err(error) => return Err(Some(error)),
        };
        if let FromSlot::Member { member, event } = &event {
            let is_known = running.contains(member);
            if matches!(event, MemberEvent::Ended(_)) {
                running.remove(member);
            }
            if !is_known {
                return Err(Some(io::Error::other(format!("member {} is not running", member.0))));
            }
        }
        if events.send(event).await.is_err() {
            return Err(None);
        }
        if running.is_empty() {
            return Ok(());
        }
    }
    Err(None)
}

async fn read_frames(mut stdout: ChildStdout, frames: mpsc::Sender<io::Result<FromSlot>>) {
    while let Some(frame) = read_frame_async(&mut stdout).await.transpose() {
        let failed = frame.is_err();
        if frames.send(frame).await.is_err() || failed {
            return;
        }
    }
}

async fn write_commands(
    mut stdin: ChildStdin,
    first: Vec<u8>,
    mut commands: mpsc::Receiver<(MemberId, SlotCommand)>,
) {
    let mut frame = first;
    loop {
        // A broken pipe means that the child is gone; its exit status says why.
        if stdin.write_all(&frame).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
        let Some((member, command)) = commands.recv().await else {
            // The agent has lost interest but the child may still end its work.
            return std::future::pending().await;
        };
        match encode_frame(&ToSlot::Member { member, command }) {
            Ok(next) => frame = next,
            Err(_) => return,
        }
    }
}

async fn relay_stderr(stderr: ChildStderr, last_words: SharedWords) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = printable(&line);
        if text.is_empty() {
            continue;
        }
        tracing::info!(target: "worker::slot::stderr", "{text}");
        last_words.lock().unwrap_or_else(PoisonError::into_inner).hear(text);
    }
}

fn printable(line: &[u8]) -> String {
    String::from_utf8_lossy(line).chars().filter(|one| !is_steering(*one)).collect()
}

/// Waits for the child's exit; one that lingers is killed.
async fn reap(child: &mut Child) -> Option<ExitStatus> {
    if let Ok(status) = tokio::time::timeout(EXIT_GRACE, child.wait()).await {
        return status.ok();
    }
    tracing::warn!("the slot did not exit after its work and is killed");
    let _ = child.start_kill();
    child.wait().await.ok()
}

/// Processes of this machine killed for memory since it booted; 0 where that is not told.
async fn oom_kills() -> u64 {
    let text = tokio::fs::read_to_string(OOM_COUNTER_FILE).await.unwrap_or_default();
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or_default()
}

fn explain_death(
    status: Option<ExitStatus>,
    problem: Option<io::Error>,
    words: &LastWords,
    was_oom_killed: bool,
) -> SlotEnd {
    use std::os::unix::process::ExitStatusExt as _;

    /// The signal with which Linux kills for memory.
    const SIGKILL: i32 = 9;
    let signal = status.and_then(|status| status.signal());
    let mut kind = FailureKind::Crashed;
    let mut message = match (problem, status) {
        (Some(problem), _) => format!("the slot process spoke nonsense: {problem}"),
        (None, Some(status)) => format!("the slot process died: {status}"),
        (None, None) => "the slot process died".to_owned(),
    };
    if words.lacked_memory || (signal == Some(SIGKILL) && was_oom_killed) {
        kind = FailureKind::OutOfMemory;
        message.push_str(
            "; its memory did not suffice: give slots more (--slot-memory of sweep-worker join), or use fewer slots or smaller \
             trials",
        );
    }
    if !words.lines.is_empty() {
        message.push_str("; ");
        message.push_str(&last_words(words.lines.iter().map(String::as_str)));
    }
    SlotEnd::Failed { kind, message }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    fn kind(status: i32, lines: &[&str], was_oom_killed: bool) -> FailureKind {
        let mut words = LastWords::default();
        lines.iter().for_each(|line| words.hear((*line).to_owned()));
        match explain_death(Some(ExitStatus::from_raw(status)), None, &words, was_oom_killed) {
            SlotEnd::Failed { kind, .. } => kind,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_evidence_of_missing_memory_makes_a_death_out_of_memory() {
        assert_eq!(kind(9, &[], false), FailureKind::Crashed);
        assert_eq!(kind(9, &[], true), FailureKind::OutOfMemory);
        assert_eq!(kind(11, &[], true), FailureKind::Crashed);
        assert_eq!(kind(6, &["memory allocation of 8 bytes failed"], false), FailureKind::OutOfMemory);
        let with_backtrace = [&["memory allocation of 8 bytes failed"][..], &["frame"; 40]].concat();
        assert_eq!(kind(6, &with_backtrace, false), FailureKind::OutOfMemory);
        assert_eq!(kind(101 << 8, &["thread 'main' panicked"], false), FailureKind::Crashed);
    }

    #[test]
    fn gpus_are_counted_in_the_order_of_the_bus_unless_the_user_says_otherwise() {
        assert_eq!(order_of_devices(None), Some(("CUDA_DEVICE_ORDER", "PCI_BUS_ID")));
        assert_eq!(order_of_devices(Some(OsStr::new("FASTEST_FIRST"))), None);
    }

    #[test]
    fn last_words_stand_in_the_message_without_control_characters() {
        assert_eq!(printable(b"\x1b[31mred\x1b[0m\n"), "[31mred[0m");
        let mut words = LastWords::default();
        ["boom", "stack backtrace:"].into_iter().for_each(|line| words.hear(line.into()));
        (0..40).for_each(|frame| words.hear(format!("  {frame}: a::function")));
        let SlotEnd::Failed { message, .. } = explain_death(None, None, &words, false) else {
            panic!("no failure")
        };
        assert_eq!(message, "the slot process died; boom");
    }
}

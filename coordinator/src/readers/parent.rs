//! The coordinator's side: starts a child, hands it the order, follows it to its end.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use coordinator_dataset::Progress;
use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::{COMMAND, Order, ReadDataset, ReadError, Said, bounds, is_download};

/// How long one preparation may take: the largest corpora that are allowed take some minutes.
const TIME_MAX: Duration = Duration::from_hours(1);
/// Bytes of an answer's line: accounts of many variants.
const LINE_BYTES_MAX: u64 = 256 << 20;
/// Bytes of a child's last words that are kept.
const WORDS_BYTES_MAX: u64 = 16 << 10;
/// What a child gets beside what every confined process gets.
const PREFIXES: [&str; 1] = ["RAYON_"];
/// What a child gets that downloads: the way to the network. The address of a proxy may hold a password.
const NETWORK: [&str; 8] = [
    "SSL_CERT_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Has a child prepare an order. Dropped, it ends the child.
pub(super) async fn ask(
    program: &Path,
    order: &Order,
    progress: &(impl Progress + ?Sized),
) -> Result<Vec<ReadDataset>, ReadError> {
    let asked = tokio::time::timeout(TIME_MAX, conduct(program, order, progress));
    asked.await.unwrap_or(Err(ReadError::Time(TIME_MAX)))
}

async fn conduct(
    program: &Path,
    order: &Order,
    progress: &(impl Progress + ?Sized),
) -> Result<Vec<ReadDataset>, ReadError> {
    let broke = |error: std::io::Error| ReadError::Broke(error.to_string());
    let mut child = start(program, is_download(&order.data.source)).map_err(broke)?;
    let (Some(mut input), Some(output), Some(words)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(ReadError::Broke("the child has no streams".to_owned()));
    };
    let mut line = serde_json::to_vec(order).map_err(|error| broke(error.into()))?;
    line.push(b'\n');
    input.write_all(&line).await.map_err(broke)?;
    let mut memory_bytes = bounds::memory_bytes(0, order.memory_bytes_max);
    let follow = follow(output, progress, &mut memory_bytes);
    let (answer, words) = tokio::join!(follow, last_words(words));
    if let Some(answer) = answer? {
        return answer;
    }
    // It has closed its output without an answer: it is at its end.
    drop(input);
    let status = child.wait().await.map_err(broke)?;
    Err(death(status, &words, memory_bytes))
}

fn start(program: &Path, is_download: bool) -> std::io::Result<Child> {
    let network = NETWORK.iter().filter(|_| is_download);
    let prefixes: Vec<&str> = PREFIXES.iter().chain(network).copied().collect();
    let kept = sweep_confinement::listed(std::env::vars_os(), &prefixes);
    Command::new(program)
        .arg(COMMAND)
        .env_clear()
        .envs(kept)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// Reads the child's lines up to its answer; nothing where it ends without one.
async fn follow(
    output: ChildStdout,
    progress: &(impl Progress + ?Sized),
    memory_bytes: &mut u64,
) -> Result<Option<Result<Vec<ReadDataset>, ReadError>>, ReadError> {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await;
        if read.map_err(|error| ReadError::Broke(error.to_string()))? == 0 || line.last() != Some(&b'\n') {
            return Ok(None);
        }
        let said = serde_json::from_slice(&line);
        match said.map_err(|error| ReadError::Broke(format!("its answer is not understood: {error}")))? {
            Said::Stage { name, total, in_bytes } => progress.stage(&name, total, in_bytes),
            Said::Advance(done) => progress.advance(done),
            Said::Memory(bytes) => *memory_bytes = bytes,
            Said::Done(datasets) => return Ok(Some(Ok(datasets))),
            Said::Refused { reason, is_out_of_reach } => {
                return Ok(Some(Err(ReadError::Refused { reason, is_out_of_reach })));
            }
        }
    }
}

/// The end of what the child says of itself.
async fn last_words(words: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut words = words;
    let mut piece = vec![0; WORDS_BYTES_MAX as usize];
    while let Ok(count @ 1..) = words.read(&mut piece).await {
        kept.extend_from_slice(&piece[..count]);
        let excess = kept.len().saturating_sub(WORDS_BYTES_MAX as usize);
        kept.drain(..excess);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// What a child that ended without an answer died of.
fn death(status: ExitStatus, words: &str, memory_bytes: u64) -> ReadError {
    let ran_out = words.contains("memory allocation of") || words.contains("Cannot allocate memory");
    if ran_out || status.signal() == Some(Signal::SIGKILL as i32) {
        return ReadError::Memory(memory_bytes);
    }
    tracing::error!(%status, words, "a process that reads data has ended without an answer");
    let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    ReadError::Broke(format!("its process ended with {status}: {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_is_said_in_a_persons_words() {
        let aborted = ExitStatus::from_raw(Signal::SIGABRT as i32);
        let said = death(aborted, "memory allocation of 4294967296 bytes failed\n", 1 << 30).to_string();
        assert!(said.starts_with("reading the data needs more than 1024 MiB of memory"), "{said}");
        assert!(said.contains("--data-memory MIB"), "{said}");
        let killed = ExitStatus::from_raw(Signal::SIGKILL as i32);
        assert!(matches!(death(killed, "", 1 << 30), ReadError::Memory(_)));
        let failed = ExitStatus::from_raw(1 << 8);
        let said = death(failed, "first\nthe disk is full\n\n", 1 << 30).to_string();
        assert!(said.ends_with("the disk is full"), "{said}");
    }
}

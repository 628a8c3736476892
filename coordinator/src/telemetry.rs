//! Logs of the `sweep` program: to standard error, as text or JSON lines, past the progress bars and after the full screen.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use clap::ValueEnum;
use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// The bars on the terminal, which log lines must not tear apart.
static BARS: OnceLock<MultiProgress> = OnceLock::new();

/// Log lines that wait while the whole terminal is taken; `None` where they need not.
static HELD_BACK: Mutex<Option<VecDeque<Vec<u8>>>> = Mutex::new(None);

/// Most lines that wait; the oldest go, because the newest say how it ended.
const HELD_BACK_MAX: usize = 200;

/// The program's one set of progress bars; log lines are written above it.
pub(crate) fn bars() -> &'static MultiProgress {
    BARS.get_or_init(MultiProgress::new)
}

/// From now on log lines wait, where they would be written onto what is drawn.
pub(crate) fn hold_back() {
    if io::stderr().is_terminal() {
        *HELD_BACK.lock().unwrap_or_else(PoisonError::into_inner) = Some(VecDeque::new());
    }
}

/// Writes the lines that have waited; later ones are written at once again.
pub(crate) fn let_go() {
    let lines = HELD_BACK.lock().unwrap_or_else(PoisonError::into_inner).take();
    for line in lines.into_iter().flatten() {
        // Nobody reads standard error any more: there is no one left to tell.
        let _unheard = io::stderr().write_all(&line);
    }
}

/// Keeps a line where lines wait; whether they do.
fn is_held_back(line: &[u8]) -> bool {
    let mut held = HELD_BACK.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(lines) = held.as_mut() else { return false };
    if lines.len() == HELD_BACK_MAX {
        lines.pop_front();
    }
    lines.push_back(line.to_owned());
    true
}

/// Turns logs on. `RUST_LOG` decides what is shown; without it, what is at least `default_level`.
pub(crate) fn start(format: LogFormat, default_level: &str, colour: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour && io::stderr().is_terminal())
        .with_writer(AboveBars);
    // A second subscriber in one process is refused; the first one then stays, which is right.
    let _already_set = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

/// Writes to standard error with the bars out of the way.
#[derive(Clone, Copy, Debug)]
struct AboveBars;

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if is_held_back(bytes) {
            return Ok(bytes.len());
        }
        match BARS.get() {
            Some(bars) => bars.suspend(|| io::stderr().write_all(bytes))?,
            None => io::stderr().write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for AboveBars {
    type Writer = Self;

    fn make_writer(&self) -> Self::Writer {
        *self
    }
}

//! Where a command's result goes: standard output, as text or JSON, plain unless on a terminal.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::exit::{Exit, Failure};

/// When colour is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Also when not on a terminal.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Decides for both streams and tells the styling library.
    pub(crate) fn apply(self) {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let decide = |terminal: bool| match self {
            Colour::Auto => terminal && !no_color,
            Colour::Always => true,
            Colour::Never => false,
        };
        console::set_colors_enabled(decide(io::stdout().is_terminal()));
        console::set_colors_enabled_stderr(decide(io::stderr().is_terminal()));
    }
}

/// Whether the terminal says that it can only write lines, or says nothing of itself.
pub(crate) fn is_dumb() -> bool {
    match std::env::var_os("TERM") {
        Some(name) => name == "dumb" || name.is_empty(),
        None => cfg!(unix),
    }
}

/// Standard output of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Whether the result is asked for as JSON.
    pub(crate) json: bool,
}

#[allow(clippy::unused_self, reason = "who may write to standard output is handed one of these")]
impl Output {
    /// Writes text and a line feed.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        write(text.as_bytes(), true)
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        write(bytes, false)
    }

    /// Writes a value as indented JSON.
    pub(crate) fn json<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure::failed(error.to_string()))?;
        self.text(&text)
    }

    /// Writes a value as JSON on one line: for streams of values.
    pub(crate) fn json_line<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::failed(error.to_string()))?;
        self.text(&text)
    }
}

fn write(bytes: &[u8], line: bool) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let ending: &[u8] = if line { b"\n" } else { b"" };
    let written =
        stdout.write_all(bytes).and_then(|()| stdout.write_all(ending)).and_then(|()| stdout.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::reader_gone(),
        _ => Failure::failed(format!("cannot write to standard output: {error}")),
    })
}

/// Returns once the reader of standard output has closed its end of the pipe: then a command that waits for something to
/// print waits for nobody. Never returns where standard output is something else.
#[cfg(unix)]
pub(crate) async fn reader_gone() {
    use std::os::fd::AsFd;
    use tokio::io::Interest;
    use tokio::net::unix::pipe;

    // Unchecked, because the check would make the pipe that others write to, too, a non-blocking one. A file cannot be
    // waited for: it has no other end.
    let stdout = io::stdout().as_fd().try_clone_to_owned();
    let pipe = stdout.and_then(|stdout| pipe::Sender::from_file_unchecked(stdout.into()));
    let is_gone = match pipe {
        Ok(pipe) => pipe.ready(Interest::ERROR).await.is_ok(),
        Err(_) => false,
    };
    if !is_gone {
        std::future::pending::<()>().await;
    }
}

#[cfg(not(unix))]
pub(crate) async fn reader_gone() {
    std::future::pending::<()>().await;
}

/// Writes a line to standard error, above any bars: what is told beside the result.
pub(crate) fn note(text: &str) {
    let bars = crate::telemetry::bars();
    // Nobody reads standard error any more: there is no one left to tell.
    let _unheard = bars.suspend(|| writeln!(io::stderr().lock(), "{text}"));
}

/// Prints a failure to standard error. That nobody reads any more is none: the reader has what it wanted.
pub(crate) fn print_failure(failure: &Failure) {
    if failure.exit == Exit::ReaderGone {
        return;
    }
    let error = console::style("error:").for_stderr().red().bold();
    // The problems of a sweep file come with their own places; only the line that counts them is ours.
    if let Some((problems, summary)) = failure.message.trim_end().rsplit_once('\n') {
        note(problems);
        note(&format!("{error} {summary}"));
    } else {
        note(&format!("{error} {}", failure.message));
    }
    if let Some(hint) = &failure.hint {
        note(&format!("{} {hint}", console::style("hint:").for_stderr().cyan().bold()));
    }
}

/// Text of strangers (names, labels, messages) without control characters, so that it can neither steer
/// the terminal nor turn the order of what stands beside it.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|one| if one.is_control() || turns_order(one) { '\u{fffd}' } else { one }).collect()
}

/// Whether a character breaks lines or makes later ones be shown from right to left, or the other way.
fn turns_order(one: char) -> bool {
    matches!(one, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nc"), "a\u{fffd}[31mb\u{fffd}c");
        assert_eq!(plain("a\u{202e}b\u{2066}c\u{2028}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(plain("감성 분석 👩‍💻"), "감성 분석 👩‍💻");
    }
}

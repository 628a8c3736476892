//! Where a command's result goes: standard output, as text or JSON, plain unless on a terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;
use sweep_proto::text::{REPLACEMENT, inert_json, inert_line, is_steering};

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
        write(inert_output(text, console::colors_enabled()).as_bytes(), true)
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        write(bytes, false)
    }

    /// Writes a value as indented JSON.
    pub(crate) fn json<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure::failed(error.to_string()))?;
        self.text(&inert_json(&text))
    }

    /// Writes a value as JSON on one line: for streams of values.
    pub(crate) fn json_line<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::failed(error.to_string()))?;
        self.text(&inert_json(&text))
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
    let text = inert_output(text, console::colors_enabled_stderr());
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

/// What is said beside a number of trials where deleted sweeps have some, too.
pub(crate) fn of_deleted(trials_of_deleted: u64) -> String {
    match trials_of_deleted {
        0 => String::new(),
        count => format!(" (and {count} of deleted sweeps)"),
    }
}

/// Text of strangers (names, labels, messages) without control characters, so that it can neither steer
/// the terminal nor turn the order of what stands beside it.
pub(crate) fn plain(text: &str) -> String {
    inert_line(text)
}

/// What goes to a stream, once more without anything that steers a terminal: lines and tabs stay, and styles where this program
/// uses them. Whatever a false coordinator sends ends here, also where a command has forgotten [`plain`].
fn inert_output(text: &str, has_styles: bool) -> Cow<'_, str> {
    let is_kept = |one: char| matches!(one, '\n' | '\t') || !is_steering(one);
    if text.chars().all(is_kept) {
        return Cow::Borrowed(text);
    }
    let mut inert = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(one) = rest.chars().next() {
        let style = style_length(rest).filter(|_| has_styles);
        let length = style.unwrap_or(one.len_utf8());
        if style.is_some() || is_kept(one) {
            inert.push_str(&rest[..length]);
        } else {
            inert.push(REPLACEMENT);
        }
        rest = &rest[length..];
    }
    Cow::Owned(inert)
}

/// The bytes of a sequence that sets colour or weight, where the text begins with one.
fn style_length(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|one: char| !one.is_ascii_digit() && one != ';')?;
    parameters[end..].starts_with('m').then_some("\u{1b}[".len() + end + 1)
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

    #[test]
    fn what_is_printed_is_inert_whoever_wrote_it() {
        let styled = "\u{1b}[1;32mgood\u{1b}[0m\n\ttwo";
        assert_eq!(inert_output(styled, true), styled);
        assert_eq!(inert_output("\u{1b}[31mred", false), "\u{fffd}[31mred");
        for hostile in [
            "\u{1b}[2J",
            "\u{1b}]0;title\u{7}",
            "\u{1b}[1;31",
            "\u{9b}2J",
            "a\rb",
            "\u{202e}x",
            "\u{1b}[3;4H",
        ] {
            let printed = inert_output(hostile, true);
            assert!(!printed.chars().any(is_steering), "{hostile:?}: {printed:?}");
        }
    }

    #[test]
    fn json_keeps_its_meaning_and_steers_nothing() {
        let value = serde_json::json!({ "name": "a\u{9b}2J\u{202e}b\u{e0041}\u{7f}\u{1b}" });
        for written in [serde_json::to_string(&value), serde_json::to_string_pretty(&value)] {
            let inert = inert_json(&written.expect("serialises"));
            assert!(!inert.chars().any(|one| one != '\n' && is_steering(one)), "{inert:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&inert).expect("JSON"), value);
        }
    }
}

//! The reason of a failure in a person's words, on one line. A trace of the program's calls belongs to the log alone.

use std::error::Error;

/// How Rust begins the trace of a panic; an error's own trace begins with its first frame.
const HEADING: &str = "stack backtrace:";
/// What Rust says of traces themselves.
const NOTES: [&str; 2] = ["note: run with `RUST_BACKTRACE", "note: Some details are omitted"];

/// An error and its causes in one line; traces that they carry are logged.
pub(crate) fn describe(error: &dyn Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(one) = cause {
        let text = one.to_string();
        let mut traces = Traces::default();
        let (trace, words): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| traces.hold(line));
        if !trace.is_empty() {
            tracing::info!("{}", trace.join("\n"));
        }
        said.push(in_one_line(words));
        cause = one.source();
    }
    said.retain(|words| !words.is_empty());
    said.join(": ")
}

/// The last lines of a process that died: what it panicked with and where, and all else that it said.
pub(crate) fn last_words<'l>(lines: impl IntoIterator<Item = &'l str>) -> String {
    let mut said = Vec::new();
    let mut lines = lines.into_iter();
    while let Some(line) = lines.next() {
        said.push(match panicked_at(line) {
            Some(place) => format!("it panicked: {} (at {place})", lines.next().unwrap_or_default().trim()),
            None => line.to_owned(),
        });
    }
    in_one_line(said.iter().map(String::as_str))
}

/// Where a thread panicked, of the line before its message.
fn panicked_at(line: &str) -> Option<&str> {
    let (thread, place) = line.split_once(" panicked at ")?;
    place.strip_suffix(':').filter(|_| thread.starts_with("thread '"))
}

fn in_one_line<'l>(lines: impl IntoIterator<Item = &'l str>) -> String {
    lines.into_iter().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Tells the lines of traces from words, line by line.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    is_inside: bool,
}

impl Traces {
    /// Whether a line is part of a trace.
    pub(crate) fn hold(&mut self, line: &str) -> bool {
        let line = line.trim();
        if NOTES.iter().any(|note| line.starts_with(note)) {
            return true;
        }
        self.is_inside = line.eq_ignore_ascii_case(HEADING)
            || frame(line) == Some(0)
            || (self.is_inside && (frame(line).is_some() || line.starts_with("at ") || line.is_empty()));
        self.is_inside
    }
}

/// The number of a frame: `12: worker::slot::run`.
fn frame(line: &str) -> Option<u32> {
    let (number, call) = line.split_once(": ")?;
    number.parse().ok().filter(|_| !call.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Failed(&'static str, Option<Box<Failed>>);

    impl fmt::Display for Failed {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(self.0)
        }
    }

    impl Error for Failed {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as &(dyn Error + 'static))
        }
    }

    const TRACE: &str = "shape mismatch in matmul, lhs: [2, 3], rhs: [2, 3]\n   0: candle_core::error::Error::bt\n             \
                         at /root/.cargo/registry/error.rs:264:25\n   1: worker_trainer::train\n  12: main\n";

    #[test]
    fn the_reason_of_a_failure_has_no_trace_of_calls() {
        let error = Failed("a tensor operation failed", Some(Box::new(Failed(TRACE, None))));
        assert_eq!(
            describe(&error),
            "a tensor operation failed: shape mismatch in matmul, lhs: [2, 3], rhs: [2, 3]"
        );
        assert_eq!(describe(&Failed("context\nmemory: 3: used", None)), "context; memory: 3: used");
    }

    #[test]
    fn candles_own_errors_have_no_trace_either() {
        // With RUST_BACKTRACE candle adds its trace to the message.
        let error = candle_core::Error::WithBacktrace {
            inner: Box::new(candle_core::Error::Msg("no such device".to_owned())),
            backtrace: Box::new(std::backtrace::Backtrace::force_capture()),
        };
        assert!(error.to_string().lines().count() > 3, "candle adds no trace any more: {error}");
        let told = describe(&worker_trainer::TrainError::from(error));
        assert_eq!(told, "a tensor operation failed: no such device");
    }

    #[test]
    fn a_panic_is_told_in_its_own_words() {
        let lines = [
            "thread 'main' (412) panicked at worker/src/slot/child.rs:90:5:",
            "index out of bounds: the len is 3 but the index is 7",
            "stack backtrace:",
            "   0: rust_begin_unwind",
            "             at /rustc/abc/library/std/src/panicking.rs:697:5",
            "   1: core::panicking::panic_fmt",
            "note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.",
            "bye",
        ];
        let mut traces = Traces::default();
        let words: Vec<&str> = lines.into_iter().filter(|line| !traces.hold(line)).collect();
        assert_eq!(
            last_words(words),
            "it panicked: index out of bounds: the len is 3 but the index is 7 (at worker/src/slot/child.rs:90:5); bye"
        );
        assert_eq!(last_words(["thread 'x' panicked at a.rs:1:1:"]), "it panicked:  (at a.rs:1:1)");
        assert_eq!(last_words([]), "");
    }
}

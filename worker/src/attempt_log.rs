//! The last lines of what is logged about each attempt, kept to be told to the coordinator.
//!
//! A layer of the log takes every event inside a span `attempt` that has a field `token`, and for all members those inside a
//! span `group` that has a field `tokens`. Lines are numbered from 1 within the attempt, so that they may be sent again: whoever
//! has a line already knows it by its number.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sweep_proto::protocol::{LOG_LINE_CHARACTERS_MAX, LOG_LINES_MAX};
use sweep_proto::text::is_steering;
use sweep_proto::{LeaseToken, wire};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Spans of one attempt and of a group, and their fields: the lease, or several with commas between them.
const SPANS: [(&str, &str); 2] = [("attempt", "token"), ("group", "tokens")];

/// Most bytes of text in one heartbeat: far below the bound of a message. What is left goes with the next one.
const HEARTBEAT_BYTES_MAX: usize = 256 << 10;

/// The logs of the attempts that are held. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct AttemptLogs(Arc<Mutex<BTreeMap<LeaseToken, Log>>>);

#[derive(Debug, Default)]
struct Log {
    lines: VecDeque<wire::LogLine>,
    /// Lines that were ever taken: the number of the last one.
    taken: u64,
    /// The number of the last line that was sent in this session.
    sent: u64,
}

impl Log {
    fn push(&mut self, line: wire::LogLine) {
        if self.lines.len() == LOG_LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        self.taken += 1;
    }

    /// The number of the first line that is kept.
    fn first(&self) -> u64 {
        self.taken - self.lines.len() as u64 + 1
    }

    /// Lines after a number, as many as fit into so many bytes of text.
    fn after(&self, token: LeaseToken, number: u64, bytes: &mut usize) -> Option<wire::LogLines> {
        let first = self.first().max(number + 1);
        let skipped = usize::try_from(first - self.first()).unwrap_or(usize::MAX);
        let fits = |line: &&wire::LogLine| {
            let left = bytes.checked_sub(line.text.len());
            *bytes = left.unwrap_or(0);
            left.is_some()
        };
        let lines: Vec<_> = self.lines.iter().skip(skipped).take_while(fits).cloned().collect();
        (!lines.is_empty()).then_some(wire::LogLines { token: token.0, first, lines })
    }
}

impl AttemptLogs {
    fn with<R>(&self, look: impl FnOnce(&mut BTreeMap<LeaseToken, Log>) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on lines of this attempt are kept.
    pub(crate) fn begin(&self, token: LeaseToken) {
        self.with(|logs| _ = logs.entry(token).or_default());
    }

    /// Nobody asks for its lines any more.
    pub(crate) fn end(&self, token: LeaseToken) {
        self.with(|logs| _ = logs.remove(&token));
    }

    /// A new session: what an earlier one has sent may be lost.
    pub(crate) fn restart(&self) {
        self.with(|logs| logs.values_mut().for_each(|log| log.sent = 0));
    }

    /// What no heartbeat of this session has sent yet; it counts as sent.
    pub(crate) fn unsent(&self) -> Vec<wire::LogLines> {
        let mut bytes = HEARTBEAT_BYTES_MAX;
        self.with(|logs| {
            let send = |(token, log): (&LeaseToken, &mut Log)| {
                let lines = log.after(*token, log.sent, &mut bytes)?;
                log.sent = lines.first + lines.lines.len() as u64 - 1;
                Some(lines)
            };
            logs.iter_mut().filter_map(send).collect()
        })
    }

    /// Every line of an attempt that is kept.
    pub(crate) fn all(&self, token: LeaseToken) -> Option<wire::LogLines> {
        let mut bytes = usize::MAX;
        self.with(|logs| logs.get(&token)?.after(token, 0, &mut bytes))
    }

    fn push(&self, token: LeaseToken, text: String) {
        let at_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        self.with(|logs| {
            if let Some(log) = logs.get_mut(&token) {
                log.push(wire::LogLine { at_ms, text });
            }
        });
    }
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for AttemptLogs {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let name = attributes.metadata().name();
        let Some((_, field)) = SPANS.into_iter().find(|(span, _)| *span == name) else { return };
        let mut found = FindTokens { field, tokens: Vec::new() };
        attributes.record(&mut found);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Tokens(found.tokens));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(mut scope) = context.event_scope(event) else { return };
        let Some(Tokens(tokens)) = scope.find_map(|span| span.extensions().get::<Tokens>().cloned()) else {
            return;
        };
        let mut line = Line(event.metadata().level().to_string(), 0);
        event.record(&mut line);
        for token in tokens {
            self.push(token, line.0.clone());
        }
    }
}

/// The leases that a span is about.
#[derive(Clone)]
struct Tokens(Vec<LeaseToken>);

/// Finds them among the fields of a span.
struct FindTokens {
    field: &'static str,
    tokens: Vec<LeaseToken>,
}

impl Visit for FindTokens {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == self.field {
            let text = format!("{value:?}");
            self.tokens.extend(text.split(',').filter_map(|one| one.parse().ok()).map(LeaseToken));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

/// The text of an event: level, message, `name=value` for each other field. Its length is bounded, and counted beside it.
struct Line(String, usize);

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.1 == LOG_LINE_CHARACTERS_MAX - "LEVEL".len() {
                return Err(fmt::Error);
            }
            self.1 += 1;
            // One line stays one line, and a terminal's commands are none here.
            self.0.push(if is_steering(character) { ' ' } else { character });
        }
        Ok(())
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // An error says that the line is full.
        _ = match field.name() {
            "message" => write!(self, " {value:?}"),
            name => write!(self, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const TOKEN_7: LeaseToken = LeaseToken(7);

    fn texts(lines: &wire::LogLines) -> Vec<&str> {
        lines.lines.iter().map(|line| line.text.as_str()).collect()
    }

    /// Logs inside the span of an attempt under lease 7.
    fn logging(logs: &AttemptLogs, log: impl FnOnce()) {
        let subscriber = tracing_subscriber::registry().with(logs.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("outside");
            tracing::info_span!("attempt", attempt = "1/2/3", token = %TOKEN_7).in_scope(log);
        });
    }

    #[test]
    fn what_is_said_of_a_group_is_said_of_each_member() {
        let logs = AttemptLogs::default();
        logs.begin(TOKEN_7);
        logs.begin(LeaseToken(8));
        let subscriber = tracing_subscriber::registry().with(logs.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info_span!("group", tokens = "7,8").in_scope(|| {
                tracing::info!("of both");
                tracing::info_span!("attempt", token = %TOKEN_7).in_scope(|| tracing::info!("of one"));
            });
        });
        assert_eq!(texts(&logs.all(TOKEN_7).expect("kept")), ["INFO of both", "INFO of one"]);
        assert_eq!(texts(&logs.all(LeaseToken(8)).expect("kept")), ["INFO of both"]);
    }

    #[test]
    fn events_inside_an_attempt_become_its_lines() {
        let logs = AttemptLogs::default();
        logs.begin(TOKEN_7);
        logging(&logs, || {
            tracing::info!(epoch = 3, loss = 0.5, "an epoch ended");
            tracing::info_span!("inner").in_scope(|| tracing::warn!(why = "a\nb\u{1b}[31m", "trouble"));
        });
        let lines = logs.all(TOKEN_7).expect("kept");
        assert_eq!((lines.token, lines.first), (7, 1));
        assert_eq!(
            texts(&lines),
            ["INFO an epoch ended epoch=3 loss=0.5", r#"WARN trouble why="a\nb\u{1b}[31m""#]
        );
        assert!(lines.lines[0].at_ms > 1_700_000_000_000);
    }

    #[test]
    fn nothing_is_kept_of_an_attempt_that_is_not_held() {
        let logs = AttemptLogs::default();
        logging(&logs, || tracing::info!("early"));
        assert_eq!(logs.all(TOKEN_7), None);
        logs.begin(TOKEN_7);
        logging(&logs, || tracing::info!("held"));
        logs.end(TOKEN_7);
        logging(&logs, || tracing::info!("late"));
        assert_eq!(logs.all(TOKEN_7), None);
    }

    #[test]
    fn only_the_last_lines_are_kept_and_long_ones_are_cut() {
        let logs = AttemptLogs::default();
        logs.begin(TOKEN_7);
        let long = "é".repeat(2 * LOG_LINE_CHARACTERS_MAX);
        logging(&logs, || {
            (0..LOG_LINES_MAX + 5).for_each(|number| tracing::info!(number, "a line"));
            tracing::error!("{long}");
        });
        let lines = logs.all(TOKEN_7).expect("kept");
        assert_eq!((lines.first, lines.lines.len()), (7, LOG_LINES_MAX));
        assert_eq!(texts(&lines)[0], "INFO a line number=6");
        let last = texts(&lines)[LOG_LINES_MAX - 1];
        assert!(last.starts_with("ERROR éé") && last.chars().count() == LOG_LINE_CHARACTERS_MAX, "{last}");
    }

    #[test]
    fn each_line_is_sent_once_in_a_session_and_again_in_the_next() {
        let logs = AttemptLogs::default();
        logs.begin(TOKEN_7);
        logging(&logs, || tracing::info!("one"));
        let first = logs.unsent();
        assert_eq!((first.len(), texts(&first[0])), (1, vec!["INFO one"]));
        assert_eq!(logs.unsent(), []);
        logging(&logs, || tracing::info!("two"));
        let second = logs.unsent();
        assert_eq!((second[0].first, texts(&second[0])), (2, vec!["INFO two"]));
        logs.restart();
        assert_eq!(texts(&logs.unsent()[0]), ["INFO one", "INFO two"]);
    }

    #[test]
    fn a_heartbeat_carries_a_bounded_part_and_the_next_ones_the_rest() {
        let logs = AttemptLogs::default();
        logs.begin(TOKEN_7);
        let long = "日".repeat(LOG_LINE_CHARACTERS_MAX);
        logging(&logs, || (0..LOG_LINES_MAX).for_each(|_| tracing::info!("{long}")));
        let mut sent = 0;
        let mut heartbeats = 0;
        loop {
            let part = logs.unsent();
            let Some(lines) = part.first() else { break };
            assert_eq!(lines.first, sent + 1);
            assert!(lines.lines.iter().map(|line| line.text.len()).sum::<usize>() <= HEARTBEAT_BYTES_MAX);
            sent += lines.lines.len() as u64;
            heartbeats += 1;
        }
        assert_eq!(sent, LOG_LINES_MAX as u64);
        assert!(heartbeats > 1, "{heartbeats}");
    }
}

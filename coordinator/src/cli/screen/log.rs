//! The log of what changed: bounded, newest first.

use std::collections::VecDeque;

use jiff::civil::Time;
use sweep_proto::state;

/// Most lines kept: some screenfuls, beyond which nobody scrolls.
const LINES_MAX: usize = 500;

/// What a line is about, which decides its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Something succeeded.
    Good,
    /// Something went wrong.
    Bad,
    /// Something to look at, though nothing is lost.
    Warning,
    /// A better configuration.
    Best,
    /// Anything else.
    Note,
}

impl From<state::Tone> for Tone {
    fn from(tone: state::Tone) -> Self {
        match tone {
            state::Tone::Plain | state::Tone::Busy => Self::Note,
            state::Tone::Good => Self::Good,
            state::Tone::Warning => Self::Warning,
            state::Tone::Bad => Self::Bad,
        }
    }
}

/// A line without its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// What it is about.
    pub(super) tone: Tone,
    /// What happened, fit for a terminal.
    pub(super) text: String,
}

impl Change {
    /// A line of that tone.
    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The time of day.
    pub(super) at: Time,
    /// What happened.
    pub(super) change: Change,
}

/// The newest lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
}

impl Log {
    /// Adds a line; the oldest one goes where there are too many.
    pub(super) fn add(&mut self, at: Time, change: Change) {
        self.entries.push_front(Entry { at, change });
        self.entries.truncate(LINES_MAX);
    }

    /// The lines, newest first.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_go() {
        let mut log = Log::default();
        for number in 0..=LINES_MAX {
            log.add(Time::midnight(), Change::new(Tone::Note, number.to_string()));
        }
        assert_eq!(log.len(), LINES_MAX);
        assert_eq!(log.entries().next().map(|entry| entry.change.text.clone()), Some(LINES_MAX.to_string()));
        assert_eq!(log.entries().last().map(|entry| entry.change.text.as_str()), Some("1"));
    }
}

//! The last lines of what workers log about their attempts, in memory only: they explain, and nothing is decided by them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use sweep_proto::protocol::LOG_LINES_MAX;
use sweep_proto::{AttemptId, Timestamp};

/// Most bytes of all lines together; the logs that grew least lately go first.
const BYTES_MAX: usize = 32 << 20;

/// What a line takes beside its text, in bytes.
const LINE_BYTES: usize = size_of::<LogLine>();

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// By the worker's clock.
    pub(crate) at: Timestamp,
    pub(crate) text: String,
}

/// The last lines of an attempt's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AttemptLog {
    /// Lines before those that are kept.
    pub(crate) gone: u64,
    pub(crate) lines: VecDeque<LogLine>,
}

impl AttemptLog {
    fn bytes(&self) -> usize {
        self.lines.iter().map(|line| LINE_BYTES + line.text.len()).sum()
    }

    /// The number of the last line, from 1.
    fn last(&self) -> u64 {
        self.gone + self.lines.len() as u64
    }

    /// Takes lines from this number on; those that are known change nothing.
    fn take(&mut self, first: u64, lines: Vec<LogLine>) {
        let last = self.last();
        if first > last + 1 {
            // What lies between is lost: the older part would look as if it went on here.
            self.lines.clear();
            self.gone = first - 1;
        }
        let known = usize::try_from((last + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        self.lines.extend(lines.into_iter().skip(known));
        let surplus = self.lines.len().saturating_sub(LOG_LINES_MAX);
        self.lines.drain(..surplus);
        self.gone += surplus as u64;
    }
}

/// The logs of the attempts that were heard of lately.
#[derive(Debug)]
pub(crate) struct AttemptLogs {
    kept: Mutex<Kept>,
    bytes_max: usize,
}

#[derive(Debug)]
struct Kept {
    logs: LruCache<AttemptId, AttemptLog>,
    bytes: usize,
}

impl Default for AttemptLogs {
    fn default() -> Self {
        Self::bounded(BYTES_MAX)
    }
}

impl AttemptLogs {
    fn bounded(bytes_max: usize) -> Self {
        Self { kept: Mutex::new(Kept { logs: LruCache::unbounded(), bytes: 0 }), bytes_max }
    }

    /// Adds lines, the first of which has this number, counted from 1. Numbers that nobody can count to are ignored.
    pub(crate) fn add(&self, attempt: AttemptId, first: u64, lines: Vec<LogLine>) {
        if first == 0 || first.checked_add(lines.len() as u64).is_none() || lines.is_empty() {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let log = kept.logs.get_or_insert_mut(attempt, AttemptLog::default);
        let before = log.bytes();
        log.take(first, lines);
        let after = log.bytes();
        kept.bytes = kept.bytes + after - before;
        while kept.bytes > self.bytes_max {
            let Some((_, oldest)) = kept.logs.pop_lru() else { break };
            kept.bytes -= oldest.bytes();
        }
    }

    /// What `wanted` makes of the last line of an attempt's log of which it makes anything.
    pub(crate) fn last_of<T>(&self, attempt: AttemptId, wanted: impl Fn(&str) -> Option<T>) -> Option<T> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.logs.peek(&attempt)?.lines.iter().rev().find_map(|line| wanted(&line.text))
    }

    /// The log of an attempt; `None` where nothing is known of it, or not any more.
    pub(crate) fn of(&self, attempt: AttemptId) -> Option<AttemptLog> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).logs.peek(&attempt).cloned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sweep_proto::{SweepId, TrialId};

    use super::*;

    fn attempt(number: u32) -> AttemptId {
        AttemptId { trial: TrialId { sweep: SweepId(1), index: 0 }, number }
    }

    /// The lines of these numbers.
    fn lines(numbers: std::ops::Range<u64>) -> Vec<LogLine> {
        numbers.map(|number| LogLine { at: Timestamp(number), text: format!("line {number}") }).collect()
    }

    #[test]
    fn lines_that_come_again_change_nothing_and_lost_ones_are_counted() {
        let logs = AttemptLogs::default();
        let add = |from: u64, to: u64| logs.add(attempt(1), from, lines(from..to));
        let log = |gone, from, to| Some(AttemptLog { gone, lines: lines(from..to).into() });
        add(1, 4);
        add(2, 6);
        add(1, 3);
        assert_eq!(logs.of(attempt(1)), log(0, 1, 6));
        add(9, 11);
        assert_eq!(logs.of(attempt(1)), log(8, 9, 11));
        add(1, 6);
        assert_eq!(logs.of(attempt(1)), log(8, 9, 11));
        add(11, 11 + LOG_LINES_MAX as u64);
        assert_eq!(logs.of(attempt(1)), log(10, 11, 11 + LOG_LINES_MAX as u64));
        assert_eq!(logs.of(attempt(2)), None);
    }

    #[test]
    fn numbers_that_nobody_can_count_to_are_ignored() {
        let logs = AttemptLogs::default();
        for first in [0, u64::MAX, u64::MAX - 1] {
            logs.add(attempt(1), first, lines(0..3));
        }
        logs.add(attempt(1), 5, Vec::new());
        assert_eq!(logs.of(attempt(1)), None);
    }

    #[test]
    fn the_logs_that_grew_least_lately_go_first() {
        let one = LINE_BYTES + "line 1".len();
        let logs = AttemptLogs::bounded(3 * one);
        (1..=3).for_each(|number| logs.add(attempt(number), 1, lines(1..2)));
        logs.add(attempt(1), 2, lines(2..3));
        let kept = |number| logs.of(attempt(number)).map(|log| log.lines.len());
        assert_eq!((kept(1), kept(2), kept(3)), (Some(2), None, Some(1)));
    }

    proptest! {
        /// Whatever comes, the bound holds, the count of bytes is true, and lines stand in the order of their numbers.
        #[test]
        fn a_log_is_bounded_and_in_order(parts in prop::collection::vec((1..4_u32, 1..900_u64, 0..250_u64), 0..60)) {
            let logs = AttemptLogs::bounded(20_000);
            for (number, first, count) in parts {
                logs.add(attempt(number), first, lines(first..first + count));
                let kept = logs.kept.lock().unwrap();
                prop_assert!(kept.bytes <= 20_000);
                prop_assert_eq!(kept.bytes, kept.logs.iter().map(|(_, log)| log.bytes()).sum::<usize>());
                for (_, log) in &kept.logs {
                    prop_assert!(log.lines.len() <= LOG_LINES_MAX);
                    for (place, line) in log.lines.iter().enumerate() {
                        prop_assert_eq!(line.at.0, log.gone + 1 + place as u64);
                    }
                }
            }
        }
    }
}

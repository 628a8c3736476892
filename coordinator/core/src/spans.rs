//! The time in which something ran: the union of intervals, with short pauses between them bridged.

use std::collections::BTreeMap;

use sweep_proto::Timestamp;

use crate::record::AttemptRecord;

/// Longest pause between two attempts that still counts as running, in milliseconds: a worker asks for the next trial,
/// fetches what it needs and starts a slot.
pub const PAUSE_MS: u64 = 10_000;

/// Whether a time from launch to end is so much longer than what ran in it that people are told of both: by a minute and a
/// tenth at least.
pub fn is_much_longer(calendar_seconds: f64, ran_seconds: f64) -> bool {
    let idle = calendar_seconds - ran_seconds;
    idle >= 60.0 && idle >= ran_seconds / 10.0
}

/// Disjoint intervals, in milliseconds since the Unix epoch. The same intervals give the same spans in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// End of each by its beginning.
    ends: BTreeMap<u64, u64>,
    total_ms: u64,
}

impl Spans {
    /// The spans of some attempts, those that run left out.
    pub fn of<'a>(attempts: impl IntoIterator<Item = &'a AttemptRecord>) -> Self {
        let mut spans = Self::default();
        attempts.into_iter().for_each(|attempt| spans.add(attempt));
        spans
    }

    /// Adds an attempt that has ended; one that runs changes nothing.
    pub fn add(&mut self, attempt: &AttemptRecord) {
        if let Some(until) = attempt.charged_until() {
            self.insert(attempt.started_at, until);
        }
    }

    /// Adds an interval.
    pub fn insert(&mut self, from: Timestamp, until: Timestamp) {
        let (mut from, mut until) = (from.0, until.0.max(from.0));
        // What begins before, and lasts until shortly before it.
        let before = self.ends.range(..=from).next_back().map(|(start, end)| (*start, *end));
        if let Some((start, end)) = before.filter(|(_, end)| end.saturating_add(PAUSE_MS) >= from) {
            if end >= until {
                return;
            }
            self.remove(start, end);
            from = start;
        }
        while let Some((start, end)) =
            self.ends.range(from..=until.saturating_add(PAUSE_MS)).next().map(|(start, end)| (*start, *end))
        {
            self.remove(start, end);
            until = until.max(end);
        }
        self.ends.insert(from, until);
        self.total_ms += until - from;
    }

    fn remove(&mut self, start: u64, end: u64) {
        self.ends.remove(&start);
        self.total_ms -= end - start;
    }

    /// Milliseconds of all of them.
    pub fn total_ms(&self) -> u64 {
        self.total_ms
    }

    /// Milliseconds of all of them, and of one more interval.
    pub fn total_with_ms(&self, from: Timestamp, until: Timestamp) -> u64 {
        let (from, until) = (from.0, until.0.max(from.0));
        let before = self.ends.range(..=from).next_back().map(|(start, end)| (*start, *end));
        let touching = before.filter(|(_, end)| end.saturating_add(PAUSE_MS) >= from);
        let after = self.ends.range(from..=until.saturating_add(PAUSE_MS)).map(|(start, end)| (*start, *end));
        let (mut covered, mut first, mut last) = (0, from, until);
        for (start, end) in touching.into_iter().chain(after.filter(|one| Some(*one) != touching)) {
            covered += end - start;
            (first, last) = (first.min(start), last.max(end));
        }
        self.total_ms - covered + (last - first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans(all: &[(u64, u64)]) -> Spans {
        let mut spans = Spans::default();
        all.iter().for_each(|(from, until)| spans.insert(Timestamp(*from), Timestamp(*until)));
        spans
    }

    #[test]
    fn time_in_which_nothing_ran_does_not_count() {
        const HOUR: u64 = 3_600_000;
        // Two slots, then a night, then another hour with a short pause in it.
        let all = [(0, HOUR), (1_000, HOUR), (10 * HOUR, 10 * HOUR + 5_000), (10 * HOUR + 9_000, 11 * HOUR)];
        assert_eq!(spans(&all).total_ms(), 2 * HOUR);
        assert_eq!(spans(&all[..2]).total_with_ms(Timestamp(HOUR / 2), Timestamp(2 * HOUR)), 2 * HOUR);
        assert_eq!(Spans::default().total_ms(), 0);
    }

    proptest! {
        /// In any order they are the same, as long as a brute-force count says, and one more is counted as if inserted.
        #[test]
        fn spans_are_a_union(
            all in prop::collection::vec((0_u64..400_000, 0_u64..30_000), 0..30), more in (0_u64..400_000, 0_u64..30_000),
        ) {
            let all: Vec<_> = all.into_iter().map(|(from, length)| (from, from + length)).collect();
            let forward = spans(&all);
            let backward = spans(&all.iter().rev().copied().collect::<Vec<_>>());
            prop_assert_eq!(&forward, &backward);
            let mut sorted = all.clone();
            sorted.sort_unstable();
            let (mut total, mut end) = (0, None::<u64>);
            for (from, until) in sorted {
                let reached = end.filter(|end| end + PAUSE_MS >= from);
                total += until.saturating_sub(reached.unwrap_or(from));
                end = Some(until.max(reached.unwrap_or(until)));
            }
            prop_assert_eq!(forward.total_ms(), total);
            let (from, until) = (Timestamp(more.0), Timestamp(more.0 + more.1));
            let mut with = forward.clone();
            with.insert(from, until);
            prop_assert_eq!(with.total_ms(), forward.total_with_ms(from, until));
        }
    }
}

//! For how long the attempts of a sweep held their slots: kept as they begin and end.

use std::collections::BTreeMap;

use sweep_proto::Timestamp;

use crate::record::AttemptRecord;

/// Sums over the attempts of a sweep. They are exact, so that what is taken out again leaves no trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Milliseconds of those that have ended.
    ended_ms: u128,
    /// Those that run, counted by when the rows say that they were last heard.
    running: BTreeMap<Timestamp, u64>,
    /// How many run.
    count: u64,
    /// When these began, in milliseconds since the Unix epoch, added up.
    started_ms: u128,
}

impl Held {
    /// An attempt is there, as it has become.
    pub(super) fn add(&mut self, attempt: &AttemptRecord) {
        if attempt.ended_at.is_some() {
            self.ended_ms += u128::from(attempt.charged_ms());
            return;
        }
        *self.running.entry(heard(attempt)).or_default() += 1;
        self.count += 1;
        self.started_ms += u128::from(attempt.started_at.0);
    }

    /// An attempt is no longer as it was.
    pub(super) fn remove(&mut self, attempt: &AttemptRecord) {
        if attempt.ended_at.is_some() {
            self.ended_ms -= u128::from(attempt.charged_ms());
            return;
        }
        let heard = heard(attempt);
        if let Some(count) = self.running.get_mut(&heard) {
            *count -= 1;
            if *count == 0 {
                self.running.remove(&heard);
            }
        }
        self.count -= 1;
        self.started_ms -= u128::from(attempt.started_at.0);
    }

    /// Milliseconds of the attempts that have ended.
    pub(crate) fn ended_ms(&self) -> u64 {
        u64::try_from(self.ended_ms).unwrap_or(u64::MAX)
    }

    /// Whether all attempts together may have held their slots for that long by now, as far as is told without a look at each that runs.
    /// None of these was heard later than now, or than the rows say where the clock was set back.
    pub(crate) fn may_reach(&self, now: Timestamp, most_ms: u64) -> bool {
        let last = self.running.last_key_value().map_or(now, |(heard, _)| now.max(*heard));
        let running_ms = u128::from(self.count) * u128::from(last.0) - self.started_ms;
        self.ended_ms + running_ms >= u128::from(most_ms)
    }
}

/// When an attempt was last heard as far as its row says.
fn heard(attempt: &AttemptRecord) -> Timestamp {
    attempt.heard_at.unwrap_or(attempt.started_at).max(attempt.started_at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::examples;

    fn attempt(started: u64, heard: Option<u64>, ended: Option<u64>) -> AttemptRecord {
        let (ended_at, heard_at) = (ended.map(Timestamp), heard.map(Timestamp));
        AttemptRecord { ended_at, heard_at, ..examples::attempt(started) }
    }

    fn attempts() -> impl Strategy<Value = Vec<AttemptRecord>> {
        let time = || 0_u64..10_000;
        let one = (time(), prop::option::of(time()), prop::option::of(time()));
        prop::collection::vec(one.prop_map(|(started, heard, ended)| attempt(started, heard, ended)), 0..20)
    }

    proptest! {
        /// Whatever came and went between, the sums are those of the rows that are there, and what they rule out is not so.
        #[test]
        fn sums_are_those_of_the_rows(
            kept in attempts(), passing in attempts(), now in 0_u64..10_000, heard_now: bool, most_ms in 0_u64..40_000,
        ) {
            let mut held = Held::default();
            passing.iter().chain(&kept).for_each(|one| held.add(one));
            passing.iter().rev().for_each(|one| held.remove(one));
            let mut fresh = Held::default();
            kept.iter().for_each(|one| fresh.add(one));
            prop_assert_eq!(&held, &fresh);
            let ended_ms: u64 = kept.iter().map(AttemptRecord::charged_ms).sum();
            prop_assert_eq!(held.ended_ms(), ended_ms);
            let last_heard = |one: &AttemptRecord| {
                let durable = one.heard_at.unwrap_or(one.started_at);
                if heard_now { durable.max(Timestamp(now)) } else { durable }
            };
            let running = kept.iter().filter(|one| one.ended_at.is_none());
            let running_ms: u64 = running.map(|one| last_heard(one).since_ms(one.started_at)).sum();
            prop_assert!(held.may_reach(Timestamp(now), most_ms) || ended_ms + running_ms < most_ms);
        }
    }
}

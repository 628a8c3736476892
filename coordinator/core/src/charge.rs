//! What an attempt is charged for, and what of it was in vain.

use sweep_proto::Timestamp;

use crate::record::{AttemptRecord, AttemptState};

impl AttemptRecord {
    /// Until when it held its slot: its end, or the last sign of life where its worker did not tell of the end: a lease outlives
    /// a dead worker. `None` while it runs.
    pub fn charged_until(&self) -> Option<Timestamp> {
        let ended_at = self.ended_at?;
        let heard_at = self.heard_at.unwrap_or(ended_at);
        Some(heard_at.clamp(self.started_at.min(ended_at), ended_at))
    }

    /// Milliseconds for which it held its slot; 0 while it runs.
    pub fn charged_ms(&self) -> u64 {
        self.charged_until().map_or(0, |until| until.since_ms(self.started_at))
    }

    /// Milliseconds of work that has to be done again: from the newest checkpoint that was kept, or from the start, to the
    /// last sign of life; 0 while it runs.
    pub fn lost_ms(&self) -> u64 {
        if self.state == AttemptState::Succeeded {
            return 0;
        }
        let kept_at = self.kept_at.unwrap_or(self.started_at).max(self.started_at);
        self.charged_until().map_or(0, |until| until.since_ms(kept_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::examples;

    fn attempt(state: AttemptState, heard_at: Option<u64>, kept_at: Option<u64>) -> AttemptRecord {
        AttemptRecord {
            state,
            ended_at: (state != AttemptState::Running).then_some(Timestamp(61_000)),
            heard_at: heard_at.map(Timestamp),
            kept_at: kept_at.map(Timestamp),
            ..examples::attempt(1_000)
        }
    }

    #[test]
    fn a_dead_worker_is_charged_until_it_was_last_heard() {
        let lost = attempt(AttemptState::Expired, Some(31_000), Some(21_000));
        assert_eq!((lost.charged_ms(), lost.lost_ms()), (30_000, 10_000));
        let nothing_kept = attempt(AttemptState::Expired, Some(31_000), None);
        assert_eq!((nothing_kept.charged_ms(), nothing_kept.lost_ms()), (30_000, 30_000));
    }

    #[test]
    fn what_goes_on_from_a_checkpoint_is_not_lost() {
        let released = attempt(AttemptState::Released, None, Some(61_000));
        assert_eq!((released.charged_ms(), released.lost_ms()), (60_000, 0));
        assert_eq!(attempt(AttemptState::Succeeded, None, Some(21_000)).lost_ms(), 0);
        let running = attempt(AttemptState::Running, Some(31_000), None);
        assert_eq!((running.charged_ms(), running.lost_ms()), (0, 0));
    }

    #[test]
    fn rows_of_earlier_versions_are_charged_to_their_end() {
        let expired = attempt(AttemptState::Expired, None, None);
        assert_eq!((expired.charged_ms(), expired.lost_ms()), (60_000, 60_000));
    }
}

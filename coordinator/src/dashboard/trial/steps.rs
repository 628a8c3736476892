//! The training loss of an attempt by optimiser step, read from the store as it grows.

use coordinator_core::AttemptState;
use coordinator_store::{StoreError, StoreReader};
use sweep_proto::{AttemptId, StepMetric};

/// Step metrics that are read of one attempt, the first ones; the report has no more either.
const STEPS_MAX: usize = 100_000;

/// The points that were read so far.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    attempt: Option<AttemptId>,
    /// Whether nothing can follow.
    is_whole: bool,
    /// Optimiser step and loss.
    points: Vec<(u64, f64)>,
}

impl Steps {
    /// What is known of this attempt before anything is read: where it is the one of before, all that was read then.
    pub(super) fn continued(attempt: Option<AttemptId>, before: Option<&Self>) -> Self {
        let known = before.filter(|before| before.attempt == attempt).cloned();
        known.unwrap_or(Self { attempt, is_whole: attempt.is_none(), points: Vec::new() })
    }

    /// Whether there may be more in the store.
    pub(super) fn may_grow(&self) -> bool {
        !self.is_whole && self.points.len() < STEPS_MAX
    }

    /// Reads what has come since, of an attempt that stood so before.
    ///
    /// # Errors
    /// As [`StoreReader::read_steps`].
    pub(super) fn read(
        &mut self,
        reader: &mut dyn StoreReader,
        state: AttemptState,
    ) -> Result<(), StoreError> {
        let Some(attempt) = self.attempt else { return Ok(()) };
        // Sequences have no gap.
        let known = self.points.len();
        let news = reader.read_steps(attempt, known as u64, STEPS_MAX.saturating_sub(known))?;
        self.points.extend(news.iter().map(|metric: &StepMetric| (metric.step, metric.loss)));
        self.is_whole = state != AttemptState::Running;
        Ok(())
    }

    /// Optimiser step and loss of each point, in order.
    pub(super) fn points(&self) -> &[(u64, f64)] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use coordinator_core::{AuditEntry, AuditSeal, Tables};
    use sweep_proto::{SweepId, TrialId};

    use super::*;

    /// A store that holds so many points of every attempt.
    struct Points(u64);

    impl StoreReader for Points {
        fn load(&mut self) -> Result<Tables, StoreError> {
            Ok(Tables::default())
        }

        fn read_steps(
            &mut self,
            of: AttemptId,
            from: u64,
            max: usize,
        ) -> Result<Vec<StepMetric>, StoreError> {
            let point = |sequence| StepMetric {
                sequence,
                epoch: of.number,
                step: 10 * sequence,
                loss: f64::from(of.number),
                examples_per_second: 1.0,
            };
            Ok((from..self.0).map(point).take(max).collect())
        }

        fn step_bytes(&mut self, _: TrialId) -> Result<u64, StoreError> {
            Ok(0)
        }

        fn read_audit(&mut self, _: u64, _: usize) -> Result<Vec<AuditEntry>, StoreError> {
            Ok(Vec::new())
        }

        fn read_seal(&mut self) -> Result<Option<AuditSeal>, StoreError> {
            Ok(None)
        }
    }

    /// As a page does it: what was known of an attempt before, and then what the store has.
    fn looked(number: u32, state: AttemptState, before: Option<&Steps>, points: u64) -> Steps {
        let trial = TrialId { sweep: SweepId(1), index: 0 };
        let mut steps = Steps::continued(Some(AttemptId { trial, number }), before);
        if steps.may_grow() {
            steps.read(&mut Points(points), state).unwrap();
        }
        steps
    }

    #[test]
    fn points_are_read_once_until_their_attempt_has_ended() {
        use AttemptState::{Running, Succeeded};
        let first = looked(1, Running, None, 2);
        assert_eq!(first.points(), [(0, 1.0), (10, 1.0)]);
        let more = looked(1, Running, Some(&first), 3);
        assert_eq!(more.points(), [(0, 1.0), (10, 1.0), (20, 1.0)]);
        // What came between the last look and the end is read, and nothing after it.
        let ended = looked(1, Succeeded, Some(&more), 4);
        assert_eq!((ended.points().len(), ended.may_grow()), (4, false));
        assert_eq!(looked(1, Succeeded, Some(&ended), 9).points().len(), 4);
        // Another attempt begins anew.
        let next = looked(2, Running, Some(&ended), 1);
        assert_eq!((next.points(), next.may_grow()), (&[(0, 2.0)][..], true));
    }

    #[test]
    fn points_are_bounded_and_what_has_not_begun_has_none() {
        let many = looked(1, AttemptState::Running, None, 2 * STEPS_MAX as u64);
        assert_eq!((many.points().len(), many.may_grow()), (STEPS_MAX, false));
        assert!(!Steps::continued(None, Some(&many)).may_grow());
    }
}

//! The training loss of an attempt by optimiser step, read from the store as it grows.

use coordinator_core::{AttemptRecord, AttemptState};
use coordinator_store::{StoreError, StoreReader};
use sweep_proto::{AttemptId, StepMetric};

/// Step metrics that are read of one attempt, the first ones; the report has no more either.
const STEPS_MAX: usize = 100_000;

/// The points that were read so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    attempt: Option<AttemptId>,
    /// Whether nothing can follow.
    is_whole: bool,
    /// Optimiser step and loss.
    points: Vec<(u64, f64)>,
}

impl Steps {
    /// What is known of this attempt before anything is read: where it is the one of before, all that was read then.
    pub(super) fn of(attempt: Option<&AttemptRecord>, before: Option<&Self>) -> Self {
        let id = attempt.map(|attempt| attempt.id);
        let known = before.filter(|before| before.attempt == id).cloned();
        let mut steps = known.unwrap_or(Self { attempt: id, ..Self::default() });
        steps.is_whole |= id.is_none();
        steps
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

//! How far a sweep has come, in epochs: kept as epochs come in and trials end.

use sweep_proto::SweepId;

use crate::engine::Engine;
use crate::record::TrialRecord;
use crate::source;

/// Epochs done, and epochs planned: a trial that ran to an end planned what it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Epochs that were trained, those of results taken over included.
    pub done: u64,
    /// Epochs that will have been trained at the end, as far as is known. Of a sweep that is open-ended, of the trials that were made.
    pub planned: u64,
}

impl Progress {
    /// A trial of which that many epochs are recorded.
    pub(crate) fn of(trial: &TrialRecord, recorded: u32) -> Self {
        let done = u64::from(trial.result.as_ref().map_or(recorded, |result| result.epochs));
        Self {
            done,
            planned: if trial.state.ran_to_an_end() { done } else { trial.spec.configuration.epochs() },
        }
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.done += more.done;
        self.planned += more.planned;
    }

    pub(crate) fn remove(&mut self, less: Self) {
        self.done -= less.done;
        self.planned -= less.planned;
    }
}

impl Engine {
    /// How far a sweep has come, those of its trials included that are yet to be made.
    pub fn progress(&self, sweep: SweepId) -> Progress {
        let (Some(index), Some(sweep)) = (self.index.sweeps.get(&sweep), self.sweep(sweep)) else {
            return Progress::default();
        };
        let Progress { done, planned } = index.progress;
        // The points of an ended grid are not looked at where none is left.
        let is_none_left = index.unmade() == 0 || sweep.is_open_ended();
        let unmade = if is_none_left { 0 } else { source::of(sweep, index.tally()).unmade_epochs() };
        // Not every trial that has room to train to its end will: a budget of epochs is what all of them may spend.
        let budget = sweep.spec.search.as_deref().and_then(|search| search.budget.epochs);
        let planned = planned.saturating_add(unmade).min(budget.unwrap_or(u64::MAX).max(done));
        Progress { done, planned }
    }
}

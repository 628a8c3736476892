//! What becomes of trials of a sweep with a budget of hours or money, as far as their states alone do not say it.

use std::collections::BTreeSet;

use sweep_proto::{SweepId, TrialId};

use crate::record::{SweepRecord, TrialRecord, TrialState};
use crate::tables::Tables;

/// Trials whose course depends on their epochs, by their index in the sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Courses {
    /// Trials that have trained to their end and wait, because their result was lost. To tell it takes no epoch, so they are handed
    /// out even where the budget is spent.
    pub(crate) untold: BTreeSet<u32>,
    /// Trials that are shelved or wait at rungs, and train on as soon as their sweep goes on with more budget. The others of these wait
    /// at their rungs then.
    pub(crate) train_on: BTreeSet<u32>,
}

impl Courses {
    /// A trial or its epochs have changed.
    pub(super) fn follow(&mut self, tables: &Tables, trial: &TrialRecord) {
        let Some(sweep) = metered(tables, trial.spec.id.sweep) else { return };
        let index = trial.spec.id.index;
        let is_stopped = trial.is_shelved() || trial.rung().is_some();
        let waits = matches!(trial.state, TrialState::Pending | TrialState::Paused) && !is_stopped;
        set(&mut self.untold, index, waits && tables.end_epoch(trial).is_some());
        set(&mut self.train_on, index, is_stopped && sweep.revived(tables, trial).rung().is_none());
    }

    /// A trial's row is gone.
    pub(super) fn forget(&mut self, trial: TrialId) {
        self.untold.remove(&trial.index);
        self.train_on.remove(&trial.index);
    }
}

/// A sweep, where it has a budget of hours or money.
pub(super) fn metered(tables: &Tables, sweep: SweepId) -> Option<&SweepRecord> {
    tables.sweeps.get(&sweep).filter(|sweep| sweep.spec.metered_ms().is_some())
}

fn set(trials: &mut BTreeSet<u32>, trial: u32, is_in: bool) {
    if is_in {
        trials.insert(trial);
    } else {
        trials.remove(&trial);
    }
}

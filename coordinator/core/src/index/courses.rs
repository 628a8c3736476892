//! What becomes of trials of a sweep with a budget of hours or money, as far as their states alone do not say it.

use std::collections::BTreeSet;

use sweep_proto::{SweepId, TrialSpec};

use crate::record::{SweepRecord, TrialRecord, TrialState};
use crate::tables::Tables;

/// Trials whose course depends on their epochs, by their index in the sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Courses {
    /// Trials that have trained to their end and wait, because their result was lost. To tell it takes no epoch, so they are handed
    /// out even where the budget is spent.
    pub(crate) untold: BTreeSet<u32>,
    /// Those of `untold` that are pending, each behind its replicate: in the order in which they are handed out.
    pub(crate) untold_pending: BTreeSet<(u32, u32)>,
    /// Those of `untold` that stand at a rung. An earlier program left them there; they wait for a worker as soon as they follow.
    pub(crate) ended_at_rungs: BTreeSet<u32>,
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
        let waits = matches!(trial.state, TrialState::Pending | TrialState::Paused);
        let is_untold = waits && tables.end_epoch(trial).is_some();
        let place = (trial.spec.replicate, index);
        set(&mut self.untold, index, is_untold);
        set(&mut self.untold_pending, place, is_untold && trial.state == TrialState::Pending);
        set(&mut self.ended_at_rungs, index, is_untold && trial.rung().is_some());
        set(&mut self.train_on, index, is_stopped && sweep.revived(tables, trial).rung().is_none());
    }

    /// Trials of `untold` that are paused with their sweep.
    pub(super) fn untold_paused(&self) -> usize {
        self.untold.len() - self.untold_pending.len() - self.ended_at_rungs.len()
    }

    /// A trial's row is gone.
    pub(super) fn forget(&mut self, trial: &TrialSpec) {
        let index = trial.id.index;
        self.untold.remove(&index);
        self.untold_pending.remove(&(trial.replicate, index));
        self.ended_at_rungs.remove(&index);
        self.train_on.remove(&index);
    }
}

/// A sweep, where it has a budget of hours or money.
pub(super) fn metered(tables: &Tables, sweep: SweepId) -> Option<&SweepRecord> {
    tables.sweeps.get(&sweep).filter(|sweep| sweep.spec.metered_ms().is_some())
}

fn set<T: Ord>(trials: &mut BTreeSet<T>, trial: T, is_in: bool) {
    if is_in {
        trials.insert(trial);
    } else {
        trials.remove(&trial);
    }
}

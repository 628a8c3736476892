//! Whose result stands in for a trial of the same key, and which trials rest on whose.

use std::collections::BTreeSet;

use sweep_proto::{SweepId, TrialId, TrialKey};

use crate::engine::Engine;
use crate::record::{TrialRecord, TrialState};

/// The least id of a trial, and the largest.
const FIRST: TrialId = TrialId { sweep: SweepId(0), index: 0 };
const LAST: TrialId = TrialId { sweep: SweepId(u64::MAX), index: u32::MAX };

/// Results by what was trained, and the trials that have taken one over.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Origins {
    /// Completed trials that were trained, not reused, by their key.
    trained: BTreeSet<(TrialKey, TrialId)>,
    /// Trials with a test measurement, by their key.
    tested: BTreeSet<(TrialKey, TrialId)>,
    /// Trials that have taken a result over, by the trial that was trained.
    reusers: BTreeSet<(TrialId, TrialId)>,
}

impl Origins {
    /// A trial's row was made, replaced or removed.
    pub(crate) fn trial_changed(&mut self, before: Option<&TrialRecord>, after: Option<&TrialRecord>) {
        if let Some(before) = before {
            let id = before.spec.id;
            self.trained.remove(&(before.key, id));
            self.tested.remove(&(before.key, id));
            if let Some(origin) = before.reused_from {
                self.reusers.remove(&(origin, id));
            }
        }
        if let Some(after) = after {
            let id = after.spec.id;
            // A result without its model stands in for nothing: another sweep might choose it, and have to measure it.
            let has_model = after.state == TrialState::Completed && !after.model_is_removed;
            if has_model && after.reused_from.is_none() {
                self.trained.insert((after.key, id));
            }
            if after.test.is_some() {
                self.tested.insert((after.key, id));
            }
            if let Some(origin) = after.reused_from {
                self.reusers.insert((origin, id));
            }
        }
    }

    /// Whether a trial has taken over this one's result.
    pub(crate) fn is_reused(&self, origin: TrialId) -> bool {
        self.reusers.range((origin, FIRST)..=(origin, LAST)).next().is_some()
    }
}

/// The trials of a key, in order.
fn of_key(trials: &BTreeSet<(TrialKey, TrialId)>, key: TrialKey) -> impl Iterator<Item = TrialId> {
    trials.range((key, FIRST)..=(key, LAST)).map(|(_, trial)| *trial)
}

impl Engine {
    /// The first completed trial of this key that was trained: its result may be taken over.
    pub(crate) fn trained_of(&self, key: TrialKey) -> Option<&TrialRecord> {
        self.first_kept(of_key(&self.index.origins.trained, key))
    }

    /// The first trial of this key that has a test measurement.
    pub(crate) fn tested_of(&self, key: TrialKey) -> Option<&TrialRecord> {
        self.first_kept(of_key(&self.index.origins.tested, key))
    }

    /// The first that stays: what was deleted is on its way out, unless others rest on it.
    fn first_kept(&self, mut trials: impl Iterator<Item = TrialId>) -> Option<&TrialRecord> {
        let is_kept = |trial: &TrialId| {
            let sweep = self.tables.sweeps.get(&trial.sweep);
            sweep.is_some_and(|sweep| !sweep.is_deleted()) || self.index.origins.is_reused(*trial)
        };
        trials.find(is_kept).and_then(|trial| self.tables.trials.get(&trial))
    }
}

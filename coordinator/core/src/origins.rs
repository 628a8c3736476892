//! Whose result stands in for a trial of the same key, and which trials rest on whose.

use sweep_proto::{SweepId, TrialId, TrialKey, TrialSpec};

use crate::by_start::ByStart;
use crate::engine::Engine;
use crate::packed::Packed;
use crate::record::{TrialRecord, TrialState};

/// The least id of a trial, and the largest.
const FIRST: TrialId = TrialId { sweep: SweepId(0), index: 0 };
const LAST: TrialId = TrialId { sweep: SweepId(u64::MAX), index: u32::MAX };

/// Results by what was trained, and the trials that have taken one over.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Origins {
    /// Completed trials that were trained, not reused, by their key.
    trained: ByStart,
    /// Trials with a test measurement, by their key.
    tested: ByStart,
    /// Trials that have taken a result over, by the trial that was trained.
    reusers: Packed<(TrialId, TrialId)>,
}

impl Origins {
    /// A trial's row was made, replaced or removed.
    pub(crate) fn trial_changed(&mut self, before: Option<&TrialRecord>, after: Option<&TrialRecord>) {
        // A key is a hash: asked for only where a trial is found by it.
        if let Some(before) = before {
            let id = before.spec.id;
            if is_origin(before) {
                self.trained.remove(before.key().0, id);
            }
            if before.test.is_some() {
                self.tested.remove(before.key().0, id);
            }
            if let Some(origin) = before.reused_from {
                self.reusers.remove(&(origin, id));
            }
        }
        if let Some(after) = after {
            let id = after.spec.id;
            if is_origin(after) {
                self.trained.insert(after.key().0, id);
            }
            if after.test.is_some() {
                self.tested.insert(after.key().0, id);
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

impl Engine {
    /// The first completed trial that was trained and whose result this one would have, too: it may be taken over.
    pub(crate) fn trained_as(&self, trial: &TrialSpec) -> Option<&TrialRecord> {
        self.first_standing_in(&self.index.origins.trained, trial)
    }

    /// The first trial with a test measurement that this one would have, too.
    pub(crate) fn tested_as(&self, trial: &TrialSpec) -> Option<&TrialRecord> {
        self.first_standing_in(&self.index.origins.tested, trial)
    }

    /// The first of a trial's key, in either form, that stays and would have ended alike.
    fn first_standing_in(&self, trials: &ByStart, trial: &TrialSpec) -> Option<&TrialRecord> {
        let first = |key: TrialKey| {
            let kept = trials.like(key.0).filter(|id| self.is_kept(*id));
            let mut records = kept.filter_map(|id| self.tables.trials.get(&id));
            records.find(|record| stands_in(record, trial) && record.key() == key)
        };
        let (now, before) = (first(trial.key()), first(trial.key_with_epochs()));
        now.into_iter().chain(before).min_by_key(|record| record.spec.id)
    }

    /// Whether a trial stays: what was deleted is on its way out, unless others rest on it.
    fn is_kept(&self, trial: TrialId) -> bool {
        let sweep = self.tables.sweeps.get(&trial.sweep);
        sweep.is_some_and(|sweep| !sweep.is_deleted()) || self.index.origins.is_reused(trial)
    }
}

/// Whether a trial's result may be taken over. Without its model it stands in for nothing: another sweep might choose it, and have to
/// measure it.
fn is_origin(trial: &TrialRecord) -> bool {
    trial.state == TrialState::Completed && !trial.model_is_removed && trial.reused_from.is_none()
}

/// Whether the result of a trial of the same key is what another one would end with.
pub(crate) fn stands_in(origin: &TrialRecord, trial: &TrialSpec) -> bool {
    let epochs = trial.configuration.epochs();
    origin.result.as_ref().is_some_and(|result| result.stands_in_for(epochs))
}

//! How the trials of a sweep go on after its budget of hours or money was spent: because it was raised, or because a part was left.

use sweep_proto::{SweepId, TrialId};

use crate::draft::Draft;
use crate::record::{SearchRecord, SweepRecord, TrialRecord, TrialState};
use crate::search;
use crate::standings::pruner_of;
use crate::tables::Tables;
use crate::view::waiting_state;

impl SweepRecord {
    /// A trial as it goes on: what was shelved from its checkpoint, what was cancelled from its start. What waits at a rung stays there,
    /// unless it had been stopped between two.
    pub(crate) fn revived(&self, tables: &Tables, trial: &TrialRecord) -> TrialRecord {
        let mut trial = trial.clone();
        trial.state = waiting_state(self.state).unwrap_or(trial.state);
        trial.ended_at = None;
        trial.until_epoch = self.next_rung(tables, &trial);
        if trial.checkpoint.is_some_and(|checkpoint| trial.until_epoch == Some(checkpoint.epoch)) {
            trial.state = TrialState::Paused;
        }
        trial
    }

    /// How far a trial trains that goes on: to the rung at which it stands or the next one; `None`: to its end.
    fn next_rung(&self, tables: &Tables, trial: &TrialRecord) -> Option<u32> {
        // Of one that has trained to its end only the result is lacking.
        if trial.checkpoint.is_some() && tables.end_epoch(trial).is_some() {
            return None;
        }
        if search::is_steered(&self.spec) {
            // What was stopped in mid-epoch was to go on.
            return trial.checkpoint.filter(|_| trial.underway.is_none()).map(|checkpoint| checkpoint.epoch);
        }
        let pruner = pruner_of(&self.spec)?;
        let epochs = trial.spec.configuration.epochs();
        let done = trial.checkpoint.map_or(0, |checkpoint| checkpoint.epoch);
        // What was stopped in mid-epoch had left its rung.
        let least = done + u32::from(trial.underway.is_some());
        let next = |rung: &u32| pruner.next_rung(*rung, epochs);
        std::iter::successors(pruner.first_rung(epochs), next).find(|rung| *rung >= least)
    }
}

impl TrialRecord {
    /// Whether it goes on where its sweep does after its budget was spent: it was cancelled or shelved, or waits at a rung.
    pub(crate) fn has_stopped(&self) -> bool {
        self.state == TrialState::Cancelled || self.is_shelved() || self.rung().is_some()
    }
}

impl Draft<'_> {
    /// A sweep goes on after its budget was spent, and its trials follow (see [`Self::revive`]).
    pub(super) fn go_on(&mut self, id: SweepId) {
        if let Some(sweep) = self.sweep(id).cloned() {
            let search = sweep.search.map(SearchRecord::unspent);
            self.set_sweep(SweepRecord { search, ..sweep });
        }
    }

    /// Lets trials leave their rungs that have trained to their end there: they wait for a worker that tells their result. An earlier
    /// program held such trials where their budget was spent. Gives how many left.
    pub(super) fn leave_rungs(&mut self, id: SweepId, room: usize) -> usize {
        let engine = self.engine;
        let Some(index) = engine.index_of(id) else { return 0 };
        let ended: Vec<TrialRecord> = index
            .courses
            .ended_at_rungs
            .iter()
            .take(room)
            .filter_map(|trial| self.trial(TrialId { sweep: id, index: *trial }))
            .map(|trial| engine.followed(trial))
            .collect();
        let count = ended.len();
        ended.into_iter().for_each(|trial| self.set_trial(trial));
        count
    }

    /// Lets a slice of the trials of a sweep follow that it goes on.
    pub(super) fn revive(&mut self, id: SweepId, room: usize) {
        let Some(sweep) = self.sweep(id).cloned() else { return };
        let Some(search) = sweep.search else { return };
        let tables = &self.engine.tables;
        let first = TrialId { sweep: id, index: search.revives_from.unwrap_or(0) };
        let mut left = tables.trials.range(first..=TrialId { sweep: id, index: u32::MAX });
        for trial in left.by_ref().take(room) {
            let trial = self.trial(trial.spec.id).unwrap_or(trial);
            if !trial.has_stopped() {
                continue;
            }
            let trial = sweep.revived(tables, trial);
            if trial.checkpoint.is_none() {
                self.forget_epochs(trial.spec.id);
            }
            self.set_trial(trial);
        }
        let revives_from = left.next().map(|trial| trial.spec.id.index);
        let search = Some(SearchRecord { revives_from, ..search });
        self.set_sweep(SweepRecord { search, ..sweep });
    }
}

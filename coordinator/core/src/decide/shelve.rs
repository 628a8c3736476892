//! What becomes of trials that have not ended when a budget of hours or money is spent.
//!
//! Trials that have completed no epoch are cancelled. Others keep their checkpoints: they are shelved, and go on where the budget is
//! raised (`revive.rs`). One that has trained to its end and lacks only its result is handed out once more for that: it takes no epoch.
//! Where trials wait at rungs and none has completed, the leading one is first trained to its end (the finalist), so that the
//! sweep has an answer; a part of the budget was kept back for it. Where it fails or diverges, the next one is. What it left of the
//! budget is for the others: the sweep goes on until that is spent, too.

use coordinator_search::pruner::Standings;
use sweep_proto::{SweepId, TrialId, WorkKind};

use crate::draft::Draft;
use crate::engine::Engine;
use crate::limits::{FINALISTS_MAX, KEPT_BACK_ONE_IN};
use crate::record::{AttemptRecord, SearchRecord, SweepRecord, SweepState, TrialRecord, TrialState};
use crate::standings::waits_at_rungs;
use crate::view::waiting_state;

impl Engine {
    /// Milliseconds of the budget of a sweep that are kept for a first result: what its leading trial is expected to take from where it
    /// stands to its last epoch, and no more than a part of the budget. 0 where a trial has completed, and where none waits at rungs.
    pub(crate) fn kept_back_ms(&self, sweep: &SweepRecord) -> u64 {
        let (Some(index), Some((_, most_ms))) = (self.index_of(sweep.id), sweep.spec.metered_ms()) else {
            return 0;
        };
        let has_answer = index.counts[TrialState::Completed as usize] > 0;
        if has_answer || !sweep.may_have_finalist() || !waits_at_rungs(&sweep.spec) {
            return 0;
        }
        let leader = index.standings.as_ref().and_then(Standings::leader);
        let leader = leader.and_then(|index| self.tables.trials.get(&TrialId { sweep: sweep.id, index }));
        leader.map_or(0, |trial| self.rest_ms(trial).min(most_ms / KEPT_BACK_ONE_IN))
    }

    /// Milliseconds that a trial is expected to take from where it stands to its last epoch, by the pace of its own epochs: before a
    /// trial has completed, nobody knows how many patience leaves. What a worker says of their time counts up to the time for which it
    /// held the trial.
    fn rest_ms(&self, trial: &TrialRecord) -> u64 {
        let id = trial.spec.id;
        let done = self.tables.epochs_recorded(id);
        let rest = trial.spec.configuration.epochs().saturating_sub(u64::from(done));
        let held = self.tables.attempts_of(id).filter(|attempt| attempt.work == WorkKind::Train);
        let held = held.map(|attempt| self.held_by(attempt)).fold(0, u64::saturating_add);
        let told: f64 = self.tables.epochs_of(id).map(|epoch| epoch.metric.seconds * 1e3).sum();
        // NaN and what is below 0 become 0.
        let of_epochs = held.min(told as u64);
        of_epochs.saturating_mul(rest) / u64::from(done.max(1))
    }

    /// Milliseconds for which an attempt held its slot; of one that runs, until it was last heard.
    pub(crate) fn held_by(&self, attempt: &AttemptRecord) -> u64 {
        match attempt.charged_until() {
            Some(_) => attempt.charged_ms(),
            None => self.last_heard_of(attempt).since_ms(attempt.started_at),
        }
    }

    /// Whether a trial that waits is handed out although the budget of its sweep is spent.
    pub(crate) fn outlasts_budget(&self, sweep: &SweepRecord, trial: TrialId) -> bool {
        self.index_of(sweep.id).is_some_and(|index| index.outlasts_budget(sweep.finalist(), trial.index))
    }

    /// What a trial becomes that waits, and not at a rung, when the budget of its sweep is spent.
    pub(crate) fn state_when_spent(&self, sweep: &SweepRecord, trial: &TrialRecord) -> TrialState {
        if self.outlasts_budget(sweep, trial.spec.id) {
            return waiting_state(sweep.state).unwrap_or(trial.state);
        }
        if trial.checkpoint.is_none() {
            return TrialState::Cancelled;
        }
        // At a rung it may lead.
        if waits_at_rungs(&sweep.spec) { TrialState::Paused } else { TrialState::Pruned }
    }
}

impl SweepRecord {
    /// Whether another trial may be trained to its end although the budget is spent.
    fn may_have_finalist(&self) -> bool {
        self.search.is_some_and(|search| search.finalists < FINALISTS_MAX)
    }
}

impl Draft<'_> {
    /// Lets a slice of the trials of a sweep follow that its budget is spent. Once nothing runs any more, a finalist is trained to its
    /// end while there is no answer. With an answer, the sweep goes on while budget is left (`settle.rs`). It also goes on where there
    /// is none, no trial may be the finalist any more, and budget is left. Then what waits at rungs is shelved.
    pub(super) fn follow_spent_budget(&mut self, id: SweepId, room: usize) {
        let engine = self.engine;
        let (Some(sweep), Some(index)) = (self.sweep(id).cloned(), engine.index_of(id)) else { return };
        let waiting: Vec<u32> = index.waits_otherwise(&sweep).take(room).collect();
        for trial in &waiting {
            self.stop_waiting(&sweep, TrialId { sweep: id, index: *trial });
        }
        if !waiting.is_empty() || sweep.state != SweepState::Open || !index.is_stuck() {
            return;
        }
        if let Some(finalist) = self.next_finalist(&sweep) {
            self.train_to_its_end(sweep, finalist);
        } else if self.has_budget_left(&sweep) {
            self.go_on(id);
        } else {
            for trial in index.at_rungs.iter().take(room) {
                if let Some(trial) = self.trial(TrialId { sweep: id, index: *trial }).cloned() {
                    self.shelve(trial);
                }
            }
        }
    }

    /// The trial that is trained to its end next although the budget is spent: the leading one, while none has completed.
    fn next_finalist(&self, sweep: &SweepRecord) -> Option<TrialRecord> {
        if self.has_answer(sweep.id) || !sweep.may_have_finalist() {
            return None;
        }
        let leader = self.engine.index_of(sweep.id)?.standings.as_ref()?.leader()?;
        let leader = self.trial(TrialId { sweep: sweep.id, index: leader });
        leader.filter(|trial| trial.rung().is_some()).cloned()
    }

    fn train_to_its_end(&mut self, sweep: SweepRecord, mut trial: TrialRecord) {
        let finalist = Some(trial.spec.id.index);
        (trial.state, trial.until_epoch) = (TrialState::Pending, None);
        self.set_trial(trial);
        let search = sweep.search.map(|search| {
            let finalists = search.finalists.saturating_add(1);
            SearchRecord { finalist, finalists, ..search }
        });
        self.set_sweep(SweepRecord { search, ..sweep });
    }

    /// Whether a trial of a sweep would have completed.
    pub(super) fn has_answer(&self, id: SweepId) -> bool {
        let index = self.engine.index_of(id);
        index.is_some_and(|index| index.counts[TrialState::Completed as usize] > 0)
            || self.changed_trials(id).any(|trial| trial.state == TrialState::Completed)
    }

    fn stop_waiting(&mut self, sweep: &SweepRecord, id: TrialId) {
        let Some(mut trial) = self.trial(id).cloned() else { return };
        match self.engine.state_when_spent(sweep, &trial) {
            TrialState::Pruned => self.shelve(trial),
            // As far as it has trained is its rung now, where it waits with the others.
            TrialState::Paused if !self.engine.outlasts_budget(sweep, id) => {
                trial.until_epoch = trial.checkpoint.map(|checkpoint| checkpoint.epoch);
                trial.state = TrialState::Paused;
                self.set_trial(trial);
            }
            state => self.set_waiting(id, state),
        }
    }

    /// Ends a trial for want of budget. It keeps its checkpoint, and has no number among those that have ended: it may go on.
    pub(super) fn shelve(&mut self, mut trial: TrialRecord) {
        trial.until_epoch = trial.checkpoint.map(|checkpoint| checkpoint.epoch);
        trial.state = TrialState::Pruned;
        trial.ended_at = Some(self.now);
        self.set_trial(trial);
    }

    /// A shelved trial lets go of its checkpoint: it goes on no more.
    pub(crate) fn forget_shelved(&mut self, id: TrialId) {
        if let Some(mut trial) = self.trial(id).filter(|trial| trial.is_shelved()).cloned() {
            (trial.checkpoint, trial.underway) = (None, None);
            self.set_trial(trial);
        }
    }
}

//! What becomes of trials that have not ended when a budget of hours or money is spent, and when their sweep goes on.
//!
//! Trials that have completed no epoch are cancelled. Others keep their checkpoints: they are shelved, and go on where the budget is
//! raised. Where trials wait at rungs and none has completed, the leading one is first trained to its end (the finalist), so that the
//! sweep has an answer; a part of the budget was kept back for it. Where it fails or diverges, the next one is. What it left of the
//! budget is for the others: the sweep goes on until that is spent, too.

use coordinator_search::pruner::Standings;
use sweep_proto::{SweepId, TrialId, WorkKind};

use crate::draft::Draft;
use crate::engine::Engine;
use crate::limits::{FINALISTS_MAX, KEPT_BACK_ONE_IN};
use crate::record::{AttemptRecord, SearchRecord, SweepRecord, SweepState, TrialRecord, TrialState};
use crate::standings::{pruner_of, waits_at_rungs};
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
}

impl SweepRecord {
    /// Whether another trial may be trained to its end although the budget is spent.
    fn may_have_finalist(&self) -> bool {
        self.search.is_some_and(|search| search.finalists < FINALISTS_MAX)
    }

    /// What a trial becomes that waits, and not at a rung, when the budget of its sweep is spent.
    pub(crate) fn state_when_spent(&self, trial: &TrialRecord) -> TrialState {
        if self.finalist() == Some(trial.spec.id.index) {
            return waiting_state(self.state).unwrap_or(trial.state);
        }
        if trial.checkpoint.is_none() {
            return TrialState::Cancelled;
        }
        // At a rung it may lead.
        if waits_at_rungs(&self.spec) { TrialState::Paused } else { TrialState::Pruned }
    }
}

impl Draft<'_> {
    /// Lets a slice of the trials of a sweep follow that its budget is spent. Once nothing runs any more, a finalist is trained to its
    /// end while there is no answer. With an answer, the sweep goes on while budget is left, and then what waits at rungs is shelved.
    pub(super) fn follow_spent_budget(&mut self, id: SweepId, room: usize) {
        let engine = self.engine;
        let (Some(sweep), Some(index)) = (self.sweep(id).cloned(), engine.index_of(id)) else { return };
        let is_open = sweep.state == SweepState::Open;
        if is_open && self.has_answer(id) && self.has_budget_left(&sweep) {
            self.go_on(id);
            return;
        }
        let waiting: Vec<u32> = index.waits_otherwise(&sweep).take(room).collect();
        for trial in &waiting {
            self.stop_waiting(&sweep, TrialId { sweep: id, index: *trial });
        }
        if !waiting.is_empty() || !is_open || !index.is_stuck() {
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

    /// A sweep goes on after its budget was spent, and its trials follow (see [`Self::revive`]).
    pub(super) fn go_on(&mut self, id: SweepId) {
        if let Some(sweep) = self.sweep(id).cloned() {
            let search = sweep.search.map(SearchRecord::unspent);
            self.set_sweep(SweepRecord { search, ..sweep });
        }
    }

    fn stop_waiting(&mut self, sweep: &SweepRecord, id: TrialId) {
        let Some(mut trial) = self.trial(id).cloned() else { return };
        match sweep.state_when_spent(&trial) {
            TrialState::Cancelled => self.set_waiting(id, TrialState::Cancelled),
            TrialState::Pruned => self.shelve(trial),
            // As far as it has trained is its rung now, where it waits with the others.
            TrialState::Paused if sweep.finalist() != Some(id.index) => {
                trial.until_epoch = trial.checkpoint.map(|checkpoint| checkpoint.epoch);
                trial.state = TrialState::Paused;
                self.set_trial(trial);
            }
            state => self.set_waiting(id, state),
        }
    }

    /// Ends a trial for want of budget. It keeps its checkpoint, and has no number among those that have ended: it may go on.
    fn shelve(&mut self, mut trial: TrialRecord) {
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

    /// Lets a slice of the trials of a sweep follow that it goes on after its budget was spent: what was shelved goes on from its
    /// checkpoint, and what was cancelled waits again, from its start.
    pub(super) fn revive(&mut self, id: SweepId, room: usize) {
        let Some(sweep) = self.sweep(id).cloned() else { return };
        let Some((waiting, search)) = sweep.waiting_state().zip(sweep.search) else { return };
        let first = TrialId { sweep: id, index: search.revives_from.unwrap_or(0) };
        let mut left = self.engine.tables.trials.range(first..=TrialId { sweep: id, index: u32::MAX });
        for trial in left.by_ref().take(room) {
            let trial = self.trial(trial.spec.id).unwrap_or(trial);
            let has_stopped =
                trial.state == TrialState::Cancelled || trial.is_shelved() || trial.rung().is_some();
            if has_stopped {
                self.revive_trial(trial.clone(), waiting);
            }
        }
        let revives_from = left.next().map(|trial| trial.spec.id.index);
        let search = Some(SearchRecord { revives_from, ..search });
        self.set_sweep(SweepRecord { search, ..sweep });
    }

    fn revive_trial(&mut self, mut trial: TrialRecord, waiting: TrialState) {
        (trial.state, trial.ended_at) = (waiting, None);
        if trial.checkpoint.is_some() {
            self.to_next_rung(&mut trial);
        } else {
            trial.until_epoch = self.first_rung(&trial);
            self.forget_epochs(trial.spec.id);
        }
        self.set_trial(trial);
    }

    /// A trial goes on from its checkpoint: to its next rung, or to its end. At a rung it waits.
    fn to_next_rung(&self, trial: &mut TrialRecord) {
        let Some(checkpoint) = trial.checkpoint else { return };
        let pruner = self.sweep(trial.spec.id.sweep).and_then(|sweep| pruner_of(&sweep.spec));
        let epochs = trial.spec.configuration.epochs();
        let next = |rung: &u32| pruner.as_ref().and_then(|pruner| pruner.next_rung(*rung, epochs));
        // What was stopped in mid-epoch had left its rung.
        let first = checkpoint.epoch + u32::from(trial.underway.is_some());
        trial.until_epoch = std::iter::successors(self.first_rung(trial), next).find(|rung| *rung >= first);
        if trial.until_epoch == Some(checkpoint.epoch) {
            trial.state = TrialState::Paused;
        }
    }
}

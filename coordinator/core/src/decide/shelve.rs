//! What becomes of trials that have not ended when a budget of hours or money is spent, and when it is raised.
//!
//! Trials that have trained nothing are cancelled. Others keep their checkpoints: they are shelved, and go on where the budget is
//! raised. Where trials wait at rungs, the leading one is first trained to its end (the finalist), so that the sweep has an answer;
//! what it is expected to take was kept back for it.

use sweep_proto::{SweepId, TrialId, WorkKind};

use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{AttemptRecord, SearchRecord, SweepRecord, SweepState, TrialRecord, TrialState};
use crate::standings::pruner_of;
use crate::view::waiting_state;

impl Engine {
    /// Milliseconds that the leading trial of a sweep is expected to take from where it stands to its end; 0 where it has ended, and
    /// where no trial waits at rungs.
    pub(crate) fn kept_back_ms(&self, sweep: &SweepRecord) -> u64 {
        let Some(pruner) = pruner_of(&sweep.spec) else { return 0 };
        let leader = self.index_of(sweep.id).and_then(|index| index.standings.as_ref()?.leader());
        let leader = leader.and_then(|index| self.tables.trials.get(&TrialId { sweep: sweep.id, index }));
        let has_rungs = |trial: &&TrialRecord| pruner.first_rung(trial.spec.configuration.epochs()).is_some();
        leader
            .filter(|trial| !trial.state.is_terminal())
            .filter(has_rungs)
            .map_or(0, |trial| self.rest_ms(trial))
    }

    /// Milliseconds that a trial is expected to take from where it stands to its end, by the pace of its own epochs. What a worker
    /// says of their time counts up to the time for which it held the trial.
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
    /// What a trial becomes that waits, and not at a rung, when the budget of its sweep is spent.
    pub(crate) fn state_when_spent(&self, trial: &TrialRecord) -> TrialState {
        if self.finalist() == Some(trial.spec.id.index) {
            return waiting_state(self.state).unwrap_or(trial.state);
        }
        if trial.checkpoint.is_none() {
            return TrialState::Cancelled;
        }
        let epochs = trial.spec.configuration.epochs();
        let waits_at_rungs = pruner_of(&self.spec).is_some_and(|pruner| pruner.first_rung(epochs).is_some());
        // It may lead.
        if waits_at_rungs { TrialState::Paused } else { TrialState::Pruned }
    }
}

impl Draft<'_> {
    /// Lets a slice of the trials of a sweep follow that its budget is spent. Once nothing runs any more, the finalist is trained to
    /// its end, and what waits at rungs after that is shelved.
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
        if let Some(mut trial) = self.next_finalist(&sweep) {
            let finalist = Some(trial.spec.id.index);
            (trial.state, trial.until_epoch) = (TrialState::Pending, None);
            self.set_trial(trial);
            let search = sweep.search.map(|search| SearchRecord { finalist, ..search });
            self.set_sweep(SweepRecord { search, ..sweep });
            return;
        }
        for trial in index.at_rungs.iter().take(room) {
            if let Some(trial) = self.trial(TrialId { sweep: id, index: *trial }).cloned() {
                self.shelve(trial);
            }
        }
    }

    /// The trial that is trained to its end next although the budget is spent: the leading one, and then other replicates of its
    /// configuration, while what is left of the budget suffices for them. One is trained in any case, so that there is an answer.
    fn next_finalist(&self, sweep: &SweepRecord) -> Option<TrialRecord> {
        let engine = self.engine;
        let index = engine.index_of(sweep.id)?;
        let leader = index.standings.as_ref()?.leader()?;
        let configuration =
            engine.tables.trials.get(&TrialId { sweep: sweep.id, index: leader })?.configuration_index;
        let left_ms =
            sweep.spec.metered_ms().map_or(0, |(_, most_ms)| most_ms.saturating_sub(index.held.ended_ms()));
        let has_answer = sweep.finalist().is_some() || index.counts[TrialState::Completed as usize] > 0;
        let replicates = engine.trials_with(sweep.id, Some(configuration));
        replicates
            .filter(|trial| trial.rung().is_some() && (!has_answer || engine.rest_ms(trial) <= left_ms))
            .min_by_key(|trial| trial.spec.id.index != leader)
            .cloned()
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

    /// The budget is raised: what was shelved goes on from its checkpoint, and what was cancelled waits again, from its start.
    pub(super) fn revive(&mut self, id: SweepId) {
        let Some(waiting) = self.sweep(id).and_then(SweepRecord::waiting_state) else { return };
        let has_stopped = |trial: &&TrialRecord| {
            trial.state == TrialState::Cancelled || trial.is_shelved() || trial.rung().is_some()
        };
        for trial in self.engine.tables.trials_of(id).filter(has_stopped) {
            let mut trial = TrialRecord { state: waiting, ..trial.clone() };
            trial.ended_at = None;
            if trial.checkpoint.is_some() {
                self.to_next_rung(&mut trial);
            } else {
                trial.until_epoch = self.first_rung(&trial);
                self.forget_epochs(trial.spec.id);
            }
            self.set_trial(trial);
        }
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

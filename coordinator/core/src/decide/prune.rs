//! Prune, pause, promote: what an epoch report means for its trial, and what becomes of trials that wait at rungs.

use coordinator_search::pruner::Verdict;
use sweep_proto::{EpochMetric, SweepId, TrialId};

use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{AttemptState, TrialRecord, TrialState};
use crate::standings::pruner_of;

/// What an epoch report means for its trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// Its attempt goes on: to the trial's end, or to the next epoch.
    GoOn,
    /// It has come to its rung, and waits there.
    Wait,
    /// It is pruned.
    Prune,
}

impl Engine {
    /// What becomes of a trial that reports its next epoch and does not come to its end with it.
    pub(crate) fn course(&self, trial: &TrialRecord, metric: &EpochMetric) -> Course {
        let id = trial.spec.id;
        if trial.until_epoch.is_some_and(|until| metric.epoch >= until) {
            return Course::Wait;
        }
        let pruner = self.sweep(id.sweep).and_then(|sweep| pruner_of(&sweep.spec));
        let standings = self.index.sweeps.get(&id.sweep).and_then(|index| index.standings.as_ref());
        let (Some(pruner), Some(standings)) = (pruner, standings) else { return Course::GoOn };
        let before = self.tables.epochs_of(id).map(|epoch| epoch.metric.validation_loss);
        let best = before.fold(metric.validation_loss, f64::min);
        let verdict = pruner.judge(standings, metric.epoch, best);
        if verdict == Verdict::Prune && !self.is_proven(trial) { Course::Prune } else { Course::GoOn }
    }

    /// Whether a trial comes to its end with this epoch: its last one, or the one in which patience runs out.
    pub(crate) fn is_over(&self, trial: &TrialRecord, metric: &EpochMetric) -> bool {
        let configuration = &trial.spec.configuration;
        let before = self.tables.epochs_of(trial.spec.id).map(|epoch| &epoch.metric);
        let (mut lowest, mut best_epoch) = (f64::INFINITY, 0);
        for one in before.chain([metric]) {
            if one.validation_loss < lowest {
                (lowest, best_epoch) = (one.validation_loss, one.epoch);
            }
        }
        let patience = configuration.patience();
        let waited = u64::from(metric.epoch.saturating_sub(best_epoch));
        u64::from(metric.epoch) >= configuration.epochs() || (patience > 0 && waited >= patience)
    }

    /// Whether the trial's configuration has a replicate that completed. Its others are trained, too: a choice compares
    /// configurations by all their replicates, and one unlucky seed must not cost the best its place.
    fn is_proven(&self, trial: &TrialRecord) -> bool {
        self.trials_with(trial.spec.id.sweep, Some(trial.configuration_index))
            .any(|one| one.state == TrialState::Completed)
    }
}

impl Draft<'_> {
    /// A trial has come to its rung: its attempt has ended, and it waits there with its checkpoint.
    pub(crate) fn wait_at_rung(&mut self, id: TrialId) {
        if let Some((mut trial, attempt)) = self.end_attempt(id, AttemptState::Reached) {
            self.absolve(attempt.worker);
            trial.state = TrialState::Paused;
            self.set_trial(trial);
        }
    }

    /// A trial is pruned by what it has just reported. Its epochs stay; its checkpoint goes.
    pub(crate) fn prune_running(&mut self, id: TrialId) {
        if let Some((mut trial, attempt)) = self.end_attempt(id, AttemptState::Pruned) {
            self.absolve(attempt.worker);
            trial.until_epoch = trial.checkpoint.map(|checkpoint| checkpoint.epoch);
            self.end_trial(trial, TrialState::Pruned);
        }
    }

    /// Lets trials of an open sweep that wait at rungs follow their standings: the best of each rung are promoted. Where all that is
    /// left waits and none of them is promoted, the configuration of the leading trial is trained to its end, and then the
    /// others are pruned. Gives how many were moved.
    pub(crate) fn move_rungs(&mut self, id: SweepId, room: usize) -> usize {
        let engine = self.engine;
        let Some(standings) = engine.index.sweeps.get(&id).and_then(|index| index.standings.as_ref()) else {
            return 0;
        };
        let mut moved: Vec<u32> = standings.promotable().take(room).collect();
        if moved.is_empty() && engine.is_stuck(id) {
            let leader = standings.leader().map(|index| TrialId { sweep: id, index });
            let leader = leader.and_then(|leader| engine.tables.trials.get(&leader));
            let of_leader = engine.trials_with(id, leader.map(|trial| trial.configuration_index));
            let waiting = of_leader.map(|trial| trial.spec.id.index).filter(|index| standings.waits(*index));
            moved = waiting.take(room).collect();
            if moved.is_empty() {
                let pruned: Vec<u32> = standings.waiting().take(room).collect();
                pruned.iter().for_each(|index| self.prune_waiting(TrialId { sweep: id, index: *index }));
                return pruned.len();
            }
        }
        moved.iter().for_each(|index| self.promote(TrialId { sweep: id, index: *index }));
        moved.len()
    }

    /// How far a trial may train that begins; `None`: to its end.
    pub(super) fn first_rung(&self, trial: &TrialRecord) -> Option<u32> {
        let sweep = self.sweep(trial.spec.id.sweep)?;
        pruner_of(&sweep.spec)?.first_rung(trial.spec.configuration.epochs())
    }

    fn promote(&mut self, id: TrialId) {
        let pruner = self.sweep(id.sweep).and_then(|sweep| pruner_of(&sweep.spec));
        let Some(mut trial) = self.trial(id).cloned() else { return };
        let Some(rung) = trial.rung() else { return };
        let epochs = trial.spec.configuration.epochs();
        trial.until_epoch = pruner.and_then(|pruner| pruner.next_rung(rung, epochs));
        trial.state = TrialState::Pending;
        self.set_trial(trial);
    }

    fn prune_waiting(&mut self, id: TrialId) {
        if let Some(trial) = self.trial(id).filter(|trial| trial.rung().is_some()).cloned() {
            self.end_trial(trial, TrialState::Pruned);
        }
    }
}

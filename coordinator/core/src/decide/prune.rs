//! Prune, pause, promote: what an epoch report means for its trial, and what becomes of trials that wait at rungs.

use coordinator_search::pruner::{Standings, Verdict};
use sweep_proto::{EpochMetric, SweepId, TrialId};

use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{AttemptState, TrialRecord, TrialState};
use crate::rungs::RungBudget;
use crate::source::Tally;
use crate::standings::{pruner_of, scores_so_far};

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
        let Some(spec) = self.sweep(id.sweep).map(|sweep| &sweep.spec) else { return Course::GoOn };
        let standings = self.index.sweeps.get(&id.sweep).and_then(|index| index.standings.as_ref());
        let (Some(pruner), Some(standings)) = (pruner_of(spec), standings) else { return Course::GoOn };
        let epochs = self.tables.epochs_of(id).map(|epoch| &epoch.metric).chain([metric]);
        let score = scores_so_far(spec.objective, epochs).last().unwrap_or(f64::INFINITY);
        let verdict = pruner.judge(standings, metric.epoch, score);
        if verdict == Verdict::Prune && !self.is_proven(trial) { Course::Prune } else { Course::GoOn }
    }

    /// Whether the trial's configuration has a replicate that completed. Its others are trained, too: a choice compares
    /// configurations by all their replicates, and one unlucky seed must not cost the best its place.
    fn is_proven(&self, trial: &TrialRecord) -> bool {
        self.trials_with(trial.spec.id.sweep, Some(trial.configuration_index))
            .any(|one| one.state == TrialState::Completed)
    }

    /// Whether some trial of a sweep has ended otherwise than by its pruner.
    fn has_trained_to_an_end(&self, sweep: SweepId) -> bool {
        let counts = self.index.sweeps.get(&sweep).map(|index| index.counts);
        counts.is_some_and(|counts| {
            let ended = TrialState::ALL.iter().zip(counts);
            ended
                .filter(|(state, _)| state.is_terminal() && **state != TrialState::Pruned)
                .any(|(_, count)| count > 0)
        })
    }
}

/// Takes something of what is left; whether there was that much.
fn takes(left: &mut u64, amount: u64) -> bool {
    let rest = left.checked_sub(amount);
    *left = rest.unwrap_or(*left);
    rest.is_some()
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
        if self.sweep(id).is_some_and(|sweep| sweep.conclusion.is_some()) {
            return self.end_after_conclusion(id, room);
        }
        let Some(standings) = engine.index.sweeps.get(&id).and_then(|index| index.standings.as_ref()) else {
            return 0;
        };
        let mut moved = self.promotions(id, standings, room, RungBudget::for_promotions);
        if moved.is_empty() && self.is_stuck(id) {
            moved = self.last_promotions(id, standings, room);
            if moved.is_empty() {
                // What was kept back for the leader is left to the others where it has come to its end.
                moved = self.promotions(id, standings, room, RungBudget::for_last);
            }
            if moved.is_empty() {
                let pruned: Vec<u32> = standings.waiting().take(room).collect();
                pruned.iter().for_each(|index| self.prune_waiting(TrialId { sweep: id, index: *index }));
                return pruned.len();
            }
        }
        moved.iter().for_each(|index| self.promote(TrialId { sweep: id, index: *index }));
        moved.len()
    }

    /// Whether trials wait at rungs and no other could still end or come to one, with those that this decision lets be made.
    fn is_stuck(&self, id: SweepId) -> bool {
        let at_rungs = self.engine.index_of(id).map_or(0, |index| index.at_rungs.len() as u64);
        at_rungs > 0 && self.open_trials(id) == at_rungs
    }

    /// The best of each rung, as many as that part of the budget has room for.
    fn promotions(
        &self,
        id: SweepId,
        standings: &Standings,
        room: usize,
        part: impl Fn(&RungBudget, Tally) -> u64,
    ) -> Vec<u32> {
        let budget = self.sweep(id).and_then(|sweep| RungBudget::of(&sweep.spec));
        let Some(budget) = budget else { return standings.promotable().take(room).collect() };
        let mut epochs = part(&budget, self.tally(id));
        let promotable = standings.promotable_from(|rung| budget.step(rung) <= epochs).take(room);
        let promotable: Vec<_> = promotable.collect();
        let fit = promotable.into_iter().filter(|(rung, _)| takes(&mut epochs, budget.step(*rung)));
        fit.map(|(_, trial)| trial).collect()
    }

    /// Those that wait of the leading trial's configuration, itself first, as many as the budget has room for.
    fn last_promotions(&self, id: SweepId, standings: &Standings, room: usize) -> Vec<u32> {
        let engine = self.engine;
        let Some(leader) = standings.leader() else { return Vec::new() };
        let trial = engine.tables.trials.get(&TrialId { sweep: id, index: leader });
        let of_leader = engine.trials_with(id, trial.map(|trial| trial.configuration_index));
        let waiting = of_leader.filter_map(|trial| Some((trial.spec.id.index, trial.rung()?)));
        let mut waiting: Vec<(u32, u32)> = waiting.collect();
        waiting.sort_by_key(|(trial, _)| *trial != leader);
        if let Some(budget) = self.sweep(id).and_then(|sweep| RungBudget::of(&sweep.spec)) {
            let mut epochs = budget.for_last(self.tally(id));
            // A budget that was lowered may have no room: one trial comes to its end all the same.
            let is_first = |trial: u32| trial == leader && !engine.has_trained_to_an_end(id);
            waiting.retain(|(trial, rung)| takes(&mut epochs, budget.step(*rung)) || is_first(*trial));
        }
        waiting.into_iter().map(|(trial, _)| trial).take(room).collect()
    }

    /// How far a trial may train that begins; `None`: to its end.
    pub(super) fn first_rung(&self, trial: &TrialRecord) -> Option<u32> {
        let sweep = self.sweep(trial.spec.id.sweep)?;
        pruner_of(&sweep.spec)?.first_rung(trial.spec.configuration.epochs())
    }

    pub(super) fn promote(&mut self, id: TrialId) {
        let pruner = self.sweep(id.sweep).and_then(|sweep| pruner_of(&sweep.spec));
        let Some(mut trial) = self.trial(id).cloned() else { return };
        let Some(rung) = trial.rung() else { return };
        let epochs = trial.spec.configuration.epochs();
        trial.until_epoch = pruner.and_then(|pruner| pruner.next_rung(rung, epochs));
        trial.state = TrialState::Pending;
        self.set_trial(trial);
    }

    /// A trial that waits at a rung is not promoted any more.
    pub(super) fn prune_waiting(&mut self, id: TrialId) {
        if let Some(trial) = self.trial(id).filter(|trial| trial.rung().is_some()).cloned() {
            self.end_trial(trial, TrialState::Pruned);
        }
    }
}

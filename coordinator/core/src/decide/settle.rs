//! The end of a sweep: choice of a configuration, its evaluation, and being finished.

use sweep_proto::{SweepId, TrialId};

use crate::draft::Draft;
use crate::index::{awaits_test, gave_up};
use crate::record::{SweepRecord, SweepState, TrialRecord};

impl Draft<'_> {
    /// Moves every touched sweep on that has reached a new state.
    pub(crate) fn settle(&mut self) {
        while let Some(id) = self.unsettled.pop_first() {
            let Some(sweep) = self.sweep(id) else { continue };
            match sweep.state {
                SweepState::Open if sweep.is_reviving() => {}
                SweepState::Open if self.leaves_budget(sweep) => self.go_on(id),
                // A steered search says what it names first.
                SweepState::Open if sweep.is_unconcluded() => {}
                SweepState::Open if self.open_trials(id) == 0 => self.begin_evaluation(id),
                SweepState::Evaluating if !self.is_waiting_for_tests(id) => self.end_sweep(id),
                _ => {}
            }
        }
    }

    /// Whether a part of the budget was kept for a first result that is not needed for it any more: one has completed, or none of the
    /// trials is left. Rows of the first program that kept a part may stand so before anything changes.
    fn leaves_budget(&self, sweep: &SweepRecord) -> bool {
        sweep.conclusion.is_none()
            && self.has_budget_left(sweep)
            && (self.has_answer(sweep.id) || self.open_trials(sweep.id) == 0)
    }

    /// Every trial has ended: chooses, takes over test measurements that exist, and goes on to evaluate.
    pub(super) fn begin_evaluation(&mut self, id: SweepId) {
        let Some(mut sweep) = self.sweep(id).cloned() else { return };
        let (chosen, configuration) = self.best(&sweep).unzip();
        sweep.chosen = configuration;
        sweep.state = SweepState::Evaluating;
        let measured: Vec<TrialRecord> = self
            .trials_with(id, chosen)
            // What a worker measures now, since before a pause, it goes on to measure.
            .filter(|trial| {
                trial.lease.is_none() && trial.reused_from.is_some() && awaits_test(chosen, trial)
            })
            .filter_map(|trial| {
                let measured = self.engine.tested_as(&trial.spec)?;
                let mut trial = trial.clone();
                trial.test.clone_from(&measured.test);
                Some(trial)
            })
            .collect();
        for trial in measured {
            self.set_trial(trial);
        }
        self.set_sweep(sweep);
    }

    fn is_waiting_for_tests(&self, id: SweepId) -> bool {
        let Some(sweep) = self.sweep(id) else { return false };
        let chosen = self.chosen(sweep);
        let waits = |trial: &TrialRecord| {
            awaits_test(chosen, trial) && !gave_up(sweep, trial, self.attempts_of(trial.spec.id))
        };
        let before = self.engine.tables.sweeps.get(&id);
        let known = |before: &SweepRecord| {
            let is_same = before.chosen == sweep.chosen && before.spec == sweep.spec;
            before.state == SweepState::Evaluating && is_same
        };
        match self.engine.index.sweeps.get(&id) {
            // While the choice stands, only what this decision changes can join what was outstanding: a retry may have given a
            // trial its tries back, and the same configuration may have been chosen once more.
            Some(index) if before.is_some_and(known) => {
                let still = |index: &u32| self.trial(TrialId { sweep: id, index: *index }).is_some_and(waits);
                index.outstanding.iter().any(still) || self.changed_trials(id).any(waits)
            }
            _ => self.trials_with(id, chosen).any(waits),
        }
    }

    fn end_sweep(&mut self, id: SweepId) {
        if let Some(mut sweep) = self.sweep(id).cloned() {
            sweep.state = SweepState::Finished;
            sweep.ended_at = Some(self.now);
            self.set_sweep(sweep);
        }
    }
}

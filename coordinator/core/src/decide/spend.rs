//! A budget of hours or money is spent: no trial of its sweep begins any more.
//!
//! What is spent follows from rows: for how long attempts held their slots. That is looked at before work is handed out, and with
//! every tick. Once it is spent the sweep's row says so, and its trials that wait follow (`follow.rs`): whether the budget is spent
//! does not depend on what becomes known later of an attempt that runs.

use sweep_proto::{AttemptId, SweepId, TrialId};

use crate::draft::Draft;
use crate::record::{AttemptRecord, SearchRecord, SweepRecord, TrialState};

impl Draft<'_> {
    /// Ends the search of every open sweep whose attempts have held their slots for as long as its budget allows.
    pub(crate) fn spend_budgets(&mut self) {
        for id in &self.engine.index.metered {
            let Some(sweep) = self.sweep(*id) else { continue };
            let spent = sweep.spec.metered_ms().filter(|(_, most_ms)| self.held_ms(*id) >= *most_ms);
            if let Some((record, (part, _))) = sweep.search.zip(spent) {
                let search = Some(SearchRecord { spent: Some(part), ..record });
                let sweep = SweepRecord { search, ..sweep.clone() };
                self.set_sweep(sweep);
            }
        }
    }

    /// Milliseconds for which attempts of a sweep would have held their slots.
    fn held_ms(&self, id: SweepId) -> u64 {
        let engine = self.engine;
        let Some(index) = engine.index.sweeps.get(&id) else { return 0 };
        let running = index.leased.iter().filter_map(|trial| {
            let trial = engine.tables.trials.get(&TrialId { sweep: id, index: *trial })?;
            self.attempt(AttemptId { trial: trial.spec.id, number: trial.lease?.attempt })
        });
        let held = |attempt: &AttemptRecord| match attempt.charged_until() {
            Some(_) => attempt.charged_ms(),
            None => engine.last_heard_of(attempt).since_ms(attempt.started_at),
        };
        running.map(held).fold(index.held_ms, u64::saturating_add)
    }

    /// The budget of a sweep is raised: what was cancelled when it was spent waits again, from its start.
    pub(super) fn revive(&mut self, id: SweepId) {
        let Some(waiting) = self.sweep(id).and_then(SweepRecord::waiting_state) else { return };
        let cancelled = self.engine.tables.trials_of(id).filter(|trial| trial.state == TrialState::Cancelled);
        for trial in cancelled {
            let mut trial = trial.clone();
            (trial.state, trial.ended_at) = (waiting, None);
            trial.until_epoch = self.first_rung(&trial);
            self.forget_epochs(trial.spec.id);
            self.set_trial(trial);
        }
    }
}

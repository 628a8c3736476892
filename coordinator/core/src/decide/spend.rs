//! A budget of hours or money is spent: no trial of its sweep begins any more.
//!
//! What is spent follows from rows: for how long attempts held their slots. While no trial has completed and some wait at rungs, what
//! the leading one is expected to take to its end is kept back. That is looked at before work is handed out, and with every tick. Once
//! the rest is spent the sweep's row says so, and its trials that wait follow (`shelve.rs`). Where a trial has completed then, the sweep
//! goes on with what is left.

use sweep_proto::{AttemptId, SweepId, TrialId};

use crate::draft::Draft;
use crate::limits::KEPT_BACK_ONE_IN;
use crate::record::{SearchRecord, SweepRecord};
use crate::standings::waits_at_rungs;

impl Draft<'_> {
    /// Ends the search of every open sweep whose attempts have held their slots for as long as its budget allows.
    pub(crate) fn spend_budgets(&mut self) {
        for id in &self.engine.index.metered {
            let Some(sweep) = self.sweep(*id) else { continue };
            let Some((part, most_ms)) = sweep.spec.metered_ms() else { continue };
            // No more is ever kept back, and what is takes a look at the leading trial.
            if !self.has_held(*id, most_ms - most_ms / KEPT_BACK_ONE_IN) {
                continue;
            }
            if self.has_held(*id, most_ms.saturating_sub(self.engine.kept_back_ms(sweep))) {
                let search = sweep.search.map(|record| SearchRecord { spent: Some(part), ..record });
                self.set_sweep(SweepRecord { search, ..sweep.clone() });
            }
        }
    }

    /// Whether a budget of which a part was kept back is not spent as a whole.
    pub(super) fn has_budget_left(&self, sweep: &SweepRecord) -> bool {
        let most_ms = sweep.spec.metered_ms().map(|(_, most_ms)| most_ms);
        let keeps_some = sweep.spent().is_some() && waits_at_rungs(&sweep.spec);
        keeps_some && most_ms.is_some_and(|most_ms| !self.has_held(sweep.id, most_ms))
    }

    /// Whether attempts of a sweep would have held their slots for that long. Each that runs is looked at only where that may be so.
    fn has_held(&self, id: SweepId, most_ms: u64) -> bool {
        let index = self.engine.index.sweeps.get(&id);
        index.is_some_and(|index| index.held.may_reach(self.now, most_ms)) && self.held_ms(id) >= most_ms
    }

    /// Milliseconds for which attempts of a sweep would have held their slots.
    fn held_ms(&self, id: SweepId) -> u64 {
        let engine = self.engine;
        let Some(index) = engine.index.sweeps.get(&id) else { return 0 };
        let running = index.leased.iter().filter_map(|trial| {
            let trial = engine.tables.trials.get(&TrialId { sweep: id, index: *trial })?;
            self.attempt(AttemptId { trial: trial.spec.id, number: trial.lease?.attempt })
        });
        running.map(|attempt| engine.held_by(attempt)).fold(index.held.ended_ms(), u64::saturating_add)
    }
}

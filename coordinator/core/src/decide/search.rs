//! How far a search runs ahead: numbers of trials that end, and the lead after what proposals rest on has changed.

use coordinator_search::Lead;
use sweep_proto::{SweepId, TrialId, WorkerId};

use crate::draft::Draft;
use crate::index::SweepIndex;
use crate::record::{AskingRecord, SearchRecord, SweepRecord, TrialState};
use crate::search;

impl Draft<'_> {
    /// The number of the last trial of a sweep that would have ended.
    pub(crate) fn ended_last(&self, sweep: SweepId) -> u64 {
        let index = self.engine.index.sweeps.get(&sweep);
        let still = |index: u32| self.trial(TrialId { sweep, index }).and_then(|trial| trial.ended_number);
        let kept = index.and_then(|index| {
            index
                .ended
                .values()
                .rev()
                .find_map(|(number, trial)| (still(*trial) == Some(*number)).then_some(*number))
        });
        let changed = self.changed_trials(sweep).filter_map(|trial| trial.ended_number).max();
        kept.max(changed).unwrap_or(0)
    }

    /// The number of a trial that ends now. Trials of a grid have none, and neither have those that end with their sweep.
    pub(crate) fn ended_number(&self, trial: TrialId, state: TrialState) -> Option<u64> {
        self.sweep(trial.sweep)?.search.filter(|_| state != TrialState::Cancelled)?;
        Some(self.ended_last(trial.sweep) + 1)
    }

    /// The search of a sweep after what its proposals rest on has changed: as many trials may be made as before, chosen from what
    /// is known now.
    pub(crate) fn renewed_search(&self, sweep: &SweepRecord) -> Option<SearchRecord> {
        let search = sweep.search?;
        let (made, ended) = (self.made(sweep.id), self.ended_last(sweep.id));
        let before = self.engine.index.sweeps.get(&sweep.id).map_or(0, SweepIndex::ended_last);
        let count = search.lead.allowed(before).saturating_sub(made);
        let lead = Lead { first: made, count, known: ended };
        let version = search.version + 1;
        if !search::is_steered(&sweep.spec) {
            return Some(SearchRecord { version, lead, ..search });
        }
        // It goes on as if it had not come to its end, and so does what was cancelled then.
        let revives_from = search.revives_from.or_else(|| sweep.conclusion.as_ref().map(|_| 0));
        let revives_from = revives_from.filter(|_| search.spent.is_none());
        let asking = AskingRecord::default();
        Some(SearchRecord { version, lead, is_exhausted: false, asking, revives_from, ..search })
    }

    /// A worker has room for that many more trials than there are: a search whose lead alone stands in the way runs further ahead.
    pub(crate) fn widen_search(&mut self, asker: WorkerId, room: u64) {
        let engine = self.engine;
        let Some(id) = engine.index.starving.first().map(|turn| turn.sweep) else { return };
        let Some(sweep) = self.sweep(id).cloned() else { return };
        let (Some(search), Some(record)) = (search::of(&sweep.spec), sweep.search) else { return };
        if search.is_steered() {
            self.want_trials(sweep, asker, room as u32);
            return;
        }
        let ahead = search::ahead(search);
        let lead = Lead { first: self.made(id), count: room + ahead - 1, known: self.ended_last(id) };
        self.set_sweep(SweepRecord { search: Some(SearchRecord { lead, ..record }), ..sweep });
    }
}

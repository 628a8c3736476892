//! The log of a steered search: what a decision lets happen in it, and the questions that follow from that.

use std::collections::BTreeSet;

use coordinator_search::SearchEvent;
use sweep_proto::{EpochMetric, SweepId, Timestamp, TrialId, WorkerId};

use super::work::busy_slots;
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{
    AskingRecord, SearchRecord, SweepRecord, TrialRecord, TrialState, WorkerRecord, WorkerState,
};
use crate::search::{self, SteeredRoom};

/// Where a trial stands, as its search sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// It is to train, or trains.
    Out,
    /// It waits until its search lets it go on.
    Waits,
    Ended(TrialState),
}

impl Stand {
    fn of(trial: &TrialRecord) -> Self {
        match trial.state {
            state if state.is_terminal() => Self::Ended(state),
            _ if trial.rung().is_some() => Self::Waits,
            _ => Self::Out,
        }
    }
}

/// Trials of a sweep by what they wait for, as they would become.
#[derive(Clone, Copy, Debug)]
struct Counted {
    open: u64,
    pending: u64,
    at_rungs: u64,
}

impl Draft<'_> {
    /// Writes down what this decision lets happen in steered searches, and asks for trials where some are wanted.
    pub(crate) fn log_searches(&mut self) {
        let steered = |id: &SweepId| self.sweep(*id).is_some_and(|sweep| search::is_steered(&sweep.spec));
        let touched: Vec<SweepId> = self.touched_sweeps().into_iter().filter(steered).collect();
        for id in touched {
            let mut events: Vec<SearchEvent> = Vec::new();
            for trial in self.touched_trials(id) {
                self.happened(trial, &mut events);
            }
            self.log(id, &events);
            self.ask_on(id, &events);
        }
    }

    /// What happens to a trial.
    fn happened(&self, id: TrialId, events: &mut Vec<SearchEvent>) {
        let Some(after) = self.trial(id) else { return };
        let trial = id.index;
        let before = self.engine.tables.trials.get(&id);
        let was = before.map(Stand::of);
        let is = Stand::of(after);
        let epochs = self.truncated(id).unwrap_or_else(|| self.engine.tables.epochs_recorded(id));
        let goes_on = matches!(was, Some(Stand::Ended(_))) && !matches!(is, Stand::Ended(_));
        if goes_on || before.is_some() && self.truncated(id).is_some() {
            events.push(SearchEvent::Rewound { trial, epochs });
        }
        if was.is_none() || was == Some(Stand::Waits) && is == Stand::Out {
            events.push(SearchEvent::Given { trial });
        }
        let shown = |metric: &EpochMetric, score: f64, is_last: bool| {
            events.push(SearchEvent::Shown { trial, epoch: metric.epoch, score, is_last });
        };
        self.show_epochs(after, before, shown);
        match is {
            Stand::Waits if was != Some(is) => events.push(SearchEvent::Paused { trial }),
            Stand::Ended(state) if was != Some(is) => events.push(SearchEvent::Ended { trial, state }),
            _ => {}
        }
    }

    /// Gives the epochs that a trial shows by this decision: those that it reports, or all of the trial whose result it takes over.
    fn show_epochs(
        &self,
        trial: &TrialRecord,
        before: Option<&TrialRecord>,
        mut shown: impl FnMut(&EpochMetric, f64, bool),
    ) {
        let Some(sweep) = self.sweep(trial.spec.id.sweep) else { return };
        let tables = &self.engine.tables;
        let score = |metric: &EpochMetric| sweep.spec.objective.score_of(metric).unwrap_or(f64::INFINITY);
        let taken_over =
            trial.reused_from.filter(|_| before.is_none_or(|before| before.reused_from.is_none()));
        if let Some(origin) = taken_over {
            let last = tables.epochs_recorded(origin);
            for epoch in tables.epochs_of(origin) {
                shown(&epoch.metric, score(&epoch.metric), epoch.metric.epoch == last);
            }
        }
        for epoch in self.added_epochs(trial.spec.id) {
            shown(&epoch.metric, score(&epoch.metric), tables.is_over(trial, &epoch.metric));
        }
    }

    /// Asks for further trials where a slot becomes free, or somebody asks for work in vain; and for what is named where nothing else can
    /// come.
    fn ask_on(&mut self, id: SweepId, events: &[SearchEvent]) {
        let Some(sweep) = self.sweep(id).filter(|sweep| search::awaits_steering(sweep)).cloned() else {
            return;
        };
        let Some(record) = sweep.search else { return };
        let Counted { open, pending, at_rungs } = self.counted(id);
        let mut asking = record.asking;
        if !events.is_empty() {
            asking.is_dry = false;
        }
        let is_free = |event: &&SearchEvent| match event {
            SearchEvent::Shown { is_last, .. } => *is_last,
            SearchEvent::Paused { .. } => true,
            SearchEvent::Ended { state, .. } => {
                !matches!(state, TrialState::Completed | TrialState::Cancelled)
            }
            _ => false,
        };
        if pending == 0 {
            asking.owed = asking.owed.saturating_add(events.iter().filter(is_free).count() as u32);
        }
        if asking.asked.is_none() {
            let room = SteeredRoom::of(&sweep, self.tally(id)).with(at_rungs);
            let count = u64::from(asking.owed).min(room).min(self.engine.slice.0 as u64) as u32;
            let is_still = open == at_rungs;
            if is_still && (room == 0 || asking.is_dry) {
                asking = self.ask(id, 0, open - at_rungs);
            } else if count > 0 && !asking.is_dry {
                asking = self.ask(id, count, open - at_rungs);
            }
        }
        if asking != record.asking {
            self.set_sweep(SweepRecord { search: Some(SearchRecord { asking, ..record }), ..sweep });
        }
    }

    fn ask(&mut self, id: SweepId, count: u32, working: u64) -> AskingRecord {
        let workers = u32::try_from(working).unwrap_or(u32::MAX).saturating_add(count);
        let asked = self.log(id, &[SearchEvent::Asked { count, workers }]);
        AskingRecord { asked, owed: 0, is_dry: false }
    }

    /// Trials of a sweep as they would become.
    fn counted(&self, id: SweepId) -> Counted {
        let index = self.engine.index_of(id);
        let [mut open, mut pending, mut at_rungs] = index.map_or([0; 3], |index| {
            [index.open_trials() as i64, index.pending.len() as i64, index.at_rungs.len() as i64]
        });
        for after in self.changed_trials(id) {
            let before = self.engine.tables.trials.get(&after.spec.id);
            for (trial, by) in before.map(|trial| (trial, -1)).into_iter().chain([(after, 1)]) {
                open += if trial.state.is_terminal() { 0 } else { by };
                pending += if trial.state == TrialState::Pending { by } else { 0 };
                at_rungs += if trial.rung().is_some() { by } else { 0 };
            }
        }
        let [open, pending, at_rungs] = [open, pending, at_rungs].map(|count| count.max(0).cast_unsigned());
        Counted { open, pending, at_rungs }
    }

    /// Somebody asks for work in vain: as many trials are wanted as there are slots without any.
    pub(crate) fn want_trials(&mut self, sweep: SweepRecord, asker: WorkerId, slots: u32) {
        let Some(record) = sweep.search else { return };
        let idle = self.engine.idle_slots(self.now, asker, slots);
        let asking = AskingRecord { owed: record.asking.owed.max(idle.max(1)), ..record.asking };
        self.set_sweep(SweepRecord { search: Some(SearchRecord { asking, ..record }), ..sweep });
    }

    fn touched_trials(&self, id: SweepId) -> BTreeSet<TrialId> {
        let changed = self.changed_trials(id).map(|trial| trial.spec.id);
        let others = self.touched_by_epochs().filter(|trial| trial.sweep == id);
        changed.chain(others).collect()
    }
}

impl Engine {
    /// Slots without work of all workers that are there and could take some, where one of them says how many it has.
    fn idle_slots(&self, now: Timestamp, asker: WorkerId, slots: u32) -> u32 {
        let is_there = |worker: &&WorkerRecord| {
            let is_sound = !self.is_disconnected(worker.id) && !self.is_resting(worker, now);
            worker.state == WorkerState::Ready && is_sound
        };
        let idle = self.tables.workers.values().filter(is_there).map(|worker| {
            let busy = busy_slots(self, worker.id);
            let of_asker = if worker.id == asker { slots } else { 0 };
            worker.profile.slots.saturating_sub(busy).max(of_asker)
        });
        idle.fold(0, u32::saturating_add)
    }
}

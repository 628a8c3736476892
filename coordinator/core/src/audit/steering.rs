//! What must hold of steered searches: their logs tell what the rows tell, and none waits for an answer that cannot come.

use std::collections::BTreeMap;

use coordinator_search::SearchEvent;

use super::Audit;
use crate::record::{SweepRecord, SweepState, TrialRecord};
use crate::search;

/// A trial as the log tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    epochs: u32,
    waits: bool,
    has_ended: bool,
}

impl Told {
    fn of_rows(trial: &TrialRecord, epochs: u32) -> Self {
        Self { epochs, waits: trial.rung().is_some(), has_ended: trial.state.is_terminal() }
    }

    fn fold(&mut self, event: &SearchEvent) {
        match event {
            SearchEvent::Asked { .. } => {}
            SearchEvent::Given { .. } => (self.waits, self.has_ended) = (false, false),
            SearchEvent::Shown { epoch, .. } => self.epochs = *epoch,
            SearchEvent::Paused { .. } => self.waits = true,
            SearchEvent::Ended { .. } => (self.waits, self.has_ended) = (false, true),
            SearchEvent::Rewound { epochs, .. } => {
                (self.epochs, self.has_ended) = (*epochs, false);
            }
        }
    }
}

impl Audit<'_> {
    pub(super) fn steering(&mut self, sweep: &SweepRecord, trials: &[&TrialRecord]) {
        let id = sweep.id;
        let tables = &self.engine.tables;
        let events: Vec<_> = tables.search_events_of(id).collect();
        let is_steered = search::is_steered(&sweep.spec);
        self.expect(is_steered || events.is_empty() && sweep.conclusion.is_none(), || {
            format!("sweep {id} is not steered and has the log of a steered search, or its conclusion")
        });
        if !is_steered {
            return;
        }
        let gapless = events.iter().zip(1..).all(|(event, number)| event.number == number);
        self.expect(gapless, || format!("the log of the search of sweep {id} has a gap"));
        let mut told: BTreeMap<u32, Told> = BTreeMap::new();
        for event in &events {
            if let Some(trial) = event.event.trial() {
                told.entry(trial).or_default().fold(&event.event);
            }
        }
        for trial in trials {
            let of = trial.reused_from.unwrap_or(trial.spec.id);
            let by_rows = Told::of_rows(trial, tables.epochs_recorded(of));
            let by_log = told.remove(&trial.spec.id.index);
            self.expect(by_log == Some(by_rows), || {
                format!("the log tells {by_log:?} of trial {}, its rows {by_rows:?}", trial.spec.id)
            });
        }
        self.expect(told.is_empty(), || {
            format!("the log of sweep {id} tells of {told:?}, which are no trials")
        });
        let asked = sweep.search.and_then(|record| record.asking.asked);
        let is_question = asked.is_none_or(|asked| {
            let event = tables.search_events.get(&(id, asked)).map(|event| event.event);
            matches!(event, Some(SearchEvent::Asked { .. }))
        });
        self.expect(is_question, || {
            format!("sweep {id} waits for an answer to {asked:?}, which asks nothing")
        });
        let may_be_concluded = sweep.conclusion.is_none()
            || sweep.search.is_some_and(|record| record.is_exhausted || sweep.state != SweepState::Open);
        self.expect(may_be_concluded, || format!("sweep {id} has found what it names, and goes on"));
    }
}

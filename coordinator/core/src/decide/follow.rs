//! Trials follow their sweep: made, paused, resumed and cancelled, a bounded number at one time.
//!
//! What was decided of a sweep stands in its row at once. Where it has many trials they follow in slices, so that nobody
//! waits long for a decision about somebody else's sweep. Nothing else needs to be durable: which trials lag behind
//! follows from their states and their number.

use sweep_proto::{Configuration, SweepId, SweepSpec, Timestamp, TrialId, TrialSpec};

use super::{Outcome, grid};
use crate::command::{Rejection, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{SweepRecord, SweepState, TrialState};
use crate::view::waiting_state;

/// Lets the next trials follow, of the first sweep that has such trials.
pub(crate) fn follow(engine: &Engine, now: Timestamp) -> Outcome {
    let mut draft = Draft::new(engine, now);
    if let Some(sweep) = engine.index.behind.first() {
        draft.let_trials_follow(*sweep)?;
    }
    Ok(draft.finish(Reply::Done))
}

impl Draft<'_> {
    /// Lets a slice of the trials follow what this decision, or an earlier one, says of their sweep.
    pub(super) fn let_trials_follow(&mut self, id: SweepId) -> Result<(), Rejection> {
        let Some(state) = self.sweep(id).map(|sweep| sweep.state) else { return Ok(()) };
        let Some(waiting) = waiting_state(state) else { return Ok(()) };
        let engine = self.engine;
        let mut room = engine.slice.0;
        if let Some(index) = engine.index.sweeps.get(&id) {
            let pending = index.pending.iter().map(|(_, trial)| *trial);
            let paused = index.paused.iter().copied();
            let lagging: Vec<u32> = match state {
                SweepState::Open => paused.take(room).collect(),
                SweepState::Paused => pending.take(room).collect(),
                _ => pending.chain(paused).take(room).collect(),
            };
            room -= lagging.len();
            for index in lagging {
                self.set_waiting(TrialId { sweep: id, index }, waiting);
            }
        }
        if state == SweepState::Cancelled { Ok(()) } else { self.make_trials(id, waiting, room) }
    }

    fn set_waiting(&mut self, id: TrialId, state: TrialState) {
        let waits = |state| matches!(state, TrialState::Pending | TrialState::Paused);
        let Some(mut trial) = self.trial(id).filter(|trial| waits(trial.state)).cloned() else { return };
        if state == TrialState::Cancelled {
            let ended_at = self.sweep(id.sweep).and_then(|sweep| sweep.ended_at);
            trial.ended_at = ended_at;
            (trial.checkpoint, trial.underway) = (None, None);
        }
        trial.state = state;
        self.set_trial(trial);
    }

    /// Makes the next trials of a sweep that lacks some.
    fn make_trials(&mut self, id: SweepId, state: TrialState, room: usize) -> Result<(), Rejection> {
        let made = self.made(id);
        let Some(sweep) = self.sweep(id) else { return Ok(()) };
        let Some(planned) = sweep.spec.trial_count().filter(|planned| made < *planned) else { return Ok(()) };
        let (spec, datasets) = (sweep.spec.clone(), sweep.datasets.clone());
        let before = sweep.extended_from.clone();
        let newest = self.trial(grid::trial_id(id, made.saturating_sub(1) as usize));
        let unmade = Unmade::of(&spec, before.as_deref(), made, newest.map(|trial| &trial.spec));
        let mut last: Option<(u64, Configuration)> = None;
        let mut next = made;
        for (position, replicate) in unmade.take(room) {
            // The replicates of a configuration share its values.
            let configuration = match &last {
                Some((known, configuration)) if *known == position => configuration.clone(),
                _ => spec.configuration(position).ok_or_else(|| {
                    Rejection::Invalid(format!("the grid of sweep {id} has no position {position}"))
                })?,
            };
            last = Some((position, configuration.clone()));
            let trial_id = grid::trial_id(id, next as usize);
            let mut trial = grid::new_trial(trial_id, configuration, replicate, spec.seed, &datasets)?;
            trial.state = state;
            self.add_trial(trial, spec.reuse);
            next += 1;
        }
        if next == planned
            && let Some(sweep) = self.sweep(id).filter(|sweep| sweep.extended_from.is_some()).cloned()
        {
            self.set_sweep(SweepRecord { extended_from: None, ..sweep });
        }
        Ok(())
    }
}

/// The points of a grid, each a position and a replicate, for which there is no trial yet, in grid order.
struct Unmade<'a> {
    spec: &'a SweepSpec,
    /// Whose points there are: those of the spec before an extension, where it was extended.
    before: Option<&'a SweepSpec>,
    next: u64,
    end: u64,
}

impl<'a> Unmade<'a> {
    /// The part of a sweep that is yet to be made: its number of trials so far and the newest of them are given.
    fn of(spec: &'a SweepSpec, before: Option<&'a SweepSpec>, made: u64, newest: Option<&TrialSpec>) -> Self {
        let next = match before {
            None => made,
            // The newest one is of the extension: it goes on behind it.
            Some(before) if before.trial_count() < Some(made) => newest
                .and_then(|trial| {
                    let position = spec.position(&trial.configuration)?;
                    Some(position * u64::from(spec.replicates) + u64::from(trial.replicate) + 1)
                })
                .unwrap_or(0),
            Some(_) => 0,
        };
        Self { spec, before, next, end: spec.trial_count().unwrap_or(0) }
    }

    /// Whether a point belongs to the grid before the extension, too. Levels are only ever added behind those there are,
    /// and a new axis begins with the value that all had before.
    fn was_there(&self, position: u64, replicate: u32) -> bool {
        let Some(before) = self.before else { return false };
        let mut rest = position;
        let mut is_known = replicate < before.replicates;
        for (number, axis) in self.spec.axes.iter().enumerate().rev() {
            let levels = (axis.levels.len() as u64).max(1);
            let known = before.axes.get(number).map_or(1, |axis| axis.levels.len() as u64);
            is_known &= rest % levels < known;
            rest /= levels;
        }
        is_known
    }
}

impl Iterator for Unmade<'_> {
    type Item = (u64, u32);

    fn next(&mut self) -> Option<Self::Item> {
        let replicates = u64::from(self.spec.replicates.max(1));
        while self.next < self.end {
            let (position, replicate) = (self.next / replicates, (self.next % replicates) as u32);
            self.next += 1;
            if !self.was_there(position, replicate) {
                return Some((position, replicate));
            }
        }
        None
    }
}

//! Trials follow their sweep: made, paused, resumed, cancelled and removed, a bounded number at one time.
//!
//! Trials come into being as they are needed: more are made while fewer than [`STOCK_TRIALS`](crate::limits::STOCK_TRIALS) of
//! the sweep wait.
//!
//! What was decided of a sweep stands in its row at once. Where it has many trials they follow in slices, so that nobody
//! waits long for a decision about somebody else's sweep. Nothing else needs to be durable: which trials lag behind
//! follows from their states and their number.

use sweep_proto::{Configuration, ConfigurationIndex, SweepId, Timestamp, TrialId};

use super::{Decided, grid};
use crate::command::{Rejection, Reply, Touch};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{SweepRecord, SweepState, TrialState};
use crate::source::{self, ConfigurationPlace, Point};

/// Lets the next trials follow, of the first sweep that has such trials.
pub(crate) fn follow(engine: &Engine, now: Timestamp) -> Decided {
    let mut draft = Draft::new(engine, now);
    let is_deleted = |sweep: &&SweepId| engine.sweep(**sweep).is_none();
    // Nobody waits for what goes away.
    let next = engine.index.behind.iter().find(|sweep| !is_deleted(sweep));
    if let Some(sweep) = next.or(engine.index.behind.first()) {
        draft.let_trials_follow(*sweep)?;
    }
    Ok(draft.finish(Reply::Done))
}

impl Draft<'_> {
    /// Lets a slice of the trials follow what this decision, or an earlier one, says of their sweep.
    pub(super) fn let_trials_follow(&mut self, id: SweepId) -> Result<(), Rejection> {
        let Some(sweep) = self.sweep(id) else { return Ok(()) };
        if sweep.is_deleted() {
            self.clear_away(id);
            return Ok(());
        }
        let engine = self.engine;
        if engine.index.is_unfinished(id) {
            self.touch(Touch::Shown(id));
            return Ok(());
        }
        let state = sweep.state;
        let is_spent = state != SweepState::Cancelled && sweep.spent().is_some();
        let is_reviving = sweep.is_reviving();
        let Some(waiting) = sweep.waiting_state() else { return Ok(()) };
        let mut room = engine.slice.0;
        let mut waits = 0;
        if state != SweepState::Cancelled && !is_reviving && self.leave_rungs(id, room) > 0 {
            // Who is promoted, shelved or trained to its end is looked at when these wait.
            return Ok(());
        }
        if is_spent {
            self.follow_spent_budget(id, room);
            return Ok(());
        }
        if is_reviving {
            // Who is promoted or pruned is looked at when all of them wait again.
            self.revive(id, room);
            return Ok(());
        }
        if let Some(index) = engine.index.sweeps.get(&id) {
            waits = index.waiting();
            let pending = index.pending.values().map(|(_, trial)| *trial);
            let paused = index.paused.values().copied();
            let at_rungs = index.at_rungs.iter().copied();
            let lagging: Vec<u32> = match state {
                SweepState::Open => paused.take(room).collect(),
                SweepState::Paused => pending.take(room).collect(),
                _ => {
                    let shelved = index.shelved.iter().copied();
                    pending.chain(paused).chain(at_rungs).chain(shelved).take(room).collect()
                }
            };
            room -= lagging.len();
            for index in lagging {
                let trial = TrialId { sweep: id, index };
                self.set_waiting(trial, waiting);
                if waiting == TrialState::Cancelled {
                    self.forget_shelved(trial);
                }
            }
            if state == SweepState::Open {
                room -= self.move_rungs(id, room);
            }
        }
        let stock = engine.index.stock.0;
        if waiting == TrialState::Cancelled || waits >= stock {
            return Ok(());
        }
        self.make_trials(id, waiting, room.min(stock))
    }

    pub(super) fn set_waiting(&mut self, id: TrialId, state: TrialState) {
        let waits = |state| matches!(state, TrialState::Pending | TrialState::Paused);
        let Some(mut trial) = self.trial(id).filter(|trial| waits(trial.state)).cloned() else { return };
        if state == TrialState::Cancelled {
            let ended_at = self.sweep(id.sweep).and_then(|sweep| sweep.ended_at);
            trial.ended_at = ended_at.or(Some(self.now));
            (trial.checkpoint, trial.underway) = (None, None);
        }
        trial.state = state;
        self.set_trial(trial);
    }

    /// Makes the next trials of a sweep that lacks some.
    fn make_trials(&mut self, id: SweepId, state: TrialState, room: usize) -> Result<(), Rejection> {
        let made = self.made(id);
        let Some(sweep) = self.sweep(id).cloned() else { return Ok(()) };
        let source = source::of(&sweep, self.tally(id));
        let newest = self.trial(grid::trial_id(id, made.saturating_sub(1) as usize));
        let points: Vec<Point> = source.upcoming(made, newest.map(|trial| &trial.spec)).take(room).collect();
        let mut last: Option<(ConfigurationPlace, (Configuration, ConfigurationIndex))> = None;
        let mut next = made;
        for Point { place, replicate } in points {
            // The replicates of a configuration share its values.
            let configuration = match &last {
                Some((known, configuration)) if *known == place => configuration.clone(),
                _ => {
                    let configuration = source.configuration(place).ok_or_else(|| {
                        Rejection::Invalid(format!("the next trial of sweep {id} has no configuration"))
                    })?;
                    self.numbered(id, configuration)
                }
            };
            last = Some((place, configuration.clone()));
            let trial_id = grid::trial_id(id, next as usize);
            let mut trial =
                grid::new_trial(trial_id, configuration, replicate, sweep.spec.seed, &sweep.datasets)?;
            trial.state = state;
            self.add_trial(trial, sweep.spec.reuse);
            next += 1;
        }
        if next == source.target()
            && let Some(sweep) = self.sweep(id).filter(|sweep| sweep.extended_from.is_some()).cloned()
        {
            self.set_sweep(SweepRecord { extended_from: None, ..sweep });
        }
        Ok(())
    }
}

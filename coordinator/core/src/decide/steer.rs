//! A steered search has answered: trials are made, go on or pause, and at last the search has found what it names.
//!
//! What is answered is data, and not trusted: trials are checked as those of samplers are. A pause holds for the epoch by which it was
//! judged: where the trial has come further, or runs no more, it changes nothing.

use std::collections::BTreeSet;

use coordinator_search::{Chosen, Named, Proposal, Steering};
use sweep_proto::{SweepId, Timestamp, TrialId, WorkKind};

use super::propose::{check_each, hold};
use crate::command::{Decision, Reply};
use crate::configurations::Rows;
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{
    AskingRecord, AttemptState, Conclusion, ConclusionReason, SearchRecord, SweepRecord, SweepState,
    TrialRecord, TrialState,
};
use crate::search::{self, SteeredRoom};

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Followed {
    Done,
    /// The budget has no room for it.
    NoRoom,
    /// The trial does not wait any more: the search chooses again.
    Outdated,
}

pub(crate) fn steer(
    engine: &Engine,
    now: Timestamp,
    (id, version): (SweepId, u64),
    answer: &Result<Steering, String>,
) -> Decision {
    let is_steered = |sweep: &&SweepRecord| search::awaits_steering(sweep);
    let Some(sweep) = engine.sweep(id).filter(is_steered) else { return Decision::default() };
    if sweep.search.is_none_or(|record| record.version != version) {
        return Decision::default();
    }
    let mut draft = Draft::new(engine, now);
    let followed =
        answer.as_ref().map_err(Clone::clone).and_then(|answer| draft.follow_steering(sweep, answer));
    match followed {
        Ok(()) => draft.finish(Reply::Done),
        // Nothing of what was begun above stays.
        Err(reason) => hold(engine, now, sweep, &reason),
    }
}

impl Draft<'_> {
    fn follow_steering(&mut self, sweep: &SweepRecord, answer: &Steering) -> Result<(), String> {
        for (trial, epoch) in &answer.pauses {
            self.pause_after(TrialId { sweep: sweep.id, index: *trial }, *epoch);
        }
        let asked = sweep.search.and_then(|record| record.asking.asked);
        match answer.chosen.as_ref().filter(|chosen| asked == Some(chosen.asked)) {
            Some(chosen) => self.follow_choice(sweep, chosen),
            None => Ok(()),
        }
    }

    /// Lets a trial wait that trains, where that epoch is its last one so far.
    fn pause_after(&mut self, id: TrialId, epoch: u32) {
        let engine = self.engine;
        let Some(trial) = engine.tables.trials.get(&id).filter(|trial| trial.lease.is_some()) else { return };
        let trains = trial.lease.is_some_and(|lease| lease.work == WorkKind::Train);
        let is_there = trial.checkpoint.is_some_and(|checkpoint| checkpoint.epoch == epoch);
        if trains && is_there && engine.tables.end_epoch(trial).is_none() {
            let mut trial = trial.clone();
            (trial.until_epoch, trial.underway) = (Some(epoch), None);
            self.set_trial(trial);
            self.wait_at_rung(id);
        }
    }

    fn follow_choice(&mut self, sweep: &SweepRecord, chosen: &Chosen) -> Result<(), String> {
        let Some(record) = sweep.search else { return Ok(()) };
        let mut is_dry = true;
        if let Some(end) = &chosen.end {
            self.conclude(sweep, end, chosen.is_sure);
        } else {
            let mut seen = BTreeSet::new();
            for proposal in &chosen.proposals {
                if !seen.insert(proposal) {
                    return Err("the search proposed the same trial twice".to_owned());
                }
                is_dry &= self.follow_proposal(sweep, chosen.asked, proposal)? == Followed::NoRoom;
            }
        }
        let asking = AskingRecord { asked: None, is_dry, ..record.asking };
        let present = self.sweep(sweep.id).unwrap_or(sweep).clone();
        let search = present.search.map(|record| SearchRecord { asking, ..record });
        self.set_sweep(SweepRecord { search, ..present });
        Ok(())
    }

    /// Makes a trial, or lets it go on where it waits. Not where the budget has no room for it: that may have less than when the question was
    /// asked.
    fn follow_proposal(
        &mut self,
        sweep: &SweepRecord,
        asked: u64,
        proposal: &Proposal,
    ) -> Result<Followed, String> {
        let room = SteeredRoom::of(sweep, self.tally(sweep.id));
        let Some(trial) = self.trial_of(sweep.id, proposal) else {
            check_each(self.engine, sweep, std::slice::from_ref(proposal))?;
            if room.trials == 0 {
                return Ok(Followed::NoRoom);
            }
            self.make_one(sweep, proposal)?;
            return Ok(Followed::Done);
        };
        let (id, rung) = (trial.spec.id, trial.rung());
        let Some(rung) = rung else {
            if !self.has_changed_since(id, asked) {
                // It was made before, and did not wait: refused as such.
                check_each(self.engine, sweep, std::slice::from_ref(proposal))?;
            }
            return Ok(Followed::Outdated);
        };
        if trial.spec.configuration.epochs().saturating_sub(rung.into()) > room.epochs {
            return Ok(Followed::NoRoom);
        }
        self.promote(id);
        Ok(Followed::Done)
    }

    /// The trial of a configuration and a replicate.
    fn trial_of(&self, id: SweepId, proposal: &Proposal) -> Option<&TrialRecord> {
        let index = self.engine.index_of(id)?;
        let rows = Rows { tables: &self.engine.tables, sweep: id };
        let number = index.configurations.number(rows, &proposal.configuration)?;
        let trials = index.configurations.trials_of(number).map(|index| TrialId { sweep: id, index });
        trials.filter_map(|trial| self.trial(trial)).find(|trial| trial.spec.replicate == proposal.replicate)
    }

    /// Whether anything has happened to a trial since a question was asked.
    fn has_changed_since(&self, id: TrialId, asked: u64) -> bool {
        let after = (id.sweep, asked + 1)..=(id.sweep, u64::MAX);
        let mut events = self.engine.tables.search_events.range(after);
        events.any(|event| event.event.trial() == Some(id.index))
    }

    /// The search has come to its end: what runs is called back, and what waits is pruned, a slice at a time.
    fn conclude(&mut self, sweep: &SweepRecord, named: &Named, is_sure: bool) {
        let id = sweep.id;
        let at_rungs = self.engine.index_of(id).map_or(0, |index| index.at_rungs.len() as u64);
        let reason = match SteeredRoom::of(sweep, self.tally(id)).with(at_rungs) {
            _ if is_sure => ConclusionReason::Sure,
            0 => ConclusionReason::Budget,
            _ => ConclusionReason::Exhausted,
        };
        let search = sweep.search.map(|record| SearchRecord { is_exhausted: true, ..record });
        let conclusion = Some(Box::new(Conclusion { reason, named: named.clone() }));
        self.set_sweep(SweepRecord { search, conclusion, ..sweep.clone() });
        let Some(index) = self.engine.index_of(id) else { return };
        let pending = index.pending.values().map(|(_, trial)| *trial);
        let paused = index.paused.values().copied();
        let open: Vec<u32> = index.leased.iter().copied().chain(pending).chain(paused).collect();
        for trial in open {
            self.stop_for_good(TrialId { sweep: id, index: trial });
        }
    }

    /// Ends a trial that its search needs no more. One that has trained to its end goes on, because only its result is lacking, and so does
    /// one that somebody has asked to be tried again.
    fn stop_for_good(&mut self, id: TrialId) {
        let engine = self.engine;
        let Some(trial) = self.trial(id).filter(|trial| !trial.state.is_terminal()) else { return };
        let is_asked_for = trial.forgiven > 0;
        if is_asked_for || trial.checkpoint.is_some() && engine.tables.end_epoch(trial).is_some() {
            return;
        }
        let has_shown = trial.checkpoint.is_some();
        if trial.lease.is_some() && has_shown {
            self.prune_running(id);
            return;
        }
        let ended = match trial.lease {
            Some(_) => self.end_attempt(id, AttemptState::Revoked).map(|(trial, _)| trial),
            None => Some(trial.clone()),
        };
        if let Some(mut trial) = ended {
            trial.until_epoch = trial.checkpoint.map(|checkpoint| checkpoint.epoch).or(trial.until_epoch);
            self.end_trial(trial, if has_shown { TrialState::Pruned } else { TrialState::Cancelled });
        }
    }

    /// Ends a slice of the trials that wait, once their search has come to its end. Where a larger budget would let them go on, they keep
    /// their checkpoints. Gives how many.
    pub(super) fn end_after_conclusion(&mut self, id: SweepId, room: usize) -> usize {
        let Some(index) = self.engine.index_of(id) else { return 0 };
        let conclusion = self.sweep(id).and_then(|sweep| sweep.conclusion.as_ref());
        let is_cut_short = conclusion.is_some_and(|one| one.reason == ConclusionReason::Budget);
        let waiting: Vec<u32> = index.at_rungs.iter().copied().take(room).collect();
        for trial in &waiting {
            let trial = TrialId { sweep: id, index: *trial };
            match self.trial(trial).filter(|_| is_cut_short).cloned() {
                Some(trial) => self.shelve(trial),
                None => self.prune_waiting(trial),
            }
        }
        waiting.len()
    }
}

impl SweepRecord {
    /// Whether it is steered and has not found yet what it names.
    pub(crate) fn is_unconcluded(&self) -> bool {
        self.state == SweepState::Open && search::is_steered(&self.spec) && self.conclusion.is_none()
    }
}

//! Runs a sampler against recorded results, with workers that take them one after another on a simulated clock.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::state::TrialState;
use sweep_proto::{Configuration, SamplerName};

use crate::history::{Ended, History};
use crate::lead::Lead;
use crate::proposal::{Proposal, Request};
use crate::sampler::{self, CalledOff};
use crate::space::Space;

/// One epoch of a recorded trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Validation loss.
    pub loss: f64,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// What trials showed, or what a function says that they show.
pub trait Table {
    /// The epochs of a trial, at least one; `None` where it was not recorded.
    fn curve(&self, configuration: &Configuration, replicate: u32) -> Option<Vec<Epoch>>;
}

impl Table for BTreeMap<(Configuration, u32), Vec<Epoch>> {
    fn curve(&self, configuration: &Configuration, replicate: u32) -> Option<Vec<Epoch>> {
        self.get(&(configuration.clone(), replicate)).cloned()
    }
}

/// A search to be replayed.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Who proposes.
    pub sampler: SamplerName,
    /// The seed of the sweep.
    pub seed: u64,
    /// Where to search.
    pub space: Space,
    /// How often each configuration is trained.
    pub replicates: u32,
    /// Trials that run at one time.
    pub workers: u64,
    /// Most trials.
    pub trials: u64,
}

/// A trial of a replayed search.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// What was proposed.
    pub proposal: Proposal,
    /// How it ended, where it has; one that was not recorded has failed.
    pub ended: Option<Ended>,
    /// Its number of epochs.
    pub epochs: u64,
}

/// A search on its way: everything that a restart would find.
#[derive(Clone, Debug)]
pub struct Replay {
    setup: Setup,
    trials: Vec<Played>,
    lead: Lead,
    /// Where the sampler's own sequence goes on.
    from: u64,
    /// When each running trial ends, in milliseconds.
    running: BTreeSet<(u64, usize)>,
    waiting: BTreeSet<(u32, usize)>,
    now_ms: u64,
    ended: u64,
    is_exhausted: bool,
}

impl Replay {
    /// Nothing has run yet.
    pub fn new(setup: Setup) -> Self {
        let count = setup.workers + sampler::of(setup.sampler).ahead().saturating_sub(1);
        Self {
            setup,
            trials: Vec::new(),
            lead: Lead { first: 0, count, known: 0 },
            from: 0,
            running: BTreeSet::new(),
            waiting: BTreeSet::new(),
            now_ms: 0,
            ended: 0,
            is_exhausted: false,
        }
    }

    /// How far it runs ahead.
    pub fn lead(&self) -> Lead {
        self.lead
    }

    /// Proposes at most `most` of the trials that may be made now.
    ///
    /// # Errors
    /// Where the sampler has no answer.
    pub fn propose(&mut self, most: u64) -> Result<(), String> {
        let made = self.trials.len() as u64;
        let allowed = self.lead.allowed(self.ended).min(self.setup.trials);
        let count = allowed.saturating_sub(made).min(most);
        if count == 0 || self.is_exhausted {
            return Ok(());
        }
        let mut history = History::new(self.setup.replicates);
        for trial in &self.trials {
            history.push(trial.proposal.configuration.clone(), trial.proposal.replicate, trial.ended);
        }
        let Setup { sampler, seed, ref space, .. } = self.setup;
        let mut request = Request {
            sampler,
            seed,
            space: space.clone(),
            history,
            lead: self.lead,
            count,
            from: self.from,
            called_off: CalledOff::default(),
        };
        let answer = request.answer()?;
        self.from = answer.from;
        self.is_exhausted = answer.is_exhausted;
        for proposal in answer.proposals {
            self.waiting.insert((proposal.replicate, self.trials.len()));
            self.trials.push(Played { proposal, ended: None, epochs: 0 });
        }
        Ok(())
    }

    /// Idle workers take what waits, first replicates first; then the next trial ends. Tells whether one did.
    pub fn step(&mut self, table: &impl Table) -> bool {
        while (self.running.len() as u64) < self.setup.workers
            && let Some((_, index)) = self.waiting.pop_first()
        {
            let curve = self.curve(table, index);
            let took_ms: u64 = curve.iter().map(|epoch| epoch.ms).sum();
            self.running.insert((self.now_ms + took_ms, index));
        }
        let Some((at_ms, index)) = self.running.pop_first() else { return false };
        self.now_ms = at_ms;
        self.ended += 1;
        let curve = self.curve(table, index);
        let score = curve.iter().map(|epoch| epoch.loss).min_by(f64::total_cmp);
        let state = if score.is_some() { TrialState::Completed } else { TrialState::Failed };
        if let Some(trial) = self.trials.get_mut(index) {
            trial.epochs = curve.len() as u64;
            trial.ended = Some(Ended { number: self.ended, state, score });
        }
        true
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// Where the sampler has no answer.
    pub fn run(mut self, table: &impl Table) -> Result<Vec<Played>, String> {
        self.propose(u64::MAX)?;
        while self.step(table) {
            self.propose(u64::MAX)?;
        }
        Ok(self.trials)
    }

    fn curve(&self, table: &impl Table, index: usize) -> Vec<Epoch> {
        let proposal = self.trials.get(index).map(|trial| &trial.proposal);
        proposal.and_then(|one| table.curve(&one.configuration, one.replicate)).unwrap_or_default()
    }
}

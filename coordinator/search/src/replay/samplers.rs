//! Runs a sampler alone, over whole trials of a space that may be endless.

use sweep_proto::state::TrialState;

use super::clock::Clock;
use super::proposer::{Played, Proposer, Setup};
use super::{Epoch, Table};
use crate::lead::Lead;

/// A search on its way: everything that a restart would find.
#[derive(Clone, Debug)]
pub struct Replay {
    proposer: Proposer,
    clock: Clock,
}

impl Replay {
    /// Nothing has run yet.
    pub fn new(setup: Setup) -> Self {
        let clock = Clock::new(setup.workers);
        Self { proposer: Proposer::new(setup), clock }
    }

    /// How far it runs ahead.
    pub fn lead(&self) -> Lead {
        self.proposer.lead()
    }

    /// Proposes at most `most` of the trials that may be made now.
    ///
    /// # Errors
    /// Where the sampler has no answer.
    pub fn propose(&mut self, most: u64) -> Result<(), String> {
        self.proposer.propose(most)
    }

    /// Idle workers take what waits, first replicates first; then the next trial ends. Tells whether one did.
    pub fn step(&mut self, table: &impl Table) -> bool {
        while self.clock.has_idle()
            && let Some(index) = self.proposer.take()
        {
            let took_ms = self.curve(table, index).iter().map(|epoch| epoch.ms).sum();
            self.clock.begin(index as u64, took_ms);
        }
        let Some(index) = self.clock.end() else { return false };
        let curve = self.curve(table, index as usize);
        let score = curve.iter().map(|epoch| epoch.loss).min_by(f64::total_cmp);
        let state = if score.is_some() { TrialState::Completed } else { TrialState::Failed };
        self.proposer.end(index as usize, state, score, curve.len() as u64);
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
        Ok(self.proposer.into_trials())
    }

    fn curve(&self, table: &impl Table, index: usize) -> Vec<Epoch> {
        let proposal = self.proposer.trials().get(index).map(|trial| &trial.proposal);
        proposal.and_then(|one| table.curve(&one.configuration, one.replicate)).unwrap_or_default()
    }
}

//! Asks a sampler for trials as the coordinator does: as many as its lead allows, from what has ended by then.

use std::collections::BTreeSet;

use sweep_proto::SamplerName;
use sweep_proto::state::TrialState;

use crate::history::{Ended, News};
use crate::lead::Lead;
use crate::proposal::{Proposal, Request};
use crate::sampler;
use crate::space::Space;

/// A search by a sampler that is to be replayed.
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

/// A sampler, and everything that a restart would find of its search.
#[derive(Clone, Debug)]
pub(super) struct Proposer {
    most: u64,
    trials: Vec<Played>,
    waiting: BTreeSet<(u32, usize)>,
    ended: u64,
    is_exhausted: bool,
    request: Request,
}

impl Proposer {
    /// Nothing was proposed yet.
    pub(super) fn new(setup: Setup) -> Self {
        let count = setup.workers + sampler::of(setup.sampler).map_or(1, |one| one.ahead()).saturating_sub(1);
        Self {
            most: setup.trials,
            trials: Vec::new(),
            waiting: BTreeSet::new(),
            ended: 0,
            is_exhausted: false,
            request: Request::begun(
                setup.sampler,
                setup.seed,
                setup.space,
                setup.replicates,
                Lead { first: 0, count, known: 0 },
            ),
        }
    }

    /// How far it runs ahead.
    pub(super) fn lead(&self) -> Lead {
        self.request.lead
    }

    /// What was proposed so far.
    pub(super) fn trials(&self) -> &[Played] {
        &self.trials
    }

    pub(super) fn into_trials(self) -> Vec<Played> {
        self.trials
    }

    /// Proposes at most `most` of the trials that may be made now.
    ///
    /// # Errors
    /// Where the sampler has no answer.
    pub(super) fn propose(&mut self, most: u64) -> Result<(), String> {
        let made = self.trials.len() as u64;
        let allowed = self.request.lead.allowed(self.ended).min(self.most);
        self.request.count = allowed.saturating_sub(made).min(most);
        if self.request.count == 0 || self.is_exhausted {
            return Ok(());
        }
        let answer = self.request.answer()?;
        self.request.from = answer.from;
        self.is_exhausted = answer.is_exhausted;
        for proposal in answer.proposals {
            self.request.history.push(proposal.configuration.clone(), proposal.replicate, None);
            self.waiting.insert((proposal.replicate, self.trials.len()));
            self.trials.push(Played { proposal, ended: None, epochs: 0 });
        }
        Ok(())
    }

    /// A worker has room for one more trial than may be made: the search runs further ahead.
    pub(super) fn run_ahead(&mut self) {
        let ahead = sampler::of(self.request.sampler).map_or(1, |one| one.ahead()).max(1);
        self.request.lead = Lead { first: self.trials.len() as u64, count: ahead, known: self.ended };
    }

    /// A trial that waits, first replicates first.
    pub(super) fn take(&mut self) -> Option<usize> {
        self.waiting.pop_first().map(|(_, index)| index)
    }

    /// A trial has ended.
    pub(super) fn end(&mut self, index: usize, state: TrialState, score: Option<f64>, epochs: u64) {
        self.ended += 1;
        let ended = Ended { number: self.ended, state, score, epochs: epochs as u32 };
        if let Some(trial) = self.trials.get_mut(index) {
            trial.epochs = epochs;
            trial.ended = Some(ended);
        }
        self.request.history.learn(News { made: Vec::new(), ended: vec![(index as u32, ended)] });
    }
}

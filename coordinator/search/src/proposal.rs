//! A question to a sampler and its answer. The question holds all that the answer depends on, so it is answered anywhere.

use sweep_proto::{Configuration, SamplerName};

use crate::history::History;
use crate::lead::Lead;
use crate::sampler::{self, Asked, Nothing};
use crate::space::Space;

/// A trial that a sampler proposes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proposal {
    /// Its configuration.
    pub configuration: Configuration,
    /// Which replicate of it.
    pub replicate: u32,
}

/// Which trials shall come next.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Who is asked.
    pub sampler: SamplerName,
    /// The seed of the sweep.
    pub seed: u64,
    /// Where to search.
    pub space: Space,
    /// What was made so far, and how often each configuration is to be trained.
    pub history: History,
    /// What each further trial is chosen from.
    pub lead: Lead,
    /// How many are wanted.
    pub count: u64,
}

/// What a sampler answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The next trials, in order; fewer than were wanted only where `is_exhausted`.
    pub proposals: Vec<Proposal>,
    /// Whether the space has no trial that was not made or proposed.
    pub is_exhausted: bool,
}

impl Request {
    /// Asks the sampler.
    ///
    /// # Errors
    /// Why it has no answer, in words for a person.
    pub fn answer(mut self) -> Result<Answer, String> {
        let sampler = sampler::of(self.sampler);
        let mut proposals = Vec::new();
        for _ in 0..self.count {
            let seen = self.history.seen(self.lead.known(self.history.made()));
            let asked = Asked { seed: self.seed, space: &self.space, seen };
            match sampler.propose(&asked) {
                Ok(proposal) => {
                    self.history.push(proposal.configuration.clone(), proposal.replicate, None);
                    proposals.push(proposal);
                }
                Err(Nothing::Exhausted) => return Ok(Answer { proposals, is_exhausted: true }),
                Err(Nothing::Failed(reason)) => return Err(reason),
            }
        }
        Ok(Answer { proposals, is_exhausted: false })
    }
}

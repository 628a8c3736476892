//! A question to a sampler and its answer. The question holds all that the answer depends on, so it is answered anywhere.

use sweep_proto::{Configuration, SamplerName};

use crate::history::History;
use crate::lead::Lead;
use crate::sampler::{self, Asked, CalledOff, Found, Kept, Nothing, Watch};
use crate::space::Space;

/// Candidates that are looked at for one answer before it is given with what was found.
const LOOKED_AT_MAX: u64 = 1_000_000;

/// A trial that a sampler proposes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proposal {
    /// Its configuration.
    pub configuration: Configuration,
    /// Which replicate of it.
    pub replicate: u32,
}

/// Which trials shall come next.
#[derive(Clone, Debug)]
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
    /// Where the sampler's own sequence goes on, as the last answer has told; 0 at first. It saves looking again at what is made or
    /// forbidden, and changes no answer that is found without it.
    pub from: u64,
    /// Ends the search for an answer that nobody wants any more.
    pub called_off: CalledOff,
    /// What the sampler keeps from one answer to the next.
    pub kept: Kept,
}

/// What a sampler answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The next trials, in order. There are fewer than were wanted where the space is exhausted, where finding more takes long or
    /// fails, and none where the sampler was called off.
    pub proposals: Vec<Proposal>,
    /// Whether the space has no trial that was not made or proposed, as far as the sampler may look for one.
    pub is_exhausted: bool,
    /// Where the sampler's own sequence goes on.
    pub from: u64,
}

impl Request {
    /// A question of which nothing was answered yet, and that asks for nothing: nothing is made, and each configuration is to be trained
    /// that often.
    pub fn begun(sampler: SamplerName, seed: u64, space: Space, replicates: u32, lead: Lead) -> Self {
        let (called_off, kept) = (CalledOff::default(), Kept::default());
        Self {
            sampler,
            seed,
            space,
            history: History::new(replicates),
            lead,
            count: 0,
            from: 0,
            called_off,
            kept,
        }
    }

    /// Asks the sampler.
    ///
    /// # Errors
    /// Why it has no answer, in words for a person.
    pub fn answer(&mut self) -> Result<Answer, String> {
        let made = self.history.made();
        let answer = self.found();
        // What is proposed is not made yet.
        self.history.forget_from(made);
        self.kept.forget_from(self.history.configurations());
        answer
    }

    fn found(&mut self) -> Result<Answer, String> {
        let Some(sampler) = sampler::of(self.sampler) else {
            return Err(format!("{} is no sampler: it steers a search as a whole", self.sampler));
        };
        let watch = Watch::new(&self.called_off);
        let mut answer = Answer { proposals: Vec::new(), is_exhausted: false, from: self.from };
        while (answer.proposals.len() as u64) < self.count && watch.looked_at() < LOOKED_AT_MAX {
            let seen = self.history.seen(self.lead.known(self.history.made()));
            let asked = Asked { seed: self.seed, space: &self.space, seen, from: answer.from, watch: &watch };
            match sampler.propose(&asked, &mut self.kept) {
                Ok(Found { proposal, from }) => {
                    self.history.push(proposal.configuration.clone(), proposal.replicate, None);
                    answer.proposals.push(proposal);
                    answer.from = from;
                }
                Err(Nothing::Exhausted) => {
                    answer.is_exhausted = true;
                    break;
                }
                // Whoever asks again is answered alike: the search ends with the trials that it has.
                Err(Nothing::GaveUp(_)) if self.history.made() > 0 => {
                    answer.is_exhausted = true;
                    break;
                }
                Err(Nothing::GaveUp(reason)) => return Err(reason),
                // The next question comes to the failure first.
                Err(Nothing::Failed(reason)) if answer.proposals.is_empty() => return Err(reason),
                Err(Nothing::Failed(_) | Nothing::CalledOff) => break,
            }
        }
        Ok(answer)
    }
}

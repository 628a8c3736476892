//! A search that `auto` steers trial by trial and epoch by epoch, as a fold of the log of its sweep.
//!
//! Each question is answered by what had happened when it was asked, and each epoch is judged by what had happened when it was shown. So
//! it does not matter when that is computed: at once or later, before a restart or after.

mod event;

use std::collections::BTreeMap;

use sweep_proto::Configuration;
use sweep_proto::state::TrialState;

pub use event::{Chosen, Named, SearchEvent, Steering};

use crate::auto::{Job, Settings, SpaceSearch, Standing, Verdict};
use crate::proposal::Proposal;
use crate::space::Space;

/// Trials that must have finished before a search may be sure of anything; those of the configuration that it names come on top.
pub const FINISHED_MIN: u64 = crate::auto::FITTED_EACH as u64;

/// What a search is about.
#[derive(Clone, Debug)]
pub struct SteeredSetup {
    /// The seed of the sweep.
    pub seed: u64,
    /// Where to search.
    pub space: Space,
    /// How often a configuration may be trained.
    pub replicates: u32,
    /// Epochs of a trial.
    pub epochs: u32,
    /// The score of a model that guesses.
    pub chance_score: f64,
}

/// What has happened since a copy of a log was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SteeredNews {
    /// Further trials, in the order in which they were made: the configuration and the replicate of each.
    pub made: Vec<(Configuration, u32)>,
    /// Further events, each with its number.
    pub events: Vec<(u64, SearchEvent)>,
}

/// A steered search.
#[derive(Clone, Debug)]
pub struct Steered {
    search: SpaceSearch,
    made: Vec<(Configuration, u32)>,
    /// Slots that worked on the sweep when a question was last asked.
    workers: u32,
    /// The answer to the newest question, and the question's number.
    chosen: Option<Chosen>,
    /// Trials that should wait, by their numbers, each after the epoch by which that was judged.
    pauses: BTreeMap<u32, u32>,
}

impl Steered {
    /// A search in which nothing has happened.
    ///
    /// # Errors
    /// Why there can be none, in words for a person.
    pub fn new(setup: SteeredSetup) -> Result<Self, String> {
        let SteeredSetup { seed, space, replicates, epochs, chance_score } = setup;
        let settings = Settings::new(seed, replicates, epochs, chance_score).told_of_ends();
        let search = SpaceSearch::new(settings, space).map_err(|error| error.to_string())?;
        Ok(Self { search, made: Vec::new(), workers: 0, chosen: None, pauses: BTreeMap::new() })
    }

    /// Takes over what has happened. `asked` is the number of the question that waits for an answer.
    ///
    /// # Errors
    /// Where that cannot have happened, in words for a person.
    pub fn learn(&mut self, news: SteeredNews, asked: Option<u64>) -> Result<(), String> {
        // Before anything is known of them: a candidate that comes in later has the model fitted again.
        for (configuration, _) in &news.made {
            self.search.admit(configuration).map_err(|error| error.to_string())?;
        }
        self.made.extend(news.made);
        let mut last: BTreeMap<u32, u64> = BTreeMap::new();
        last.extend(news.events.iter().filter_map(|(number, event)| Some((event.trial()?, *number))));
        for (number, event) in news.events {
            self.fold(number, event, asked).map_err(|error| format!("event {number} of its log: {error}"))?;
            // Whatever has happened to the trial since makes what is judged here void.
            if let SearchEvent::Shown { trial, epoch, is_last: false, .. } = event
                && last.get(&trial) == Some(&number)
            {
                let job = self.job(trial)?;
                if self.search.verdict(job) == Verdict::Pause {
                    self.pauses.insert(trial, epoch);
                }
            }
        }
        Ok(())
    }

    /// The answers that wait to become events: the same until more has happened.
    pub fn steering(&self, asked: Option<u64>) -> Steering {
        let chosen = self.chosen.clone().filter(|chosen| asked == Some(chosen.asked));
        Steering { chosen, pauses: self.pauses.iter().map(|(trial, epoch)| (*trial, *epoch)).collect() }
    }

    fn fold(&mut self, number: u64, event: SearchEvent, asked: Option<u64>) -> Result<(), String> {
        let SearchEvent::Asked { count, workers } = event else { return self.fold_of_trial(event) };
        self.workers = workers;
        if asked == Some(number) {
            let chosen = self.choose(number, count);
            self.chosen = Some(chosen);
        }
        Ok(())
    }

    fn fold_of_trial(&mut self, event: SearchEvent) -> Result<(), String> {
        let Some(trial) = event.trial() else { return Ok(()) };
        self.pauses.remove(&trial);
        let job = self.job(trial)?;
        let search = &mut self.search;
        let folded = match event {
            SearchEvent::Asked { .. } => Ok(()),
            SearchEvent::Given { .. } => search.given(job),
            SearchEvent::Shown { epoch, score, is_last, .. } => search.shown(job, epoch, score, is_last),
            SearchEvent::Paused { .. } => search.paused(job),
            SearchEvent::Rewound { epochs, .. } => search.rewound(job, epochs),
            SearchEvent::Ended { state: TrialState::Diverged, .. } => search.diverged(job),
            SearchEvent::Ended { state: TrialState::Pruned, .. } => search.retired(job),
            SearchEvent::Ended { state: TrialState::Completed, .. } => {
                search.finish(job);
                Ok(())
            }
            SearchEvent::Ended { .. } => {
                search.fail(job);
                Ok(())
            }
        };
        folded.map_err(|error| error.to_string())
    }

    /// What a trial is in the search. Its configuration may have come into the space later than the search's candidates.
    fn job(&mut self, trial: u32) -> Result<Job, String> {
        let Some((configuration, replicate)) = self.made.get(trial as usize) else {
            return Err(format!("there is no trial {trial}"));
        };
        let configuration = self.search.admit(configuration).map_err(|error| error.to_string())?;
        Ok(Job { configuration, replicate: *replicate, goes_on: false })
    }

    /// The answer to a question by what is known now.
    fn choose(&mut self, asked: u64, count: u32) -> Chosen {
        let mut answer = self.search.answer(self.workers as usize, count.max(1) as usize);
        answer.jobs.truncate(count as usize);
        let proposal = |job: &Job| {
            let configuration = self.search.configuration(job.configuration)?.clone();
            Some(Proposal { configuration, replicate: job.replicate })
        };
        let proposals = answer.jobs.iter().filter_map(proposal).collect();
        let is_sure = answer.conclusion.is_some();
        let best = answer.conclusion.or_else(|| self.search.best().filter(|_| count == 0));
        let end = match best {
            Some(standing) => Some(self.named(&standing)),
            None => (count == 0).then(Named::default),
        };
        Chosen { asked, proposals, end, is_sure }
    }

    fn named(&self, standing: &Standing) -> Named {
        let configuration = |one: usize| self.search.configuration(one).cloned();
        let tied = standing.tied.iter().filter(|one| **one != standing.named);
        Named {
            configuration: configuration(standing.named),
            probability: standing.probability,
            margin: standing.probability.map(|_| libm::expm1(standing.margin)),
            tied: tied.filter_map(|one| configuration(*one)).collect(),
        }
    }
}

//! What a steered search is told: the trials that were made and the log of what has happened, as far as whoever asks lacks them.

use coordinator_search::steered::FINISHED_MIN;
use coordinator_search::{Space, Steered, SteeredNews, SteeredSetup, Steering};
use sweep_proto::{SweepId, SweepSpec};

use crate::engine::Engine;
use crate::record::{SearchEventRecord, SweepRecord};
use crate::search::{self, Known};

/// What whoever has a copy of a steered search lacks to answer for it.
#[derive(Clone, Debug)]
pub struct SteeredQuestion {
    /// The sweep.
    pub sweep: SweepId,
    /// What the search is about, where the copy is of no use any more: of another version, or none.
    pub begun: Option<SteeredSetup>,
    /// What the copy lacks, or a part of it.
    pub news: SteeredNews,
    /// How much the copy knows with it.
    pub known: Known,
    /// The number of the event whose question waits for an answer.
    pub asked: Option<u64>,
    /// Whether the copy lacks nothing then.
    pub is_whole: bool,
}

/// Configurations of a space that a steered search looks at; of a larger one, at points of it.
pub const CANDIDATES_MAX: u64 = coordinator_search::auto::CANDIDATES_MAX as u64;

/// Trials after which a steered search of that many may stop: enough for a model, and the further replicates of what it names.
pub fn earliest_stop(replicates: u32, trials: u64) -> u64 {
    (FINISHED_MIN + u64::from(replicates.max(1)) - 1).min(trials)
}

impl SteeredQuestion {
    /// Puts the question, with the copy that there is. Gives the search as it is then, `None` where a copy is needed and there is none, and
    /// what it answers, once it lacks nothing.
    ///
    /// # Errors
    /// Why there is no answer, in words for a person.
    pub fn put(self, copy: Option<Box<Steered>>) -> Result<(Option<Box<Steered>>, Option<Steering>), String> {
        let Self { begun, news, asked, is_whole, .. } = self;
        let search = match begun {
            Some(setup) => Some(Box::new(Steered::new(setup)?)),
            None => copy,
        };
        let Some(mut search) = search else { return Ok((None, None)) };
        search.learn(news, asked)?;
        let steering = is_whole.then(|| search.steering(asked));
        Ok((Some(search), steering))
    }
}

impl Engine {
    /// What is to be told to whoever steers a sweep and has a copy of its search; `None` where that is nothing. At most that many trials
    /// and events are copied, so that nobody waits long.
    pub fn steered_question(
        &self,
        id: SweepId,
        known: Option<Known>,
        most: usize,
    ) -> Option<SteeredQuestion> {
        let sweep = self.sweep(id).filter(|sweep| search::awaits_steering(sweep))?;
        let (index, record) = (self.index_of(id)?, sweep.search?);
        let (made, ended) = (index.made(), self.tables.search_events_recorded(id));
        let is_of_use =
            |known: &Known| known.version == record.version && known.made <= made && known.ended <= ended;
        let known = known.filter(is_of_use);
        let begun = known.is_none().then(|| setup(sweep));
        let mut known = known.unwrap_or(Known { version: record.version, made: 0, ended: 0 });
        let asked = record.asking.asked;
        if known.made == made && known.ended == ended && asked.is_none() {
            return None;
        }
        let news = self.steered_news(id, made, &mut known, most);
        let is_whole = known.made == made && known.ended == ended;
        Some(SteeredQuestion { sweep: id, begun, news, known, asked, is_whole })
    }

    /// What has happened beyond what is known, trials first.
    fn steered_news(&self, id: SweepId, made: u64, known: &mut Known, most: usize) -> SteeredNews {
        let mut news = SteeredNews { made: self.made_since(id, known, most), ..SteeredNews::default() };
        // An event is told after its trial.
        let rest = if known.made == made { most.saturating_sub(news.made.len()) } else { 0 };
        let events = self.tables.search_events.range((id, known.ended + 1)..=(id, u64::MAX));
        for SearchEventRecord { number, event, .. } in events.take(rest) {
            news.events.push((*number, *event));
            known.ended = *number;
        }
        news
    }
}

fn setup(sweep: &SweepRecord) -> SteeredSetup {
    let SweepSpec { seed, replicates, .. } = sweep.spec;
    let classes = sweep.datasets.iter().map(|dataset| dataset.classes.len()).max().unwrap_or(0).max(2);
    SteeredSetup {
        seed,
        space: Space::of(&sweep.spec),
        replicates,
        epochs: u32::try_from(sweep.spec.fixed.epochs()).unwrap_or(u32::MAX),
        // The loss in nats of a model that takes all classes for equally likely.
        chance_score: (classes as f64).ln(),
    }
}

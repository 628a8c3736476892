//! `auto`: a search that models scores, chooses each trial by what it may teach, pauses trials that cannot win, and says when it is sure.
//!
//! It knows no rows, no clock and no threads. What it answers follows from its seed and from what it was told, in that order. It is
//! driven in one of two ways:
//!
//! - [`Auto::ask`] and [`Auto::report`] decide at once, and judge by themselves where a trial ends: replays do so.
//! - Whoever keeps a log folds it by [`Auto::given`], [`Auto::shown`] and the like, with [`Endings::Told`], and asks by
//!   [`Auto::answer`], [`Auto::verdict`] and [`Auto::best`], which change nothing. An answer counts once it is told as an event.

mod asking;
mod belief;
mod candidates;
mod counted;
mod curves;
mod gain;
mod interface;
mod linear;
mod listed;
mod minimise;
mod model;
mod neighbours;
mod observed;
mod scale;
mod scores;
mod screening;
mod space_points;
mod space_search;
mod standing;
mod start;
mod stepping;
mod stop;
mod taught;
mod telling;
mod trial;
mod trials;

#[cfg(test)]
mod tests;

pub use candidates::{ABSENT, AxisKind, CANDIDATES_MAX, CandidateError, Candidates};
pub use interface::{Answer, AutoError, Endings, Job, Settings, Verdict};
pub use model::{Observation, Parameters};
pub use space_search::SpaceSearch;
pub use stop::Standing;

use asking::Judged;
use gain::Gain;
use start::Start;
use stop::Draws;
pub(crate) use taught::FITTED_EACH;
use taught::Taught;
use trials::Trials;

/// A search.
#[derive(Clone, Debug)]
pub struct Auto {
    settings: Settings,
    trials: Trials,
    start: Start,
    gain: Gain,
    draws: Draws,
    taught: Option<Taught>,
    /// How sure the search is by what was shown; `None` where that was not judged since.
    judged: Option<Judged>,
    conclusion: Option<Standing>,
}

impl Auto {
    /// A search that has not begun.
    ///
    /// # Errors
    /// Where the settings cannot be.
    pub fn new(settings: Settings, candidates: Candidates) -> Result<Self, AutoError> {
        settings.check()?;
        Ok(Self {
            start: Start::new(&candidates, settings.seed),
            trials: Trials::new(candidates, settings.replicates, settings.chance_loss),
            gain: Gain::new(),
            draws: Draws::new(settings.seed),
            taught: None,
            judged: None,
            conclusion: None,
            settings,
        })
    }

    /// How the named configuration stands, once the search has stopped: it does so when it is asked for a trial, or when that is told.
    pub fn stop(&self) -> Option<&Standing> {
        self.conclusion.as_ref()
    }

    /// The parameters of the model, once it has any.
    pub fn parameters(&self) -> Option<&Parameters> {
        self.taught.as_ref().map(|taught| &taught.parameters)
    }

    /// Brings the model up to what finished trials have shown.
    fn learn(&mut self) {
        Taught::learn(&mut self.taught, &mut self.trials, &self.settings);
    }

    /// Takes further candidates in, behind those that there are. They are modelled with all others once the model is fitted again, and at once
    /// where they are `modelled`.
    fn extend(&mut self, points: &[Vec<f64>], modelled: bool) -> Result<(), CandidateError> {
        self.trials.extend(points)?;
        if let Some(taught) = self.taught.as_mut().filter(|_| modelled) {
            taught.list(&mut self.trials, &self.settings);
        }
        self.changed();
        Ok(())
    }

    /// What was judged before is of an earlier state. Who is asked by questions that change nothing has to know all before them.
    fn changed(&mut self) {
        self.judged = None;
        if self.settings.endings == Endings::Told {
            self.learn();
        }
    }
}

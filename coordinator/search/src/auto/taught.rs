//! What a search believes: parameters that were fitted at some moment, and what every trial that has finished since has added.

use crate::auto::belief::{Belief, Updated};
use crate::auto::interface::Settings;
use crate::auto::listed::{Listed, Shown};
use crate::auto::model::{Observation, Parameters};
use crate::auto::trials::Trials;

/// Trials that must have shown something before there is a model.
const SHOWN_MIN: usize = 3;

/// Finished trials from which on parameters are fitted.
const FITTED_MIN: usize = 4;

/// Up to this number of finished trials, parameters are fitted again after each; from there on, whenever the number has grown by this factor.
const FITTED_EACH: usize = 8;
const FITTED_GROWTH: f64 = 1.25;

/// What finished trials have taught.
#[derive(Clone, Debug)]
pub(crate) struct Taught {
    belief: Belief,
    /// Of which candidates.
    pub(crate) listed: Listed,
    pub(crate) parameters: Parameters,
    /// How many had finished when the parameters were last fitted.
    by: usize,
    /// The highest score that counts in full.
    highest: f64,
}

impl Taught {
    /// Brings what is known up to what finished trials have shown: where there are enough more of them, the parameters are fitted again.
    pub(crate) fn learn(known: &mut Option<Self>, trials: &mut Trials, settings: &Settings) {
        let finished = trials.finished();
        if finished == 0 || trials.shown() < SHOWN_MIN {
            return;
        }
        match known {
            Some(taught) if !taught.is_outgrown(finished) => {
                let observations = taught.listed.placed(&trials.absorb(taught.highest));
                if !observations.is_empty() {
                    taught.belief.absorb(&observations);
                }
            }
            _ => *known = Some(Self::anew(trials, settings)),
        }
    }

    fn is_outgrown(&self, finished: usize) -> bool {
        finished > self.by && (finished <= FITTED_EACH || finished as f64 >= FITTED_GROWTH * self.by as f64)
    }

    fn anew(trials: &mut Trials, settings: &Settings) -> Self {
        let (observations, highest) = trials.finished_observations();
        trials.absorb(highest);
        let open = trials.open_observations(highest, false);
        let all: Vec<Observation> = observations.iter().copied().chain(open).collect();
        let tried = trials.configurations();
        let candidates = trials.candidates();
        let sum: f64 = observations.iter().map(|one| one.value).sum();
        let level = sum / observations.len().max(1) as f64;
        let by = observations.len();
        let parameters = if by < FITTED_MIN {
            Parameters::prior(candidates.axes())
        } else {
            Parameters::fit(candidates, &all, level)
        };
        let (replicates, margin) = (settings.replicates, settings.margin_of_logarithms());
        let shown = Shown { observations: &all, tried: &tried, level, replicates, margin };
        let listed = Listed::of(candidates, &parameters, &shown);
        let mut belief = Belief::prior(candidates, listed.points(), &parameters, replicates, level);
        belief.absorb(&listed.placed(&observations));
        Self { belief, listed, parameters, by, highest }
    }

    /// How many trials had finished when the parameters were fitted.
    pub(crate) fn by(&self) -> usize {
        self.by
    }

    /// Whether its parameters follow from trials.
    pub(crate) fn is_fitted(&self) -> bool {
        self.by >= FITTED_MIN
    }

    /// Whether there were enough trials to be sure of anything.
    pub(crate) fn is_mature(&self) -> bool {
        self.by >= FITTED_EACH
    }

    /// What is believed with what all other trials have shown; `is_ahead`: how sure that is once trials that run have shown more, which says
    /// nothing about means.
    pub(crate) fn view(&self, trials: &mut Trials, is_ahead: bool) -> Option<Updated<'_>> {
        let observations = trials.open_observations(self.highest, is_ahead);
        self.belief.updated(&self.listed.placed(&observations))
    }

    /// The place of the listed candidate that has the lowest mean among those with a finished trial.
    pub(crate) fn lowest(&self, trials: &Trials, belief: &Updated<'_>) -> Option<usize> {
        let mean = |one: usize| self.listed.place(one).map(|place| belief.mean[place]);
        trials.lowest(mean).and_then(|one| self.listed.place(one))
    }
}

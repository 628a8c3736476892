//! What a search believes: parameters that were fitted at some moment, and what every trial that has finished since has added.

use crate::auto::belief::{Belief, Updated};
use crate::auto::counted::spread;
use crate::auto::interface::Settings;
use crate::auto::listed::{Evidence, Listed};
use crate::auto::model::{Observation, Parameters};
use crate::auto::observed::Seen;
use crate::auto::trials::Trials;

/// Trials that must have shown something before there is a model.
const SHOWN_MIN: usize = 3;

/// Finished trials from which on parameters are fitted.
const FITTED_MIN: usize = 4;

/// Most observations to which parameters are fitted, with the cube of their number: there are few parameters, and these many tell them to a
/// few percent.
const FITTED_TO: usize = 256;

/// Up to this number of finished trials, parameters are fitted again after each; from there on, whenever the number has grown by this factor.
pub(crate) const FITTED_EACH: usize = 8;
const FITTED_GROWTH: f64 = 1.25;

/// The list is made again once those that have come in and are not on it are this part of the configurations that were tried.
const STRANGERS_SHARE: usize = 16;

/// What finished trials have taught.
#[derive(Clone, Debug)]
pub(crate) struct Taught {
    belief: Belief,
    /// Of which candidates.
    pub(crate) listed: Listed,
    pub(crate) parameters: Parameters,
    /// How many had finished when the parameters were last fitted.
    by: usize,
    /// The highest score that counts in full, and what scores are about.
    highest: f64,
    level: f64,
    /// Trials that were handed out of candidates that are not listed.
    strangers: usize,
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
                if taught.strangers > 0 && STRANGERS_SHARE * taught.strangers >= trials.tried() {
                    taught.list(trials, settings);
                }
                taught.settle(trials);
            }
            _ => *known = Some(Self::anew(trials, settings)),
        }
    }

    fn is_outgrown(&self, finished: usize) -> bool {
        finished > self.by && (finished <= FITTED_EACH || finished as f64 >= FITTED_GROWTH * self.by as f64)
    }

    fn anew(trials: &mut Trials, settings: &Settings) -> Self {
        let (highest, level) = trials.highest_and_level();
        let by = trials.finished();
        let candidates = trials.candidates();
        let parameters = if by < FITTED_MIN {
            Parameters::prior(candidates.axes())
        } else {
            let observations = spread(&trials.observations(highest), FITTED_TO);
            Parameters::fit(trials.candidates(), &observations, level)
        };
        let (listed, belief) = listing(&parameters, highest, level, trials, settings);
        let mut taught = Self { belief, listed, parameters, by, highest, level, strangers: 0 };
        taught.settle(trials);
        taught
    }

    /// Makes the list and the belief again, with the same parameters: candidates have come in.
    pub(crate) fn list(&mut self, trials: &mut Trials, settings: &Settings) {
        let (listed, belief) = listing(&self.parameters, self.highest, self.level, trials, settings);
        (self.listed, self.belief, self.strangers) = (listed, belief, 0);
        self.settle(trials);
    }

    /// A trial of this configuration was handed out.
    pub(crate) fn meet(&mut self, configuration: usize) {
        self.strangers += usize::from(self.listed.place(configuration).is_none());
    }

    fn settle(&mut self, trials: &mut Trials) {
        let new = self.placed(&trials.settle(self.highest));
        if !new.is_empty() {
            self.belief.absorb(&new);
        }
    }

    /// What listed candidates have shown beyond what was settled, by their places.
    fn placed(&self, seen: &[Seen]) -> Vec<Observation> {
        let placed = |one: &Seen| {
            let place = self.listed.place(one.key.0)?;
            let added = one.added(self.belief.noise(place))?;
            Some(Observation { configuration: place, ..added })
        };
        seen.iter().filter_map(placed).collect()
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
        self.belief.updated(&self.placed(&trials.unsettled(self.highest, is_ahead)))
    }

    /// The place of the listed candidate that has the lowest mean among those with a finished trial.
    pub(crate) fn lowest(&self, trials: &Trials, belief: &Updated<'_>) -> Option<usize> {
        let mean = |one: usize| self.listed.place(one).map(|place| belief.mean[place]);
        trials.lowest(mean).and_then(|one| self.listed.place(one))
    }
}

/// The candidates that are modelled together, and what is believed of them before anything is settled.
fn listing(
    parameters: &Parameters,
    highest: f64,
    level: f64,
    trials: &mut Trials,
    settings: &Settings,
) -> (Listed, Belief) {
    trials.unsettle();
    let (observations, running) = (trials.observations(highest), trials.running());
    let margin = settings.margin_of_logarithms();
    let evidence = Evidence { observations: &observations, running: &running, level, margin };
    let candidates = trials.candidates();
    let listed = Listed::of(candidates, parameters, &evidence);
    let belief = Belief::prior(candidates, listed.points(), parameters, settings.replicates, level);
    (listed, belief)
}

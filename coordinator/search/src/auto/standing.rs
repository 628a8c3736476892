//! What would be named now, how it stands, and which trials cannot win against it. To ask changes no later answer.

use crate::auto::Auto;
use crate::auto::interface::{Job, Verdict};
use crate::auto::stop::{self, Standing};
use crate::auto::taught::Taught;
use crate::auto::trial::State;

/// A trial is paused once it is less probable than this that its configuration is as good as the named one ...
const UNLIKELY: f64 = 0.02;
/// ... and less than this part of the probability of another one that could be trained instead.
const WORTH_OF_OTHERS: f64 = 0.5;

impl Auto {
    /// The configuration that the search would name now; `None` before a trial has finished.
    pub fn named(&mut self) -> Option<usize> {
        if let Some(standing) = &self.conclusion {
            return Some(standing.named);
        }
        let taught = self.taught.as_ref();
        let view = taught.and_then(|taught| taught.view(&mut self.trials, false));
        match taught.zip(view) {
            Some((taught, belief)) => {
                taught.lowest(&self.trials, &belief).map(|place| taught.listed.points()[place])
            }
            None => self.trials.lowest(|one| Some(self.trials.mean_score(one))),
        }
    }

    /// How the configuration that would be named stands now; `None` before enough trials have finished. The probability is exact
    /// where it is above what the search wants, and an upper bound below.
    pub fn standing(&mut self) -> Option<Standing> {
        self.standing_by(self.settings.sure)
    }

    /// How the configuration that would be named stands, whatever the probability, which is exact up to its draws; without one where too
    /// few trials have finished to tell. `None` before a trial has finished.
    pub fn best(&mut self) -> Option<Standing> {
        if self.conclusion.is_some() {
            return self.conclusion.clone();
        }
        let margin = self.settings.margin_of_logarithms();
        self.standing_by(0.0).or_else(|| {
            self.named().map(|named| Standing { named, margin, probability: None, tied: Vec::new() })
        })
    }

    /// The probability is exact where it is at least `sure`, and an upper bound below.
    pub(super) fn standing_by(&mut self, sure: f64) -> Option<Standing> {
        let taught = self.taught.as_ref().filter(|taught| taught.is_mature())?;
        let belief = taught.view(&mut self.trials, false)?;
        let named = taught.lowest(&self.trials, &belief)?;
        // The grid itself would not tell smaller differences between two configurations from seed noise. What a replicate adds to both is
        // no part of it: they are compared by the same seeds.
        let of_difference = (2.0 * belief.noise(named) / f64::from(self.settings.replicates)).sqrt();
        let margin = self.settings.margin_of_logarithms().max(of_difference);
        let found = self.draws.standing(&belief, named, margin, sure);
        let point = |place: usize| taught.listed.points()[place];
        let left_out = taught.listed.left_out;
        Some(Standing {
            named: point(found.named),
            probability: found.probability.map(|one| (one - left_out).max(0.0)),
            tied: found.tied.into_iter().map(point).collect(),
            ..found
        })
    }

    /// What should become of a trial that runs, by what is known now: whether another one is clearly worth more. One that does not run
    /// may continue not to.
    pub fn verdict(&mut self, job: Job) -> Verdict {
        let key = (job.configuration, job.replicate);
        let runs = self.trials.get(key).is_some_and(|trial| trial.state == State::Running);
        if runs && self.is_unlikely(job.configuration) { Verdict::Pause } else { Verdict::Continue }
    }

    fn is_unlikely(&mut self, configuration: usize) -> bool {
        let Some(taught) = self.taught.as_ref().filter(|taught| taught.is_fitted()) else {
            return false;
        };
        let view = taught.view(&mut self.trials, false);
        let (Some(belief), Some(own)) = (view, taught.listed.place(configuration)) else { return false };
        let Some(named) = taught.lowest(&self.trials, &belief) else { return false };
        if named == own {
            return false;
        }
        let chances = stop::chances(&belief, named, -self.settings.margin_of_logarithms());
        if chances[own] >= UNLIKELY {
            return false;
        }
        let places = taught.listed.points().iter().enumerate();
        let is_idle = |(place, one): &(usize, &usize)| *place != named && self.trials.next(**one).is_some();
        let others = places.filter(is_idle).map(|(place, _)| chances[place]).fold(0.0, f64::max);
        chances[own] < WORTH_OF_OTHERS * others
    }

    /// Brings the model up to date. Where it was fitted to more than `before` finished trials, tells to how many, and which candidates have the
    /// lowest means, at most `count` of them.
    pub(super) fn fitted_and_best(&mut self, count: usize, before: usize) -> Option<(usize, Vec<usize>)> {
        self.learn();
        let is_new = |taught: &&Taught| taught.is_fitted() && taught.by() > before;
        let taught = self.taught.as_ref().filter(is_new)?;
        let mean = taught.view(&mut self.trials, false)?.mean;
        let mut order: Vec<usize> = (0..taught.listed.points().len()).collect();
        order.sort_by(|one, other| mean[*one].total_cmp(&mean[*other]).then(one.cmp(other)));
        let best = order.into_iter().take(count).map(|place| taught.listed.points()[place]);
        Some((taught.by(), best.collect()))
    }
}

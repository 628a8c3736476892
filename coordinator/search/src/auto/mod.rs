//! `auto`: a search that models scores, chooses each trial by what it may teach, pauses trials that cannot win, and says when it is sure.
//!
//! It knows no rows, no clock and no threads. It is asked for trials and told of epochs; what it answers follows from its seed and
//! from these events in their order.

mod belief;
mod candidates;
mod curves;
mod gain;
mod linear;
mod minimise;
mod model;
mod normal;
mod start;
mod stop;
mod trials;

#[cfg(test)]
mod tests;

pub use candidates::{AxisKind, CANDIDATES_MAX, CandidateError, Candidates};
pub use model::{Observation, Parameters};
pub(crate) use normal::pair as normal_pair;
pub use stop::Standing;

use belief::{Belief, Updated};
use curves::{Curves, Key};
use gain::{Gain, Open};
use start::Start;
use stop::Draws;
use trials::{State, Trials};

/// Trials of the start, which cover the space: at least one for each worker.
const START: usize = 8;

/// Trials that must have shown something before the model is asked.
const SHOWN_MIN: usize = 3;

/// Finished trials from which the model's parameters are fitted, up to which they are fitted anew after each, and the growth after which they
/// are from there on.
const FITTED_MIN: usize = 4;
const FITTED_EACH: usize = 8;
const FITTED_GROWTH: f64 = 1.25;

/// A trial is finished once nothing is to be gained from it: 0.2 % at the most.
const NO_GAIN: f64 = 0.002;

/// A trial is paused once it is less probable than this that its configuration is as good as the named one ...
const UNLIKELY: f64 = 0.05;
/// ... and less than this part of the probability of another one that could be trained instead.
const WORTH_OF_OTHERS: f64 = 0.5;

/// What a search is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The seed of the sweep.
    pub seed: u64,
    /// How often a configuration may be trained.
    pub replicates: u32,
    /// Epochs of a trial.
    pub epochs: u32,
    /// Epochs without a lower loss after which the trainer ends a trial; 0: it never does.
    pub patience: u32,
    /// The loss of a model that guesses.
    pub chance_loss: f64,
    /// How probable it must be that the named configuration is as good as the best one.
    pub sure: f64,
    /// Differences of scores below this part do not count, or below the standard error of the difference between two configurations'
    /// means where that is larger.
    pub margin: f64,
}

impl Settings {
    /// The usual probability and margin.
    pub fn new(seed: u64, replicates: u32, epochs: u32, chance_loss: f64) -> Self {
        Self { seed, replicates, epochs, patience: 0, chance_loss, sure: 0.95, margin: 0.01 }
    }

    fn check(&self) -> Result<(), AutoError> {
        let problem = if self.replicates == 0 || self.epochs == 0 {
            format!(
                "a search needs at least one replicate and one epoch, not {} and {}",
                self.replicates, self.epochs
            )
        } else if !(self.chance_loss > 0.0 && self.chance_loss.is_finite()) {
            format!("the loss of guessing must be above 0, not {}", self.chance_loss)
        } else if !((0.0..1.0).contains(&self.sure) && self.margin > 0.0 && self.margin.is_finite()) {
            format!(
                "the probability must be from 0 to below 1 and the margin above 0, not {} and {}",
                self.sure, self.margin
            )
        } else {
            return Ok(());
        };
        Err(AutoError(problem))
    }
}

/// What a search was told that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AutoError(String);

/// A trial to be trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// The index of its configuration.
    pub configuration: usize,
    /// Which replicate of it, from 0.
    pub replicate: u32,
    /// Whether it has trained before: it goes on from its checkpoint.
    pub goes_on: bool,
}

/// What becomes of a trial after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Continue,
    /// It waits, and may go on from its checkpoint later.
    Pause,
    /// It has shown what there is to show.
    Finish,
}

/// What finished trials have taught.
#[derive(Clone, Debug)]
struct Taught {
    belief: Belief,
    parameters: Parameters,
    /// How many had finished when this was begun anew.
    by: usize,
    /// The highest score that counts in full.
    highest: f64,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Auto {
    settings: Settings,
    candidates: Candidates,
    trials: Trials,
    curves: Curves,
    start: Start,
    gain: Gain,
    draws: Draws,
    taught: Option<Taught>,
    /// The configuration whose replicates are trained next: all else says that it is the one to be named.
    confirmed: Option<usize>,
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
            trials: Trials::new(settings.replicates, settings.chance_loss),
            curves: Curves::new(settings.chance_loss),
            start: Start::new(&candidates, settings.seed),
            gain: Gain::new(),
            draws: Draws::new(settings.seed),
            taught: None,
            confirmed: None,
            conclusion: None,
            settings,
            candidates,
        })
    }

    /// The next trial for one of `workers` workers; `None` where the search has stopped, or every trial was handed out.
    pub fn ask(&mut self, workers: usize) -> Option<Job> {
        self.learn();
        self.conclude();
        if self.conclusion.is_some() {
            return None;
        }
        while self.start.len() < START.max(workers).min(self.candidates.len()) {
            let configuration = self.start.next(&self.candidates);
            if self.trials.next(configuration) == Some(0) {
                return Some(self.run((configuration, 0)));
            }
        }
        if let Some(configuration) = self.confirmed
            && let Some(replicate) = self.trials.next(configuration)
        {
            return Some(self.run((configuration, replicate)));
        }
        let open: Vec<Open> = (0..self.candidates.len())
            .filter_map(|one| self.trials.next(one).map(|replicate| (one, replicate)))
            .collect();
        let best = self.most_telling(&open).or_else(|| open.first().copied())?;
        Some(self.run(best))
    }

    /// A trial has measured an epoch, counted from 1.
    ///
    /// # Errors
    /// Where the trial does not run, or that epoch is not its next one. Nothing has changed then.
    pub fn report(&mut self, job: Job, epoch: u32, loss: f64) -> Result<Verdict, AutoError> {
        let key = (job.configuration, job.replicate);
        let Some(trial) = self.trials.get_mut(key).filter(|trial| trial.state == State::Running) else {
            return Err(AutoError(format!(
                "replicate {} of configuration {} does not run; report trials that were handed out",
                job.replicate, job.configuration
            )));
        };
        let next = trial.losses.len() as u32 + 1;
        if epoch != next {
            return Err(AutoError(format!(
                "replicate {} of configuration {} reports epoch {epoch}; its next one is {next}",
                job.replicate, job.configuration
            )));
        }
        if loss.is_finite() {
            // A loss of nothing has no logarithm.
            trial.losses.push(loss.max(f64::MIN_POSITIVE));
        } else {
            trial.has_diverged = true;
        }
        let patience = self.settings.patience as usize;
        let has_ended = trial.has_diverged
            || epoch >= self.settings.epochs
            || (patience > 0 && trial.epochs_since_best() >= patience);
        let verdict = if has_ended || self.has_no_gain(key) {
            self.trials.finish(&self.candidates, key, &mut self.curves);
            Verdict::Finish
        } else if self.is_unlikely(key) {
            self.trials.pause(key);
            Verdict::Pause
        } else {
            Verdict::Continue
        };
        Ok(verdict)
    }

    /// The trainer has ended a trial with the epochs that it has reported.
    pub fn finish(&mut self, job: Job) {
        let key = (job.configuration, job.replicate);
        let is_empty = self.trials.get(key).is_some_and(|trial| trial.losses.is_empty());
        if is_empty {
            self.trials.pause(key);
        } else {
            self.trials.finish(&self.candidates, key, &mut self.curves);
        }
    }

    /// A trial runs no more, and nobody knows why: it may be handed out again.
    pub fn lose(&mut self, job: Job) {
        let key = (job.configuration, job.replicate);
        if self.trials.get(key).is_some_and(|trial| trial.state == State::Running) {
            self.trials.pause(key);
        }
    }

    /// The configuration that the search would name now; `None` before a trial has finished. To ask changes no later answer.
    pub fn named(&mut self) -> Option<usize> {
        if let Some(standing) = &self.conclusion {
            return Some(standing.named);
        }
        let taught = self.taught.as_ref();
        let view = taught
            .and_then(|taught| taught.view(&mut self.trials, &mut self.curves, &self.candidates, false));
        match view {
            Some(belief) => lowest(&self.trials, |one| belief.mean[one]),
            None => lowest(&self.trials, |one| self.trials.mean_score(one)),
        }
    }

    /// How the named configuration stands, once the search has stopped: it does so when it is asked for a trial.
    pub fn stop(&self) -> Option<&Standing> {
        self.conclusion.as_ref()
    }

    /// How the configuration that would be named stands now; `None` before enough trials have finished. The probability is exact
    /// where it is above what the search wants, and an upper bound below. To ask changes no later answer.
    pub fn standing(&mut self) -> Option<Standing> {
        let taught = self.taught.as_ref().filter(|taught| taught.by >= FITTED_EACH)?;
        let belief = taught.view(&mut self.trials, &mut self.curves, &self.candidates, false)?;
        let named = lowest(&self.trials, |one| belief.mean[one])?;
        let noise = taught.parameters.noise_of(&self.candidates, named);
        // The grid itself would not tell smaller differences between two configurations from seed noise.
        let of_difference = (2.0 * noise / f64::from(self.settings.replicates)).sqrt();
        let margin = libm::log1p(self.settings.margin).max(of_difference);
        Some(self.draws.standing(&belief, named, margin, self.settings.sure))
    }

    /// The parameters of the model, once it has any.
    pub fn parameters(&self) -> Option<&Parameters> {
        self.taught.as_ref().map(|taught| &taught.parameters)
    }

    fn run(&mut self, key: Key) -> Job {
        let goes_on = self.trials.run(key);
        Job { configuration: key.0, replicate: key.1, goes_on }
    }

    /// Stops the search where it is sure, or has the named configuration's replicates trained where only they are missing.
    fn conclude(&mut self) {
        self.confirmed = None;
        let Some(standing) = self.standing().filter(|standing| standing.probability >= self.settings.sure)
        else {
            return;
        };
        if self.trials.count(standing.named, State::Finished) >= self.settings.replicates as usize {
            self.conclusion = Some(standing);
        } else {
            self.confirmed = Some(standing.named);
        }
    }

    /// Whether a model has been fitted.
    fn is_fitted(&self) -> bool {
        self.taught.as_ref().is_some_and(|taught| taught.by >= FITTED_MIN)
    }

    /// Brings the model up to what finished trials have shown: where there are enough more of them it begins anew, with other parameters.
    fn learn(&mut self) {
        let finished = self.trials.finished();
        if finished == 0 || self.trials.shown() < SHOWN_MIN {
            return;
        }
        let is_due = |taught: &Taught| {
            finished > taught.by
                && (finished <= FITTED_EACH || finished as f64 >= FITTED_GROWTH * taught.by as f64)
        };
        match self.taught.as_mut().filter(|taught| !is_due(taught)) {
            Some(taught) => {
                let observations = self.trials.absorb(taught.highest);
                if !observations.is_empty() {
                    taught.belief.absorb(&observations);
                }
            }
            None => self.taught = Some(self.taught_anew()),
        }
    }

    fn taught_anew(&mut self) -> Taught {
        let (observations, highest) = self.trials.finished_observations();
        self.trials.absorb(highest);
        let usual = |one: &Observation| one.value - self.candidates.expected(one.configuration);
        let level = observations.iter().map(usual).sum::<f64>() / observations.len().max(1) as f64;
        let by = observations.len();
        let parameters = if by < FITTED_MIN {
            Parameters::prior(self.candidates.axes())
        } else {
            let open = self.trials.open_observations(&self.candidates, &mut self.curves, highest, false);
            let all: Vec<Observation> = observations.iter().copied().chain(open).collect();
            Parameters::fit(&self.candidates, &all, level)
        };
        let mut belief = Belief::prior(&self.candidates, &parameters, self.settings.replicates, level);
        belief.absorb(&observations);
        Taught { belief, parameters, by, highest }
    }

    /// The open trial that tells most about which configuration is best.
    fn most_telling(&mut self, open: &[Open]) -> Option<Open> {
        let taught = self.taught.as_ref()?;
        let means = taught.view(&mut self.trials, &mut self.curves, &self.candidates, false)?.mean;
        let belief = taught.view(&mut self.trials, &mut self.curves, &self.candidates, true)?;
        self.gain.best(&belief, &means[..self.candidates.len()], open).map(|(trial, _)| trial)
    }

    /// Whether a trial that runs will hardly get any better.
    fn has_no_gain(&mut self, key: Key) -> bool {
        let is_fitted = self.is_fitted();
        let Some(trial) = self.trials.get(key).filter(|_| is_fitted) else { return false };
        let outlook = self.curves.outlook(&self.candidates, key.0, &trial.losses);
        -outlook.change + 2.0 * outlook.variance.sqrt() < NO_GAIN
    }

    /// Whether another trial is clearly worth more than one that runs.
    fn is_unlikely(&mut self, key: Key) -> bool {
        self.learn();
        let taught = self.taught.as_ref().filter(|taught| taught.by >= FITTED_MIN);
        let view = taught
            .and_then(|taught| taught.view(&mut self.trials, &mut self.curves, &self.candidates, false));
        let Some(belief) = view else { return false };
        let Some(named) = lowest(&self.trials, |one| belief.mean[one]) else { return false };
        if named == key.0 || self.confirmed == Some(key.0) {
            return false;
        }
        let chances = stop::chances(&belief, named, -libm::log1p(self.settings.margin));
        if chances[key.0] >= UNLIKELY {
            return false;
        }
        let is_idle =
            |one: &usize| *one != named && (*one != key.0 || key.1 > 0) && self.trials.next(*one).is_some();
        let others = (0..self.candidates.len()).filter(is_idle).map(|one| chances[one]).fold(0.0, f64::max);
        chances[key.0] < WORTH_OF_OTHERS * others
    }
}

impl Taught {
    /// What is believed with what all other trials have shown; `are_ending`: how sure that will be once those that run have finished.
    fn view(
        &self,
        trials: &mut Trials,
        curves: &mut Curves,
        candidates: &Candidates,
        are_ending: bool,
    ) -> Option<Updated<'_>> {
        self.belief.updated(&trials.open_observations(candidates, curves, self.highest, are_ending))
    }
}

/// The configuration of the lowest value among those that have a finished trial; the first of equal ones.
fn lowest(trials: &Trials, value: impl Fn(usize) -> f64) -> Option<usize> {
    let valued = trials.finished_configurations().into_iter().map(|one| (one, value(one)));
    valued.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(one, _)| one)
}

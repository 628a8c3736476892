//! `auto`: a search that models scores, chooses each trial by what it may teach, pauses trials that cannot win, and says when it is sure.
//!
//! It knows no rows, no clock and no threads. It is asked for trials and told of epochs; what it answers follows from its seed and
//! from these events in their order.

mod belief;
mod candidates;
mod curves;
mod gain;
mod interface;
mod linear;
mod listed;
mod minimise;
mod model;
mod neighbours;
mod scale;
mod space_search;
mod start;
mod stop;
mod taught;
mod trials;

#[cfg(test)]
mod tests;

pub use candidates::{AxisKind, CANDIDATES_MAX, CandidateError, Candidates};
pub use interface::{AutoError, Job, Settings, Verdict};
pub use model::{Observation, Parameters};
pub use space_search::SpaceSearch;
pub use stop::Standing;

use curves::Key;
use gain::{Gain, Open};
use start::Start;
use stop::Draws;
use taught::Taught;
use trials::{State, Trials};

/// Trials of the start, which cover the space: at least one for each worker.
const START: usize = 8;

/// Where the trainer has no patience, a trial is finished once it will hardly gain this much any more. With patience that would save few
/// epochs, and bias scores.
const NO_GAIN: f64 = 0.01;

/// A loss counts as at least this part of that of guessing: a loss of nothing has no logarithm.
const LEAST: f64 = 1e-6;

/// A trial is paused once it is less probable than this that its configuration is as good as the named one ...
const UNLIKELY: f64 = 0.02;
/// ... and less than this part of the probability of another one that could be trained instead.
const WORTH_OF_OTHERS: f64 = 0.5;

/// A search.
#[derive(Clone, Debug)]
pub struct Auto {
    settings: Settings,
    trials: Trials,
    start: Start,
    gain: Gain,
    draws: Draws,
    taught: Option<Taught>,
    /// The configuration whose replicates are trained next: all else says that it is the one to be named.
    confirmed: Option<usize>,
    /// Whether nothing was shown since it was judged whether the search may stop.
    is_judged: bool,
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
            confirmed: None,
            is_judged: false,
            conclusion: None,
            settings,
        })
    }

    /// The next trial for one of `workers` workers; `None` where the search has stopped, or every trial was handed out. Unless it stops
    /// just now, that is no decision, and changes no later answer.
    pub fn ask(&mut self, workers: usize) -> Option<Job> {
        if self.conclusion.is_some() {
            return None;
        }
        if !self.is_open() {
            if !self.is_judged {
                self.is_judged = true;
                let (standing, _) = self.sure().filter(|(_, has_replicates)| *has_replicates)?;
                self.end(standing);
            }
            return None;
        }
        let first = self.prepare(workers);
        let key = if self.conclusion.is_some() { None } else { first.or_else(|| self.chosen()) };
        key.map(|key| self.run(key))
    }

    /// Whether there is a trial to hand out.
    fn is_open(&self) -> bool {
        (0..self.trials.candidates().len()).any(|one| self.trials.next(one).is_some())
    }

    /// What [`Self::ask`] answered before a restart: the search is as it was then, and nothing is chosen again.
    ///
    /// # Errors
    /// Where there is no such trial, or it runs or has ended. Nothing has changed then.
    pub fn given(&mut self, workers: usize, job: Job) -> Result<(), AutoError> {
        let key = (job.configuration, job.replicate);
        let is_one = key.0 < self.trials.candidates().len() && key.1 < self.settings.replicates;
        let is_idle = self.trials.get(key).is_none_or(|trial| trial.state == State::Paused);
        if !(is_one && is_idle) {
            return Err(AutoError(format!(
                "replicate {} of configuration {} {}; fold the decisions of this search in their order",
                job.replicate,
                job.configuration,
                if is_one { "runs or has ended" } else { "is no trial of this search" }
            )));
        }
        self.prepare(workers);
        if self.conclusion.take().is_some() {
            self.is_judged = false;
        }
        self.run(key);
        Ok(())
    }

    /// What [`Self::stop`] told before a restart, once it did: the search has stopped, and nothing is judged again.
    ///
    /// # Errors
    /// Where it names what is no candidate. Nothing has changed then.
    pub fn concluded(&mut self, standing: Standing) -> Result<(), AutoError> {
        let candidates = self.trials.candidates().len();
        if let Some(stranger) = standing.tied.iter().chain([&standing.named]).find(|one| **one >= candidates)
        {
            return Err(AutoError(format!(
                "the search stopped with configuration {stranger}, but has {candidates}; fold the decisions of this search in their order"
            )));
        }
        self.end(standing);
        Ok(())
    }

    /// A trial has measured an epoch, counted from 1.
    ///
    /// # Errors
    /// Where the trial does not run, or that epoch is not its next one. Nothing has changed then.
    pub fn report(&mut self, job: Job, epoch: u32, loss: f64) -> Result<Verdict, AutoError> {
        let has_ended = self.show(job, epoch, loss)?;
        let key = (job.configuration, job.replicate);
        let verdict = if has_ended || self.has_no_gain(key) {
            Verdict::Finish
        } else if self.is_unlikely(key) {
            Verdict::Pause
        } else {
            Verdict::Continue
        };
        self.follow(key, verdict);
        Ok(verdict)
    }

    /// What [`Self::report`] was told before a restart, and answered: the search is as it was then, and nothing is judged again.
    ///
    /// # Errors
    /// As there.
    pub fn reported(&mut self, job: Job, epoch: u32, loss: f64, verdict: Verdict) -> Result<(), AutoError> {
        self.show(job, epoch, loss)?;
        if verdict != Verdict::Finish {
            self.learn();
        }
        self.follow((job.configuration, job.replicate), verdict);
        Ok(())
    }

    /// Takes over an epoch; tells whether it is the trial's last one.
    fn show(&mut self, job: Job, epoch: u32, loss: f64) -> Result<bool, AutoError> {
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
        self.is_judged = false;
        if loss.is_finite() {
            trial.losses.push(loss.max(LEAST * self.settings.chance_loss));
        } else {
            trial.has_diverged = true;
        }
        let patience = self.settings.patience as usize;
        let is_out_of_patience = patience > 0 && trial.epochs_since_best() >= patience;
        Ok(trial.has_diverged || epoch >= self.settings.epochs || is_out_of_patience)
    }

    fn follow(&mut self, key: Key, verdict: Verdict) {
        match verdict {
            Verdict::Finish => self.trials.finish(key),
            Verdict::Pause => self.trials.pause(key),
            Verdict::Continue => {}
        }
    }

    /// Everything that handing out changes but the choice; gives the next trial of the start, where there is one.
    fn prepare(&mut self, workers: usize) -> Option<Key> {
        self.learn();
        self.judge();
        if self.conclusion.is_some() { None } else { self.next_of_start(workers) }
    }

    /// The next trial of the start, which goes on as long as there is no model: what was lost of it comes first then.
    fn next_of_start(&mut self, workers: usize) -> Option<Key> {
        let all = self.trials.candidates().len();
        let has_model = self.taught.is_some();
        let mut lost = self.start.points().iter().filter(|one| self.trials.next(**one) == Some(0));
        if !has_model && let Some(configuration) = lost.next() {
            return Some((*configuration, 0));
        }
        let length = if has_model { START.max(workers).min(all) } else { all };
        while self.start.points().len() < length {
            let configuration = self.start.next(self.trials.candidates());
            if self.trials.next(configuration) == Some(0) {
                return Some((configuration, 0));
            }
        }
        None
    }

    /// The trial that is worth most.
    fn chosen(&mut self) -> Option<Key> {
        if let Some(configuration) = self.confirmed
            && let Some(replicate) = self.trials.next(configuration)
        {
            return Some((configuration, replicate));
        }
        let open: Vec<Open> = (0..self.trials.candidates().len())
            .filter_map(|one| self.trials.next(one).map(|replicate| (one, replicate)))
            .collect();
        self.most_telling(&open).or_else(|| open.first().copied())
    }

    /// The trainer has ended a trial with the epochs that it has reported; without any, the trial is lost. One that has ended stays as
    /// it is.
    pub fn finish(&mut self, job: Job) {
        let key = (job.configuration, job.replicate);
        self.is_judged = false;
        let has_epochs = self.trials.get(key).is_some_and(|trial| !trial.losses.is_empty());
        if has_epochs {
            self.trials.finish(key);
        } else {
            self.trials.pause(key);
        }
    }

    /// A trial has failed for good: it is never handed out again, and what it has shown does not count. One that has ended stays as it is.
    pub fn fail(&mut self, job: Job) {
        self.is_judged = false;
        self.trials.fail((job.configuration, job.replicate));
    }

    /// A trial runs no more, and nobody knows why: it may be handed out again.
    pub fn lose(&mut self, job: Job) {
        let key = (job.configuration, job.replicate);
        if self.trials.get(key).is_some_and(|trial| trial.state == State::Running) {
            self.is_judged = false;
            self.trials.pause(key);
        }
    }

    /// The configuration that the search would name now; `None` before a trial has finished. To ask changes no later answer.
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

    /// How the named configuration stands, once the search has stopped: it does so when it is asked for a trial.
    pub fn stop(&self) -> Option<&Standing> {
        self.conclusion.as_ref()
    }

    /// How the configuration that would be named stands now; `None` before enough trials have finished. The probability is exact
    /// where it is above what the search wants, and an upper bound below. To ask changes no later answer.
    pub fn standing(&mut self) -> Option<Standing> {
        let taught = self.taught.as_ref().filter(|taught| taught.is_mature())?;
        let belief = taught.view(&mut self.trials, false)?;
        let named = taught.lowest(&self.trials, &belief)?;
        // The grid itself would not tell smaller differences between two configurations from seed noise.
        let of_difference = (2.0 * belief.noise(named) / f64::from(self.settings.replicates)).sqrt();
        let margin = self.settings.margin_of_logarithms().max(of_difference);
        let found = self.draws.standing(&belief, named, margin, self.settings.sure);
        let point = |place: usize| taught.listed.points()[place];
        Some(Standing {
            named: point(found.named),
            probability: (found.probability - taught.listed.left_out).max(0.0),
            tied: found.tied.into_iter().map(point).collect(),
            ..found
        })
    }

    /// Brings the model up to date, and tells by how many finished trials it was fitted and which candidates have the lowest means, at most
    /// `count` of them.
    fn fitted_and_best(&mut self, count: usize) -> Option<(usize, Vec<usize>)> {
        self.learn();
        let taught = self.taught.as_ref().filter(|taught| taught.is_fitted())?;
        let mean = taught.view(&mut self.trials, false)?.mean;
        let mut order: Vec<usize> = (0..taught.listed.points().len()).collect();
        order.sort_by(|one, other| mean[*one].total_cmp(&mean[*other]).then(one.cmp(other)));
        let best = order.into_iter().take(count).map(|place| taught.listed.points()[place]);
        Some((taught.by(), best.collect()))
    }

    /// Takes further candidates in, behind those that there are.
    fn extend(&mut self, points: &[Vec<f64>]) -> Result<(), CandidateError> {
        self.trials.extend(points)?;
        self.is_judged = false;
        // What is believed is of fewer candidates.
        self.taught = None;
        Ok(())
    }

    /// The parameters of the model, once it has any.
    pub fn parameters(&self) -> Option<&Parameters> {
        self.taught.as_ref().map(|taught| &taught.parameters)
    }

    fn run(&mut self, key: Key) -> Job {
        let goes_on = self.trials.run(key);
        Job { configuration: key.0, replicate: key.1, goes_on }
    }

    /// Stops the search where it is sure, or has the named configuration's replicates trained where only they are missing. That is judged
    /// once for as long as nothing is shown.
    fn judge(&mut self) {
        if std::mem::replace(&mut self.is_judged, true) {
            return;
        }
        self.confirmed = None;
        match self.sure() {
            Some((standing, true)) => self.end(standing),
            Some((standing, false)) => self.confirmed = Some(standing.named),
            None => {}
        }
    }

    /// How the named configuration stands where that is sure, and whether all its replicates have ended.
    fn sure(&mut self) -> Option<(Standing, bool)> {
        let standing = self.standing().filter(|standing| standing.probability >= self.settings.sure)?;
        let has_replicates = self.trials.ended(standing.named) >= self.settings.replicates as usize;
        Some((standing, has_replicates))
    }

    /// The search has stopped.
    fn end(&mut self, standing: Standing) {
        self.learn();
        self.confirmed = None;
        self.conclusion = Some(standing);
    }

    fn learn(&mut self) {
        Taught::learn(&mut self.taught, &mut self.trials, &self.settings);
    }

    /// The open trial that tells most about which configuration is best.
    fn most_telling(&mut self, open: &[Open]) -> Option<Open> {
        let taught = self.taught.as_ref()?;
        let means = taught.view(&mut self.trials, false)?.mean;
        let belief = taught.view(&mut self.trials, true)?;
        let points = taught.listed.points();
        let placed = |(one, replicate): &Open| Some((taught.listed.place(*one)?, *replicate));
        let open: Vec<Open> = open.iter().filter_map(placed).collect();
        let ((place, replicate), _) = self.gain.best(&belief, &means[..points.len()], &open)?;
        Some((points[place], replicate))
    }

    /// Whether a trial that runs will hardly get any better.
    fn has_no_gain(&mut self, key: Key) -> bool {
        if self.settings.patience > 0 || !self.taught.as_ref().is_some_and(Taught::is_fitted) {
            return false;
        }
        let outlook = self.trials.outlook(key);
        outlook.is_some_and(|one| -one.change + 2.0 * one.variance.sqrt() < NO_GAIN)
    }

    /// Whether another trial is clearly worth more than one that runs.
    fn is_unlikely(&mut self, key: Key) -> bool {
        self.learn();
        let Some(taught) = self.taught.as_ref().filter(|taught| taught.is_fitted()) else {
            return false;
        };
        let view = taught.view(&mut self.trials, false);
        let (Some(belief), Some(own)) = (view, taught.listed.place(key.0)) else { return false };
        let Some(named) = taught.lowest(&self.trials, &belief) else { return false };
        if named == own || self.confirmed == Some(key.0) {
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
}

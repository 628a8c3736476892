//! A search that judges each epoch as soon as it is reported, and where a trial ends: what replays play.

use crate::auto::Auto;
use crate::auto::curves::Key;
use crate::auto::interface::{AutoError, Endings, Job, Verdict};
use crate::auto::taught::Taught;
use crate::auto::telling::refusal;
use crate::auto::trial::State;

/// Where the trainer has no patience, a trial is finished once it will hardly gain this much any more. With patience that would save few
/// epochs, and bias scores.
const NO_GAIN: f64 = 0.01;

impl Auto {
    /// A trial has measured an epoch, counted from 1.
    ///
    /// # Errors
    /// Where the trial does not run, or that epoch is not its next one. Nothing has changed then.
    pub fn report(&mut self, job: Job, epoch: u32, loss: f64) -> Result<Verdict, AutoError> {
        let has_ended = self.step(job, epoch, loss)?;
        let key = (job.configuration, job.replicate);
        let verdict = if has_ended || self.has_no_gain(key) {
            Verdict::Finish
        } else {
            self.learn();
            self.verdict(job)
        };
        self.follow(key, verdict);
        Ok(verdict)
    }

    /// What [`Self::report`] was told before a restart, and answered: the search is as it was then, and nothing is judged again.
    ///
    /// # Errors
    /// As there.
    pub fn reported(&mut self, job: Job, epoch: u32, loss: f64, verdict: Verdict) -> Result<(), AutoError> {
        self.step(job, epoch, loss)?;
        if verdict != Verdict::Finish {
            self.learn();
        }
        self.follow((job.configuration, job.replicate), verdict);
        Ok(())
    }

    /// Takes over an epoch; tells whether it is the trial's last one.
    fn step(&mut self, job: Job, epoch: u32, loss: f64) -> Result<bool, AutoError> {
        let key = (job.configuration, job.replicate);
        if self.trials.get(key).is_none_or(|trial| trial.state != State::Running) {
            return Err(refusal(job, "does not run"));
        }
        self.take(job, epoch, loss)?;
        self.judged = None;
        let patience = self.settings.patience as usize;
        let is_last = self.trials.get(key).is_some_and(|trial| {
            let is_out_of_patience = patience > 0 && trial.epochs_since_best() >= patience;
            trial.has_diverged || epoch >= self.settings.epochs || is_out_of_patience
        });
        Ok(is_last && self.settings.endings == Endings::Inferred)
    }

    fn follow(&mut self, key: Key, verdict: Verdict) {
        match verdict {
            Verdict::Finish => self.trials.finish(key),
            Verdict::Pause => self.trials.pause(key),
            Verdict::Continue => {}
        }
    }

    /// Whether a trial that runs will hardly get any better.
    fn has_no_gain(&mut self, key: Key) -> bool {
        let infers = self.settings.patience == 0 && self.settings.endings == Endings::Inferred;
        if !(infers && self.taught.as_ref().is_some_and(Taught::is_fitted)) {
            return false;
        }
        let outlook = self.trials.outlook(key);
        outlook.is_some_and(|one| -one.change + 2.0 * one.variance.sqrt() < NO_GAIN)
    }
}

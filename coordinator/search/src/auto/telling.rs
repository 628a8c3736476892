//! What happens to trials, and is told: events that a log keeps, and that make the same search whenever they are told again.
//!
//! Events of different trials that come between two questions may be told in any order, with one exception: by the end of a trial the
//! parameters of the model may be fitted again, to what was told before it, and the last bits of what is believed follow the order of ends.

use crate::auto::Auto;
use crate::auto::curves::Key;
use crate::auto::interface::{AutoError, Endings, Job};
use crate::auto::stop::Standing;
use crate::auto::trial::{State, Trial};

/// A loss counts as at least this part of that of guessing: a loss of nothing has no logarithm.
const LEAST: f64 = 1e-6;

/// What to do about a log that cannot be.
const REMEDY: &str = "tell this search what has happened, in its order";

impl Auto {
    /// A trial runs from now on: what [`Self::ask`] or [`Self::answer`] gave, or what anybody else has decided. A search that had stopped
    /// goes on.
    ///
    /// # Errors
    /// Where there is no such trial, or it runs or has ended. Nothing has changed then.
    pub fn given(&mut self, job: Job) -> Result<(), AutoError> {
        let key = self.key(job)?;
        if self.trials.get(key).is_some_and(|trial| !trial.may_run()) {
            return Err(refusal(job, "runs or has ended"));
        }
        self.learn();
        self.conclusion = None;
        self.run(key);
        self.changed();
        Ok(())
    }

    /// The search has stopped, as [`Self::stop`] or [`Self::answer`] told: nothing is judged again.
    ///
    /// # Errors
    /// Where it names what is no candidate. Nothing has changed then.
    pub fn concluded(&mut self, standing: Standing) -> Result<(), AutoError> {
        let candidates = self.trials.candidates().len();
        if let Some(stranger) = standing.tied.iter().chain([&standing.named]).find(|one| **one >= candidates)
        {
            return Err(AutoError(format!(
                "the search stopped with configuration {stranger}, but has {candidates}; {REMEDY}"
            )));
        }
        self.end(standing);
        Ok(())
    }

    /// A trial has measured an epoch, counted from 1; `is_last`: it has finished by that. Nothing is judged.
    ///
    /// # Errors
    /// Where the trial was not handed out or has ended, or that epoch is not its next one. Nothing has changed then.
    pub fn shown(&mut self, job: Job, epoch: u32, score: f64, is_last: bool) -> Result<(), AutoError> {
        let key = self.key(job)?;
        // One that waits may have been at an epoch when it was told so.
        if !self.trials.get(key).is_some_and(Trial::is_open) {
            return Err(refusal(job, "does not run"));
        }
        self.take(job, epoch, score)?;
        if is_last {
            self.trials.finish(key);
        }
        self.changed();
        Ok(())
    }

    /// Takes over the next epoch of a trial that there is.
    pub(super) fn take(&mut self, job: Job, epoch: u32, loss: f64) -> Result<(), AutoError> {
        let Some(trial) = self.trials.get_mut((job.configuration, job.replicate)) else {
            return Err(refusal(job, "does not run"));
        };
        let next = trial.losses.len() as u32 + 1;
        if epoch != next {
            return Err(refusal(job, &format!("reports epoch {epoch}, and its next one is {next}")));
        }
        if loss.is_finite() {
            trial.losses.push(loss.max(LEAST * self.settings.chance_loss));
        } else if self.settings.endings == Endings::Told {
            // Whether it has diverged is told.
            trial.losses.push(self.settings.chance_loss);
        } else {
            trial.has_diverged = true;
        }
        Ok(())
    }

    /// A trial waits, and may go on from what it has shown; without any, it may be handed out as if it had never been. One that has
    /// ended stays as it is.
    ///
    /// # Errors
    /// Where there is no such trial. Nothing has changed then.
    pub fn paused(&mut self, job: Job) -> Result<(), AutoError> {
        let key = self.key(job)?;
        self.trials.pause(key);
        self.changed();
        Ok(())
    }

    /// Nobody is to train a trial any more, but what it has shown counts, as the beginning of a curve. Where it is handed out all the same, it
    /// goes on. One that has ended stays as it is.
    ///
    /// # Errors
    /// As for [`Self::paused`].
    pub fn retired(&mut self, job: Job) -> Result<(), AutoError> {
        let key = self.key(job)?;
        self.trials.retire(key);
        self.changed();
        Ok(())
    }

    /// A trial is over, with the score of guessing. One that has ended stays as it is.
    ///
    /// # Errors
    /// As for [`Self::paused`].
    pub fn diverged(&mut self, job: Job) -> Result<(), AutoError> {
        let key = self.key(job)?;
        self.trials.diverge(key);
        self.changed();
        Ok(())
    }

    /// Only the first `epochs` epochs of a trial count: it trains on from there, or from its start. One that had ended runs again, and one that
    /// waits still does.
    ///
    /// # Errors
    /// Where there is no such trial, or it has not shown that many. Nothing has changed then.
    pub fn rewound(&mut self, job: Job, epochs: u32) -> Result<(), AutoError> {
        let key = self.key(job)?;
        let shown = self.trials.get(key).map_or(0, |trial| trial.losses.len());
        if epochs as usize > shown {
            let problem = format!("has shown {shown} epochs, and cannot go back to epoch {epochs}");
            return Err(refusal(job, &problem));
        }
        if self.trials.rewind(key, epochs as usize) {
            // What was taken into account for good cannot be taken back.
            self.taught = None;
        }
        self.changed();
        Ok(())
    }

    /// The trainer has ended a trial with the epochs that it has reported; without any, the trial is lost. One that has ended stays as
    /// it is.
    pub fn finish(&mut self, job: Job) {
        let key = (job.configuration, job.replicate);
        if self.trials.get(key).is_some_and(|trial| !trial.losses.is_empty()) {
            self.trials.finish(key);
        } else {
            self.trials.pause(key);
        }
        self.changed();
    }

    /// A trial has failed for good: it is never handed out again, and what it has shown does not count. One that has ended stays as it is.
    pub fn fail(&mut self, job: Job) {
        if let Ok(key) = self.key(job) {
            if self.trials.fail(key) {
                self.taught = None;
            }
            self.changed();
        }
    }

    /// A trial runs no more, and nobody knows why: it may be handed out again.
    pub fn lose(&mut self, job: Job) {
        let key = (job.configuration, job.replicate);
        if self.trials.get(key).is_some_and(|trial| trial.state == State::Running) {
            self.trials.pause(key);
            self.changed();
        }
    }

    /// Which trial is meant.
    fn key(&self, job: Job) -> Result<Key, AutoError> {
        let is_one =
            job.configuration < self.trials.candidates().len() && job.replicate < self.settings.replicates;
        if is_one {
            Ok((job.configuration, job.replicate))
        } else {
            Err(refusal(job, "is no trial of this search"))
        }
    }
}

pub(super) fn refusal(job: Job, problem: &str) -> AutoError {
    AutoError(format!(
        "replicate {} of configuration {} {problem}; {REMEDY}",
        job.replicate, job.configuration
    ))
}

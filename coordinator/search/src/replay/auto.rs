//! `auto` as a strategy.

use super::strategy::Strategy;
use crate::auto::{Auto, Job, Verdict};

impl Strategy for Auto {
    fn ask(&mut self, workers: usize) -> Result<Option<Job>, String> {
        Ok(Auto::ask(self, workers))
    }

    fn report(&mut self, job: Job, epoch: u32, loss: f64) -> Result<Verdict, String> {
        Auto::report(self, job, epoch, loss).map_err(|error| error.to_string())
    }

    fn finish(&mut self, job: Job) {
        Auto::finish(self, job);
    }

    fn fail(&mut self, job: Job) -> Result<(), String> {
        Auto::fail(self, job);
        Ok(())
    }

    fn named(&mut self) -> Option<usize> {
        Auto::named(self)
    }

    fn stop(&self) -> Option<f64> {
        Auto::stop(self).map(|standing| standing.margin)
    }
}

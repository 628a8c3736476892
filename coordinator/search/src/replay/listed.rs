//! Trials in an order that is known from the start, each trained to its end.

use std::collections::BTreeMap;

use sweep_proto::random::Stream;

use super::means::Means;
use super::strategy::Strategy;
use crate::auto::{Job, Verdict};

/// A list of trials.
#[derive(Clone, Debug)]
pub struct Listed {
    /// In reverse order.
    left: Vec<Job>,
    /// The lowest loss of each trial.
    lowest: BTreeMap<Job, f64>,
    means: Means,
}

impl Listed {
    /// All replicates of one configuration after the other.
    pub fn grid(configurations: usize, replicates: u32) -> Self {
        let of = |configuration| {
            (0..replicates).map(move |replicate| Job { configuration, replicate, goes_on: false })
        };
        let left = (0..configurations).flat_map(of).rev().collect();
        Self { left, lowest: BTreeMap::new(), means: Means::default() }
    }

    /// The same trials in a random order.
    pub fn random(configurations: usize, replicates: u32, seed: u64) -> Self {
        let mut listed = Self::grid(configurations, replicates);
        Stream::new(seed, "replayed in random order", 0).shuffle(&mut listed.left);
        listed
    }
}

impl Strategy for Listed {
    fn ask(&mut self, _workers: usize) -> Result<Option<Job>, String> {
        Ok(self.left.pop())
    }

    fn report(&mut self, job: Job, _epoch: u32, loss: f64) -> Result<Verdict, String> {
        if !loss.is_finite() {
            return Ok(Verdict::Finish);
        }
        self.lowest.entry(job).and_modify(|lowest| *lowest = lowest.min(loss)).or_insert(loss);
        Ok(Verdict::Continue)
    }

    fn finish(&mut self, job: Job) {
        if let Some(score) = self.lowest.remove(&job) {
            self.means.complete(job.configuration, score);
        }
    }

    fn fail(&mut self, _job: Job) -> Result<(), String> {
        Ok(())
    }

    fn named(&mut self) -> Option<usize> {
        self.means.named()
    }

    fn stop(&self) -> Option<f64> {
        None
    }
}

//! Trials in an order that is known from the start, each trained to its end; named is the configuration of the lowest mean score.

use std::collections::BTreeMap;

use sweep_proto::random::Stream;

use super::strategy::Strategy;
use crate::auto::{Job, Verdict};

/// Scores of finished trials, and the configuration that they name.
#[derive(Clone, Debug, Default)]
pub(super) struct Means {
    best: BTreeMap<Job, f64>,
    /// Number and sum of the scores of each configuration.
    sums: BTreeMap<usize, (u32, f64)>,
}

impl Means {
    /// A trial has measured a loss; gives its lowest so far.
    pub(super) fn show(&mut self, job: Job, loss: f64) -> f64 {
        let best = self.best.entry(Job { goes_on: false, ..job }).or_insert(loss);
        *best = best.min(loss);
        *best
    }

    /// The lowest loss of a trial.
    pub(super) fn score(&self, job: Job) -> Option<f64> {
        self.best.get(&Job { goes_on: false, ..job }).copied()
    }

    pub(super) fn finish(&mut self, job: Job) {
        if let Some(score) = self.score(job) {
            let (count, sum) = self.sums.entry(job.configuration).or_insert((0, 0.0));
            (*count, *sum) = (*count + 1, *sum + score);
        }
    }

    /// The configuration of the lowest mean; the first of equal ones.
    pub(super) fn named(&self) -> Option<usize> {
        let means =
            self.sums.iter().map(|(configuration, (count, sum))| (configuration, sum / f64::from(*count)));
        means.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(configuration, _)| *configuration)
    }
}

/// A list of trials.
#[derive(Clone, Debug)]
pub struct Listed {
    /// In reverse order.
    left: Vec<Job>,
    means: Means,
}

impl Listed {
    /// All replicates of one configuration after the other.
    pub fn grid(configurations: usize, replicates: u32) -> Self {
        let of = |configuration| {
            (0..replicates).map(move |replicate| Job { configuration, replicate, goes_on: false })
        };
        let left = (0..configurations).flat_map(of).rev().collect();
        Self { left, means: Means::default() }
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
        self.means.show(job, loss);
        Ok(Verdict::Continue)
    }

    fn finish(&mut self, job: Job) {
        self.means.finish(job);
    }

    fn named(&mut self) -> Option<usize> {
        self.means.named()
    }

    fn stop(&self) -> Option<f64> {
        None
    }
}

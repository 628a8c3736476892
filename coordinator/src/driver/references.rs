//! Which blobs rows refer to, counted, so that a replaced checkpoint can be removed.

use std::collections::{BTreeMap, BTreeSet};

use coordinator_core::{SweepRecord, Tables, TrialRecord};
use sweep_proto::{ArtifactRef, Digest};

/// References by digest.
#[derive(Debug, Default)]
pub(super) struct References {
    /// Of trials.
    counts: BTreeMap<Digest, u64>,
    /// Of sweeps, which never lose one: a worker that reports a dataset as its checkpoint must not have it removed.
    datasets: BTreeSet<Digest>,
}

impl References {
    /// The references of these tables.
    pub(super) fn of(tables: &Tables) -> Self {
        let mut references = Self::default();
        tables.trials.values().for_each(|trial| references.add(trial));
        tables.sweeps.values().for_each(|sweep| references.keep(sweep));
        references
    }

    /// A trial's row was replaced. Gives the blobs that lost their last reference.
    pub(super) fn replace(&mut self, before: Option<&TrialRecord>, after: &TrialRecord) -> Vec<ArtifactRef> {
        self.add(after);
        let mut lost = Vec::new();
        for artifact in before.into_iter().flat_map(blobs) {
            if let Some(count) = self.counts.get_mut(&artifact.digest) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&artifact.digest);
                    lost.push(artifact);
                }
            }
        }
        lost
    }

    /// A sweep's row was made or replaced.
    pub(super) fn keep(&mut self, sweep: &SweepRecord) {
        self.datasets.extend(sweep.datasets.iter().map(|dataset| dataset.artifact.digest));
    }

    /// Whether a row refers to a blob.
    pub(super) fn contains(&self, digest: Digest) -> bool {
        self.counts.contains_key(&digest) || self.datasets.contains(&digest)
    }

    fn add(&mut self, trial: &TrialRecord) {
        blobs(trial).for_each(|artifact| *self.counts.entry(artifact.digest).or_default() += 1);
    }
}

fn blobs(trial: &TrialRecord) -> impl Iterator<Item = ArtifactRef> {
    let checkpoints = trial.checkpoint.into_iter().chain(trial.underway);
    let model = trial.result.as_ref().map(|result| result.model);
    checkpoints.map(|checkpoint| checkpoint.artifact).chain(model)
}

/// Every blob that a row refers to: the datasets of sweeps, too.
pub(super) fn wanted(tables: &Tables) -> BTreeSet<Digest> {
    let datasets =
        tables.sweeps.values().flat_map(|sweep| &sweep.datasets).map(|dataset| dataset.artifact.digest);
    tables.trials.values().flat_map(blobs).map(|artifact| artifact.digest).chain(datasets).collect()
}

//! Which blobs rows name: what may be removed, and what a worker may report.

use std::collections::BTreeSet;

use sweep_proto::{ArtifactRef, Digest, SweepId, TrialId};

use crate::engine::Engine;
use crate::record::{SweepRecord, TrialRecord};

/// The blobs of all rows, by digest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Named {
    /// Checkpoints and models, with each trial whose row names them.
    trials: BTreeSet<(Digest, TrialId)>,
    /// Datasets: a sweep never loses one. A worker that reports a dataset as its checkpoint must not have it removed.
    datasets: BTreeSet<Digest>,
}

impl Named {
    /// A trial's row was replaced.
    pub(crate) fn trial_changed(&mut self, before: Option<&TrialRecord>, trial: &TrialRecord) {
        for blob in before.into_iter().flat_map(TrialRecord::blobs) {
            self.trials.remove(&(blob.digest, trial.spec.id));
        }
        self.trials.extend(trial.blobs().map(|blob| (blob.digest, trial.spec.id)));
    }

    /// A sweep's row was made or replaced.
    pub(crate) fn sweep_changed(&mut self, sweep: &SweepRecord) {
        self.datasets.extend(sweep.datasets.iter().map(|dataset| dataset.artifact.digest));
    }

    pub(crate) fn is_dataset(&self, digest: Digest) -> bool {
        self.datasets.contains(&digest)
    }

    /// The trials whose rows name this blob.
    pub(crate) fn trials_of(&self, digest: Digest) -> impl Iterator<Item = TrialId> {
        let (first, last) =
            (TrialId { sweep: SweepId(0), index: 0 }, TrialId { sweep: SweepId(u64::MAX), index: u32::MAX });
        self.trials.range((digest, first)..=(digest, last)).map(|(_, trial)| *trial)
    }
}

impl TrialRecord {
    /// What its training has left: its checkpoints and its model.
    pub fn blobs(&self) -> impl Iterator<Item = ArtifactRef> {
        let checkpoints = self.checkpoint.into_iter().chain(self.underway).map(|one| one.artifact);
        checkpoints.chain(self.result.as_ref().map(|result| result.model))
    }
}

impl Engine {
    /// Whether a row names a blob.
    pub fn is_named(&self, digest: Digest) -> bool {
        let named = &self.index.named;
        named.is_dataset(digest) || named.trials_of(digest).next().is_some()
    }

    /// Every blob that a row names.
    pub fn named_blobs(&self) -> BTreeSet<Digest> {
        let named = &self.index.named;
        named.trials.iter().map(|(digest, _)| *digest).chain(named.datasets.iter().copied()).collect()
    }
}

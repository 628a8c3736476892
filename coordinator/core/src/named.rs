//! Which blobs rows name, so that a report can be held against what is other people's.

use std::collections::BTreeSet;

use sweep_proto::{Digest, SweepId, TrialId};

use crate::record::{SweepRecord, TrialRecord};

/// The blobs of all rows, by digest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Named {
    /// Checkpoints and models, with each trial whose row names them.
    trials: BTreeSet<(Digest, TrialId)>,
    /// Datasets: a sweep never loses one.
    datasets: BTreeSet<Digest>,
}

impl Named {
    /// A trial's row was replaced.
    pub(crate) fn trial_changed(&mut self, before: Option<&TrialRecord>, trial: &TrialRecord) {
        for digest in before.into_iter().flat_map(TrialRecord::blobs) {
            self.trials.remove(&(digest, trial.spec.id));
        }
        self.trials.extend(trial.blobs().map(|digest| (digest, trial.spec.id)));
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
    pub(crate) fn blobs(&self) -> impl Iterator<Item = Digest> {
        let checkpoints = self.checkpoint.into_iter().chain(self.underway).map(|one| one.artifact.digest);
        checkpoints.chain(self.result.as_ref().map(|result| result.model.digest))
    }
}

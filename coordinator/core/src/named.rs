//! Which blobs rows name: what may be removed, and what a worker may report.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{ArtifactRef, Digest, SweepId, TrialId};

use crate::by_start::ByStart;
use crate::engine::Engine;
use crate::mutation::{Key, Mutation};
use crate::record::{SweepRecord, TrialRecord};
use crate::tables::Tables;

/// The blobs of all rows, by digest.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Named {
    /// Checkpoints and models, with each trial whose row names them.
    trials: ByStart,
    /// Datasets, with each sweep whose row names them. A worker that reports a dataset as its checkpoint must not have it
    /// removed.
    datasets: BTreeSet<(Digest, SweepId)>,
}

impl Named {
    /// A trial's row was made, replaced or removed.
    pub(crate) fn trial_changed(&mut self, before: Option<&TrialRecord>, after: Option<&TrialRecord>) {
        if let Some(trial) = before {
            trial.blobs().for_each(|blob| self.trials.remove(blob.digest, trial.spec.id));
        }
        if let Some(trial) = after {
            trial.blobs().for_each(|blob| self.trials.insert(blob.digest, trial.spec.id));
        }
    }

    /// A sweep's row was made, replaced or removed.
    pub(crate) fn sweep_changed(&mut self, before: Option<&SweepRecord>, after: Option<&SweepRecord>) {
        let named = |sweep: &SweepRecord| {
            let id = sweep.id;
            sweep.blobs().map(move |blob| (blob.digest, id)).collect::<Vec<_>>()
        };
        for name in before.into_iter().flat_map(named) {
            self.datasets.remove(&name);
        }
        self.datasets.extend(after.into_iter().flat_map(named));
    }

    pub(crate) fn is_dataset(&self, digest: Digest) -> bool {
        self.datasets.range((digest, SweepId(0))..=(digest, SweepId(u64::MAX))).next().is_some()
    }
}

impl SweepRecord {
    /// Its encoded datasets.
    pub fn blobs(&self) -> impl Iterator<Item = ArtifactRef> {
        self.datasets.iter().map(|dataset| dataset.artifact)
    }
}

impl TrialRecord {
    /// What its training has left: its checkpoints and its model.
    pub fn blobs(&self) -> impl Iterator<Item = ArtifactRef> {
        self.checkpoints().chain(self.model())
    }

    fn checkpoints(&self) -> impl Iterator<Item = ArtifactRef> {
        self.checkpoint.into_iter().chain(self.underway).map(|one| one.artifact)
    }

    fn model(&self) -> Option<ArtifactRef> {
        self.result.as_ref().filter(|_| !self.model_is_removed).map(|result| result.model)
    }
}

impl Tables {
    /// Every blob that a row names, with one of those that do, in words.
    pub fn named_blobs(&self) -> BTreeMap<ArtifactRef, String> {
        let datasets = self
            .sweeps
            .values()
            .flat_map(|sweep| sweep.blobs().map(|blob| (blob, format!("sweep {}, a dataset,", sweep.id))));
        let of_trials = self.trials.values().flat_map(|trial| {
            let id = trial.spec.id;
            let checkpoints =
                trial.checkpoints().map(move |blob| (blob, format!("trial {id}, its checkpoint,")));
            checkpoints.chain(trial.model().map(|blob| (blob, format!("trial {id}, its model,"))))
        });
        datasets.chain(of_trials).collect()
    }
}

impl Engine {
    /// The blobs that the row names which a mutation is about to replace or remove.
    pub fn blobs_before(&self, mutation: &Mutation) -> Vec<ArtifactRef> {
        let of_trial = |id: TrialId| self.tables.trials.get(&id).into_iter().flat_map(TrialRecord::blobs);
        let of_sweep = |id: SweepId| self.tables.sweeps.get(&id).into_iter().flat_map(SweepRecord::blobs);
        match mutation {
            Mutation::Trial(trial) => of_trial(trial.spec.id).collect(),
            Mutation::Sweep(sweep) => of_sweep(sweep.id).collect(),
            Mutation::Remove(Key::Trial(id)) => of_trial(*id).collect(),
            Mutation::Remove(Key::Sweep(id)) => {
                let trials = self.tables.trials_of(*id).flat_map(TrialRecord::blobs);
                of_sweep(*id).chain(trials).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The trials whose rows name this blob.
    pub(crate) fn trials_naming(&self, digest: Digest) -> impl Iterator<Item = &TrialRecord> {
        let alike = self.index.named.trials.like(digest).filter_map(|id| self.tables.trials.get(&id));
        alike.filter(move |trial| trial.blobs().any(|blob| blob.digest == digest))
    }

    /// Whether a row names a blob.
    pub fn is_named(&self, digest: Digest) -> bool {
        self.index.named.is_dataset(digest) || self.trials_naming(digest).next().is_some()
    }

    /// Every blob that a row names.
    pub fn named_blobs(&self) -> BTreeSet<Digest> {
        let datasets = self.index.named.datasets.iter().map(|(digest, _)| *digest);
        let of_trials = self.tables.trials.values().flat_map(TrialRecord::blobs).map(|blob| blob.digest);
        of_trials.chain(datasets).collect()
    }
}

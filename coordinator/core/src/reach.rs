//! What the live leases of a worker let it reach: blobs to fetch, bytes to upload, step metrics to report.

use sweep_proto::model_size::parameters;
use sweep_proto::{AttemptId, Digest, LeaseToken, TrialId, WorkKind, WorkerId};

use crate::engine::Engine;
use crate::limits::{CHECKPOINT_COPIES_MAX, CHECKPOINT_EXTRA_BYTES};
use crate::record::{DatasetRecord, TrialRecord};

/// What a worker may upload under one live lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The lease.
    pub token: LeaseToken,
    /// The largest checkpoint or model that its trial can have, in bytes.
    pub blob_bytes_max: u64,
}

/// What an attempt may report in step metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepBounds {
    /// The last epoch of its trial.
    pub epochs: u64,
    /// Batches of all its epochs: at most one point each.
    pub points: u64,
}

impl Engine {
    /// Whether a live lease of this worker names this blob: its dataset, its checkpoints, or the model to measure.
    pub fn may_fetch(&self, worker: WorkerId, digest: Digest) -> bool {
        self.leases_of(worker).any(|token| {
            let trial = self.index.live.get(&token).and_then(|id| self.tables.trials.get(id));
            trial.is_some_and(|trial| names(trial, digest))
        })
    }

    /// What this worker may upload: one allowance for each of its live leases that trains.
    pub fn upload_allowances(&self, worker: WorkerId) -> Vec<Allowance> {
        let allowance = |token: LeaseToken| {
            let trial = self.tables.trials.get(self.index.live.get(&token)?)?;
            trial.lease.filter(|lease| lease.work == WorkKind::Train)?;
            Some(Allowance { token, blob_bytes_max: checkpoint_bytes_max(self.parameters_of(trial)?) })
        };
        self.leases_of(worker).filter_map(allowance).collect()
    }

    /// What an attempt of this trial may report; `None` where there is no such trial.
    pub fn step_bounds(&self, trial: TrialId) -> Option<StepBounds> {
        let trial = self.tables.trials.get(&trial)?;
        let [train_rows, ..] = self.dataset_of(trial)?.rows;
        let configuration = &trial.spec.configuration;
        let epochs = configuration.epochs();
        let batches = train_rows.div_ceil(configuration.batch_size().max(1));
        Some(StepBounds { epochs, points: epochs.saturating_mul(batches) })
    }

    /// The attempt under a live lease of this worker; `None` where the lease is stale or another worker's.
    pub fn attempt_of(&self, worker: WorkerId, token: LeaseToken) -> Option<AttemptId> {
        let holder = self.lease_holder(token).filter(|(_, _, holder)| *holder == worker);
        holder.map(|(trial, number, _)| AttemptId { trial, number })
    }

    /// Whether a checkpoint or model may be reported under a lease by whoever has not shown its bytes; `None` where no such lease
    /// was ever granted. What other rows name is other people's, and whoever reports it could fetch it: only a trial of the same
    /// key leaves the same bytes. What no row names is nobody's.
    pub fn may_report(&self, token: LeaseToken, digest: Digest) -> Option<bool> {
        let trial = self.tables.trials.get(&self.index.attempts.get(token)?.trial)?;
        // Rows of earlier programs hold another form of the key.
        let is_same = |other: &TrialRecord| trial.spec.has_key(other.key());
        let is_nobodys = || self.trials_naming(digest).next().is_none();
        let is_own =
            || trial.blobs().any(|own| own.digest == digest) || self.trials_naming(digest).any(is_same);
        Some(!self.index.named.is_dataset(digest) && (is_nobodys() || is_own()))
    }

    /// Trained numbers of a trial's model; `None` where its sweep or its dataset is not there.
    pub(crate) fn parameters_of(&self, trial: &TrialRecord) -> Option<u64> {
        let dataset = self.dataset_of(trial)?;
        let (vocabulary, classes) = (u64::from(dataset.vocabulary), dataset.classes.len() as u64);
        Some(parameters(&trial.spec.configuration, vocabulary, classes))
    }

    fn dataset_of(&self, trial: &TrialRecord) -> Option<&DatasetRecord> {
        let datasets = &self.tables.sweeps.get(&trial.spec.id.sweep)?.datasets;
        datasets.iter().find(|one| one.artifact.digest == *trial.spec.dataset)
    }
}

fn names(trial: &TrialRecord, digest: Digest) -> bool {
    *trial.spec.dataset == digest || trial.blobs().any(|named| named.digest == digest)
}

/// The largest checkpoint of a model of that many trained numbers, in bytes.
fn checkpoint_bytes_max(parameters: u64) -> u64 {
    parameters.saturating_mul(4).saturating_mul(CHECKPOINT_COPIES_MAX).saturating_add(CHECKPOINT_EXTRA_BYTES)
}

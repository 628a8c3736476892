//! A grant whose fields were checked.

use sweep_proto::convert::ConvertError;
use sweep_proto::wire;
use sweep_proto::{ArtifactRef, AttemptId, CheckpointRef, TrialSpec, WorkKind};

/// What is to be done under a lease.
pub(super) struct Work {
    pub(super) attempt: AttemptId,
    pub(super) kind: WorkKind,
    pub(super) spec: TrialSpec,
    pub(super) dataset: ArtifactRef,
    pub(super) checkpoint: Option<CheckpointRef>,
    pub(super) until_epoch: Option<u32>,
    pub(super) model: Option<ArtifactRef>,
}

impl TryFrom<wire::Grant> for Work {
    type Error = ConvertError;
    fn try_from(grant: wire::Grant) -> Result<Self, ConvertError> {
        let spec: TrialSpec = grant.spec.ok_or(ConvertError::Missing("spec"))?.try_into()?;
        let dataset: ArtifactRef = grant.dataset.ok_or(ConvertError::Missing("dataset"))?.try_into()?;
        if dataset.digest != *spec.dataset {
            let problem = "it is not the dataset of the trial".to_owned();
            return Err(ConvertError::Invalid { field: "dataset", problem });
        }
        Ok(Self {
            attempt: AttemptId { trial: spec.id, number: grant.attempt },
            kind: if grant.evaluate { WorkKind::Evaluate } else { WorkKind::Train },
            spec,
            dataset,
            checkpoint: grant.checkpoint.map(TryInto::try_into).transpose()?,
            until_epoch: grant.until_epoch,
            model: grant.model.map(TryInto::try_into).transpose()?,
        })
    }
}

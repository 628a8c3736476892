//! References to blobs.

use super::{ConvertError, digest, required};
use crate::artifact::{ArtifactRef, CheckpointRef};
use crate::protocol::ARTIFACT_BYTES_MAX;
use crate::wire;

impl From<ArtifactRef> for wire::ArtifactRef {
    fn from(artifact: ArtifactRef) -> Self {
        Self { digest: artifact.digest.as_bytes().to_vec().into(), bytes: artifact.bytes }
    }
}

impl TryFrom<wire::ArtifactRef> for ArtifactRef {
    type Error = ConvertError;
    fn try_from(message: wire::ArtifactRef) -> Result<Self, ConvertError> {
        if message.bytes > ARTIFACT_BYTES_MAX {
            let problem = format!("{} bytes are more than {ARTIFACT_BYTES_MAX}", message.bytes);
            return Err(ConvertError::invalid("bytes", problem));
        }
        Ok(Self { digest: digest(&message.digest, "digest")?, bytes: message.bytes })
    }
}

impl From<CheckpointRef> for wire::CheckpointRef {
    fn from(checkpoint: CheckpointRef) -> Self {
        Self {
            epoch: checkpoint.epoch,
            artifact: Some(checkpoint.artifact.into()),
            batches: checkpoint.batches,
        }
    }
}

impl TryFrom<wire::CheckpointRef> for CheckpointRef {
    type Error = ConvertError;
    fn try_from(message: wire::CheckpointRef) -> Result<Self, ConvertError> {
        Ok(Self {
            epoch: message.epoch,
            batches: message.batches,
            artifact: required(message.artifact, "artifact")?.try_into()?,
        })
    }
}

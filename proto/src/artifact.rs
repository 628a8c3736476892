//! Stored blobs, addressed by their digest.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// What a blob is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    /// State from which a trial goes on.
    Checkpoint,
    /// The weights of a trial's best epoch (safetensors).
    Model,
}

/// A blob in the coordinator's artifact store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArtifactRef {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// Size of the blob in bytes.
    pub bytes: u64,
}

/// The checkpoint from which a trial's next attempt goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRef {
    /// The last epoch that the checkpoint contains whole, counted from 1; 0 where it was stopped in the first.
    pub epoch: u32,
    /// Batches of the epoch after that one that it contains, too: not 0 where a worker stopped in mid-epoch.
    #[serde(default, skip_serializing_if = "crate::left_out::is_default")]
    pub batches: u32,
    /// Where its bytes are.
    pub artifact: ArtifactRef,
}

impl CheckpointRef {
    /// A checkpoint made at the end of an epoch.
    pub fn after(epoch: u32, artifact: ArtifactRef) -> Self {
        Self { epoch, batches: 0, artifact }
    }
}

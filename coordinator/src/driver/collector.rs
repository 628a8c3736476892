//! Removes blobs that nothing refers to, beside the driver: storage may be slow or far away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sweep_proto::{ArtifactRef, Digest};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Request;
use crate::artifacts::{Artifacts, Orphans};

/// What is to be removed.
#[derive(Debug)]
pub(super) enum Waste {
    /// A blob that lost its last reference that long ago.
    Stale { artifact: ArtifactRef, lost_for: Duration },
    /// Every blob that is not wanted and was stored that long ago.
    Orphans { wanted: BTreeSet<Digest>, older_than: Duration },
}

/// The way to the collector. It ends when this is dropped, after everything that was asked of it.
#[derive(Debug)]
pub(super) struct Collector {
    waste: mpsc::UnboundedSender<Waste>,
}

impl Collector {
    /// Starts a collector on the current runtime. Blobs that must wait come back to the mailbox.
    pub(super) fn start(
        artifacts: Arc<Artifacts>,
        mailbox: mpsc::WeakSender<Request>,
    ) -> (Self, JoinHandle<()>) {
        // Unbounded, because the driver must not wait; what is in it is bounded by what rows referred to.
        let (waste, queue) = mpsc::unbounded_channel();
        (Self { waste }, tokio::spawn(run(artifacts, mailbox, queue)))
    }

    pub(super) fn remove(&self, waste: Waste) {
        // It ends after this sender only, or with the runtime.
        _ = self.waste.send(waste);
    }
}

async fn run(
    artifacts: Arc<Artifacts>,
    mailbox: mpsc::WeakSender<Request>,
    mut queue: mpsc::UnboundedReceiver<Waste>,
) {
    while let Some(waste) = queue.recv().await {
        match waste {
            Waste::Stale { artifact, lost_for } => match artifacts
                .remove_stale(artifact.digest, lost_for)
                .await
            {
                Ok(true) => {
                    tracing::debug!(digest = %artifact.digest, "removed an artifact that nothing refers to any more");
                }
                Ok(false) => {
                    if let Some(mailbox) = mailbox.upgrade() {
                        // A driver that has ended leaves it to the next start.
                        _ = mailbox.send(Request::Unreferenced(artifact)).await;
                    }
                }
                Err(error) => tracing::warn!(digest = %artifact.digest, %error, "cannot remove an artifact"),
            },
            Waste::Orphans { wanted, older_than } => {
                match artifacts.sweep_orphans(&wanted, older_than).await {
                    Ok(Orphans { count: 0, .. }) => {}
                    Ok(Orphans { count, bytes }) => {
                        tracing::info!(count, bytes, "removed artifacts that nothing refers to");
                    }
                    Err(error) => tracing::warn!(%error, "cannot look for artifacts that nothing refers to"),
                }
            }
        }
    }
}

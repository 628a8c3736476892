//! Removes blobs that nothing refers to, beside the driver: storage may be slow or far away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use coordinator_core::Engine;
use sweep_proto::{ArtifactRef, Digest};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Request;
use crate::artifacts::{Artifacts, Orphans};

/// What is to be removed.
#[derive(Debug)]
pub(super) enum Waste {
    /// A blob that lost its last reference that long ago.
    Stale { artifact: ArtifactRef, lost_for: Duration },
    /// Every blob that no row names and that was stored that long ago.
    Orphans { named: Named, older_than: Duration },
}

/// Which blobs rows name.
#[derive(Debug)]
pub(super) enum Named {
    /// As the driver says when they are removed.
    Then,
    /// These: the driver has ended, and no rows come any more.
    AtTheEnd(BTreeSet<Digest>),
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
            Waste::Stale { artifact, lost_for } => stale(&artifacts, &mailbox, artifact, lost_for).await,
            Waste::Orphans { named, older_than } => orphans(&artifacts, &mailbox, named, older_than).await,
        }
    }
}

async fn stale(
    artifacts: &Artifacts,
    mailbox: &mpsc::WeakSender<Request>,
    artifact: ArtifactRef,
    lost_for: Duration,
) {
    let digest = artifact.digest;
    let removal = artifacts.removal().await;
    // Where nobody says so it stays: the next start looks for orphans.
    if ask(mailbox, move |engine| engine.is_named(digest)).await != Some(false) {
        return;
    }
    let removed = removal.stale(digest, lost_for).await;
    drop(removal);
    match removed {
        Ok(true) => tracing::debug!(%digest, "removed an artifact that nothing refers to any more"),
        Ok(false) => {
            if let Some(mailbox) = mailbox.upgrade() {
                // A driver that has ended leaves it to the next start.
                _ = mailbox.send(Request::Unreferenced(artifact)).await;
            }
        }
        Err(error) => tracing::warn!(%digest, %error, "cannot remove an artifact"),
    }
}

async fn orphans(
    artifacts: &Artifacts,
    mailbox: &mpsc::WeakSender<Request>,
    named: Named,
    older_than: Duration,
) {
    let removal = artifacts.removal().await;
    let named = match named {
        Named::AtTheEnd(named) => named,
        Named::Then => match ask(mailbox, Engine::named_blobs).await {
            Some(named) => named,
            None => return,
        },
    };
    match removal.orphans(&named, older_than).await {
        Ok(Orphans { count: 0, .. }) => {}
        Ok(Orphans { count, bytes }) => {
            tracing::info!(count, bytes, "removed artifacts that nothing refers to");
        }
        Err(error) => tracing::warn!(%error, "cannot look for artifacts that nothing refers to"),
    }
}

/// What the durable state says; `None` where there is none to ask.
async fn ask<T: Send + 'static>(
    mailbox: &mpsc::WeakSender<Request>,
    look: impl FnOnce(&Engine) -> T + Send + 'static,
) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    let read = Request::Read(Box::new(move |state| {
        if let Ok((engine, _)) = state {
            // Whoever asked may have gone.
            _ = reply.send(look(engine));
        }
    }));
    mailbox.upgrade()?.send(read).await.ok()?;
    answer.await.ok()
}

#[cfg(test)]
mod tests {
    use sweep_proto::Timestamp;

    use super::*;
    use crate::driver::step_tests::launch;

    /// Answers the next question as a driver that sees this.
    async fn answer(mail: &mut mpsc::Receiver<Request>, seen: Result<&Engine, &str>) {
        let Some(Request::Read(look)) = mail.recv().await else { panic!("it asks") };
        look(seen.map(|engine| (engine, Timestamp(0))));
    }

    #[tokio::test]
    async fn what_rows_name_by_the_time_of_its_removal_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let artifacts = Arc::new(Artifacts::directory(directory.path()).expect("opens"));
        let artifact = ArtifactRef { digest: Digest::of(b"data"), bytes: 4 };
        let mut incoming = artifacts.receive(artifact).expect("a place");
        incoming.write(b"data").await.expect("written");
        artifacts.keep(incoming).await.expect("kept");
        let nothing = Engine::default();
        let mut launched = Engine::default();
        let decision = launched.decide(Timestamp(0), &launch()).expect("it launches");
        launched.fold(&decision);
        assert!(launched.is_named(artifact.digest));

        let (mailbox, mut mail) = mpsc::channel(4);
        let (collector, ended) = Collector::start(Arc::clone(&artifacts), mailbox.downgrade());
        let lost_for = Duration::ZERO;
        let stale = || collector.remove(Waste::Stale { artifact, lost_for });
        let orphans = || collector.remove(Waste::Orphans { named: Named::Then, older_than: lost_for });
        let is_there = async || artifacts.size(artifact.digest).await.expect("looks").is_some();
        // Each was decided when nothing named it. A launch has come since, or nobody can say.
        for seen in [Ok(&launched), Err("it stands by")] {
            stale();
            answer(&mut mail, seen).await;
            orphans();
            answer(&mut mail, seen).await;
        }
        let mut pins = artifacts.pins();
        pins.add(artifact.digest);
        stale();
        answer(&mut mail, Ok(&nothing)).await;
        let Some(Request::Unreferenced(again)) = mail.recv().await else { panic!("it is looked at again") };
        assert_eq!(again, artifact);
        orphans();
        answer(&mut mail, Ok(&nothing)).await;
        assert!(is_there().await);
        drop(pins);
        stale();
        answer(&mut mail, Ok(&nothing)).await;
        // What the driver knew at its end counts as well.
        collector.remove(Waste::Orphans { named: Named::AtTheEnd(BTreeSet::new()), older_than: lost_for });
        drop(collector);
        ended.await.expect("it ends");
        assert!(!is_there().await);
    }
}

//! Removes blobs that nothing refers to, beside the driver: storage may be slow or far away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use coordinator_core::Engine;
use sweep_proto::{ArtifactRef, Digest};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Request;
use crate::artifacts::{Artifacts, Orphans, Stale};

/// Most blobs that are removed between two moments in which others may store and look for theirs.
const TOGETHER_MAX: usize = 64;

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
    /// These: the driver has ended, nobody else writes rows, and none come any more.
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
    let mut together = Vec::with_capacity(TOGETHER_MAX);
    while queue.recv_many(&mut together, TOGETHER_MAX).await > 0 {
        let mut lost = Vec::new();
        for waste in together.drain(..) {
            match waste {
                Waste::Stale { artifact, lost_for } => lost.push((artifact, lost_for)),
                Waste::Orphans { named, older_than } => {
                    stale(&artifacts, &mailbox, std::mem::take(&mut lost)).await;
                    orphans(&artifacts, &mailbox, named, older_than).await;
                }
            }
        }
        stale(&artifacts, &mailbox, lost).await;
    }
}

/// Removes blobs, each of which lost its last reference that long ago: the driver is asked once for all.
async fn stale(
    artifacts: &Artifacts,
    mailbox: &mpsc::WeakSender<Request>,
    mut lost: Vec<(ArtifactRef, Duration)>,
) {
    if lost.is_empty() {
        return;
    }
    let digests: Vec<_> = lost.iter().map(|(artifact, _)| artifact.digest).collect();
    let removal = artifacts.removal().await;
    let look = move |engine: &Engine| -> BTreeSet<Digest> {
        digests.into_iter().filter(|digest| engine.is_named(*digest)).collect()
    };
    // Where nobody says so they stay: the next start looks for orphans.
    let Some(named) = ask(mailbox, look).await else { return };
    lost.retain(|(artifact, _)| !named.contains(&artifact.digest));
    let Stale { removed, later, errors } = removal.all_stale(&lost).await;
    drop(removal);
    for error in &errors {
        tracing::warn!(%error, "cannot remove an artifact");
    }
    tracing::debug!(removed, "removed artifacts that nothing refers to any more");
    // A driver that has ended leaves them to the next start.
    if let Some(mailbox) = mailbox.upgrade() {
        for artifact in later {
            _ = mailbox.send(Request::Unreferenced(artifact)).await;
        }
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

    #[tokio::test]
    async fn many_blobs_cost_one_question_and_those_that_must_wait_come_back() {
        let artifacts = Arc::new(Artifacts::objects(Arc::new(object_store::memory::InMemory::new())));
        let mut engine = Engine::default();
        let decision = engine.decide(Timestamp(0), &launch()).expect("it launches");
        engine.fold(&decision);
        let (mailbox, mut mail) = mpsc::channel(4);
        let (collector, ended) = Collector::start(Arc::clone(&artifacts), mailbox.downgrade());
        // The second is the dataset of the launch.
        let mut stored = Vec::new();
        for bytes in [b"lost".as_slice(), b"data", b"pinned", b"lost, too"] {
            let artifact = ArtifactRef { digest: Digest::of(bytes), bytes: bytes.len() as u64 };
            let mut incoming = artifacts.receive(artifact).expect("a place");
            incoming.write(bytes).await.expect("written");
            artifacts.keep(incoming).await.expect("kept");
            stored.push(artifact);
        }
        let mut pins = artifacts.pins();
        pins.add(stored[2].digest);
        for artifact in &stored {
            collector.remove(Waste::Stale { artifact: *artifact, lost_for: Duration::ZERO });
        }
        answer(&mut mail, Ok(&engine)).await;
        let Some(Request::Unreferenced(later)) = mail.recv().await else {
            panic!("one must wait, no other question")
        };
        assert_eq!(later, stored[2]);
        let mut left = Vec::new();
        for artifact in &stored {
            left.push(artifacts.size(artifact.digest).await.expect("looks").is_some());
        }
        assert_eq!(left, [false, true, true, false]);
        drop(collector);
        ended.await.expect("it ends");
    }
}

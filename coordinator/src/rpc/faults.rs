//! The coordinator's own faults: an artifact that it cannot give holds what needs it, at nobody else's cost.

use std::io::ErrorKind;
use std::time::Duration;

use coordinator_core::{Command, Engine};
use sweep_proto::digest::Hasher;
use sweep_proto::{ArtifactRef, AttemptOutcome, Digest, FailureKind, LeaseToken};
use tokio::time::Instant;
use tonic::Status;

use super::{Shared, status};
use crate::artifacts::{ArtifactError, Artifacts};
use crate::security::caller::Caller;

/// How long an artifact counts as sound whose bytes were read: a worker that fails again and again must not make the
/// coordinator read it each time.
const SOUND_FOR: Duration = Duration::from_mins(10);

/// Artifacts whose last check is remembered.
const CHECKS_MAX: usize = 1_024;

/// What is wrong with an artifact.
struct Fault {
    /// Whether it is gone for good.
    is_gone: bool,
    problem: String,
}

/// Artifacts that were found sound, and when.
pub(super) type Checks = std::sync::Mutex<lru::LruCache<Digest, Instant>>;

/// No artifact was checked yet.
pub(super) fn no_checks() -> Checks {
    let most = std::num::NonZero::new(CHECKS_MAX).unwrap_or(std::num::NonZero::<usize>::MIN);
    std::sync::Mutex::new(lru::LruCache::new(most))
}

impl Shared {
    /// Opens the way to an artifact that a worker asks for. What is the coordinator's fault, the worker waits out.
    ///
    /// # Errors
    /// `UNAVAILABLE` where work needs it and it cannot be given. What needs it is held by then.
    pub(super) async fn check_giveable(&self, digest: Digest) -> Result<(), Status> {
        let look = move |engine: &Engine, _| engine.needed_artifact(digest);
        let needed = self.driver.read(look).await.map_err(status::of_driver)?;
        let Some(artifact) = needed else { return Ok(()) };
        match fault_of(&self.artifacts, artifact).await {
            None => Ok(()),
            Some(fault) => Err(self.found_unreadable(artifact, fault).await),
        }
    }

    /// An attempt failed because of what it was given: where that is not what was stored, the attempt is given back. Nothing is
    /// looked at for a worker that does not hold the lease: what it says is refused.
    pub(super) async fn excused(
        &self,
        caller: Caller,
        token: LeaseToken,
        outcome: AttemptOutcome,
    ) -> Result<AttemptOutcome, Status> {
        if !matches!(outcome, AttemptOutcome::Failed { kind: FailureKind::Data, .. }) {
            return Ok(outcome);
        }
        let look = move |engine: &Engine, _| {
            let is_holder = caller.worker().is_none_or(|worker| engine.attempt_worker(token) == Some(worker));
            if is_holder { engine.artifacts_under(token) } else { Vec::new() }
        };
        let mut is_excused = false;
        for artifact in self.driver.read(look).await.map_err(status::of_driver)? {
            if let Some(fault) = self.fault_in(artifact).await {
                self.found_unreadable(artifact, fault).await;
                is_excused = true;
            }
        }
        Ok(if is_excused { AttemptOutcome::Released { checkpoint: None } } else { outcome })
    }

    /// As [`fault_of`], after reading every byte, unless that was done lately.
    async fn fault_in(&self, artifact: ArtifactRef) -> Option<Fault> {
        if let Some(fault) = fault_of(&self.artifacts, artifact).await {
            return Some(fault);
        }
        let lately = |checks: &mut lru::LruCache<Digest, Instant>| {
            checks.get(&artifact.digest).is_some_and(|at| at.elapsed() < SOUND_FOR)
        };
        if lately(&mut self.checks.lock().unwrap_or_else(std::sync::PoisonError::into_inner)) {
            return None;
        }
        match digest_of(&self.artifacts, artifact.digest).await {
            Ok(digest) if digest == artifact.digest => {
                let mut checks = self.checks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                checks.put(artifact.digest, Instant::now());
                None
            }
            Ok(_) => {
                // Of no use to anybody, and in the way of a sound one.
                if let Err(error) = self.artifacts.removal().await.stale(artifact, Duration::ZERO).await {
                    tracing::warn!(%error, "a damaged artifact cannot be removed");
                }
                Some(Fault { is_gone: true, problem: "holds other bytes than were stored".to_owned() })
            }
            Err(error) => fault_by(&error),
        }
    }

    /// Holds what needs the artifact and tells the operator.
    async fn found_unreadable(&self, artifact: ArtifactRef, fault: Fault) -> Status {
        let Fault { is_gone, problem } = fault;
        let reason = format!(
            "the coordinator's artifact {} {problem}: bring it back, from a backup for example (a dataset is also made again \
             by launching the same file once more), then `sweep resume`",
            artifact.digest
        );
        tracing::error!(artifact = %artifact.digest, problem, "an artifact that trials need cannot be given");
        let unreadable = Command::Unreadable { artifact: artifact.digest, is_gone, reason: reason.clone() };
        match self.driver.command(unreadable).await {
            Ok(_) => Status::unavailable(reason),
            Err(error) => status::of_driver(error),
        }
    }
}

async fn fault_of(artifacts: &Artifacts, artifact: ArtifactRef) -> Option<Fault> {
    match artifacts.size(artifact.digest).await {
        Ok(None) => Some(Fault { is_gone: true, problem: "is missing".to_owned() }),
        Ok(Some(bytes)) if bytes != artifact.bytes => {
            Some(Fault { is_gone: true, problem: format!("has {bytes} bytes instead of {}", artifact.bytes) })
        }
        Ok(Some(_)) => match artifacts.read(artifact.digest, 0).await {
            Ok(_) => None,
            Err(error) => fault_by(&error),
        },
        Err(error) => fault_by(&error),
    }
}

/// Storage that is out of reach for a while is waited for; nobody needs to be told to mend it.
fn fault_by(error: &ArtifactError) -> Option<Fault> {
    match error {
        ArtifactError::Disk(cause) if cause.kind() != ErrorKind::StorageFull => {
            Some(Fault { is_gone: false, problem: format!("cannot be read ({cause})") })
        }
        ArtifactError::NotFound(_) => Some(Fault { is_gone: true, problem: "is missing".to_owned() }),
        _ => None,
    }
}

async fn digest_of(artifacts: &Artifacts, digest: Digest) -> Result<Digest, ArtifactError> {
    let mut blob = artifacts.read(digest, 0).await?;
    let mut hasher = Hasher::default();
    while let Some(bytes) = blob.next().await? {
        hasher.update(&bytes);
    }
    Ok(hasher.finish())
}

//! What each worker has uploaded and not yet reported: within a quota that follows from its live leases, and
//! collected once none of them can report it any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coordinator_core::limits::UNREPORTED_BLOBS_MAX;
use coordinator_core::{Allowance, Engine};
use sweep_proto::{ArtifactRef, Digest, LeaseToken, WorkerId};
use tokio::sync::Notify;
use tonic::Status;

use super::{Shared, status};

/// The least that an upload counts for, in bytes: a file costs something even where it is empty.
const CHARGE_BYTES_MIN: u64 = 64 * 1024;

/// Pause between two looks for uploads whose leases have ended: half a lease's life.
const LOOK_INTERVAL: Duration = Duration::from_secs(15);

/// The uploads of every worker that has shown a certificate.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    ledger: Mutex<Unreported>,
    /// Something was stored that may have to be collected.
    stored: Notify,
}

#[derive(Debug, Default)]
struct Unreported {
    next: u64,
    /// By worker, in the order of coming.
    uploads: BTreeMap<WorkerId, BTreeMap<u64, Upload>>,
}

#[derive(Debug)]
struct Upload {
    artifact: ArtifactRef,
    /// The leases that may report it.
    leases: Vec<LeaseToken>,
    /// Whole and durable, not underway.
    is_stored: bool,
    /// A row answers for it: it counts no more, and still shows that its sender has the bytes, for its other leases.
    is_reported: bool,
}

impl Upload {
    fn charge(&self) -> u64 {
        if self.is_reported { 0 } else { self.artifact.bytes.max(CHARGE_BYTES_MIN) }
    }
}

/// An upload that was admitted. Dropping it takes it from the quota, unless it was kept.
#[derive(Debug)]
pub(crate) struct Admission {
    uploads: Arc<Uploads>,
    worker: WorkerId,
    number: u64,
    is_kept: bool,
}

impl Admission {
    /// The blob is stored: it counts until it is reported or collected.
    pub(crate) fn keep(mut self) {
        let mut ledger = self.uploads.ledger();
        let upload = ledger.uploads.get_mut(&self.worker).and_then(|uploads| uploads.get_mut(&self.number));
        if let Some(upload) = upload {
            upload.is_stored = true;
        }
        drop(ledger);
        self.is_kept = true;
        self.uploads.stored.notify_one();
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if !self.is_kept {
            self.uploads.ledger().retain(self.worker, |number, _| number != self.number);
        }
    }
}

impl Unreported {
    fn retain(&mut self, worker: WorkerId, keep: impl Fn(u64, &Upload) -> bool) {
        if let Some(uploads) = self.uploads.get_mut(&worker) {
            uploads.retain(|number, upload| keep(*number, upload));
            if uploads.is_empty() {
                self.uploads.remove(&worker);
            }
        }
    }
}

impl Uploads {
    fn ledger(&self) -> MutexGuard<'_, Unreported> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits an upload under the live leases of a worker.
    ///
    /// # Errors
    /// A refusal where it has no lease that trains, or where the blob is too large for all its trials; "later" where
    /// too much of what it has sent is not yet reported.
    pub(crate) fn admit(
        self: &Arc<Self>,
        worker: WorkerId,
        artifact: ArtifactRef,
        allowances: &[Allowance],
    ) -> Result<Admission, Status> {
        let Some(largest) = allowances.iter().map(|one| one.blob_bytes_max).max() else {
            return Err(Status::failed_precondition(format!(
                "worker {worker} holds no lease to train, so it has nothing to upload"
            )));
        };
        if artifact.bytes > largest {
            let problem = format!(
                "the artifact has {} bytes; no trial of worker {worker} leaves more than {largest}",
                artifact.bytes
            );
            return Err(status::invalid(problem));
        }
        let each = allowances.iter().map(|one| one.blob_bytes_max.saturating_mul(UNREPORTED_BLOBS_MAX));
        let quota = each.fold(0, u64::saturating_add);
        let upload = Upload {
            artifact,
            leases: allowances.iter().map(|one| one.token).collect(),
            is_stored: false,
            is_reported: false,
        };
        let mut ledger = self.ledger();
        let number = ledger.next;
        let uploads = ledger.uploads.entry(worker).or_default();
        let used = uploads.values().fold(0, |used: u64, one| used.saturating_add(one.charge()));
        if used.saturating_add(upload.charge()) > quota {
            return Err(Status::resource_exhausted(format!(
                "{used} bytes that worker {worker} has uploaded are not reported yet, of {quota} that may be; report them, or try \
                 again once their leases have ended"
            )));
        }
        uploads.insert(number, upload);
        ledger.next += 1;
        Ok(Admission { uploads: Arc::clone(self), worker, number, is_kept: false })
    }

    /// Whether this worker has sent the bytes of a blob while it held this lease.
    pub(crate) fn has_shown(&self, worker: WorkerId, token: LeaseToken, artifact: ArtifactRef) -> bool {
        let ledger = self.ledger();
        let mut uploads = ledger.uploads.get(&worker).into_iter().flat_map(BTreeMap::values);
        uploads.any(|one| one.is_stored && one.artifact == artifact && one.leases.contains(&token))
    }

    /// A report of this worker under this lease that names the blob is durable: from now on the trial's row answers for it.
    pub(crate) fn reported(&self, worker: WorkerId, token: LeaseToken, digest: Digest) {
        let mut ledger = self.ledger();
        let uploads = ledger.uploads.get_mut(&worker).into_iter().flat_map(BTreeMap::values_mut);
        for upload in uploads.filter(|one| one.is_stored && one.artifact.digest == digest) {
            upload.is_reported = true;
            upload.leases.retain(|lease| *lease != token);
        }
        ledger.retain(worker, |_, upload| !upload.is_reported || !upload.leases.is_empty());
    }

    /// Every lease that something may still be reported under.
    fn leases(&self) -> BTreeSet<LeaseToken> {
        let ledger = self.ledger();
        let uploads = ledger.uploads.values().flat_map(BTreeMap::values);
        uploads.flat_map(|upload| upload.leases.iter().copied()).collect()
    }

    /// Takes out what is stored and has none of these leases any more.
    fn take_abandoned(&self, live: &BTreeSet<LeaseToken>) -> Vec<ArtifactRef> {
        let mut abandoned = Vec::new();
        let mut ledger = self.ledger();
        for uploads in ledger.uploads.values_mut() {
            uploads.retain(|_, upload| {
                let stays = !upload.is_stored || upload.leases.iter().any(|token| live.contains(token));
                if !stays && !upload.is_reported {
                    abandoned.push(upload.artifact);
                }
                stays
            });
        }
        ledger.uploads.retain(|_, uploads| !uploads.is_empty());
        abandoned
    }
}

impl Shared {
    /// Admits an upload of a worker; `None` where the caller is this machine, whose files it may write anyway.
    pub(super) async fn admit_upload(
        &self,
        worker: Option<WorkerId>,
        artifact: ArtifactRef,
    ) -> Result<Option<Admission>, Status> {
        let Some(worker) = worker else { return Ok(None) };
        let look = move |engine: &Engine, _| engine.upload_allowances(worker);
        let allowances = self.driver.read(look).await.map_err(status::of_driver)?;
        self.uploads.admit(worker, artifact, &allowances).map(Some)
    }
}

/// Hands what can no longer be reported to the driver, which removes it after a while unless a row names it.
pub(crate) async fn collect(shared: Shared) {
    loop {
        let is_empty = shared.uploads.ledger().uploads.is_empty();
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            () = shared.uploads.stored.notified(), if is_empty => {}
            () = tokio::time::sleep(LOOK_INTERVAL), if !is_empty => {}
        }
        let asked = shared.uploads.leases();
        let look = move |engine: &Engine, _| {
            let is_live = |token: &LeaseToken| engine.lease_holder(*token).is_some();
            asked.into_iter().filter(is_live).collect::<BTreeSet<_>>()
        };
        // A driver without a store knows of no lease: later.
        let Ok(live) = shared.driver.read(look).await else { continue };
        for artifact in shared.uploads.take_abandoned(&live) {
            tracing::debug!(digest = %artifact.digest, "an upload was never reported");
            shared.driver.abandoned(artifact).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    const WORKER: WorkerId = WorkerId(uuid::Uuid::from_u128(1));
    const MIB: u64 = 1 << 20;

    fn artifact(name: &str, bytes: u64) -> ArtifactRef {
        ArtifactRef { digest: Digest::of(name.as_bytes()), bytes }
    }

    fn lease(token: u64, blob_bytes_max: u64) -> Allowance {
        Allowance { token: LeaseToken(token), blob_bytes_max }
    }

    fn refused(admitted: Result<Admission, Status>) -> Option<Code> {
        admitted.err().map(|status| status.code())
    }

    #[test]
    fn without_a_lease_and_beyond_the_largest_trial_nothing_is_taken() {
        let uploads = Arc::new(Uploads::default());
        assert_eq!(refused(uploads.admit(WORKER, artifact("a", 1), &[])), Some(Code::FailedPrecondition));
        let leases = [lease(1, MIB), lease(2, 2 * MIB)];
        let too_large = uploads.admit(WORKER, artifact("a", 2 * MIB + 1), &leases);
        assert_eq!(refused(too_large), Some(Code::InvalidArgument));
        assert!(uploads.admit(WORKER, artifact("a", 2 * MIB), &leases).is_ok());
    }

    #[test]
    fn a_quota_is_freed_by_reports_by_failed_uploads_and_by_the_end_of_leases() {
        let uploads = Arc::new(Uploads::default());
        let leases = [lease(1, MIB)];
        let name = |number: u64| number.to_string();
        let mut underway = Vec::new();
        for number in 0..UNREPORTED_BLOBS_MAX {
            underway.push(uploads.admit(WORKER, artifact(&name(number), MIB), &leases).expect("room"));
        }
        let more = || refused(uploads.admit(WORKER, artifact("more", 1), &leases));
        assert_eq!(more(), Some(Code::ResourceExhausted), "what is underway counts");
        underway.pop();
        assert_eq!(more(), None, "an upload that was cut off counts no more");
        underway.into_iter().for_each(Admission::keep);
        assert!(uploads.admit(WORKER, artifact("last", MIB), &leases).map(Admission::keep).is_ok());
        assert_eq!(more(), Some(Code::ResourceExhausted), "what is stored counts");
        uploads.reported(WORKER, LeaseToken(1), artifact("0", MIB).digest);
        assert_eq!(more(), None, "what is reported counts no more");
        assert_eq!(uploads.take_abandoned(&BTreeSet::from([LeaseToken(1)])), []);
        let abandoned = uploads.take_abandoned(&BTreeSet::from([LeaseToken(2)]));
        assert_eq!(abandoned.len() as u64, UNREPORTED_BLOBS_MAX - 1);
        assert!(uploads.ledger().uploads.is_empty());
    }

    #[test]
    fn what_two_trials_left_alike_is_shown_for_both_and_counts_once() {
        let uploads = Arc::new(Uploads::default());
        let leases = [lease(1, MIB), lease(2, MIB)];
        let (same, other) = (artifact("same", MIB), WorkerId(uuid::Uuid::from_u128(2)));
        let admission = uploads.admit(WORKER, same, &leases).expect("room");
        assert!(!uploads.has_shown(WORKER, LeaseToken(1), same), "it is underway");
        admission.keep();
        uploads.reported(WORKER, LeaseToken(1), same.digest);
        assert!(uploads.has_shown(WORKER, LeaseToken(2), same));
        assert!(
            !uploads.has_shown(WORKER, LeaseToken(3), same) && !uploads.has_shown(other, LeaseToken(2), same)
        );
        assert_eq!(uploads.ledger().uploads[&WORKER].values().map(Upload::charge).sum::<u64>(), 0);
        assert_eq!(uploads.take_abandoned(&BTreeSet::new()), [], "a row answers for it");
        assert!(uploads.ledger().uploads.is_empty());
    }

    #[test]
    fn many_small_files_cost_something_too() {
        let uploads = Arc::new(Uploads::default());
        let leases = [lease(1, MIB)];
        let taken = (0..1_000).filter(|number: &u64| {
            uploads.admit(WORKER, artifact(&number.to_string(), 1), &leases).map(Admission::keep).is_ok()
        });
        assert_eq!(taken.count() as u64, UNREPORTED_BLOBS_MAX * MIB / CHARGE_BYTES_MIN);
    }
}

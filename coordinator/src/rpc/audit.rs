//! Where the audit log begins and ends, and removing what is old of it.

use std::time::Duration;

use coordinator_core::{AuditHead, AuditNote, AuditTrail, Command, Engine, FORGET_ACTION};
use coordinator_store::StoreReader;
use sweep_proto::{Timestamp, wire};
use tonic::Status;

use super::caller::Act;
use super::{Shared, status};

/// Audit entries read at one time.
const PAGE: usize = 500;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// Pause between two looks for entries that are old enough to go by themselves.
const RETENTION_INTERVAL: Duration = Duration::from_hours(24);

/// As [`RETENTION_INTERVAL`], where the store was not there: this coordinator stands by.
const RETENTION_RETRY: Duration = Duration::from_mins(1);

/// Entries that are old enough to go.
struct Old {
    through: AuditHead,
    written_at: Timestamp,
    damage: Vec<String>,
}

/// Where the log begins, and which end of it was signed.
pub(super) async fn state(shared: &Shared) -> Result<wire::AuditStateReply, Status> {
    let base = base(shared).await?;
    let mut reader = shared.driver.reader().await.map_err(status::of_driver)?;
    let seal = tokio::task::spawn_blocking(move || reader.read_seal()).await.map_err(status::internal)?;
    let stored = seal.map_err(status::internal)?;
    // The data folder knows the newest signature, too: the database may have lost it while this coordinator worked.
    let kept = shared.sealer.as_ref().and_then(|sealer| sealer.kept());
    let newest = stored.into_iter().chain(kept).max_by_key(|seal| seal.head.sequence);
    let mut reply = wire::AuditStateReply {
        base_sequence: base.sequence,
        base_digest: base.digest.as_bytes().to_vec().into(),
        ..Default::default()
    };
    if let Some(seal) = newest {
        reply.signed_sequence = seal.head.sequence;
        reply.signed_digest = seal.head.digest.as_bytes().to_vec().into();
        (reply.key, reply.signature) = (seal.key, seal.signature);
    }
    Ok(reply)
}

/// Removes what was written before a time.
pub(super) async fn forget(
    shared: &Shared,
    act: &Act,
    before: Timestamp,
) -> Result<wire::ForgetAuditReply, Status> {
    let forgotten = forget_by(shared, act.note(FORGET_ACTION, String::new()), before).await;
    if let Err(refusal) = &forgotten {
        let subject = format!("entries of before {} ms", before.0);
        shared.refused(act, FORGET_ACTION, &subject, refusal).await;
    }
    forgotten
}

async fn forget_by(
    shared: &Shared,
    by: AuditNote,
    before: Timestamp,
) -> Result<wire::ForgetAuditReply, Status> {
    let base = base(shared).await?;
    let mut reader = shared.driver.reader().await.map_err(status::of_driver)?;
    let look = move || old(&mut *reader, base, before);
    let old = tokio::task::spawn_blocking(look).await.map_err(status::internal)??;
    let Some(Old { through, written_at, damage }) = old else {
        return Ok(wire::ForgetAuditReply { forgotten: 0, first_sequence: base.sequence + 1 });
    };
    let command = Command::ForgetAudit { through, written_at, damage, by };
    shared.driver.command(command).await.map_err(status::of_driver)?;
    Ok(wire::ForgetAuditReply {
        forgotten: through.sequence - base.sequence,
        first_sequence: through.sequence + 1,
    })
}

/// Removes entries older than the given number of days, once a day, until the server stops. Leaves a broken log alone.
pub(crate) async fn retain(shared: Shared, days: u64) {
    let by = AuditNote::of_coordinator(FORGET_ACTION, String::new());
    loop {
        let wait = match remove_older(&shared, by.clone(), days).await {
            Ok(0) => RETENTION_INTERVAL,
            Ok(forgotten) => {
                tracing::info!(forgotten, days, "removed old entries of the audit log");
                RETENTION_INTERVAL
            }
            Err(refusal) if refusal.code() == tonic::Code::Unavailable => RETENTION_RETRY,
            Err(refusal) => {
                tracing::error!(reason = refusal.message(), "old entries of the audit log are not removed");
                RETENTION_INTERVAL
            }
        };
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn remove_older(shared: &Shared, by: AuditNote, days: u64) -> Result<u64, Status> {
    let now = shared.driver.read(|_: &Engine, now| now).await.map_err(status::of_driver)?;
    let before = Timestamp(now.0.saturating_sub(days.saturating_mul(DAY_MS)));
    Ok(forget_by(shared, by, before).await?.forgotten)
}

async fn base(shared: &Shared) -> Result<AuditHead, Status> {
    shared.driver.read(|engine: &Engine, _| engine.tables().audit_base).await.map_err(status::of_driver)
}

/// The last entry before a time, never the last of all. The whole log is followed: nothing is removed of one that is broken, and
/// what its entries say of damage is kept.
fn old(reader: &mut dyn StoreReader, base: AuditHead, before: Timestamp) -> Result<Option<Old>, Status> {
    let mut trail = AuditTrail::begin(base, None);
    let mut old: Option<(AuditHead, Timestamp)> = None;
    let mut last: Option<(AuditHead, Timestamp)> = None;
    let mut is_old = true;
    loop {
        let page = reader.read_audit(trail.head().sequence + 1, PAGE).map_err(status::internal)?;
        if page.is_empty() {
            return Ok(old.map(|(through, written_at)| {
                let damage = trail.damage_up_to(through.sequence);
                Old { through, written_at, damage }
            }));
        }
        for entry in page {
            if let Some(before_this) = last.take() {
                old = Some(before_this);
            }
            let broken = |problem| Status::data_loss(format!("the audit log is broken: {problem}"));
            trail.advance(&entry).map_err(broken)?;
            // The clock may have gone back: nothing behind a younger entry goes.
            is_old &= entry.at < before;
            last = is_old.then(|| (trail.head(), entry.at));
        }
    }
}

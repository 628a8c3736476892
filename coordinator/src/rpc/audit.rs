//! Where the audit log begins and ends, and removing what is old of it.

use coordinator_core::{AuditHead, AuditNote, AuditTrail, Command, Engine};
use coordinator_store::StoreReader;
use sweep_proto::{Timestamp, wire};
use tonic::Status;

use super::caller::Act;
use super::{Shared, status};

/// Audit entries read at one time.
const PAGE: usize = 500;

/// Entries that are old enough to go.
struct Old {
    through: AuditHead,
    written_at: Timestamp,
}

/// Where the log begins, and which end of it was signed.
pub(super) async fn state(shared: &Shared) -> Result<wire::AuditStateReply, Status> {
    let base = base(shared).await?;
    let mut reader = shared.driver.reader().await.map_err(status::of_driver)?;
    let seal = tokio::task::spawn_blocking(move || reader.read_seal()).await.map_err(status::internal)?;
    let mut reply = wire::AuditStateReply {
        base_sequence: base.sequence,
        base_digest: base.digest.as_bytes().to_vec().into(),
        ..Default::default()
    };
    if let Some(seal) = seal.map_err(status::internal)? {
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
    let base = base(shared).await?;
    let mut reader = shared.driver.reader().await.map_err(status::of_driver)?;
    let look = move || old(&mut *reader, base, before);
    let old = tokio::task::spawn_blocking(look).await.map_err(status::internal)??;
    let Some(Old { through, written_at }) = old else {
        return Ok(wire::ForgetAuditReply { forgotten: 0, first_sequence: base.sequence + 1 });
    };
    let by: AuditNote = act.note("", String::new());
    let command = Command::ForgetAudit { through, written_at, by };
    shared.driver.command(command).await.map_err(status::of_driver)?;
    Ok(wire::ForgetAuditReply {
        forgotten: through.sequence - base.sequence,
        first_sequence: through.sequence + 1,
    })
}

async fn base(shared: &Shared) -> Result<AuditHead, Status> {
    shared.driver.read(|engine: &Engine, _| engine.tables().audit_base).await.map_err(status::of_driver)
}

/// The last entry before a time, reached from the start of the log: nothing is removed of one that is broken.
fn old(reader: &mut dyn StoreReader, base: AuditHead, before: Timestamp) -> Result<Option<Old>, Status> {
    let mut trail = AuditTrail::begin(base, None);
    let mut old = None;
    loop {
        let page = reader.read_audit(trail.head().sequence + 1, PAGE).map_err(status::internal)?;
        if page.is_empty() {
            return Ok(old);
        }
        for entry in page {
            if entry.at >= before {
                return Ok(old);
            }
            let broken = |problem| Status::data_loss(format!("the audit log is broken: {problem}"));
            trail.advance(&entry).map_err(broken)?;
            old = Some(Old { through: trail.head(), written_at: entry.at });
        }
    }
}

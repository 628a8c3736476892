//! What a driver finds of the end of the audit log when it begins to write to it.

use coordinator_core::{AuditNote, Command, DAMAGE_ACTION};
use coordinator_store::StoreError;
use sweep_proto::Timestamp;

use super::live::{Live, Written};
use crate::security::sealing::End;

/// What an entry is called that stands at the end of a log that nobody had signed.
const SIGN_ACTION: &str = "sign audit log";

impl Live {
    /// Writes down, signed, where the audit log does not end as it was signed, before anything else is written: the entry is a
    /// finding of every later check.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) fn note_damage_of_the_log(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let Some(sealer) = self.sealer.clone() else { return Ok(()) };
        let tables = self.engine.tables();
        let (base, end) = (tables.audit_base, tables.audit);
        let (action, subject) = match sealer.look(&mut *self.store, base, end)? {
            End::Sound => return Ok(()),
            End::Unsigned => {
                (SIGN_ACTION, format!("nobody has signed it so far, up to entry {}", end.sequence))
            }
            End::Damaged(damage) => {
                tracing::error!("the audit log is damaged, and `sweep audit` says so from now on: {damage}");
                (DAMAGE_ACTION, damage)
            }
        };
        let note = AuditNote::of_coordinator(action, subject);
        let Ok(decision) = self.engine.decide(now, &Command::Record(note)) else { return Ok(()) };
        match self.persist(now, &decision.mutations)? {
            Written::All => self.engine.fold(&decision),
            Written::Nothing(problem) => return Err(StoreError::Full(problem)),
        }
        Ok(())
    }
}

//! What is removed by itself once it has been of no use for long: no report, no list of who did what rests on it.

use std::collections::BTreeSet;

use sweep_proto::Timestamp;

use crate::access::{CertificateRecord, TokenRecord};
use crate::command::{Decision, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::limits::KEEP_UNUSED_MS;
use crate::mutation::Key;
use crate::record::{WorkerRecord, WorkerState};

impl Engine {
    /// Rows that may go: workers that left or fell silent and no attempt names, certificates and tokens that are worth nothing, each
    /// for [`KEEP_UNUSED_MS`]. At most as many as one step removes.
    pub fn unused(&self, now: Timestamp) -> Vec<Key> {
        let is_old = |since: Timestamp| now.since_ms(since) >= KEEP_UNUSED_MS;
        let workers = self.tables.workers.values().filter(|worker| self.is_gone(worker, is_old));
        let (old, kept): (Vec<&CertificateRecord>, Vec<_>) =
            self.tables.certificates.values().partition(|certificate| is_old(certificate.expires_at));
        // The workers that joined by a token are found by their certificates.
        let named: BTreeSet<_> = kept.iter().map(|certificate| certificate.token).collect();
        let tokens = self.tables.tokens.values();
        let tokens =
            tokens.filter(|token| !named.contains(&token.id) && worthless_since(token).is_some_and(is_old));
        let workers = workers.map(|worker| Key::Worker(worker.id));
        let certificates = old.into_iter().map(|certificate| Key::Certificate(certificate.id));
        let tokens = tokens.map(|token| Key::Token(token.id));
        workers.chain(certificates).chain(tokens).take(self.slice.0).collect()
    }

    fn is_gone(&self, worker: &WorkerRecord, is_old: impl Fn(Timestamp) -> bool) -> bool {
        let has_left = matches!(worker.state, WorkerState::Departed | WorkerState::Lost);
        let seen = self.heard_at(worker.id).unwrap_or(worker.registered_at).max(worker.registered_at);
        // Reports tell the devices of those who have worked.
        has_left && is_old(seen) && !self.index.worked.contains_key(&worker.id)
    }
}

/// When a token became worth nothing, as far as its row tells; `None` where it is still worth something. A used-up one may have been
/// used at any time since it was made.
fn worthless_since(token: &TokenRecord) -> Option<Timestamp> {
    let used_up = (token.uses_left == Some(0)).then_some(token.created_at);
    token.revoked_at.into_iter().chain(token.expires_at).chain(used_up).min()
}

/// Removes a slice of what is of no use any more.
pub(crate) fn forget_unused(engine: &Engine, now: Timestamp) -> Decision {
    let mut draft = Draft::new(engine, now);
    engine.unused(now).into_iter().for_each(|key| draft.remove(key));
    draft.finish(Reply::Done)
}

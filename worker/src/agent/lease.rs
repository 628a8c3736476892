//! Which leases this worker holds, and until when it may believe so.

use std::collections::BTreeMap;
use std::time::Duration;

use sweep_proto::LeaseToken;
use tokio::time::Instant;

/// A lease counts as lost when this part of its term is left: time to stop before another worker may
/// start.
const MARGIN_PARTS: u32 = 5;

/// Bounds of a lease's term, whatever a coordinator says: shorter ones could never be renewed, and
/// longer ones would never fence.
const TTL_MIN: Duration = Duration::from_millis(200);
const TTL_MAX: Duration = Duration::from_hours(1);

/// One held lease.
#[derive(Clone, Copy, Debug)]
struct Held {
    ttl: Duration,
    /// When the newest request that renewed it was *sent*: the coordinator counts from later.
    renewed_at: Instant,
    /// Whether its work has been told to stop.
    is_fenced: bool,
}

impl Held {
    fn ends_at(&self) -> Instant {
        self.renewed_at + self.ttl - self.ttl / MARGIN_PARTS
    }
}

/// The leases of one worker by the monotonic clock.
#[derive(Clone, Debug, Default)]
pub(super) struct LeaseTable {
    held: BTreeMap<LeaseToken, Held>,
}

impl LeaseTable {
    /// Takes a lease. `asked_at` is when the request for it was first sent. False where it is held
    /// already: the answer came twice.
    pub(super) fn insert(&mut self, token: LeaseToken, ttl: Duration, asked_at: Instant) -> bool {
        if self.held.contains_key(&token) {
            return false;
        }
        let held = Held { ttl: ttl.clamp(TTL_MIN, TTL_MAX), renewed_at: asked_at, is_fenced: false };
        self.held.insert(token, held);
        true
    }

    /// The lease was confirmed by the answer to a heartbeat sent at `sent_at`.
    pub(super) fn renew(&mut self, token: LeaseToken, sent_at: Instant) {
        if let Some(held) = self.held.get_mut(&token) {
            held.renewed_at = held.renewed_at.max(sent_at);
        }
    }

    /// Gives a lease up.
    pub(super) fn remove(&mut self, token: LeaseToken) {
        self.held.remove(&token);
    }

    /// Every lease, for a heartbeat.
    pub(super) fn tokens(&self) -> Vec<LeaseToken> {
        self.held.keys().copied().collect()
    }

    /// Leases that run out unless renewed; each is told once.
    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<LeaseToken> {
        let expired = self.held.iter_mut().filter(|(_, held)| !held.is_fenced && held.ends_at() <= now);
        expired
            .map(|(token, held)| {
                held.is_fenced = true;
                *token
            })
            .collect()
    }

    /// When the next lease is to be given up.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.held.values().filter(|held| !held.is_fenced).map(Held::ends_at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(10);

    fn table(start: Instant) -> LeaseTable {
        let mut table = LeaseTable::default();
        assert!(table.insert(LeaseToken(1), TTL, start));
        assert!(table.insert(LeaseToken(2), TTL, start));
        table
    }

    #[test]
    fn a_lease_ends_before_its_term_and_is_told_once() {
        let start = Instant::now();
        let mut table = table(start);
        assert_eq!(table.next_expiry(), Some(start + Duration::from_secs(8)));
        assert!(table.take_expired(start + Duration::from_millis(7_999)).is_empty());
        assert_eq!(table.take_expired(start + Duration::from_secs(8)), [LeaseToken(1), LeaseToken(2)]);
        assert!(table.take_expired(start + TTL).is_empty());
        assert_eq!(table.next_expiry(), None);
    }

    #[test]
    fn renewal_counts_from_when_the_heartbeat_was_sent_and_never_backwards() {
        let start = Instant::now();
        let mut table = table(start);
        table.renew(LeaseToken(1), start + Duration::from_secs(5));
        table.renew(LeaseToken(1), start + Duration::from_secs(3));
        assert_eq!(table.take_expired(start + Duration::from_secs(8)), [LeaseToken(2)]);
        assert_eq!(table.take_expired(start + Duration::from_secs(13)), [LeaseToken(1)]);
    }

    #[test]
    fn a_repeated_grant_changes_nothing_and_unknown_tokens_are_ignored() {
        let start = Instant::now();
        let mut table = table(start);
        assert!(!table.insert(LeaseToken(1), TTL, start + TTL));
        table.renew(LeaseToken(9), start);
        table.remove(LeaseToken(9));
        table.remove(LeaseToken(2));
        assert_eq!(table.tokens(), [LeaseToken(1)]);
        assert_eq!(table.next_expiry(), Some(start + Duration::from_secs(8)));
    }

    #[test]
    fn absurd_terms_are_bounded() {
        let start = Instant::now();
        let mut table = LeaseTable::default();
        table.insert(LeaseToken(1), Duration::ZERO, start);
        table.insert(LeaseToken(2), Duration::from_millis(u64::MAX), start);
        assert!(table.take_expired(start).is_empty());
        assert_eq!(table.take_expired(start + TTL_MAX), [LeaseToken(1), LeaseToken(2)]);
    }
}

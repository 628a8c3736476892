//! Connections that have shown nothing yet: few, short-lived, with few requests; the oldest makes room for the next.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Most connections at one time that have shown no credential: each costs some tens of kilobytes.
const STRANGERS_MAX: usize = 1_024;

/// From its acceptance on, how long a connection may take to bring a request that the gate lets in: three slow
/// round trips and a retransmission of each. Our clients connect when they have something to ask.
const FIRST_REQUEST_WAIT: Duration = Duration::from_secs(20);

/// Refusals after which a stranger is sent away: a program that asks with a wrong token asks a few times, a
/// guesser for ever, and thus pays a handshake for every few guesses.
const REFUSALS_MAX: u32 = 32;

/// Most requests of one stranger at one time: probes and downloads are one each.
const REQUESTS_MAX: usize = 8;

/// The strangers of one coordinator.
#[derive(Clone, Debug)]
pub(crate) struct Strangers(Arc<Mutex<Crowd>>);

/// Who waits, by address, in the order of coming.
#[derive(Debug)]
struct Crowd {
    next: u64,
    count: usize,
    max: usize,
    waiting: BTreeMap<IpAddr, BTreeMap<u64, CancellationToken>>,
}

impl Crowd {
    /// Cuts the oldest connection of the address that has the most: whoever floods makes room for the others.
    fn make_room(&mut self) {
        while self.count >= self.max {
            let oldest = |waiting: &BTreeMap<u64, CancellationToken>| waiting.keys().next().copied();
            // Of addresses with equally many the one that has waited longest.
            let crowded =
                self.waiting.iter().max_by_key(|(_, waiting)| (waiting.len(), Reverse(oldest(waiting))));
            let Some(address) = crowded.map(|(address, _)| *address) else { return };
            let oldest = self.waiting.get(&address).and_then(|waiting| waiting.keys().next().copied());
            let Some(number) = oldest else { return };
            if let Some(cut) = self.leave(address, number) {
                cut.cancel();
            }
        }
    }

    fn leave(&mut self, address: IpAddr, number: u64) -> Option<CancellationToken> {
        let waiting = self.waiting.get_mut(&address)?;
        let cut = waiting.remove(&number)?;
        if waiting.is_empty() {
            self.waiting.remove(&address);
        }
        self.count -= 1;
        Some(cut)
    }
}

/// Whom one machine can speak for: an IPv4 address, or the 2^64 addresses of an IPv6 network.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.into(),
            None => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        },
    }
}

impl Strangers {
    /// None yet, and never more than a share of all connections.
    pub(crate) fn new(connections_max: usize) -> Self {
        let max = STRANGERS_MAX.min(connections_max / 2).max(1);
        Self(Arc::new(Mutex::new(Crowd { next: 0, count: 0, max, waiting: BTreeMap::new() })))
    }

    /// Takes in a new connection; another may have to go for it.
    pub(crate) fn enter(&self, address: IpAddr) -> Arc<Stranger> {
        let address = neighbourhood(address);
        let cut = CancellationToken::new();
        let mut crowd = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        crowd.make_room();
        let number = crowd.next;
        crowd.next += 1;
        crowd.count += 1;
        crowd.waiting.entry(address).or_default().insert(number, cut.clone());
        drop(crowd);
        Arc::new(Stranger {
            strangers: self.clone(),
            address,
            number,
            cut,
            entered: Instant::now(),
            is_heard: AtomicBool::new(false),
            is_known: AtomicBool::new(false),
            refusals: AtomicU32::new(0),
            requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
        })
    }
}

/// One connection, from its acceptance on.
#[derive(Debug)]
pub(crate) struct Stranger {
    strangers: Strangers,
    address: IpAddr,
    number: u64,
    cut: CancellationToken,
    entered: Instant,
    /// A request of it was let in.
    is_heard: AtomicBool,
    /// It has shown a credential.
    is_known: AtomicBool,
    refusals: AtomicU32,
    requests: Arc<Semaphore>,
}

impl Stranger {
    /// A request was let in that is for anyone: it may stay until its room is needed.
    pub(crate) fn heard(&self) {
        self.is_heard.store(true, Ordering::Relaxed);
    }

    /// It has shown a credential, and is a stranger no more.
    pub(crate) fn known(&self) {
        self.heard();
        if !self.is_known.swap(true, Ordering::Relaxed) {
            self.leave();
        }
    }

    /// A request was refused.
    pub(crate) fn refused(&self) {
        let before = self.refusals.fetch_add(1, Ordering::Relaxed);
        if before + 1 >= REFUSALS_MAX && !self.is_known.load(Ordering::Relaxed) {
            self.cut.cancel();
        }
    }

    /// Admission of one request of a stranger; `None` where it has too many under way.
    pub(crate) fn admit_request(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.requests).try_acquire_owned().ok()
    }

    /// Ends, with the reason, when the connection has to go.
    pub(crate) async fn outstayed(&self) -> &'static str {
        tokio::select! {
            () = self.cut.cancelled() => return "its room was needed, or it was refused too often",
            () = tokio::time::sleep_until(self.entered + FIRST_REQUEST_WAIT) => {}
        }
        if !self.is_heard.load(Ordering::Relaxed) {
            return "it asked for nothing that it may have";
        }
        self.cut.cancelled().await;
        "its room was needed, or it was refused too often"
    }

    fn leave(&self) {
        let mut crowd = self.strangers.0.lock().unwrap_or_else(PoisonError::into_inner);
        crowd.leave(self.address, self.number);
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    #[test]
    fn whoever_floods_makes_room_and_the_known_stay() {
        let strangers = Strangers::new(8);
        let lone = strangers.enter(address(1));
        let known = strangers.enter(address(2));
        known.known();
        let flood: Vec<_> = (0..10).map(|_| strangers.enter(address(2))).collect();
        assert!(!lone.cut.is_cancelled() && !known.cut.is_cancelled());
        let cut: Vec<_> = flood.iter().map(|one| one.cut.is_cancelled()).collect();
        assert_eq!(cut, [vec![true; 7], vec![false; 3]].concat(), "the oldest of the flood went");
        drop((flood, lone, known));
        let crowd = strangers.0.lock().expect("no thread panicked");
        assert!(crowd.count == 0 && crowd.waiting.is_empty());
    }

    #[test]
    fn a_guesser_is_sent_away_and_a_known_caller_is_not() {
        let strangers = Strangers::new(8);
        let (guesser, known) = (strangers.enter(address(1)), strangers.enter(address(1)));
        known.known();
        for _ in 0..REFUSALS_MAX {
            assert!(!guesser.cut.is_cancelled());
            guesser.refused();
            known.refused();
        }
        assert!(guesser.cut.is_cancelled() && !known.cut.is_cancelled());
    }
}

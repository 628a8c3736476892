//! Which refusals are written to the audit log: a few of each address, so that nobody fills the disk and no address hides
//! what another one does.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use coordinator_core::AuditNote;

/// Refusals of one address that are written in one [`WINDOW`].
const OF_ONE_MAX: u32 = 60;

/// Refusals of all addresses that are written in one [`WINDOW`], beside the first one of each address.
const OF_ALL_MAX: u32 = 600;

/// Addresses that are told apart in one [`WINDOW`]. The rest count as one.
const ADDRESSES_MAX: usize = 1_024;

/// See [`OF_ONE_MAX`].
const WINDOW: Duration = Duration::from_mins(1);

/// What was refused in this window.
#[derive(Debug)]
pub(crate) struct Refusals {
    since: Instant,
    written: u32,
    /// By network; `None` stands for those that are not told apart.
    addresses: BTreeMap<Option<IpAddr>, OfOne>,
}

/// Of one address.
#[derive(Debug, Default)]
struct OfOne {
    written: u32,
    unwritten: u64,
}

/// What to write.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Admission {
    /// Whether this refusal is written.
    pub(crate) is_written: bool,
    /// Addresses with refusals of the window before that were not written, and how many.
    pub(super) unwritten: Vec<(String, u64)>,
}

impl Admission {
    /// What the log says of refusals that were not written one by one.
    pub(crate) fn notes_of_unwritten(&self) -> impl Iterator<Item = AuditNote> {
        self.unwritten.iter().map(|(address, count)| AuditNote {
            actor: "unknown".to_owned(),
            peer: address.clone(),
            action: "refusals".to_owned(),
            subject: format!("{count} more refusals within a minute, not written one by one"),
            is_allowed: false,
        })
    }
}

impl Refusals {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, written: 0, addresses: BTreeMap::new() }
    }

    /// Counts a refusal.
    pub(crate) fn admit(&mut self, address: IpAddr, now: Instant) -> Admission {
        let mut admission = Admission::default();
        if now.duration_since(self.since) >= WINDOW {
            let before = std::mem::replace(self, Self::new(now)).addresses;
            let unwritten = before.into_iter().filter(|(_, of_one)| of_one.unwritten > 0);
            admission.unwritten = unwritten
                .map(|(address, of_one)| {
                    let name = address.map_or_else(|| "other addresses".to_owned(), |one| one.to_string());
                    (name, of_one.unwritten)
                })
                .collect();
        }
        let network = Some(network_of(address));
        let is_known = self.addresses.contains_key(&network);
        let key = if is_known || self.addresses.len() < ADDRESSES_MAX { network } else { None };
        let of_one = self.addresses.entry(key).or_default();
        let is_first = of_one.written == 0 && key.is_some();
        admission.is_written = is_first || (of_one.written < OF_ONE_MAX && self.written < OF_ALL_MAX);
        if admission.is_written {
            of_one.written += 1;
            self.written += 1;
        } else {
            of_one.unwritten += 1;
        }
        admission
    }
}

/// A machine has a whole network of IPv6 addresses: its first 64 bits count.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from(0x0a00_0000 + number))
    }

    #[test]
    fn one_address_does_not_hide_another() {
        let now = Instant::now();
        let mut refusals = Refusals::new(now);
        let written = (0..10_000).filter(|_| refusals.admit(address(1), now).is_written).count();
        assert_eq!(written, OF_ONE_MAX as usize);
        assert!(refusals.admit(address(2), now).is_written);
        let next = refusals.admit(address(3), now + WINDOW);
        let unwritten = vec![("10.0.0.1".to_owned(), 10_000 - u64::from(OF_ONE_MAX))];
        assert_eq!(next, Admission { is_written: true, unwritten });
        assert_eq!(refusals.admit(address(3), now + WINDOW).unwritten, []);
    }

    #[test]
    fn the_first_of_each_address_is_written_and_everything_is_bounded() {
        let now = Instant::now();
        let mut refusals = Refusals::new(now);
        let mut written = 0;
        for round in 0..4 {
            for number in 0..2_000 {
                let is_written = refusals.admit(address(number), now).is_written;
                assert!(is_written || round > 0 || number as usize >= ADDRESSES_MAX, "{number}");
                written += usize::from(is_written);
            }
        }
        assert_eq!(refusals.addresses.len(), ADDRESSES_MAX + 1);
        assert!(written <= ADDRESSES_MAX + OF_ALL_MAX as usize, "{written}");
    }

    #[test]
    fn the_addresses_of_a_machine_count_as_one() {
        let now = Instant::now();
        let mut refusals = Refusals::new(now);
        let of = |text: &str| text.parse::<IpAddr>().expect("an address");
        refusals.admit(of("2001:db8::1"), now);
        refusals.admit(of("2001:db8::ffff:1"), now);
        refusals.admit(of("::ffff:10.0.0.1"), now);
        refusals.admit(of("10.0.0.1"), now);
        assert_eq!(refusals.addresses.len(), 2);
    }
}

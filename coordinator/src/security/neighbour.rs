//! Which user of this machine is at the other end of a loopback connection: the kernel's table of sockets tells.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};

use nix::unistd::geteuid;
use procfs::net::{TcpNetEntry, TcpState};
use tokio::net::TcpStream;

/// How often the table is read where the connection is not in it: it changes while it is read.
const LOOKS_MAX: usize = 3;

/// What the kernel shows in place of users that this process's user namespace does not know.
const OVERFLOW_USER: u32 = 65_534;

/// The superuser, who can read the data folder anyway.
const SUPERUSER: u32 = 0;

/// The user at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Neighbour {
    /// Whoever runs this coordinator, or the superuser.
    Owner,
    /// Anybody of this machine: the coordinator was opened to all of its users.
    Welcome,
    /// Another user of this machine.
    Other(u32),
    /// The system does not tell.
    Unknown,
}

impl Neighbour {
    /// Whether everything is allowed.
    pub(crate) fn is_let_in(self) -> bool {
        matches!(self, Self::Owner | Self::Welcome)
    }

    /// Why not, and what to do.
    pub(crate) fn refusal(self) -> String {
        let owner = geteuid();
        let who = match self {
            Self::Other(user) => {
                format!("user {owner} of this machine, and the request comes from user {user}")
            }
            _ => format!("user {owner} of this machine, and the system does not tell who sent the request"),
        };
        format!(
            "this coordinator serves only {who}; its owner can let every user of this machine in with \
             `sweep serve --open-to-local-users`, or people by name with `sweep serve --tls` and `sweep token create`"
        )
    }
}

impl fmt::Display for Neighbour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(user) => write!(formatter, "user {user} of this machine"),
            Self::Owner | Self::Welcome => formatter.write_str("this machine"),
            Self::Unknown => formatter.write_str("unknown"),
        }
    }
}

/// Who is at the other end of a connection that was accepted on loopback.
pub(crate) async fn of(stream: &TcpStream) -> Neighbour {
    let (Ok(own), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else { return Neighbour::Unknown };
    for _ in 0..LOOKS_MAX {
        let looked = tokio::task::spawn_blocking(move || owner_of_other_end(own, peer)).await;
        // While our end stands, no other connection can have the same two addresses: what was read was of this one.
        if stream.peer_addr().is_err() {
            return Neighbour::Unknown;
        }
        if let Ok(Some(user)) = looked {
            return of_user(user, geteuid().as_raw());
        }
    }
    Neighbour::Unknown
}

fn of_user(user: u32, owner: u32) -> Neighbour {
    match user {
        SUPERUSER => Neighbour::Owner,
        // It may be anybody.
        OVERFLOW_USER if owner == OVERFLOW_USER && has_user_namespace() => Neighbour::Unknown,
        _ if user == owner => Neighbour::Owner,
        _ => Neighbour::Other(user),
    }
}

/// Whether some users of the machine have no number here. The first namespace maps every one of them.
fn has_user_namespace() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().collect::<Vec<_>>() != ["0", "0", "4294967295"]
}

fn owner_of_other_end(own: SocketAddr, peer: SocketAddr) -> Option<u32> {
    // A socket of IPv6 may speak IPv4, too: then it stands in the other table.
    let tables = [procfs::net::tcp, procfs::net::tcp6];
    tables.iter().find_map(|table| table().ok().and_then(|entries| find(&entries, own, peer)))
}

/// The owner of the socket whose two addresses are ours, exchanged. A socket that its program has closed has no inode any
/// more, and the table shows the superuser as its owner.
fn find(entries: &[TcpNetEntry], own: SocketAddr, peer: SocketAddr) -> Option<u32> {
    let is_open =
        |state: &TcpState| matches!(state, TcpState::Established | TcpState::FinWait1 | TcpState::FinWait2);
    let is_other_end = |entry: &&TcpNetEntry| {
        entry.inode != 0
            && is_open(&entry.state)
            && same(entry.local_address, peer)
            && same(entry.remote_address, own)
    };
    entries.iter().find(is_other_end).map(|entry| entry.uid)
}

fn same(one: SocketAddr, other: SocketAddr) -> bool {
    let mapped = |address: SocketAddr| -> (Ipv6Addr, u16) {
        let ip = match address {
            SocketAddr::V4(address) => address.ip().to_ipv6_mapped(),
            SocketAddr::V6(address) => *address.ip(),
        };
        (ip, address.port())
    };
    mapped(one) == mapped(other)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream as BlockingStream};

    use super::*;

    #[tokio::test]
    async fn the_owner_of_the_other_end_is_found_over_both_protocols() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = tokio::net::TcpListener::bind(address).await else { continue };
            let client = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connects");
            let (accepted, _) = listener.accept().await.expect("accepted");
            assert_eq!(of(&accepted).await, Neighbour::Owner, "{address}");
            drop(client);
        }
    }

    #[tokio::test]
    async fn a_socket_that_was_closed_is_nobodys() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let mut client = BlockingStream::connect(listener.local_addr().expect("bound")).expect("connects");
        let (accepted, peer) = listener.accept().expect("accepted");
        accepted.set_nonblocking(true).expect("set");
        let own = accepted.local_addr().expect("bound");
        assert_eq!(owner_of_other_end(own, peer), Some(geteuid().as_raw()));
        client.write_all(b"a request that is left behind").expect("sent");
        drop(client);
        // The kernel shows it as the superuser's.
        assert_eq!(owner_of_other_end(own, peer), None);
        assert_eq!(of(&TcpStream::from_std(accepted).expect("taken")).await, Neighbour::Unknown);
    }

    #[test]
    fn other_users_are_others_and_the_superuser_is_let_in() {
        assert_eq!(of_user(1_000, 1_000), Neighbour::Owner);
        assert_eq!(of_user(0, 1_000), Neighbour::Owner);
        assert_eq!(of_user(1_001, 1_000), Neighbour::Other(1_001));
        assert_eq!(of_user(1_000, 0), Neighbour::Other(1_000));
        assert_eq!(of_user(OVERFLOW_USER, 1_000), Neighbour::Other(OVERFLOW_USER));
        let told = Neighbour::Other(1_001).refusal();
        assert!(told.contains("user 1001") && told.contains("--open-to-local-users"), "{told}");
    }
}

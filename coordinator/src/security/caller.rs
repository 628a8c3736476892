//! Who calls: what TLS or a token has proven about the other side.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use coordinator_core::{CertificateId, Command, Quota, bearer_name};
use sweep_proto::{Role, TokenId, WorkerId};
use tonic::Status;

use super::neighbour::Neighbour;
use super::strangers::Stranger;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// Whether TLS is spoken.
    pub(crate) is_secure: bool,
    /// Whose the other end is, where it is of this machine and no TLS is spoken.
    pub(crate) neighbour: Neighbour,
    /// The certificate that it showed, checked against the authority.
    pub(crate) certificate: Option<(CertificateId, WorkerId)>,
    /// Until it has shown a credential.
    pub(crate) stranger: Arc<Stranger>,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A program of the coordinator's own user, over loopback without TLS: it may do everything.
    Local,
    /// Somebody without a credential.
    Nobody,
    /// The bearer of a valid token.
    Token {
        /// Which one.
        id: TokenId,
        /// What it is for.
        role: Role,
    },
    /// A worker that shows a valid certificate.
    Worker {
        /// Which one.
        certificate: CertificateId,
        /// Whose.
        worker: WorkerId,
    },
}

impl fmt::Display for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => formatter.write_str("this machine"),
            Self::Nobody => formatter.write_str("nobody"),
            Self::Token { id, role } => formatter.write_str(&bearer_name(*role, *id)),
            Self::Worker { worker, .. } => write!(formatter, "worker {worker}"),
        }
    }
}

impl Caller {
    /// A worker speaks only for itself.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` where it names another one.
    pub(crate) fn speaks_for(self, named: WorkerId) -> Result<(), Status> {
        match self {
            Self::Worker { worker, .. } if worker != named => Err(Status::permission_denied(format!(
                "the certificate is that of worker {worker}, not of {named}"
            ))),
            _ => Ok(()),
        }
    }

    /// For whom a sweep of this caller counts, and how much there may be for them. Operators may take everything.
    pub(crate) fn claim(self, quota: Quota) -> (Option<Box<str>>, Quota) {
        match self {
            Self::Local | Self::Token { role: Role::Admin, .. } => {
                (Some(self.to_string().into()), quota.for_operator())
            }
            _ => (Some(self.to_string().into()), quota),
        }
    }

    /// What the caller says under a lease: a worker that has proven itself may only speak of its own.
    pub(crate) fn under_lease(self, command: Command) -> Command {
        match self.worker() {
            Some(worker) => Command::ByHolder { worker, command: Box::new(command) },
            None => command,
        }
    }

    /// The worker, where it is one that has proven itself.
    pub(crate) fn worker(self) -> Option<WorkerId> {
        match self {
            Self::Worker { worker, .. } => Some(worker),
            _ => None,
        }
    }
}

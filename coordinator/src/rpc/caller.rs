//! Who is behind a request, for the audit log and for checks that the gate cannot make.

use coordinator_core::{AuditNote, Command, Engine};
use http::Extensions;
use sweep_proto::LeaseToken;
use tonic::{Request, Status};

use super::{Shared, status};
use crate::security::caller::{Caller, Peer};

/// A caller and where the call comes from.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) caller: Caller,
    peer: String,
}

impl Act {
    /// The act behind a request that has passed the gate.
    pub(crate) fn of<T>(request: &Request<T>) -> Self {
        Self::from(request.extensions())
    }

    /// What the audit log says of it.
    pub(super) fn note(&self, action: &str, subject: String) -> AuditNote {
        AuditNote {
            actor: self.caller.to_string(),
            peer: self.peer.clone(),
            action: action.to_owned(),
            subject,
            is_allowed: true,
        }
    }
}

impl From<&Extensions> for Act {
    fn from(extensions: &Extensions) -> Self {
        let peer = extensions.get::<Peer>().map_or_else(|| "-".to_owned(), |peer| peer.address.to_string());
        // A request that no gate has seen has no rights.
        Self { caller: extensions.get::<Caller>().copied().unwrap_or(Caller::Nobody), peer }
    }
}

impl Shared {
    /// Writes an act to the audit log before it is done.
    pub(crate) async fn record(&self, act: &Act, action: &str, subject: String) -> Result<(), Status> {
        let note = act.note(action, subject);
        self.driver.command(Command::Record(note)).await.map(|_| ()).map_err(status::of_driver)
    }

    /// A worker that has proven who it is touches only what it leases.
    pub(crate) async fn check_holder(&self, caller: Caller, token: LeaseToken) -> Result<(), Status> {
        let Some(worker) = caller.worker() else { return Ok(()) };
        let look = move |engine: &Engine, _| engine.attempt_worker(token);
        match self.driver.read(look).await.map_err(status::of_driver)? {
            Some(holder) if holder != worker => Err(Status::permission_denied(format!(
                "the lease {token} belongs to another worker than {worker}"
            ))),
            _ => Ok(()),
        }
    }
}

//! Who is behind a request, for the audit log and for checks that the gate cannot make.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use coordinator_core::{AuditNote, Command, Reply};
use http::Extensions;
use sweep_proto::TokenId;
use tokio::time::Instant;
use tonic::{Request, Status};

use super::{Shared, status};
use crate::security::caller::{Caller, Peer};
use crate::security::refusals::{Admission, Refusals};

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

    /// A command that writes down who gave it, and is refused where what was shown for it is worth nothing any more.
    pub(super) fn by(&self, action: &str, subject: String, command: Command) -> Command {
        by(self.note(action, subject), self.shown(), command)
    }

    /// The token that lets its caller act.
    pub(crate) fn shown(&self) -> Option<TokenId> {
        match self.caller {
            Caller::Token { id, .. } => Some(id),
            _ => None,
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

fn by(note: AuditNote, shown: Option<TokenId>, command: Command) -> Command {
    Command::By { note, shown, command: Box::new(command) }
}

/// Counts what comes from the address of an act.
fn admitted(counts: &Mutex<Refusals>, act: &Act) -> Admission {
    let address = act.peer.parse().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer: SocketAddr| peer.ip());
    counts.lock().unwrap_or_else(PoisonError::into_inner).admit(address, Instant::now().into_std())
}

impl Shared {
    /// Does something and writes down in the same commit who did it. A refusal is written down, too, with its reason.
    pub(crate) async fn act(
        &self,
        act: &Act,
        action: &str,
        subject: String,
        command: Command,
    ) -> Result<Reply, Status> {
        let done = match (act.caller, command.changed_sweep()) {
            // The gate lets no such caller come here. Who shows no token is the operator from here on.
            (Caller::Nobody | Caller::Worker { .. }, Some(_)) => {
                Err(Status::permission_denied("sweeps are changed by people"))
            }
            _ => self.done(act.note(action, subject.clone()), act.shown(), command).await,
        };
        if let Err(refusal) = &done {
            self.refused(act, action, &subject, refusal).await;
        }
        done
    }

    /// As [`Self::act`], where refusals are written down elsewhere and no token lets the caller act.
    pub(crate) async fn done_by(&self, note: AuditNote, command: Command) -> Result<Reply, Status> {
        self.done(note, None, command).await
    }

    async fn done(&self, note: AuditNote, shown: Option<TokenId>, command: Command) -> Result<Reply, Status> {
        self.driver.command(by(note, shown, command)).await.map_err(status::of_driver)
    }

    /// Writes down that something was tried and refused. What the gate writes down is left to it, and what is unavailable is no
    /// refusal: whether it was done is not known here, and the log tells.
    pub(crate) async fn refused(&self, act: &Act, action: &str, subject: &str, refusal: &Status) {
        use tonic::Code::{PermissionDenied, Unauthenticated, Unavailable};
        if !matches!(refusal.code(), PermissionDenied | Unauthenticated | Unavailable) {
            self.write_refusal(act, action, subject, refusal).await;
        }
    }

    /// As [`Self::refused`], where the gate does not see the answer.
    pub(crate) async fn write_refusal(&self, act: &Act, action: &str, subject: &str, refusal: &Status) {
        let admission = admitted(&self.refusals, act);
        let subject = format!("{subject}: {}", refusal.message());
        let note = AuditNote { is_allowed: false, ..act.note(action, subject) };
        let notes = admission.notes_of_unwritten().chain(admission.is_written.then_some(note));
        for note in notes {
            if let Err(error) = self.driver.command(Command::Record(note)).await {
                tracing::error!(%error, "a refusal could not be written to the audit log");
            }
        }
    }

    /// Refuses a login where too many came from its address within a minute: each one is an entry of the audit log.
    pub(crate) fn check_login(&self, act: &Act) -> Result<(), Status> {
        if admitted(&self.logins, act).is_written {
            return Ok(());
        }
        let problem = "too many logins came from this address within a minute; wait one, and log in again";
        Err(Status::resource_exhausted(problem))
    }

    /// Writes an act to the audit log before it is done: for what changes no row.
    pub(crate) async fn record(&self, act: &Act, action: &str, subject: String) -> Result<(), Status> {
        let note = act.note(action, subject);
        self.driver.command(Command::Record(note)).await.map(|_| ()).map_err(status::of_driver)
    }
}

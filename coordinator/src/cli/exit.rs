//! How a command ends: the failure that a person reads, and the exit code that a script reads.

use std::fmt;
use std::io::ErrorKind;

use coordinator::StartError;
use tonic::{Code, Status};

use super::port_holder;

/// The exit code of a failed command; documented in `sweep --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Whoever read the output has closed it (`sweep list | head -1`): it has what it wanted.
    ReaderGone = 0,
    /// The sweep brought no result, or something went wrong on the way.
    Failed = 1,
    /// The command line or a file is wrong: nothing was done.
    Usage = 2,
    /// No coordinator answers.
    Unavailable = 3,
    /// Stopped by the user.
    Interrupted = 130,
}

/// Why a command failed, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What is wrong, without a period.
    pub(crate) message: String,
    /// What to do, without a period.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure with exit code 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into(), hint: None }
    }

    /// A failure with exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::failed(message) }
    }

    /// A failure with exit code 3.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self { exit: Exit::Unavailable, ..Self::failed(message) }
    }

    /// The user stopped it.
    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self { exit: Exit::Interrupted, ..Self::failed(message) }
    }

    /// Nobody reads the output any more.
    pub(crate) fn reader_gone() -> Self {
        Self { exit: Exit::ReaderGone, ..Self::failed("nobody reads the output any more") }
    }

    /// This failure with a remedy.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// An error of a file or folder, told with its path and what may help.
    pub(crate) fn file(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let failure = Self::failed(format!("cannot {doing} {}: {error}", path.display()));
        match remedy(error.kind()) {
            Some(remedy) => failure.hint(remedy),
            None => failure,
        }
    }
}

/// What helps against an error of the system.
fn remedy(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Some("free some room there, or name a place on another disk")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Some("name a place that this user may use, or change its permissions")
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            Some("a file stands where a folder is needed: name another place")
        }
        ErrorKind::IsADirectory => Some("a folder stands where a file is needed: name a file"),
        _ => None,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let message = match status.message() {
            "" => format!("the coordinator answered {:?} without a reason", status.code()),
            message => message.to_owned(),
        };
        if is_broken_connection(&status) {
            if sweep_transport::needs_a_person(&status) {
                return Self::unavailable(sweep_transport::root_cause(&status));
            }
            return Self::unavailable(format!("the connection to the coordinator broke: {message}"))
                .hint("`sweep status` shows whether it is back");
        }
        match status.code() {
            Code::InvalidArgument => Self::usage(message),
            // It says so already.
            Code::NotFound if message.contains("`sweep ") => Self::failed(message),
            Code::NotFound => {
                Self::failed(message).hint("`sweep list` shows the sweeps, `sweep workers` the workers")
            }
            Code::Unimplemented => Self::failed("the coordinator does not know this request")
                .hint("it may be of an older version: compare `sweep --version` on both machines"),
            _ => Self::failed(message),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let failure = Self::failed(error.to_string());
        match error {
            StartError::Corpora { .. } | StartError::NotPrivate(_) => Self { exit: Exit::Usage, ..failure },
            StartError::DataLost(_) => failure.hint(
                "what was written since then is lost. Put the folder back, or name the place it was moved to with --data-dir, and give \
                 the command again: it goes on from the last epoch that is there",
            ),
            StartError::Bind { address, .. } => match port_holder::data_folder(address) {
                Some(folder) => failure.hint(format!(
                    "the coordinator of {0} listens there: `--data-dir {0}` talks to it; --listen 127.0.0.1:PORT chooses another port",
                    folder.display()
                )),
                None => {
                    failure.hint("another program may use that port: choose one with --listen 127.0.0.1:PORT")
                }
            },
            StartError::Locked(_) => failure
                .hint("--data-dir DIR chooses another; `sweep launch FILE` sends the sweep to a running coordinator"),
            _ => failure,
        }
    }
}

/// Whether a status stands for a lost connection and not for an answer of the coordinator.
pub(crate) fn is_broken_connection(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::Cancelled => true,
        // tonic reports resets of a running stream as Unknown or Internal with their cause attached.
        Code::Unknown | Code::Internal => std::error::Error::source(status).is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_answer_has_its_exit_code() {
        for (status, exit) in [
            (Status::invalid_argument("units"), Exit::Usage),
            (Status::not_found("no sweep is named x"), Exit::Failed),
            (Status::failed_precondition("it has ended"), Exit::Failed),
            (Status::unavailable("tcp connect error"), Exit::Unavailable),
            (Status::unknown("unexpected"), Exit::Failed),
        ] {
            assert_eq!(Failure::from(status.clone()).exit, exit, "{status:?}");
        }
    }
}

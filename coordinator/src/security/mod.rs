//! Who may come in: the authority, TLS, callers, and the one table of what each role may do.

pub(crate) mod authority;
pub(crate) mod caller;
pub(crate) mod doors;
pub(crate) mod files;
pub(crate) mod gate;
pub(crate) mod host;
pub(crate) mod listener;
pub(crate) mod neighbour;
pub(crate) mod refusals;
pub(crate) mod rights;
pub(crate) mod roles;
pub(crate) mod sealing;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod signer;
pub(crate) mod strangers;
pub(crate) mod tokens;

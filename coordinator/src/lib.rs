//! The coordinator server as a library: the binary, the embedded mode of `sweep run` and tests start it.

mod artifacts;
mod attempt_logs;
mod audit_log;
mod backup;
mod blocking;
mod clock;
mod config;
mod dashboard;
pub mod descriptors;
mod driver;
pub mod embedded;
pub mod fsck;
mod http;
mod install;
pub mod json;
mod machine;
mod place;
mod prepare;
pub mod readers;
pub mod report_signature;
mod rpc;
mod security;
/// The files by which commands on the coordinator's own machine are let in.
pub mod security_files {
    pub use crate::security::files::{ADMIN_TOKEN, SECURITY, read};
}
/// Signatures under the audit log.
pub mod audit_signature {
    pub use crate::security::sealing::signature_problem;
}
/// What workers send to be let in, read before anybody is trusted.
pub mod certificates {
    pub use crate::security::authority::{AuthorityError, WorkerKey, worker_of};
}
pub mod server;
mod start_error;
mod status;
mod trouble;
mod unfinished;
mod view;

pub use artifacts::ArtifactsChoice;
pub use audit_log::{AuditState, read_audit_log};
pub use backup::{BackupError, Manifest, backup, restore};
pub use config::{ServerConfig, Texts};
pub use coordinator_core::{Keep, Quota, Totals};
pub use driver::STALE_BYTES_MAX;
pub use fsck::{Findings, FsckError, fsck};
pub use place::{DATABASE, DatabaseUrl, Place, StoreChoice};
pub use prepare::resolve_paths;
pub use readers::Readers;
pub use server::{Server, start};
pub use start_error::StartError;

//! Everything that can become true: the persisted vocabulary.
//!
//! A mutation is one whole row, or the removal of one. The engine and every store apply it in the same way, by replacing
//! or removing the row under its key, so that *engine == fold(store)* can be compared table by table.

use serde::{Deserialize, Serialize};
use sweep_proto::{SweepId, TokenId, TrialId, WorkerId};

use crate::access::{AuditEntry, AuditHead, CertificateId, CertificateRecord, TokenRecord};
use crate::audit_trail::AuditSeal;
use crate::record::{AttemptRecord, EpochRecord, SearchEventRecord, SweepRecord, TrialRecord, WorkerRecord};

/// One row that becomes true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "a few of them are in memory at one time")]
pub enum Mutation {
    /// Sets a sweep, by id.
    Sweep(SweepRecord),
    /// Sets a trial, by id.
    Trial(TrialRecord),
    /// Sets an attempt, by id.
    Attempt(AttemptRecord),
    /// Sets an epoch, by trial and epoch.
    Epoch(EpochRecord),
    /// Removes the epochs of a trial above `epoch`: they belong to no lineage any more, because the
    /// trial goes on from an earlier checkpoint or from its start.
    TruncateEpochs {
        /// The trial.
        trial: TrialId,
        /// The last epoch that stays; 0 removes all.
        epoch: u32,
    },
    /// Appends to the log of a steered search.
    SearchEvent(SearchEventRecord),
    /// Sets a worker, by id.
    Worker(WorkerRecord),
    /// The largest fencing token ever granted. Tokens are never given twice, even after their trial is gone.
    LastToken(u64),
    /// Sets a token, by id.
    Token(TokenRecord),
    /// Sets a certificate, by serial number.
    Certificate(CertificateRecord),
    /// Appends to the audit log. Entries are written once and never change.
    Audit(AuditEntry),
    /// Removes the entries of the audit log up to this one, which an entry behind it stands for.
    AuditBase(AuditHead),
    /// The signature under the end of the audit log. Only stores keep it.
    AuditSeal(AuditSeal),
    /// Removes a row and everything below it. What is not there stays away.
    Remove(Key),
}

/// Names a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// A sweep; below it are its trials and the log of its search. Its number is never given again.
    Sweep(SweepId),
    /// A trial; below it are its attempts, epochs and step metrics.
    Trial(TrialId),
    /// The step metrics of a trial. Only stores keep them.
    Steps(TrialId),
    /// A worker.
    Worker(WorkerId),
    /// A token.
    Token(TokenId),
    /// A certificate.
    Certificate(CertificateId),
}

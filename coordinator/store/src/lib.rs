//! Durable state of the coordinator: one trait, memory, SQLite and PostgreSQL implementations, one conformance suite.
//!
//! A store knows rows, not decisions: it persists [`Mutation`]s in one transaction and loads
//! [`Tables`] that equal their fold. Every store passes the suite behind the feature `conformance`.

mod document;
mod encoding;
pub mod error;
pub mod memory;
mod open;
pub mod postgres;
pub mod sqlite;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "rows")]
pub mod rows;

use coordinator_core::{AuditEntry, AuditSeal, Mutation, Tables};
use sweep_proto::{AttemptId, StepMetric, TrialId};

pub use error::StoreError;
pub use memory::MemoryStore;
pub use open::open;
pub use postgres::{Candidate, PostgresStore, Restoration};
pub use sqlite::SqliteStore;

/// Consecutive step metrics of one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct StepBatch {
    /// The attempt that measured them.
    pub attempt: AttemptId,
    /// The points, their sequences without a gap.
    pub points: Vec<StepMetric>,
}

/// What of a database's file holds no rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FreeSpace {
    /// How much.
    pub bytes: u64,
    /// Whether it can be given back only by rebuilding the file: an older program has made it.
    pub needs_rebuild: bool,
}

/// What can be read, possibly beside the writer.
pub trait StoreReader: Send {
    /// Every durable row.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where a row is not what was written.
    fn load(&mut self) -> Result<Tables, StoreError>;

    /// Step metrics of an attempt from a sequence on, in order, at most `points_max`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where a row is not what was written.
    fn read_steps(
        &mut self,
        attempt: AttemptId,
        from_sequence: u64,
        points_max: usize,
    ) -> Result<Vec<StepMetric>, StoreError>;

    /// Bytes of the step metrics of a sweep's trials from this one on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where they cannot be counted.
    fn step_bytes(&mut self, from: TrialId) -> Result<u64, StoreError>;

    /// Entries of the audit log from a sequence on, in order, at most `entries_max`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where an entry cannot be read.
    fn read_audit(&mut self, from_sequence: u64, entries_max: usize) -> Result<Vec<AuditEntry>, StoreError>;

    /// The newest signature under the end of the audit log; `None` where nobody has signed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it cannot be read.
    fn read_seal(&mut self) -> Result<Option<AuditSeal>, StoreError>;

    /// How much of the database's file holds no rows any more. A server that looks after its own files has none to tell of.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn free_space(&mut self) -> Result<FreeSpace, StoreError> {
        Ok(FreeSpace::default())
    }
}

/// The one writer. What a returned `Ok` covers is durable.
pub trait Store: StoreReader {
    /// Makes all these rows true at once, or none of them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where a row refers to one that is missing; nothing has changed then.
    /// After [`StoreError::Unavailable`] it is unknown whether the rows are durable: open again and load.
    fn commit(&mut self, mutations: &[Mutation]) -> Result<(), StoreError>;

    /// Appends step metrics, all batches in one transaction, and answers for each batch the next
    /// sequence that its attempt lacks: everything below is durable. Points below that sequence are
    /// known and skipped; points after a gap are not stored, and the answer tells from where to send again.
    ///
    /// # Errors
    /// As [`Store::commit`].
    fn append_steps(&mut self, batches: &[StepBatch]) -> Result<Vec<u64>, StoreError>;

    /// Whether this writer is still the one writer: cheap enough to ask before every answer.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] where another coordinator may write by now.
    fn verify(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Whether other coordinators may write the same rows, one of which leads at any time.
    fn has_leadership(&self) -> bool {
        false
    }

    /// Gives a bounded part of the [free space](StoreReader::free_space) back to the file system; how many bytes. 0 where there is none, or where the file has to be
    /// [rebuilt](Self::rebuild) for it.
    ///
    /// # Errors
    /// As [`Store::commit`].
    fn give_back(&mut self) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Rewrites the database file to shrink it, which takes as long as writing all of it and as much free disk space. From then
    /// on its free pages are given back in parts.
    ///
    /// # Errors
    /// As [`Store::commit`]; [`StoreError::Full`] where there is no room for it.
    fn rebuild(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// A reader that works beside this writer and sees what was durable when each call began.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where no second connection can be had.
    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError>;
}

/// The points of a batch that go on from `next` without a gap.
fn continuation(points: &[StepMetric], next: u64) -> &[StepMetric] {
    let Some(first) = points.iter().position(|point| point.sequence == next) else {
        return &[];
    };
    let fresh = &points[first..];
    let consecutive =
        fresh.iter().zip(next..).take_while(|(point, sequence)| point.sequence == *sequence).count();
    &fresh[..consecutive]
}

//! The store for deployments that outgrow one machine: PostgreSQL, one leading writer.

mod address;
mod leadership;
mod load;
mod marks;
mod removal;
mod rows;
mod schema;
mod session;
mod steps;

use std::sync::Arc;

use coordinator_core::{AuditEntry, AuditSeal, Mutation, Tables};
use sweep_proto::{AttemptId, StepMetric, TrialId};

use crate::{StepBatch, Store, StoreError, StoreReader};
use address::Address;
pub use leadership::Candidate;
use leadership::Leadership;
pub use marks::Restoration;
use rows::Rows;
use session::{Mode, Session};

/// The one writer of a database, or one that nobody leads.
#[derive(Debug)]
pub struct PostgresStore {
    reader: PostgresReader,
    /// `None`: for tests and tools that know to be alone.
    leadership: Option<Leadership>,
}

/// A connection that only reads.
#[derive(Debug)]
struct PostgresReader {
    session: Session,
    address: Address,
}

impl PostgresStore {
    /// Opens a database without leading it, creating or migrating the schema where needed.
    ///
    /// # Errors
    /// [`StoreError::Url`], [`StoreError::Unavailable`], or [`StoreError::NewerSchema`].
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        let session = Session::start(address.clone())?;
        let place = address.to_string();
        session.transaction(Mode::Write, move |transaction| schema::migrate(transaction, &place))?;
        Ok(Self { reader: PostgresReader { session, address }, leadership: None })
    }

    /// Opens a database as its one writer.
    ///
    /// # Errors
    /// [`StoreError::Unfinished`] in a database that a restoration has not completed, [`StoreError::NotLeader`] where another
    /// coordinator leads; else as [`Self::open`].
    pub fn lead(url: &str, candidate: &Candidate) -> Result<Self, StoreError> {
        let store = Self::open(url)?;
        // Before anything is written: who does not lead yet is refused, too, instead of waiting for a term of its own.
        store.check_complete()?;
        store.campaigned(candidate)
    }

    fn campaigned(mut self, candidate: &Candidate) -> Result<Self, StoreError> {
        // Renewals have a connection of their own: they must not wait for a long load.
        let session = Session::start(self.reader.address.clone())?;
        self.leadership = Some(leadership::campaign(&session, candidate)?);
        Ok(self)
    }

    /// As [`Self::lead`], of an empty database that is being restored from now on, or of one whose restoration was cut off: what
    /// that one has written is removed. Until [`Self::complete_restoration`] the database is refused by coordinators.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] where it has rows of a coordinator; else as [`Self::lead`].
    pub fn begin_restoration(url: &str, candidate: &Candidate, id: &str) -> Result<Self, StoreError> {
        let store = Self::open(url)?.campaigned(candidate)?;
        let term = store.leadership.as_ref().map(|leadership| leadership.term().clone());
        let id = id.to_owned();
        store.reader.session.transaction(Mode::Write, move |transaction| {
            if let Some(term) = &term {
                term.check(transaction)?;
            }
            marks::begin(transaction, &id)
        })?;
        Ok(store)
    }

    /// Ends the restoration of that name.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another one has begun since.
    pub fn complete_restoration(&mut self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.reader.session.transaction(Mode::Write, move |transaction| marks::complete(transaction, &id))
    }

    /// What the database says of the restoration that filled it; `None` where none did.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where its mark cannot be read.
    pub fn restoration(&self) -> Result<Option<Restoration>, StoreError> {
        self.reader.session.transaction(Mode::Read, marks::restoration)
    }

    /// Refuses a database whose restoration was cut off.
    ///
    /// # Errors
    /// [`StoreError::Unfinished`].
    pub fn check_complete(&self) -> Result<(), StoreError> {
        match self.restoration()? {
            Some(Restoration { is_complete: false, .. }) => Err(StoreError::Unfinished),
            _ => Ok(()),
        }
    }

    /// Checks a URL without connecting.
    ///
    /// # Errors
    /// [`StoreError::Url`].
    pub fn check_url(url: &str) -> Result<(), StoreError> {
        Address::parse(url).map(|_| ())
    }
}

impl StoreReader for PostgresReader {
    fn load(&mut self) -> Result<Tables, StoreError> {
        self.session.transaction(Mode::Read, load::load)
    }

    fn read_steps(
        &mut self,
        attempt: AttemptId,
        from_sequence: u64,
        points_max: usize,
    ) -> Result<Vec<StepMetric>, StoreError> {
        self.session.transaction(Mode::Read, move |transaction| {
            steps::read(transaction, attempt, from_sequence, points_max)
        })
    }

    fn step_bytes(&mut self, from: TrialId) -> Result<u64, StoreError> {
        self.session.transaction(Mode::Read, move |transaction| steps::bytes(transaction, from))
    }

    fn read_audit(&mut self, from_sequence: u64, entries_max: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.session
            .transaction(Mode::Read, move |transaction| load::audit(transaction, from_sequence, entries_max))
    }

    fn read_seal(&mut self) -> Result<Option<AuditSeal>, StoreError> {
        self.session.transaction(Mode::Read, load::seal)
    }
}

impl StoreReader for PostgresStore {
    fn load(&mut self) -> Result<Tables, StoreError> {
        self.reader.load()
    }

    fn read_steps(
        &mut self,
        attempt: AttemptId,
        from_sequence: u64,
        points_max: usize,
    ) -> Result<Vec<StepMetric>, StoreError> {
        self.reader.read_steps(attempt, from_sequence, points_max)
    }

    fn step_bytes(&mut self, from: TrialId) -> Result<u64, StoreError> {
        self.reader.step_bytes(from)
    }

    fn read_audit(&mut self, from_sequence: u64, entries_max: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.reader.read_audit(from_sequence, entries_max)
    }

    fn read_seal(&mut self) -> Result<Option<AuditSeal>, StoreError> {
        self.reader.read_seal()
    }
}

impl Store for PostgresStore {
    fn commit(&mut self, mutations: &[Mutation]) -> Result<(), StoreError> {
        let rows = Rows::of(mutations)?;
        let term = self.leadership.as_ref().map(|leadership| leadership.term().clone());
        self.reader.session.transaction(Mode::Write, move |transaction| {
            if let Some(term) = &term {
                term.check(transaction)?;
            }
            rows.write(transaction)
        })
    }

    fn append_steps(&mut self, batches: &[StepBatch]) -> Result<Vec<u64>, StoreError> {
        let batches: Arc<[StepBatch]> = batches.into();
        let term = self.leadership.as_ref().map(|leadership| leadership.term().clone());
        self.reader.session.transaction(Mode::Write, move |transaction| {
            if let Some(term) = &term {
                term.check(transaction)?;
            }
            steps::append(transaction, &batches)
        })
    }

    fn verify(&mut self) -> Result<(), StoreError> {
        self.leadership.as_ref().map_or(Ok(()), Leadership::verify)
    }

    fn has_leadership(&self) -> bool {
        self.leadership.is_some()
    }

    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        let address = self.reader.address.clone();
        Ok(Box::new(PostgresReader { session: Session::start(address.clone())?, address }))
    }
}

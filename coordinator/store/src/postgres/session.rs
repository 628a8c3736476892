//! One connection on a thread of its own: reconnects, repeats transactions that may be repeated.

use std::sync::mpsc;
use std::time::Duration;

use postgres::error::SqlState;
use postgres::{Client, IsolationLevel, NoTls, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use crate::StoreError;

/// How often a transaction is repeated that met another one.
const REPETITIONS_MAX: u32 = 5;

/// First pause before a repetition; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(10);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The way to a connection. The driver of PostgreSQL blocks on a runtime of its own, which no thread of
/// another runtime may do: so it has a thread.
#[derive(Clone, Debug)]
pub(super) struct Session {
    jobs: mpsc::Sender<Job>,
}

/// A connection that comes up when it is needed.
pub(super) struct Connection {
    address: Address,
    client: Option<Client>,
}

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Reads everything as of one moment.
    Read,
    /// Reads and writes.
    Write,
}

/// Why the work of a transaction was given up before its commit.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database said so.
    Database(postgres::Error),
    /// We say so.
    Store(StoreError),
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What may be done about a failed transaction.
#[derive(Debug)]
enum Remedy {
    /// Nothing was committed, and the same may succeed now.
    Repeat(StoreError),
    /// Nothing was committed; the connection is gone.
    Reconnect(StoreError),
    /// None here.
    Tell(StoreError),
}

impl Session {
    /// A session that connects when it is first asked.
    pub(super) fn start(address: Address) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let work = move || {
            let mut connection = Connection { address, client: None };
            while let Ok(job) = queue.recv() {
                job(&mut connection);
            }
        };
        std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(work)
            .map_err(|error| StoreError::Unavailable(format!("no thread for the database: {error}")))?;
        Ok(Self { jobs })
    }

    /// Runs a transaction and waits for it. It may run more than once; only one run is committed.
    pub(super) fn transaction<T: Send + 'static>(
        &self,
        mode: Mode,
        mut work: impl FnMut(&mut Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, outcome) = mpsc::sync_channel(1);
        let job = move |connection: &mut Connection| {
            // Whoever asked waits.
            _ = answer.send(connection.transaction(mode, &mut work));
        };
        let gone = || StoreError::Unavailable("the database's thread has ended".to_owned());
        self.jobs.send(Box::new(job)).map_err(|_| gone())?;
        outcome.recv().unwrap_or_else(|_| Err(gone()))
    }
}

impl Connection {
    fn transaction<T>(
        &mut self,
        mode: Mode,
        work: &mut impl FnMut(&mut Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut pause = PAUSE_FIRST;
        let mut repetitions = 0;
        let mut has_reconnected = false;
        loop {
            match self.once(mode, work) {
                Ok(done) => return Ok(done),
                Err(Remedy::Repeat(error)) => {
                    repetitions += 1;
                    if repetitions > REPETITIONS_MAX {
                        return Err(error);
                    }
                    std::thread::sleep(pause);
                    pause *= 2;
                }
                Err(Remedy::Reconnect(error)) => {
                    self.client = None;
                    if has_reconnected {
                        return Err(error);
                    }
                    has_reconnected = true;
                }
                Err(Remedy::Tell(error)) => {
                    if matches!(error, StoreError::Unavailable(_)) {
                        self.client = None;
                    }
                    return Err(error);
                }
            }
        }
    }

    fn once<T>(
        &mut self,
        mode: Mode,
        work: &mut impl FnMut(&mut Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Remedy> {
        let client = match &mut self.client {
            Some(client) => client,
            none => none.insert(connect(&self.address).map_err(|error| Remedy::Tell(unavailable(&error)))?),
        };
        let builder = client.build_transaction();
        let builder = match mode {
            Mode::Read => builder.isolation_level(IsolationLevel::RepeatableRead).read_only(true),
            Mode::Write => builder.isolation_level(IsolationLevel::ReadCommitted),
        };
        let mut transaction = builder.start().map_err(|error| before_commit(&error))?;
        let done = work(&mut transaction).map_err(|failure| match failure {
            Failure::Database(error) => before_commit(&error),
            Failure::Store(error) => Remedy::Tell(error),
        })?;
        transaction.commit().map_err(|error| at_commit(&error))?;
        Ok(done)
    }
}

fn connect(address: &Address) -> Result<Client, postgres::Error> {
    match &address.tls {
        Some(tls) => address.config.connect(MakeRustlsConnect::new((**tls).clone())),
        None => address.config.connect(NoTls),
    }
}

/// The driver's text and what lies below it; it names no password.
fn unavailable(error: &postgres::Error) -> StoreError {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let text = error.to_string();
    StoreError::Unavailable(if text.contains(&cause) { text } else { format!("{text}: {cause}") })
}

/// Nothing can have been committed.
fn before_commit(error: &postgres::Error) -> Remedy {
    match error.code() {
        Some(code) if is_conflict(code) => Remedy::Repeat(unavailable(error)),
        Some(code) if is_goodbye(code) => Remedy::Reconnect(unavailable(error)),
        Some(code) if *code == SqlState::DISK_FULL => Remedy::Tell(StoreError::Full(error.to_string())),
        Some(code) if is_damage(code) => Remedy::Tell(StoreError::corrupt("the database", error)),
        Some(_) => Remedy::Tell(unavailable(error)),
        None => Remedy::Reconnect(unavailable(error)),
    }
}

/// An answer of the database says that it rolled back; a broken connection says nothing.
fn at_commit(error: &postgres::Error) -> Remedy {
    match error.code() {
        Some(code) if is_conflict(code) => Remedy::Repeat(unavailable(error)),
        Some(code) if *code == SqlState::DISK_FULL => Remedy::Tell(StoreError::Full(error.to_string())),
        Some(code) if *code == SqlState::FOREIGN_KEY_VIOLATION => {
            Remedy::Tell(StoreError::NotFound("a row that another refers to".to_owned()))
        }
        _ => Remedy::Tell(unavailable(error)),
    }
}

/// Another transaction was in the way.
fn is_conflict(code: &SqlState) -> bool {
    *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
}

/// The server or the connection goes away: class 08, shutdowns, a server that is starting.
fn is_goodbye(code: &SqlState) -> bool {
    code.code().starts_with("08") || code.code().starts_with("57P")
}

fn is_damage(code: &SqlState) -> bool {
    *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED
}

//! Records that are kept as documents: their text and its checksum under a key, beside the columns that are asked for.
//!
//! One description of their tables serves every SQL store, for writing and for reading.

use std::borrow::Cow;

use coordinator_core::{Mutation, Tables};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sweep_proto::{AttemptId, SweepId, TrialId, WorkerId};
use uuid::Uuid;

use crate::StoreError;
use crate::encoding::{from_body, sum_of_body, to_json};

/// The kinds of records that are documents, parents first. Each has a table, whose columns are those of the key, those that are
/// asked for, `body` and `checksum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Sweep,
    Trial,
    Attempt,
    Worker,
    Token,
    Certificate,
    SearchEvent,
}

/// A column and the type of its values.
pub(crate) type Column = (&'static str, CellType);

/// The type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellType {
    Number,
    Text,
    Bytes,
    Uuid,
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    Number(i64),
    Text(Cow<'static, str>),
    Bytes(Vec<u8>),
    Uuid(Uuid),
}

/// The values of a document's key, one for each of its columns.
pub(crate) type Key = Vec<Cell>;

/// A document but for its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// A value for each column that is asked for.
    pub(crate) asked: Vec<Cell>,
    /// The record.
    pub(crate) body: String,
    /// See [`sum_of_body`].
    pub(crate) checksum: i64,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Sweep,
        Self::Trial,
        Self::Attempt,
        Self::Worker,
        Self::Token,
        Self::Certificate,
        Self::SearchEvent,
    ];

    /// The name of its table.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Sweep => "sweeps",
            Self::Trial => "trials",
            Self::Attempt => "attempts",
            Self::Worker => "workers",
            Self::Token => "tokens",
            Self::Certificate => "certificates",
            Self::SearchEvent => "search_events",
        }
    }

    /// What a record is called in checksums and errors.
    fn record(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Trial => "trial",
            Self::Attempt => "attempt",
            Self::Worker => "worker",
            Self::Token => "token",
            Self::Certificate => "certificate",
            Self::SearchEvent => "event of a search",
        }
    }

    /// The columns of its key.
    pub(crate) fn key(self) -> &'static [Column] {
        const OF_ATTEMPT: &[Column] =
            &[("sweep", CellType::Number), ("trial", CellType::Number), ("attempt", CellType::Number)];
        match self {
            Self::Sweep => &[("id", CellType::Number)],
            Self::Trial => OF_ATTEMPT.split_at(2).0,
            Self::Attempt => OF_ATTEMPT,
            Self::Worker => &[("id", CellType::Uuid)],
            Self::Token | Self::Certificate => &[("id", CellType::Text)],
            Self::SearchEvent => &[("sweep", CellType::Number), ("number", CellType::Number)],
        }
    }

    /// The columns that are asked for.
    pub(crate) fn asked(self) -> &'static [Column] {
        match self {
            Self::Sweep | Self::Worker => &[("state", CellType::Text)],
            Self::Trial => &[("state", CellType::Text), ("key", CellType::Bytes)],
            Self::Attempt => &[("state", CellType::Text), ("token", CellType::Number)],
            Self::Token | Self::Certificate | Self::SearchEvent => &[],
        }
    }

    /// The statement that reads its table: the key, then `body` and `checksum`.
    pub(crate) fn select(self) -> String {
        format!("SELECT {}, body, checksum FROM {}", self.key_columns(), self.table())
    }

    /// The names of its key's columns, as a list of SQL.
    pub(crate) fn key_columns(self) -> String {
        self.key().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// What is replaced of a row whose key is there already, as a list of SQL.
    pub(crate) fn replacements(self) -> String {
        let asked = self.asked().iter().map(|(name, _)| *name);
        let replacement = |name| format!("{name} = excluded.{name}");
        asked.chain(["body", "checksum"]).map(replacement).collect::<Vec<_>>().join(", ")
    }

    fn document<T: Serialize>(self, id: &str, asked: Vec<Cell>, record: &T) -> Result<Document, StoreError> {
        let body = to_json(record)?;
        let checksum = sum_of_body(self.record(), id, &body);
        Ok(Document { asked, body, checksum })
    }
}

/// The document of a mutation; `None` where it sets none.
pub(crate) fn of(mutation: &Mutation) -> Result<Option<(Kind, Key, Document)>, StoreError> {
    let (kind, key, document) = match mutation {
        Mutation::Sweep(sweep) => {
            let key = sweep_key(sweep.id);
            (
                Kind::Sweep,
                key,
                Kind::Sweep.document(&sweep.id.to_string(), vec![text(sweep.state.name())], sweep),
            )
        }
        Mutation::Trial(trial) => {
            let id = trial.spec.id;
            let asked = vec![text(trial.state.name()), Cell::Bytes(trial.key().0.as_bytes().to_vec())];
            (Kind::Trial, trial_key(id), Kind::Trial.document(&id.to_string(), asked, trial))
        }
        Mutation::Attempt(attempt) => {
            let id = attempt.id;
            let asked = vec![text(attempt.state.name()), Cell::Number(attempt.token.0.cast_signed())];
            let mut key = trial_key(id.trial);
            key.push(Cell::Number(id.number.into()));
            (Kind::Attempt, key, Kind::Attempt.document(&id.to_string(), asked, attempt))
        }
        Mutation::Worker(worker) => {
            let asked = vec![text(worker.state.name())];
            let document = Kind::Worker.document(&worker.id.to_string(), asked, worker);
            (Kind::Worker, vec![Cell::Uuid(worker.id.0)], document)
        }
        Mutation::Token(token) => {
            let id = token.id.to_string();
            let document = Kind::Token.document(&id, Vec::new(), token);
            (Kind::Token, vec![Cell::Text(id.into())], document)
        }
        Mutation::Certificate(certificate) => {
            let id = certificate.id.to_string();
            let document = Kind::Certificate.document(&id, Vec::new(), certificate);
            (Kind::Certificate, vec![Cell::Text(id.into())], document)
        }
        Mutation::SearchEvent(event) => {
            let id = format!("{}/{}", event.sweep, event.number);
            let mut key = sweep_key(event.sweep);
            key.push(Cell::Number(event.number.cast_signed()));
            (Kind::SearchEvent, key, Kind::SearchEvent.document(&id, Vec::new(), event))
        }
        _ => return Ok(None),
    };
    Ok(Some((kind, key, document?)))
}

/// The key of a sweep's document: those of what belongs to it begin with it.
pub(crate) fn sweep_key(sweep: SweepId) -> Key {
    vec![Cell::Number(sweep.0.cast_signed())]
}

/// The key of a trial's document: those of what belongs to it begin with it.
pub(crate) fn trial_key(trial: TrialId) -> Key {
    vec![Cell::Number(trial.sweep.0.cast_signed()), Cell::Number(trial.index.into())]
}

fn text(name: &'static str) -> Cell {
    Cell::Text(name.into())
}

/// A row as it was read, whatever has become of it.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) kind: Kind,
    pub(crate) key: Key,
    pub(crate) body: &'a str,
    pub(crate) checksum: i64,
}

impl Row<'_> {
    /// Puts its record among the others.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it is not what was written.
    pub(crate) fn restore(&self, tables: &mut Tables) -> Result<(), StoreError> {
        match self.kind {
            Kind::Sweep => {
                let id = SweepId(self.number(0)?.cast_unsigned());
                tables.sweeps.insert(id, self.record(&id.to_string())?);
            }
            Kind::Trial => {
                let id = self.trial()?;
                tables.trials.insert(self.record(&id.to_string())?);
            }
            Kind::Attempt => {
                let id = AttemptId { trial: self.trial()?, number: self.small_number(2)? };
                tables.attempts.insert(self.record(&id.to_string())?);
            }
            Kind::Worker => {
                let Some(Cell::Uuid(id)) = self.key.first() else { return Err(self.not_a_key()) };
                tables.workers.insert(WorkerId(*id), self.record(&id.to_string())?);
            }
            Kind::Token => {
                let token: coordinator_core::TokenRecord = self.record(self.text()?)?;
                tables.tokens.insert(token.id, token);
            }
            Kind::SearchEvent => {
                let (sweep, number) = (self.number(0)?.cast_unsigned(), self.number(1)?.cast_unsigned());
                tables.search_events.insert(self.record(&format!("{}/{number}", SweepId(sweep)))?);
            }
            Kind::Certificate => {
                let certificate: coordinator_core::CertificateRecord = self.record(self.text()?)?;
                tables.certificates.insert(certificate.id, certificate);
            }
        }
        Ok(())
    }

    fn record<T: DeserializeOwned>(&self, id: &str) -> Result<T, StoreError> {
        from_body(self.kind.record(), id, self.body, self.checksum)
    }

    fn trial(&self) -> Result<TrialId, StoreError> {
        Ok(TrialId { sweep: SweepId(self.number(0)?.cast_unsigned()), index: self.small_number(1)? })
    }

    fn number(&self, at: usize) -> Result<i64, StoreError> {
        match self.key.get(at) {
            Some(Cell::Number(number)) => Ok(*number),
            _ => Err(self.not_a_key()),
        }
    }

    fn small_number(&self, at: usize) -> Result<u32, StoreError> {
        u32::try_from(self.number(at)?).map_err(|_| self.not_a_key())
    }

    fn text(&self) -> Result<&str, StoreError> {
        match self.key.first() {
            Some(Cell::Text(text)) => Ok(text),
            _ => Err(self.not_a_key()),
        }
    }

    fn not_a_key(&self) -> StoreError {
        StoreError::corrupt(format!("the table {}", self.kind.table()), format!("{:?} is no key", self.key))
    }
}

//! The engine: decides what a command changes, and folds what became true.

use sweep_proto::Timestamp;

use crate::command::{Command, Decision, Rejection, Touch};
use crate::mutation::Mutation;
use crate::tables::Tables;

/// The coordinator's whole state, and the decisions over it.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    tables: Tables,
}

impl Engine {
    /// An engine over what a store loaded. Every live lease starts a fresh term at `now`, because the
    /// time that passed while no coordinator ran is nobody's fault.
    pub fn restore(tables: Tables, _now: Timestamp) -> Self {
        Self { tables }
    }

    /// The durable rows.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// What a command would change, or why it is refused. Changes nothing.
    ///
    /// # Errors
    /// A [`Rejection`] says why; nothing is to be persisted then.
    pub fn decide(&self, _now: Timestamp, _command: &Command) -> Result<Decision, Rejection> {
        Ok(Decision::default())
    }

    /// Folds one durable fact in.
    pub fn evolve(&mut self, mutation: &Mutation) {
        self.tables.apply(mutation);
    }

    /// Folds one volatile fact in.
    pub fn touch(&mut self, _touch: &Touch) {}
}

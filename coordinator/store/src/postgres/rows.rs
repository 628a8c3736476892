//! The rows of one commit, table by table, and the statements that write them.
//!
//! Each table takes one statement over arrays, whatever the number of its rows: a commit is a few round
//! trips, not one per row.

use std::collections::BTreeMap;

use coordinator_core::{EpochRecord, Key, Mutation};
use postgres::Transaction;
use postgres::types::{ToSql, Type};
use sweep_proto::TrialId;

use super::marks;
use super::removal::Removals;
use super::session::Failure;
use crate::StoreError;
use crate::document::{self, Cell, CellType, Document, Kind};
use crate::encoding::{AUDIT_BASE, AUDIT_SEAL, LAST_TOKEN, SEAL_MARK, sum_of_counter, sum_of_epoch, to_json};

/// What one commit leaves behind: of each row its last state.
#[derive(Default)]
pub(super) struct Rows {
    /// What goes, before anything comes.
    removals: Removals,
    documents: BTreeMap<Kind, BTreeMap<document::Key, Document>>,
    /// Epochs above this one go, before `epochs` come.
    truncations: BTreeMap<(i64, i64), i64>,
    epochs: BTreeMap<(i64, i64, i64), EpochRecord>,
    audit: BTreeMap<i64, String>,
    audit_base: Option<(i64, String)>,
    audit_seal: Option<String>,
    last_token: Option<u64>,
}

fn trial_key(trial: TrialId) -> (i64, i64) {
    (trial.sweep.0.cast_signed(), i64::from(trial.index))
}

impl Rows {
    /// Folds mutations, in their order.
    pub(super) fn of(mutations: &[Mutation]) -> Result<Self, StoreError> {
        let mut rows = Self::default();
        for mutation in mutations {
            rows.add(mutation)?;
        }
        Ok(rows)
    }

    fn add(&mut self, mutation: &Mutation) -> Result<(), StoreError> {
        if let Some((kind, key, document)) = document::of(mutation)? {
            self.documents.entry(kind).or_default().insert(key, document);
            return Ok(());
        }
        match mutation {
            Mutation::Epoch(epoch) => {
                let (sweep, trial) = trial_key(epoch.trial);
                self.epochs.insert((sweep, trial, i64::from(epoch.metric.epoch)), epoch.clone());
            }
            Mutation::TruncateEpochs { trial, epoch } => {
                let (sweep, trial) = trial_key(*trial);
                let last = i64::from(*epoch);
                self.epochs.retain(|(of_sweep, of_trial, number), _| {
                    (*of_sweep, *of_trial) != (sweep, trial) || *number <= last
                });
                let truncation = self.truncations.entry((sweep, trial)).or_insert(last);
                *truncation = last.min(*truncation);
            }
            Mutation::LastToken(token) => self.last_token = self.last_token.max(Some(*token)),
            Mutation::Audit(entry) => {
                let text = to_json(entry)?;
                self.audit.entry(entry.sequence.cast_signed()).or_insert(text);
            }
            Mutation::AuditBase(base) => {
                self.audit_base = Some((base.sequence.cast_signed(), to_json(base)?));
            }
            Mutation::AuditSeal(seal) => self.audit_seal = Some(to_json(seal)?),
            Mutation::Remove(key) => {
                self.forget(*key);
                self.removals.add(*key);
            }
            // Documents, which are set above.
            Mutation::Sweep(_)
            | Mutation::Trial(_)
            | Mutation::Attempt(_)
            | Mutation::Worker(_)
            | Mutation::Token(_)
            | Mutation::Certificate(_)
            | Mutation::SearchEvent(_) => {}
        }
        Ok(())
    }

    /// What was to be written of a row and below it is not.
    fn forget(&mut self, key: Key) {
        match key {
            Key::Sweep(id) => {
                self.forget_documents(
                    &document::sweep_key(id),
                    &[Kind::Sweep, Kind::Trial, Kind::Attempt, Kind::SearchEvent],
                );
                self.epochs.retain(|key, _| key.0 != id.0.cast_signed());
            }
            Key::Trial(id) => {
                self.forget_documents(&document::trial_key(id), &[Kind::Trial, Kind::Attempt]);
                self.epochs.retain(|key, _| (key.0, key.1) != trial_key(id));
            }
            Key::Steps(_) => {}
            Key::Worker(id) => self.forget_documents(&[Cell::Uuid(id.0)], &[Kind::Worker]),
            Key::Token(id) => self.forget_documents(&[Cell::Text(id.to_string().into())], &[Kind::Token]),
            Key::Certificate(id) => {
                self.forget_documents(&[Cell::Text(id.to_string().into())], &[Kind::Certificate]);
            }
        }
    }

    fn forget_documents(&mut self, key: &[Cell], kinds: &[Kind]) {
        let of_these = self.documents.iter_mut().filter(|(kind, _)| kinds.contains(kind));
        of_these.for_each(|(_, documents)| documents.retain(|one, _| !one.starts_with(key)));
    }

    /// Writes everything. References are checked at the commit.
    pub(super) fn write(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        self.removals.write(transaction)?;
        for (kind, documents) in &self.documents {
            write_documents(transaction, *kind, documents)?;
        }
        self.write_truncations(transaction)?;
        self.write_epochs(transaction)?;
        self.write_audit(transaction)?;
        self.write_last_token(transaction)
    }

    fn write_truncations(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        let sweeps: Vec<i64> = self.truncations.keys().map(|key| key.0).collect();
        let trials: Vec<i64> = self.truncations.keys().map(|key| key.1).collect();
        let lasts: Vec<i64> = self.truncations.values().copied().collect();
        let sql = "DELETE FROM epochs USING unnest($1, $2, $3) AS gone (sweep, trial, last)
            WHERE epochs.sweep = gone.sweep AND epochs.trial = gone.trial AND epochs.epoch > gone.last";
        let types = [Type::INT8_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY];
        execute(transaction, sql, sweeps.len(), &[&sweeps, &trials, &lasts], types)
    }

    fn write_epochs(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        let sweeps: Vec<i64> = self.epochs.keys().map(|key| key.0).collect();
        let trials: Vec<i64> = self.epochs.keys().map(|key| key.1).collect();
        let numbers: Vec<i64> = self.epochs.keys().map(|key| key.2).collect();
        let attempts: Vec<i64> = self.epochs.values().map(|epoch| i64::from(epoch.attempt)).collect();
        let real = |of: fn(&EpochRecord) -> f64| self.epochs.values().map(of).collect::<Vec<f64>>();
        let train_losses = real(|epoch| epoch.metric.train_loss);
        let train_accuracies = real(|epoch| epoch.metric.train_accuracy);
        let losses = real(|epoch| epoch.metric.validation_loss);
        let accuracies = real(|epoch| epoch.metric.validation_accuracy);
        let macro_f1s = real(|epoch| epoch.metric.validation_macro_f1);
        let seconds = real(|epoch| epoch.metric.seconds);
        let rates = real(|epoch| epoch.metric.examples_per_second);
        let memory: Vec<i64> =
            self.epochs.values().map(|epoch| epoch.metric.peak_memory_bytes.cast_signed()).collect();
        let sums: Vec<i64> = self.epochs.values().map(sum_of_epoch).collect();
        let energies: Vec<Option<f64>> =
            self.epochs.values().map(|epoch| epoch.metric.energy_joules).collect();
        let sql = "INSERT INTO epochs SELECT * FROM
            unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            ON CONFLICT (sweep, trial, epoch) DO UPDATE SET attempt = excluded.attempt,
            train_loss = excluded.train_loss, train_accuracy = excluded.train_accuracy,
            validation_loss = excluded.validation_loss, validation_accuracy = excluded.validation_accuracy,
            validation_macro_f1 = excluded.validation_macro_f1, seconds = excluded.seconds,
            examples_per_second = excluded.examples_per_second,
            peak_memory_bytes = excluded.peak_memory_bytes, checksum = excluded.checksum,
            energy_joules = excluded.energy_joules";
        let mut types = [const { Type::INT8_ARRAY }; 14];
        types[4..11].fill(Type::FLOAT8_ARRAY);
        types[13] = Type::FLOAT8_ARRAY;
        let values: [&(dyn ToSql + Sync); 14] = [
            &sweeps,
            &trials,
            &numbers,
            &attempts,
            &train_losses,
            &train_accuracies,
            &losses,
            &accuracies,
            &macro_f1s,
            &seconds,
            &rates,
            &memory,
            &sums,
            &energies,
        ];
        execute(transaction, sql, sweeps.len(), &values, types)
    }

    fn write_audit(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        let sequences: Vec<i64> = self.audit.keys().copied().collect();
        let bodies: Vec<&str> = self.audit.values().map(String::as_str).collect();
        let sql = "INSERT INTO audit SELECT * FROM unnest($1, $2) ON CONFLICT (sequence) DO NOTHING";
        let types = [Type::INT8_ARRAY, Type::TEXT_ARRAY];
        execute(transaction, sql, sequences.len(), &[&sequences, &bodies], types)?;
        if let Some((last, _)) = &self.audit_base {
            let sql = "DELETE FROM audit WHERE sequence BETWEEN 1 AND $1";
            execute(transaction, sql, 1, &[last], [Type::INT8])?;
        }
        let base = self.audit_base.iter().map(|(_, body)| (AUDIT_BASE, body.as_str()));
        let seal = self.audit_seal.iter().map(|body| (AUDIT_SEAL, body.as_str()));
        let (places, bodies): (Vec<i64>, Vec<&str>) = base.chain(seal).unzip();
        let sql = "INSERT INTO audit SELECT * FROM unnest($1, $2) ON CONFLICT (sequence) DO UPDATE SET body = excluded.body";
        let types = [Type::INT8_ARRAY, Type::TEXT_ARRAY];
        execute(transaction, sql, places.len(), &[&places, &bodies], types)?;
        self.audit_seal.iter().try_for_each(|seal| marks::set(transaction, SEAL_MARK, seal))
    }

    fn write_last_token(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        self.last_token.map_or(Ok(()), |token| raise_counter(transaction, LAST_TOKEN, token))
    }
}

/// Counters only grow, whatever order batches come in.
pub(super) fn raise_counter(
    transaction: &mut Transaction<'_>,
    name: &str,
    value: u64,
) -> Result<(), Failure> {
    let sql = "INSERT INTO counters VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE
        SET value = excluded.value, checksum = excluded.checksum WHERE excluded.value > counters.value";
    let (sum, value) = (sum_of_counter(name, value), value.cast_signed());
    execute(transaction, sql, 1, &[&name, &value, &sum], [Type::TEXT, Type::INT8, Type::INT8])
}

fn write_documents(
    transaction: &mut Transaction<'_>,
    kind: Kind,
    documents: &BTreeMap<document::Key, Document>,
) -> Result<(), Failure> {
    let of_keys = kind.key().iter().enumerate().map(|(at, (_, of))| {
        let cells = documents.keys().filter_map(|key| key.get(at));
        array(*of, cells)
    });
    let of_asked = kind.asked().iter().enumerate().map(|(at, (_, of))| {
        let cells = documents.values().filter_map(|document| document.asked.get(at));
        array(*of, cells)
    });
    let bodies: Vec<&str> = documents.values().map(|document| document.body.as_str()).collect();
    let sums: Vec<i64> = documents.values().map(|document| document.checksum).collect();
    let of_record: [Array<'_>; 2] =
        [(Box::new(bodies), Type::TEXT_ARRAY), (Box::new(sums), Type::INT8_ARRAY)];
    let columns: Vec<_> = of_keys.chain(of_asked).chain(of_record).collect();
    let places: Vec<_> = (1..=columns.len()).map(|place| format!("${place}")).collect();
    let sql = format!(
        "INSERT INTO {} SELECT * FROM unnest({}) ON CONFLICT ({}) DO UPDATE SET {}",
        kind.table(),
        places.join(", "),
        kind.key_columns(),
        kind.replacements()
    );
    let values: Vec<_> = columns.iter().map(|(values, of)| (values.as_ref(), of.clone())).collect();
    run(transaction, &sql, documents.len(), &values)
}

/// The values of a column, and their type.
type Array<'a> = (Box<dyn ToSql + Sync + 'a>, Type);

fn array<'a>(of: CellType, cells: impl Iterator<Item = &'a Cell>) -> Array<'a> {
    let (mut numbers, mut texts, mut bytes, mut ids) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        match cell {
            Cell::Number(number) => numbers.push(*number),
            Cell::Text(text) => texts.push(text.as_ref()),
            Cell::Bytes(one) => bytes.push(one.as_slice()),
            Cell::Uuid(id) => ids.push(*id),
        }
    }
    match of {
        CellType::Number => (Box::new(numbers), Type::INT8_ARRAY),
        CellType::Text => (Box::new(texts), Type::TEXT_ARRAY),
        CellType::Bytes => (Box::new(bytes), Type::BYTEA_ARRAY),
        CellType::Uuid => (Box::new(ids), Type::UUID_ARRAY),
    }
}

/// Runs a statement with typed parameters, unless it has no rows. Statements have no names, so that a pooler
/// may give each transaction another connection.
pub(super) fn execute<const N: usize>(
    transaction: &mut Transaction<'_>,
    sql: &str,
    rows: usize,
    values: &[&(dyn ToSql + Sync); N],
    types: [Type; N],
) -> Result<(), Failure> {
    let parameters: Vec<_> = values.iter().copied().zip(types).collect();
    run(transaction, sql, rows, &parameters)
}

fn run(
    transaction: &mut Transaction<'_>,
    sql: &str,
    rows: usize,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<(), Failure> {
    if rows > 0 {
        transaction.execute_typed(sql, parameters)?;
    }
    Ok(())
}

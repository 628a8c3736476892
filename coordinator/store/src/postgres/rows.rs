//! The rows of one commit, table by table, and the statements that write them.
//!
//! Each table takes one statement over arrays, whatever the number of its rows: a commit is a few round
//! trips, not one per row.

use std::collections::BTreeMap;

use coordinator_core::{EpochRecord, Key, Mutation};
use postgres::Transaction;
use postgres::types::{ToSql, Type};
use sweep_proto::TrialId;
use uuid::Uuid;

use super::marks;
use super::removal::Removals;
use super::session::Failure;
use crate::StoreError;
use crate::encoding::{
    AUDIT_BASE, AUDIT_SEAL, LAST_TOKEN, SEAL_MARK, sum_of_body, sum_of_counter, sum_of_epoch, to_json,
};

/// A record's text and its checksum.
struct Body {
    text: String,
    sum: i64,
}

impl Body {
    fn of<T: serde::Serialize>(kind: &str, id: &str, record: &T) -> Result<Self, StoreError> {
        let text = to_json(record)?;
        let sum = sum_of_body(kind, id, &text);
        Ok(Self { text, sum })
    }
}

/// What one commit leaves behind: of each row its last state.
#[derive(Default)]
pub(super) struct Rows {
    /// What goes, before anything comes.
    removals: Removals,
    sweeps: BTreeMap<i64, (&'static str, Body)>,
    trials: BTreeMap<(i64, i64), (&'static str, Vec<u8>, Body)>,
    attempts: BTreeMap<(i64, i64, i64), (&'static str, i64, Body)>,
    /// Epochs above this one go, before `epochs` come.
    truncations: BTreeMap<(i64, i64), i64>,
    epochs: BTreeMap<(i64, i64, i64), EpochRecord>,
    workers: BTreeMap<Uuid, (&'static str, Body)>,
    tokens: BTreeMap<String, Body>,
    certificates: BTreeMap<String, Body>,
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
        match mutation {
            Mutation::Sweep(sweep) => {
                let body = Body::of("sweep", &sweep.id.to_string(), sweep)?;
                self.sweeps.insert(sweep.id.0.cast_signed(), (sweep.state.name(), body));
            }
            Mutation::Trial(trial) => {
                let body = Body::of("trial", &trial.spec.id.to_string(), trial)?;
                let key = trial.key.0.as_bytes().to_vec();
                self.trials.insert(trial_key(trial.spec.id), (trial.state.name(), key, body));
            }
            Mutation::Attempt(attempt) => {
                let body = Body::of("attempt", &attempt.id.to_string(), attempt)?;
                let (sweep, trial) = trial_key(attempt.id.trial);
                let row = (attempt.state.name(), attempt.token.0.cast_signed(), body);
                self.attempts.insert((sweep, trial, i64::from(attempt.id.number)), row);
            }
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
            Mutation::Worker(worker) => {
                let body = Body::of("worker", &worker.id.to_string(), worker)?;
                self.workers.insert(worker.id.0, (worker.state.name(), body));
            }
            Mutation::LastToken(token) => self.last_token = self.last_token.max(Some(*token)),
            Mutation::Token(token) => {
                let id = token.id.to_string();
                self.tokens.insert(id.clone(), Body::of("token", &id, token)?);
            }
            Mutation::Certificate(certificate) => {
                let id = certificate.id.to_string();
                self.certificates.insert(id.clone(), Body::of("certificate", &id, certificate)?);
            }
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
        }
        Ok(())
    }

    /// What was to be written of a row and below it is not.
    fn forget(&mut self, key: Key) {
        match key {
            Key::Sweep(id) => {
                let id = id.0.cast_signed();
                self.sweeps.remove(&id);
                self.trials.retain(|key, _| key.0 != id);
                self.attempts.retain(|key, _| key.0 != id);
                self.epochs.retain(|key, _| key.0 != id);
            }
            Key::Trial(id) => {
                let (sweep, trial) = trial_key(id);
                self.trials.remove(&(sweep, trial));
                self.attempts.retain(|key, _| (key.0, key.1) != (sweep, trial));
                self.epochs.retain(|key, _| (key.0, key.1) != (sweep, trial));
            }
            Key::Steps(_) => {}
            Key::Worker(id) => _ = self.workers.remove(&id.0),
            Key::Token(id) => _ = self.tokens.remove(&id.to_string()),
            Key::Certificate(id) => _ = self.certificates.remove(&id.to_string()),
        }
    }

    /// Writes everything. References are checked at the commit.
    pub(super) fn write(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        self.removals.write(transaction)?;
        self.write_sweeps(transaction)?;
        self.write_trials(transaction)?;
        self.write_attempts(transaction)?;
        self.write_truncations(transaction)?;
        self.write_epochs(transaction)?;
        self.write_workers(transaction)?;
        write_documents(transaction, "tokens", &self.tokens)?;
        write_documents(transaction, "certificates", &self.certificates)?;
        self.write_audit(transaction)?;
        self.write_last_token(transaction)
    }

    fn write_sweeps(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        let ids: Vec<i64> = self.sweeps.keys().copied().collect();
        let states: Vec<&str> = self.sweeps.values().map(|row| row.0).collect();
        let (bodies, sums) = columns(self.sweeps.values().map(|row| &row.1));
        let sql = "INSERT INTO sweeps SELECT * FROM unnest($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE
            SET state = excluded.state, body = excluded.body, checksum = excluded.checksum";
        let types = [Type::INT8_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::INT8_ARRAY];
        execute(transaction, sql, ids.len(), &[&ids, &states, &bodies, &sums], types)
    }

    fn write_trials(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        let sweeps: Vec<i64> = self.trials.keys().map(|key| key.0).collect();
        let trials: Vec<i64> = self.trials.keys().map(|key| key.1).collect();
        let states: Vec<&str> = self.trials.values().map(|row| row.0).collect();
        let keys: Vec<&[u8]> = self.trials.values().map(|row| row.1.as_slice()).collect();
        let (bodies, sums) = columns(self.trials.values().map(|row| &row.2));
        let sql = "INSERT INTO trials SELECT * FROM unnest($1, $2, $3, $4, $5, $6)
            ON CONFLICT (sweep, trial) DO UPDATE SET state = excluded.state, key = excluded.key,
            body = excluded.body, checksum = excluded.checksum";
        let types = [
            Type::INT8_ARRAY,
            Type::INT8_ARRAY,
            Type::TEXT_ARRAY,
            Type::BYTEA_ARRAY,
            Type::TEXT_ARRAY,
            Type::INT8_ARRAY,
        ];
        let values: [&(dyn ToSql + Sync); 6] = [&sweeps, &trials, &states, &keys, &bodies, &sums];
        execute(transaction, sql, sweeps.len(), &values, types)
    }

    fn write_attempts(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        let sweeps: Vec<i64> = self.attempts.keys().map(|key| key.0).collect();
        let trials: Vec<i64> = self.attempts.keys().map(|key| key.1).collect();
        let numbers: Vec<i64> = self.attempts.keys().map(|key| key.2).collect();
        let states: Vec<&str> = self.attempts.values().map(|row| row.0).collect();
        let tokens: Vec<i64> = self.attempts.values().map(|row| row.1).collect();
        let (bodies, sums) = columns(self.attempts.values().map(|row| &row.2));
        let sql = "INSERT INTO attempts SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (sweep, trial, attempt) DO UPDATE SET state = excluded.state,
            token = excluded.token, body = excluded.body, checksum = excluded.checksum";
        let types = [
            Type::INT8_ARRAY,
            Type::INT8_ARRAY,
            Type::INT8_ARRAY,
            Type::TEXT_ARRAY,
            Type::INT8_ARRAY,
            Type::TEXT_ARRAY,
            Type::INT8_ARRAY,
        ];
        let values: [&(dyn ToSql + Sync); 7] = [&sweeps, &trials, &numbers, &states, &tokens, &bodies, &sums];
        execute(transaction, sql, sweeps.len(), &values, types)
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

    fn write_workers(&self, transaction: &mut Transaction<'_>) -> Result<(), Failure> {
        let ids: Vec<Uuid> = self.workers.keys().copied().collect();
        let states: Vec<&str> = self.workers.values().map(|row| row.0).collect();
        let (bodies, sums) = columns(self.workers.values().map(|row| &row.1));
        let sql = "INSERT INTO workers SELECT * FROM unnest($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE
            SET state = excluded.state, body = excluded.body, checksum = excluded.checksum";
        let types = [Type::UUID_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::INT8_ARRAY];
        execute(transaction, sql, ids.len(), &[&ids, &states, &bodies, &sums], types)
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

fn columns<'a>(bodies: impl Iterator<Item = &'a Body>) -> (Vec<&'a str>, Vec<i64>) {
    bodies.map(|body| (body.text.as_str(), body.sum)).unzip()
}

fn write_documents(
    transaction: &mut Transaction<'_>,
    table: &str,
    rows: &BTreeMap<String, Body>,
) -> Result<(), Failure> {
    let ids: Vec<&str> = rows.keys().map(String::as_str).collect();
    let (bodies, sums) = columns(rows.values());
    let sql = format!(
        "INSERT INTO {table} SELECT * FROM unnest($1, $2, $3) ON CONFLICT (id) DO UPDATE
         SET body = excluded.body, checksum = excluded.checksum"
    );
    let types = [Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::INT8_ARRAY];
    execute(transaction, &sql, ids.len(), &[&ids, &bodies, &sums], types)
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
    if rows == 0 {
        return Ok(());
    }
    let parameters: Vec<(&(dyn ToSql + Sync), Type)> = values.iter().copied().zip(types).collect();
    transaction.execute_typed(sql, &parameters)?;
    Ok(())
}

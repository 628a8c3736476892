//! The store that keeps everything in memory: for tests and simulations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coordinator_core::{AuditEntry, AuditSeal, Mutation, Tables};
use sweep_proto::{AttemptId, StepMetric, SweepId, TrialId};

use crate::{StepBatch, Store, StoreError, StoreReader, continuation};

/// Rows in memory. Clones share them, as connections to one database would.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    tables: Tables,
    steps: BTreeMap<AttemptId, Vec<StepMetric>>,
    audit: BTreeMap<u64, AuditEntry>,
    seal: Option<AuditSeal>,
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is applied only after all checks, so a poisoned state is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoreReader for MemoryStore {
    fn load(&mut self) -> Result<Tables, StoreError> {
        Ok(self.state().tables.clone())
    }

    fn read_steps(
        &mut self,
        attempt: AttemptId,
        from_sequence: u64,
        points_max: usize,
    ) -> Result<Vec<StepMetric>, StoreError> {
        let state = self.state();
        let points = state.steps.get(&attempt).map(Vec::as_slice).unwrap_or_default();
        Ok(points.iter().filter(|point| point.sequence >= from_sequence).take(points_max).cloned().collect())
    }

    fn read_audit(&mut self, from_sequence: u64, entries_max: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let state = self.state();
        Ok(state.audit.range(from_sequence..).map(|(_, entry)| entry.clone()).take(entries_max).collect())
    }

    fn read_seal(&mut self) -> Result<Option<AuditSeal>, StoreError> {
        Ok(self.state().seal.clone())
    }
}

impl Store for MemoryStore {
    fn commit(&mut self, mutations: &[Mutation]) -> Result<(), StoreError> {
        let mut state = self.state();
        check_references(&state.tables, mutations)?;
        for mutation in mutations {
            state.tables.apply(mutation);
            match mutation {
                Mutation::Audit(entry) => {
                    state.audit.entry(entry.sequence).or_insert_with(|| entry.clone());
                }
                Mutation::AuditBase(base) => state.audit.retain(|sequence, _| *sequence > base.sequence),
                Mutation::AuditSeal(seal) => state.seal = Some(seal.clone()),
                _ => {}
            }
        }
        Ok(())
    }

    fn append_steps(&mut self, batches: &[StepBatch]) -> Result<Vec<u64>, StoreError> {
        let mut state = self.state();
        for batch in batches {
            if !state.tables.attempts.contains_key(&batch.attempt) {
                return Err(StoreError::NotFound(format!("attempt {}", batch.attempt)));
            }
        }
        let append = |batch: &StepBatch| {
            let known = state.steps.entry(batch.attempt).or_default();
            known.extend_from_slice(continuation(&batch.points, known.len() as u64));
            known.len() as u64
        };
        Ok(batches.iter().map(append).collect())
    }

    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        Ok(Box::new(self.clone()))
    }
}

/// The foreign keys of the SQL stores: a trial has a sweep, attempts and epochs have a trial.
fn check_references(tables: &Tables, mutations: &[Mutation]) -> Result<(), StoreError> {
    let mut sweeps = BTreeSet::new();
    let mut trials = BTreeSet::new();
    for mutation in mutations {
        match mutation {
            Mutation::Sweep(sweep) => _ = sweeps.insert(sweep.id),
            Mutation::Trial(trial) => _ = trials.insert(trial.spec.id),
            _ => {}
        }
    }
    let sweep_exists = |id: SweepId| tables.sweeps.contains_key(&id) || sweeps.contains(&id);
    let trial_exists = |id: TrialId| tables.trials.contains_key(&id) || trials.contains(&id);
    for mutation in mutations {
        let (exists, what) = match mutation {
            Mutation::Trial(trial) => (sweep_exists(trial.spec.id.sweep), trial.spec.id),
            Mutation::Attempt(attempt) => (trial_exists(attempt.id.trial), attempt.id.trial),
            Mutation::Epoch(epoch) => (trial_exists(epoch.trial), epoch.trial),
            _ => continue,
        };
        if !exists {
            return Err(StoreError::NotFound(format!("the parent of a row of trial {what}")));
        }
    }
    Ok(())
}

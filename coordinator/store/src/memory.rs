//! The store that keeps everything in memory: for tests and simulations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coordinator_core::{AuditEntry, AuditSeal, Key, Mutation, Tables};
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

    fn step_bytes(&mut self, from: TrialId) -> Result<u64, StoreError> {
        let state = self.state();
        let first = AttemptId { trial: from, number: 0 };
        let last = AttemptId { trial: TrialId { index: u32::MAX, ..from }, number: u32::MAX };
        let points: usize = state.steps.range(first..=last).map(|(_, points)| points.len()).sum();
        Ok((points * size_of::<StepMetric>()) as u64)
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
                Mutation::Remove(Key::Sweep(id)) => {
                    state.steps.retain(|attempt, _| attempt.trial.sweep != *id);
                }
                Mutation::Remove(Key::Trial(id) | Key::Steps(id)) => {
                    state.steps.retain(|attempt, _| attempt.trial != *id);
                }
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

/// The foreign keys of the SQL stores: a trial and an event of a search have a sweep, attempts and epochs have a trial, once all mutations are applied.
fn check_references(tables: &Tables, mutations: &[Mutation]) -> Result<(), StoreError> {
    let mut sweeps: BTreeMap<SweepId, bool> = BTreeMap::new();
    let mut trials: BTreeMap<TrialId, bool> = BTreeMap::new();
    let mut gone: BTreeSet<SweepId> = BTreeSet::new();
    // Rows that are written: the trial that each is, or is below of, and whether it is the trial itself.
    let mut written: Vec<(TrialId, bool)> = Vec::new();
    for mutation in mutations {
        match mutation {
            Mutation::Sweep(sweep) => _ = sweeps.insert(sweep.id, true),
            Mutation::Trial(trial) => {
                trials.insert(trial.spec.id, true);
                written.push((trial.spec.id, true));
            }
            Mutation::Attempt(attempt) => written.push((attempt.id.trial, false)),
            Mutation::Epoch(epoch) => written.push((epoch.trial, false)),
            // Of the sweep itself, like a trial.
            Mutation::SearchEvent(event) => {
                written.push((TrialId { sweep: event.sweep, index: u32::MAX }, true));
            }
            Mutation::Remove(Key::Sweep(id)) => {
                sweeps.insert(*id, false);
                gone.insert(*id);
                trials.retain(|trial, _| trial.sweep != *id);
                written.retain(|(trial, _)| trial.sweep != *id);
            }
            Mutation::Remove(Key::Trial(id)) => {
                trials.insert(*id, false);
                written.retain(|(trial, _)| trial != id);
            }
            _ => {}
        }
    }
    let sweep_exists = |id: SweepId| sweeps.get(&id).copied().unwrap_or(tables.sweeps.contains_key(&id));
    let trial_exists = |id: TrialId| {
        let before = !gone.contains(&id.sweep) && tables.trials.contains_key(&id);
        trials.get(&id).copied().unwrap_or(before)
    };
    let has_parent = |(trial, is_itself): &(TrialId, bool)| {
        if *is_itself { sweep_exists(trial.sweep) } else { trial_exists(*trial) }
    };
    match written.iter().find(|row| !has_parent(row)) {
        None => Ok(()),
        Some((trial, _)) => Err(StoreError::NotFound(format!("the parent of a row of trial {trial}"))),
    }
}

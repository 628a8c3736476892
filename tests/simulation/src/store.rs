//! The disk of the simulated coordinator: rows in memory that outlive its crashes, watched by the oracle.

use std::sync::PoisonError;
use std::time::Duration;

use coordinator_core::{AuditEntry, AuditSeal, Mutation, Tables};
use coordinator_store::{MemoryStore, StepBatch, Store, StoreError, StoreReader};
use sweep_proto::{AttemptId, StepMetric, TrialId};

use crate::hosts::CoordinatorHost;
use crate::oracle::Oracle;
use crate::planted::Bug;
use crate::random::Random;

/// What a disk does instead of writing.
enum Fault {
    /// It fails with nothing written.
    Before,
    /// It fails with everything written.
    After,
    /// It has no room.
    Full,
}

/// One opened store: what is in it and not in memory yet is lost with its coordinator.
pub struct Disk {
    rows: MemoryStore,
    oracle: Oracle,
    bug: Option<Bug>,
    random: Random,
    faults_permille: u64,
    healed_at: Duration,
    /// Acknowledged and not written: empty without a bug.
    late: Vec<Mutation>,
}

impl Disk {
    /// Opens the rows of a host.
    pub fn open(host: &CoordinatorHost) -> Self {
        let random = host.random.lock().unwrap_or_else(PoisonError::into_inner).split();
        Self {
            rows: host.rows.clone(),
            oracle: host.oracle.clone(),
            bug: host.bug,
            random,
            faults_permille: host.disk_faults_permille,
            healed_at: host.healed_at,
            late: Vec::new(),
        }
    }

    fn fault(&mut self) -> Option<Fault> {
        let is_healed = turmoil::sim_elapsed().is_none_or(|now| now >= self.healed_at);
        if !self.random.permille(self.faults_permille) || is_healed {
            return None;
        }
        self.oracle.corner("disk refused");
        Some(match self.random.below(3) {
            0 => Fault::Before,
            1 => Fault::After,
            _ => Fault::Full,
        })
    }

    fn write(&mut self, mutations: &[Mutation]) -> Result<(), StoreError> {
        self.rows.commit(mutations)?;
        self.oracle.committed(mutations);
        Ok(())
    }
}

impl StoreReader for Disk {
    fn load(&mut self) -> Result<Tables, StoreError> {
        self.rows.load()
    }

    fn read_steps(
        &mut self,
        attempt: AttemptId,
        from: u64,
        max: usize,
    ) -> Result<Vec<StepMetric>, StoreError> {
        self.rows.read_steps(attempt, from, max)
    }

    fn step_bytes(&mut self, from: TrialId) -> Result<u64, StoreError> {
        self.rows.step_bytes(from)
    }

    fn read_audit(&mut self, from: u64, max: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.rows.read_audit(from, max)
    }

    fn read_seal(&mut self) -> Result<Option<AuditSeal>, StoreError> {
        self.rows.read_seal()
    }
}

impl Store for Disk {
    fn commit(&mut self, mutations: &[Mutation]) -> Result<(), StoreError> {
        if self.bug == Some(Bug::ReplyBeforeCommit) {
            let before = std::mem::replace(&mut self.late, mutations.to_vec());
            return self.write(&before);
        }
        match self.fault() {
            None => self.write(mutations),
            Some(Fault::Before) => Err(on_strike()),
            Some(Fault::After) => self.write(mutations).and_then(|()| Err(on_strike())),
            Some(Fault::Full) => Err(full()),
        }
    }

    fn append_steps(&mut self, batches: &[StepBatch]) -> Result<Vec<u64>, StoreError> {
        if self.bug == Some(Bug::StepsNotAppended) {
            let next = |batch: &StepBatch| batch.points.last().map_or(0, |point| point.sequence + 1);
            return Ok(batches.iter().map(next).collect());
        }
        match self.fault() {
            None => self.rows.append_steps(batches),
            Some(Fault::Before) => Err(on_strike()),
            Some(Fault::After) => self.rows.append_steps(batches).and_then(|_| Err(on_strike())),
            Some(Fault::Full) => Err(full()),
        }
    }

    fn reader(&self) -> Result<Box<dyn StoreReader>, StoreError> {
        self.rows.reader()
    }
}

fn on_strike() -> StoreError {
    StoreError::Unavailable("the disk is on strike".to_owned())
}

fn full() -> StoreError {
    StoreError::Full("there is no room".to_owned())
}

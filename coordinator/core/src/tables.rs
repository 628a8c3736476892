//! The durable state as plain ordered tables: what a store loads and what the engine folds.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{AttemptId, Configuration, ConfigurationIndex, SweepId, TokenId, TrialId, WorkerId};

use crate::access::{AuditHead, CertificateId, CertificateRecord, TokenRecord};
use crate::mutation::{Key, Mutation};
use crate::packed::{Packed, Row};
use crate::record::{AttemptRecord, EpochRecord, SearchEventRecord, SweepRecord, TrialRecord, WorkerRecord};

/// Every durable row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Sweeps by number.
    pub sweeps: BTreeMap<SweepId, SweepRecord>,
    /// The largest number that a sweep ever had: no number is given twice, even after its sweep is gone.
    pub last_sweep: u64,
    /// Trials by id: those of one sweep stand together.
    pub trials: Packed<TrialRecord>,
    /// Attempts by id: those of one trial stand together.
    pub attempts: Packed<AttemptRecord>,
    /// Epochs by trial and epoch.
    pub epochs: Packed<EpochRecord>,
    /// The logs of steered searches: events by sweep and number.
    pub search_events: Packed<SearchEventRecord>,
    /// Workers by id.
    pub workers: BTreeMap<WorkerId, WorkerRecord>,
    /// The largest fencing token ever granted.
    pub last_token: u64,
    /// Tokens by id.
    pub tokens: BTreeMap<TokenId, TokenRecord>,
    /// Certificates by serial number.
    pub certificates: BTreeMap<CertificateId, CertificateRecord>,
    /// The end of the audit log, whose entries only a store keeps.
    pub audit: AuditHead,
    /// The last of the entries that were removed from its start.
    pub audit_base: AuditHead,
}

impl Tables {
    /// Takes over what was found of the grids of sweeps that other tables hold, too, so that it is not looked for again.
    pub(crate) fn share_points(&mut self, known: &Self) {
        for sweep in self.sweeps.values_mut() {
            let Some(known) = known.sweeps.get(&sweep.id).map(|known| &known.spec.constraints) else {
                continue;
            };
            let specs = std::iter::once(&mut sweep.spec).chain(sweep.extended_from.as_deref_mut());
            for spec in specs.filter(|spec| spec.constraints == *known) {
                spec.constraints.clone_from(known);
            }
        }
    }
}

impl Row for TrialRecord {
    type Key = TrialId;

    fn key(&self) -> TrialId {
        self.spec.id
    }
}

impl Row for AttemptRecord {
    type Key = AttemptId;

    fn key(&self) -> AttemptId {
        self.id
    }
}

impl Row for EpochRecord {
    type Key = (TrialId, u32);

    fn key(&self) -> (TrialId, u32) {
        (self.trial, self.metric.epoch)
    }
}

impl Row for SearchEventRecord {
    type Key = (SweepId, u64);

    fn key(&self) -> (SweepId, u64) {
        (self.sweep, self.number)
    }
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sweeps, without deleted ones.
    pub sweeps: u64,
    /// Their trials.
    pub trials: u64,
    /// Trials of deleted sweeps: later sweeps reuse them, or they are about to go.
    pub trials_of_deleted: u64,
}

impl Tables {
    /// Counts sweeps and trials.
    pub fn counts(&self) -> Counts {
        let deleted = self.sweeps.values().filter(|sweep| sweep.is_deleted());
        let (mut deleted_sweeps, mut trials_of_deleted) = (0, 0);
        for sweep in deleted {
            deleted_sweeps += 1;
            trials_of_deleted += self.trials_of(sweep.id).count() as u64;
        }
        Counts {
            sweeps: self.sweeps.len() as u64 - deleted_sweeps,
            trials: self.trials.len() as u64 - trials_of_deleted,
            trials_of_deleted,
        }
    }

    /// Applies one mutation. Applying it twice is the same as once.
    pub fn apply(&mut self, mutation: &Mutation) {
        match mutation {
            Mutation::Sweep(sweep) => {
                self.last_sweep = self.last_sweep.max(sweep.id.0);
                self.sweeps.insert(sweep.id, sweep.clone());
            }
            Mutation::Trial(trial) => {
                self.trials.insert(trial.clone());
            }
            Mutation::Attempt(attempt) => {
                self.attempts.insert(attempt.clone());
            }
            Mutation::Epoch(epoch) => {
                self.epochs.insert(epoch.clone());
            }
            Mutation::TruncateEpochs { trial, epoch } => {
                let gone = self.epochs.range((*trial, epoch + 1)..=(*trial, u32::MAX));
                for key in gone.map(Row::key).collect::<Vec<_>>() {
                    self.epochs.remove(&key);
                }
            }
            Mutation::SearchEvent(event) => {
                self.search_events.insert(event.clone());
            }
            Mutation::Worker(worker) => {
                self.workers.insert(worker.id, worker.clone());
            }
            Mutation::LastToken(token) => self.last_token = self.last_token.max(*token),
            Mutation::Token(token) => {
                self.tokens.insert(token.id, token.clone());
            }
            Mutation::Certificate(certificate) => {
                self.certificates.insert(certificate.id, certificate.clone());
            }
            Mutation::Audit(entry) => {
                if entry.sequence > self.audit.sequence {
                    self.audit = entry.head();
                }
            }
            Mutation::AuditBase(base) => self.audit_base = *base,
            Mutation::AuditSeal(_) => {}
            Mutation::Remove(key) => self.remove(*key),
        }
    }

    /// Numbers the configurations of each sweep, in the order in which trials first have them, and lets trials share equal configurations
    /// and datasets, and attempts equal names. To be called by whoever makes rows of stored ones.
    pub fn number_configurations(&mut self) {
        let mut known: BTreeMap<Configuration, ConfigurationIndex> = BTreeMap::new();
        let (mut datasets, mut names) = (BTreeSet::new(), BTreeSet::new());
        let mut sweep = None;
        for trial in self.trials.values_mut() {
            share(&mut datasets, &mut trial.spec.dataset);
            let of = Some(trial.spec.id.sweep);
            if std::mem::replace(&mut sweep, of) != of {
                known.clear();
            }
            let configuration = &mut trial.spec.configuration;
            if let Some((shared, index)) = known.get_key_value(configuration) {
                trial.configuration_index = *index;
                *configuration = shared.clone();
            } else {
                trial.configuration_index = ConfigurationIndex(known.len() as u32);
                known.insert(configuration.clone(), trial.configuration_index);
            }
        }
        self.attempts.values_mut().for_each(|attempt| share(&mut names, &mut attempt.worker_name));
    }

    fn remove(&mut self, key: Key) {
        match key {
            Key::Sweep(id) => {
                self.last_sweep = self.last_sweep.max(id.0);
                let trials: Vec<_> = self.trials_of(id).map(|trial| trial.spec.id).collect();
                trials.into_iter().for_each(|trial| self.remove_trial(trial));
                let events: Vec<_> = self.search_events_of(id).map(Row::key).collect();
                events.iter().for_each(|event| _ = self.search_events.remove(event));
                self.sweeps.remove(&id);
            }
            Key::Trial(id) => self.remove_trial(id),
            Key::Steps(_) => {}
            Key::Worker(id) => _ = self.workers.remove(&id),
            Key::Token(id) => _ = self.tokens.remove(&id),
            Key::Certificate(id) => _ = self.certificates.remove(&id),
        }
    }

    fn remove_trial(&mut self, id: TrialId) {
        let attempts: Vec<_> = self.attempts_of(id).map(|attempt| attempt.id).collect();
        attempts.iter().for_each(|attempt| _ = self.attempts.remove(attempt));
        let epochs: Vec<_> = self.epochs_of(id).map(|epoch| epoch.metric.epoch).collect();
        epochs.iter().for_each(|epoch| _ = self.epochs.remove(&(id, *epoch)));
        self.trials.remove(&id);
    }

    /// What makes these rows true in an empty store, parents first. The audit log is not among it.
    pub fn mutations(&self) -> impl Iterator<Item = Mutation> {
        // The newest sweep may be gone; its number is still taken.
        let last = SweepId(self.last_sweep);
        let is_gone = last.0 > 0 && !self.sweeps.contains_key(&last);
        let gone = is_gone.then_some(Mutation::Remove(Key::Sweep(last))).into_iter();
        let sweeps = self.sweeps.values().cloned().map(Mutation::Sweep);
        let workers = self.workers.values().cloned().map(Mutation::Worker);
        let trials = self.trials.values().cloned().map(Mutation::Trial);
        let attempts = self.attempts.values().cloned().map(Mutation::Attempt);
        let epochs = self.epochs.values().cloned().map(Mutation::Epoch);
        let events = self.search_events.values().cloned().map(Mutation::SearchEvent);
        let tokens = self.tokens.values().cloned().map(Mutation::Token);
        let certificates = self.certificates.values().cloned().map(Mutation::Certificate);
        let access = tokens.chain(certificates);
        let base = (self.audit_base != AuditHead::default()).then_some(Mutation::AuditBase(self.audit_base));
        let last_token = base.into_iter().chain(std::iter::once(Mutation::LastToken(self.last_token)));
        gone.chain(sweeps)
            .chain(workers)
            .chain(trials)
            .chain(attempts)
            .chain(epochs)
            .chain(events)
            .chain(access)
            .chain(last_token)
    }

    /// The trials of a sweep, in order.
    pub fn trials_of(&self, sweep: SweepId) -> impl Iterator<Item = &TrialRecord> {
        let first = TrialId { sweep, index: 0 };
        let last = TrialId { sweep, index: u32::MAX };
        self.trials.range(first..=last)
    }

    /// The events of the log of a steered search, in order.
    pub fn search_events_of(&self, sweep: SweepId) -> impl DoubleEndedIterator<Item = &SearchEventRecord> {
        self.search_events.range((sweep, 0)..=(sweep, u64::MAX))
    }

    /// How many events the log of a steered search has: they have no gap, so the last one's number.
    pub fn search_events_recorded(&self, sweep: SweepId) -> u64 {
        self.search_events.last_in((sweep, 0)..=(sweep, u64::MAX)).map_or(0, |event| event.number)
    }

    /// The attempts of a trial, in order.
    pub fn attempts_of(&self, trial: TrialId) -> impl Iterator<Item = &AttemptRecord> {
        let first = AttemptId { trial, number: 0 };
        let last = AttemptId { trial, number: u32::MAX };
        self.attempts.range(first..=last)
    }

    /// How many epochs of a trial are recorded: they have no gap, so the last one's number.
    pub fn epochs_recorded(&self, trial: TrialId) -> u32 {
        self.epochs.last_in((trial, 0)..=(trial, u32::MAX)).map_or(0, |epoch| epoch.metric.epoch)
    }

    /// The epochs of a trial, in order.
    pub fn epochs_of(&self, trial: TrialId) -> impl DoubleEndedIterator<Item = &EpochRecord> {
        self.epochs.range((trial, 0)..=(trial, u32::MAX))
    }
}

/// Gives a value the memory of an equal one that is known.
pub(crate) fn share<T: Clone + Ord>(known: &mut BTreeSet<T>, value: &mut T) {
    match known.get(value) {
        Some(shared) => *value = shared.clone(),
        None => _ = known.insert(value.clone()),
    }
}

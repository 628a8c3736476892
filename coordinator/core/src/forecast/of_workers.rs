//! How fast the connected workers are, by the trials of all sweeps: what a sweep that was not launched yet would take.

use std::collections::BTreeMap;

use sweep_proto::SweepId;

use super::of_engine::{Kinds, OfRecord};
use super::spread::{TRIAL_ERROR_UNKNOWN, trial_error};
use super::{DataSizes, GAP_SECONDS, Measured, Rates, SlotKind, TRIALS_MEASURED_MAX, Timing, Work};
use crate::engine::Engine;
use crate::record::{TrialRecord, WorkerRecord};

/// Connected slots of one kind, and their rates.
#[derive(Clone, Debug, PartialEq)]
pub struct KindRates {
    /// The kind.
    pub kind: SlotKind,
    /// Workers that have such slots.
    pub workers: u32,
    /// Their slots.
    pub slots: u32,
    /// Their devices.
    pub devices: u32,
    /// The least memory that one of the slots has, in bytes, as far as workers told it.
    pub slot_memory_bytes: Option<u64>,
    /// Trials that the rates rest on.
    pub trials: usize,
    /// Whether those ran on slots of another kind.
    pub is_borrowed: bool,
    /// Seconds per quantity of work; `None` where no trial has run.
    pub rates: Option<Rates>,
    /// Typical error of the time of a trial, relative to it.
    pub error: f64,
    /// Seconds of a trial outside its epochs.
    pub gap_seconds: f64,
    /// Seconds of the longest epoch that was measured; 0 where none was.
    pub longest_epoch_seconds: f64,
}

/// A trial's times, and the work of one of its epochs.
struct Timed<'a> {
    timing: Timing<'a>,
    work: Work,
}

impl Engine {
    /// How fast the slots are that are connected, by the newest trials of every sweep. Reads a bounded number of rows.
    pub fn slot_rates(&self) -> Vec<KindRates> {
        let mut kinds = Kinds::default();
        let timed = self.newest_timings(&mut kinds);
        let mut connected: BTreeMap<SlotKind, Vec<&WorkerRecord>> = BTreeMap::new();
        for worker in self.tables.workers.values().filter(|worker| self.works(worker)) {
            connected.entry(SlotKind::of(&worker.profile)).or_default().push(worker);
        }
        connected
            .into_iter()
            .map(|(kind, workers)| {
                let own: Vec<&Timed<'_>> =
                    timed.iter().filter(|one| kinds.all[one.timing.kind] == kind).collect();
                let alike =
                    || timed.iter().filter(|one| kinds.all[one.timing.kind].device == kind.device).collect();
                let is_borrowed = own.is_empty();
                let base: Vec<&Timed<'_>> = if is_borrowed { alike() } else { own };
                rates_of(kind, &workers, &base, is_borrowed)
            })
            .collect()
    }

    /// Trials that were trained, the newest sweeps' first.
    fn newest_timings(&self, kinds: &mut Kinds) -> Vec<Timed<'_>> {
        let mut timed = Vec::new();
        for (id, index) in self.index.sweeps.iter().rev() {
            let Some(sizes) = self.sweep(*id).map(OfRecord::new) else { continue };
            let trained = index.trained.values().rev().chain(&index.leased);
            for trial in trained.filter_map(|index| self.trial_at(*id, *index)) {
                let work = sizes
                    .of(&trial.spec.configuration)
                    .map(|size| Work::of_epoch(&trial.spec.configuration, &size));
                let Some((timing, work)) = self.timing(trial, kinds).zip(work) else { continue };
                timed.push(Timed { timing, work });
                if timed.len() >= TRIALS_MEASURED_MAX {
                    return timed;
                }
            }
        }
        timed
    }

    fn trial_at(&self, sweep: SweepId, index: u32) -> Option<&TrialRecord> {
        self.tables.trials.get(&sweep_proto::TrialId { sweep, index })
    }
}

fn rates_of(kind: SlotKind, workers: &[&WorkerRecord], base: &[&Timed<'_>], is_borrowed: bool) -> KindRates {
    let measured: Vec<Measured> = base
        .iter()
        .map(|one| Measured {
            work: one.work,
            seconds: one.timing.seconds / f64::from(one.timing.epochs.max(1)),
        })
        .collect();
    let rates = Rates::fit(kind.device, &measured);
    let longest = measured.iter().map(|one| one.seconds).filter(|one| one.is_finite()).fold(0.0, f64::max);
    let mut gaps: Vec<f64> = base.iter().filter_map(|one| one.timing.gap_seconds).collect();
    gaps.sort_by(f64::total_cmp);
    let gap_seconds = gaps.get(gaps.len() / 2).copied().unwrap_or(GAP_SECONDS);
    let errors =
        base.iter().filter(|one| one.timing.is_finished && one.timing.epochs > 0).filter_map(|one| {
            let told = f64::from(one.timing.epochs) * rates.as_ref()?.seconds(&one.work) + gap_seconds;
            let taken = one.timing.seconds + one.timing.gap_seconds.unwrap_or(gap_seconds);
            Some(taken / told - 1.0).filter(|error| error.is_finite())
        });
    let error = trial_error(&errors.collect::<Vec<_>>());
    let sum = |of: &dyn Fn(&WorkerRecord) -> u32| workers.iter().fold(0_u32, |all, one| all + of(one));
    KindRates {
        kind,
        workers: workers.len() as u32,
        slots: sum(&|one| one.profile.slots),
        devices: sum(&|one| one.profile.devices.len().max(1) as u32),
        slot_memory_bytes: workers.iter().filter_map(|one| one.profile.slot_memory_bytes()).min(),
        trials: base.len(),
        is_borrowed,
        rates,
        error: if is_borrowed { error.max(TRIAL_ERROR_UNKNOWN) } else { error },
        gap_seconds,
        longest_epoch_seconds: longest,
    }
}

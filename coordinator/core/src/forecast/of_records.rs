//! The forecast that was to be had in the midst of a sweep that has ended: to hold it against what came.

use std::collections::{BTreeMap, BTreeSet};

use sweep_proto::{TrialId, WorkKind, WorkerId};

use super::of_engine::OfRecord;
use super::{
    Facts, Forecast, Running, SlotKind, TRIALS_FORECAST_MAX, TRIALS_MEASURED_MAX, Timing, forecast, spread,
};
use crate::record::{AttemptRecord, EpochRecord, SweepRecord, TrialRecord, TrialState, WorkerRecord};

/// Completed trials after which a forecast is held against what came.
pub const TRIALS_CHECKED: usize = 10;

/// Most moments of a sweep at which its forecasts are held against its end.
const CHECKS_MAX: usize = 20;

/// The records of one sweep.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The sweep.
    pub sweep: &'a SweepRecord,
    /// Its trials.
    pub trials: &'a [TrialRecord],
    /// Their attempts; others do no harm.
    pub attempts: &'a [AttemptRecord],
    /// Their epochs; others do no harm.
    pub epochs: &'a [EpochRecord],
    /// The workers that took part.
    pub workers: &'a [WorkerRecord],
}

/// A forecast and what came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Check {
    /// Trials that were complete when the forecast was made.
    pub completed: usize,
    /// What was told of the sweep's other trials.
    pub forecast: Forecast,
    /// Seconds that they took.
    pub seconds: f64,
}

/// One trial's way, on the sweep's own clock.
struct Way<'a> {
    trial: &'a TrialRecord,
    attempt: &'a AttemptRecord,
    epochs: Vec<&'a EpochRecord>,
    ended_ms: u64,
}

impl Past<'_> {
    /// The forecast after that number of completed trials, and what came; `None` where there was none, or where trials were lost
    /// on the way, paused or cancelled: then the time that passed is not that of the trials.
    pub fn check(&self, completed: usize) -> Option<Check> {
        self.check_of(&self.ways()?, completed)
    }

    fn check_of(&self, ways: &[Way<'_>], completed: usize) -> Option<Check> {
        let mut ends: Vec<u64> = ways.iter().map(|way| way.ended_ms).collect();
        ends.sort_unstable();
        let at_ms = *ends.get(completed.checked_sub(1)?)?;
        let last_ms = ends.last().copied().filter(|last| *last > at_ms)?;
        let forecast = self.at(ways, at_ms)?;
        Some(Check { completed, forecast, seconds: (last_ms - at_ms) as f64 / 1e3 })
    }

    /// Forecasts at different moments, from [`TRIALS_CHECKED`] completed trials on: how many there were, and how many held the
    /// end in their interval. A bounded number of them is made.
    pub fn held(&self) -> (usize, usize) {
        let Some(ways) = self.ways() else { return (0, 0) };
        let moments = TRIALS_CHECKED..ways.len();
        let every = moments.len().div_ceil(CHECKS_MAX).max(1);
        let checks: Vec<Check> =
            moments.step_by(every).filter_map(|completed| self.check_of(&ways, completed)).collect();
        (checks.len(), checks.iter().filter(|check| check.forecast.holds(check.seconds)).count())
    }

    /// The trials that were trained for this sweep, each in one attempt.
    fn ways(&self) -> Option<Vec<Way<'_>>> {
        let mut attempts: BTreeMap<TrialId, Vec<&AttemptRecord>> = BTreeMap::new();
        for attempt in self.attempts.iter().filter(|one| one.work == WorkKind::Train) {
            attempts.entry(attempt.id.trial).or_default().push(attempt);
        }
        let mut epochs: BTreeMap<TrialId, Vec<&EpochRecord>> = BTreeMap::new();
        for epoch in self.epochs.iter().filter(|one| one.metric.seconds.is_finite()) {
            epochs.entry(epoch.trial).or_default().push(epoch);
        }
        let mut own: Vec<&TrialRecord> =
            self.trials.iter().filter(|trial| trial.reused_from.is_none()).collect();
        // Sums are made in one order, whatever that of the records is.
        own.sort_by_key(|trial| trial.spec.id);
        let ways = own.into_iter().map(|trial| {
            let ended_ms = trial.ended_at.filter(|_| trial.state == TrialState::Completed)?.0;
            let [attempt] = attempts.remove(&trial.spec.id)?.try_into().ok()?;
            let mut epochs = epochs.remove(&trial.spec.id)?;
            epochs.sort_by_key(|epoch| epoch.metric.epoch);
            Some(Way { trial, attempt, epochs, ended_ms })
        });
        ways.collect()
    }

    fn at(&self, ways: &[Way<'_>], at_ms: u64) -> Option<Forecast> {
        let mut kinds: Vec<SlotKind> = Vec::new();
        let mut slots: Vec<u32> = Vec::new();
        let mut kind_of: BTreeMap<WorkerId, usize> = BTreeMap::new();
        let present: BTreeSet<WorkerId> = ways
            .iter()
            .filter(|way| way.attempt.started_at.0 <= at_ms)
            .map(|way| way.attempt.worker)
            .collect();
        let mut workers: Vec<&WorkerRecord> =
            self.workers.iter().filter(|worker| present.contains(&worker.id)).collect();
        workers.sort_by_key(|worker| worker.id);
        for worker in workers {
            let kind = SlotKind::of(&worker.profile);
            let place = kinds.iter().position(|one| *one == kind).unwrap_or_else(|| {
                kinds.push(kind);
                slots.push(0);
                kinds.len() - 1
            });
            slots[place] = slots[place].saturating_add(worker.profile.slots);
            kind_of.insert(worker.id, place);
        }
        let (mut timings, mut running, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for way in ways {
            let configuration = &way.trial.spec.configuration;
            if way.attempt.started_at.0 > at_ms {
                waiting.push((way.trial.spec.replicate, way.trial.spec.id, configuration));
                continue;
            }
            let kind = *kind_of.get(&way.attempt.worker)?;
            let is_finished = way.ended_ms <= at_ms;
            let all: f64 = way.epochs.iter().map(|epoch| epoch.metric.seconds).sum();
            let held = (way.ended_ms.saturating_sub(way.attempt.started_at.0)) as f64 / 1e3;
            let gap_seconds = (held - all).max(0.0);
            let mut moment = way.attempt.started_at.0 as f64 / 1e3 + gap_seconds / 2.0;
            let seen: Vec<&EpochRecord> = way
                .epochs
                .iter()
                .copied()
                .take_while(|epoch| {
                    moment += epoch.metric.seconds;
                    is_finished || moment <= at_ms as f64 / 1e3
                })
                .collect();
            timings.push(Timing {
                configuration,
                kind,
                epochs: seen.len() as u32,
                seconds: seen.iter().map(|epoch| epoch.metric.seconds).sum(),
                gap_seconds: is_finished.then_some(gap_seconds),
                is_finished,
            });
            if !is_finished {
                let loss = |epoch: &&EpochRecord| epoch.metric.validation_loss;
                let best = seen.iter().copied().min_by(|left, right| loss(left).total_cmp(&loss(right)));
                let best = best.map_or(0, |epoch| epoch.metric.epoch);
                let epochs = seen.len() as u32;
                running.push(Running {
                    configuration,
                    kind,
                    epochs,
                    epochs_without_improvement: epochs.saturating_sub(best),
                });
            }
        }
        waiting.sort_by_key(|(replicate, id, _)| (*replicate, *id));
        let (waiting, each) = spread(waiting.len(), TRIALS_FORECAST_MAX, waiting.into_iter());
        forecast(&Facts {
            spec: &self.sweep.spec,
            data: &OfRecord::new(self.sweep),
            kinds,
            slots,
            timings: spread(timings.len(), 2 * TRIALS_MEASURED_MAX, timings.into_iter()).0,
            running,
            waiting: waiting.into_iter().map(|(_, _, configuration)| configuration.clone()).collect(),
            each,
        })
    }
}

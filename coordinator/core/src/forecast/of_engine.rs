//! A forecast from the engine's rows: a bounded number of them, however large the sweep is.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sweep_proto::{AttemptId, Configuration, Hyperparameter, SweepId, TrialId, Value, WorkKind, WorkerId};

use super::{
    DataSize, DataSizes, Facts, Forecast, Running, SlotKind, TRIALS_FORECAST_MAX, TRIALS_MEASURED_MAX,
    Timing, forecast,
};
use crate::engine::Engine;
use crate::index::{Phase, SweepIndex, Turn};
use crate::packed::Packed;
use crate::record::{AttemptState, EpochRecord, SweepRecord, SweepState, TrialRecord, TrialState};
use crate::{quota, source};

/// The sizes of a sweep's datasets, by data variant.
#[derive(Debug)]
pub(crate) struct OfRecord(Vec<(BTreeMap<Hyperparameter, Value>, DataSize)>);

impl OfRecord {
    pub(crate) fn new(sweep: &SweepRecord) -> Self {
        let sized = |record: &crate::record::DatasetRecord| {
            let length = match record.variant.get(&Hyperparameter::MaxLength) {
                Some(Value::Integer(length)) => *length,
                _ => sweep.spec.fixed.max_length(),
            };
            (record.variant.clone(), DataSize::of_record(record, length))
        };
        Self(sweep.datasets.iter().map(sized).collect())
    }
}

impl DataSizes for OfRecord {
    fn of(&self, configuration: &Configuration) -> Option<DataSize> {
        let fits = |variant: &BTreeMap<Hyperparameter, Value>| {
            variant.iter().all(|(one, value)| configuration.get(*one) == *value)
        };
        self.0.iter().find(|(variant, _)| fits(variant)).map(|(_, size)| *size)
    }
}

/// Kinds of slots as they are met.
#[derive(Default)]
pub(super) struct Kinds {
    pub(super) all: Vec<SlotKind>,
    slots: Vec<u32>,
}

impl Kinds {
    pub(super) fn place(&mut self, kind: SlotKind) -> usize {
        self.all.iter().position(|one| *one == kind).unwrap_or_else(|| {
            self.all.push(kind);
            self.slots.push(0);
            self.all.len() - 1
        })
    }

    fn of_worker(&mut self, engine: &Engine, worker: WorkerId) -> Option<usize> {
        let worker = engine.tables.workers.get(&worker)?;
        Some(self.place(SlotKind::of(&worker.profile)))
    }
}

impl Engine {
    /// When a sweep that is open will end. Reads a bounded number of rows.
    pub fn forecast(&self, id: SweepId) -> Option<Forecast> {
        let sweep = self.sweep(id).filter(|sweep| sweep.state == SweepState::Open)?;
        let index = self.index.sweeps.get(&id)?;
        let mut kinds = Kinds::default();
        for worker in self.tables.workers.values().filter(|worker| self.works(worker)) {
            let place = kinds.place(SlotKind::of(&worker.profile));
            kinds.slots[place] = kinds.slots[place].saturating_add(worker.profile.slots);
        }
        // Sweeps with work share the slots evenly, as they are given leases; those of a lower priority wait.
        let priority = Reverse(sweep.spec.priority);
        let is_beside =
            |turn: &&Turn| turn.phase == Phase::Train && turn.sweep != id && turn.priority <= priority;
        let others = self.index.ready.iter().filter(is_beside).count();
        let trial = |index: &u32| self.tables.trials.get(&TrialId { sweep: id, index: *index });
        let training = |one: &&TrialRecord| one.lease.is_some_and(|lease| lease.work == WorkKind::Train);

        let leased: Vec<&TrialRecord> =
            index.leased.iter().take(TRIALS_MEASURED_MAX).filter_map(trial).filter(training).collect();
        let trained = some_of(&index.trained, TRIALS_MEASURED_MAX);
        let timed: Vec<_> = trained.iter().filter_map(trial).chain(leased.iter().copied()).collect();
        let timings: Vec<_> = timed.into_iter().filter_map(|trial| self.timing(trial, &mut kinds)).collect();
        let running = leased.iter().filter_map(|trial| self.running_trial(trial, &mut kinds)).collect();
        let (waiting, each) = waiting(sweep, index, |index| Some(&trial(index)?.spec.configuration));
        let each = each * self.share_of_budget(sweep, index);
        let mut slots = kinds.slots;
        for slots in &mut slots {
            *slots = slots.div_ceil((others as u32).saturating_add(1));
        }
        let longest = timings.iter().map(longest_seconds).fold(0.0, f64::max);
        let left = self.seconds_left(sweep, slots.iter().sum());
        let whole = forecast(&Facts {
            spec: &sweep.spec,
            data: &OfRecord::new(sweep),
            kinds: kinds.all,
            slots,
            timings,
            running,
            waiting,
            each,
        })?;
        let Some(left) = left else { return Some(whole) };
        // What runs when the budget is spent goes on.
        Some(Forecast {
            seconds: whole.seconds.min(left),
            low_seconds: whole.low_seconds.min(left),
            high_seconds: whole.high_seconds.min(left + longest),
        })
    }

    /// The share that a budget of epochs leaves of those that trials which wait or are yet to be made could train.
    fn share_of_budget(&self, sweep: &SweepRecord, index: &SweepIndex) -> f64 {
        let Some(budget) = sweep.spec.search.as_deref().and_then(|search| search.budget.epochs) else {
            return 1.0;
        };
        let left = budget.saturating_sub(self.progress(sweep.id).done);
        let trials = index.pending.len() as u64 + index.unmade();
        let all = trials.saturating_mul(quota::epochs_max(&sweep.spec)).max(1);
        (left as f64 / all as f64).min(1.0)
    }

    /// Seconds until that number of slots have spent the budget of hours or money; `None` without one, and where it is spent.
    fn seconds_left(&self, sweep: &SweepRecord, slots: u32) -> Option<f64> {
        let (_, most_ms) = sweep.spec.metered_ms()?;
        let left_ms = most_ms.saturating_sub(self.held_ms(sweep.id));
        sweep.spent().is_none().then(|| left_ms as f64 / 1e3 / f64::from(slots.max(1)))
    }

    pub(super) fn timing<'a>(&'a self, trial: &'a TrialRecord, kinds: &mut Kinds) -> Option<Timing<'a>> {
        let (mut epochs, mut seconds, mut last) = (0, 0.0, None::<&EpochRecord>);
        for epoch in self.tables.epochs_of(trial.spec.id).filter(|one| one.metric.seconds.is_finite()) {
            (epochs, seconds, last) = (epochs + 1, seconds + epoch.metric.seconds, Some(epoch));
        }
        let number = last?.attempt;
        let attempt = self.tables.attempts.get(&AttemptId { trial: trial.spec.id, number })?;
        let went_through = attempt.first_epoch == 1 && attempt.state == AttemptState::Succeeded;
        let held = attempt.ended_at.filter(|_| went_through).map(|end| end.since_ms(attempt.started_at));
        Some(Timing {
            configuration: &trial.spec.configuration,
            kind: kinds.of_worker(self, attempt.worker)?,
            epochs,
            seconds,
            gap_seconds: held.map(|held_ms| (held_ms as f64 / 1e3 - seconds).max(0.0)),
            is_finished: trial.state == TrialState::Completed,
        })
    }

    fn running_trial<'a>(&self, trial: &'a TrialRecord, kinds: &mut Kinds) -> Option<Running<'a>> {
        let losses = self
            .tables
            .epochs_of(trial.spec.id)
            .map(|epoch| (epoch.metric.epoch, epoch.metric.validation_loss));
        let (mut last, mut best) = (0, (0, f64::INFINITY));
        for (epoch, loss) in losses {
            last = epoch;
            if loss < best.1 {
                best = (epoch, loss);
            }
        }
        Some(Running {
            configuration: &trial.spec.configuration,
            kind: kinds.of_worker(self, trial.lease?.worker)?,
            epochs: last,
            epochs_without_improvement: last - best.0,
        })
    }
}

/// Seconds that a trial of these took.
fn longest_seconds(timing: &Timing<'_>) -> f64 {
    timing.seconds + timing.gap_seconds.unwrap_or(0.0)
}

/// The configurations of trials that wait or are yet to be made, of many some that are evenly spread; and how many each stands for.
fn waiting<'a>(
    sweep: &SweepRecord,
    index: &SweepIndex,
    configuration: impl Fn(&u32) -> Option<&'a Configuration>,
) -> (Vec<Configuration>, f64) {
    let (made, pending) = (index.made(), index.pending.len());
    let count = pending + index.unmade() as usize;
    let every = count.div_ceil(TRIALS_FORECAST_MAX).max(1);
    let pending_some =
        index.pending.values().step_by(every).filter_map(|(_, index)| configuration(index).cloned());
    let source = source::of(sweep, index.tally());
    let unmade = (pending.next_multiple_of(every)..count).step_by(every);
    let unmade = unmade.filter_map(|number| source.foresee(made + (number - pending) as u64));
    let some: Vec<Configuration> = pending_some.chain(unmade).collect();
    let each = count as f64 / some.len().max(1) as f64;
    (some, each)
}

/// At most about `most` of a set of trials, evenly spread over their numbers: as quick for many as for few.
fn some_of(trials: &Packed<u32>, most: usize) -> Vec<u32> {
    let (Some(first), Some(last)) = (trials.first(), trials.last()) else { return Vec::new() };
    if trials.len() <= most {
        return trials.values().copied().collect();
    }
    let every = ((last - first) as usize / most).max(1);
    let from = |number| trials.range(number..=*last).next().copied();
    let mut some: Vec<u32> = (*first..=*last).step_by(every).filter_map(from).collect();
    some.dedup();
    some
}

/// At most `most` of that number of things, evenly spread, and how many each stands for.
pub fn spread<T>(count: usize, most: usize, all: impl Iterator<Item = T>) -> (Vec<T>, f64) {
    let every = count.div_ceil(most).max(1);
    let some: Vec<T> = all.step_by(every).collect();
    let each = count as f64 / some.len().max(1) as f64;
    (some, each)
}

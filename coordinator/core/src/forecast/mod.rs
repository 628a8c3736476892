//! When a sweep will end: what remains, how long each trial takes, and who is at work.
//!
//! The time of an epoch is a sum over quantities of work ([`Work`]), fitted to the epochs that were measured on each kind
//! of device ([`Rates`]). How many epochs a trial trains follows from those that have ended ([`EpochShares`]), and the
//! end from laying what remains onto the slots ([`Schedule`]).

mod bounds;
mod epochs;
mod of_engine;
mod of_records;
mod of_workers;
mod rates;
mod schedule;
mod spread;
mod work;

use sweep_proto::{Configuration, DeviceKind, SweepSpec, WorkerProfile};

pub use bounds::{Bounds, Expected, allowed_share, bounds, likely, some_configurations};
pub use coordinator_search::pruner::OTHERS_MIN;
pub use epochs::{EpochShares, least};
pub use of_engine::spread;
pub use of_records::{Check, Past, TRIALS_CHECKED};
pub use of_workers::KindRates;
pub use rates::{Measured, Rates};
pub use schedule::Schedule;
use spread::Spread;
pub use work::{DataSize, QUANTITIES, Work};

/// Most trials from which times and epochs are taken; of more, every n-th.
pub const TRIALS_MEASURED_MAX: usize = 400;
/// Most waiting trials of which the time is forecast; of more, every n-th stands for n.
pub const TRIALS_FORECAST_MAX: usize = 500;
/// Time from one trial of a slot to the next where nothing was measured yet, in seconds: a process starts, the dataset is
/// mapped, the model is stored.
pub const GAP_SECONDS: f64 = 0.05;

/// Slots that take the same time for the same work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotKind {
    /// What computes.
    pub device: DeviceKind,
    /// The models of a worker's devices.
    pub models: String,
}

impl SlotKind {
    /// The kind of a worker's slots.
    pub fn of(profile: &WorkerProfile) -> Self {
        let is_gpu = profile.devices.iter().any(|device| device.kind == DeviceKind::Cuda);
        let mut models: Vec<&str> = profile.devices.iter().map(|device| device.model.as_str()).collect();
        models.sort_unstable();
        models.dedup();
        let device = if is_gpu { DeviceKind::Cuda } else { DeviceKind::Cpu };
        Self { device, models: models.join(" + ") }
    }
}

/// What a trial has taken so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing<'a> {
    /// What was trained.
    pub configuration: &'a Configuration,
    /// The kind of its slot, as a place in [`Facts::kinds`].
    pub kind: usize,
    /// Epochs trained.
    pub epochs: u32,
    /// Seconds of these epochs together.
    pub seconds: f64,
    /// Seconds under the lease outside epochs, where the trial went through in one attempt.
    pub gap_seconds: Option<f64>,
    /// Whether it has come to its own end.
    pub is_finished: bool,
}

/// A trial under a lease.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Running<'a> {
    /// What is trained.
    pub configuration: &'a Configuration,
    /// The kind of its slot.
    pub kind: usize,
    /// Epochs trained.
    pub epochs: u32,
    /// Epochs since the best one.
    pub epochs_without_improvement: u32,
}

/// What a forecast is made from.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The sweep.
    pub spec: &'a SweepSpec,
    /// The encoded datasets, by the data hyperparameters of a configuration.
    pub data: &'a dyn DataSizes,
    /// Kinds of slots.
    pub kinds: Vec<SlotKind>,
    /// Slots at work, by kind.
    pub slots: Vec<u32>,
    /// Trials that were trained, wholly or in part.
    pub timings: Vec<Timing<'a>>,
    /// Trials that run.
    pub running: Vec<Running<'a>>,
    /// Trials that wait, in their order.
    pub waiting: Vec<Configuration>,
    /// How many trials each of `waiting` stands for.
    pub each: f64,
}

/// Finds the sizes of the dataset that a configuration trains on.
pub trait DataSizes: std::fmt::Debug {
    /// The sizes; `None` where there is no such dataset.
    fn of(&self, configuration: &Configuration) -> Option<DataSize>;
}

/// When a sweep will end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Seconds from now.
    pub seconds: f64,
    /// Lower end of the interval, in seconds: nine of ten forecasts hold the end between the two.
    pub low_seconds: f64,
    /// Its upper end.
    pub high_seconds: f64,
}

impl Forecast {
    /// Whether the interval holds an end that came after that number of seconds.
    pub fn holds(&self, seconds: f64) -> bool {
        (self.low_seconds..=self.high_seconds).contains(&seconds)
    }
}

/// Forecasts the end; `None` where nothing was measured, nothing is left, or nobody is at work.
pub fn forecast(facts: &Facts<'_>) -> Option<Forecast> {
    let models = Models::of(facts)?;
    let running = facts.running.iter().map(|one| Some((one.kind, models.remaining_seconds(facts, one)?)));
    let waiting = facts.waiting.iter().map(|one| models.trial_seconds(facts, one));
    let schedule = Schedule {
        slots: facts.slots.clone(),
        running: running.collect::<Option<_>>()?,
        waiting: waiting.collect::<Option<_>>()?,
        each: facts.each,
    };
    let seconds = schedule.seconds()?;
    let half = models.spread(facts).half_seconds(&schedule, seconds);
    Some(Forecast { seconds, low_seconds: (seconds - half).max(0.0), high_seconds: seconds + half })
}

/// What was learnt from the trials so far.
struct Models {
    /// By kind of slot.
    rates: Vec<Rates>,
    shares: EpochShares,
    gap_seconds: f64,
}

impl Models {
    fn of(facts: &Facts<'_>) -> Option<Self> {
        let finished: Vec<_> = facts
            .timings
            .iter()
            .filter(|one| one.is_finished && one.epochs > 0)
            .map(|one| (one.configuration, one.epochs))
            .collect();
        let mut gaps: Vec<f64> = facts.timings.iter().filter_map(|one| one.gap_seconds).collect();
        gaps.sort_by(f64::total_cmp);
        Some(Self {
            rates: rates(facts)?,
            shares: EpochShares::of(&finished, &facts.spec.swept()),
            gap_seconds: gaps.get(gaps.len() / 2).copied().unwrap_or(GAP_SECONDS),
        })
    }

    /// Seconds of a whole trial on a slot of each kind.
    fn trial_seconds(&self, facts: &Facts<'_>, configuration: &Configuration) -> Option<Vec<f64>> {
        let work = Work::of_epoch(configuration, &facts.data.of(configuration)?);
        let epochs = self.shares.expected(configuration);
        Some(self.rates.iter().map(|rates| epochs * rates.seconds(&work) + self.gap_seconds).collect())
    }

    /// How far the model missed the trials that have ended.
    fn spread(&self, facts: &Facts<'_>) -> Spread {
        let finished = facts.timings.iter().filter(|one| one.is_finished && one.epochs > 0);
        let errors = finished.filter_map(|one| {
            let told = *self.trial_seconds(facts, one.configuration)?.get(one.kind)?;
            let taken = one.seconds + one.gap_seconds.unwrap_or(self.gap_seconds);
            Some(taken / told - 1.0).filter(|error| error.is_finite())
        });
        Spread::of(&errors.collect::<Vec<_>>())
    }

    /// Seconds until a running trial ends: on average, half of the next epoch is done.
    fn remaining_seconds(&self, facts: &Facts<'_>, one: &Running<'_>) -> Option<f64> {
        let work = Work::of_epoch(one.configuration, &facts.data.of(one.configuration)?);
        let configured = one.configuration.epochs() as f64;
        let done = f64::from(one.epochs);
        let patience = one.configuration.patience() as f64;
        let patient = done + (patience - f64::from(one.epochs_without_improvement)).max(1.0);
        let expected = self.shares.expected(one.configuration).max(patient).min(configured);
        let epochs = (expected - done - 0.5).max(0.0);
        Some(epochs * self.rates.get(one.kind)?.seconds(&work) + self.gap_seconds / 2.0)
    }
}

/// The rates of each kind of slot; a kind of which nothing was measured has those of the others like it.
fn rates(facts: &Facts<'_>) -> Option<Vec<Rates>> {
    let measured = |of: &dyn Fn(usize) -> bool| -> Vec<Measured> {
        let timings = facts.timings.iter().filter(|one| one.epochs > 0 && of(one.kind));
        timings
            .filter_map(|one| {
                let work = Work::of_epoch(one.configuration, &facts.data.of(one.configuration)?);
                Some(Measured { work, seconds: one.seconds / f64::from(one.epochs) })
            })
            .collect()
    };
    let each = facts.kinds.iter().enumerate().map(|(place, kind)| {
        Rates::fit(kind.device, &measured(&|one| one == place))
            .or_else(|| Rates::fit(kind.device, &measured(&|one| facts.kinds[one].device == kind.device)))
            .or_else(|| Rates::fit(kind.device, &measured(&|_| true)))
    });
    each.collect()
}

//! How long the sweep takes on the measured slots, between which bounds, and what that costs.

use coordinator_core::forecast::{
    DataSizes, GAP_SECONDS, Rates, Schedule, TRIALS_FORECAST_MAX, Work, least, spread,
};
use coordinator_report::{Price, price_of};
use serde::Serialize;
use sweep_proto::{Configuration, Hyperparameter, SweepSpec};

use super::data::Sizes;
use super::measure::Machine;

/// Error of a time that rests on a few batches: other hours of the same machine, configurations between the measured
/// ones. Forecasts of recorded sweeps from the cheapest and the dearest configuration stay within it
/// (`coordinator/core/tests/forecast.rs`).
const ERROR: f64 = 0.35;
/// Seconds of an hour.
const HOUR_SECONDS: f64 = 3_600.0;

/// The time of a sweep.
#[derive(Debug, Serialize)]
pub(super) struct PlannedTime {
    /// Slots that share it.
    pub(super) slots: u32,
    /// What they compute on.
    pub(super) device: String,
    /// Seconds if every trial trains all its epochs.
    pub(super) seconds: f64,
    /// Seconds if every trial runs out of patience as early as it can, and this machine is as fast as it may be.
    pub(super) seconds_low: f64,
    /// Seconds if every trial trains all its epochs, and this machine is as slow as it may be.
    pub(super) seconds_high: f64,
    /// Seconds of all trials together.
    pub(super) slot_seconds: f64,
    /// Configurations that were measured.
    pub(super) measured: usize,
    /// `null` without a price that fits the device.
    pub(super) money: Option<PlannedMoney>,
}

/// What the time costs, in the currency of the price.
#[derive(Debug, Serialize)]
pub(super) struct PlannedMoney {
    /// For every epoch.
    pub(super) total: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The time on a measured machine; `None` where nothing was measured.
pub(super) fn time(
    spec: &SweepSpec,
    sizes: &Sizes,
    machine: &Machine,
    prices: &[Price],
) -> Option<PlannedTime> {
    let rates = machine.rates.as_ref()?;
    let starts = machine.speeds.iter().map(|(_, speed)| speed.start_seconds);
    let gap_seconds = GAP_SECONDS.max(starts.sum::<f64>() / machine.speeds.len().max(1) as f64);
    let plan = Trials { spec, sizes, rates, gap_seconds, slots: machine.profile.slots };
    let all = plan.seconds(|one| one.integer(Hyperparameter::Epochs) as f64)?;
    let few = plan.seconds(least)?;
    let models: Vec<&str> = machine.profile.devices.iter().map(|device| device.model.as_str()).collect();
    let device = models.join(" + ");
    let devices = machine.profile.devices.len().max(1) as f64 / f64::from(machine.profile.slots.max(1));
    let money = price_of(&device, prices).map(|price| {
        let of = |seconds: f64| seconds * devices / HOUR_SECONDS * price;
        PlannedMoney {
            total: of(all.sum),
            low: of(few.sum * (1.0 - ERROR)),
            high: of(all.sum * (1.0 + ERROR)),
        }
    });
    Some(PlannedTime {
        slots: machine.profile.slots,
        device,
        seconds: all.until_the_end,
        seconds_low: few.until_the_end * (1.0 - ERROR),
        seconds_high: all.until_the_end * (1.0 + ERROR),
        slot_seconds: all.sum,
        measured: machine.speeds.len(),
        money,
    })
}

struct Trials<'a> {
    spec: &'a SweepSpec,
    sizes: &'a Sizes,
    rates: &'a Rates,
    gap_seconds: f64,
    slots: u32,
}

struct Seconds {
    until_the_end: f64,
    /// Of all trials.
    sum: f64,
}

impl Trials<'_> {
    /// The time if each trial trains so many epochs; trials go replicate by replicate, as they are handed out.
    fn seconds(&self, epochs: impl Fn(&Configuration) -> f64) -> Option<Seconds> {
        let count = self.spec.grid_size()?;
        let (positions, each) = spread(count as usize, 20 * TRIALS_FORECAST_MAX, 0..count);
        let trial = |configuration: &Configuration| {
            let work = Work::of_epoch(configuration, &self.sizes.of(configuration)?);
            Some(epochs(configuration) * self.rates.seconds(&work) + self.gap_seconds)
        };
        let configurations: Vec<_> =
            positions.into_iter().filter_map(|position| self.spec.configuration(position)).collect();
        let once: Vec<f64> = configurations.iter().filter_map(trial).collect();
        let replicates = f64::from(self.spec.replicates);
        let sum = once.iter().sum::<f64>() * each * replicates;
        // Many trials are as good as their sum; of few, each has its place.
        let trials = self.spec.trial_count()?;
        let (waiting, each): (Vec<Vec<f64>>, f64) = if trials <= 2 * TRIALS_FORECAST_MAX as u64 {
            ((0..self.spec.replicates).flat_map(|_| once.iter().map(|one| vec![*one])).collect(), 1.0)
        } else {
            (once.iter().map(|one| vec![*one]).collect(), each * replicates)
        };
        let training = Schedule { slots: vec![self.slots], running: Vec::new(), waiting, each }.seconds()?;
        Some(Seconds { until_the_end: training + self.evaluation_seconds(&configurations), sum })
    }

    /// The chosen configuration's trials are measured on the test split; it may be the dearest one.
    fn evaluation_seconds(&self, configurations: &[Configuration]) -> f64 {
        let each = configurations.iter().filter_map(|one| {
            let work = Work::of_evaluation(one, &self.sizes.of(one)?);
            Some(self.rates.seconds(&work) + self.gap_seconds)
        });
        let rounds = self.spec.replicates.div_ceil(self.slots.max(1));
        each.fold(0.0, f64::max) * f64::from(rounds)
    }
}

//! How long the sweep takes on slots whose rates are known, between which bounds, and what that costs.

use coordinator_core::forecast::{
    DataSizes, Rates, Schedule, TRIALS_FORECAST_MAX, Work, bounds, least, spread,
};
use coordinator_report::{Price, price_of};
use serde::Serialize;
use sweep_proto::{Configuration, SweepSpec};

use super::data::Sizes;
use super::searched;

/// How much longer than the longest measured epoch a planned one may be for its time to be more than a guess.
pub(super) const FAR_EPOCH: f64 = 3.0;
/// How far such a guess may be off: rates of short epochs tell of what they do beside their products.
pub(super) const FAR_FACTOR: f64 = 4.0;
/// Seconds of an hour.
pub(super) const HOUR_SECONDS: f64 = 3_600.0;

/// Slots of one kind, and what is known of their speed.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    /// What they compute on.
    pub(super) device: String,
    /// Whether that is a GPU.
    pub(super) is_gpu: bool,
    /// How many there are.
    pub(super) count: u32,
    /// Devices that they share.
    pub(super) devices: u32,
    /// Seconds per quantity of work.
    pub(super) rates: Rates,
    /// Seconds of a trial outside its epochs: a process starts, data and weights are sent, the next trial is asked for.
    pub(super) gap_seconds: f64,
    /// Seconds of an epoch beside its training; 0 where they are part of `gap_seconds`.
    pub(super) epoch_gap_seconds: f64,
    /// Seconds of a measurement on the test split beside the pass over it.
    pub(super) evaluation_gap_seconds: f64,
    /// Seconds of the longest epoch that the rates rest on; `None` where the dearest configuration was measured itself.
    pub(super) longest_epoch_seconds: Option<f64>,
    /// Half of the interval, relative to the time.
    pub(super) error: f64,
    /// Trials that the rates rest on; 0 where a few batches were measured here.
    pub(super) trials: u64,
    /// Workers that have the slots; 0 where it is this machine.
    pub(super) workers: u32,
}

/// The time of a sweep.
#[derive(Debug, Serialize)]
pub(super) struct PlannedTime {
    /// Slots that share it.
    pub(super) slots: u32,
    /// What they compute on.
    pub(super) device: String,
    /// Seconds if every trial trains all its epochs; of a search, where one in `eta` goes on from each rung and its budget bounds it.
    pub(super) seconds: f64,
    /// Seconds if every trial runs out of patience and is pruned as early as it can, and the slots are as fast as they may be.
    pub(super) seconds_low: f64,
    /// Seconds if every trial trains all its epochs, and the slots are as slow as they may be.
    pub(super) seconds_high: f64,
    /// Seconds of all trials together; of a search as far as its budget allows.
    pub(super) slot_seconds: f64,
    /// The lower end of their interval.
    pub(super) slot_seconds_low: f64,
    /// The upper end.
    pub(super) slot_seconds_high: f64,
    /// Trials that a budget of hours or money has room for; `null` without one.
    pub(super) room: Option<Room>,
    /// Configurations that were measured here; 0 where the rates are those of a coordinator's workers.
    pub(super) measured: usize,
    /// Trials of the coordinator's workers that the rates rest on; 0 where they were measured here.
    pub(super) trials: u64,
    /// Workers that are connected; 0 where the time is that of this machine.
    pub(super) workers: u32,
    /// Whether epochs are planned that are much longer than those that the rates rest on: the time is a guess then.
    pub(super) is_far: bool,
    /// `null` without a price that fits every device.
    pub(super) money: Option<PlannedMoney>,
}

/// How many trials a budget of hours or money has room for.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Room {
    /// If they take as long as they may.
    pub(super) few: u64,
    pub(super) about: u64,
    /// If they end as early as they can.
    pub(super) many: u64,
}

/// What the time costs, in the currency of the price.
#[derive(Debug, Serialize)]
pub(super) struct PlannedMoney {
    /// For every epoch.
    pub(super) total: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The time on some slots; `None` where no rate is known. `launch_seconds` pass before the first trial.
pub(super) fn time(
    spec: &SweepSpec,
    sizes: &Sizes,
    kinds: &[Slots],
    launch_seconds: f64,
    prices: &[Price],
) -> Option<PlannedTime> {
    if spec.search.as_ref().is_some_and(|search| !search.is_of_grid()) {
        return searched::time(spec, sizes, kinds, launch_seconds, prices);
    }
    let plan = Trials { spec, sizes, kinds };
    let all = plan.seconds(|one| one.epochs() as f64)?;
    let bounds = bounds(spec);
    let share_kept = bounds.epochs_least as f64 / bounds.epochs.max(1) as f64;
    let few = plan.seconds(|one| least(one).min(share_kept * one.epochs() as f64))?;
    let devices: Vec<&str> = kinds.iter().map(|one| one.device.as_str()).collect();
    // The slowest trials may run on the kind that is known least.
    let error = kinds.iter().map(|one| one.error).fold(0.0, f64::max);
    let is_far = plan.is_far();
    let [least_of, most_of] =
        if is_far { [1.0 / FAR_FACTOR, FAR_FACTOR] } else { [1.0 - error, 1.0 + error] };
    let money = |busy: &Seconds| -> Option<f64> {
        let each = kinds.iter().zip(&busy.by_kind).map(|(kind, seconds)| {
            let devices = f64::from(kind.devices) / f64::from(kind.count.max(1));
            Some(seconds * devices / HOUR_SECONDS * price_of(&kind.device, prices)?)
        });
        each.sum()
    };
    let money = money(&all).zip(money(&few)).map(|(total, least)| PlannedMoney {
        total,
        low: least * least_of,
        high: total * most_of,
    });
    Some(PlannedTime {
        slots: kinds.iter().map(|one| one.count).sum(),
        device: devices.join(" and "),
        seconds: launch_seconds + all.until_the_end,
        seconds_low: launch_seconds + few.until_the_end * least_of,
        seconds_high: launch_seconds + all.until_the_end * most_of,
        slot_seconds: all.by_kind.iter().sum(),
        slot_seconds_low: few.by_kind.iter().sum::<f64>() * least_of,
        slot_seconds_high: all.by_kind.iter().sum::<f64>() * most_of,
        room: None,
        measured: 0,
        trials: kinds.iter().map(|one| one.trials).sum(),
        workers: kinds.iter().map(|one| one.workers).sum(),
        is_far,
        money,
    })
}

struct Trials<'a> {
    spec: &'a SweepSpec,
    sizes: &'a Sizes,
    kinds: &'a [Slots],
}

struct Seconds {
    until_the_end: f64,
    /// Of the trials that each kind of slots is expected to train.
    by_kind: Vec<f64>,
}

impl Trials<'_> {
    /// The time if each trial trains so many epochs; trials go replicate by replicate, as they are handed out.
    fn seconds(&self, epochs: impl Fn(&Configuration) -> f64) -> Option<Seconds> {
        let count = self.spec.grid_size()?;
        let (positions, each) = spread(count as usize, 20 * TRIALS_FORECAST_MAX, 0..count);
        let trial = |configuration: &Configuration| -> Option<Vec<f64>> {
            let work = Work::of_epoch(configuration, &self.sizes.of(configuration)?);
            let seconds = |kind: &Slots| {
                let of_epoch = kind.rates.seconds(&work) + kind.epoch_gap_seconds;
                epochs(configuration) * of_epoch + kind.gap_seconds
            };
            Some(self.kinds.iter().map(seconds).collect())
        };
        let configurations: Vec<_> =
            positions.into_iter().filter_map(|position| self.spec.configuration(position)).collect();
        let once: Vec<Vec<f64>> = configurations.iter().filter_map(trial).collect();
        let replicates = f64::from(self.spec.replicates);
        let by_kind = self.shared(&once, each * replicates);
        // Many trials are as good as their sum; of few, each has its place.
        let trials = self.spec.trial_count()?;
        let (waiting, each): (Vec<Vec<f64>>, f64) = if trials <= 2 * TRIALS_FORECAST_MAX as u64 {
            ((0..self.spec.replicates).flat_map(|_| once.iter().cloned()).collect(), 1.0)
        } else {
            (once, each * replicates)
        };
        let slots = self.kinds.iter().map(|one| one.count).collect();
        let training = Schedule { slots, running: Vec::new(), waiting, each }.seconds()?;
        Some(Seconds { until_the_end: training + self.evaluation_seconds(&configurations), by_kind })
    }

    /// Whether the longest planned epoch is much longer than what was measured.
    fn is_far(&self) -> bool {
        let count = self.spec.grid_size().unwrap_or(0);
        let (positions, _) = spread(count as usize, 20 * TRIALS_FORECAST_MAX, 0..count);
        let works = positions
            .into_iter()
            .filter_map(|position| self.spec.configuration(position))
            .filter_map(|one| Some(Work::of_epoch(&one, &self.sizes.of(&one)?)));
        let works: Vec<Work> = works.collect();
        self.kinds.iter().any(|kind| {
            let longest = works.iter().map(|work| kind.rates.seconds(work)).fold(0.0, f64::max);
            kind.longest_epoch_seconds.is_some_and(|measured| longest > FAR_EPOCH * measured)
        })
    }

    /// Seconds that the slots of each kind train: each takes as much of the work as it is fast.
    fn shared(&self, once: &[Vec<f64>], each: f64) -> Vec<f64> {
        let sums: Vec<f64> =
            (0..self.kinds.len()).map(|kind| once.iter().map(|one| one[kind]).sum::<f64>() * each).collect();
        let speeds: Vec<f64> =
            self.kinds.iter().zip(&sums).map(|(kind, sum)| f64::from(kind.count) / sum).collect();
        let all: f64 = speeds.iter().sum();
        sums.iter().zip(&speeds).map(|(sum, speed)| sum * speed / all).collect()
    }

    /// The chosen configuration's trials are measured on the test split; it may be the dearest one.
    fn evaluation_seconds(&self, configurations: &[Configuration]) -> f64 {
        let slowest = |one: &Configuration| {
            let work = Work::of_evaluation(one, &self.sizes.of(one)?);
            let each = self.kinds.iter().map(|kind| kind.rates.seconds(&work) + kind.evaluation_gap_seconds);
            Some(each.fold(0.0, f64::max))
        };
        let slots = self.kinds.iter().map(|one| one.count).sum::<u32>();
        let rounds = self.spec.replicates.div_ceil(slots.max(1));
        configurations.iter().filter_map(slowest).fold(0.0, f64::max) * f64::from(rounds)
    }
}

#[cfg(test)]
mod tests {
    use sweep_proto::DeviceKind;

    use super::*;

    fn spec() -> SweepSpec {
        let text = "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\nunits = [8, 16]\n[train]\nreplicates = 10\n";
        sweep_proto::sweep_file::parse("test.toml", text).expect("a valid file")
    }

    fn slots(device: &str, count: u32, gap_seconds: f64) -> Slots {
        Slots {
            device: device.to_owned(),
            is_gpu: false,
            count,
            devices: 1,
            rates: Rates::reference(DeviceKind::Cpu),
            gap_seconds,
            epoch_gap_seconds: 0.0,
            evaluation_gap_seconds: gap_seconds,
            longest_epoch_seconds: Some(60.0),
            error: 0.2,
            trials: 12,
            workers: 1,
        }
    }

    #[test]
    fn more_kinds_of_slots_share_the_time_and_each_has_its_price() {
        let spec = spec();
        let sizes = Sizes::new(&spec, None);
        let price = |device: &str, per_device_hour| Price { device: device.into(), per_device_hour };
        let prices = [price("desk", 3.6), price("vm", 7.2)];
        let [desk, vm] = [slots("desk", 2, 1.0), slots("vm", 2, 1.0)];
        let one = time(&spec, &sizes, std::slice::from_ref(&desk), 0.0, &prices).expect("rates");
        let both = time(&spec, &sizes, &[desk.clone(), vm.clone()], 0.0, &prices).expect("rates");
        assert!(both.seconds < 0.6 * one.seconds, "{} {}", both.seconds, one.seconds);
        assert_eq!((both.slots, both.trials, both.workers), (4, 24, 2));
        let (one, both) = (one.money.expect("priced"), both.money.expect("priced"));
        assert!((both.total / one.total - 1.5).abs() < 1e-9, "half of the work at twice the price");
        assert!(time(&spec, &sizes, &[desk, vm], 0.0, &prices[..1]).expect("rates").money.is_none());
        assert!(time(&spec, &sizes, &[], 0.0, &[]).is_none(), "nobody works");
    }

    #[test]
    fn the_shortest_time_is_that_of_trials_that_are_pruned_at_once() {
        let whole = spec();
        let text = "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\nunits = [8, 16]\n[search]\npruner = \"asha\"\n[train]\nreplicates = 10\n";
        let pruned = sweep_proto::sweep_file::parse("test.toml", text).expect("a valid file");
        let of = |spec: &SweepSpec| {
            time(spec, &Sizes::new(spec, None), &[slots("desk", 2, 0.0)], 0.0, &[]).expect("rates")
        };
        let (whole, pruned) = (of(&whole), of(&pruned));
        assert!((whole.seconds_high - pruned.seconds_high).abs() < 1e-9);
        assert!(pruned.seconds_low < 0.6 * whole.seconds_low, "{} {}", pruned.seconds_low, whole.seconds_low);
    }

    #[test]
    fn a_time_that_rests_on_much_shorter_epochs_is_called_a_guess() {
        let spec = spec();
        let sizes = Sizes::new(&spec, None);
        let of = |longest: f64| {
            let slots = Slots { longest_epoch_seconds: Some(longest), ..slots("desk", 2, 1.0) };
            time(&spec, &sizes, &[slots], 0.0, &[]).expect("rates")
        };
        let (near, far) = (of(60.0), of(1e-6));
        assert!(!near.is_far && far.is_far);
        assert!(far.seconds_high > 2.0 * near.seconds_high && far.seconds_low < near.seconds_low);
    }

    #[test]
    fn what_a_trial_takes_beside_its_epochs_counts() {
        let spec = spec();
        let sizes = Sizes::new(&spec, None);
        let of = |gap| time(&spec, &sizes, &[slots("desk", 2, gap)], 1.0, &[]).expect("rates").seconds;
        // Twenty trials and ten measurements on two slots.
        assert!((of(1.0) - of(0.0) - 15.0).abs() < 1e-6, "{} {}", of(1.0), of(0.0));
    }
}

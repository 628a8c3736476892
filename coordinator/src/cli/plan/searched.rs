//! How long a search takes, and how many trials its hours and money allow: by configurations that its sampler may propose.

use coordinator_core::forecast::{
    Bounds, DataSizes, Expected, Work, bounds, least, likely, some_configurations,
};
use coordinator_report::{Price, price_of};
use sweep_proto::{Configuration, SweepSpec};

use super::data::Sizes;
use super::time::{FAR_EPOCH, FAR_FACTOR, HOUR_SECONDS, PlannedMoney, PlannedTime, Room, Slots};

/// Configurations that are looked at.
const CONFIGURATIONS: u64 = 500;

/// The time of a search on some slots; `None` where no rate is known, or no configuration is found.
pub(super) fn time(
    spec: &SweepSpec,
    sizes: &Sizes,
    kinds: &[Slots],
    launch_seconds: f64,
    prices: &[Price],
) -> Option<PlannedTime> {
    let some = some_configurations(spec, CONFIGURATIONS);
    let pace = Pace::of(&some, sizes, kinds)?;
    let bounds = bounds(spec);
    let [few, about, many] = amounts(spec, &bounds, &some).map(|amount| pace.taken_by(&amount));
    let error = kinds.iter().map(|one| one.error).fold(0.0, f64::max);
    let is_far = kinds.iter().any(|kind| {
        let longest = some.iter().filter_map(|one| epoch_seconds(one, sizes, kind)).fold(0.0, f64::max);
        kind.longest_epoch_seconds.is_some_and(|measured| longest > FAR_EPOCH * measured)
    });
    let [least_of, most_of] =
        if is_far { [1.0 / FAR_FACTOR, FAR_FACTOR] } else { [1.0 - error, 1.0 + error] };
    let of_trial = [few.of_trial * least_of, about.of_trial, many.of_trial * most_of];
    let budget = spec.metered_ms().map(|(_, most_ms)| most_ms as f64 / 1e3);
    let spent = |slot_seconds: f64| budget.map_or(slot_seconds, |budget| budget.min(slot_seconds));
    let slot_seconds =
        [few.slot_seconds * least_of, about.slot_seconds, many.slot_seconds * most_of].map(spent);
    // What runs when nothing waits any more, or the budget is spent, goes on.
    let until =
        |slot_seconds: f64, of_trial: f64| launch_seconds + slot_seconds / pace.slots + of_trial / 2.0;
    let device = kinds.iter().map(|one| one.device.as_str()).collect::<Vec<_>>().join(" and ");
    let price = pace.price(kinds, prices).or_else(|| own_price(spec));
    let money = price.map(|price| {
        let [low, total, high] = slot_seconds.map(|seconds| seconds / HOUR_SECONDS * price);
        PlannedMoney { total, low, high }
    });
    Some(PlannedTime {
        slots: kinds.iter().map(|one| one.count).sum(),
        device,
        seconds: until(slot_seconds[1], of_trial[1]),
        seconds_low: until(slot_seconds[0], of_trial[0]),
        seconds_high: until(slot_seconds[2], of_trial[2]),
        slot_seconds: slot_seconds[1],
        slot_seconds_low: slot_seconds[0],
        slot_seconds_high: slot_seconds[2],
        room: budget.map(|budget| {
            // One is trained in any case.
            let fitting = |seconds: f64| ((budget / seconds) as u64).clamp(1, bounds.trials.max(1));
            let [many, about, few] = of_trial.map(fitting);
            Room { few, about, many }
        }),
        measured: 0,
        trials: kinds.iter().map(|one| one.trials).sum(),
        workers: kinds.iter().map(|one| one.workers).sum(),
        is_far,
        money,
    })
}

/// What an hour of a slot costs by the sweep file.
fn own_price(spec: &SweepSpec) -> Option<f64> {
    Some(spec.search.as_deref()?.budget.price_per_hour?.get())
}

/// How many trials and epochs: where every trial ends as early as it can, as is likely, and where all train every epoch.
fn amounts(spec: &SweepSpec, bounds: &Bounds, some: &[Configuration]) -> [Expected; 3] {
    let likely = likely(spec);
    let trials = likely.trials;
    let of_trial = some.iter().map(least).sum::<f64>() / some.len().max(1) as f64;
    let least = (trials as f64 * of_trial) as u64;
    let most = bounds.epochs.max(likely.epochs);
    [bounds.epochs_least.min(least.max(1)), likely.epochs, most]
        .map(|epochs| Expected { trials, epochs: epochs.max(trials) })
}

fn epoch_seconds(configuration: &Configuration, sizes: &Sizes, kind: &Slots) -> Option<f64> {
    Some(kind.rates.seconds(&Work::of_epoch(configuration, &sizes.of(configuration)?)))
}

/// How fast slots train what a sampler may propose.
struct Pace {
    slots: f64,
    /// Of each kind: how many slots, and the mean seconds of an epoch and of what a trial takes beside.
    kinds: Vec<(f64, f64, f64)>,
}

/// What some trials take.
struct Taken {
    slot_seconds: f64,
    /// Of one trial on average.
    of_trial: f64,
}

impl Pace {
    fn of(some: &[Configuration], sizes: &Sizes, kinds: &[Slots]) -> Option<Self> {
        let epochs: f64 = some.iter().map(|one| one.epochs() as f64).sum();
        let of_kind = |kind: &Slots| {
            let seconds = some.iter().map(|one| Some(one.epochs() as f64 * epoch_seconds(one, sizes, kind)?));
            let seconds: f64 = seconds.sum::<Option<f64>>()?;
            let of_epoch = seconds / epochs + kind.epoch_gap_seconds;
            Some((f64::from(kind.count), of_epoch, kind.gap_seconds))
        };
        let kinds: Vec<_> = kinds.iter().map(of_kind).collect::<Option<_>>()?;
        let slots: f64 = kinds.iter().map(|(count, ..)| count).sum();
        (slots > 0.0 && epochs > 0.0).then_some(Self { slots, kinds })
    }

    /// Each kind of slots takes as many of the trials as it is fast.
    fn taken_by(&self, amount: &Expected) -> Taken {
        let epochs = amount.epochs as f64 / amount.trials.max(1) as f64;
        let trials_per_second: f64 =
            self.kinds.iter().map(|(count, of_epoch, gap)| count / (epochs * of_epoch + gap)).sum();
        let of_trial = self.slots / trials_per_second;
        Taken { slot_seconds: amount.trials as f64 * of_trial, of_trial }
    }

    /// What an hour of a slot costs on average; `None` without a price for every device.
    fn price(&self, kinds: &[Slots], prices: &[Price]) -> Option<f64> {
        let of_kind = |kind: &Slots| Some(f64::from(kind.devices) * price_of(&kind.device, prices)?);
        Some(kinds.iter().map(of_kind).sum::<Option<f64>>()? / self.slots)
    }
}

#[cfg(test)]
mod tests {
    use coordinator_core::forecast::Rates;
    use sweep_proto::DeviceKind;

    use super::*;

    fn spec(search: &str) -> SweepSpec {
        let text = format!(
            "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\ndropout = {{ min = 0, max = 0.5 }}\n[search]\n{search}\n[train]\nepochs = 9\n"
        );
        sweep_proto::sweep_file::parse("test.toml", &text).expect("a valid file")
    }

    /// Slots whose time lies beside the epochs: two seconds of each, and one of each trial.
    fn slots(count: u32) -> Slots {
        Slots {
            device: "desk".to_owned(),
            is_gpu: false,
            count,
            devices: 1,
            rates: Rates::reference(DeviceKind::Cpu),
            gap_seconds: 1.0,
            epoch_gap_seconds: 2.0,
            evaluation_gap_seconds: 0.0,
            longest_epoch_seconds: None,
            error: 0.2,
            trials: 0,
            workers: 0,
        }
    }

    fn planned(search: &str, count: u32) -> PlannedTime {
        let spec = spec(search);
        time(&spec, &Sizes::new(&spec, None), &[slots(count)], 0.0, &[]).expect("rates")
    }

    #[test]
    fn a_search_takes_what_its_trials_take_together() {
        let one = planned("trials = 40", 1);
        // Nineteen seconds of each trial, and little for an epoch of no rows.
        assert!((one.slot_seconds / (40.0 * 19.0) - 1.0).abs() < 0.1, "{one:?}");
        assert!((one.slot_seconds_low / one.slot_seconds - 0.8).abs() < 0.01, "{one:?}");
        assert!((one.slot_seconds_high / one.slot_seconds - 1.2).abs() < 0.01, "{one:?}");
        let two = planned("trials = 40", 2);
        assert!(two.seconds < 0.55 * one.seconds && one.room.is_none() && one.money.is_none());
        let halved = planned("trials = 40\npruner = \"asha\"", 1);
        assert!(halved.slot_seconds < 0.5 * one.slot_seconds, "{halved:?}");
        assert!(halved.slot_seconds_high > one.slot_seconds, "none may be pruned: {halved:?}");
    }

    #[test]
    fn hours_and_money_allow_as_many_trials_as_fit() {
        let hours = planned("hours = 1.9", 2);
        let room = hours.room.expect("a budget");
        assert!((330..=360).contains(&room.about), "{room:?}");
        assert!((270..=300).contains(&room.few) && (410..=450).contains(&room.many), "{room:?}");
        assert!((hours.slot_seconds - 6_840.0).abs() < 1e-6 && hours.seconds < 3_500.0, "{hours:?}");
        let endless = planned("hours = 10000", 1);
        let room = endless.room.expect("a budget");
        assert_eq!((room.few, room.many), (10_000, 10_000), "such a search has no more trials");
        assert!((endless.slot_seconds / (10_000.0 * 19.0) - 1.0).abs() < 0.03, "{endless:?}");
        assert_eq!(planned("hours = 0.001", 1).room.expect("a budget").about, 1);
        let money = planned("money = 10\nprice_per_hour = 4", 2);
        let cost = money.money.expect("its own price");
        assert!((cost.total - 10.0).abs() < 1e-6 && (cost.high - 10.0).abs() < 1e-6, "{cost:?}");
        let enough = planned("trials = 4\nhours = 100", 1);
        assert!((enough.slot_seconds / (4.0 * 19.0) - 1.0).abs() < 0.1, "{enough:?}");
    }
}

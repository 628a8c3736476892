//! What each worker and each device model did for the sweep, in device hours and, where prices are given, in money.
//!
//! An attempt holds one slot of its worker while it has its lease; a device that several slots share is charged to each of them
//! in equal parts. What a device idles is not counted: nobody says what it was rented for.

use std::collections::{BTreeMap, BTreeSet};

use coordinator_core::{AttemptRecord, AttemptState, WorkerRecord};
use sweep_proto::{AttemptId, TrialId, WorkKind, WorkerId};

use crate::input::{Price, ReportInput};
use crate::model::{Energy, Money, Usage};
use crate::table::is_finite;

/// What stands for the device of a worker that the records do not hold.
pub const UNKNOWN: &str = "unknown";
/// Milliseconds of an hour.
const HOUR_MS: f64 = 3_600_000.0;
/// Joules of a watt-hour.
const WATT_HOUR_JOULES: f64 = 3_600.0;

/// The usage of the sweep's ended attempts.
pub struct Usages {
    /// By worker, in the order of their names.
    pub by_worker: Vec<Usage>,
    /// By device model, in the order of their names.
    pub by_device: Vec<Usage>,
    /// In money; `None` without a price that fits a device.
    pub money: Option<Money>,
}

/// Of the attempts of these trials.
pub fn usages(input: &ReportInput, own: &BTreeSet<TrialId>) -> Usages {
    let records: BTreeMap<WorkerId, &WorkerRecord> =
        input.workers.iter().map(|worker| (worker.id, worker)).collect();
    let mut workers: BTreeMap<WorkerId, (String, Meter)> = BTreeMap::new();
    let mut worker_of: BTreeMap<AttemptId, WorkerId> = BTreeMap::new();
    // Sums are made in one order, whatever that of the records is.
    let mut attempts: Vec<_> =
        input.attempts.iter().filter(|attempt| own.contains(&attempt.id.trial)).collect();
    attempts.sort_by_key(|attempt| attempt.id);
    let mut epochs: Vec<_> = input.epochs.iter().filter(|epoch| is_finite(&epoch.metric)).collect();
    epochs.sort_by_key(|epoch| (epoch.trial, epoch.metric.epoch, epoch.attempt));
    for attempt in attempts {
        worker_of.insert(attempt.id, attempt.worker);
        let record = records.get(&attempt.worker).copied();
        let (name, meter) = workers.entry(attempt.worker).or_default();
        *name = record.map_or_else(|| attempt.worker_name.to_string(), |one| one.profile.name.clone());
        meter.attempt(attempt, record.map_or(1.0, devices_per_slot));
    }
    for epoch in epochs {
        let attempt = AttemptId { trial: epoch.trial, number: epoch.attempt };
        if let Some((_, meter)) = worker_of.get(&attempt).and_then(|worker| workers.get_mut(worker)) {
            meter.epochs += 1;
            meter.rates += epoch.metric.examples_per_second;
            meter.energy(epoch.metric.energy_joules);
        }
    }
    let mut by_device: BTreeMap<String, Meter> = BTreeMap::new();
    let mut by_worker = Vec::new();
    for (id, (name, meter)) in workers {
        let device = device_of(records.get(&id).copied());
        by_device.entry(device.clone()).or_default().add(&meter);
        by_worker.push(meter.usage(name, device, &input.prices));
    }
    // A stable sort: workers of one name stay in the order of their identities.
    by_worker.sort_by(|left, right| left.name.cmp(&right.name));
    let by_device: Vec<Usage> = by_device
        .into_iter()
        .map(|(device, meter)| meter.usage(device.clone(), device, &input.prices))
        .collect();
    Usages { money: money(&by_device), by_worker, by_device }
}

/// The part of a device that one slot has.
fn devices_per_slot(worker: &WorkerRecord) -> f64 {
    worker.profile.devices.len().max(1) as f64 / f64::from(worker.profile.slots.max(1))
}

fn device_of(worker: Option<&WorkerRecord>) -> String {
    let models: BTreeSet<&str> =
        worker.into_iter().flat_map(|one| &one.profile.devices).map(|device| device.model.as_str()).collect();
    if models.is_empty() { UNKNOWN.to_owned() } else { models.into_iter().collect::<Vec<_>>().join(" + ") }
}

/// Counts what was done.
#[derive(Default)]
struct Meter {
    attempts: u64,
    trials: u64,
    epochs: u64,
    /// Sum over epochs of the examples per second.
    rates: f64,
    energy_joules: f64,
    /// Epochs of which the energy is known.
    energy_epochs: u64,
    lease_ms: f64,
    device_ms: f64,
    lost_device_ms: f64,
}

impl Meter {
    fn attempt(&mut self, attempt: &AttemptRecord, devices: f64) {
        self.attempts += 1;
        let has_result = attempt.state == AttemptState::Succeeded;
        self.trials += u64::from(has_result && attempt.work == WorkKind::Train);
        let held_ms = attempt.charged_ms() as f64;
        // Members of a group have equal parts of its slot.
        let devices = devices / f64::from(attempt.members.max(1));
        self.lease_ms += held_ms;
        self.device_ms += held_ms * devices;
        self.lost_device_ms += attempt.lost_ms() as f64 * devices;
    }

    fn energy(&mut self, joules: Option<f64>) {
        self.energy_joules += joules.unwrap_or_default();
        self.energy_epochs += u64::from(joules.is_some());
    }

    fn add(&mut self, other: &Meter) {
        self.attempts += other.attempts;
        self.trials += other.trials;
        self.epochs += other.epochs;
        self.rates += other.rates;
        self.energy_joules += other.energy_joules;
        self.energy_epochs += other.energy_epochs;
        self.lease_ms += other.lease_ms;
        self.device_ms += other.device_ms;
        self.lost_device_ms += other.lost_device_ms;
    }

    fn usage(&self, name: String, device: String, prices: &[Price]) -> Usage {
        let price = price_of(&device, prices);
        let device_hours = self.device_ms / HOUR_MS;
        Usage {
            name,
            device,
            attempts: self.attempts,
            trials: self.trials,
            epochs: self.epochs,
            examples_per_second: Some(self.rates / self.epochs as f64).filter(|rate| rate.is_finite()),
            lease_seconds: self.lease_ms / 1_000.0,
            device_hours,
            lost_device_hours: self.lost_device_ms / HOUR_MS,
            price_per_device_hour: price,
            money: price.map(|price| price * device_hours).filter(|money| money.is_finite()),
            energy: (self.energy_epochs > 0).then(|| Energy {
                watt_hours: self.energy_joules / WATT_HOUR_JOULES,
                epochs: self.energy_epochs,
            }),
        }
    }
}

/// The price of a device: of those that name a part of its model the longest, else the one for all.
pub fn price_of(device: &str, prices: &[Price]) -> Option<f64> {
    let device = device.to_lowercase();
    prices
        .iter()
        .filter(|price| price.per_device_hour.is_finite() && price.per_device_hour >= 0.0)
        .filter(|price| device.contains(&price.device.to_lowercase()))
        .max_by_key(|price| price.device.chars().count())
        .map(|price| price.per_device_hour)
}

fn money(devices: &[Usage]) -> Option<Money> {
    let mut sums: Option<Money> = None;
    let mut unpriced_device_hours = 0.0;
    for one in devices {
        match one.price_per_device_hour.zip(one.money) {
            None => unpriced_device_hours += one.device_hours,
            Some((price, money)) => {
                let sums = sums.get_or_insert(Money { total: 0.0, lost: 0.0, unpriced_device_hours: 0.0 });
                sums.total += money;
                sums.lost += price * one.lost_device_hours;
            }
        }
    }
    sums.map(|sums| Money { unpriced_device_hours, ..sums }).filter(|sums| sums.total.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_that_fits_has_the_price() {
        let price = |device: &str, per_device_hour| Price { device: device.into(), per_device_hour };
        let prices = [price("", 1.0), price("h100", 2.0), price("H100 NVL", 3.0), price("bad", f64::NAN)];
        let of = |device| price_of(device, &prices);
        assert_eq!(of("NVIDIA H100 80GB"), Some(2.0));
        assert_eq!(of("NVIDIA H100 NVL"), Some(3.0));
        assert_eq!(of("a bad cpu"), Some(1.0));
        assert_eq!(price_of("a cpu", &prices[1..]), None);
    }
}

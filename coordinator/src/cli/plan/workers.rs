//! The connected workers of a coordinator, and how fast their trials were.

use coordinator_core::forecast::Rates;
use sweep_proto::wire::{DeviceKind, RatesRequest, SlotRates};

use super::super::Context;
use super::super::exit::Failure;
use super::super::find::{self, Found};
use super::super::output::plain;
use super::footprint::Offered;
use super::time::Slots;

/// Deviations to both sides that hold nine of ten, and the error that other hours and other levels add.
const DEVIATIONS: f64 = 1.645;
/// See [`DEVIATIONS`].
const ERROR_MIN: f64 = 0.05;
/// Beyond this the rates of a few batches tell no less.
const ERROR_MAX: f64 = 0.35;

/// What a coordinator tells of its workers.
#[derive(Debug, Default)]
pub(super) struct Connected {
    /// Kinds of slots with their rates.
    pub(super) slots: Vec<Slots>,
    /// The least memory that one of their slots has, in bytes.
    pub(super) slot_memory_bytes: Option<u64>,
    /// What is missing.
    pub(super) notes: Vec<String>,
}

impl Connected {
    /// What its slots offer.
    pub(super) fn offered(&self) -> Offered {
        let count = self.slots.iter().map(|one| one.count).sum();
        Offered {
            slots: (count > 0).then_some(count),
            is_gpu: self.slots.iter().any(|one| one.is_gpu),
            slot_memory_bytes: self.slot_memory_bytes,
            measured: Vec::new(),
        }
    }
}

/// Asks the coordinator that was named, or that runs in the data folder; `None` where there is none.
pub(super) async fn ask(context: &Context) -> Result<Option<Connected>, Failure> {
    let is_named = context.wanted.server.as_deref().is_some_and(|server| !server.trim().is_empty());
    // A plan needs no data folder.
    let is_there = is_named || matches!(find::find(&context.wanted), Ok(Found::Running(_)));
    if !is_there {
        return Ok(None);
    }
    let kinds = context.connect().await?.rates(RatesRequest {}).await?.into_inner().kinds;
    Ok(Some(connected(kinds)))
}

fn connected(kinds: Vec<SlotRates>) -> Connected {
    let mut connected = Connected {
        slot_memory_bytes: kinds.iter().filter_map(|kind| kind.slot_memory_bytes).min(),
        ..Connected::default()
    };
    let remedy = "`--measure` measures this machine";
    if kinds.is_empty() {
        connected.notes.push(format!("no time is told: no worker is connected to the coordinator; {remedy}"));
    }
    for kind in kinds {
        let rates = <[f64; 8]>::try_from(kind.seconds_per_unit.as_slice()).ok().and_then(Rates::of_units);
        let Some(rates) = rates else {
            connected.notes.push(format!(
                "no time is told of {} slots of {}: no trial has run on such a device; {remedy}",
                kind.slots,
                plain(&kind.models)
            ));
            continue;
        };
        if kind.is_borrowed {
            connected.notes.push(format!(
                "the time of {} follows from trials on other devices: none has run on it yet",
                plain(&kind.models)
            ));
        }
        connected.slots.push(slots(&kind, rates));
    }
    connected
}

fn slots(kind: &SlotRates, rates: Rates) -> Slots {
    let of_trial = kind.error.filter(|error| error.is_finite()).unwrap_or(ERROR_MAX);
    Slots {
        device: kind.models.clone(),
        is_gpu: kind.device() == DeviceKind::Cuda,
        count: kind.slots,
        devices: kind.devices,
        rates,
        gap_seconds: kind.gap_seconds.max(0.0),
        epoch_gap_seconds: 0.0,
        evaluation_gap_seconds: kind.gap_seconds.max(0.0),
        longest_epoch_seconds: Some(kind.longest_epoch_seconds),
        error: (DEVIATIONS * of_trial.hypot(ERROR_MIN)).min(ERROR_MAX),
        trials: kind.trials,
        workers: kind.workers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_said() {
        assert!(connected(Vec::new()).notes[0].contains("no worker is connected"));
        let unknown = SlotRates { slots: 4, models: "a GPU".into(), ..SlotRates::default() };
        let told = connected(vec![unknown.clone()]);
        assert!(told.slots.is_empty() && told.notes[0].contains("no trial has run"), "{:?}", told.notes);
        let borrowed = SlotRates { seconds_per_unit: vec![1e-9; 8], is_borrowed: true, ..unknown.clone() };
        let told = connected(vec![borrowed]);
        assert!(told.slots.len() == 1 && told.notes[0].contains("other devices"), "{:?}", told.notes);
        let broken = SlotRates { seconds_per_unit: vec![f64::NAN; 8], ..unknown };
        assert!(connected(vec![broken]).slots.is_empty());
    }
}

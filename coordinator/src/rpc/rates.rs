//! How fast the connected workers are, as messages.

use coordinator_core::Engine;
use coordinator_core::forecast::KindRates;
use sweep_proto::{DeviceKind, wire};
use tonic::Status;

use super::{Shared, status};

/// The rates of every kind of connected slot.
pub(super) async fn rates(shared: &Shared) -> Result<wire::RatesReply, Status> {
    let look = |engine: &Engine, _| engine.slot_rates();
    let kinds = shared.driver.read(look).await.map_err(status::of_driver)?;
    Ok(wire::RatesReply { kinds: kinds.into_iter().map(message).collect() })
}

fn message(kind: KindRates) -> wire::SlotRates {
    let device = match kind.kind.device {
        DeviceKind::Cpu => wire::DeviceKind::Cpu,
        DeviceKind::Cuda => wire::DeviceKind::Cuda,
    };
    wire::SlotRates {
        device: device.into(),
        models: kind.kind.models,
        workers: kind.workers,
        slots: kind.slots,
        devices: kind.devices,
        slot_memory_bytes: kind.slot_memory_bytes,
        trials: kind.trials as u64,
        is_borrowed: kind.is_borrowed,
        error: kind.rates.is_some().then_some(kind.error),
        seconds_per_unit: kind.rates.map(|rates| rates.per_unit().to_vec()).unwrap_or_default(),
        gap_seconds: kind.gap_seconds,
        longest_epoch_seconds: kind.longest_epoch_seconds,
    }
}

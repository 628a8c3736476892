//! The energy of each epoch, from the counter of the slot's device.

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use sweep_proto::convert::ENERGY_JOULES_MAX;
use worker_trainer::DeviceChoice;

use crate::gpu::{self, CudaEnvironment};

/// Counts the energy that a device has taken.
pub(super) trait EnergyCounter {
    /// Millijoules since some moment, the same one until the driver is loaded anew; `None` where that is not told.
    fn millijoules(&self) -> Option<u64>;
}

/// Gives a slot its part of what its device takes in an epoch.
pub(super) struct EnergyMeter {
    /// `None` where the device has no counter.
    counter: Option<Box<dyn EnergyCounter>>,
    /// Slots that share the device in equal parts.
    slots: u32,
    /// The counter at the begin of the epoch; `None` where no whole epoch is being measured.
    begun_at: Option<u64>,
}

impl EnergyMeter {
    /// Over the device that a slot trains on. Processors have no counter here.
    pub(super) fn of_device(device: DeviceChoice, slots: u32) -> Self {
        let counter = match device {
            DeviceChoice::Cuda(ordinal) => GpuCounter::open(ordinal),
            DeviceChoice::Cpu | DeviceChoice::Auto => None,
        };
        Self::new(counter.map(|counter| Box::new(counter) as Box<dyn EnergyCounter>), slots)
    }

    /// Over any counter.
    pub(super) fn new(counter: Option<Box<dyn EnergyCounter>>, slots: u32) -> Self {
        Self { counter, slots: slots.max(1), begun_at: None }
    }

    /// An epoch begins. One that an earlier attempt began is not measured: its first part was spent elsewhere.
    pub(super) fn begin(&mut self, is_resumed: bool) {
        self.begun_at = if is_resumed { None } else { self.read() };
    }

    /// The epoch has ended: its joules. `None` where the device does not tell, or its counter began anew on the way.
    pub(super) fn end(&mut self) -> Option<f64> {
        let begun_at = self.begun_at.take()?;
        let millijoules = self.read()?.checked_sub(begun_at)?;
        let joules = millijoules as f64 / 1_000.0 / f64::from(self.slots);
        // A counter that jumps shall not cost the epoch: the coordinator refuses such a number.
        (joules <= ENERGY_JOULES_MAX).then_some(joules)
    }

    fn read(&self) -> Option<u64> {
        self.counter.as_ref()?.millijoules()
    }
}

/// The counter of one NVIDIA GPU.
struct GpuCounter {
    nvml: Nvml,
    bus_id: String,
}

impl GpuCounter {
    /// Of CUDA's device of this number; `None` where it has none, or which GPU that is cannot be known.
    fn open(ordinal: usize) -> Option<Self> {
        let nvml = Nvml::init().inspect_err(unknown).ok()?;
        let gpus = gpu::of_library(&nvml).inspect_err(unknown).ok()?;
        let gpu = CudaEnvironment::of_process().certain(ordinal, &gpus)?;
        let counter = Self { nvml, bus_id: gpu.bus_id.clone() };
        counter.energy().inspect_err(unknown).ok()?;
        Some(counter)
    }

    fn energy(&self) -> Result<u64, NvmlError> {
        let device = self.nvml.device_by_pci_bus_id(self.bus_id.as_str())?;
        // The counter is that of the whole GPU, and this slot has an unknown part of it.
        if device.mig_mode().is_ok_and(|mode| mode.current != 0) {
            return Err(NvmlError::NotSupported);
        }
        device.total_energy_consumption()
    }
}

impl EnergyCounter for GpuCounter {
    fn millijoules(&self) -> Option<u64> {
        self.energy().ok()
    }
}

fn unknown(error: &NvmlError) {
    tracing::debug!(%error, "the energy of the GPU is unknown");
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::*;

    /// Readings, slots, and the joules that follow.
    type Case = (&'static [Option<u64>], u32, Option<f64>);

    struct Scripted(RefCell<VecDeque<Option<u64>>>);

    impl EnergyCounter for Scripted {
        fn millijoules(&self) -> Option<u64> {
            self.0.borrow_mut().pop_front().expect("no reading beyond the script")
        }
    }

    fn meter(readings: &[Option<u64>], slots: u32) -> EnergyMeter {
        let counter = Scripted(RefCell::new(readings.iter().copied().collect()));
        EnergyMeter::new(Some(Box::new(counter)), slots)
    }

    #[test]
    fn an_epoch_has_what_the_counter_grew_by_in_equal_parts() {
        let table: [Case; 9] = [
            (&[Some(1_000), Some(4_500)], 1, Some(3.5)),
            (&[Some(1_000), Some(4_500)], 2, Some(1.75)),
            (&[Some(1_000), Some(4_500)], 0, Some(3.5)),
            (&[Some(7), Some(7)], 1, Some(0.0)),
            // The driver was loaded anew.
            (&[Some(4_500), Some(1_000)], 1, None),
            (&[Some(0), None], 1, None),
            // Nothing to take it from: the end is not read.
            (&[None], 1, None),
            (&[Some(0), Some(u64::MAX)], 1, None),
            (&[Some(u64::MAX - 2_000), Some(u64::MAX)], 1, Some(2.0)),
        ];
        for (readings, slots, expected) in table {
            let mut meter = meter(readings, slots);
            meter.begin(false);
            assert_eq!(meter.end(), expected, "{readings:?} over {slots} slots");
        }
    }

    #[test]
    fn an_epoch_that_began_elsewhere_is_unknown_and_the_next_one_is_not() {
        let mut meter = meter(&[Some(10_000), Some(12_000)], 1);
        assert_eq!(meter.end(), None, "nothing has begun");
        meter.begin(true);
        assert_eq!(meter.end(), None);
        meter.begin(false);
        assert_eq!(meter.end(), Some(2.0));
        assert_eq!(meter.end(), None, "each epoch is told once");
    }

    #[test]
    fn a_processor_has_no_counter() {
        for device in [DeviceChoice::Cpu, DeviceChoice::Auto] {
            let mut meter = EnergyMeter::of_device(device, 1);
            meter.begin(false);
            assert_eq!(meter.end(), None);
        }
    }

    #[test]
    fn a_machine_without_the_library_has_no_counter_either() {
        // No machine has so many GPUs.
        let mut meter = EnergyMeter::of_device(DeviceChoice::Cuda(100_000), 1);
        meter.begin(false);
        assert_eq!(meter.end(), None);
    }
}

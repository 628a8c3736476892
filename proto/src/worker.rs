//! What a worker says of itself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where the numbers are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// Processor cores.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
}

/// One device of a worker's machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What it is.
    pub kind: DeviceKind,
    /// Its number among the devices of its kind.
    pub ordinal: u32,
    /// Its model name.
    pub model: String,
    /// Its memory in bytes.
    pub memory_bytes: u64,
}

impl fmt::Display for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DeviceKind::Cpu => write!(formatter, "cpu ({})", self.model),
            DeviceKind::Cuda => write!(formatter, "cuda:{} ({})", self.ordinal, self.model),
        }
    }
}

/// What a worker tells when it registers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerProfile {
    /// The machine's name, for people.
    pub name: String,
    /// The worker's program version.
    pub build: String,
    /// Groups of trials that it runs side by side.
    pub slots: u32,
    /// The devices that its slots use.
    pub devices: Vec<Device>,
    /// Most members of a group: trials that one slot trains together. Earlier versions train one.
    #[serde(default = "crate::left_out::one", skip_serializing_if = "crate::left_out::is_one")]
    pub group: u32,
}

impl WorkerProfile {
    /// The memory that each slot has where all train at once, in bytes; `None` where the worker does not tell.
    pub fn slot_memory_bytes(&self) -> Option<u64> {
        let all = self.devices.iter().fold(0_u64, |all, device| all.saturating_add(device.memory_bytes));
        (all > 0).then(|| all / u64::from(self.slots.max(1)))
    }
}

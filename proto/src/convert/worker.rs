//! Workers, their devices and the protocol version.

use super::{ConvertError, required};
use crate::protocol::{GROUP_MAX, ProtocolVersion};
use crate::text::is_steering;
use crate::wire;
use crate::worker::{Device, DeviceKind, WorkerProfile};

/// Most slots of one worker.
const SLOTS_MAX: u32 = 1_024;
/// Most devices of one worker.
const DEVICES_MAX: usize = 256;
/// Most characters of a name.
const NAME_CHARACTERS_MAX: usize = 200;

/// A name that people will see. Control characters could steer their terminals, or forge lines of a log.
fn name(text: &str, field: &'static str) -> Result<String, ConvertError> {
    if let Some(control) = text.chars().find(|one| is_steering(*one)) {
        let problem = format!("it holds the control character U+{:04X}", u32::from(control));
        return Err(ConvertError::invalid(field, problem));
    }
    Ok(text.chars().take(NAME_CHARACTERS_MAX).collect())
}

impl From<ProtocolVersion> for wire::ProtocolVersion {
    fn from(version: ProtocolVersion) -> Self {
        Self { major: version.major, minor: version.minor }
    }
}

impl From<wire::ProtocolVersion> for ProtocolVersion {
    fn from(message: wire::ProtocolVersion) -> Self {
        Self { major: message.major, minor: message.minor }
    }
}

impl From<Device> for wire::Device {
    fn from(device: Device) -> Self {
        let kind = match device.kind {
            DeviceKind::Cpu => wire::DeviceKind::Cpu,
            DeviceKind::Cuda => wire::DeviceKind::Cuda,
        };
        Self {
            kind: kind.into(),
            ordinal: device.ordinal,
            model: device.model,
            memory_bytes: device.memory_bytes,
        }
    }
}

impl TryFrom<wire::Device> for Device {
    type Error = ConvertError;
    fn try_from(message: wire::Device) -> Result<Self, ConvertError> {
        let kind = match message.kind() {
            wire::DeviceKind::Unspecified => return Err(ConvertError::Missing("kind")),
            wire::DeviceKind::Cpu => DeviceKind::Cpu,
            wire::DeviceKind::Cuda => DeviceKind::Cuda,
        };
        Ok(Self {
            kind,
            ordinal: message.ordinal,
            model: name(&message.model, "model")?,
            memory_bytes: message.memory_bytes,
        })
    }
}

impl From<WorkerProfile> for wire::WorkerProfile {
    fn from(profile: WorkerProfile) -> Self {
        Self {
            name: profile.name,
            build: profile.build,
            slots: profile.slots,
            devices: profile.devices.into_iter().map(Into::into).collect(),
            group: profile.group,
        }
    }
}

impl TryFrom<wire::WorkerProfile> for WorkerProfile {
    type Error = ConvertError;
    fn try_from(message: wire::WorkerProfile) -> Result<Self, ConvertError> {
        if message.slots == 0 || message.slots > SLOTS_MAX {
            return Err(ConvertError::invalid(
                "slots",
                format!("{} is not within 1 and {SLOTS_MAX}", message.slots),
            ));
        }
        if message.group > GROUP_MAX {
            return Err(ConvertError::invalid(
                "group",
                format!("{} is more than {GROUP_MAX}", message.group),
            ));
        }
        if message.devices.len() > DEVICES_MAX {
            return Err(ConvertError::invalid("devices", format!("more than {DEVICES_MAX}")));
        }
        let named = name(&message.name, "name")?;
        if named.trim().is_empty() {
            return Err(ConvertError::invalid("name", "it is empty"));
        }
        Ok(Self {
            name: named,
            build: name(&message.build, "build")?,
            slots: message.slots,
            devices: message.devices.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            // Versions before 1.2 do not say.
            group: message.group.max(1),
        })
    }
}

/// The version in a registration.
///
/// # Errors
/// [`ConvertError::Missing`] where there is none.
pub fn protocol_version(message: Option<wire::ProtocolVersion>) -> Result<ProtocolVersion, ConvertError> {
    required(message, "protocol").map(Into::into)
}

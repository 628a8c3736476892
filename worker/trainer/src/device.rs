//! Which device a trial runs on: parsing the choice and opening the device.

use std::fmt;
use std::str::FromStr;

use candle_core::Device;
use thiserror::Error;

use crate::error::TrainError;

/// `cpu`, `cuda:N` or `auto`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The CPU.
    Cpu,
    /// The CUDA device of that number.
    Cuda(usize),
    /// `cuda:0` where this build has CUDA and a device is present, else the CPU.
    #[default]
    Auto,
}

/// Text that names no device.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("a device is \"cpu\", \"cuda:N\" or \"auto\", not \"{0}\"")]
pub struct DeviceChoiceError(String);

impl FromStr for DeviceChoice {
    type Err = DeviceChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "auto" => Ok(Self::Auto),
            _ => text
                .strip_prefix("cuda:")
                .filter(|number| number.len() <= 3 && number.bytes().all(|digit| digit.is_ascii_digit()))
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| DeviceChoiceError(text.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(number) => write!(formatter, "cuda:{number}"),
            Self::Auto => formatter.write_str("auto"),
        }
    }
}

impl DeviceChoice {
    /// Opens the device.
    pub(crate) fn open(self) -> Result<Device, TrainError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(number) => Device::new_cuda(number)
                .map_err(|source| TrainError::Device { device: self.to_string(), source: Box::new(source) }),
            Self::Auto if candle_core::utils::cuda_is_available() => {
                Ok(Device::new_cuda(0).unwrap_or(Device::Cpu))
            }
            Self::Auto => Ok(Device::Cpu),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_as_they_are_written() {
        for text in ["cpu", "auto", "cuda:0", "cuda:11"] {
            assert_eq!(text.parse::<DeviceChoice>().map(|choice| choice.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:x", "cuda:9999", "CPU"] {
            assert!(text.parse::<DeviceChoice>().is_err(), "{text}");
        }
    }
}

//! Conversions between wire messages and domain values: the only such code.
//!
//! What comes from a wire is hostile until it has passed one of these.

mod artifact;
mod data_account;
mod ledger;
mod metric;
mod outcome;
mod trial;
mod worker;

pub use worker::protocol_version;

use thiserror::Error;

/// Why a message is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConvertError {
    /// A field that must be set is not.
    #[error("the message lacks its field \"{0}\"")]
    Missing(&'static str),
    /// A field's value is out of bounds.
    #[error("the field \"{field}\" is wrong: {problem}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl ConvertError {
    pub(crate) fn invalid(field: &'static str, problem: impl std::fmt::Display) -> Self {
        Self::Invalid { field, problem: problem.to_string() }
    }
}

pub(crate) fn required<T>(field: Option<T>, name: &'static str) -> Result<T, ConvertError> {
    field.ok_or(ConvertError::Missing(name))
}

/// A digest from its 32 bytes.
///
/// # Errors
/// [`ConvertError::Invalid`] for any other length.
pub fn digest(bytes: &[u8], field: &'static str) -> Result<crate::Digest, ConvertError> {
    <[u8; 32]>::try_from(bytes)
        .map(crate::Digest::from)
        .map_err(|_| ConvertError::invalid(field, format!("{} bytes instead of 32", bytes.len())))
}

/// Largest absolute value that counts as a measurement, in any unit: far above all that training gives, and its square times the
/// trials of the largest sweep is still finite. Larger ones are refused where they come in, and left out of reports like NaN.
pub const NUMBER_MAX: f64 = 1e100;

/// A finite number, [`NUMBER_MAX`] in size at most.
pub(crate) fn finite(number: f64, field: &'static str) -> Result<f64, ConvertError> {
    if number.abs() <= NUMBER_MAX { Ok(number) } else { Err(ConvertError::invalid(field, number)) }
}

/// A finite number that is not negative.
pub(crate) fn amount(number: f64, field: &'static str) -> Result<f64, ConvertError> {
    finite(number, field)
        .and_then(|number| if number < 0.0 { Err(ConvertError::invalid(field, number)) } else { Ok(number) })
}

/// Most energy of one epoch, in joules: what a device of 30 kilowatts takes in a year. More is no measurement.
pub const ENERGY_JOULES_MAX: f64 = 1e12;

/// An energy in joules that a device can take in an epoch.
pub(crate) fn energy(joules: f64) -> Result<f64, ConvertError> {
    let is_possible = (0.0..=ENERGY_JOULES_MAX).contains(&joules);
    is_possible.then_some(joules).ok_or_else(|| ConvertError::invalid("energy_joules", joules))
}

/// A part of one.
pub(crate) fn share(number: f64, field: &'static str) -> Result<f64, ConvertError> {
    if (0.0..=1.0).contains(&number) { Ok(number) } else { Err(ConvertError::invalid(field, number)) }
}

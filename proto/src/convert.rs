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

use crate::metric::figure::Row;

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

pub use crate::metric::figure::{ENERGY_JOULES_MAX, NUMBER_MAX};

/// A number that the table's row of a figure allows.
pub(crate) fn figure(number: f64, row: &Row) -> Result<f64, ConvertError> {
    if row.range.holds(number) { Ok(number) } else { Err(ConvertError::invalid(row.name, number)) }
}

/// A finite number, [`NUMBER_MAX`] in size at most.
pub(crate) fn finite(number: f64, field: &'static str) -> Result<f64, ConvertError> {
    if number.abs() <= NUMBER_MAX { Ok(number) } else { Err(ConvertError::invalid(field, number)) }
}

/// A finite number that is not negative.
pub(crate) fn amount(number: f64, field: &'static str) -> Result<f64, ConvertError> {
    finite(number, field)
        .and_then(|number| if number < 0.0 { Err(ConvertError::invalid(field, number)) } else { Ok(number) })
}

/// A part of one.
pub(crate) fn share(number: f64, field: &'static str) -> Result<f64, ConvertError> {
    if (0.0..=1.0).contains(&number) { Ok(number) } else { Err(ConvertError::invalid(field, number)) }
}

//! `report.json`: the model as it is, indented.

use super::ReportError;
use crate::model::ReportModel;

/// The bytes of `report.json`.
///
/// # Errors
/// Where a path of the sweep file is not Unicode.
pub fn write(model: &ReportModel) -> Result<Vec<u8>, ReportError> {
    let mut bytes = serde_json::to_vec_pretty(model)?;
    bytes.push(b'\n');
    Ok(bytes)
}

//! JSON Lines: one object a line.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::delimited::missing;
use super::input::open_text;
use super::{Columns, SourcePath};
use crate::error::DatasetError;
use crate::progress::{NoProgress, Progress};
use crate::rows::{Part, Place, Rows};

/// The keys of the first object.
pub(crate) fn columns(path: &SourcePath) -> Result<Vec<String>, DatasetError> {
    let mut keys = Vec::new();
    each_line(path, &NoProgress, |_, line| {
        if let Ok(object) = serde_json::from_slice::<Map<String, Value>>(line) {
            keys = object.keys().cloned().collect();
        }
        Ok(keys.is_empty())
    })?;
    Ok(keys)
}

/// Reads every row.
pub(crate) fn read(
    path: &SourcePath,
    columns: &Columns,
    part: Part,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    let file = path.file_name();
    let mut first_keys: Option<Vec<String>> = None;
    let (mut has_text, mut has_label) = (false, false);
    each_line(path, progress, |line, bytes| {
        let place = Place { file: &file, line };
        if std::str::from_utf8(bytes).is_err() {
            rows.reject(place, "the line is not UTF-8")?;
            return Ok(true);
        }
        let object: Map<String, Value> = match serde_json::from_slice(bytes) {
            Ok(object) => object,
            Err(error) => {
                let what =
                    if error.is_data() { "the line is not a JSON object" } else { "the line is not JSON" };
                rows.reject(place, what)?;
                return Ok(true);
            }
        };
        let (text, label) = (object.get(&columns.text), object.get(&columns.label));
        (has_text, has_label) = (has_text || text.is_some(), has_label || label.is_some());
        if first_keys.is_none() {
            first_keys = Some(object.keys().cloned().collect());
        }
        let label = match label {
            Some(Value::String(label)) => label.clone(),
            Some(Value::Number(label)) => label.to_string(),
            Some(Value::Bool(label)) => label.to_string(),
            None | Some(Value::Null) => String::new(),
            Some(Value::Array(_) | Value::Object(_)) => {
                rows.reject(place, "the label is a list or an object")?;
                return Ok(true);
            }
        };
        match text {
            Some(Value::String(text)) => rows.push(place, part, label.as_bytes(), text.as_bytes())?,
            None | Some(Value::Null) => rows.reject(place, "the text is missing")?,
            Some(_) => rows.reject(place, "the text is not a string")?,
        }
        Ok(true)
    })?;
    let keys = first_keys.unwrap_or_default();
    match (has_text, has_label) {
        _ if keys.is_empty() => Ok(()),
        (false, _) => Err(missing(path, &keys, &columns.text, "text")),
        (_, false) => Err(missing(path, &keys, &columns.label, "label")),
        _ => Ok(()),
    }
}

/// Calls for every line that is not blank, until the call answers `false`.
fn each_line(
    path: &SourcePath,
    progress: &dyn Progress,
    mut call: impl FnMut(u64, &[u8]) -> Result<bool, DatasetError>,
) -> Result<(), DatasetError> {
    let mut text = open_text(path, progress)?;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if text.read_until(b'\n', &mut line).map_err(DatasetError::io(path, "read it"))? == 0 {
            break;
        }
        let line = line.trim_ascii();
        if !line.is_empty() && !call(number, line)? {
            break;
        }
    }
    Ok(())
}

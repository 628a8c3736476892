//! JSON Lines: one object a line.

use std::io::BufRead;

use serde_json::{Map, Value};
use sweep_proto::Reading;

use super::object::{self, Objects};
use super::text_file::TextFile;
use super::{Columns, SourcePath};
use crate::error::DatasetError;
use crate::progress::{NoProgress, Progress};
use crate::rows::{Part, Place, Rows};

/// The keys of the first object.
pub(crate) fn columns(path: &SourcePath, reading: &Reading) -> Result<Vec<String>, DatasetError> {
    let file = TextFile::open(path, reading)?;
    let mut keys = Vec::new();
    each_line(path, &file, &NoProgress, |_, line| {
        if let Ok(object) = serde_json::from_slice::<Map<String, Value>>(line) {
            keys = object::keys(&object);
        }
        Ok(keys.is_empty())
    })?;
    Ok(keys)
}

/// Reads every row.
pub(crate) fn read(
    path: &SourcePath,
    columns: &Columns,
    reading: &Reading,
    part: Part,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    let source = TextFile::for_rows(path, reading, rows)?;
    let file = path.file_name();
    let mut objects = Objects::new(columns);
    each_line(path, &source, progress, |line, bytes| {
        let place = Place { file: &file, line };
        if std::str::from_utf8(bytes).is_err() {
            rows.reject(place, "the line is not UTF-8")?;
            return Ok(true);
        }
        match serde_json::from_slice::<Map<String, Value>>(bytes) {
            Ok(object) => objects.take(place, part, &object, rows)?,
            Err(error) if error.is_data() => rows.reject(place, "the line is not a JSON object")?,
            Err(error) if error.is_eof() => rows.reject(place, "the line is cut off: its JSON ends early")?,
            Err(_) => rows.reject(place, "the line is not JSON")?,
        }
        Ok(true)
    })?;
    objects.finish(path)
}

/// Calls for every line that is not blank, until the call answers `false`.
pub(crate) fn each_line(
    path: &SourcePath,
    file: &TextFile,
    progress: &dyn Progress,
    mut call: impl FnMut(u64, &[u8]) -> Result<bool, DatasetError>,
) -> Result<(), DatasetError> {
    let mut text = file.text(progress)?;
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

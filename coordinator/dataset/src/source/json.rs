//! JSON documents: a list of objects, and the forms that pandas' `to_json` writes.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::{Map, Value};
use sweep_proto::Reading;

use super::object::{self, Objects};
use super::text_file::TextFile;
use super::{Columns, SourcePath};
use crate::error::DatasetError;
use crate::limits::JSON_DOCUMENT_BYTES_MAX;
use crate::progress::{NoProgress, Progress};
use crate::rows::{Part, Place, Rows};

/// Keys under which a document may keep its list of rows.
const LIST_KEYS: [&str; 6] = ["data", "rows", "records", "examples", "items", "results"];

/// The keys of the first row.
pub(crate) fn columns(path: &SourcePath, reading: &Reading) -> Result<Vec<String>, DatasetError> {
    let file = TextFile::open(path, reading)?;
    let rows = rows_of(path, document(path, &file, &NoProgress)?)?;
    Ok(rows.first().and_then(Value::as_object).map(object::keys).unwrap_or_default())
}

/// Reads every row; a row's line is its place in the document.
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
    for (row, line) in rows_of(path, document(path, &source, progress)?)?.iter().zip(1..) {
        let place = Place { file: &file, line };
        match row {
            Value::Object(object) => objects.take(place, part, object, rows)?,
            _ => rows.reject(place, "the row is not a JSON object")?,
        }
    }
    objects.finish(path)
}

fn document(path: &SourcePath, file: &TextFile, progress: &dyn Progress) -> Result<Value, DatasetError> {
    let mut bytes = Vec::new();
    let mut text = file.text(progress)?.take(JSON_DOCUMENT_BYTES_MAX + 1);
    text.read_to_end(&mut bytes).map_err(DatasetError::io(path, "read it"))?;
    if bytes.len() as u64 > JSON_DOCUMENT_BYTES_MAX {
        let reason = "it is a JSON document of more than 256 MiB, which is read as a whole; write it as JSON Lines \
                      (in pandas: `to_json(..., orient=\"records\", lines=True)`)";
        return Err(DatasetError::broken(path.display(), reason));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("{}:{}", path.display(), error.line().max(1));
        let reason = if error.is_eof() {
            "the JSON ends early, as after a cut download; fetch it again".to_owned()
        } else {
            format!("it is not JSON ({error}); of one object a line, name it .jsonl")
        };
        DatasetError::broken(place, reason)
    })
}

/// The rows of a document in any of its forms, each as an object.
fn rows_of(path: &SourcePath, document: Value) -> Result<Vec<Value>, DatasetError> {
    let unknown = || {
        let reason = "it is JSON, but neither a list of objects nor a form that pandas writes; write it as JSON Lines: \
                      one object a line";
        DatasetError::broken(path.display(), reason)
    };
    match document {
        Value::Array(rows) => Ok(rows.into_iter().map(numbered).collect()),
        Value::Object(mut object) => {
            if let (Some(Value::Array(names)), Some(Value::Array(_))) =
                (object.get("columns"), object.get("data"))
            {
                let names = names.clone();
                return split(&names, object.remove("data")).ok_or_else(unknown);
            }
            let list = LIST_KEYS.into_iter().find(|key| object.get(*key).is_some_and(Value::is_array));
            if let Some(list) = list.and_then(|key| object.remove(key)) {
                return rows_of(path, list);
            }
            by_column(&object).or_else(|| by_row(object)).ok_or_else(unknown)
        }
        _ => Err(unknown()),
    }
}

/// A row that is a list has its columns by number.
fn numbered(row: Value) -> Value {
    match row {
        Value::Array(cells) => {
            cells.into_iter().zip(1..).map(|(cell, number): (_, u64)| (number.to_string(), cell)).collect()
        }
        row => row,
    }
}

/// `{"columns": [...], "data": [[...], ...]}`.
fn split(names: &[Value], data: Option<Value>) -> Option<Vec<Value>> {
    let name = |name: &Value| name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let names: Vec<String> = names.iter().map(name).collect();
    let Value::Array(rows) = data? else { return None };
    let row = |row: Value| match row {
        Value::Array(cells) => names.iter().cloned().zip(cells).collect(),
        row => row,
    };
    Some(rows.into_iter().map(row).collect())
}

/// `{"text": {"0": ..., "1": ...}, "label": {...}}`, or lists in place of the inner objects.
fn by_column(object: &Map<String, Value>) -> Option<Vec<Value>> {
    let mut rows: BTreeMap<(u64, String), Map<String, Value>> = BTreeMap::new();
    let is_cell = |value: &Value| !value.is_object() && !value.is_array();
    for (name, column) in object {
        let cells: Vec<((u64, String), &Value)> = match column {
            Value::Object(cells) => cells
                .iter()
                .map(|(index, cell)| ((index.parse().unwrap_or(u64::MAX), index.clone()), cell))
                .collect(),
            Value::Array(cells) => {
                cells.iter().zip(0..).map(|(cell, place)| ((place, String::new()), cell)).collect()
            }
            _ => return None,
        };
        if cells.is_empty() || !cells.iter().all(|(_, cell)| is_cell(cell)) {
            return None;
        }
        for (index, cell) in cells {
            rows.entry(index).or_default().insert(name.clone(), cell.clone());
        }
    }
    // By row, every inner object has the columns as its keys: they are the same and no numbers.
    let widths_agree = rows.values().all(|row| row.len() == object.len());
    let are_indices = rows.keys().all(|(number, _)| *number < u64::MAX);
    (widths_agree && are_indices && !rows.is_empty()).then(|| rows.into_values().map(Value::Object).collect())
}

/// `{"0": {"text": ..., "label": ...}, ...}`.
fn by_row(object: Map<String, Value>) -> Option<Vec<Value>> {
    let mut rows: Vec<(u64, Value)> =
        object.into_iter().map(|(index, row)| (index.parse().unwrap_or(u64::MAX), row)).collect();
    rows.sort_by_key(|(index, _)| *index);
    let are_rows = !rows.is_empty() && rows.iter().all(|(_, row)| row.is_object());
    are_rows.then(|| rows.into_iter().map(|(_, row)| row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_pandas_gives_the_same_rows() {
        let path = SourcePath::anywhere("a.json");
        let forms = [
            r#"[{"text":"a","label":1},{"text":"b","label":0}]"#,
            r#"{"text":{"0":"a","1":"b"},"label":{"0":1,"1":0}}"#,
            r#"{"text":["a","b"],"label":[1,0]}"#,
            r#"{"0":{"text":"a","label":1},"1":{"text":"b","label":0}}"#,
            r#"{"columns":["text","label"],"index":[0,1],"data":[["a",1],["b",0]]}"#,
            r#"{"schema":{"fields":[]},"data":[{"index":0,"text":"a","label":1},{"index":1,"text":"b","label":0}]}"#,
            r#"{"rows":[{"text":"a","label":1},{"text":"b","label":0}]}"#,
        ];
        for form in forms {
            let rows = rows_of(&path, serde_json::from_str(form).expect(form)).expect(form);
            let cells: Vec<_> =
                rows.iter().map(|row| (row["text"].as_str(), row["label"].as_i64())).collect();
            assert_eq!(cells, [(Some("a"), Some(1)), (Some("b"), Some(0))], "{form}");
        }
        let numbered = rows_of(&path, serde_json::json!([["a", 1], ["b", 0]])).expect("lists");
        assert_eq!(numbered[1], serde_json::json!({"1": "b", "2": 0}));
        // Ten and more indices come in the order of numbers, not of words.
        let many: Map<String, Value> = (0..12).map(|row| (row.to_string(), row.into())).collect();
        let rows = rows_of(&path, serde_json::json!({"text": many})).expect("a column");
        assert!(rows.iter().zip(0..).all(|(row, number)| row["text"] == number));
        for odd in ["3", "{}", r#"{"text":"a","label":1}"#, r#"{"a":{"b":{"c":1}},"d":2}"#] {
            assert!(rows_of(&path, serde_json::from_str(odd).expect(odd)).is_err(), "{odd}");
        }
    }
}

//! Parquet files.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;

use super::column::{find, missing};
use super::finite::FiniteFile;
use super::input::open;
use super::unpack::unpacked;
use super::{Columns, SourcePath};
use crate::error::DatasetError;
use crate::labels::several_labels;
use crate::limits::UNPACKED_BYTES_MAX;
use crate::progress::Progress;
use crate::rows::{Part, Place, Rows};

/// Rows decoded at once: bounds memory without losing speed.
const BATCH_ROWS: usize = 1_024;

type Builder = ParquetRecordBatchReaderBuilder<FiniteFile>;

/// The names of the columns.
pub(crate) fn columns(path: &SourcePath) -> Result<Vec<String>, DatasetError> {
    contained(path, || columns_of(path))
}

fn columns_of(path: &SourcePath) -> Result<Vec<String>, DatasetError> {
    let builder = builder(path)?;
    Ok(builder.schema().fields().iter().map(|field| field.name().clone()).collect())
}

/// Reads every row.
pub(crate) fn read(
    path: &SourcePath,
    columns: &Columns,
    part: Part,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    contained(path, || read_all(path, columns, part, rows, progress))
}

/// The library checks much of a file with assertions: damage that meets one is an error like any other.
fn contained<T>(
    path: &SourcePath,
    read: impl FnOnce() -> Result<T, DatasetError>,
) -> Result<T, DatasetError> {
    // What was half read is thrown away with the error.
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(damaged(path, &"its parts contradict each other")))
}

fn read_all(
    path: &SourcePath,
    columns: &Columns,
    part: Part,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    let builder = builder(path)?;
    let header: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
    let at = |column: &String, key| find(path, &header, column, key);
    let text_at = columns.text.iter().map(|column| at(column, "text")).collect::<Result<Vec<_>, _>>()?;
    let label_at = at(&columns.label, "label")?;
    let wanted = Wanted {
        texts: text_at.iter().map(|at| header[*at].as_str()).collect(),
        label: &header[label_at],
        classes: class_names(builder.metadata(), &header[label_at]),
    };
    if !wanted.classes.is_empty() {
        rows.note(format!("the file names the classes of its column \"{}\"", wanted.label));
    }
    let metadata = builder.metadata();
    let size: u64 =
        metadata.row_groups().iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0)).sum();
    if size > UNPACKED_BYTES_MAX {
        return Err(DatasetError::broken(
            path.display(),
            "it unpacks to more than 4 GiB; give a smaller file",
        ));
    }
    progress.stage(
        &format!("reading {}", path.file_name()),
        u64::try_from(metadata.file_metadata().num_rows()).ok(),
        false,
    );
    let mask = ProjectionMask::roots(builder.parquet_schema(), text_at.iter().copied().chain([label_at]));
    let reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error| damaged(path, &error))?;
    let file = path.file_name();
    let mut row = 0;
    for batch in reader {
        let batch = batch.map_err(|error| damaged(path, &error))?;
        read_batch(path, &file, &batch, &wanted, part, row, rows)?;
        row += batch.num_rows() as u64;
        progress.advance(row);
    }
    Ok(())
}

fn builder(path: &SourcePath) -> Result<Builder, DatasetError> {
    // Without the Arrow schema that some writers store, dictionaries and views come as plain strings.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    Builder::try_new_with_options(FiniteFile(unpacked(path, open(path)?)?), options)
        .map_err(|error| damaged(path, &error))
}

fn damaged(path: &SourcePath, error: &impl std::fmt::Display) -> DatasetError {
    let reason = format!(
        "cannot be read as Parquet ({error}); if it is a cut download, fetch it again, else write it again, with Snappy, Zstandard or no compression"
    );
    DatasetError::broken(path.display(), reason)
}

/// The columns that matter, by their names in the file, and the names of integer classes that the file carries.
struct Wanted<'a> {
    texts: Vec<&'a str>,
    label: &'a str,
    classes: Vec<String>,
}

/// The names of the classes of a column, as Hugging Face's library writes them into a file's metadata.
fn class_names(metadata: &ParquetMetaData, column: &str) -> Vec<String> {
    let entries = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    let written = entries.filter(|entry| entry.key == "huggingface").find_map(|entry| entry.value.as_deref());
    let names = || -> Option<Vec<String>> {
        let described: serde_json::Value = serde_json::from_str(written?).ok()?;
        let names = described["info"]["features"][column]["names"].as_array()?;
        names.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    };
    names().unwrap_or_default()
}

fn read_batch(
    path: &SourcePath,
    file: &str,
    batch: &RecordBatch,
    wanted: &Wanted<'_>,
    part: Part,
    before: u64,
    rows: &mut Rows,
) -> Result<(), DatasetError> {
    let column = |name: &str, key: &'static str| {
        let array = batch.column_by_name(name);
        array.ok_or_else(|| missing(path, &[], name, key))
    };
    let texts = wanted.texts.iter().map(|name| column(name, "text")).collect::<Result<Vec<_>, _>>()?;
    let labels = column(wanted.label, "label")?;
    for (array, name) in texts.iter().zip(&wanted.texts) {
        if !is_text(array.data_type()) {
            let reason = format!("its column \"{name}\" holds {}, not text", array.data_type());
            return Err(DatasetError::broken(path.display(), reason));
        }
    }
    if matches!(labels.data_type(), DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
    {
        return Err(several_labels(&rows.name, &format!("the lists of the column {}", wanted.label)));
    }
    for row in 0..batch.num_rows() {
        let place = Place { file, line: before + row as u64 + 1 };
        let Some(label) = value(labels.as_ref(), row) else {
            let reason = format!(
                "its column \"{}\" holds {}; labels must be text, numbers or booleans",
                wanted.label,
                labels.data_type()
            );
            return Err(DatasetError::broken(path.display(), reason));
        };
        let label = label.map(|label| wanted.class(label)).unwrap_or_default();
        let cells: Vec<Vec<u8>> =
            texts.iter().map(|text| value(text.as_ref(), row).flatten().unwrap_or_default()).collect();
        if let [text] = cells.as_slice() {
            rows.push(place, part, &label, text)?;
        } else {
            let filled: Vec<_> = cells.into_iter().filter(|cell| !cell.trim_ascii().is_empty()).collect();
            rows.push(place, part, &label, &filled.join(&b'\n'))?;
        }
    }
    Ok(())
}

impl Wanted<'_> {
    /// The class of a label: its name where the file names it. A number outside the names, such as the -1 of a test
    /// set without labels, is no label.
    fn class(&self, label: Vec<u8>) -> Vec<u8> {
        if self.classes.is_empty() {
            return label;
        }
        let number = std::str::from_utf8(&label).ok().and_then(|label| label.parse::<i64>().ok());
        let Some(number) = number else { return label };
        let name = usize::try_from(number).ok().and_then(|number| self.classes.get(number));
        name.map(|name| name.clone().into_bytes()).unwrap_or_default()
    }
}

fn is_text(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
    )
}

/// A cell's bytes as text: `None` for a type that cannot be one, `Some(None)` for an empty cell.
#[expect(clippy::option_option, reason = "not a text, and an empty text, are two answers")]
fn value(array: &dyn Array, row: usize) -> Option<Option<Vec<u8>>> {
    macro_rules! number {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row).to_string()
        };
    }
    if array.is_null(row) {
        return Some(None);
    }
    let text = match array.data_type() {
        DataType::Binary => return Some(Some(array.as_binary::<i32>().value(row).to_owned())),
        DataType::LargeBinary => return Some(Some(array.as_binary::<i64>().value(row).to_owned())),
        DataType::BinaryView => return Some(Some(array.as_binary_view().value(row).to_owned())),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).to_owned(),
        DataType::Utf8View => array.as_string_view().value(row).to_owned(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => number!(Float32Type),
        DataType::Float64 => number!(Float64Type),
        _ => return None,
    };
    Some(Some(text.into_bytes()))
}

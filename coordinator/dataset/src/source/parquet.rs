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

use super::delimited::find;
use super::finite::FiniteFile;
use super::input::open;
use super::{Columns, SourcePath};
use crate::error::DatasetError;
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
    let text_at = find(path, &header, &columns.text, "text")?;
    let label_at = find(path, &header, &columns.label, "label")?;
    let metadata = builder.metadata();
    let unpacked: u64 =
        metadata.row_groups().iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0)).sum();
    if unpacked > UNPACKED_BYTES_MAX {
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
    let mask = ProjectionMask::roots(builder.parquet_schema(), [text_at, label_at]);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error| damaged(path, &error))?;
    let file = path.file_name();
    let mut row = 0;
    for batch in reader {
        let batch = batch.map_err(|error| damaged(path, &error))?;
        read_batch(path, &file, &batch, columns, part, row, rows)?;
        row += batch.num_rows() as u64;
        progress.advance(row);
    }
    Ok(())
}

fn builder(path: &SourcePath) -> Result<Builder, DatasetError> {
    // Without the Arrow schema that some writers store, dictionaries and views come as plain strings.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    Builder::try_new_with_options(FiniteFile(open(path)?), options).map_err(|error| damaged(path, &error))
}

fn damaged(path: &SourcePath, error: &impl std::fmt::Display) -> DatasetError {
    let reason = format!(
        "cannot be read as Parquet ({error}); write it again, with Snappy, Zstandard or no compression"
    );
    DatasetError::broken(path.display(), reason)
}

fn read_batch(
    path: &SourcePath,
    file: &str,
    batch: &RecordBatch,
    columns: &Columns,
    part: Part,
    before: u64,
    rows: &mut Rows,
) -> Result<(), DatasetError> {
    let column = |name: &str, key: &'static str| {
        let array = batch.column_by_name(name);
        array.ok_or_else(|| super::delimited::missing(path, &[], name, key))
    };
    let (texts, labels) = (column(&columns.text, "text")?, column(&columns.label, "label")?);
    if !matches!(texts.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        let reason = format!("its column \"{}\" holds {}, not text", columns.text, texts.data_type());
        return Err(DatasetError::broken(path.display(), reason));
    }
    for row in 0..batch.num_rows() {
        let place = Place { file, line: before + row as u64 + 1 };
        let text = value(texts, row).unwrap_or_default().unwrap_or_default();
        let Some(label) = value(labels, row) else {
            let reason = format!(
                "its column \"{}\" holds {}; labels must be text, numbers or booleans",
                columns.label,
                labels.data_type()
            );
            return Err(DatasetError::broken(path.display(), reason));
        };
        rows.push(place, part, label.unwrap_or_default().as_bytes(), text.as_bytes())?;
    }
    Ok(())
}

/// A cell as text: `None` for a type that cannot be one, `Some(None)` for an empty cell.
#[expect(clippy::option_option, reason = "not a text, and an empty text, are two answers")]
fn value(array: &dyn Array, row: usize) -> Option<Option<String>> {
    macro_rules! number {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row).to_string()
        };
    }
    if array.is_null(row) {
        return Some(None);
    }
    let text = match array.data_type() {
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
    Some(Some(text))
}

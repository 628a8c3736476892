//! Parquet, compressed with Zstandard; each column's documentation stands in its field's metadata.

use std::collections::HashMap;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};

use super::ReportError;
use super::columns::{Cells, Column};

/// The bytes of one file from its pieces, which have the same columns.
///
/// # Errors
/// [`ReportError::Arrow`] and [`ReportError::Parquet`] pass the libraries' errors on.
pub fn write(file: &'static str, pieces: impl Iterator<Item = Vec<Column>>) -> Result<Vec<u8>, ReportError> {
    let parquet_error = |source| ReportError::Parquet { file, source };
    let mut batches = pieces.map(|columns| batch(file, columns)).peekable();
    let schema = match batches.peek() {
        Some(Ok(batch)) => batch.schema(),
        // The loop below meets the error, if any.
        _ => Arc::new(Schema::empty()),
    };
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("lstm-sweep".to_owned())
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(parquet_error)?;
    for batch in batches {
        writer.write(&batch?).map_err(parquet_error)?;
    }
    writer.into_inner().map_err(parquet_error)
}

fn batch(file: &'static str, columns: Vec<Column>) -> Result<RecordBatch, ReportError> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns
        .into_iter()
        .map(|column| {
            let (data_type, array) = array(column.cells);
            // One key only: the order of this map cannot show.
            let doc = HashMap::from([("doc".to_owned(), column.doc.to_owned())]);
            (Field::new(column.name, data_type, true).with_metadata(doc), array)
        })
        .unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|source| ReportError::Arrow { file, source })
}

fn array(cells: Cells) -> (DataType, ArrayRef) {
    match cells {
        Cells::Integer(cells) => (DataType::UInt64, Arc::new(UInt64Array::from(cells))),
        Cells::Real(cells) => (DataType::Float64, Arc::new(Float64Array::from(cells))),
        Cells::Flag(cells) => (DataType::Boolean, Arc::new(BooleanArray::from(cells))),
        Cells::Text(cells) => (DataType::Utf8, Arc::new(StringArray::from(cells))),
    }
}

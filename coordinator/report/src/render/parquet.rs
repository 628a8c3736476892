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

/// The bytes of one file.
///
/// # Errors
/// [`ReportError::Arrow`] and [`ReportError::Parquet`] pass the libraries' errors on.
pub fn write(file: &'static str, columns: Vec<Column>) -> Result<Vec<u8>, ReportError> {
    let parquet_error = |source| ReportError::Parquet { file, source };
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns
        .into_iter()
        .map(|column| {
            let (data_type, array) = array(column.cells);
            // One key only: the order of this map cannot show.
            let doc = HashMap::from([("doc".to_owned(), column.doc.to_owned())]);
            (Field::new(column.name, data_type, true).with_metadata(doc), array)
        })
        .unzip();
    let schema = Arc::new(Schema::new(fields));
    let batch =
        RecordBatch::try_new(schema.clone(), arrays).map_err(|source| ReportError::Arrow { file, source })?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("lstm-sweep".to_owned())
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(parquet_error)?;
    writer.write(&batch).map_err(parquet_error)?;
    writer.into_inner().map_err(parquet_error)
}

fn array(cells: Cells) -> (DataType, ArrayRef) {
    match cells {
        Cells::Integer(cells) => (DataType::UInt64, Arc::new(UInt64Array::from(cells))),
        Cells::Real(cells) => (DataType::Float64, Arc::new(Float64Array::from(cells))),
        Cells::Flag(cells) => (DataType::Boolean, Arc::new(BooleanArray::from(cells))),
        Cells::Text(cells) => (DataType::Utf8, Arc::new(StringArray::from(cells))),
    }
}

//! Parquet, compressed with Zstandard; the documentation of each column stands in the file's metadata under `doc.NAME`.

use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use ::parquet::errors::Result;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::{Type, TypePtr};

use super::ReportError;
use super::columns::{Cells, Column};

/// The bytes of one file from its pieces, which have the same columns. Each piece is a group of rows.
///
/// # Errors
/// [`ReportError::Parquet`] passes the library's error on.
pub fn write(file: &'static str, pieces: impl Iterator<Item = Vec<Column>>) -> Result<Vec<u8>, ReportError> {
    written(pieces).map_err(|source| ReportError::Parquet { file, source })
}

fn written(pieces: impl Iterator<Item = Vec<Column>>) -> Result<Vec<u8>> {
    let mut pieces = pieces.peekable();
    let columns = pieces.peek().map_or(&[][..], Vec::as_slice);
    let docs =
        columns.iter().map(|column| KeyValue::new(format!("doc.{}", column.name), column.doc.to_owned()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("lstm-sweep".to_owned())
        .set_key_value_metadata(Some(docs.collect()))
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema(columns)?, Arc::new(properties))?;
    for columns in pieces {
        // Many readers refuse a group without rows.
        if columns.first().is_none_or(|column| column.cells.rows() == 0) {
            continue;
        }
        let mut group = writer.next_row_group()?;
        for column in columns {
            if let Some(mut out) = group.next_column()? {
                put_column(&mut out, column.cells)?;
                out.close()?;
            }
        }
        group.close()?;
    }
    writer.into_inner()
}

fn schema(columns: &[Column]) -> Result<TypePtr> {
    let fields = columns.iter().map(|column| {
        let (physical, logical) = kind(&column.cells);
        Type::primitive_type_builder(column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>>>()?;
    Type::group_type_builder("rows").with_fields(fields).build().map(Arc::new)
}

fn kind(cells: &Cells) -> (Physical, Option<LogicalType>) {
    match cells {
        Cells::Integer(_) => (Physical::INT64, Some(LogicalType::integer(64, false))),
        Cells::Real(_) => (Physical::DOUBLE, None),
        Cells::Flag(_) => (Physical::BOOLEAN, None),
        Cells::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    }
}

fn put_column(out: &mut SerializedColumnWriter<'_>, cells: Cells) -> Result<()> {
    match cells {
        // The type says that the 64 bits have no sign.
        Cells::Integer(cells) => put::<Int64Type, _>(out, cells, u64::cast_signed),
        Cells::Real(cells) => put::<DoubleType, _>(out, cells, |cell| cell),
        Cells::Flag(cells) => put::<BoolType, _>(out, cells, |cell| cell),
        Cells::Text(cells) => put::<ByteArrayType, _>(out, cells, |cell| ByteArray::from(cell.into_bytes())),
    }
}

fn put<D: DataType, C>(
    out: &mut SerializedColumnWriter<'_>,
    cells: Vec<Option<C>>,
    stored: impl Fn(C) -> D::T,
) -> Result<()> {
    // Of a flat column, level 1 is a value and level 0 a missing one.
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<D::T> = cells.into_iter().flatten().map(stored).collect();
    out.typed::<D>().write_batch(&values, Some(&levels), None).map(drop)
}

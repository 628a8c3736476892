//! Small Parquet files of any schema.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::file::metadata::{
    FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

/// The cells of one column; a missing one is `None`.
pub(crate) enum Cells {
    Text(Vec<Option<String>>),
    Whole(Vec<Option<i64>>),
    Short(Vec<Option<i32>>),
    Real(Vec<Option<f64>>),
    Flag(Vec<Option<bool>>),
}

impl Cells {
    pub(crate) fn text(cells: impl IntoIterator<Item = String>) -> Cells {
        Cells::Text(cells.into_iter().map(Some).collect())
    }

    pub(crate) fn whole(cells: impl IntoIterator<Item = i64>) -> Cells {
        Cells::Whole(cells.into_iter().map(Some).collect())
    }
}

/// A file of one group of rows. The fields of the schema are written as `optional binary text (UTF8);`; `features` is what
/// Hugging Face's library writes beside it.
pub(crate) fn parquet(
    fields: &str,
    columns: Vec<Cells>,
    codec: Compression,
    features: Option<&str>,
) -> Vec<u8> {
    let entry = features.map(|value| vec![KeyValue::new("huggingface".to_owned(), value.to_owned())]);
    let settings = WriterProperties::builder().set_compression(codec).set_key_value_metadata(entry).build();
    written(fields, columns, settings)
}

/// The same with texts as what they add to the one before, not compressed.
pub(crate) fn front_coded(fields: &str, columns: Vec<Cells>) -> Vec<u8> {
    let settings = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_column_encoding("text".into(), Encoding::DELTA_BYTE_ARRAY)
        .build();
    written(fields, columns, settings)
}

/// A file of one group whose footer says another number of rows.
pub(crate) fn with_rows_told(file: &[u8], rows: i64) -> Vec<u8> {
    let metadata =
        ParquetMetaDataReader::new().parse_and_finish(&Bytes::copy_from_slice(file)).expect("a file");
    let told = metadata.file_metadata();
    let schema = told.schema_descr_ptr();
    let entries = told.key_value_metadata().cloned();
    let told = FileMetaData::new(told.version(), rows, None, entries, schema, None);
    let group = metadata.row_group(0).clone().into_builder().set_num_rows(rows).build().expect("a group");
    // It ends with the footer, the footer's length and a mark.
    let (before, _mark) = file.split_last_chunk::<4>().expect("a file");
    let (before, length) = before.split_last_chunk::<4>().expect("a file");
    let mut changed = before[..before.len() - u32::from_le_bytes(*length) as usize].to_vec();
    let metadata = ParquetMetaData::new(told, vec![group]);
    ParquetMetaDataWriter::new(&mut changed, &metadata).finish().expect("in memory");
    changed
}

fn written(fields: &str, columns: Vec<Cells>, settings: WriterProperties) -> Vec<u8> {
    let schema = parse_message_type(&format!("message schema {{ {fields} }}")).expect("a schema");
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(settings)).expect("a writer");
    let mut group = writer.next_row_group().expect("a group");
    for cells in columns {
        let mut column = group.next_column().expect("in memory").expect("a column of the schema");
        match cells {
            Cells::Text(cells) => {
                put::<ByteArrayType, _>(&mut column, cells, |cell| ByteArray::from(cell.into_bytes()));
            }
            Cells::Whole(cells) => put::<Int64Type, _>(&mut column, cells, |cell| cell),
            Cells::Short(cells) => put::<Int32Type, _>(&mut column, cells, |cell| cell),
            Cells::Real(cells) => put::<DoubleType, _>(&mut column, cells, |cell| cell),
            Cells::Flag(cells) => put::<BoolType, _>(&mut column, cells, |cell| cell),
        }
        column.close().expect("in memory");
    }
    group.close().expect("columns of one length");
    writer.into_inner().expect("in memory")
}

fn put<D: DataType, C>(
    column: &mut SerializedColumnWriter<'_>,
    cells: Vec<Option<C>>,
    stored: impl Fn(C) -> D::T,
) {
    let present: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    // Each row of a repeated column begins a list of its own.
    let firsts = vec![0; cells.len()];
    let values: Vec<D::T> = cells.into_iter().flatten().map(stored).collect();
    column.typed::<D>().write_batch(&values, Some(&present), Some(&firsts)).expect("in memory");
}

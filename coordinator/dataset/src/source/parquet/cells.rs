//! The cells of a flat column of a Parquet file, as the bytes of their text.

use parquet::basic::{ConvertedType, Encoding, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::RowGroupReader;
use parquet::schema::types::Type;

/// Pages without a row that may follow each other.
const EMPTY_PAGES_MAX: usize = 64;

/// What one row holds in one column. A text is a part of its page, and not copied.
pub(super) type Cell = ByteArray;

/// A column that holds what a text or a label can be.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// Its position among the columns that the file stores; nested ones count each.
    leaf: usize,
    physical: Physical,
    is_unsigned: bool,
    is_optional: bool,
    /// No row has a value: what writers make of a column of which they have seen none.
    is_empty: bool,
}

impl Kind {
    /// Of the column at a position among those at the top; `None` where its cells are neither text nor numbers nor flags.
    pub(super) fn of(metadata: &ParquetMetaData, at: usize) -> Option<Kind> {
        let described = metadata.file_metadata().schema_descr();
        let field = described.root_schema().get_fields().get(at)?;
        let leaf = (0..described.num_columns()).find(|leaf| described.get_column_root_idx(*leaf) == at)?;
        if !field.is_primitive() || is_list(field) {
            return None;
        }
        let physical = field.get_physical_type();
        let info = field.get_basic_info();
        let (converted, logical) = (info.converted_type(), info.logical_type_ref());
        let is_known = match physical {
            Physical::BOOLEAN | Physical::FLOAT | Physical::DOUBLE => logical.is_none(),
            Physical::INT32 | Physical::INT64 => {
                is_whole(converted) && matches!(logical, None | Some(LogicalType::Integer(_)))
            }
            Physical::BYTE_ARRAY => is_text(converted) && logical.is_none_or(is_logical_text),
            Physical::INT96 | Physical::FIXED_LEN_BYTE_ARRAY => false,
        };
        let is_unsigned = matches!(
            converted,
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
        );
        let is_empty = logical == Some(&LogicalType::Unknown);
        let kind = Kind { leaf, physical, is_unsigned, is_optional: field.is_optional(), is_empty };
        (is_known || is_empty).then_some(kind)
    }

    pub(super) fn is_text(&self) -> bool {
        self.physical == Physical::BYTE_ARRAY || self.is_empty
    }

    /// Its cells in a group of rows, from the first.
    pub(super) fn cells(&self, group: &dyn RowGroupReader) -> Result<Cells> {
        // Where suffixes are too few, the library repeats the last one of a call. In a call for one row there is none to repeat.
        let has_suffixes =
            group.metadata().column(self.leaf).encodings().any(|one| one == Encoding::DELTA_BYTE_ARRAY);
        let rows_at_once = if has_suffixes { 1 } else { usize::MAX };
        Ok(Cells { reader: group.get_column_reader(self.leaf)?, kind: *self, rows_at_once })
    }
}

fn is_whole(converted: ConvertedType) -> bool {
    matches!(
        converted,
        ConvertedType::NONE
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64
            | ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64
    )
}

fn is_text(converted: ConvertedType) -> bool {
    matches!(
        converted,
        ConvertedType::NONE
            | ConvertedType::UTF8
            | ConvertedType::ENUM
            | ConvertedType::JSON
            | ConvertedType::BSON
    )
}

fn is_logical_text(logical: &LogicalType) -> bool {
    matches!(logical, LogicalType::String | LogicalType::Enum | LogicalType::Json | LogicalType::Bson)
}

/// Whether each row of a column at the top holds any number of values.
pub(super) fn is_list(field: &Type) -> bool {
    let info = field.get_basic_info();
    (info.has_repetition() && info.repetition() == Repetition::REPEATED)
        || info.converted_type() == ConvertedType::LIST
        || info.logical_type_ref() == Some(&LogicalType::List)
}

/// What a column holds, in Parquet's words.
pub(super) fn name(field: &Type) -> String {
    if is_list(field) {
        return "lists".to_owned();
    }
    if !field.is_primitive() {
        return "groups of columns".to_owned();
    }
    let (info, physical) = (field.get_basic_info(), field.get_physical_type());
    match (info.converted_type(), info.logical_type_ref()) {
        (ConvertedType::NONE, None) => physical.to_string(),
        (ConvertedType::NONE, Some(logical)) => {
            let described = format!("{logical:?}");
            format!("{physical} ({})", described.split(['(', ' ']).next().unwrap_or_default())
        }
        (converted, _) => format!("{physical} ({converted})"),
    }
}

/// Reads the cells of a column in order.
pub(super) struct Cells {
    reader: ColumnReader,
    kind: Kind,
    /// Most rows of one call of the library.
    rows_at_once: usize,
}

impl Cells {
    /// The next cells; `None` for a missing one.
    ///
    /// # Errors
    /// Where the file is damaged, or the column has fewer rows.
    pub(super) fn read(&mut self, rows: usize) -> Result<Vec<Option<Cell>>> {
        if self.kind.is_empty {
            return Ok(vec![None; rows]);
        }
        let cells = self.next(rows)?;
        if cells.len() == rows {
            Ok(cells)
        } else {
            Err(ParquetError::General("a column has fewer rows than the file says".to_owned()))
        }
    }

    /// Ends reading.
    ///
    /// # Errors
    /// Where the file is damaged, or the column has more rows.
    pub(super) fn finish(mut self) -> Result<()> {
        if self.kind.is_empty || self.next(1)?.is_empty() {
            Ok(())
        } else {
            Err(ParquetError::General("a column has more rows than the file says".to_owned()))
        }
    }

    /// The next cells, fewer at the end.
    fn next(&mut self, rows: usize) -> Result<Vec<Option<Cell>>> {
        let Kind { is_unsigned: unsigned, is_optional: optional, .. } = self.kind;
        let asked = Asked { rows, at_once: self.rows_at_once, optional };
        match &mut self.reader {
            ColumnReader::BoolColumnReader(reader) => values(reader, asked, |cell| shown(&cell)),
            ColumnReader::Int32ColumnReader(reader) if unsigned => {
                values(reader, asked, |cell| shown(&cell.cast_unsigned()))
            }
            ColumnReader::Int32ColumnReader(reader) => values(reader, asked, |cell| shown(&cell)),
            ColumnReader::Int64ColumnReader(reader) if unsigned => {
                values(reader, asked, |cell| shown(&cell.cast_unsigned()))
            }
            ColumnReader::Int64ColumnReader(reader) => values(reader, asked, |cell| shown(&cell)),
            ColumnReader::FloatColumnReader(reader) => values(reader, asked, |cell| shown(&cell)),
            ColumnReader::DoubleColumnReader(reader) => values(reader, asked, |cell| shown(&cell)),
            ColumnReader::ByteArrayColumnReader(reader) => values(reader, asked, |cell| cell),
            ColumnReader::Int96ColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
                Err(ParquetError::General("its columns are not of the kinds that it says".to_owned()))
            }
        }
    }
}

/// What is asked of a column.
#[derive(Clone, Copy)]
struct Asked {
    rows: usize,
    /// Most rows of one call of the library.
    at_once: usize,
    optional: bool,
}

fn shown(cell: &impl ToString) -> Cell {
    cell.to_string().into_bytes().into()
}

fn values<D: DataType>(
    reader: &mut ColumnReaderImpl<D>,
    Asked { rows, at_once, optional }: Asked,
    text: impl Fn(D::T) -> Cell,
) -> Result<Vec<Option<Cell>>> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (mut done, mut pages_without_rows) = (0, 0);
    // A page may be empty, which ends a call though more follow.
    while done < rows && pages_without_rows < EMPTY_PAGES_MAX {
        let count = at_once.min(rows - done);
        let (read, ..) = reader.read_records(count, Some(&mut levels), None, &mut values)?;
        pages_without_rows = if read == 0 { pages_without_rows + 1 } else { 0 };
        done += read;
    }
    if !optional {
        return Ok(values.into_iter().map(text).map(Some).collect());
    }
    // Of a flat column, level 1 is a value and level 0 a missing one.
    if levels.iter().filter(|level| **level == 1).count() != values.len()
        || levels.iter().any(|level| !(0..=1).contains(level))
    {
        return Err(ParquetError::General("a column says wrongly which of its cells are missing".to_owned()));
    }
    let mut values = values.into_iter().map(text);
    Ok(levels.into_iter().map(|level| if level == 1 { values.next() } else { None }).collect())
}

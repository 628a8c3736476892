//! Parquet files.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};

mod cells;
mod table;

use cells::Kind;
use table::Table;

use super::column::find;
use super::finite::FiniteFile;
use super::input::open;
use super::unpack::unpacked;
use super::{Columns, SourcePath};
use crate::error::DatasetError;
use crate::labels::several_labels;
use crate::limits::UNPACKED_BYTES_MAX;
use crate::progress::Progress;
use crate::rows::{Part, Rows};

/// Rows decoded at once: bounds memory without losing speed.
const BATCH_ROWS: usize = 1_024;

type Reader = SerializedFileReader<FiniteFile>;

/// The names of the columns.
pub(crate) fn columns(path: &SourcePath) -> Result<Vec<String>, DatasetError> {
    contained(path, || Ok(header(&reader(path)?)))
}

fn header(reader: &Reader) -> Vec<String> {
    let fields = reader.metadata().file_metadata().schema().get_fields();
    fields.iter().map(|field| field.name().to_owned()).collect()
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
    rows.set_always_utf8();
    let reader = reader(path)?;
    let metadata = reader.metadata();
    let header = header(&reader);
    let at = |column: &String, key| find(path, &header, column, key);
    let text_at = columns.text.iter().map(|column| at(column, "text")).collect::<Result<Vec<_>, _>>()?;
    let label_at = at(&columns.label, "label")?;
    let wanted = Wanted::new(path, metadata, &text_at, label_at, &rows.name)?;
    if !wanted.classes.is_empty() {
        rows.note(format!("the file names the classes of its column \"{}\"", header[label_at]));
    }
    let size: u64 =
        metadata.row_groups().iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0)).sum();
    if size > UNPACKED_BYTES_MAX {
        return Err(DatasetError::broken(
            path.display(),
            "it unpacks to more than 4 GiB; give a smaller file",
        ));
    }
    let total = rows_of(metadata).map_err(|error| damaged(path, &error))?;
    progress.stage(&format!("reading {}", path.file_name()), Some(total), false);
    let mut table = Table::new(path.file_name(), wanted, part);
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| damaged(path, &error))?;
        let mut columns = table.columns(group.as_ref()).map_err(|error| damaged(path, &error))?;
        let mut left = u64::try_from(group.metadata().num_rows()).unwrap_or(0);
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(BATCH_ROWS);
            let batch = columns.read(count).map_err(|error| damaged(path, &error))?;
            table.push(&batch, rows)?;
            left -= count as u64;
            progress.advance(table.rows());
        }
        columns.finish().map_err(|error| damaged(path, &error))?;
    }
    Ok(())
}

/// The number of rows, which the file says twice.
fn rows_of(metadata: &ParquetMetaData) -> Result<u64, ParquetError> {
    let groups = metadata.row_groups().iter().map(RowGroupMetaData::num_rows);
    let in_groups =
        groups.map(|rows| u64::try_from(rows).ok()).try_fold(0_u64, |sum, rows| sum.checked_add(rows?));
    let told = u64::try_from(metadata.file_metadata().num_rows()).ok();
    told.filter(|_| told == in_groups)
        .ok_or_else(|| ParquetError::General("it says two different numbers of rows".to_owned()))
}

fn reader(path: &SourcePath) -> Result<Reader, DatasetError> {
    Reader::new(FiniteFile(unpacked(path, open(path)?)?)).map_err(|error| damaged(path, &error))
}

fn damaged(path: &SourcePath, error: &impl std::fmt::Display) -> DatasetError {
    let reason = format!(
        "cannot be read as Parquet ({error}); if it is a cut download, fetch it again, else write it again, with Snappy, Zstandard or no compression"
    );
    DatasetError::broken(path.display(), reason)
}

/// The columns that matter, and the names of integer classes that the file carries.
struct Wanted {
    texts: Vec<Kind>,
    label: Kind,
    classes: Vec<String>,
}

impl Wanted {
    fn new(
        path: &SourcePath,
        metadata: &ParquetMetaData,
        texts: &[usize],
        label: usize,
        rows: &str,
    ) -> Result<Wanted, DatasetError> {
        let fields = metadata.file_metadata().schema().get_fields();
        let name = fields[label].name();
        let text = |at: &usize| {
            let field = &fields[*at];
            Kind::of(metadata, *at).filter(Kind::is_text).ok_or_else(|| {
                let reason =
                    format!("its column \"{}\" holds {}, not text", field.name(), cells::name(field));
                DatasetError::broken(path.display(), reason)
            })
        };
        let texts = texts.iter().map(text).collect::<Result<_, _>>()?;
        if cells::is_list(&fields[label]) {
            return Err(several_labels(rows, &format!("the lists of the column {name}")));
        }
        let label = Kind::of(metadata, label).ok_or_else(|| {
            let kind = cells::name(&fields[label]);
            let reason =
                format!("its column \"{name}\" holds {kind}; labels must be text, numbers or booleans");
            DatasetError::broken(path.display(), reason)
        })?;
        Ok(Wanted { texts, label, classes: class_names(metadata, name) })
    }

    /// The class of a label: its name where the file names it. A number outside the names, such as the -1 of a test
    /// set without labels, is no label.
    fn class<'a>(&'a self, label: &'a [u8]) -> &'a [u8] {
        if self.classes.is_empty() {
            return label;
        }
        let number = std::str::from_utf8(label).ok().and_then(|label| label.parse::<i64>().ok());
        let Some(number) = number else { return label };
        let name = usize::try_from(number).ok().and_then(|number| self.classes.get(number));
        name.map(String::as_bytes).unwrap_or_default()
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::file::metadata::FileMetaData;
    use parquet::schema::parser::parse_message_type;
    use parquet::schema::types::SchemaDescriptor;

    use super::*;

    #[test]
    fn a_file_and_its_groups_say_the_same_number_of_rows() {
        let schema = parse_message_type("message schema { required int64 label; }").expect("a schema");
        let schema = Arc::new(SchemaDescriptor::new(Arc::new(schema)));
        let rows = |told: i64| {
            let file = FileMetaData::new(2, told, None, None, Arc::clone(&schema), None);
            rows_of(&ParquetMetaData::new(file, Vec::new())).ok()
        };
        assert_eq!([rows(0), rows(1), rows(-1)], [Some(0), None, None]);
    }
}

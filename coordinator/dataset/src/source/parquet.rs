//! Parquet files.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

mod cells;

use cells::{Cell, Cells, Kind};

use super::column::find;
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
    progress.stage(
        &format!("reading {}", path.file_name()),
        u64::try_from(metadata.file_metadata().num_rows()).ok(),
        false,
    );
    let file = path.file_name();
    let mut row = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| damaged(path, &error))?;
        let open = |kind: &Kind| kind.cells(group.as_ref());
        let mut texts = wanted
            .texts
            .iter()
            .map(open)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| damaged(path, &error))?;
        let mut labels = open(&wanted.label).map_err(|error| damaged(path, &error))?;
        let mut left = u64::try_from(group.metadata().num_rows()).unwrap_or(0);
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(BATCH_ROWS);
            let batch = Batch::read(&mut texts, &mut labels, count).map_err(|error| damaged(path, &error))?;
            batch.push(&file, &wanted, part, row, rows)?;
            row += count as u64;
            left -= count as u64;
            progress.advance(row);
        }
    }
    Ok(())
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
    fn class(&self, label: Cell) -> Vec<u8> {
        if self.classes.is_empty() {
            return label;
        }
        let number = std::str::from_utf8(&label).ok().and_then(|label| label.parse::<i64>().ok());
        let Some(number) = number else { return label };
        let name = usize::try_from(number).ok().and_then(|number| self.classes.get(number));
        name.map(|name| name.clone().into_bytes()).unwrap_or_default()
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

/// Some rows: the cells of each wanted column.
struct Batch {
    texts: Vec<Vec<Option<Cell>>>,
    labels: Vec<Option<Cell>>,
}

impl Batch {
    fn read(texts: &mut [Cells], labels: &mut Cells, count: usize) -> parquet::errors::Result<Batch> {
        let texts = texts.iter_mut().map(|text| text.read(count)).collect::<Result<_, _>>()?;
        Ok(Batch { texts, labels: labels.read(count)? })
    }

    fn push(
        mut self,
        file: &str,
        wanted: &Wanted,
        part: Part,
        before: u64,
        rows: &mut Rows,
    ) -> Result<(), DatasetError> {
        for (row, label) in self.labels.into_iter().enumerate() {
            let place = Place { file, line: before + row as u64 + 1 };
            let label = label.map(|label| wanted.class(label)).unwrap_or_default();
            let cells = self.texts.iter_mut().map(|text| text[row].take().unwrap_or_default());
            let text = match cells.collect::<Vec<_>>() {
                mut cells if cells.len() == 1 => cells.remove(0),
                mut cells => {
                    cells.retain(|cell| !cell.trim_ascii().is_empty());
                    cells.join(&b'\n')
                }
            };
            rows.push(place, part, &label, &text)?;
        }
        Ok(())
    }
}

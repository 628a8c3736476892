//! CSV and TSV files.

use std::io::BufRead;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::input::{Text, open_text};
use super::quotes::Quotes;
use super::{Columns, SourcePath};
use crate::error::{DatasetError, listed, nearest};
use crate::limits::{COLUMNS_MAX, RECORD_LINES_MAX};
use crate::progress::{NoProgress, Progress};
use crate::rows::{Part, Place, Rows};

/// The two families of delimited files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// RFC 4180 with quotes; the delimiter is a comma, a semicolon or a tab, told by the header.
    Csv,
    /// Tabs and no quoting, as registered for `text/tab-separated-values`: a quote is a character.
    Tsv,
}

/// The names of the columns.
pub(crate) fn columns(path: &SourcePath, dialect: Dialect) -> Result<Vec<String>, DatasetError> {
    let mut text = open_text(path, &NoProgress)?;
    let delimiter = delimiter(&mut text, dialect, None).map_err(DatasetError::io(path, "read it"))?;
    header(path, &mut reader(text, dialect, delimiter))
}

/// Reads every row. The first line must name the columns.
pub(crate) fn read(
    path: &SourcePath,
    dialect: Dialect,
    columns: &Columns,
    part: Part,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    let mut text = open_text(path, progress)?;
    let delimiter =
        delimiter(&mut text, dialect, Some(columns)).map_err(DatasetError::io(path, "read it"))?;
    let carriage_returns = has_carriage_returns(&mut text).map_err(DatasetError::io(path, "read it"))?;
    let mut reader = reader(text, dialect, delimiter);
    let header = header(path, &mut reader)?;
    let text_at = find(path, &header, &columns.text, "text")?;
    let label_at = find(path, &header, &columns.label, "label")?;
    let file = path.file_name();
    let mut record = ByteRecord::new();
    loop {
        let start = reader.position().line();
        let more = reader.read_byte_record(&mut record).map_err(|error| broken(path, start, error))?;
        let unclosed = |line| {
            let reason = "a quoted field is never closed; close the quote, or double quotes inside a field";
            DatasetError::broken(format!("{}:{line}", path.display()), reason)
        };
        if !more {
            return reader.get_ref().open().map_or(Ok(()), |line| Err(unclosed(line)));
        }
        let end = reader.position().line();
        let line = first_line(&record, start, end, carriage_returns);
        if end.saturating_sub(line) > RECORD_LINES_MAX {
            return Err(unclosed(line));
        }
        let last = line + inner_lines(&record);
        let problem = if reader.get_mut().is_malformed_up_to(last) {
            Some("something follows a closing quote; double quotes inside a field".to_owned())
        } else if record.len() != header.len() {
            Some(format!("it has {} columns, the header has {}", record.len(), header.len()))
        } else {
            None
        };
        if let Some(problem) = problem {
            // Each of its lines was meant as a row: a wrong quote joins them, and none of them is used.
            for line in line..=last {
                rows.reject(Place { file: &file, line }, &problem)?;
            }
            continue;
        }
        let place = Place { file: &file, line };
        let label = record.get(label_at).unwrap_or_default();
        let text = record.get(text_at).unwrap_or_default();
        if columns.names.is_empty() {
            rows.push(place, part, label, text)?;
            continue;
        }
        match columns.names.iter().find(|(written, _)| written.as_bytes() == label.trim_ascii()) {
            Some((_, name)) => rows.push(place, part, name.as_bytes(), text)?,
            None if label.trim_ascii().is_empty() => rows.reject(place, "the label is missing")?,
            None => rows.reject(place, "the label is not one of this dataset")?,
        }
    }
}

/// Whether the header line ends with CR LF.
fn has_carriage_returns(text: &mut Text<'_>) -> std::io::Result<bool> {
    let head = text.fill_buf()?;
    Ok(head.iter().position(|byte| *byte == b'\n').is_some_and(|end| end > 0 && head[end - 1] == b'\r'))
}

/// The line on which a record begins, from the reader's line before and after it.
///
/// The reader's line before a record is not enough: blank lines that it skips come after it, and so
/// does the LF of a CR LF, because a record already ends at the CR.
fn first_line(record: &ByteRecord, before: u64, after: u64, carriage_returns: bool) -> u64 {
    let terminator = u64::from(!carriage_returns);
    after.saturating_sub(inner_lines(record) + terminator).max(before)
}

/// Line ends inside the quoted fields of a record.
fn inner_lines(record: &ByteRecord) -> u64 {
    record.iter().flatten().filter(|byte| **byte == b'\n').count() as u64
}

type Table<'a> = Reader<Quotes<Text<'a>>>;

fn reader(text: Text<'_>, dialect: Dialect, delimiter: u8) -> Table<'_> {
    let quotes = Quotes::new(text, (dialect == Dialect::Csv).then_some(delimiter));
    ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(dialect == Dialect::Csv)
        .flexible(true)
        .has_headers(true)
        .from_reader(quotes)
}

/// The delimiter under which the header has the wanted columns, or the one that cuts it most often.
fn delimiter(text: &mut Text<'_>, dialect: Dialect, columns: Option<&Columns>) -> std::io::Result<u8> {
    if dialect == Dialect::Tsv {
        return Ok(b'\t');
    }
    let head = text.fill_buf()?;
    let line =
        head.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.is_empty()).unwrap_or_default();
    let fields = |delimiter| {
        let mut reader = ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(line);
        let mut record = ByteRecord::new();
        reader.read_byte_record(&mut record).ok();
        record
    };
    let score = |delimiter| {
        let fields = fields(delimiter);
        let has = |name: &str| fields.iter().any(|field| field.trim_ascii() == name.as_bytes());
        let fits = columns.is_some_and(|columns| has(&columns.text) && has(&columns.label));
        (fits, fields.len())
    };
    // The first of equals wins: a comma before a semicolon before a tab.
    Ok([b'\t', b';', b','].into_iter().max_by_key(|delimiter| score(*delimiter)).unwrap_or(b','))
}

fn header(path: &SourcePath, reader: &mut Table<'_>) -> Result<Vec<String>, DatasetError> {
    let header = reader.byte_headers().map_err(|error| broken(path, 1, error))?;
    if header.len() > COLUMNS_MAX {
        let reason = format!("the header has more than {COLUMNS_MAX} columns; is the delimiter another one?");
        return Err(DatasetError::broken(format!("{}:1", path.display()), reason));
    }
    Ok(header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect())
}

#[expect(clippy::needless_pass_by_value, reason = "it ends in map_err, which gives the error away")]
fn broken(path: &SourcePath, line: u64, error: csv::Error) -> DatasetError {
    DatasetError::broken(format!("{}:{line}", path.display()), format!("cannot read on: {error}"))
}

/// The position of a column by name.
pub(crate) fn find(
    path: &SourcePath,
    header: &[String],
    column: &str,
    key: &'static str,
) -> Result<usize, DatasetError> {
    let mut places = header.iter().enumerate().filter(|(_, name)| *name == column).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(DatasetError::broken(
            format!("{}:1", path.display()),
            format!("two columns are named \"{column}\"; rename one"),
        )),
        (None, _) => Err(missing(path, header, column, key)),
    }
}

/// The error for a column that is not there.
pub(crate) fn missing(path: &SourcePath, header: &[String], column: &str, key: &'static str) -> DatasetError {
    let names = || header.iter().map(String::as_str);
    DatasetError::MissingColumn {
        path: path.shown().to_owned(),
        column: column.to_owned(),
        key,
        hint: nearest(column, names()),
        known: listed(names()),
    }
}

//! CSV, TSV and other delimited files.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use csv::ByteRecord;
use sweep_proto::Reading;

use super::column::find;
use super::dialect::Dialect;
pub(crate) use super::dialect::Family;
use super::text_file::{Text, TextFile};
use super::{Columns, SourcePath};
use crate::error::{DatasetError, shortened};
use crate::limits::{COLUMNS_MAX, RECORD_LINES_MAX};
use crate::progress::{NoProgress, Progress};
use crate::rows::{Part, Place, Rows};

/// The names of the columns; their numbers where the file has no header.
pub(crate) fn columns(
    path: &SourcePath,
    family: Family,
    reading: &Reading,
) -> Result<Vec<String>, DatasetError> {
    let file = TextFile::open(path, reading)?;
    let dialect = Dialect::of(path, &file, family, &[], reading)?;
    let mut reader = dialect.reader(path, file.text(&NoProgress)?)?;
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record).map_err(|error| broken(path, 1, error))?;
    names(path, &record, reading)
}

/// Where the wanted columns stand.
struct Wanted<'a> {
    header: Vec<String>,
    text_at: Vec<usize>,
    label_at: usize,
    columns: &'a Columns,
}

/// Reads every row. The first line names the columns, unless the settings say otherwise.
pub(crate) fn read(
    path: &SourcePath,
    family: Family,
    columns: &Columns,
    reading: &Reading,
    part: Part,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    let file = TextFile::for_rows(path, reading, rows)?;
    let names: Vec<&str> = columns.all().collect();
    let dialect = Dialect::of(path, &file, family, &names, reading)?;
    if let Some(remark) = dialect.remark(family) {
        rows.note(remark);
    }
    let mut text = file.text(progress)?;
    let carriage_returns = has_carriage_returns(&mut text).map_err(DatasetError::io(path, "read it"))?;
    let mut reader = dialect.reader(path, text)?;
    let name = path.file_name();
    let mut wanted: Option<Wanted<'_>> = None;
    let mut record = ByteRecord::new();
    loop {
        let start = reader.position().line();
        let more = reader.read_byte_record(&mut record).map_err(|error| broken(path, start, error))?;
        let at = |line: u64| line + dialect.skipped_lines;
        let unclosed = |line| {
            let reason = "a quoted field is never closed; close the quote, or double quotes inside a field";
            DatasetError::broken(format!("{}:{}", path.display(), at(line)), reason)
        };
        if !more {
            if let Some(line) = reader.get_ref().open() {
                return Err(unclosed(line));
            }
            break;
        }
        let end = reader.position().line();
        let line = first_line(&record, start, end, carriage_returns);
        if end.saturating_sub(line) > RECORD_LINES_MAX {
            return Err(unclosed(line));
        }
        let last = line + inner_lines(&record);
        let is_malformed = reader.get_mut().is_malformed_up_to(last);
        let Some(wanted) = &wanted else {
            let found = Wanted::of(path, &file, &dialect, &record, columns, reading)?;
            let is_row = reading.header == Some(false);
            if is_row {
                found.take(Place { file: &name, line: at(line) }, part, &record, rows)?;
            } else {
                found.suspect(path, &file, &dialect, rows)?;
            }
            wanted = Some(found);
            continue;
        };
        if is_malformed {
            // Each of its lines was meant as a row: a wrong quote joins them, and none of them is used.
            let problem = "something follows a closing quote; double quotes inside a field";
            for line in line..=last {
                rows.reject(Place { file: &name, line: at(line) }, problem)?;
            }
            continue;
        }
        wanted.take_counted(&name, at(line)..=at(last), part, &record, rows)?;
    }
    if wanted.is_none() {
        Wanted::of(path, &file, &dialect, &record, columns, reading)?;
    }
    Ok(())
}

impl<'a> Wanted<'a> {
    fn of(
        path: &SourcePath,
        file: &TextFile,
        dialect: &Dialect,
        record: &ByteRecord,
        columns: &'a Columns,
        reading: &Reading,
    ) -> Result<Self, DatasetError> {
        let header = names(path, record, reading)?;
        let hint = |mut error: DatasetError| {
            if let DatasetError::MissingColumn { known, .. } = &mut error {
                known.push_str(&misread(&header, reading));
                if reading.header != Some(false)
                    && let Ok(Some(guess)) = guess(path, file, dialect)
                {
                    known.push_str(&guess.remedy());
                }
            }
            error
        };
        let at = |column: &str, key| find(path, &header, column, key).map_err(hint);
        let text_at = columns.text.iter().map(|column| at(column, "text")).collect::<Result<_, _>>()?;
        let label_at = at(&columns.label, "label")?;
        Ok(Self { header, text_at, label_at, columns })
    }

    /// Takes a record whose width may be wrong; each of its lines counts where it is.
    fn take_counted(
        &self,
        file: &str,
        lines: std::ops::RangeInclusive<u64>,
        part: Part,
        record: &ByteRecord,
        rows: &mut Rows,
    ) -> Result<(), DatasetError> {
        let place = Place { file, line: *lines.start() };
        if record.iter().all(is_blank) {
            rows.leave_out("the row is blank", 1);
            return Ok(());
        }
        let surplus_is_blank = record.iter().skip(self.header.len()).all(is_blank);
        if record.len() < self.header.len() || !surplus_is_blank {
            let problem = format!("it has {} columns, the header has {}", record.len(), self.header.len());
            for line in lines {
                rows.reject(Place { file, line }, &problem)?;
            }
            return Ok(());
        }
        if self.is_header(record) {
            rows.leave_out("the header line is repeated", 1);
            return Ok(());
        }
        self.take(place, part, record, rows)
    }

    /// Whether a record is the header once more, as where files were concatenated.
    fn is_header(&self, record: &ByteRecord) -> bool {
        let is_name = |at: usize| {
            record.get(at).is_some_and(|cell| name_of(cell) == self.header[at]) && !self.header[at].is_empty()
        };
        let is_numbered =
            self.header.iter().zip(1..).all(|(name, number): (_, u64)| *name == number.to_string());
        !is_numbered && is_name(self.label_at) && self.text_at.iter().all(|at| is_name(*at))
    }

    fn take(
        &self,
        place: Place<'_>,
        part: Part,
        record: &ByteRecord,
        rows: &mut Rows,
    ) -> Result<(), DatasetError> {
        let label = record.get(self.label_at).unwrap_or_default();
        let joined: Vec<u8>;
        let text = if let [at] = self.text_at.as_slice() {
            record.get(*at).unwrap_or_default()
        } else {
            let cells = self.text_at.iter().filter_map(|at| record.get(*at)).filter(|cell| !is_blank(cell));
            joined = cells.collect::<Vec<_>>().join(&b'\n');
            joined.as_slice()
        };
        let names = self.columns.names;
        if names.is_empty() {
            return rows.push(place, part, label, text);
        }
        match names.iter().find(|(written, _)| written.as_bytes() == label.trim_ascii()) {
            Some((_, name)) => rows.push(place, part, name.as_bytes(), text),
            None if label.trim_ascii().is_empty() => rows.reject(place, "the label is missing"),
            None => rows.reject(place, "the label is not one of this dataset"),
        }
    }

    /// Tells where the header looks like a row and its columns were given by number.
    fn suspect(
        &self,
        path: &SourcePath,
        file: &TextFile,
        dialect: &Dialect,
        rows: &mut Rows,
    ) -> Result<(), DatasetError> {
        let by_number = self.columns.all().all(|column| !self.header.iter().any(|name| name == column));
        if by_number && guess(path, file, dialect)?.is_some() {
            rows.warn(format!(
                "the first row of {} looks like data, and is read as the header; set `header = false` under [data] to \
                 read it as a row",
                path.file_name()
            ));
        }
        Ok(())
    }
}

/// What settings may have had a file misread whose header lacks a column: the delimiter or the encoding.
fn misread(header: &[String], reading: &Reading) -> String {
    let delimiter = match header {
        [only] => [',', ';', '\t', '|'].into_iter().find(|one| only.contains(*one)),
        _ => None,
    };
    let delimiter = delimiter.map(|one| {
        let name = if one == '\t' { "tab".to_owned() } else { one.to_string() };
        format!("; its one column looks like several: set `delimiter = \"{name}\"` under [data]")
    });
    let encoding = reading.encoding.as_ref().map(|encoding| {
        let encoding = shortened(encoding, 40);
        format!("; it was read as {encoding}, as `encoding` says: is it another one?")
    });
    delimiter.into_iter().chain(encoding).collect()
}

/// The columns that a file without a header seems to have, by number.
struct Guess {
    text: usize,
    label: usize,
}

impl Guess {
    fn remedy(&self) -> String {
        format!(
            "; its first row looks like data: for a file without a header set `header = false`, `text = {}` and \
             `label = {}` under [data]",
            self.text + 1,
            self.label + 1
        )
    }
}

/// Looks whether the first row of a file is data: its label stands below it, too, or its text is long. The label's
/// column has the fewest different cells, the text's the longest.
fn guess(path: &SourcePath, file: &TextFile, dialect: &Dialect) -> Result<Option<Guess>, DatasetError> {
    const ROWS: usize = 100;
    /// Words of a first row from which it is a text, not a name.
    const WORDS: usize = 5;
    let mut reader = dialect.reader(path, file.text(&NoProgress)?)?;
    let mut records: Vec<ByteRecord> = Vec::new();
    let mut record = ByteRecord::new();
    while records.len() < ROWS
        && reader.read_byte_record(&mut record).map_err(|error| broken(path, 1, error))?
    {
        records.push(record.clone());
    }
    let Some((first, rest)) = records.split_first() else { return Ok(None) };
    let cells = |at: usize| rest.iter().filter_map(move |record| record.get(at));
    let width = first.len();
    let lengths: HashMap<usize, usize> =
        (0..width).map(|at| (at, cells(at).map(<[u8]>::len).sum())).collect();
    let Some(text) = (0..width).max_by_key(|at| lengths[at]) else { return Ok(None) };
    let different = |at: &usize| cells(*at).collect::<HashSet<_>>().len();
    let label =
        (0..width).filter(|at| *at != text && cells(*at).any(|cell| !is_blank(cell))).min_by_key(different);
    let Some(label) = label else { return Ok(None) };
    let label_repeats =
        first.get(label).is_some_and(|cell| !is_blank(cell) && cells(label).any(|one| one == cell));
    let words = first.get(text).unwrap_or_default().split(|byte| *byte == b' ').count();
    Ok((label_repeats || words >= WORDS).then_some(Guess { text, label }))
}

/// The names of the columns from the first record.
fn names(path: &SourcePath, record: &ByteRecord, reading: &Reading) -> Result<Vec<String>, DatasetError> {
    if record.len() > COLUMNS_MAX {
        let reason = format!("the header has more than {COLUMNS_MAX} columns; is the delimiter another one?");
        return Err(DatasetError::broken(format!("{}:1", path.display()), reason));
    }
    if reading.header == Some(false) {
        return Ok((1..=record.len()).map(|number| number.to_string()).collect());
    }
    Ok(record.iter().map(name_of).collect())
}

fn name_of(cell: &[u8]) -> String {
    super::column::composed(&String::from_utf8_lossy(cell))
}

fn is_blank(cell: &[u8]) -> bool {
    cell.trim_ascii().is_empty()
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

#[expect(clippy::needless_pass_by_value, reason = "it ends in map_err, which gives the error away")]
fn broken(path: &SourcePath, line: u64, error: csv::Error) -> DatasetError {
    DatasetError::broken(format!("{}:{line}", path.display()), format!("cannot read on: {error}"))
}

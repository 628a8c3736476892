//! How a delimited file is written: its delimiter, whether fields are quoted, and how quotes in them are escaped.

use std::io::{BufRead, Read, Result as IoResult};

use csv::{ByteRecord, Reader, ReaderBuilder};
use sweep_proto::Reading;

use super::SourcePath;
use super::quotes::Quotes;
use super::text_file::{Text, TextFile};
use crate::error::DatasetError;
use crate::limits::RECORD_LINES_MAX;
use crate::progress::NoProgress;

/// The families of delimited files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// RFC 4180 with quotes; the delimiter is a comma, a semicolon, a tab or a bar.
    Csv,
    /// Tabs; with quotes where the whole file keeps their rules.
    Tsv,
    /// Tabs and no quoting, as registered for `text/tab-separated-values`: a quote is a character.
    PlainTsv,
}

/// How one delimited file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Between fields.
    pub(crate) delimiter: u8,
    /// Whether a quote at the start of a field opens it.
    quoting: bool,
    /// Whether a backslash escapes a quote.
    backslashes: bool,
    /// Lines before the header: the line `sep=;` of spreadsheets.
    pub(crate) skipped_lines: u64,
}

/// A reader of records.
pub(crate) type Table<'a> = Reader<Quotes<Backslashes<Text<'a>>>>;

impl Dialect {
    /// Finds out how a file is written; `wanted` are the columns that its header should have.
    pub(crate) fn of(
        path: &SourcePath,
        file: &TextFile,
        family: Family,
        wanted: &[&str],
        reading: &Reading,
    ) -> Result<Self, DatasetError> {
        let mut text = file.text(&NoProgress)?;
        let head = text.fill_buf().map_err(DatasetError::io(path, "read it"))?;
        let told = separator_line(head);
        let has_header = reading.header != Some(false);
        let mut lines = head.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
        let delimiter = match (named(reading), told, family) {
            (Some(named), _, _) => named,
            (None, Some(told), _) => told,
            (None, None, Family::Tsv | Family::PlainTsv) => b'\t',
            (None, None, Family::Csv) if has_header => by_header(lines.next().unwrap_or_default(), wanted),
            (None, None, Family::Csv) => by_lines(lines),
        };
        let quoting = family == Family::Csv;
        let mut dialect =
            Self { delimiter, quoting, backslashes: false, skipped_lines: u64::from(told.is_some()) };
        if family == Family::Tsv && file.marks().quoted_fields {
            dialect.quoting = Self { quoting: true, ..dialect }.scan(path, file)?.is_quoted();
        }
        if dialect.quoting && file.marks().escaped_quotes && !dialect.scan(path, file)?.is_clean() {
            let escaped = Self { backslashes: true, ..dialect };
            if escaped.scan(path, file)?.is_clean() {
                dialect = escaped;
            }
        }
        Ok(dialect)
    }

    /// What people are told of it, where it is unusual.
    pub(crate) fn remark(&self, family: Family) -> Option<&'static str> {
        match (family, self) {
            (_, Self { backslashes: true, .. }) => Some("quotes in it are escaped by backslashes"),
            (Family::Tsv, Self { quoting: true, .. }) => Some("its fields are quoted"),
            _ => None,
        }
    }

    /// A reader of the records of a text that stands at its start.
    pub(crate) fn reader<'a>(
        &self,
        path: &SourcePath,
        mut text: Text<'a>,
    ) -> Result<Table<'a>, DatasetError> {
        let mut line = Vec::new();
        for _ in 0..self.skipped_lines {
            text.read_until(b'\n', &mut line).map_err(DatasetError::io(path, "read it"))?;
        }
        let text = Backslashes { inner: text, is_active: self.backslashes, is_pending: false };
        let quotes = Quotes::new(text, self.quoting.then_some(self.delimiter));
        Ok(ReaderBuilder::new()
            .delimiter(self.delimiter)
            .quoting(self.quoting)
            .flexible(true)
            .has_headers(false)
            .from_reader(quotes))
    }

    /// Reads the whole file to see whether it keeps the rules of this dialect.
    fn scan(&self, path: &SourcePath, file: &TextFile) -> Result<Scan, DatasetError> {
        let mut reader = self.reader(path, file.text(&NoProgress)?)?;
        let mut scan = Scan::default();
        let mut record = ByteRecord::new();
        let mut width = 0;
        while reader.read_byte_record(&mut record).map_err(|error| unreadable(path, &error))? {
            width = if width == 0 { record.len() } else { width };
            scan.ragged += u64::from(record.len() != width);
            scan.count_lines(&record, self.delimiter, width);
            if scan.lines_of_record > RECORD_LINES_MAX {
                scan.is_malformed = true;
                break;
            }
        }
        let quotes = reader.get_mut();
        scan.is_malformed |= quotes.is_malformed_up_to(u64::MAX) || quotes.open().is_some();
        Ok(scan)
    }
}

/// How a file keeps the rules of quoting.
#[derive(Debug, Default)]
struct Scan {
    is_malformed: bool,
    /// Records of another width than the first.
    ragged: u64,
    /// Lines that would be ragged if quotes were characters.
    ragged_lines: u64,
    /// Of records of several lines: lines that look like rows of their own, and lines that do not.
    whole: u64,
    torn: u64,
    lines_of_record: u64,
}

impl Scan {
    fn count_lines(&mut self, record: &ByteRecord, delimiter: u8, width: usize) {
        let mut fields = vec![1];
        for (place, field) in record.iter().enumerate() {
            if place > 0
                && let Some(last) = fields.last_mut()
            {
                *last += 1;
            }
            for byte in field {
                if *byte == b'\n' {
                    fields.push(1);
                } else if *byte == delimiter
                    && let Some(last) = fields.last_mut()
                {
                    *last += 1;
                }
            }
        }
        self.lines_of_record = fields.len() as u64;
        let ragged = fields.iter().filter(|fields| **fields != width).count() as u64;
        self.ragged_lines += ragged;
        if fields.len() > 1 {
            self.torn += ragged;
            self.whole += fields.len() as u64 - ragged;
        }
    }

    /// Whether quotes are quotes: they keep the rules, and as characters they would explain the file no better.
    fn is_quoted(&self) -> bool {
        !self.is_malformed && self.ragged <= self.ragged_lines && self.whole <= self.torn
    }

    fn is_clean(&self) -> bool {
        !self.is_malformed && self.ragged == 0
    }
}

/// A reader that turns quotes escaped by a backslash into doubled ones, and doubled backslashes into single ones.
pub(crate) struct Backslashes<R> {
    inner: R,
    is_active: bool,
    /// Whether the last byte was a backslash that has not been passed on.
    is_pending: bool,
}

impl<R: Read> Read for Backslashes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        if !self.is_active || buffer.len() < 2 {
            return self.inner.read(buffer);
        }
        // One byte of room for the backslash that was held back.
        let room = buffer.len() / 2;
        let count = self.inner.read(&mut buffer[..room])?;
        let bytes = buffer[..count].to_vec();
        let mut length = 0;
        let mut put = |byte: u8| {
            buffer[length] = byte;
            length += 1;
        };
        if count == 0 && self.is_pending {
            put(b'\\');
            self.is_pending = false;
        }
        for byte in bytes {
            match (self.is_pending, byte) {
                (false, b'\\') => self.is_pending = true,
                (false, byte) => put(byte),
                (true, b'"') => {
                    put(b'"');
                    put(b'"');
                    self.is_pending = false;
                }
                (true, b'\\') => {
                    put(b'\\');
                    self.is_pending = false;
                }
                (true, byte) => {
                    put(b'\\');
                    put(byte);
                    self.is_pending = false;
                }
            }
        }
        if length == 0 && count > 0 { self.read(buffer) } else { Ok(length) }
    }
}

/// The delimiter that the settings name.
fn named(reading: &Reading) -> Option<u8> {
    let delimiter = reading.delimiter.as_deref()?;
    if delimiter == "tab" { Some(b'\t') } else { delimiter.bytes().next() }
}

/// The delimiter of a first line such as `sep=;`.
fn separator_line(head: &[u8]) -> Option<u8> {
    let line = head.split(|byte| *byte == b'\n').next()?;
    match line.strip_suffix(b"\r").unwrap_or(line) {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] => Some(*delimiter),
        _ => None,
    }
}

/// The delimiters that are recognised. The last of equals wins: a comma before a semicolon before a tab before a bar.
const DELIMITERS: [u8; 4] = [b'|', b'\t', b';', b','];

fn fields(line: &[u8], delimiter: u8) -> ByteRecord {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(line);
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record).ok();
    record
}

/// The delimiter under which the header has the wanted columns, or the one that cuts it most often.
fn by_header(line: &[u8], wanted: &[&str]) -> u8 {
    let score = |delimiter| {
        let fields = fields(line, delimiter);
        let has = |name: &&str| fields.iter().any(|field| field.trim_ascii() == name.as_bytes());
        let fits = !wanted.is_empty() && wanted.iter().all(has);
        (fits, fields.len())
    };
    DELIMITERS.into_iter().max_by_key(|delimiter| score(*delimiter)).unwrap_or(b',')
}

/// The delimiter that cuts most of the first lines into the same number of fields, above one.
fn by_lines<'a>(lines: impl Iterator<Item = &'a [u8]>) -> u8 {
    const LINES: usize = 50;
    let lines: Vec<_> = lines.take(LINES).collect();
    let score = |delimiter| {
        let widths: Vec<_> = lines.iter().map(|line| fields(line, delimiter).len()).collect();
        let same = |width: usize| widths.iter().filter(|one| **one == width).count();
        widths
            .iter()
            .filter(|width| **width > 1)
            .map(|width| (same(*width), *width))
            .max()
            .unwrap_or_default()
    };
    DELIMITERS.into_iter().max_by_key(|delimiter| score(*delimiter)).unwrap_or(b',')
}

fn unreadable(path: &SourcePath, error: &csv::Error) -> DatasetError {
    DatasetError::broken(path.display(), format!("cannot read on: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unescaped(text: &str, at_once: usize) -> String {
        let mut reader = Backslashes { inner: text.as_bytes(), is_active: true, is_pending: false };
        let mut out = Vec::new();
        let mut buffer = vec![0; at_once];
        loop {
            let count = reader.read(&mut buffer).expect("in memory");
            if count == 0 {
                return String::from_utf8(out).expect("text");
            }
            out.extend_from_slice(&buffer[..count]);
        }
    }

    #[test]
    fn escaped_quotes_become_doubled_ones_however_they_come() {
        for at_once in [2, 3, 4, 7, 100] {
            assert_eq!(unescaped(r#""she said \"no\"",1"#, at_once), r#""she said ""no""",1"#);
            assert_eq!(unescaped(r#""a\\","b\n",\"#, at_once), r#""a\","b\n",\"#);
        }
    }

    #[test]
    fn delimiters_are_recognised_by_header_and_by_lines() {
        assert_eq!(by_header(b"text,label", &[]), b',');
        assert_eq!(by_header(b"text|label", &[]), b'|');
        assert_eq!(by_header(b"a,b;text;label", &["text", "label"]), b';');
        assert_eq!(by_header(b"only", &[]), b',');
        assert_eq!(by_lines([&b"fine, yes\t1"[..], b"bad\t0", b"so, so, so\t1"].into_iter()), b'\t');
        assert_eq!(separator_line(b"sep=;\r\ntext;label"), Some(b';'));
        assert_eq!(separator_line(b"sepal,label"), None);
    }
}

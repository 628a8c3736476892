//! A text file as its readers see it: unpacked, in UTF-8, from the start as often as they like.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::os::unix::fs::FileExt;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;
use sweep_proto::Reading;

use super::SourcePath;
use super::encoding::{Survey, by_head, named, shown};
use super::foreign;
use super::input::{Watched, open};
use super::unpack::unpacked;
use crate::error::DatasetError;
use crate::progress::Progress;
use crate::rows::Rows;

/// Bytes read at once; also how much of a file's head can be looked at before reading it.
const BUFFER_BYTES: usize = 1 << 16;

/// The text of a file, after its byte order mark.
pub(crate) type Text<'a> = BufReader<Watched<'a, Box<dyn Read>>>;

/// A text file whose encoding is known.
#[derive(Debug)]
pub(crate) struct TextFile {
    path: SourcePath,
    file: File,
    encoding: &'static Encoding,
    /// What its lines told; nothing where the encoding was told otherwise.
    survey: Survey,
    /// Whether a quote stands behind a backslash, or begins a field: what dialects differ in.
    marks: Marks,
}

/// What stands in a file that dialects read differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// A backslash before a quote.
    pub(crate) escaped_quotes: bool,
    /// A quote at the start of a line or behind a tab.
    pub(crate) quoted_fields: bool,
}

impl TextFile {
    /// As [`TextFile::open`], for a reader that takes its rows: they are told in which encoding they stand.
    ///
    /// # Errors
    /// As [`TextFile::open`].
    pub(crate) fn for_rows(
        path: &SourcePath,
        reading: &Reading,
        rows: &mut Rows,
    ) -> Result<Self, DatasetError> {
        let file = Self::open(path, reading)?;
        file.tell(rows);
        Ok(file)
    }

    /// Opens a file, unpacks it where it is compressed, and finds out its encoding unless that is named.
    ///
    /// # Errors
    /// What is not text, by name; an encoding that cannot be told.
    pub(crate) fn open(path: &SourcePath, reading: &Reading) -> Result<Self, DatasetError> {
        let named = reading.encoding.as_deref().map(named).transpose()?;
        let file = unpacked(path, open(path)?)?;
        let mut text = Self {
            path: path.clone(),
            file,
            encoding: UTF_8,
            survey: Survey::default(),
            marks: Marks::default(),
        };
        let head = text.head()?;
        if let Some(what) = foreign::by_head(&head) {
            return Err(DatasetError::broken(path.display(), what));
        }
        text.survey()?;
        text.encoding = match (named, by_head(&head)) {
            // A mark at the start of the file knows better than whoever names an encoding.
            (Some(named), told) => Encoding::for_bom(&head).and(told).unwrap_or(named),
            (None, Some(told)) => told,
            (None, None) => text.survey.verdict(&path.display())?,
        };
        let is_wide = text.encoding == UTF_16LE || text.encoding == UTF_16BE;
        if !is_wide && foreign::is_binary(&head) {
            return Err(DatasetError::broken(path.display(), foreign::BINARY));
        }
        if is_wide {
            // Its quotes do not stand beside each other's bytes: whether they matter is found out by reading.
            text.marks = Marks { escaped_quotes: true, quoted_fields: true };
        }
        Ok(text)
    }

    /// Its first bytes, as they stand.
    fn head(&mut self) -> Result<Vec<u8>, DatasetError> {
        let mut head = Vec::new();
        self.file.rewind().map_err(DatasetError::io(&self.path, "read it"))?;
        let read = (&mut self.file).take(BUFFER_BYTES as u64).read_to_end(&mut head);
        read.map_err(DatasetError::io(&self.path, "read it"))?;
        Ok(head)
    }

    /// Looks at every line once.
    fn survey(&mut self) -> Result<(), DatasetError> {
        self.file.rewind().map_err(DatasetError::io(&self.path, "read it"))?;
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut before = b'\n';
        loop {
            let count = self.file.read(&mut buffer).map_err(DatasetError::io(&self.path, "read it"))?;
            if count == 0 {
                break;
            }
            let bytes = &buffer[..count];
            self.survey.feed(bytes);
            self.marks.look(before, bytes);
            before = bytes[count - 1];
        }
        self.survey.end();
        Ok(())
    }

    /// What stands in it that dialects read differently.
    pub(crate) fn marks(&self) -> Marks {
        self.marks
    }

    /// Its text from the start.
    pub(crate) fn text<'a>(&self, progress: &'a dyn Progress) -> Result<Text<'a>, DatasetError> {
        let file = self.file.try_clone().map_err(DatasetError::io(&self.path, "read it"))?;
        let file = FromStart { file, at: 0 };
        let reader: Box<dyn Read> = if self.encoding == UTF_8 {
            Box::new(file)
        } else {
            Box::new(DecodeReaderBytesBuilder::new().encoding(Some(self.encoding)).build(file))
        };
        let mut text = BufReader::with_capacity(BUFFER_BYTES, Watched::text(reader, progress));
        let head = text.fill_buf().map_err(DatasetError::io(&self.path, "read it"))?;
        if head.starts_with(b"\xEF\xBB\xBF") {
            text.consume(3);
        }
        Ok(text)
    }

    /// Tells whoever collects its rows in which encoding they stand; where another part of a source is entered, again.
    pub(crate) fn tell(&self, rows: &mut Rows) {
        let likely = self.survey.likely().filter(|_| self.encoding == UTF_8);
        rows.set_encoding(shown(self.encoding), self.encoding != UTF_8, likely.map(shown));
    }
}

/// A file that is read from its start, whatever others read of it meanwhile.
struct FromStart {
    file: File,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Marks {
    fn look(&mut self, mut before: u8, bytes: &[u8]) {
        if self.escaped_quotes && self.quoted_fields {
            return;
        }
        for byte in bytes {
            if *byte == b'"' {
                self.escaped_quotes |= before == b'\\';
                self.quoted_fields |= matches!(before, b'\n' | b'\r' | b'\t');
            }
            before = *byte;
        }
    }
}

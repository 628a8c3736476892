//! Texts that are whole files: gathered first, since their encoding is recognised from all of them together.

use std::io::Read;

use encoding_rs::UTF_8;

use super::SourcePath;
use super::encoding::{Survey, by_head, named, shown};
use super::input::open;
use crate::error::DatasetError;
use crate::limits::TEXT_BYTES_MAX;
use crate::rows::{Part, Place, Rows};

/// Gathered texts.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    texts: Vec<Text>,
    survey: Survey,
}

#[derive(Debug)]
struct Text {
    /// The folder or archive that its row is counted for.
    home: String,
    part: Part,
    class: String,
    /// Its place in messages.
    file: String,
    bytes: Vec<u8>,
}

impl Texts {
    /// Takes a file's text in, or counts it as bad.
    pub(crate) fn add_file(
        &mut self,
        path: &SourcePath,
        home: &str,
        file: String,
        part: Part,
        class: &str,
        rows: &mut Rows,
    ) -> Result<(), DatasetError> {
        let place = Place { file: &file, line: 1 };
        let metadata = path.metadata().map_err(DatasetError::io(path, "open it"))?;
        if !metadata.is_file {
            return rows.reject(place, "it is not a regular file");
        }
        if metadata.len > TEXT_BYTES_MAX as u64 {
            return rows.reject(place, "the text is longer than 1 MiB");
        }
        if metadata.len == 0 {
            return rows.reject(place, "the text is empty");
        }
        let mut bytes = Vec::with_capacity(metadata.len as usize);
        // The file may grow while it is read: one byte more than allowed is enough to see that.
        let bound = TEXT_BYTES_MAX as u64 + 1;
        open(path)?.take(bound).read_to_end(&mut bytes).map_err(DatasetError::io(path, "read it"))?;
        self.add(home, file, part, class, bytes);
        Ok(())
    }

    /// Takes a text in.
    pub(crate) fn add(&mut self, home: &str, file: String, part: Part, class: &str, bytes: Vec<u8>) {
        let bytes = match by_head(&bytes[..bytes.len().min(1 << 12)]) {
            Some(mark) if mark == UTF_8 => bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes).to_vec(),
            Some(marked) => marked.decode_with_bom_removal(&bytes).0.into_owned().into_bytes(),
            None => bytes,
        };
        self.survey.feed(&bytes);
        self.survey.end();
        self.texts.push(Text { home: home.to_owned(), part, class: class.to_owned(), file, bytes });
    }

    /// Number of texts so far.
    pub(crate) fn len(&self) -> u64 {
        self.texts.len() as u64
    }

    /// Hands every text on as a row, converted from the encoding that is named or recognised. Files that are UTF-8 stay.
    pub(crate) fn finish(
        self,
        path: &SourcePath,
        encoding: Option<&str>,
        rows: &mut Rows,
    ) -> Result<(), DatasetError> {
        let encoding = match encoding {
            Some(name) => named(name)?,
            None => self.survey.verdict_of_files(&path.display())?,
        };
        // What was said of a file read before does not hold here.
        rows.set_encoding(shown(UTF_8), false, None);
        let mut is_told = false;
        for Text { home, part, class, file, bytes } in self.texts {
            rows.enter(part, &home);
            let place = Place { file: &file, line: 1 };
            if encoding == UTF_8 || std::str::from_utf8(&bytes).is_ok() {
                rows.push(place, part, class.as_bytes(), &bytes)?;
                continue;
            }
            if !is_told {
                rows.set_encoding(shown(encoding), true, None);
                is_told = true;
            }
            let (text, _) = encoding.decode_without_bom_handling(&bytes);
            rows.push(place, part, class.as_bytes(), text.as_bytes())?;
        }
        Ok(())
    }
}

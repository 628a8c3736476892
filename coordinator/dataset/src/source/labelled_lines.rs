//! Lines that begin with their label: fastText's `__label__x text`, and TREC's `COARSE:fine text`.

use sweep_proto::Reading;

use super::json_lines::each_line;
use super::text_file::TextFile;
use super::{Columns, SourcePath};
use crate::error::DatasetError;
use crate::labels::several_labels;
use crate::progress::Progress;
use crate::rows::{Part, Place, Rows};

/// What stands before a label in fastText's format.
const FASTTEXT: &[u8] = b"__label__";
/// Columns of TREC's format.
pub(crate) const TREC_COLUMNS: [&str; 3] = ["label", "fine", "text"];

/// How lines begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefix {
    FastText,
    Trec,
}

impl Prefix {
    /// The prefix that the first lines of a file have, if they all have one.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        const LINES: usize = 20;
        let lines: Vec<&[u8]> = head
            .split_inclusive(|byte| *byte == b'\n')
            // The last line may be cut.
            .filter(|line| line.ends_with(b"\n") || head.len() < 200)
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.is_empty())
            .take(LINES)
            .collect();
        if lines.is_empty() {
            return None;
        }
        if lines.iter().all(|line| line.starts_with(FASTTEXT)) {
            return Some(Self::FastText);
        }
        lines.iter().all(|line| trec(line).is_some()).then_some(Self::Trec)
    }
}

/// Reads every line.
pub(crate) fn read(
    path: &SourcePath,
    prefix: Prefix,
    columns: &Columns,
    reading: &Reading,
    part: Part,
    rows: &mut Rows,
    progress: &dyn Progress,
) -> Result<(), DatasetError> {
    let source = TextFile::for_rows(path, reading, rows)?;
    let is_fine = columns.label == TREC_COLUMNS[1];
    let file = path.file_name();
    each_line(path, &source, progress, |line, bytes| {
        let place = Place { file: &file, line };
        match (prefix, trec(bytes)) {
            (Prefix::FastText, _) => fasttext_row(place, part, bytes, rows)?,
            (Prefix::Trec, Some((_, fine, text))) if is_fine => rows.push(place, part, fine, text)?,
            (Prefix::Trec, Some((coarse, _, text))) => rows.push(place, part, coarse, text)?,
            (Prefix::Trec, None) => rows.reject(place, "the line does not begin with LABEL:fine")?,
        }
        Ok(true)
    })
}

fn fasttext_row(place: Place<'_>, part: Part, line: &[u8], rows: &mut Rows) -> Result<(), DatasetError> {
    let Some(rest) = line.strip_prefix(FASTTEXT) else {
        return rows.reject(place, "the line does not begin with __label__");
    };
    let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    let (label, text) = rest.split_at(end);
    let text = text.trim_ascii_start();
    if text.starts_with(FASTTEXT) {
        let example: Vec<_> =
            line.split(u8::is_ascii_whitespace).take_while(|word| word.starts_with(FASTTEXT)).collect();
        return Err(several_labels(&rows.name, &String::from_utf8_lossy(&example.join(&b' '))));
    }
    // Some files, such as those of the Amazon reviews, part a title from the text by a colon: it stays.
    rows.push(place, part, label, text)
}

/// The coarse label, the fine label, and the text of a line such as `DESC:manner How did ...`.
fn trec(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    let (fine, text) = line.split_at(space);
    let colon = fine.iter().position(|byte| *byte == b':')?;
    let (coarse, rest) = (&fine[..colon], &fine[colon + 1..]);
    let is_coarse =
        !coarse.is_empty() && coarse.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    let is_fine = !rest.is_empty()
        && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    (is_coarse && is_fine).then_some((coarse, fine, text.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_told_by_the_first_lines() {
        assert_eq!(Prefix::of(b"__label__1 fine\n__label__2 bad\n"), Some(Prefix::FastText));
        assert_eq!(Prefix::of(b"DESC:manner How did it go ?\nNUM:count How many ?\n"), Some(Prefix::Trec));
        assert_eq!(Prefix::of(b"Note: this is prose\n"), None);
        assert_eq!(Prefix::of(b"__label__1 fine\nbad\n"), None);
        assert_eq!(Prefix::of(b""), None);
    }

    #[test]
    fn trec_lines_have_a_coarse_and_a_fine_label() {
        let parts = trec(b"ENTY:cremat What films ?").expect("a line");
        assert_eq!(parts, (&b"ENTY"[..], &b"ENTY:cremat"[..], &b"What films ?"[..]));
        assert_eq!(trec(b"http://a.b c"), None);
    }
}

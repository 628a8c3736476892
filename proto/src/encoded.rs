//! The encoded dataset: the file that the coordinator writes once and every worker maps.
//!
//! ```text
//! magic "SWEEPDS1" (8 bytes) · header length u64 · header (JSON) · zeros up to a multiple of 8
//! for each of train, validation, test:
//!     offsets u64 [rows + 1] · labels u32 [rows] · zeros to 8 · tokens u32 [offsets[rows]] · zeros to 8
//! ```
//! All numbers are little-endian. Token 0 is padding and never stands in a row, token 1 is unknown.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// First bytes of every encoded dataset; the digit is the format's version.
pub const MAGIC: &[u8; 8] = b"SWEEPDS1";
/// The token that fills short rows of a batch.
pub const PADDING: u32 = 0;
/// The token for what the vocabulary lacks.
pub const UNKNOWN: u32 = 1;
/// Largest header in bytes: a vocabulary of a million tokens fits.
pub const HEADER_BYTES_MAX: u64 = 256 << 20;

/// A part of the dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Trained on.
    Train,
    /// Chosen by.
    Validation,
    /// Measured once, by the chosen configuration.
    Test,
}

impl Split {
    /// Every split, in file order.
    pub const ALL: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

    /// The split's name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }
}

/// Sizes of one split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitSize {
    /// Rows.
    pub rows: u64,
    /// Tokens of all rows together.
    pub tokens: u64,
}

/// What stands in the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncodedHeader {
    /// A name for people, such as `snippets`.
    pub dataset: String,
    /// The names of the classes; a label is an index into it.
    pub classes: Vec<String>,
    /// Distinct tokens, padding and unknown included: every token is below it.
    pub vocabulary: u32,
    /// No row has more tokens.
    pub max_length: u32,
    /// Where longer texts were cut: `right` or `left`.
    pub truncation_side: String,
    /// The tokenizer, as the JSON of the `tokenizers` library: it turns a text into these tokens.
    pub tokenizer: String,
    /// Sizes of train, validation and test, in this order.
    pub splits: [SplitSize; 3],
}

/// Why bytes are not an encoded dataset.
#[derive(Debug, Error)]
pub enum EncodedError {
    /// The first bytes are others.
    #[error("not an encoded dataset: the first eight bytes are not \"SWEEPDS1\"")]
    Magic,
    /// The header is not the JSON that it should be.
    #[error("the header of the encoded dataset is broken")]
    Header(#[source] serde_json::Error),
    /// A size is out of bounds.
    #[error("the encoded dataset is broken: {0}")]
    Broken(String),
}

/// Rows of one split, as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedRows {
    /// Tokens of each row; at least one.
    pub rows: Vec<Vec<u32>>,
    /// Label of each row.
    pub labels: Vec<u32>,
}

/// Writes an encoded dataset. `header.splits` is filled in from the rows.
pub fn encode(mut header: EncodedHeader, splits: &[EncodedRows; 3]) -> Vec<u8> {
    for (size, split) in header.splits.iter_mut().zip(splits) {
        size.rows = split.rows.len() as u64;
        size.tokens = split.rows.iter().map(|row| row.len() as u64).sum();
    }
    // A header is plain data with string keys: it always serialises.
    let json = serde_json::to_vec(&header).unwrap_or_default();
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(json.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&json);
    pad(&mut bytes);
    for split in splits {
        let mut offset = 0_u64;
        bytes.extend_from_slice(&offset.to_le_bytes());
        for row in &split.rows {
            offset += row.len() as u64;
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        split.labels.iter().for_each(|label| bytes.extend_from_slice(&label.to_le_bytes()));
        pad(&mut bytes);
        split.rows.iter().flatten().for_each(|token| bytes.extend_from_slice(&token.to_le_bytes()));
        pad(&mut bytes);
    }
    bytes
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}

/// A checked view of an encoded dataset's bytes, which usually are a memory map.
#[derive(Clone, Debug)]
pub struct EncodedView<B> {
    bytes: B,
    header: EncodedHeader,
    layout: [SplitLayout; 3],
}

#[derive(Clone, Copy, Debug, Default)]
struct SplitLayout {
    rows: usize,
    offsets_at: usize,
    labels_at: usize,
    tokens_at: usize,
}

impl<B: AsRef<[u8]>> EncodedView<B> {
    /// Checks every size, offset, label and token once, so that no later read can fail.
    ///
    /// # Errors
    /// [`EncodedError`] names the first thing that is wrong. Bytes from a network may be anything.
    pub fn parse(bytes: B) -> Result<Self, EncodedError> {
        let data = bytes.as_ref();
        if data.get(..8) != Some(MAGIC.as_slice()) {
            return Err(EncodedError::Magic);
        }
        let header_bytes = read_u64(data, 8).ok_or_else(|| broken("it ends in its header"))?;
        if header_bytes > HEADER_BYTES_MAX {
            return Err(broken("its header is too large"));
        }
        let header_end = 16 + header_bytes as usize;
        let json = data.get(16..header_end).ok_or_else(|| broken("it ends in its header"))?;
        let header: EncodedHeader = serde_json::from_slice(json).map_err(EncodedError::Header)?;
        let mut cursor = header_end.next_multiple_of(8);
        let mut layout = [SplitLayout::default(); 3];
        for ((place, size), split) in layout.iter_mut().zip(&header.splits).zip(Split::ALL) {
            (*place, cursor) = check_split(data, cursor, *size, &header, split)?;
        }
        if cursor != data.len() {
            return Err(broken("bytes follow its end"));
        }
        Ok(Self { bytes, header, layout })
    }

    /// The header.
    pub fn header(&self) -> &EncodedHeader {
        &self.header
    }

    /// Number of rows of a split.
    pub fn rows(&self, split: Split) -> usize {
        self.layout[split as usize].rows
    }

    /// The label of a row.
    ///
    /// # Panics
    /// Where the split has no such row.
    pub fn label(&self, split: Split, row: usize) -> u32 {
        let place = self.layout[split as usize];
        assert!(row < place.rows, "row {row} of {}", place.rows);
        read_u32(self.bytes.as_ref(), place.labels_at + 4 * row).unwrap_or_default()
    }

    /// Number of tokens of a row.
    ///
    /// # Panics
    /// Where the split has no such row.
    pub fn length(&self, split: Split, row: usize) -> usize {
        let (start, end) = self.span(split, row);
        end - start
    }

    /// The tokens of a row.
    ///
    /// # Panics
    /// Where the split has no such row.
    pub fn tokens(&self, split: Split, row: usize) -> impl ExactSizeIterator<Item = u32> + '_ {
        let place = self.layout[split as usize];
        let (start, end) = self.span(split, row);
        let span = &self.bytes.as_ref()[place.tokens_at + 4 * start..place.tokens_at + 4 * end];
        span.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
    }

    fn span(&self, split: Split, row: usize) -> (usize, usize) {
        let place = self.layout[split as usize];
        assert!(row < place.rows, "row {row} of {}", place.rows);
        let offset = |at: usize| read_u64(self.bytes.as_ref(), place.offsets_at + 8 * at).unwrap_or_default();
        (offset(row) as usize, offset(row + 1) as usize)
    }
}

fn check_split(
    data: &[u8],
    start: usize,
    size: SplitSize,
    header: &EncodedHeader,
    split: Split,
) -> Result<(SplitLayout, usize), EncodedError> {
    let name = split.name();
    let ends = || broken(&format!("it ends in its {name} split"));
    let room = data.len() as u64;
    if size.rows > room || size.tokens > room {
        return Err(ends());
    }
    let (rows, tokens) = (size.rows as usize, size.tokens as usize);
    let labels_at = start + 8 * (rows + 1);
    let tokens_at = (labels_at + 4 * rows).next_multiple_of(8);
    let end = (tokens_at + 4 * tokens).next_multiple_of(8);
    if end > data.len() {
        return Err(ends());
    }
    let mut previous = read_u64(data, start).ok_or_else(ends)?;
    if previous != 0 {
        return Err(broken(&format!("the first offset of its {name} split is not 0")));
    }
    for row in 0..rows {
        let next = read_u64(data, start + 8 * (row + 1)).ok_or_else(ends)?;
        let length = next.saturating_sub(previous);
        if length == 0 || length > u64::from(header.max_length) {
            return Err(broken(&format!("row {row} of its {name} split has a bad length")));
        }
        let label = read_u32(data, labels_at + 4 * row).ok_or_else(ends)?;
        if label as usize >= header.classes.len() {
            return Err(broken(&format!("row {row} of its {name} split has no known label")));
        }
        previous = next;
    }
    if previous != size.tokens {
        return Err(broken(&format!("the offsets of its {name} split do not end at its token count")));
    }
    let strange = data[tokens_at..tokens_at + 4 * tokens].chunks_exact(4).any(|four| {
        let token = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        token == PADDING || token >= header.vocabulary
    });
    if strange {
        return Err(broken(&format!("its {name} split has a token outside the vocabulary")));
    }
    Ok((SplitLayout { rows, offsets_at: start, labels_at, tokens_at }, end))
}

fn broken(what: &str) -> EncodedError {
    EncodedError::Broken(what.to_owned())
}

fn read_u64(data: &[u8], at: usize) -> Option<u64> {
    data.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}

fn read_u32(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Vec<u8> {
        let header = EncodedHeader {
            dataset: "sample".into(),
            classes: vec!["no".into(), "yes".into()],
            vocabulary: 10,
            max_length: 4,
            truncation_side: "right".into(),
            tokenizer: "{}".into(),
            splits: [SplitSize::default(); 3],
        };
        let rows = |rows: &[&[u32]], labels: &[u32]| EncodedRows {
            rows: rows.iter().map(|row| row.to_vec()).collect(),
            labels: labels.to_vec(),
        };
        encode(header, &[rows(&[&[2, 3, 9], &[1]], &[1, 0]), rows(&[&[4]], &[0]), rows(&[], &[])])
    }

    #[test]
    fn what_was_written_is_read() {
        let view = EncodedView::parse(sample()).expect("valid");
        assert_eq!(view.rows(Split::Train), 2);
        assert_eq!(view.tokens(Split::Train, 0).collect::<Vec<_>>(), [2, 3, 9]);
        assert_eq!(view.label(Split::Train, 0), 1);
        assert_eq!(view.tokens(Split::Validation, 0).collect::<Vec<_>>(), [4]);
        assert_eq!(view.rows(Split::Test), 0);
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_refused_or_read_within_bounds(at in 0_usize..400, byte in any::<u8>(), cut in 0_usize..400) {
            let mut bytes = sample();
            let length = bytes.len();
            bytes[at % length] = byte;
            bytes.truncate(length - cut % 2 * (cut % length));
            if let Ok(view) = EncodedView::parse(bytes) {
                for split in Split::ALL {
                    for row in 0..view.rows(split) {
                        prop_assert!(view.tokens(split, row).all(|token| token < view.header().vocabulary));
                        prop_assert!((view.label(split, row) as usize) < view.header().classes.len());
                    }
                }
            }
        }
    }
}

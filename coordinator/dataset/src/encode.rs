//! From texts in splits to the encoded file: vocabulary, tokens, truncation.

use std::collections::BTreeMap;

use sweep_proto::encoded::{EncodedHeader, EncodedRows, SplitSize, UNKNOWN};
use sweep_proto::{Configuration, Hyperparameter, Value};

use crate::account::TokenCounts;
use crate::error::DatasetError;
use crate::pieces::Pieces;
use crate::split::Splits;
use crate::summary::Lengths;
use crate::tokenizer::{TokenizerKind, Trained};

/// How a dataset is encoded, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    /// `None`: what suits the texts.
    pub(crate) tokenizer: Option<TokenizerKind>,
    /// Most tokens of the vocabulary.
    pub(crate) vocabulary: usize,
    /// Most tokens of a text.
    pub(crate) max_length: usize,
    /// Whether the beginning of a long text is cut off instead of its end.
    pub(crate) cut_left: bool,
}

impl Variant {
    /// Checks the values; what is missing has its default.
    pub(crate) fn new(values: &BTreeMap<Hyperparameter, Value>) -> Result<Self, DatasetError> {
        let mut configuration = Configuration::default();
        for (hyperparameter, value) in values {
            configuration
                .set(*hyperparameter, value.clone())
                .map_err(|error| DatasetError::Setting(error.to_string()))?;
        }
        Ok(Self {
            tokenizer: TokenizerKind::from_name(configuration.tokenizer()),
            vocabulary: configuration.vocabulary() as usize,
            max_length: configuration.max_length() as usize,
            cut_left: configuration.truncation_side() == "left",
        })
    }
}

/// An encoded dataset, not yet written.
pub(crate) struct Encoded {
    /// The file's header, without sizes.
    pub(crate) header: EncodedHeader,
    /// The rows of each split.
    pub(crate) splits: [EncodedRows; 3],
    /// Tokens of each split in numbers.
    pub(crate) tokens: [TokenCounts; 3],
    /// Tokens of a training text before it is cut.
    pub(crate) lengths: Lengths,
}

/// Learns the vocabulary from the training split and encodes all splits with it.
pub(crate) fn encode(
    name: &str,
    classes: &[String],
    splits: &Splits,
    pieces: &Pieces,
    kind: TokenizerKind,
    variant: Variant,
) -> Result<Encoded, DatasetError> {
    let counts = pieces.train_counts();
    let known = pieces.table.iter().map(String::as_str).zip(counts).filter(|(_, count)| *count > 0);
    let trained = Trained::new(kind, known.collect(), variant.vocabulary)?;
    let tokens_of: Vec<Vec<u32>> = pieces.table.iter().map(|piece| trained.tokens(piece)).collect();
    let mut lengths = Vec::new();
    let mut tokens = [TokenCounts::default(); 3];
    let mut encoded: [EncodedRows; 3] = Default::default();
    for (split, (rows, out)) in pieces.splits.iter().zip(&mut encoded).enumerate() {
        out.labels = splits[split].iter().map(|row| row.label).collect();
        for row in rows {
            let full: usize = row.iter().map(|piece| tokens_of[*piece as usize].len()).sum();
            if split == 0 {
                lengths.push(full.max(1) as u64);
            }
            let kept = truncated(row, &tokens_of, full, variant);
            tokens[split].count(&kept, full > variant.max_length);
            out.rows.push(kept);
        }
    }
    let header = EncodedHeader {
        dataset: name.to_owned(),
        classes: classes.to_vec(),
        vocabulary: trained.vocabulary,
        max_length: variant.max_length as u32,
        truncation_side: if variant.cut_left { "left" } else { "right" }.to_owned(),
        tokenizer: trained.file,
        splits: [SplitSize::default(); 3],
    };
    Ok(Encoded { header, splits: encoded, tokens, lengths: Lengths::of(lengths) })
}

/// The kept tokens of a row; one unknown token where the text has none.
fn truncated(row: &[u32], tokens_of: &[Vec<u32>], full: usize, variant: Variant) -> Vec<u32> {
    let skip = if variant.cut_left { full.saturating_sub(variant.max_length) } else { 0 };
    let tokens = row.iter().flat_map(|piece| &tokens_of[*piece as usize]).copied();
    let kept: Vec<u32> = tokens.skip(skip).take(variant.max_length).collect();
    if kept.is_empty() { vec![UNKNOWN] } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_the_chosen_side() {
        let tokens_of = [vec![2, 3], vec![4], vec![5, 6, 7]];
        let variant = |cut_left| Variant { tokenizer: None, vocabulary: 10, max_length: 4, cut_left };
        assert_eq!(truncated(&[0, 1, 2], &tokens_of, 6, variant(false)), [2, 3, 4, 5]);
        assert_eq!(truncated(&[0, 1, 2], &tokens_of, 6, variant(true)), [4, 5, 6, 7]);
        assert_eq!(truncated(&[1], &tokens_of, 1, variant(true)), [4]);
        assert_eq!(truncated(&[], &tokens_of, 0, variant(false)), [UNKNOWN]);
    }

    #[test]
    fn variants_are_checked() {
        let values = BTreeMap::from([(Hyperparameter::MaxLength, Value::Integer(0))]);
        let message = Variant::new(&values).expect_err("zero").to_string();
        assert_eq!(message, "max_length must be a whole number from 1 to 4096, not 0");
    }
}

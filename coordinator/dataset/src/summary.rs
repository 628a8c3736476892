//! What people are told about a prepared dataset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A row that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// The file, as its last path component or its path inside an archive.
    pub file: String,
    /// Line in the file, from 1; for Parquet the row, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl std::fmt::Display for BadRow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

/// All rows that could not be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRows {
    /// How many.
    pub count: u64,
    /// How many for each reason.
    pub reasons: BTreeMap<String, u64>,
    /// The first twenty.
    pub first: Vec<BadRow>,
}

/// How lengths, in tokens, words or characters, are distributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lengths {
    /// Shortest.
    pub min: u64,
    /// Mean.
    pub mean: f64,
    /// Half of the texts are at most this long.
    pub median: u64,
    /// 95 % of the texts are at most this long.
    pub p95: u64,
    /// Longest.
    pub max: u64,
}

impl Lengths {
    /// The distribution of some lengths; all zero for none.
    pub fn of(mut lengths: Vec<u64>) -> Self {
        lengths.sort_unstable();
        let (Some(min), Some(max)) = (lengths.first(), lengths.last()) else { return Self::default() };
        let at = |share: f64| lengths[((lengths.len() - 1) as f64 * share).round() as usize];
        let mean = lengths.iter().sum::<u64>() as f64 / lengths.len() as f64;
        Self { min: *min, mean, median: at(0.5), p95: at(0.95), max: *max }
    }
}

/// One split in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitSummary {
    /// Rows.
    pub rows: u64,
    /// Rows of each class, in the order of [`Summary::classes`].
    pub class_rows: Vec<u64>,
    /// Rows whose text also stands in the training split (for the training split: repeated texts).
    pub duplicates_of_train: u64,
}

/// Tokens in numbers, of the training split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenSummary {
    /// The tokenizer that was used: `word`, `character` or `subword`.
    pub tokenizer: String,
    /// Size of the vocabulary, padding and unknown included.
    pub vocabulary: u32,
    /// Tokens of a text before it is cut.
    pub lengths: Lengths,
    /// Share of texts that were cut at the maximum length.
    pub truncated_share: f64,
    /// Share of unknown tokens among those that were kept.
    pub unknown_share: f64,
}

/// A prepared dataset in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The dataset's name.
    pub dataset: String,
    /// Names of the classes; a label is an index into it.
    pub classes: Vec<String>,
    /// Train, validation and test, in this order.
    pub splits: [SplitSummary; 3],
    /// Rows that could not be used.
    pub bad_rows: BadRows,
    /// Tokens of the training split.
    pub tokens: TokenSummary,
}

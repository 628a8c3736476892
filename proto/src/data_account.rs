//! What preparing a dataset found: where every row went, what the splits share, and what the tokens lost.

mod warning;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use warning::DataWarning;

use crate::encoded::Split;
use crate::text::inert_line;

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
#[serde(default)]
pub struct BadRows {
    /// How many.
    pub count: u64,
    /// How many for each reason.
    pub reasons: BTreeMap<String, u64>,
    /// How many of each class, where the row's label could be read.
    pub classes: BTreeMap<String, u64>,
    /// The first twenty.
    pub first: Vec<BadRow>,
}

/// What was read of one file or folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileAccount {
    /// Its name, without the folders above it.
    pub file: String,
    /// The split that its rows go to: `train`, `validation` or `test`.
    pub split: String,
    /// Usable rows.
    pub rows: u64,
    /// Unusable rows.
    pub unusable: u64,
    /// What its reader has to say, such as the encoding that it recognised.
    pub notes: Vec<String>,
}

/// One split in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SplitAccount {
    /// Rows.
    pub rows: u64,
    /// Rows of each class, in the order of the classes.
    pub class_rows: Vec<u64>,
    /// Rows whose text, as the tokenizer reads it, also stands in the training split; in the training split itself: rows
    /// that repeat the text of an earlier row. Versions that kept no `word_for_word` compared texts but for white space.
    pub in_training: u64,
    /// Those of them whose text is the same but for white space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word_for_word: Option<u64>,
    /// Those of them whose label differs from that of the first training row with the text.
    pub other_label: u64,
    /// Texts that were cut at the maximum length.
    pub truncated: u64,
    /// Tokens that were kept.
    pub tokens: u64,
    /// Kept tokens that the vocabulary does not have.
    pub unknown_tokens: u64,
}

/// What preparing a dataset found. It is stored with the sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataAccount {
    /// The form of this value; see [`DataAccount::VERSION`].
    pub version: u32,
    /// The files and folders that were read, in order.
    pub files: Vec<FileAccount>,
    /// Rows that could not be used.
    pub bad_rows: BadRows,
    /// Usable rows that no split has, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Labels of which no row could be used.
    pub lost_classes: Vec<String>,
    /// Train, validation and test, in this order.
    pub splits: [SplitAccount; 3],
    /// The tokenizer that was used: `word`, `character` or `subword`.
    pub tokenizer: String,
    /// What may make the results mean something else than intended, in the words of whoever read the data.
    pub told: Vec<String>,
}

impl SplitAccount {
    /// Share of the kept tokens that the vocabulary does not have.
    pub fn unknown_share(&self) -> f64 {
        share(self.unknown_tokens, self.tokens)
    }

    /// Share of the texts that were cut.
    pub fn truncated_share(&self) -> f64 {
        share(self.truncated, self.rows)
    }

    /// Share of the rows whose text also stands in the training split.
    pub fn in_training_share(&self) -> f64 {
        share(self.in_training, self.rows)
    }

    /// The largest class and its share of the rows; nothing without rows.
    pub fn majority(&self) -> Option<(usize, f64)> {
        let (class, rows) = self.class_rows.iter().enumerate().rev().max_by_key(|(_, rows)| **rows)?;
        (self.rows > 0).then(|| (class, share(*rows, self.rows)))
    }
}

impl DataAccount {
    /// The present form. Raised where a field's meaning changes; a new field alone has its default in old values.
    pub const VERSION: u32 = 1;

    /// The account with inert text: names, labels and reasons hold what strangers wrote into their data.
    #[must_use]
    pub fn made_inert(self) -> Self {
        let counts = |counts: BTreeMap<String, u64>| {
            counts.into_iter().fold(BTreeMap::new(), |mut inert, (name, rows)| {
                *inert.entry(inert_line(&name)).or_default() += rows;
                inert
            })
        };
        let lines = |lines: Vec<String>| lines.iter().map(|line| inert_line(line)).collect();
        let row = |row: BadRow| BadRow {
            file: inert_line(&row.file),
            line: row.line,
            reason: inert_line(&row.reason),
        };
        let BadRows { count, reasons, classes, first } = self.bad_rows;
        let bad_rows = BadRows {
            count,
            reasons: counts(reasons),
            classes: counts(classes),
            first: first.into_iter().map(row).collect(),
        };
        let file = |file: FileAccount| FileAccount {
            file: inert_line(&file.file),
            notes: lines(file.notes),
            ..file
        };
        Self {
            files: self.files.into_iter().map(file).collect(),
            bad_rows,
            left_out: counts(self.left_out),
            lost_classes: lines(self.lost_classes),
            told: lines(self.told),
            ..self
        }
    }

    /// One split.
    pub fn split(&self, split: Split) -> &SplitAccount {
        &self.splits[split as usize]
    }

    /// Usable and unusable rows of every file.
    pub fn rows_read(&self) -> u64 {
        self.files.iter().map(|file| file.rows + file.unusable).sum()
    }

    /// The files of a split that was given by its own files, and not drawn from the training rows.
    pub fn files_of(&self, split: Split) -> impl Iterator<Item = &FileAccount> {
        self.files.iter().filter(move |file| file.split == split.name())
    }
}

fn share(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

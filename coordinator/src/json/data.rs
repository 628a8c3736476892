//! What preparing the data found, as `--json` prints it.

use std::collections::BTreeMap;

use serde::Serialize;
use sweep_proto::wire;

/// Where every row of the data went. Tokens are of the chosen configuration's data, before the choice of the first one's.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Data {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Files and folders that were read.
    pub files: Vec<DataFile>,
    /// Rows that could not be used.
    pub unusable: u64,
    /// Those rows by reason.
    pub unusable_reasons: BTreeMap<String, u64>,
    /// Those rows by class, where the label could be read.
    pub unusable_classes: BTreeMap<String, u64>,
    /// The first of those rows.
    pub unusable_first: Vec<DataRow>,
    /// Usable rows that no split has, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Labels of which no row could be used.
    pub lost_classes: Vec<String>,
    /// Train, validation and test.
    pub splits: Vec<DataSplit>,
    /// `word`, `character` or `subword`.
    pub tokenizer: String,
    /// Distinct tokens.
    pub vocabulary: u32,
    /// What changes the meaning of the answer.
    pub warnings: Vec<String>,
}

/// What was read of one file or folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataFile {
    /// Its name.
    pub file: String,
    /// The split that its rows go to; training rows are split further.
    pub split: String,
    /// Usable rows.
    pub rows: u64,
    /// Unusable rows.
    pub unusable: u64,
    /// What its reader has to say.
    pub notes: Vec<String>,
}

/// A row that could not be used.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataRow {
    /// Its file.
    pub file: String,
    /// Its line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// One split.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataSplit {
    /// `train`, `validation` or `test`.
    pub split: String,
    /// Rows.
    pub rows: u64,
    /// Rows of each class.
    pub class_rows: Vec<u64>,
    /// Rows whose text, as the tokenizer reads it, also stands in the training split; of the training split: repeated texts.
    pub in_training: u64,
    /// Those of them under another label.
    pub other_label: u64,
    /// Share of the texts that were cut at `max_length`.
    pub truncated_share: f64,
    /// Share of the kept tokens that the vocabulary does not have.
    pub unknown_token_share: f64,
}

impl From<wire::DataAccount> for Data {
    fn from(data: wire::DataAccount) -> Self {
        let row = |row: wire::BadRow| DataRow { file: row.file, line: row.line, reason: row.reason };
        Self {
            classes: data.classes,
            files: data.files.into_iter().map(DataFile::from).collect(),
            unusable: data.unusable,
            unusable_reasons: counts(data.unusable_reasons),
            unusable_classes: counts(data.unusable_classes),
            unusable_first: data.unusable_first.into_iter().map(row).collect(),
            left_out: counts(data.left_out),
            lost_classes: data.lost_classes,
            splits: data.splits.into_iter().map(DataSplit::from).collect(),
            tokenizer: data.tokenizer,
            vocabulary: data.vocabulary,
            warnings: data.warnings,
        }
    }
}

fn counts(rows: Vec<wire::RowCount>) -> BTreeMap<String, u64> {
    rows.into_iter().map(|one| (one.name, one.rows)).collect()
}

impl From<wire::DataFile> for DataFile {
    fn from(file: wire::DataFile) -> Self {
        let wire::DataFile { file, split, rows, unusable, notes } = file;
        Self { file, split, rows, unusable, notes }
    }
}

impl From<wire::DataSplit> for DataSplit {
    fn from(split: wire::DataSplit) -> Self {
        let share = |part: u64, of: u64| if of == 0 { 0.0 } else { part as f64 / of as f64 };
        Self {
            truncated_share: share(split.truncated, split.rows),
            unknown_token_share: share(split.unknown_tokens, split.tokens),
            split: split.split,
            rows: split.rows,
            class_rows: split.class_rows,
            in_training: split.in_training,
            other_label: split.other_label,
        }
    }
}

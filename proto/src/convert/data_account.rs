//! What preparing the data found, for people and scripts: only ever sent by a coordinator.

use std::collections::BTreeMap;

use crate::data_account::{DataAccount, FileAccount, SplitAccount};
use crate::encoded::Split;
use crate::wire;

impl wire::DataAccount {
    /// The message of an account, with the dataset's classes and the size of its vocabulary.
    pub fn of(account: &DataAccount, classes: &[String], vocabulary: u32) -> Self {
        let bad = &account.bad_rows;
        let first = bad.first.iter().map(|row| wire::BadRow {
            file: row.file.clone(),
            line: row.line,
            reason: row.reason.clone(),
        });
        let splits = Split::ALL.iter().zip(&account.splits);
        Self {
            classes: classes.to_vec(),
            files: account.files.iter().map(file).collect(),
            unusable: bad.count,
            unusable_reasons: counts(&bad.reasons),
            unusable_classes: counts(&bad.classes),
            unusable_first: first.collect(),
            left_out: counts(&account.left_out),
            lost_classes: account.lost_classes.clone(),
            splits: splits.map(|(name, one)| split(name.name(), one)).collect(),
            tokenizer: account.tokenizer.clone(),
            vocabulary,
            warnings: account.warnings(classes).iter().map(ToString::to_string).collect(),
        }
    }
}

fn counts(rows: &BTreeMap<String, u64>) -> Vec<wire::RowCount> {
    rows.iter().map(|(name, rows)| wire::RowCount { name: name.clone(), rows: *rows }).collect()
}

fn file(file: &FileAccount) -> wire::DataFile {
    wire::DataFile {
        file: file.file.clone(),
        split: file.split.clone(),
        rows: file.rows,
        unusable: file.unusable,
        notes: file.notes.clone(),
    }
}

fn split(name: &str, split: &SplitAccount) -> wire::DataSplit {
    wire::DataSplit {
        split: name.to_owned(),
        rows: split.rows,
        class_rows: split.class_rows.clone(),
        in_training: split.in_training,
        other_label: split.other_label,
        truncated: split.truncated,
        tokens: split.tokens,
        unknown_tokens: split.unknown_tokens,
    }
}

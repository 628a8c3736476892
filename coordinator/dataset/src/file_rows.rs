//! The rows of one file: how many are good, why others are bad, and what helps.

use std::collections::BTreeMap;

use sweep_proto::data_account::{BadRow, FileAccount};

use crate::limits::BAD_ROWS_LISTED;

/// Why a row is rejected whose bytes are no text; what helps is to name the encoding, not to skip rows.
pub(crate) const NOT_UTF8: &str = "the text is not UTF-8";
/// How the reason begins for a row whose bytes are not of the encoding that its file is converted from.
pub(crate) const NOT_ENCODED: &str = "the row is not ";

/// How the text of a file came about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextOrigin {
    /// The encoding that it was converted from; nothing for UTF-8.
    pub(crate) converted_from: Option<&'static str>,
    /// The encoding that lines of it which are not UTF-8 are likely in.
    pub(crate) likely: Option<&'static str>,
    /// Its format says that text is UTF-8, so that no setting names another encoding.
    pub(crate) is_always_utf8: bool,
}

/// The rows of one file, good and bad.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileRows {
    /// What is kept of it.
    pub(crate) account: FileAccount,
    /// Why rows are bad, and how many for each reason.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// The first bad rows.
    pub(crate) first: Vec<BadRow>,
    /// How the text of its bad rows came about.
    text: TextOrigin,
}

impl FileRows {
    /// No rows yet of a file, or of its part for a split.
    pub(crate) fn of(file: String, split: &str) -> Self {
        let account = FileAccount { file, split: split.to_owned(), ..FileAccount::default() };
        Self { account, ..Self::default() }
    }

    /// Counts a bad row.
    pub(crate) fn reject(&mut self, row: &BadRow, text: TextOrigin) {
        self.text = text;
        self.account.unusable += 1;
        *self.reasons.entry(row.reason.clone()).or_default() += 1;
        if self.first.len() < BAD_ROWS_LISTED {
            self.first.push(row.clone());
        }
    }

    /// What helps where too many of its rows are bad. Skipping rows that another encoding spoils would bias the data.
    pub(crate) fn remedy(&self) -> String {
        let spoiled = |reason: &String| {
            reason == NOT_UTF8 || reason.contains("not UTF-8") || reason.starts_with(NOT_ENCODED)
        };
        if !self.reasons.keys().any(spoiled) {
            return "mend these rows, or raise `bad_rows_share_max` under [data] to skip them".to_owned();
        }
        if self.text.is_always_utf8 {
            return "mend these rows, or write the file again with decoded text (with pandas: column.str.decode(\"cp949\"), or the encoding \
                    that the bytes are in); text in Parquet is UTF-8, so `encoding` does not apply to it"
                .to_owned();
        }
        let likely = self.text.likely.unwrap_or("another encoding");
        format!(
            "mend these rows, or save the file as UTF-8, or name its encoding (the lines look like {likely}): \
             `encoding = \"...\"` under [data]"
        )
    }
}

/// The reasons of some files with the rows of each, most rows first.
pub(crate) fn reasons(files: &[&FileRows]) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, rows) in files.iter().flat_map(|file| &file.reasons) {
        *counts.entry(reason).or_default() += rows;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    let told: Vec<_> = counts.iter().map(|(reason, rows)| format!("{reason} ({rows})")).collect();
    told.join(", ")
}

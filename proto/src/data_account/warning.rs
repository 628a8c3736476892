//! When what was found in the data changes what the answer means.

use std::fmt;

use serde::Serialize;

use super::{DataAccount, SplitAccount, share};
use crate::encoded::Split;

/// Share of texts that also stand in the training split above which accuracy partly measures memory.
const REPEATED_SHARE: f64 = 0.01;
/// Rows of a split below which one row moves the accuracy by a point or more.
const ROWS_FEW: u64 = 100;
/// Share of unknown tokens above which texts are read with holes in most sentences.
const UNKNOWN_SHARE: f64 = 0.1;
/// Share of unusable rows above which the data is no longer the file's.
const UNUSABLE_SHARE: f64 = 0.01;
/// Share of a class's rows that are unusable above which it is compared with the whole.
const CLASS_UNUSABLE_SHARE: f64 = 0.02;
/// How many times the share of the whole makes a class stand out.
const CLASS_UNUSABLE_TIMES: f64 = 1.5;
/// Share of the largest class above which accuracy says little.
const MAJORITY_SHARE: f64 = 0.8;
/// Share of cut texts above which much of the data is not read.
const TRUNCATED_SHARE: f64 = 0.25;
/// Classes that a warning names.
const CLASSES_NAMED: usize = 5;

/// Something that a reader of the answer must know of the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DataWarning {
    /// Texts of a split also stand in the training split.
    InTraining {
        /// The split.
        split: Split,
        /// Rows whose text stands there.
        rows: u64,
        /// All rows of the split.
        of: u64,
    },
    /// The split is so small that single rows move its accuracy.
    FewRows {
        /// The split.
        split: Split,
        /// Its rows.
        rows: u64,
    },
    /// Many tokens are not in the vocabulary.
    UnknownTokens {
        /// The split.
        split: Split,
        /// Share of its kept tokens.
        share: f64,
        /// The tokenizer.
        tokenizer: String,
    },
    /// Many rows could not be used.
    Unusable {
        /// Unusable rows.
        rows: u64,
        /// All rows.
        of: u64,
    },
    /// A class lost more of its rows than the data as a whole.
    UnevenlyUnusable {
        /// The class.
        class: String,
        /// Share of its rows that could not be used.
        share: f64,
        /// That share of all rows.
        overall: f64,
    },
    /// No row of these labels could be used.
    LostClasses {
        /// The first of them.
        named: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// Classes without a row in a split.
    WithoutRows {
        /// The split.
        split: Split,
        /// The first of them.
        named: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// One class has most of the test rows.
    Majority {
        /// The class.
        class: String,
        /// Its share of the test rows.
        share: f64,
    },
    /// Many texts were cut.
    Truncated {
        /// The split.
        split: Split,
        /// Share of its texts.
        share: f64,
    },
    /// Something that only the reader of the data could see.
    Told {
        /// In its words.
        text: String,
    },
    /// Training texts stand in the data with more than one label.
    TwoLabels {
        /// Rows with another label than the first training row with the text, over all splits.
        rows: u64,
    },
}

impl DataAccount {
    /// What changes the meaning of the answer, the gravest first.
    pub fn warnings(&self, classes: &[String]) -> Vec<DataWarning> {
        let mut warnings = Vec::new();
        for split in [Split::Test, Split::Validation] {
            self.repetitions(split, &mut warnings);
        }
        self.losses(classes, &mut warnings);
        for split in [Split::Test, Split::Validation] {
            self.gaps(split, classes, &mut warnings);
        }
        let test = self.split(Split::Test);
        if let Some((class, share)) = test.majority()
            && share > MAJORITY_SHARE
        {
            let class = classes.get(class).cloned().unwrap_or_default();
            warnings.push(DataWarning::Majority { class, share });
        }
        if test.unknown_share() > UNKNOWN_SHARE {
            let (share, tokenizer) = (test.unknown_share(), self.tokenizer.clone());
            warnings.push(DataWarning::UnknownTokens { split: Split::Test, share, tokenizer });
        }
        if test.truncated_share() > TRUNCATED_SHARE {
            warnings.push(DataWarning::Truncated { split: Split::Test, share: test.truncated_share() });
        }
        warnings.extend(self.told.iter().map(|text| DataWarning::Told { text: text.clone() }));
        let two_labels = self.splits.iter().map(|split| split.other_label).sum::<u64>();
        let rows: u64 = self.splits.iter().map(|split| split.rows).sum();
        if share(two_labels, rows) > REPEATED_SHARE {
            warnings.push(DataWarning::TwoLabels { rows: two_labels });
        }
        warnings
    }

    fn repetitions(&self, split: Split, warnings: &mut Vec<DataWarning>) {
        let SplitAccount { rows, in_training, .. } = *self.split(split);
        if share(in_training, rows) > REPEATED_SHARE {
            warnings.push(DataWarning::InTraining { split, rows: in_training, of: rows });
        }
    }

    fn losses(&self, classes: &[String], warnings: &mut Vec<DataWarning>) {
        let (unusable, read) = (self.bad_rows.count, self.rows_read());
        let overall = share(unusable, read);
        if !self.lost_classes.is_empty() {
            warnings.push(DataWarning::LostClasses {
                named: first(&self.lost_classes),
                count: self.lost_classes.len(),
            });
        }
        if overall > UNUSABLE_SHARE {
            warnings.push(DataWarning::Unusable { rows: unusable, of: read });
        }
        let left_out = self.left_out.values().sum::<u64>();
        for (place, class) in classes.iter().enumerate() {
            let lost = self.bad_rows.classes.get(class).copied().unwrap_or_default();
            let kept: u64 = self.splits.iter().filter_map(|split| split.class_rows.get(place)).sum();
            let lost_share = share(lost, lost + kept);
            // Where rows were left out, how many of the class were usable is not known.
            if left_out == 0
                && lost_share > CLASS_UNUSABLE_SHARE
                && lost_share > CLASS_UNUSABLE_TIMES * overall
            {
                let class = class.clone();
                warnings.push(DataWarning::UnevenlyUnusable { class, share: lost_share, overall });
            }
        }
    }

    fn gaps(&self, split: Split, classes: &[String], warnings: &mut Vec<DataWarning>) {
        let SplitAccount { rows, class_rows, .. } = self.split(split);
        let without: Vec<String> = classes
            .iter()
            .zip(class_rows)
            .filter(|(_, rows)| **rows == 0)
            .map(|(name, _)| name.clone())
            .collect();
        if !without.is_empty() {
            warnings.push(DataWarning::WithoutRows { split, named: first(&without), count: without.len() });
        }
        if *rows < ROWS_FEW {
            warnings.push(DataWarning::FewRows { split, rows: *rows });
        }
    }
}

impl DataWarning {
    /// A word for programs, as `report.json` has it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InTraining { .. } => "in_training",
            Self::FewRows { .. } => "few_rows",
            Self::UnknownTokens { .. } => "unknown_tokens",
            Self::Unusable { .. } => "unusable",
            Self::UnevenlyUnusable { .. } => "unevenly_unusable",
            Self::LostClasses { .. } => "lost_classes",
            Self::WithoutRows { .. } => "without_rows",
            Self::Majority { .. } => "majority",
            Self::Truncated { .. } => "truncated",
            Self::Told { .. } => "told",
            Self::TwoLabels { .. } => "two_labels",
        }
    }
}

fn first(names: &[String]) -> Vec<String> {
    names.iter().take(CLASSES_NAMED).cloned().collect()
}

/// Names in quotes, and how many more there are.
fn listed(named: &[String], count: usize) -> String {
    let names = named.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    match count - named.len() {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

impl fmt::Display for DataWarning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InTraining { split, rows, of } => write!(
                out,
                "{rows} of {of} {} texts also stand in the training split ({}): accuracy on them measures memory",
                split.name(),
                percent(share(*rows, *of))
            ),
            Self::FewRows { split, rows } => {
                write!(out, "the {} split has only {rows} rows: single rows move its accuracy", split.name())
            }
            Self::UnknownTokens { split, share, tokenizer } => write!(
                out,
                "{} of the {} tokens are not in the vocabulary ({tokenizer} tokens); `subword` or a larger `vocabulary` reads more",
                percent(*share),
                split.name()
            ),
            Self::Unusable { rows, of } => write!(
                out,
                "{rows} of {of} rows could not be used ({}): the result is of the others",
                percent(share(*rows, *of))
            ),
            Self::UnevenlyUnusable { class, share, overall } => write!(
                out,
                "{} of the rows of \"{class}\" could not be used, of all rows {}: the classes are no longer those of the data",
                percent(*share),
                percent(*overall)
            ),
            Self::LostClasses { named, count } => {
                write!(out, "no row of {} could be used: it is not among the classes", listed(named, *count))
            }
            Self::WithoutRows { split, named, count } => {
                write!(out, "the {} split has no row of {}", split.name(), listed(named, *count))
            }
            Self::Majority { class, share } => write!(
                out,
                "{} of the test rows are \"{class}\": compare accuracy with that, and read macro F1",
                percent(*share)
            ),
            Self::Truncated { split, share } => write!(
                out,
                "{} of the {} texts are longer than `max_length` and were cut",
                percent(*share),
                split.name()
            ),
            Self::Told { text } => out.write_str(text),
            Self::TwoLabels { rows } => {
                write!(out, "{rows} rows repeat a training text under another label")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_account::{BadRows, FileAccount};

    fn classes() -> Vec<String> {
        vec!["ham".into(), "spam".into()]
    }

    /// 1,000 training rows, 200 of validation and of test, half of each class, nothing odd.
    fn sound() -> DataAccount {
        let split = |rows: u64| SplitAccount {
            rows,
            class_rows: vec![rows / 2, rows / 2],
            tokens: rows * 10,
            ..SplitAccount::default()
        };
        let file = |split: &str, rows| FileAccount { split: split.into(), rows, ..FileAccount::default() };
        DataAccount {
            files: vec![file("train", 1_200), file("test", 200)],
            splits: [split(1_000), split(200), split(200)],
            tokenizer: "word".into(),
            ..DataAccount::default()
        }
    }

    fn said(account: &DataAccount) -> Vec<String> {
        account.warnings(&classes()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sound_data_is_not_warned_of() {
        assert!(said(&sound()).is_empty(), "{:?}", said(&sound()));
        assert!(said(&DataAccount::default()).iter().all(|warning| warning.contains("only 0 rows")));
    }

    #[test]
    fn each_finding_that_changes_the_answer_is_said() {
        let mut account = sound();
        account.splits[2] = SplitAccount {
            rows: 90,
            class_rows: vec![90, 0],
            in_training: 9,
            word_for_word: Some(9),
            other_label: 20,
            truncated: 45,
            tokens: 100,
            unknown_tokens: 61,
        };
        account.lost_classes = vec!["other".into()];
        assert_eq!(
            said(&account),
            [
                "9 of 90 test texts also stand in the training split (10.0 %): accuracy on them measures memory",
                "no row of \"other\" could be used: it is not among the classes",
                "the test split has no row of \"spam\"",
                "the test split has only 90 rows: single rows move its accuracy",
                "100.0 % of the test rows are \"ham\": compare accuracy with that, and read macro F1",
                "61.0 % of the test tokens are not in the vocabulary (word tokens); `subword` or a larger `vocabulary` reads more",
                "50.0 % of the test texts are longer than `max_length` and were cut",
                "20 rows repeat a training text under another label",
            ]
        );
    }

    #[test]
    fn the_kind_is_the_word_of_the_json() {
        let mut account = sound();
        account.splits[2].in_training = 100;
        account.told = vec!["the labels look alike".into()];
        for warning in account.warnings(&classes()) {
            let json = serde_json::to_value(&warning).expect("JSON");
            assert_eq!(json["kind"], warning.kind());
        }
    }

    #[test]
    fn a_class_that_loses_more_rows_than_the_others_is_named() {
        let mut account = sound();
        account.files[0].unusable = 60;
        let lost = [("ham".to_owned(), 5), ("spam".to_owned(), 55)].into();
        account.bad_rows = BadRows { count: 60, classes: lost, ..BadRows::default() };
        let said = said(&account);
        assert!(said[0].starts_with("60 of 1460 rows could not be used (4.1 %)"), "{said:?}");
        assert!(
            said[1].starts_with("7.3 % of the rows of \"spam\" could not be used, of all rows 4.1 %"),
            "{said:?}"
        );
        assert_eq!(said.len(), 2, "{said:?}");
    }
}

//! What preparing the data found stands in the report: beside the answer, in the set-up, in both languages.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use crate::fixture;

use coordinator_core::DatasetRecord;
use coordinator_report::{Language, Projection, analyse, records_digest, render};
use fixture::{study, text};
use sweep_proto::DataAccount;
use sweep_proto::data_account::{BadRow, BadRows, FileAccount, SplitAccount};

/// An account in which test texts stand in the training split, a class lost rows and most test tokens are unknown.
fn account() -> DataAccount {
    let file = |file: &str, split: &str, rows| FileAccount {
        file: file.into(),
        split: split.into(),
        rows,
        ..FileAccount::default()
    };
    let split = |rows: u64, in_training, unknown_tokens| SplitAccount {
        rows,
        class_rows: vec![rows / 2, rows / 2],
        in_training,
        tokens: 10 * rows,
        unknown_tokens,
        ..SplitAccount::default()
    };
    DataAccount {
        version: DataAccount::VERSION,
        files: vec![file("reviews.csv", "train", 10_000), file("held-out.csv", "test", 1_000)],
        bad_rows: BadRows {
            count: 40,
            reasons: [("the text is not UTF-8".to_owned(), 40)].into(),
            classes: [("sarcastic".to_owned(), 40)].into(),
            first: vec![BadRow {
                file: "reviews.csv".into(),
                line: 17,
                reason: "the text is not UTF-8".into(),
            }],
        },
        lost_classes: vec!["sarcastic".into()],
        splits: [split(9_000, 12, 0), split(1_000, 0, 0), split(1_000, 230, 6_100)],
        tokenizer: "word".into(),
        ..DataAccount::default()
    }
}

#[test]
fn what_was_found_in_the_data_stands_beside_the_answer_and_in_the_set_up() {
    let mut input = study();
    let before = records_digest(&input, Projection::NEWEST).unwrap();
    assert!(analyse(&input).data_warnings.is_empty());
    input.sweep.datasets[0].account = Some(account());
    assert_ne!(records_digest(&input, Projection::NEWEST).unwrap(), before, "what a report tells is signed");

    let markdown = text(&input, "report.md");
    let (answer, rest) = markdown.split_once("\n## Ledger").unwrap();
    for warning in [
        "230 of 1,000 test texts (23.00 %) also stand in the training split",
        "No row of these labels could be used, and they are not among the classes: \"sarcastic\"",
        "61.00 % of the test tokens are not in the vocabulary",
    ] {
        assert!(answer.contains(warning), "{warning}: {answer}");
    }
    for found in ["held-out.csv", "the text is not UTF-8", "reviews.csv:17", "sarcastic"] {
        assert!(rest.contains(found), "{found}");
    }
    let json: serde_json::Value = serde_json::from_str(&text(&input, "report.json")).unwrap();
    assert_eq!(json["data_warnings"][0]["kind"], "in_training");
    assert_eq!(json["set_up"]["datasets"][0]["account"]["splits"][2]["in_training"], 230);
    let korean = render(&input, Language::Korean).unwrap();
    let korean = korean.iter().find(|file| file.0 == "report.md").unwrap();
    assert!(String::from_utf8_lossy(&korean.1).contains("학습 분할에도 있는 텍스트"));
}

#[test]
fn a_dataset_without_an_account_is_the_record_of_earlier_versions() {
    let record = study().sweep.datasets.remove(0);
    let value = serde_json::to_value(&record).unwrap();
    assert!(value.get("account").is_none(), "a field more would change the digests of signed reports");
    assert_eq!(serde_json::from_value::<DatasetRecord>(value).unwrap(), record);
}

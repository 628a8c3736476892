//! What is encoded: fixed by source and settings, from the training split alone, as the tokenizer file says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::common;

use std::collections::BTreeSet;
use std::sync::Mutex;

use common::{Place, file, known, variant};
use coordinator_dataset::{Corpus, NoProgress, Progress, Reach, prepare, prepare_all};
use sweep_proto::encoded::{EncodedView, Split};
use sweep_proto::{DataSpec, Hyperparameter, Value};
use tokenizers::Tokenizer;

const KINDS: [&str; 3] = ["word", "character", "subword"];

fn of_kind(kind: &str) -> (Hyperparameter, Value) {
    (Hyperparameter::Tokenizer, Value::Word(kind.into()))
}

#[test]
fn the_same_source_gives_the_same_digest_anywhere() {
    for kind in KINDS {
        let (one, other) = (Place::new(), Place::new());
        let variant = variant(&[of_kind(kind), (Hyperparameter::Vocabulary, Value::Integer(2_000))]);
        let prepared = |place: &Place| {
            prepare(&known("snippets", None), &variant, &place.cache(), &NoProgress).expect("embedded")
        };
        let first = prepared(&one);
        assert_eq!(first.digest, prepared(&other).digest, "{kind}");
        assert_eq!(first.summary.account.tokenizer, kind);
        assert_eq!(first.summary.account.splits.each_ref().map(|split| split.rows), [8_560, 951, 1_057]);
    }
}

#[test]
fn a_moved_file_is_the_same_data_and_a_renamed_one_is_other_data() {
    let place = Place::new();
    let rows: String = (0..60).map(|row| format!("a film number {row},{}\n", row % 2)).collect();
    let digest_of = |name: &str| {
        let path = place.write(name, format!("text,label\n{rows}"));
        prepare(&file(&path), &variant(&[]), &place.cache(), &NoProgress).expect("prepared").digest
    };
    let digest = digest_of("reviews.csv");
    assert_eq!(digest, digest_of("elsewhere/reviews.csv"));
    // The name stands in the encoded file. Without it stored results of today would be of other data.
    assert_ne!(digest, digest_of("renamed.csv"));
}

#[test]
fn the_tokenizer_file_gives_the_encoded_tokens() {
    // Every text appears in one split; the texts of a row are found again by their number.
    let texts: Vec<String> = (0..200)
        .map(|row| {
            format!(
                "Row {row}: it's   GREAT, ﬁne &\u{a0}naïve — 정말 재밌어요ㅋㅋ!! <pad> <unk> x{}",
                row * 7919
            )
        })
        .collect();
    let place = Place::new();
    let lines: String = texts
        .iter()
        .enumerate()
        .map(|(row, text)| format!("{}\n", serde_json::json!({"text": text, "label": row % 2})))
        .collect();
    let path = place.write("rows.jsonl", lines);
    for kind in KINDS {
        let variant = variant(&[
            of_kind(kind),
            (Hyperparameter::Vocabulary, Value::Integer(90)),
            (Hyperparameter::MaxLength, Value::Integer(4_096)),
        ]);
        let prepared = prepare(&file(&path), &variant, &place.cache(), &NoProgress).expect("prepared");
        let tokenizer = Tokenizer::from_bytes(prepared.header.tokenizer.as_bytes()).expect("loads");
        assert_eq!(tokenizer.token_to_id("<pad>"), Some(0));
        assert_eq!(tokenizer.token_to_id("<unk>"), Some(1));
        assert!(
            tokenizer.get_vocab_size(true) as u32 == prepared.header.vocabulary
                && prepared.header.vocabulary <= 90
        );
        let expected: BTreeSet<Vec<u32>> = texts
            .iter()
            .map(|text| tokenizer.encode(text.as_str(), false).expect("encodes").get_ids().to_vec())
            .collect();
        let view = EncodedView::parse(std::fs::read(&prepared.path).expect("written")).expect("valid");
        for split in Split::ALL {
            for row in 0..view.rows(split) {
                let tokens: Vec<u32> = view.tokens(split, row).collect();
                assert!(expected.contains(&tokens), "{kind} {split:?} {row}");
            }
        }
    }
}

#[test]
fn the_vocabulary_is_of_the_training_split_alone() {
    // Every text has a word and a character of its own, so that a leak shows.
    let own = |row: u32| char::from_u32(0x4E00 + row).expect("a Han character");
    let place = Place::new();
    let lines: String =
        (0..100).map(|row| format!("common {0}{0}{0}{0} w{row},{1}\n", own(row), row % 2)).collect();
    let path = place.write("own.csv", "text,label\n".to_owned() + &lines);
    for kind in KINDS {
        let variant = variant(&[of_kind(kind), (Hyperparameter::Vocabulary, Value::Integer(1_000))]);
        let prepared = prepare(&file(&path), &variant, &place.cache(), &NoProgress).expect("prepared");
        let found = (0..100).filter(|row| prepared.header.tokenizer.contains(own(*row))).count();
        assert_eq!(found as u64, prepared.summary.account.splits[0].rows, "{kind}");
        let view = EncodedView::parse(std::fs::read(&prepared.path).expect("written")).expect("valid");
        for split in [Split::Validation, Split::Test] {
            assert!(
                (0..view.rows(split)).all(|row| view.tokens(split, row).any(|token| token == 1)),
                "{kind}"
            );
        }
    }
}

/// Remembers the names of the stages.
#[derive(Default)]
struct Stages(Mutex<Vec<String>>);

impl Progress for Stages {
    fn stage(&self, name: &str, _total: Option<u64>, _in_bytes: bool) {
        self.0.lock().expect("whole").push(name.to_owned());
    }
    fn advance(&self, _done: u64) {}
}

#[test]
fn a_finished_preparation_is_found_again_until_something_changes() {
    let place = Place::new();
    let path = place.write("films.csv", common::csv(100));
    let stages = |data: &DataSpec, lengths: &[u64]| {
        let stages = Stages::default();
        let variants: Vec<_> = lengths
            .iter()
            .map(|length| variant(&[(Hyperparameter::MaxLength, Value::Integer(*length))]))
            .collect();
        let prepared =
            prepare_all(data, &Reach::everywhere(), &variants, &place.cache(), &stages).expect("prepared");
        (stages.0.into_inner().expect("whole"), prepared)
    };
    let data = file(&path);
    let (first, one) = stages(&data, &[3, 4]);
    assert_eq!(first, ["reading films.csv", "cutting texts into tokens", "encoding", "encoding"]);
    assert_eq!(stages(&data, &[3, 4]), (Vec::new(), one.clone()));
    assert_eq!(stages(&data, &[4, 5]).0.len(), 3, "the source is read for the new length only");
    assert_eq!(stages(&DataSpec { seed: 1, ..data.clone() }, &[3]).0.len(), 3);
    // Damage is found and mended.
    std::fs::write(&one[0].path, b"nonsense").expect("written");
    assert_eq!(stages(&data, &[3]).1[0].digest, one[0].digest);
    assert!(EncodedView::parse(std::fs::read(&one[0].path).expect("written")).is_ok());
    // Another size of the source.
    std::fs::write(&path, common::csv(101)).expect("written");
    assert_ne!(stages(&data, &[3]).1[0].digest, one[0].digest);
}

#[test]
fn one_corpus_serves_all_variants() {
    let place = Place::new();
    let data = DataSpec { train_rows: Some(1_000), test_rows: Some(100), ..known("snippets", None) };
    let corpus = Corpus::read(&data, &place.cache(), &NoProgress).expect("embedded");
    assert_eq!(corpus.summary().account.splits.each_ref().map(|split| split.rows), [900, 100, 100]);
    let with = |side: &str, length| {
        let variant = variant(&[
            (Hyperparameter::TruncationSide, Value::Word(side.into())),
            (Hyperparameter::MaxLength, Value::Integer(length)),
        ]);
        corpus.encode(&variant, &place.cache(), &NoProgress).expect("encoded")
    };
    let (right, left) = (with("right", 5), with("left", 5));
    assert_ne!(right.digest, left.digest);
    assert_eq!(right.header.tokenizer, left.header.tokenizer);
    assert!(right.summary.account.splits[0].truncated_share() > 0.9);
    let bad = variant(&[(Hyperparameter::Vocabulary, Value::Integer(3))]);
    let message = corpus.encode(&bad, &place.cache(), &NoProgress).expect_err("too small").to_string();
    assert!(message.contains("vocabulary must be a whole number from 16"), "{message}");
}

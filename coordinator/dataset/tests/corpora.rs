//! The real corpora, which are no part of the project: `../shared/data`, seen from its root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[path = "all/common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::time::Instant;

use common::{Place, known, variant};
use coordinator_dataset::{NoProgress, Prepared, prepare};
use sweep_proto::{DataSpec, Hyperparameter, Value};

fn shared(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    assert!(path.exists(), "{} is missing: this test needs the real corpora", path.display());
    path
}

fn prepared(data: &DataSpec, tokenizer: &str) -> Prepared {
    let place = Place::new();
    let variant = variant(&[(Hyperparameter::Tokenizer, Value::Word(tokenizer.into()))]);
    let start = Instant::now();
    let prepared = prepare(data, &variant, &place.cache(), &NoProgress).expect("prepared");
    let seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let again = prepare(data, &variant, &place.cache(), &NoProgress).expect("prepared");
    assert_eq!(again, prepared);
    let summary = &prepared.summary;
    println!(
        "{} {tokenizer}: {seconds:.1} s, again {:.2} s, {} bytes, rows {:?}, duplicates {:?}, bad {}, {:?}",
        summary.dataset,
        start.elapsed().as_secs_f64(),
        prepared.bytes,
        summary.account.splits.each_ref().map(|split| split.rows),
        summary.account.splits.each_ref().map(|split| split.in_training),
        summary.account.bad_rows.count,
        summary.lengths
    );
    prepared
}

#[test]
fn imdb_is_prepared_as_a_sweep_asks_for_it() {
    let archive = shared("imdb/aclImdb_v1.labelled.tar.gz");
    let data = DataSpec { train_rows: Some(10_000), test_rows: Some(5_000), ..known("imdb", Some(&archive)) };
    let prepared = prepared(&data, "auto");
    assert_eq!(prepared.summary.account.splits.each_ref().map(|split| split.rows), [9_000, 1_000, 5_000]);
    assert_eq!(prepared.summary.account.splits[0].class_rows, [4_500, 4_500]);
    assert_eq!(prepared.summary.account.tokenizer, "word");
    assert_eq!(prepared.header.vocabulary, 10_000);
    assert_eq!(prepared.summary.account.bad_rows.count, 0);
}

#[test]
fn all_of_imdb_is_prepared() {
    let prepared = prepared(&known("imdb", Some(&shared("imdb/aclImdb_v1.labelled.tar.gz"))), "word");
    assert_eq!(prepared.summary.account.splits.each_ref().map(|split| split.rows), [22_500, 2_500, 25_000]);
}

#[test]
fn nsmc_is_prepared_as_a_sweep_asks_for_it() {
    let folder = shared("nsmc");
    let data = DataSpec { train_rows: Some(20_000), test_rows: Some(10_000), ..known("nsmc", Some(&folder)) };
    for (tokenizer, expected) in [("auto", "subword"), ("character", "character"), ("word", "word")] {
        let prepared = prepared(&data, tokenizer);
        assert_eq!(
            prepared.summary.account.splits.each_ref().map(|split| split.rows),
            [18_000, 2_000, 10_000]
        );
        assert_eq!(prepared.summary.account.tokenizer, expected);
        let unknown = prepared.summary.account.splits[0].unknown_share();
        assert!(expected == "word" || unknown < 0.01, "{expected}: {unknown} unknown");
    }
}

#[test]
fn all_of_nsmc_is_prepared() {
    let prepared = prepared(&known("nsmc", Some(&shared("nsmc"))), "subword");
    assert_eq!(
        prepared.summary.account.splits[2].class_rows.iter().sum::<u64>(),
        prepared.summary.account.splits[2].rows
    );
}

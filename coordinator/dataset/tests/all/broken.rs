//! Broken data: each is answered by an error that names the place and the remedy, and nothing panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::{Place, csv, file, known, rows, with_test};
use coordinator_dataset::{NoProgress, inspect, prepare};
use proptest::prelude::*;
use sweep_proto::DataSpec;

fn refusal(place: &Place, data: &DataSpec) -> String {
    prepare(data, &Default::default(), &place.cache(), &NoProgress).expect_err("refused").to_string()
}

#[test]
fn broken_files_are_answered_with_place_and_remedy() {
    let place = Place::new();
    let long_record = format!("text,label\n\"never closed,a\n{}", "line\n".repeat(2_500));
    let mut bad_encoding = csv(40).into_bytes();
    bad_encoding.extend_from_slice(b"caf\xe9 au lait,good\n");
    let identifiers =
        (0..1_100).fold("text,label\n".to_owned(), |all, row| format!("{all}text {row},{row}\n"));
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "missing_label.csv",
            (csv(40) + "no label here,\n").into(),
            &["1 of 41 rows", "missing_label.csv:42: the label is missing", "bad_rows_share_max"],
        ),
        (
            "bad_encoding.csv",
            bad_encoding,
            &["bad_encoding.csv:42: the text is not UTF-8", "mend these rows"],
        ),
        ("empty_text.csv", (csv(40) + "  ,good\n").into(), &["empty_text.csv:42: the text is empty"]),
        (
            "ragged.csv",
            (csv(40) + "one,two,three\n").into(),
            &["ragged.csv:42: it has 3 columns, the header has 2"],
        ),
        (
            "other_columns.csv",
            csv(40).replace("text,label", "txet,stars").into(),
            &[
                "no column is named \"text\"",
                "did you mean \"txet\"?",
                "\"txet\", \"stars\"",
                "set `text = \"...\"`",
            ],
        ),
        ("twice.csv", "text,text,label\na,b,c\n".into(), &["twice.csv:1: two columns are named \"text\""]),
        (
            "unclosed.csv",
            long_record.into(),
            &["unclosed.csv:2: a quoted field is never closed", "close the quote"],
        ),
        (
            "one_class.csv",
            csv(40).replace("good\n", "bad\n").into(),
            &["one_class: all its rows have the one label \"bad\""],
        ),
        ("three_rows.csv", csv(3).into(), &["three_rows: too small: of 3 usable rows", "give more rows"]),
        (
            "identifiers.csv",
            identifiers.into(),
            &["more than 1000 different labels", "is this the right label column?"],
        ),
        ("empty.csv", Vec::new(), &["empty.csv: the file is empty"]),
        ("header_only.csv", "text,label\n".into(), &["no usable row"]),
        (
            "utf16.csv",
            b"\xff\xfet\0e\0x\0t\0".to_vec(),
            &["utf16.csv: no column is named \"label\"", "its columns are \"text\""],
        ),
        (
            "packed.csv",
            b"\x1f\x8b\x08\0\0\0\0\0".to_vec(),
            &["it is compressed with gzip and ends early", "fetch it again"],
        ),
        ("long_line.csv", vec![b'x'; 17 << 20], &["long_line.csv", "is longer than 16 MiB"]),
        (
            "not_json.jsonl",
            "{\"text\": \"a\", \"label\": 1}\nnonsense\n[1]\n".into(),
            &["not_json.jsonl:2: the line is not JSON", "not_json.jsonl:3: the line is not a JSON object"],
        ),
        (
            "other_keys.jsonl",
            "{\"text\": \"a\", \"lable\": 1}\n".into(),
            &["no column is named \"label\"", "did you mean \"lable\"?"],
        ),
        (
            "wrong_types.jsonl",
            "{\"text\": 7, \"label\": 1}\n{\"text\": \"a\", \"label\": {}}\n{\"text\": {\"n\": 1, \"body\": \"a\"}, \"label\": 1}\n"
                .into(),
            &[
                "wrong_types.jsonl:1: the text is not a string",
                "wrong_types.jsonl:2: the label is an object",
                "wrong_types.jsonl:3: the text is an object; name a key inside it: `text = \"text.body\"` under [data]",
            ],
        ),
        ("binary.csv", (0..=255).cycle().take(4_096).collect(), &["it is binary data, not text", "`encoding = "]),
        (
            "damaged.parquet",
            b"PAR1 and then nonsense".to_vec(),
            &["damaged.parquet: cannot be read as Parquet", "write it again"],
        ),
        ("sheet.xlsx", b"PK\x03\x04".to_vec(), &["sheet.xlsx: it is a spreadsheet; save it as CSV"]),
    ];
    for (name, bytes, expected) in cases {
        let path = place.write(name, bytes);
        let message = refusal(&place, &file(&path));
        for part in expected {
            assert!(message.contains(part), "{name}: {part:?} is not in: {message}");
        }
    }
}

#[test]
fn a_quote_that_swallows_rows_is_found() {
    let place = Place::new();
    let swallowing = csv(40) + "\"no end quote,bad\n" + &csv(300);
    let message = refusal(&place, &file(&place.write("swallowing.csv", swallowing)));
    assert!(message.contains("swallowing.csv:42: a quoted field is never closed"), "{message}");
    let joined = csv(40) + "\"no end quote,bad\nlost,good\n\"quoted\",good\n" + &csv(9);
    let message = refusal(&place, &file(&place.write("joined.csv", joined)));
    assert!(message.contains("3 of 52 rows"), "{message}");
    assert!(message.contains("joined.csv:42: something follows a closing quote"), "{message}");
}

#[test]
fn missing_files_and_wrong_layouts_are_named() {
    let place = Place::new();
    place.write("flat/a.txt", "no classes here");
    place.write("nsmc/ratings_train.txt", "id\tdocument\tlabel\n");
    place.write("half/aclImdb/train/pos/0_9.txt", "fine");
    let archive = place.write("cut.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03 and no more");
    let at = |name: &str| -> PathBuf { place.path().join(name) };
    let cases = [
        (file(&at("nowhere.csv")), vec!["nowhere.csv: cannot open it", "check `path` under [data]"]),
        (file(&at("flat")), vec!["flat: it has no sub-folder", "sub-folder of the class's name"]),
        (known("nsmc", Some(&at("nsmc"))), vec!["ratings_test.txt", "this file is missing"]),
        (
            known("imdb", Some(&at("half"))),
            vec!["aclImdb/train/neg: this folder is missing", "aclImdb_v1.tar.gz"],
        ),
        (known("imdb", Some(&archive)), vec!["cut.tar.gz: the archive cannot be read", "fetch it again"]),
        (known("imbd", None), vec!["no dataset is named \"imbd\", did you mean \"imdb\"?", "`path = ...`"]),
        (known("snippets", Some(&at("flat"))), vec!["\"snippets\" is part of this program"]),
        (
            DataSpec { validation_share: 1.0, ..known("snippets", None) },
            vec!["`validation_share` must be above 0"],
        ),
        (DataSpec { test_share: f64::NAN, ..known("snippets", None) }, vec!["`test_share` must be above 0"]),
        (
            DataSpec { train_rows: Some(5), ..known("snippets", None) },
            vec!["snippets: too small", "`train_rows`"],
        ),
    ];
    for (data, expected) in cases {
        let message = refusal(&place, &data);
        for part in expected {
            assert!(message.contains(part), "{part:?} is not in: {message}");
        }
    }
}

#[test]
fn a_test_file_without_a_usable_row_is_refused_and_never_replaced_by_training_rows() {
    let place = Place::new();
    let train = place.write("train.csv", csv(2_000));
    let unlabelled =
        rows(7).iter().fold("text,label\n".to_owned(), |all, (text, _)| format!("{all}{text},\n"));
    for (name, bytes, expected) in [
        ("header_only.csv", "text,label\n", "it is the test data, and it has no row at all"),
        ("unlabelled.csv", &unlabelled, "7 of 7 rows are unusable (100.0 %"),
        ("half.csv", "text,label\na film,good\na play,\n", "1 of 2 rows are unusable (50.0 %"),
    ] {
        let test = place.write(name, bytes);
        let message = refusal(&place, &with_test(&train, &test));
        assert!(message.starts_with(name) && message.contains(expected), "{message}");
        // Nor where bad rows are allowed: no row of the training file is ever tested on instead.
        let data = DataSpec { bad_rows_share_max: 1.0, ..with_test(&train, &test) };
        let message = refusal(&place, &data);
        assert!(
            message.contains("it is the test data") || message.contains("the test split gets 1"),
            "{message}"
        );
    }
}

#[test]
fn few_bad_rows_are_counted_and_skipped_and_their_lines_are_those_of_an_editor() {
    let place = Place::new();
    let text = csv(300) + "\nno label,\na,b,c\n,,\n";
    for (name, text) in [("unix.csv", text.clone()), ("windows.csv", text.replace('\n', "\r\n"))] {
        let path = place.write(name, text);
        let data = DataSpec { bad_rows_share_max: 0.05, ..file(&path) };
        let prepared =
            prepare(&data, &BTreeMap::default(), &place.cache(), &NoProgress).expect("few are bad");
        let lines: Vec<_> = prepared.summary.account.bad_rows.first.iter().map(|row| row.line).collect();
        assert_eq!((prepared.summary.account.bad_rows.count, lines), (2, vec![303, 304]), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn odd_tables_never_panic(
        head in "(text|label|\"te\"\"xt\"|,|;|\t|\"|\n|\r| ){0,8}",
        body in proptest::collection::vec("(a|b|한|\"|,|;|\t|\n|\r\n|\\{|\\}|:|\"text\"|\"label\"| ){0,12}", 0..40),
        junk in proptest::collection::vec(any::<u8>(), 0..40),
        extension in prop::sample::select(vec!["csv", "tsv", "jsonl", "parquet"]),
    ) {
        let place = Place::new();
        let mut bytes = head.into_bytes();
        bytes.extend(body.join("\n").bytes());
        bytes.extend(junk);
        let path = place.write(&format!("odd.{extension}"), bytes);
        let data = DataSpec { bad_rows_share_max: 1.0, ..file(&path) };
        prepare(&data, &Default::default(), &place.cache(), &NoProgress).ok();
        inspect(&path.to_string_lossy(), None, None, &place.cache(), &NoProgress).ok();
    }
}

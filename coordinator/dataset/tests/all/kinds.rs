//! Data as people have it: each kind of file is read right, or refused by name with what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::common;

use std::path::Path;

use common::{Place, csv, file, packed, rows, zip_of};
use coordinator_dataset::{InspectOptions, Inspection, NoProgress, Prepared, inspect_with, prepare};
use sweep_proto::{DataSource, DataSpec, HtmlBreaks, Reading};

pub(crate) fn seen(place: &Place, path: &Path, options: &InspectOptions) -> Result<Inspection, String> {
    inspect_with(&path.to_string_lossy(), options, &place.cache(), &NoProgress)
        .map_err(|error| error.for_options())
}

pub(crate) fn look(place: &Place, path: &Path) -> Inspection {
    seen(place, path, &InspectOptions::default())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn refusal(place: &Place, path: &Path) -> String {
    match seen(place, path, &InspectOptions::default()) {
        Ok(seen) => panic!("{} is read: {} rows", path.display(), seen.rows),
        Err(error) => error,
    }
}

/// Classes with their rows, those of all splits.
pub(crate) fn classes(seen: &Inspection) -> Vec<(&str, u64)> {
    seen.classes.iter().map(|one| (one.class.as_str(), one.rows + one.test_rows)).collect()
}

pub(crate) fn columns(text: &[&str], label: &str) -> InspectOptions {
    InspectOptions {
        text: text.iter().map(|one| (*one).to_owned()).collect(),
        label: Some(label.to_owned()),
        ..InspectOptions::default()
    }
}

fn reading(reading: Reading) -> InspectOptions {
    InspectOptions { reading, ..InspectOptions::default() }
}

/// The sweep reads the same as a look: the digest of what is trained on.
fn prepared(place: &Place, path: &Path, text: &str, label: &str) -> Prepared {
    let source = DataSource::File {
        path: path.to_owned(),
        validation_path: None,
        test_path: None,
        text: text.into(),
        label: label.into(),
    };
    prepare(&DataSpec::new(source), &Default::default(), &place.cache(), &NoProgress).expect("prepared")
}

#[test]
fn tables_in_other_encodings_are_converted_and_named() {
    let place = Place::new();
    let cases = [
        ("windows-1252", "schöner Film über Bären", "sehr schlecht für Größe"),
        ("windows-1251", "Очень хороший фильм", "Плохой фильм был"),
        ("euc-kr", "정말 재밌는 영화였어요", "너무 지루하고 별로네요"),
        ("shift_jis", "とても面白い映画でした", "つまらない作品だった"),
        ("gb18030", "这部电影非常好看", "太无聊了不推荐"),
    ];
    for (name, good, bad) in cases {
        let text = (0..60).fold("text,label\n".to_owned(), |all, row| {
            all + &format!("{} {row},{}\n", [good, bad][row % 2], ["pos", "neg"][row % 2])
        });
        let encoding = encoding_rs::Encoding::for_label(name.as_bytes()).expect("known");
        let (bytes, _, _) = encoding.encode(&text);
        let path = place.write(&format!("{name}/films.csv"), &bytes);
        let other = look(&place, &path);
        assert_eq!(classes(&other), [("neg", 30), ("pos", 30)], "{name}");
        assert_eq!(other.bad_rows.count, 0, "{name}");
        assert!(
            other.files[0].notes.iter().any(|note| note.starts_with("converted from")),
            "{name} {:?}",
            other.files
        );
        let plain = place.write(&format!("{name}-utf8/films.csv"), &text);
        assert_eq!(
            prepared(&place, &path, "text", "label").digest,
            prepared(&place, &plain, "text", "label").digest
        );
        // Named outright, too.
        let named =
            seen(&place, &path, &reading(Reading { encoding: Some(name.into()), ..Reading::default() }));
        assert_eq!(named.expect("read").samples, other.samples, "{name}");
    }
    for (name, is_little, has_mark) in
        [("le-mark", true, true), ("le", true, false), ("be-mark", false, true), ("be", false, false)]
    {
        let mark = if has_mark { "\u{feff}" } else { "" };
        let units = format!("{mark}{}", csv(40)).encode_utf16().collect::<Vec<_>>();
        let bytes: Vec<u8> = units
            .iter()
            .flat_map(|unit| if is_little { unit.to_le_bytes() } else { unit.to_be_bytes() })
            .collect();
        let seen = look(&place, &place.write(&format!("{name}.csv"), bytes));
        assert_eq!((classes(&seen), seen.bad_rows.count), (vec![("bad", 20), ("good", 20)], 0), "{name}");
    }
}

#[test]
fn a_folder_of_texts_in_another_encoding_is_converted() {
    let place = Place::new();
    for row in 0..20 {
        let (german, _, _) = encoding_rs::WINDOWS_1252.encode("Das war ein schöner Film über Bären");
        place.write(&format!("films/pos/{row}.txt"), &german);
        place.write(&format!("films/neg/{row}.txt"), "schlecht für alle, in UTF-8");
    }
    let seen = look(&place, &place.path().join("films"));
    assert_eq!((classes(&seen), seen.bad_rows.count), (vec![("neg", 20), ("pos", 20)], 0));
    assert!(seen.samples.iter().any(|sample| sample.text.contains("schöner Film über Bären")));
    assert!(seen.samples.iter().any(|sample| sample.text.contains("schlecht für alle")));
}

#[test]
fn an_encoding_is_never_answered_with_the_advice_to_skip_rows() {
    let place = Place::new();
    let mixed = csv(40).into_bytes();
    let mixed =
        [&mixed[..], "naïve film,good\n".repeat(5).as_bytes(), &b"caf\xe9 noir,good\n".repeat(3)].concat();
    let message = refusal(&place, &place.write("mixed.csv", mixed));
    assert!(
        message.contains("it mixes encodings: 5 lines are UTF-8, 3 are not, the first of them line 47"),
        "{message}"
    );
    let one = [csv(40).as_bytes(), b"caf\xe9 au lait,good\n"].concat();
    let message =
        prepare(&file(&place.write("one.csv", one)), &Default::default(), &place.cache(), &NoProgress)
            .expect_err("one of 41")
            .to_string();
    assert!(
        message.contains("one.csv:42: the text is not UTF-8") && message.contains("mend these rows"),
        "{message}"
    );
    assert!(message.contains("windows-1252") && message.contains("`encoding = \"...\"`"), "{message}");
    assert!(!message.contains("bad_rows_share_max"), "{message}");
    let named = Reading { encoding: Some("windows-1525".into()), ..Reading::default() };
    let message = seen(&place, &place.path().join("one.csv"), &reading(named)).expect_err("unknown");
    assert!(message.contains("did you mean \"windows-125"), "{message}");
}

#[test]
fn quoted_line_ends_in_a_tsv_are_read_as_pandas_writes_them() {
    let place = Place::new();
    let text = (0..40).fold("text\tlabel\n".to_owned(), |all, row| {
        all + &format!("\"first line {row}\nsecond \"\"line\"\"\"\t{}\n", row % 2)
            + &format!("plain {row}\t{}\n", row % 2)
    });
    let seen = look(&place, &place.write("films.tsv", text));
    assert_eq!((classes(&seen), seen.bad_rows.count), (vec![("0", 40), ("1", 40)], 0));
    assert_eq!(seen.samples[0].text, "first line 0 second \"line\"");
    // Quotes that keep no rules are characters, as before.
    let text = (0..40).fold("text\tlabel\n".to_owned(), |all, row| {
        all + &format!("\"good\" film {row}\t1\n\"bad\" film {row}\t0\n")
    });
    let seen = look(&place, &place.write("quotes.tsv", text));
    assert_eq!((classes(&seen), seen.bad_rows.count), (vec![("0", 40), ("1", 40)], 0));
    assert_eq!(seen.samples[0].text, "\"good\" film 0");
    // Two rows that a stray pair of quotes seems to join stay two rows.
    let text = csv(40).replace(',', "\t") + "\"open\tgood\nclosed\"\tbad\n";
    let seen = look(&place, &place.write("stray.tsv", text));
    assert_eq!((classes(&seen), seen.bad_rows.count), (vec![("bad", 21), ("good", 21)], 0));
}

#[test]
fn delimiters_separator_lines_and_escaped_quotes_are_recognised() {
    let place = Place::new();
    let with = |delimiter: &str| {
        let rows = rows(60);
        rows.iter().fold(format!("text{delimiter}label\n"), |all, (text, label)| {
            all + &format!("\"{text}{delimiter} yes\"{delimiter}{label}\n")
        })
    };
    for (name, text) in [
        ("semicolon", with(";")),
        ("bar", with("|")),
        ("tab", with("\t")),
        ("sep", format!("\u{feff}sep=;\r\n{}", with(";").replace('\n', "\r\n"))),
        ("spark", with(",").replace("film", "\\\"film\\\"")),
    ] {
        let seen = look(&place, &place.write(&format!("{name}.csv"), text));
        assert_eq!((classes(&seen), seen.bad_rows.count), (vec![("bad", 30), ("good", 30)], 0), "{name}");
    }
    let seen = look(&place, &place.path().join("spark.csv"));
    assert_eq!(seen.samples[0].text, "a bad \"film\" number 0, yes");
    let tilde = place.write("tilde.csv", with("~"));
    let named = Reading { delimiter: Some("~".into()), ..Reading::default() };
    assert_eq!(seen_rows(&place, &tilde, &reading(named)), 60);
    let broken = place.write("lines.csv", "sep=;\ntext;label\nfine;a\nalso;b\n;a\n");
    assert_eq!(look(&place, &broken).bad_rows.first[0].line, 5, "lines are those of an editor");
}

#[test]
fn looking_for_a_header_does_not_disturb_the_reading_of_a_long_file() {
    let place = Place::new();
    let rows = (0..20_000)
        .fold(String::new(), |all, row| all + &format!("{}\ta film of number {row} here\n", row % 2));
    let seen = seen(&place, &place.write("long.tsv", rows), &columns(&["2"], "1")).expect("read");
    assert_eq!((seen.rows, seen.bad_rows.count), (19_999, 0), "all but the first, which is the header");
}

fn seen_rows(place: &Place, path: &Path, options: &InspectOptions) -> u64 {
    seen(place, path, options).unwrap_or_else(|error| panic!("{error}")).rows
}

#[test]
fn blank_rows_and_repeated_headers_are_left_out_and_counted() {
    let place = Place::new();
    let text = csv(40) + ",\n , \n" + &csv(20) + "text,label\n";
    let seen = look(&place, &place.write("joined.csv", text));
    assert_eq!((classes(&seen), seen.bad_rows.count), (vec![("bad", 30), ("good", 30)], 0));
    let left_out: Vec<_> = seen.left_out.iter().map(|(reason, rows)| (reason.as_str(), *rows)).collect();
    assert_eq!(left_out, [("the header line is repeated", 2), ("the row is blank", 2)]);
    let index = place.write(
        "index.csv",
        "\u{feff},text,label\n".to_owned()
            + &rows(40).iter().zip(0..).fold(String::new(), |all, ((text, label), row): (_, u32)| {
                all + &format!("{row},{text},{label},\n")
            }),
    );
    let seen = look(&place, &index);
    assert_eq!((seen.rows, seen.bad_rows.count), (40, 0), "cells without a column that are blank do no harm");
}

#[test]
fn labels_that_a_person_sees_as_one_are_one_class() {
    let place = Place::new();
    let table = |labels: &[&str]| {
        (0..labels.len() * 10).fold("text,label\n".to_owned(), |all, row| {
            all + &format!("film {row},{}\n", labels[row % labels.len()])
        })
    };
    for (name, labels, expected) in [
        ("numbers", &["0", "1", "0.0", "1.0", "0"][..], vec![("0", 30), ("1", 20)]),
        ("flags", &["True", "FALSE", "TRUE", "FALSE", "True"], vec![("FALSE", 20), ("True", 30)]),
        ("spaces", &["pos", "neg", "pos\u{200b}", "ne\u{ad}g", "\u{a0}pos"], vec![("neg", 20), ("pos", 30)]),
        ("composed", &["café", "thé", "cafe\u{301}"], vec![("café", 20), ("thé", 10)]),
    ] {
        let seen = look(&place, &place.write(&format!("{name}.csv"), table(labels)));
        assert_eq!(classes(&seen), expected, "{name}");
        assert!(seen.files[0].notes.iter().any(|note| note.contains("is also written")), "{name}");
        assert_eq!(
            prepared(&place, &place.path().join(format!("{name}.csv")), "text", "label").header.classes.len(),
            2
        );
    }
    let seen = look(&place, &place.write("case.csv", table(&["Positive", "negative", "positive"])));
    assert_eq!(seen.classes.len(), 3);
    assert!(
        seen.warnings.iter().any(|warning| warning.contains("differ only in case")),
        "{:?}",
        seen.warnings
    );
    let seen = look(&place, &place.write("nan.csv", table(&["a", "b", "NaN", "nan", "None", ""])));
    assert_eq!((classes(&seen), seen.bad_rows.count), (vec![("a", 10), ("b", 10)], 40));
}

#[test]
fn labels_are_named_merged_and_dropped_and_several_are_refused() {
    let place = Place::new();
    let stars =
        (0..50).fold("text,label\n".to_owned(), |all, row| all + &format!("film {row},{}\n", row % 5 + 1));
    let path = place.write("stars.csv", stars);
    let named = [("1", "bad"), ("2", "bad"), ("4", "good"), ("5", "good")];
    let options = reading(Reading {
        labels: named.map(|(label, class)| (label.to_owned(), class.to_owned())).into(),
        labels_dropped: ["3".to_owned()].into(),
        ..Reading::default()
    });
    let seen_one = seen(&place, &path, &options).expect("read");
    assert_eq!((classes(&seen_one), seen_one.bad_rows.count), (vec![("bad", 20), ("good", 20)], 0));
    assert_eq!(seen_one.left_out.values().sum::<u64>(), 10);
    for (name, bytes) in [
        ("list.jsonl", "{\"text\": \"a\", \"label\": [\"x\", \"y\"]}\n".repeat(20)),
        ("bars.csv", "text,label\n".to_owned() + &"fine,neg|long\nbad,pos\n".repeat(20)),
        (
            "python.csv",
            "text,label\n".to_owned() + &"fine,\"['pos', 'short']\"\nbad,\"['neg']\"\n".repeat(20),
        ),
        ("multi.txt", "__label__sauce __label__cheese how do I\n".repeat(20)),
    ] {
        let message = refusal(&place, &place.write(name, bytes));
        assert!(message.contains("several labels") && message.contains("multi-label"), "{name}: {message}");
    }
    let single = "{\"text\": \"a\", \"label\": [\"x\"]}\n{\"text\": \"a\", \"label\": [\"y\"]}\n".repeat(20);
    assert_eq!(look(&place, &place.write("single.jsonl", single)).rows, 40, "lists of one label are labels");
}

#[test]
fn files_without_a_header_are_read_by_number_and_named() {
    let place = Place::new();
    let rows =
        rows(60).iter().fold(String::new(), |all, (text, label)| all + &format!("{label}\t{text} here\n"));
    let path = place.write("naver.tsv", &rows);
    let message = refusal(&place, &path);
    assert!(message.contains("its first row looks like data"), "{message}");
    assert!(message.contains("`--header false`, `--text 2` and `--label 1`"), "{message}");
    let mut options = columns(&["2"], "1");
    options.reading.header = Some(false);
    let seen_all = seen(&place, &path, &options).expect("read");
    assert_eq!(classes(&seen_all), [("bad", 30), ("good", 30)]);
    let plain = place.write("SMSSpamCollection", &rows);
    assert_eq!(seen_rows(&place, &plain, &options), 60, "without an ending, by its tabs");
    let by_number = seen(&place, &path, &columns(&["2"], "1")).expect("read");
    assert_eq!(by_number.rows, 59);
    assert!(
        by_number.warnings.iter().any(|warning| warning.contains("looks like data")),
        "{:?}",
        by_number.warnings
    );
    let quoted = (0..40).fold(String::new(), |all, row| {
        all + &format!("\"{}\",\"Title {row}\",\"Body, {row}\"\n", row % 4 + 1)
    });
    let mut options = columns(&["2", "3"], "1");
    options.reading.header = Some(false);
    let agnews = seen(&place, &place.write("agnews.csv", quoted), &options).expect("read");
    assert_eq!((agnews.rows, agnews.classes.len()), (40, 4));
    assert_eq!(agnews.samples[0].text, "Title 0 Body, 0", "columns are joined");
}

#[test]
fn other_layouts_of_lines_and_files_are_read() {
    let place = Place::new();
    let fasttext =
        (0..40).fold(String::new(), |all, row| all + &format!("__label__{} film {row}\n", row % 2 + 1));
    assert_eq!(classes(&look(&place, &place.write("train.ft.txt", fasttext))), [("1", 20), ("2", 20)]);
    let trec = "DESC:manner How did it start ?\nNUM:count How many ?\nNUM:date When ?\n".repeat(10);
    let path = place.write("train_5500.label", trec);
    assert_eq!(classes(&look(&place, &path)), [("DESC", 10), ("NUM", 20)]);
    assert_eq!(seen(&place, &path, &columns(&[], "fine")).expect("read").classes.len(), 3);
    place.write("polarity/rt-polarity.neg", "bad film here\n".repeat(20));
    place.write("polarity/rt-polarity.pos", "good film here\n".repeat(30));
    place.write("polarity/README", "about");
    assert_eq!(classes(&look(&place, &place.path().join("polarity"))), [("neg", 20), ("pos", 30)]);
    for row in 0..30 {
        place.write(&format!("flat/{row}.txt"), "a text\n".repeat(9));
    }
    let message = refusal(&place, &place.path().join("flat"));
    assert!(
        message.contains("sub-folder of the class's name") && message.contains("one text a line"),
        "{message}"
    );
}

#[test]
fn json_documents_and_keys_inside_objects_are_read() {
    let place = Place::new();
    let objects: Vec<_> =
        (0..40).map(|row| serde_json::json!({"text": format!("film {row}"), "label": row % 2})).collect();
    let records = serde_json::to_string(&objects).expect("JSON");
    let cells = |key: &str| {
        let cells = objects.iter().enumerate().map(|(row, object)| (row.to_string(), object[key].clone()));
        serde_json::Value::Object(cells.collect())
    };
    let by_column = serde_json::json!({"text": cells("text"), "label": cells("label")}).to_string();
    let lines = objects.iter().fold(String::new(), |all, object| format!("{all}{object}\n"));
    for (name, text) in [("records.json", &records), ("columns.json", &by_column), ("lines.json", &lines)] {
        let seen = look(&place, &place.write(name, text));
        assert_eq!((classes(&seen), seen.bad_rows.count), (vec![("0", 20), ("1", 20)], 0), "{name}");
    }
    let message = refusal(&place, &place.write("cut.json", &records[..records.len() / 2]));
    assert!(message.contains("ends early") && message.contains("fetch it again"), "{message}");
    let nested = (0..40).fold(String::new(), |all, row| {
        all + &format!(
            "{{\"data\": {{\"text\": \"film {row}\"}}, \"annotations\": [{{\"label\": {}}}]}}\n",
            row % 2
        )
    });
    let path = place.write("nested.jsonl", nested);
    assert!(refusal(&place, &path).contains("\"data.text\""), "paths are offered");
    let seen = seen(&place, &path, &columns(&["data.text"], "annotations.0.label")).expect("read");
    assert_eq!(classes(&seen), [("0", 20), ("1", 20)]);
}

#[test]
fn compressed_files_are_unpacked_and_bounded() {
    let place = Place::new();
    let plain = prepared(&place, &place.write("plain/films.csv", csv(60)), "text", "label");
    for ending in ["gz", "zst", "bz2", "zip"] {
        let path = place.write(&format!("films.csv.{ending}"), packed(csv(60).as_bytes(), ending));
        let digest = prepared(&place, &path, "text", "label").digest;
        assert_eq!(digest, plain.digest, "{ending}");
    }
    let xz: &[u8] = include_bytes!("../../../../tests/fuzz/corpus/packed/rows.csv.xz");
    assert_eq!(classes(&look(&place, &place.write("rows.csv.xz", xz))), [("bad", 15), ("good", 15)]);
    let cut = packed(csv(60).as_bytes(), "gz");
    let message = refusal(&place, &place.write("cut.csv.gz", &cut[..cut.len() / 2]));
    assert!(
        message.contains("compressed with gzip and ends early") && message.contains("fetch it again"),
        "{message}"
    );
}

#[test]
fn shards_and_splits_of_their_own_files_are_read() {
    let place = Place::new();
    let part = |from: usize, to: usize| {
        rows(60)[from..to]
            .iter()
            .fold("text,label\n".to_owned(), |all, (text, label)| format!("{all}{text},{label}\n"))
    };
    place.write("data/train-00000-of-00002.csv", part(0, 20));
    place.write("data/train-00001-of-00002.csv", part(20, 40));
    place.write("data/validation-00000-of-00001.csv", part(40, 50));
    place.write("data/test-00000-of-00001.csv", part(50, 60));
    let pattern = place.path().join("data/train-*.csv");
    let whole = place.write("whole.csv", part(0, 40));
    let source = |path: &Path| DataSource::File {
        path: path.to_owned(),
        validation_path: Some(place.path().join("data/validation-00000-of-00001.csv")),
        test_path: Some(place.path().join("data/test-*.csv")),
        text: "text".into(),
        label: "label".into(),
    };
    let encoded = |path: &Path| {
        let data = DataSpec::new(source(path));
        let prepared = prepare(&data, &Default::default(), &place.cache(), &NoProgress).expect("prepared");
        prepared.header.splits.map(|split| split.rows)
    };
    assert_eq!(encoded(&pattern), [40, 10, 10]);
    assert_eq!(encoded(&whole), [40, 10, 10]);
    let folder = look(&place, &place.path().join("data"));
    assert_eq!(
        (folder.rows, folder.validation_rows, folder.test_rows),
        (60, 10, 10),
        "told by the names of the files"
    );
    let message = refusal(&place, &place.path().join("data/none-*.csv"));
    assert!(message.contains("no file matches this pattern"), "{message}");
}

#[test]
fn folders_are_read_alike_by_a_look_and_by_a_sweep_and_what_is_passed_over_is_told() {
    let place = Place::new();
    for row in 0..20 {
        for folder in ["train/pos", "train/neg", "train/unsup", "dev/pos", "dev/neg", "test/pos", "test/neg"]
        {
            place.write(&format!("aclImdb/{folder}/{row}_9.txt"), format!("film {row} of {folder}<br />end"));
        }
        for folder in ["pos", "neg/2019", "neg"] {
            place.write(
                &format!("polarity/txt_sentoken/{folder}/{row}.txt"),
                format!("film {row} of {folder}"),
            );
        }
    }
    place.write("aclImdb/README", "about");
    place.write("polarity/README", "about");
    let path = place.path().join("aclImdb");
    let seen_one = look(&place, &path);
    assert_eq!(classes(&seen_one), [("neg", 60), ("pos", 60)]);
    assert_eq!((seen_one.validation_rows, seen_one.test_rows), (40, 40));
    let notes: Vec<_> = seen_one.files.iter().flat_map(|file| &file.notes).collect();
    assert!(
        notes.iter().any(|note| note.contains("\"unsup\" is passed over: its 20 texts have no label")),
        "{notes:?}"
    );
    assert!(notes.iter().any(|note| note.contains("README")), "{notes:?}");
    let trained = prepared(&place, &path, "text", "label");
    assert_eq!(trained.header.classes, ["neg", "pos"]);
    assert_eq!(trained.header.splits.map(|split| split.rows), [40, 40, 40]);
    assert!(trained.header.tokenizer.contains("\"br\""), "breaks stay unless they are named");
    let spaces = reading(Reading { html_breaks: Some(HtmlBreaks::Space), ..Reading::default() });
    let without = seen(&place, &path, &spaces).expect("read");
    assert!(without.samples.iter().all(|sample| !sample.text.contains("<br")));
    let nested = look(&place, &place.path().join("polarity"));
    assert_eq!((classes(&nested), nested.bad_rows.count), (vec![("neg", 40), ("pos", 20)], 0));
}

#[test]
fn what_is_no_table_is_named_with_a_remedy() {
    let place = Place::new();
    let sheet = zip_of(&[("xl/workbook.xml", b"<x/>"), ("[Content_Types].xml", b"<x/>")]);
    for (name, bytes, expected) in [
        (
            "pointer.csv",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".to_vec(),
            "git lfs pull",
        ),
        ("page.csv", b"<!DOCTYPE html>\n<html>Sign in</html>".to_vec(), "web page"),
        ("sheet.xlsx", sheet.clone(), "save it as CSV"),
        ("sheet.csv", sheet, "save it as CSV"),
        ("data.arrow", b"ARROW1\0\0".to_vec(), "Parquet"),
        ("cut.csv", format!("text,label\n\"{}", "never closed\n".repeat(9)).into(), "never closed"),
        ("cut.parquet", b"PAR1 and no more".to_vec(), "fetch it again"),
        ("zero.csv", Vec::new(), "empty"),
    ] {
        let message = refusal(&place, &place.write(name, bytes));
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn nul_bytes_are_read_as_spaces_and_told() {
    let place = Place::new();
    let seen = look(&place, &place.write("nul.csv", csv(40) + "with\0NUL,good\n"));
    assert_eq!((seen.rows, seen.bad_rows.count), (41, 0));
    assert!(
        seen.files[0].notes.iter().any(|note| note == "1 texts hold NUL bytes, which are read as spaces")
    );
}

#[test]
fn columns_compare_composed() {
    let place = Place::new();
    let path = place.write("accents.csv", csv(40).replace("text,label", "e\u{301}tude,label"));
    assert_eq!(seen_rows(&place, &path, &columns(&["\u{e9}tude"], "label")), 40);
}

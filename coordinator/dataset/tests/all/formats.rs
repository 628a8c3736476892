//! Every format gives the same encoded dataset from the same rows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::common;

use std::fmt::Write as _;

use common::parquet::{Cells, parquet};
use common::{Place, csv, file, known, rows};
use coordinator_dataset::{NoProgress, Prepared, inspect, prepare};
use parquet::basic::Compression;
use sweep_proto::encoded::{EncodedView, Split};
use sweep_proto::{DataSource, DataSpec};

fn prepared(place: &Place, data: &DataSpec) -> Prepared {
    prepare(data, &Default::default(), &place.cache(), &NoProgress).expect("prepared")
}

#[test]
fn every_format_gives_the_same_bytes_from_the_same_rows() {
    let place = Place::new();
    let rows = rows(60);
    let lines = |line: &dyn Fn(&str, &str) -> String| {
        rows.iter().fold(String::new(), |all, (text, label)| all + &line(text, label) + "\n")
    };
    let mut paths = vec![
        place.write("csv/films.csv", csv(60)),
        place.write("crlf/films.csv", format!("\u{feff}{}", csv(60).replace('\n', "\r\n"))),
        place.write(
            "semicolon/films.csv",
            "label;text\n".to_owned() + &lines(&|text, label| format!("{label};\"{text}\"")),
        ),
        place.write(
            "tsv/films.tsv",
            "text\tlabel\n".to_owned() + &lines(&|text, label| format!("{text}\t{label}")),
        ),
        place.write(
            "json/films.jsonl",
            lines(&|text, label| {
                format!("{}\n", serde_json::json!({"text": text, "label": label, "other": [1]}))
            }),
        ),
    ];
    let (texts, labels): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
    let schema = "required int64 id; optional binary text (UTF8); optional binary label (UTF8);";
    let columns = vec![Cells::whole(0..60), Cells::text(texts), Cells::text(labels)];
    let table = parquet(schema, columns, Compression::UNCOMPRESSED, None);
    paths.push(place.write("parquet/films.parquet", table));
    let digests: Vec<_> = paths.iter().map(|path| prepared(&place, &file(path)).digest).collect();
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

#[test]
fn a_prepared_dataset_has_what_its_source_has() {
    let place = Place::new();
    let text = "text,label\n".to_owned()
        + &(0..40).fold(String::new(), |mut all, row| {
            writeln!(all, "\"he said \"\"fine\"\",\nthen left {row}\",{}", [10, 9, -1][row % 3])
                .expect("a string");
            all
        });
    let prepared = prepared(&place, &file(&place.write("quoted.csv", text)));
    assert_eq!(prepared.header.classes, ["-1", "9", "10"], "sorted as numbers");
    assert_eq!(prepared.summary.account.bad_rows.count, 0);
    assert_eq!(prepared.summary.account.splits.each_ref().map(|split| split.rows), [32, 4, 4]);
    let bytes = std::fs::read(&prepared.path).expect("written");
    assert_eq!(bytes.len() as u64, prepared.bytes);
    let view = EncodedView::parse(bytes).expect("valid");
    assert_eq!(view.header(), &prepared.header);
    // he said " fine " , then left N
    assert!((0..view.rows(Split::Train)).all(|row| view.length(Split::Train, row) == 9));
}

#[test]
fn a_folder_per_class_and_its_own_test_split_are_read() {
    let place = Place::new();
    for (row, (text, label)) in rows(60).iter().enumerate() {
        let part = if row < 40 { "train" } else { "test" };
        place.write(&format!("plain/{label}/{row}.txt"), text);
        place.write(&format!("parts/{part}/{label}/{row}.txt"), text);
    }
    place.write("plain/bad/.hidden", "no");
    let plain = prepared(&place, &file(&place.path().join("plain")));
    assert_eq!(plain.summary.account.splits.each_ref().map(|split| split.rows), [49, 5, 6]);
    let parts = prepared(&place, &file(&place.path().join("parts")));
    assert_eq!(parts.summary.account.splits.each_ref().map(|split| split.rows), [36, 4, 20]);
}

#[test]
fn labels_of_parquet_may_be_numbers_or_flags() {
    let place = Place::new();
    let number = Cells::whole((0..40).map(|row| row % 3 * 5));
    let flag = Cells::Flag((0..40).map(|row| Some(row % 2 == 0)).collect());
    for (kind, labels, classes) in
        [("int64", number, vec!["0", "5", "10"]), ("boolean", flag, vec!["false", "true"])]
    {
        let schema = format!("optional binary text (UTF8); optional {kind} label;");
        let texts = Cells::text((0..40).map(|row| format!("text {row}")));
        let table = parquet(&schema, vec![texts, labels], Compression::UNCOMPRESSED, None);
        let path = place.write(&format!("{kind}.parquet"), table);
        assert_eq!(prepared(&place, &file(&path)).header.classes, classes);
    }
}

#[test]
fn a_test_path_stays_apart() {
    let place = Place::new();
    let (path, test_path) = (place.write("a.csv", csv(40)), place.write("b.csv", csv(30)));
    let source = DataSource::File {
        path,
        validation_path: None,
        test_path: Some(test_path),
        text: "text".into(),
        label: "label".into(),
    };
    let prepared = prepared(&place, &DataSpec::new(source));
    assert_eq!(prepared.summary.account.splits.each_ref().map(|split| split.rows), [36, 4, 30]);
    assert_eq!(
        prepared.summary.account.splits[2].in_training, 27,
        "30 texts stand in both, 3 went to validation"
    );
}

#[test]
fn the_imdb_archive_and_its_folder_give_the_same_bytes() {
    let place = Place::new();
    let archive = place.write("aclImdb_v1.tar.gz", "");
    let file = std::fs::File::create(&archive).expect("created");
    let mut writer = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
    // Not in the order of names, and with what the official archive has besides.
    for row in (0..20).rev() {
        for folder in ["train/neg", "train/pos", "test/neg", "test/pos", "train/unsup"] {
            let name = format!("aclImdb/{folder}/{row}_7.txt");
            let text = format!("Review {row} of {folder}.<br /><br />Second part.");
            place.write(&format!("folder/{name}"), &text);
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            writer.append_data(&mut header, &name, text.as_bytes()).expect("appended");
        }
    }
    writer.into_inner().and_then(flate2::write::GzEncoder::finish).expect("finished");
    let from_archive = prepared(&place, &known("imdb", Some(&archive)));
    let from_folder = prepared(&place, &known("imdb", Some(&place.path().join("folder"))));
    assert_eq!(from_archive.digest, from_folder.digest);
    assert_eq!(from_archive.header.classes, ["negative", "positive"]);
    assert_eq!(from_archive.summary.account.splits.each_ref().map(|split| split.rows), [36, 4, 40]);
    assert!(!from_archive.header.tokenizer.contains("\"br\""), "markup is no word");
}

#[test]
fn nsmc_takes_the_official_files() {
    let place = Place::new();
    let line = |row: usize| format!("{row}\t\"정말{row} 재밌는{row} 영화 {row}\t{}\n", row % 2);
    let lines = |rows: std::ops::Range<usize>| {
        "id\tdocument\tlabel\n".to_owned() + &rows.map(line).collect::<String>()
    };
    place.write("nsmc/ratings_train.txt", lines(0..100) + "100\t\t1\n");
    place.write("nsmc/ratings_test.txt", lines(200..220));
    let data = DataSpec { bad_rows_share_max: 0.02, ..known("nsmc", Some(&place.path().join("nsmc"))) };
    let prepared = prepared(&place, &data);
    assert_eq!(prepared.summary.account.tokenizer, "subword");
    assert_eq!(prepared.summary.account.splits.each_ref().map(|split| split.rows), [90, 10, 20]);
    assert_eq!(
        prepared.summary.account.bad_rows.first[0].to_string(),
        "ratings_train.txt:102: the text is empty"
    );
}

#[test]
fn an_inspection_shows_what_is_there() {
    let place = Place::new();
    let path =
        place.write("reviews.csv", csv(60).replace("text,label", "Review,sentiment") + "only one column\n");
    let look = inspect(&path.to_string_lossy(), None, None, &place.cache(), &NoProgress).expect("inspected");
    assert_eq!((look.rows, look.bad_rows.count, look.words.max), (60, 1, 5));
    assert_eq!(
        (look.text_column.as_deref(), look.label_column.as_deref()),
        (Some("Review"), Some("sentiment"))
    );
    assert_eq!(look.classes.iter().map(|class| class.rows).collect::<Vec<_>>(), [30, 30]);
    assert_eq!(look.samples.len(), 4);
    assert_eq!(look.samples[0].tokens, ["a", "bad", "film", "number", "0"]);
    assert!(serde_json::to_string(&look).expect("serialises").contains("\"bad_rows\""));
    let snippets = inspect("snippets", None, None, &place.cache(), &NoProgress).expect("embedded");
    assert_eq!((snippets.rows, snippets.text_column), (10_568, None));
    let unknown =
        inspect("snipets", None, None, &place.cache(), &NoProgress).expect_err("unknown").to_string();
    assert!(unknown.contains("did you mean \"snippets\"?"), "{unknown}");
}

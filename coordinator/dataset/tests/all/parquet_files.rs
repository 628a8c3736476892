//! Parquet files: what common writers make is read, and each other kind of column is refused by its name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use coordinator_dataset::{NoProgress, prepare};
use parquet::basic::Compression;
use sweep_proto::DataSpec;

use crate::common::parquet::{Cells, front_coded, parquet, with_rows_told};
use crate::common::{Place, csv, file, with_test};
use crate::kinds::{classes, columns, look, seen};

/// Films and their labels as one column of Parquet each.
fn film_table(label: &str, labels: Cells, codec: Compression, names: Option<&str>) -> Vec<u8> {
    let texts = Cells::text((0..40).map(|row| format!("film {row}")));
    parquet(&format!("optional binary text (UTF8); {label};"), vec![texts, labels], codec, names)
}

#[test]
fn parquet_of_common_writers_is_read() {
    let place = Place::new();
    let numbers = || Cells::whole((0..40).map(|row| row % 2));
    let names =
        r#"{"info": {"features": {"label": {"names": ["negative", "positive"], "_type": "ClassLabel"}}}}"#;
    let label = "optional int64 label";
    let named = film_table(label, numbers(), Compression::SNAPPY, Some(names));
    let path = place.write("named.parquet", named);
    assert_eq!(classes(&look(&place, &path)), [("negative", 20), ("positive", 20)]);
    for (name, codec) in [
        ("gzip", Compression::GZIP(parquet::basic::GzipLevel::default())),
        ("brotli", Compression::BROTLI(parquet::basic::BrotliLevel::default())),
        ("lz4", Compression::LZ4),
        ("lz4-raw", Compression::LZ4_RAW),
        ("zstd", Compression::ZSTD(parquet::basic::ZstdLevel::default())),
    ] {
        let path = place.write(&format!("{name}.parquet"), film_table(label, numbers(), codec, None));
        assert_eq!(classes(&look(&place, &path)), [("0", 20), ("1", 20)], "{name}");
    }
    let floats = Cells::Real((0..40).map(|row| (row > 3).then_some(f64::from(row % 2))).collect());
    let texts = Cells::text((0..40).map(|row| format!("film {row}")));
    let schema = "required binary text; optional double label;";
    let binary = parquet(schema, vec![texts, floats], Compression::SNAPPY, None);
    let seen_one = look(&place, &place.write("binary.parquet", binary));
    assert_eq!((classes(&seen_one), seen_one.bad_rows.count), (vec![("0", 18), ("1", 18)], 4));
    let unlabelled = Cells::whole((0..40).map(|_| -1));
    let path = place.write("test.parquet", film_table(label, unlabelled, Compression::SNAPPY, Some(names)));
    assert_eq!(look(&place, &path).bad_rows.count, 40, "-1 is no class");
}

#[test]
fn each_kind_of_parquet_column_is_read_or_refused_by_name() {
    let place = Place::new();
    let codec = Compression::SNAPPY;
    let read = |name: &str, label: &str, labels: Cells| {
        place.write(&format!("{name}.parquet"), film_table(label, labels, codec, None))
    };
    let whole = |one: i64| Cells::whole((0..40).map(|row| if row % 2 == 0 { one } else { 1 }));
    let short =
        |one: i32| Cells::Short((0..40).map(|row| Some(if row % 2 == 0 { one } else { 1 })).collect());
    // Bits without a sign are stored as if they had one.
    for (name, label, labels, class) in [
        ("signed", "required int64 label", whole(-5), "-5"),
        ("unsigned", "required int64 label (INTEGER(64,false))", whole(-1), "18446744073709551615"),
        ("short", "optional int32 label (INTEGER(8,true))", short(-7), "-7"),
        ("short-unsigned", "optional int32 label (UINT_32)", short(-1), "4294967295"),
        (
            "json",
            "optional binary label (JSON)",
            Cells::text((0..40).map(|row| [7, 1][row % 2].to_string())),
            "7",
        ),
    ] {
        let found = look(&place, &read(name, label, labels));
        let mut expected = vec![("1", 20), (class, 20)];
        expected.sort_by_key(|(class, _)| class.parse::<i128>().expect("a number"));
        assert_eq!(classes(&found), expected, "{name}");
    }
    for (name, label, labels, expected) in [
        ("time", "optional int64 label (TIMESTAMP(NANOS,true))", whole(3), "INT64 (Timestamp)"),
        ("date", "optional int32 label (DATE)", short(3), "INT32 (DATE)"),
        ("decimal", "optional int64 label (DECIMAL(9,2))", whole(3), "INT64 (DECIMAL)"),
        ("list", "repeated int64 label", whole(3), "the lists of the column label"),
    ] {
        let columns = columns(&["text"], "label");
        let path = read(name, label, labels);
        let message = seen(&place, &path, &columns).map(|seen| seen.rows).expect_err(name);
        assert!(message.contains(expected), "{name}: {message}");
    }
    // What pandas writes of a column without a value: the rows of such a shard lack it.
    let nothing = "optional binary text (UTF8); optional int32 label (UNKNOWN);";
    let texts = Cells::text((0..2).map(|row| format!("film {row}")));
    let table = parquet(nothing, vec![texts, Cells::Short(vec![None, None])], codec, None);
    place.write("shards/b.parquet", table);
    let whole_shard = film_table(
        "optional binary label (UTF8)",
        Cells::text((0..40).map(|row| format!("class {}", row % 2))),
        codec,
        None,
    );
    place.write("shards/a.parquet", whole_shard);
    let shards = look(&place, &place.path().join("shards"));
    assert_eq!((classes(&shards), shards.bad_rows.count), (vec![("class 0", 20), ("class 1", 20)], 2));
    let number = read("number", "optional int64 label", whole(3));
    let message =
        seen(&place, &number, &columns(&["label"], "text")).map(|seen| seen.rows).expect_err("a number");
    assert!(message.contains("its column \"label\" holds INT64, not text"), "{message}");
}

/// Why a file of films is refused.
fn refused(place: &Place, name: &str, bytes: &[u8]) -> String {
    let path = place.write(name, bytes);
    seen(place, &path, &columns(&["text"], "label")).map(|seen| seen.rows).expect_err(name)
}

/// Some bytes of a file with others in their place.
fn replaced(file: &[u8], found: &[u8], by: &[u8]) -> Vec<u8> {
    let mut changed = file.to_vec();
    let mut at = 0;
    while let Some(next) = changed[at..].windows(found.len()).position(|window| window == found) {
        at += next;
        changed.splice(at..at + found.len(), by.iter().copied());
        at += by.len();
    }
    assert_ne!(changed, file, "it stands nowhere");
    changed
}

#[test]
fn rows_that_a_parquet_file_does_not_count_are_damage() {
    let place = Place::new();
    let labels = || Cells::whole((0..40).map(|row| row % 2));
    for label in ["required int64 label", "optional int64 label"] {
        let whole = film_table(label, labels(), Compression::SNAPPY, None);
        let path = place.write("whole.parquet", with_rows_told(&whole, 40));
        assert_eq!(classes(&look(&place, &path)), [("0", 20), ("1", 20)], "{label}");
        for (rows, expected) in [
            (39, "a column has more rows than the file says"),
            (0, "a column has more rows than the file says"),
            (41, "a column has fewer rows than the file says"),
            (-1, "two different numbers of rows"),
        ] {
            let message = refused(&place, "damaged.parquet", &with_rows_told(&whole, rows));
            assert!(message.contains(expected), "{label}, {rows}: {message}");
            assert!(message.contains("cannot be read as Parquet"), "{message}");
        }
    }
}

/// The library would repeat the last suffix that there is.
#[test]
fn texts_without_their_suffixes_are_damage() {
    let place = Place::new();
    let texts = Cells::text((0..20).map(|row| format!("film {row}")));
    let labels = Cells::whole((0..20).map(|row| row % 2));
    let whole = front_coded("optional binary text (UTF8); optional int64 label;", vec![texts, labels]);
    let path = place.write("whole.parquet", &whole);
    assert_eq!(classes(&look(&place, &path)), [("0", 10), ("1", 10)]);
    // How the lengths of prefixes begin, and those of suffixes: blocks of 128 in 4 parts, and 20 of them.
    let starts = [128, 1, 4, 20];
    let suffixes =
        whole.windows(4).enumerate().filter(|(_, window)| *window == starts).nth(1).expect("suffixes").0;
    for suffix_count in [0, 1, 5, 19] {
        let mut damaged = whole.clone();
        damaged[suffixes + 3] = suffix_count;
        let message = refused(&place, "damaged.parquet", &damaged);
        assert!(message.contains("cannot be read as Parquet"), "{suffix_count}: {message}");
    }
}

#[test]
fn text_of_a_parquet_file_that_is_not_utf8_is_not_blamed_on_a_setting() {
    let place = Place::new();
    let labels = Cells::text((0..40).map(|row| ["bad", "good"][row % 2].to_owned()));
    let table = film_table("optional binary label (UTF8)", labels, Compression::UNCOMPRESSED, None);
    let refused = |data: &DataSpec| {
        prepare(data, &Default::default(), &place.cache(), &NoProgress).expect_err("a bad row").to_string()
    };
    let message = refused(&file(&place.write("bytes.parquet", replaced(&table, b"film 7", b"f\xEFlm 7"))));
    for told in ["bytes.parquet:8: the text is not UTF-8", "decoded text", "`encoding` does not apply"] {
        assert!(message.contains(told), "{told}: {message}");
    }
    assert!(!message.contains("name its encoding"), "{message}");
    // Of a text file beside one, it is the setting that helps.
    let mut lines = csv(40).into_bytes();
    lines.extend_from_slice(b"caf\xE9 au lait,good\n");
    let [lines, table] = [place.write("lines.csv", lines), place.write("test.parquet", table)];
    let message = refused(&with_test(&lines, &table));
    assert!(message.contains("lines.csv:42") && message.contains("name its encoding"), "{message}");
    // Of a folder that is read after one, too.
    let labels = Cells::text((0..40).map(|row| ["bad", "good"][row % 2].to_owned()));
    let train = film_table("optional binary label (UTF8)", labels, Compression::UNCOMPRESSED, None);
    let train = place.write("train.parquet", train);
    for (class, text) in [("bad", &b"a dull film"[..]), ("good", b"caf\xE9 au lait")] {
        place.write(&format!("test/{class}/1.txt"), text);
    }
    let message = refused(&with_test(&train, &place.path().join("test")));
    assert!(message.contains("1.txt") && message.contains("name its encoding"), "{message}");
}

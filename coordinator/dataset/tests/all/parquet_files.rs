//! Parquet files: what common writers make is read, and each other kind of column is refused by its name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use parquet::basic::Compression;

use crate::common::Place;
use crate::common::parquet::{Cells, parquet};
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

//! Every reader of datasets, through the two ways in which users reach it: looking and preparing.
//!
//! Both must tell the same of a source, and neither may lose a row without counting it. Looking also cuts
//! samples into tokens and is twenty times slower, so only an eighth of the inputs are looked at.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coordinator_dataset::{Corpus, Inspection, NoProgress, inspect};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::basic::Compression as Codec;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use sweep_proto::{DataSource, DataSpec, Reading};

use super::seeds;
use crate::registry::Seed;
use crate::scratch;

/// Where the parts of an input are parted: a byte that UTF-8 never has.
const PARTED_BY: u8 = 0xFF;

/// Inputs of a length that this divides are looked at.
const LOOKED_AT_EACH: usize = 8;

/// The files that an input of a folder may have; the first byte of each part chooses one.
const FOLDER_FILES: [&str; 8] = [
    "pos/1.txt",
    "neg/1.txt",
    "pos/2",
    "train/pos/1.txt",
    "train/neg/1.txt",
    "test/pos/1.txt",
    "a\u{301}/.hidden",
    "loose.txt",
];

/// Reads a source; looks at it, too, where its bytes say so, and compares what both say.
fn read(path: &Path, source: &DataSource, bytes: &[u8]) -> Option<Inspection> {
    let cache = scratch::path("cache");
    let data = DataSpec { bad_rows_share_max: 1.0, ..DataSpec::new(source.clone()) };
    let prepared = Corpus::read(&data, &cache, &NoProgress);
    if !bytes.len().is_multiple_of(LOOKED_AT_EACH) {
        return None;
    }
    let seen = inspect(&path.to_string_lossy(), Some("text"), Some("label"), &cache, &NoProgress);
    let seen = match seen {
        Ok(seen) => seen,
        Err(error) => {
            assert!(prepared.is_err(), "it cannot be looked at, but be used: {error}");
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    let classes: u64 = seen.classes.iter().map(|class| class.rows + class.test_rows).sum();
    assert_eq!(classes, seen.rows, "{seen:?}");
    assert!(seen.test_rows <= seen.rows && seen.samples.len() <= 10, "{seen:?}");
    let named = seen.bad_rows.first.len() as u64;
    assert!(named <= seen.bad_rows.count && named == seen.bad_rows.count.min(20), "{:?}", seen.bad_rows);
    if let Ok(corpus) = prepared {
        let summary = corpus.summary();
        let account = &summary.account;
        let used: u64 = account.splits.iter().map(|split| split.rows).sum();
        assert!(used <= seen.rows && used > 0, "{used} of {} rows", seen.rows);
        assert_eq!(used + account.bad_rows.count, account.rows_read(), "{account:?}");
        assert_eq!(account.bad_rows, seen.bad_rows);
        let names = seen.classes.iter().map(|class| &class.class);
        assert!(summary.classes.iter().eq(names), "{:?}", summary.classes);
    }
    Some(seen)
}

fn table(name: &str, bytes: &[u8]) -> Option<Inspection> {
    let path = scratch::write(name, bytes);
    let (text, label) = ("text".to_owned(), "label".to_owned());
    read(
        &path,
        &DataSource::File { path: path.clone(), validation_path: None, test_path: None, text, label },
        bytes,
    )
}

/// CSV.
pub(crate) fn csv(bytes: &[u8]) {
    check_lines(bytes, table("rows.csv", bytes));
}

/// TSV.
pub(crate) fn tsv(bytes: &[u8]) {
    check_lines(bytes, table("rows.tsv", bytes));
}

/// JSON Lines.
pub(crate) fn json_lines(bytes: &[u8]) {
    check_lines(bytes, table("rows.jsonl", bytes));
}

/// JSON documents.
pub(crate) fn json(bytes: &[u8]) {
    table("rows.json", bytes);
}

/// Lines that begin with their label.
pub(crate) fn labelled_lines(bytes: &[u8]) {
    check_lines(bytes, table("rows.txt", bytes));
}

/// Compressed tables: the bytes tell how, whatever the name says.
pub(crate) fn packed(bytes: &[u8]) {
    table("rows.csv.gz", bytes);
}

/// Tables in any encoding: the first byte chooses whether one is named.
pub(crate) fn text(bytes: &[u8]) {
    const ENCODINGS: [Option<&str>; 6] =
        [None, Some("utf-8"), Some("utf-16le"), Some("cp949"), Some("gb18030"), Some("iso-2022-jp")];
    let Some((first, rest)) = bytes.split_first() else { return };
    let path = scratch::write("encoded.csv", rest);
    let (text, label) = ("text".to_owned(), "label".to_owned());
    let source = DataSource::File { path, validation_path: None, test_path: None, text, label };
    let encoding = ENCODINGS[usize::from(*first) % ENCODINGS.len()];
    let reading = Reading { encoding: encoding.map(str::to_owned), ..Reading::default() };
    let data = DataSpec { bad_rows_share_max: 1.0, reading: Box::new(reading), ..DataSpec::new(source) };
    let _ = Corpus::read(&data, &scratch::path("cache"), &NoProgress);
}

/// A file of lines has no more rows than lines, and the place of every bad row lies in it.
fn check_lines(bytes: &[u8], seen: Option<Inspection>) {
    let Some(seen) = seen else { return };
    if PACKED.iter().any(|magic| bytes.starts_with(magic)) {
        return;
    }
    let lines = 1 + bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
    assert!(seen.rows + seen.bad_rows.count <= lines, "{lines} lines: {seen:?}");
    for row in &seen.bad_rows.first {
        assert!((1..=lines).contains(&row.line), "{row:?} of {lines} lines");
    }
}

/// How compressed files begin, whose lines are not those of their bytes.
const PACKED: [&[u8]; 5] = [b"\x1F\x8B", b"\x28\xB5\x2F\xFD", b"BZh", b"\xFD7zXZ", b"PK"];

/// Parquet.
pub(crate) fn parquet(bytes: &[u8]) {
    table("rows.parquet", bytes);
}

/// A folder per class.
pub(crate) fn folder(bytes: &[u8]) {
    let root = scratch::folder("classes");
    for part in bytes.split(|byte| *byte == PARTED_BY) {
        let Some((file, text)) = part.split_first() else { continue };
        let path = root.join(FOLDER_FILES[usize::from(*file) % FOLDER_FILES.len()]);
        fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
        fs::write(path, text).expect("written");
    }
    let (text, label) = (String::new(), String::new());
    let source = DataSource::File { path: root.clone(), validation_path: None, test_path: None, text, label };
    read(&root, &source, bytes);
}

/// The IMDB archive: an input that is not packed is packed first, so that the search reaches its entries.
pub(crate) fn imdb_archive(bytes: &[u8]) {
    let packed = if bytes.starts_with(&[0x1F, 0x8B]) { bytes.to_vec() } else { pack(bytes) };
    let path = scratch::write("reviews.tar.gz", &packed);
    read(&path, &DataSource::Known { name: "imdb".into(), path: Some(path.clone()) }, bytes);
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::none());
    packer.write_all(bytes).expect("in memory");
    packer.finish().expect("in memory")
}

/// The NSMC files, parted by a byte.
pub(crate) fn nsmc(bytes: &[u8]) {
    let root = scratch::folder("nsmc");
    let mut parts = bytes.splitn(2, |byte| *byte == PARTED_BY);
    for name in ["ratings_train.txt", "ratings_test.txt"] {
        fs::write(root.join(name), parts.next().unwrap_or_default()).expect("written");
    }
    read(&root, &DataSource::Known { name: "nsmc".into(), path: Some(root.clone()) }, bytes);
}

/// Thirty rows of two classes, each text and label.
fn rows() -> impl Iterator<Item = (String, &'static str)> {
    (0..30).map(|row| (format!("a film number {row}"), if row % 2 == 0 { "bad" } else { "good" }))
}

fn lines(head: &str, row: impl Fn(&str, &str) -> String) -> String {
    rows().fold(head.to_owned(), |all, (text, label)| all + &row(&text, label))
}

/// Tables that are right, and some that are odd.
pub(crate) fn csv_seeds() -> Vec<Seed> {
    seeds([
        ("plain.csv", lines("text,label\n", |text, label| format!("{text},{label}\n"))),
        ("quoted.csv", lines("label;text\r\n", |text, label| format!("{label};\"{text}\n\"\"x\"\"\"\r\n"))),
        ("odd.csv", "\u{feff}text,label\n\n,\n\"a\"b,c\nonly\na,b,c\n\"open,x\n".to_owned()),
    ])
}

/// The same with tabs.
pub(crate) fn tsv_seeds() -> Vec<Seed> {
    seeds([
        ("plain.tsv", lines("text\tlabel\n", |text, label| format!("{text}\t{label}\n"))),
        ("odd.tsv", "label\ttext\n\"\t\n1\t\"a\n\n2\n".to_owned()),
    ])
}

/// Objects that are right, and some that are odd.
pub(crate) fn json_lines_seeds() -> Vec<Seed> {
    let object = |text: &str, label: &str| format!("{{\"text\": \"{text}\", \"label\": \"{label}\"}}\n");
    seeds([
        ("plain.jsonl", lines("", object)),
        (
            "odd.jsonl",
            "{\"text\":\"a\\u0000\",\"label\":1}\n[]\nnull\n{\"text\":7,\"label\":true}\n{\"label\":{}}\n{"
                .to_owned(),
        ),
    ])
}

/// The forms that pandas writes.
pub(crate) fn json_seeds() -> Vec<Seed> {
    let object = |text: &str, label: &str| format!("{{\"text\": \"{text}\", \"label\": \"{label}\"}},");
    let records = lines("[", object);
    seeds([
        ("records.json", format!("{}]", records.trim_end_matches(','))),
        ("columns.json", r#"{"text":{"0":"a","1":"b"},"label":{"0":1,"1":[0]}}"#.to_owned()),
        ("split.json", r#"{"columns":["text","label"],"data":[["a",1],["b",0],3]}"#.to_owned()),
        ("index.json", r#"{"0":{"text":"a","label":1},"x":{"text":{"y":2}}}"#.to_owned()),
    ])
}

/// fastText and TREC.
pub(crate) fn labelled_lines_seeds() -> Vec<Seed> {
    seeds([
        ("fasttext.txt", lines("", |text, label| format!("__label__{label} {text}\n"))),
        ("trec.txt", lines("", |text, label| format!("{}:x {text}\n", label.to_uppercase()))),
        ("odd.txt", "__label__\n__label__a __label__b c\n__label__x\ty\n".to_owned()),
    ])
}

/// A table packed with gzip.
pub(crate) fn packed_seeds() -> Vec<Seed> {
    let table = lines("text,label\n", |text, label| format!("{text},{label}\n"));
    seeds([("rows.csv.gz", pack(table.as_bytes()))])
}

/// Tables in UTF-16 and CP949, recognised and named.
pub(crate) fn text_seeds() -> Vec<Seed> {
    let table = lines("text,label\n", |text, label| format!("{text} \u{e9},{label}\n"));
    let wide: Vec<u8> = table.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = table.chars().map(|one| u8::try_from(u32::from(one)).unwrap_or(b'?')).collect();
    let chosen = |choice: u8, bytes: &[u8]| [&[choice], bytes].concat();
    seeds([
        ("utf16.csv", chosen(0, &wide)),
        ("utf16-named.csv", chosen(2, &wide)),
        ("latin.csv", chosen(0, &latin)),
        ("wrong.csv", chosen(3, &latin)),
    ])
}

/// Tables of each compression and of numeric labels.
pub(crate) fn parquet_seeds() -> Vec<Seed> {
    let words: Vec<_> = rows().map(|(_, label)| Some(ByteArray::from(label))).collect();
    let numbers: Vec<_> = (0..30).map(|row| (row != 7).then_some(row % 3)).collect();
    let zstd = Codec::ZSTD(parquet::basic::ZstdLevel::default());
    seeds([
        ("plain.parquet", parquet_of::<ByteArrayType>("binary label (UTF8)", &words, Codec::UNCOMPRESSED)),
        ("snappy.parquet", parquet_of::<Int64Type>("int64 label", &numbers, Codec::SNAPPY)),
        ("zstd.parquet", parquet_of::<ByteArrayType>("binary label (UTF8)", &words, zstd)),
    ])
}

/// A table of texts and of labels of any type.
fn parquet_of<D: DataType>(label: &str, labels: &[Option<D::T>], codec: Codec) -> Vec<u8> {
    let schema = format!("message schema {{ required binary text (UTF8); optional {label}; }}");
    let schema = parse_message_type(&schema).expect("a schema");
    let settings = WriterProperties::builder().set_compression(codec).build();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(settings)).expect("a writer");
    let mut group = writer.next_row_group().expect("in memory");
    let texts: Vec<_> = rows().map(|(text, _)| ByteArray::from(text.into_bytes())).collect();
    let mut column = group.next_column().expect("in memory").expect("two columns");
    column.typed::<ByteArrayType>().write_batch(&texts, None, None).expect("in memory");
    column.close().expect("in memory");
    let present: Vec<i16> = labels.iter().map(|label| i16::from(label.is_some())).collect();
    let labels: Vec<D::T> = labels.iter().flatten().cloned().collect();
    let mut column = group.next_column().expect("in memory").expect("two columns");
    column.typed::<D>().write_batch(&labels, Some(&present), None).expect("in memory");
    column.close().expect("in memory");
    group.close().expect("columns of one length");
    writer.into_inner().expect("in memory")
}

/// Folders of classes, with and without a test part.
pub(crate) fn folder_seeds() -> Vec<Seed> {
    let parted = |parts: &[&[u8]]| parts.join(&PARTED_BY);
    seeds([
        ("classes", parted(&[b"\x00good film", b"\x01bad film", b"\x02\xEF\xBB\xBFmarked"])),
        ("parts", parted(&[b"\x03good", b"\x04bad", b"\x05good", b"\x06hidden", b"\x07loose"])),
    ])
}

/// An archive, unpacked and packed.
pub(crate) fn imdb_archive_seeds() -> Vec<Seed> {
    let mut archive = tar::Builder::new(Vec::new());
    for (part, class) in [("train", "pos"), ("train", "neg"), ("test", "pos"), ("train", "unsup")] {
        let text = format!("a {class}<br />film");
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        let path = PathBuf::from(format!("aclImdb/{part}/{class}/0_9.txt"));
        archive.append_data(&mut header, path, text.as_bytes()).expect("in memory");
    }
    let archive = archive.into_inner().expect("in memory");
    seeds([("reviews.tar", archive.clone()), ("reviews.tar.gz", pack(&archive))])
}

/// Both files.
pub(crate) fn nsmc_seeds() -> Vec<Seed> {
    let file = |count: usize| {
        let row = |id: usize| format!("{id}\t영화 {id}\t{}\n", id % 2);
        (0..count).fold("id\tdocument\tlabel\n".to_owned(), |all, id| all + &row(id))
    };
    let whole = [file(24).as_bytes(), &[PARTED_BY], file(6).as_bytes()].concat();
    seeds([("both", whole), ("odd", b"id\tdocument\tlabel\n1\t\t1\n2\tx\t7\xFFid\tdocument\n".to_vec())])
}

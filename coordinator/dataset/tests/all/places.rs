//! What a path stands for: patterns, folders and archives. Nothing that is named is passed over in silence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::common;

use std::os::unix::fs::symlink;
use std::path::Path;

use common::{Place, csv, file, packed, rows, with_test, zip_of};
use coordinator_dataset::{
    InspectOptions, Inspection, NoProgress, Prepared, Reach, inspect_with, prepare, prepare_all,
};
use sweep_proto::{DataSource, DataSpec, Digest, Reading};

fn look(place: &Place, path: &Path) -> Result<Inspection, String> {
    inspect_with(&path.to_string_lossy(), &InspectOptions::default(), &place.cache(), &NoProgress)
        .map_err(|error| error.for_options())
}

fn prepared(place: &Place, data: &DataSpec) -> Prepared {
    prepare(data, &Default::default(), &place.cache(), &NoProgress).expect("prepared")
}

fn refusal(place: &Place, data: &DataSpec) -> String {
    prepare(data, &Default::default(), &place.cache(), &NoProgress).expect_err("refused").to_string()
}

/// What somebody is told who may read beneath one folder alone.
fn beneath(place: &Place, folder: &str, data: &DataSpec) -> Result<Vec<Prepared>, String> {
    let reach = Reach::beneath(&[place.path().join(folder)]).expect("there");
    let variants = [Default::default()];
    prepare_all(data, &reach, &variants, &place.cache(), &NoProgress).map_err(|error| error.to_string())
}

/// A table with a part of the rows.
fn part(from: usize, to: usize) -> String {
    rows(to)[from..]
        .iter()
        .fold("text,label\n".to_owned(), |all, (text, label)| format!("{all}{text},{label}\n"))
}

/// A tar archive of some files.
fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).expect("in memory");
    }
    builder.into_inner().expect("in memory")
}

fn digest(prepared: &Prepared) -> Digest {
    prepared.digest
}

#[test]
fn what_a_pattern_matches_is_read_or_refused_by_name() {
    let place = Place::new();
    place.write("shown/part-1.csv", part(0, 30));
    place.write("shown/kept/part-2.csv", part(30, 60));
    place.write("secret/part-3.csv", part(60, 90));
    symlink("kept/part-2.csv", place.path().join("shown/part-2.csv")).expect("linked");
    let pattern = place.path().join("shown/part-*.csv");
    let read = beneath(&place, "shown", &file(&pattern)).expect("links that stay are read");
    assert_eq!(read[0].header.splits.iter().map(|split| split.rows).sum::<u64>(), 60);

    symlink(place.path().join("secret/part-3.csv"), place.path().join("shown/part-3.csv")).expect("linked");
    std::fs::remove_dir_all(place.path().join("shown/kept")).expect("removed");
    std::fs::remove_file(place.path().join("shown/part-2.csv")).expect("removed");
    place.write("shown/part-2.csv", part(30, 60));
    for path in [pattern.clone(), place.path().join("shown")] {
        let refused = beneath(&place, "shown", &file(&path)).expect_err("it leads out");
        assert!(refused.contains("part-3.csv: it is not in a folder"), "{refused}");
    }
    assert_eq!(look(&place, &pattern).expect("everywhere").rows, 90);
    symlink("absent.csv", place.path().join("shown/part-4.csv")).expect("linked");
    let refused = refusal(&place, &file(&pattern));
    assert!(refused.contains("part-4.csv: cannot open it"), "{refused}");
}

#[test]
fn folders_that_lead_out_are_refused_and_not_left_away() {
    let place = Place::new();
    for row in 0..20 {
        for (class, folder) in [("good", "shown/good"), ("bad", "shown/bad"), ("odd", "secret/odd")] {
            place.write(&format!("{folder}/{row}.txt"), format!("a {class} text {row}"));
        }
    }
    symlink(place.path().join("secret/odd"), place.path().join("shown/odd")).expect("linked");
    let refused = beneath(&place, "shown", &file(&place.path().join("shown"))).expect_err("it leads out");
    assert!(refused.contains("shown/odd: it is not in a folder"), "{refused}");
}

#[test]
fn what_is_passed_over_is_told() {
    let place = Place::new();
    place.write("tables/train-1.csv", csv(40));
    place.write("tables/train-2.csv.gz", packed(part(40, 80).as_bytes(), "gz"));
    place.write("tables/README.md", "about");
    let seen = look(&place, &place.path().join("tables")).expect("tables");
    assert_eq!(seen.rows, 80, "compressed tables are tables");
    let notes: Vec<&String> = seen.files.iter().flat_map(|file| &file.notes).collect();
    assert_eq!(notes, ["1 files beside the tables are passed over (\"README.md\")"]);

    std::fs::create_dir(place.path().join("tables/train-old")).expect("made");
    let seen = look(&place, &place.path().join("tables/train-*")).expect("tables");
    let notes: Vec<&String> = seen.files.iter().flat_map(|file| &file.notes).collect();
    assert!(
        notes[0].starts_with("the folder \"train-old\" matches the pattern and is passed over"),
        "{notes:?}"
    );

    place.write("lines/good.txt", "fine\n".repeat(20));
    place.write("lines/bad.txt", "poor\n".repeat(20));
    place.write("lines/readme.txt", "about");
    let seen = look(&place, &place.path().join("lines")).expect("a file for each class");
    assert!(seen.files[0].notes.iter().any(|note| note.contains("\"readme.txt\" is passed over")));
}

#[test]
fn tables_without_a_split_beside_those_of_splits_are_told() {
    let place = Place::new();
    place.write("tables/train.csv", csv(40));
    place.write("tables/test.csv", part(40, 60));
    let warnings = || look(&place, &place.path().join("tables")).expect("tables").warnings.join("\n");
    assert!(!warnings().contains("training rows"), "{}", warnings());
    place.write("tables/holdout.csv", part(60, 80));
    let told = "1 tables beside those of the splits have no split in their names, so their rows are training rows (\"holdout.csv\")";
    assert!(warnings().contains(told), "{}", warnings());
}

#[test]
fn archives_of_tables_are_read_as_their_folder_is() {
    let place = Place::new();
    let (first, second, test) = (part(0, 30), part(30, 60), part(60, 80));
    let files: [(&str, &[u8]); 4] = [
        ("corpus/test.csv", test.as_bytes()),
        ("corpus/train-1.csv", first.as_bytes()),
        ("corpus/train-2.csv", second.as_bytes()),
        ("corpus/README.md", b"about"),
    ];
    for (name, bytes) in files {
        place.write(name, bytes);
    }
    let folder = prepared(&place, &file(&place.path().join("corpus")));
    assert_eq!(folder.header.splits[2].rows, 20);
    let tar = tar_of(&files);
    let archives = [
        ("corpus.zip", zip_of(&files)),
        ("corpus.tar", tar.clone()),
        ("corpus.tar.gz", packed(&tar, "gz")),
        ("corpus.tgz", packed(&tar, "gz")),
        ("corpus.tar.bz2", packed(&tar, "bz2")),
        ("corpus.tar.zst", packed(&tar, "zst")),
    ];
    let named = prepared(
        &place,
        &with_test(&place.path().join("corpus/train-*.csv"), &place.path().join("corpus/test.csv")),
    );
    for (name, bytes) in archives {
        let path = place.write(name, bytes);
        let whole = prepared(&place, &file(&path));
        assert_eq!(whole.header.splits, folder.header.splits, "{name}");
        assert!(
            whole
                .summary
                .account
                .files
                .iter()
                .any(|file| file.notes.iter().any(|note| note.contains("README.md"))),
            "{name}: what is passed over is told"
        );
        let inner = |inner: &str| path.join(inner);
        let data = with_test(&inner("corpus/train-*.csv"), &inner("corpus/test.csv"));
        assert_eq!(prepared(&place, &data).header.splits, named.header.splits, "{name}");
        let one = look(&place, &inner("corpus/train-2.csv")).expect("one file");
        assert_eq!(one.rows, 30, "{name}");
        let refused = look(&place, &inner("corpus/train-9.csv")).expect_err("absent");
        assert!(refused.contains("it has no file \"corpus/train-9.csv\"; its files are"), "{refused}");
        // Beneath a folder that is shown the archive is read, and only there.
        assert!(beneath(&place, ".", &file(&inner("corpus/train-1.csv"))).is_ok(), "{name}");
        assert!(beneath(&place, "corpus", &file(&inner("corpus/train-1.csv"))).is_err(), "{name}");
    }
    let mixed = zip_of(&[("a.csv", b"text,label\n"), ("b.jsonl", b"{}\n")]);
    let refused = look(&place, &place.write("mixed.zip", mixed)).expect_err("of two kinds");
    assert!(
        refused.contains("2 files (\"a.csv\", \"b.jsonl\") that are not tables of one kind"),
        "{refused}"
    );
    assert!(refused.contains("mixed.zip/a.csv"), "{refused}");
    let inner = zip_of(&[("films.csv.gz", &packed(csv(40).as_bytes(), "gz"))]);
    assert_eq!(look(&place, &place.write("nested.zip", inner)).expect("a packed table").rows, 40);
    let refused = look(&place, &place.write("none.zip", b"nonsense")).expect_err("no archive");
    assert!(refused.contains("not a complete ZIP archive"), "{refused}");
}

#[test]
fn a_tree_of_sources_is_not_taken_for_classes() {
    let place = Place::new();
    for row in 0..12 {
        place.write(&format!("tree/core/part{row}.rs"), "fn main() {}");
        place.write(&format!("tree/web/page{row}.css"), "a { }");
        place.write(&format!("tree/docs/note{row}.txt"), "a note");
        place.write(&format!("news/sport/{row}"), format!("a match {row}"));
        place.write(&format!("news/art/{row}.txt"), format!("a picture {row}"));
    }
    let refused = look(&place, &place.path().join("tree")).expect_err("no classes");
    assert!(
        refused.contains("of its 3 sub-folders (\"core\", \"docs\", \"web\") 1 hold mostly texts"),
        "{refused}"
    );
    assert_eq!(look(&place, &place.path().join("news")).expect("classes").rows, 24);
}

#[test]
fn a_class_of_the_test_file_alone_is_named_with_its_row_and_the_way_out() {
    let place = Place::new();
    let train = place.write("train.csv", csv(60));
    let test = place.write("test.csv", format!("{}a neutral film,neutral\n", csv(10)));
    let refused = refusal(&place, &with_test(&train, &test));
    for part in ["\"neutral\"", "test.csv:12", "`labels_dropped = [\"neutral\"]`"] {
        assert!(refused.contains(part), "{refused}");
    }
    let reading = Reading { labels_dropped: ["neutral".to_owned()].into(), ..Reading::default() };
    let data = DataSpec { reading: Box::new(reading), ..with_test(&train, &test) };
    assert_eq!(prepared(&place, &data).header.splits[2].rows, 10);
}

#[test]
fn a_missing_split_is_told_with_its_own_key() {
    let place = Place::new();
    let train = place.write("train.csv", csv(60));
    let mut data = with_test(&train, &place.path().join("tset.csv"));
    assert!(refusal(&place, &data).contains("check `test_path` under [data]"));
    if let DataSource::File { test_path, validation_path, .. } = &mut data.source {
        *validation_path = test_path.take();
    }
    assert!(refusal(&place, &data).contains("check `validation_path` under [data]"));
    assert!(refusal(&place, &file(&place.path().join("tran.csv"))).contains("check `path` under [data]"));
}

#[test]
fn a_header_that_was_misread_suggests_the_delimiter_and_the_encoding() {
    let place = Place::new();
    let path = place.write("films.csv", csv(60));
    let told = |reading: Reading| refusal(&place, &DataSpec { reading: Box::new(reading), ..file(&path) });
    let refused = told(Reading { delimiter: Some(";".into()), ..Reading::default() });
    assert!(refused.contains("looks like several: set `delimiter = \",\"`"), "{refused}");
    let refused = told(Reading { encoding: Some("utf-16le".into()), ..Reading::default() });
    assert!(refused.contains("it was read as utf-16le, as `encoding` says"), "{refused}");
}

#[test]
fn settings_of_labels_that_no_row_has_are_told_with_the_account() {
    let place = Place::new();
    let path = place.write("films.csv", csv(60));
    let reading = Reading {
        labels: [("goood".to_owned(), "fine".to_owned())].into(),
        labels_dropped: ["ugly".to_owned()].into(),
        ..Reading::default()
    };
    let plain = prepared(&place, &file(&path));
    let read = prepared(&place, &DataSpec { reading: Box::new(reading), ..file(&path) });
    assert_eq!(
        read.summary.account.told,
        [
            "`labels` names the label \"goood\", which no row has, did you mean \"good\"?",
            "`labels_dropped` names the label \"ugly\", which no row has",
        ]
    );
    assert_eq!(digest(&plain), digest(&read), "nothing else changes");
}

#[test]
fn a_look_tells_the_tokenizer_that_a_sweep_takes_also_of_data_that_it_refuses() {
    let place = Place::new();
    let syllables = ["가", "나", "다", "라", "마", "바", "사", "아", "자", "차", "카", "타"];
    // The finalizer of SplitMix64: neighbouring rows have unlike words.
    let drawn = |at: usize| {
        let mixed = (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as usize
    };
    let word = |row: usize| -> String {
        (0..6).map(|at| syllables[drawn(row * 6 + at) % syllables.len()]).collect()
    };
    let table = |count: usize, class: fn(usize) -> usize| {
        (0..count).fold("text,label\n".to_owned(), |all, row| format!("{all}{},{}\n", word(row), class(row)))
    };
    for (name, text) in [("two", table(200, |row| row % 2)), ("one", table(200, |_| 1))] {
        let seen = look(&place, &place.write(&format!("{name}.csv"), text)).expect("a look");
        assert_eq!(seen.refused.is_some(), name == "one");
        assert_eq!((seen.tokenizer.as_str(), seen.tokenizer_is_certain), ("subword", true), "{name}");
    }
    let few = look(&place, &place.write("few.csv", table(9, |row| row % 2))).expect("a look");
    assert_eq!((few.tokenizer.as_str(), few.tokenizer_is_certain), ("word", false));
}

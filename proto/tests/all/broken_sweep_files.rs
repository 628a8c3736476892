//! Broken sweep files and the errors that answer them, one snapshot each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;

use sweep_proto::sweep_file::{FILE_BYTES_MAX, parse, parse_bytes, parse_grid, parse_launched};

#[test]
fn every_broken_file_is_answered_with_place_and_remedy() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/broken");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("Unicode"))
        .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "toml"))
        .collect();
    names.sort();
    assert!(names.len() >= 16, "{} broken files", names.len());
    for name in names {
        let bytes = fs::read(folder.join(&name)).expect("readable");
        let errors = parse_bytes(&name, &bytes).expect_err(&name);
        for problem in &errors.problems {
            assert!(problem.line >= 1 && problem.column >= 1 && problem.width >= 1, "{problem}");
            assert!(problem.help.is_some(), "no remedy: {problem}");
        }
        insta::assert_snapshot!(name.trim_end_matches(".toml"), errors);
    }
}

#[test]
fn a_file_that_is_not_utf8_names_the_byte() {
    let errors = parse_bytes("latin1.toml", b"name = \"caf\xe9\"\n").expect_err("not UTF-8");
    insta::assert_snapshot!("not_utf8", errors);
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let text = format!("name = \"x\"\n{}", "#".repeat(FILE_BYTES_MAX));
    let errors = parse("large.toml", &text).expect_err("too large");
    insta::assert_snapshot!("too_large", errors);
    assert!(parse_bytes("large.toml", &vec![0xff; FILE_BYTES_MAX + 1]).is_err());
}

/// A coordinator reads the files of its sweeps again whenever another one is launched.
#[test]
fn the_file_of_a_launched_sweep_is_read_without_a_look_at_its_grid() {
    let levels =
        |name| format!("{name} = [{}]\n", (1..=300).map(|level| format!("{level},")).collect::<String>());
    let axes = ["units", "batch_size", "embedding"].map(levels).concat();
    let text = format!(
        "name = \"large\"\n[data]\ndataset = \"snippets\"\n[grid]\n{axes}constraints = [\"units < 2\"]\n"
    );
    let problems = parse("large.toml", &text).expect_err("too many points").to_string();
    assert!(problems.contains("27_000_000 points"), "{problems}");
    assert_eq!(parse_launched(&text).expect("its size was checked").axes.len(), 3);
}

#[test]
fn hostile_files_are_answered_briefly_and_without_overflow() {
    let depth = FILE_BYTES_MAX / 4;
    for text in [
        format!("name = {}", "[".repeat(depth)),
        format!("name = {}", "{a=".repeat(depth)),
        format!("[{}a]\nb = 1", "a.".repeat(depth)),
        format!("{}a = 1", "a.".repeat(depth)),
        "[[grid]]\n".repeat(depth / 4),
        "[a.b]\n".repeat(depth / 4),
        "a=1\n".repeat(depth),
        format!("name='x'\n[grid]\nunits=[{}]", "1,".repeat(depth)),
    ] {
        let errors = parse("deep.toml", &text).expect_err("nested");
        assert!(!errors.problems.is_empty());
        assert!(errors.to_string().len() < 100_000, "a hostile file has a bounded answer");
    }
}

#[test]
fn lines_of_a_grid_are_read_with_and_without_the_header() {
    let plain = parse_grid("more.toml", "units = [512]\nbatch_size = [16, 8]\n").expect("valid");
    let headed = parse_grid("more.toml", "[grid]\nunits = [512]\nbatch_size = [16, 8]\n").expect("valid");
    assert_eq!(plain, headed);
    assert_eq!(
        plain.iter().map(|axis| axis.hyperparameter.name()).collect::<Vec<_>>(),
        ["units", "batch_size"]
    );
    insta::assert_snapshot!("grid_lines_empty", parse_grid("more.toml", "").expect_err("empty"));
    insta::assert_snapshot!(
        "grid_lines_wrong",
        parse_grid("more.toml", "unit = [512]\nreplicates = [3]\ncell = \"gru\"\n").expect_err("wrong")
    );
}

#[test]
fn errors_are_data_too() {
    let errors = parse("x.toml", "name = \"\"\n[data]\ndataset = \"imbd\"\n").expect_err("wrong");
    let json = serde_json::to_value(&errors).expect("serialises");
    assert_eq!(json["problems"][1]["line"], 3);
    assert_eq!(json["problems"][1]["column"], 11);
    assert_eq!(json["problems"][1]["help"], "did you mean \"imdb\"?");
}

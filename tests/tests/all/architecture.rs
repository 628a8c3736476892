//! The walls of the house: what each crate must not know is absent from what it is built with.
#![allow(clippy::expect_used, clippy::panic, reason = "a test's helpers fail the test")]

use std::collections::BTreeSet;
use std::process::Command;

use sweep_tests::processes::root;

/// Names of everything that a crate of ours is built with when it is built alone; development and
/// build dependencies do not count.
fn built_with(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect::<BTreeSet<_>>();
    assert!(names.contains(package), "cargo tree names the package itself");
    names
}

/// Who must not know what, and why.
const WALLS: &[(&str, &[&str], &str)] = &[
    ("sweep-proto", &["rusqlite", "candle-core", "tonic"], "the words know neither storage nor models"),
    (
        "sweep-transport",
        &["rusqlite", "candle-core", "coordinator-core", "worker"],
        "the way to a coordinator knows nothing of what is said on it",
    ),
    (
        "sweep-random",
        &["sweep-proto", "getrandom"],
        "numbers follow from what they are for, never from the system",
    ),
    ("sweep-confinement", &["tokio", "tonic", "sweep-proto"], "rules for a process know no messages"),
    (
        "coordinator-core",
        &["tokio", "tonic", "prost", "rusqlite", "candle-core", "rand"],
        "decisions are pure: no runtime, no messages, no database",
    ),
    (
        "coordinator-store",
        &["tonic", "candle-core", "coordinator-dataset", "coordinator-report"],
        "a store only stores",
    ),
    (
        "coordinator-dataset",
        &["tonic", "candle-core", "rusqlite", "coordinator-core"],
        "data knows no models, no trials",
    ),
    (
        "coordinator-search",
        &["tokio", "tonic", "rusqlite", "coordinator-core", "rand"],
        "samplers are pure: they know spaces and histories",
    ),
    (
        "coordinator-statistics",
        &["tokio", "sweep-proto", "coordinator-core"],
        "statistics are of numbers: they know no sweeps",
    ),
    (
        "coordinator-report",
        &["tonic", "candle-core", "rusqlite", "coordinator-store"],
        "a report is computed from records",
    ),
    (
        "coordinator",
        &["candle-core", "worker", "worker-trainer", "turmoil"],
        "the coordinator never trains, and does not know that it is simulated",
    ),
    ("worker-trainer", &["tonic", "tokio", "rusqlite", "coordinator-core"], "the trainer knows no leases"),
    (
        "worker",
        &["rusqlite", "coordinator", "coordinator-core", "coordinator-store", "turmoil"],
        "they meet only in proto",
    ),
];

#[test]
fn no_crate_is_built_with_what_it_must_not_know() {
    for (package, forbidden, reason) in WALLS {
        let known = built_with(package);
        for name in *forbidden {
            assert!(!known.contains(*name), "{package} is built with {name}, but {reason}");
        }
    }
}

/// Rooms of one crate that must not know others of it, and why: an arrow back would make two rooms one.
const ARROWS: &[(&str, &[&str], &str)] = &[
    (
        "coordinator/src/security",
        &["rpc", "dashboard", "server", "http", "cli"],
        "who may come in is asked before anything is served",
    ),
    (
        "coordinator/src/driver",
        &["rpc", "dashboard", "server", "http", "cli"],
        "the driver serves requests, not callers",
    ),
    (
        "coordinator/src/artifacts",
        &["rpc", "dashboard", "server", "driver", "security"],
        "blobs know nobody who fetches them",
    ),
    (
        "coordinator/src/readers",
        &["rpc", "dashboard", "server", "driver", "security"],
        "data is read for nobody in particular",
    ),
    (
        "coordinator/src/rpc",
        &["dashboard", "server", "http", "cli"],
        "pages are made from what the services know",
    ),
    ("coordinator/src/place.rs", &["server", "rpc"], "a folder is opened before a server starts"),
    ("coordinator/src/config.rs", &["server", "rpc", "security"], "what is configured is below who reads it"),
    (
        "coordinator/src/start_error.rs",
        &["server", "rpc", "place"],
        "errors of the start are below all that start",
    ),
    (
        "coordinator/src/status.rs",
        &["rpc", "dashboard", "security", "server"],
        "the map of errors is below who answers",
    ),
    (
        "coordinator/core/src/draft.rs",
        &["decide", "retention", "quota", "scheduler", "limits"],
        "what changes together knows no policy",
    ),
    (
        "coordinator/core/src/record.rs",
        &["decide", "engine", "draft", "index"],
        "records know nobody who decides over them",
    ),
    (
        "coordinator/core/src/tables.rs",
        &["decide", "engine", "draft", "index"],
        "tables know nobody who decides over them",
    ),
    ("coordinator/report/src/analysis", &["render", "sections"], "numbers know no rendering"),
    ("worker/trainer/src/kernels", &["training", "model", "optimizer"], "kernels know no model"),
];

#[test]
fn no_room_knows_one_that_stands_above_it() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut problems = Vec::new();
    for (room, above, reason) in ARROWS {
        let place = root.join(room);
        let mut files = Vec::new();
        if place.is_dir() {
            sources(&place, &mut files);
        } else {
            files.push(place);
        }
        assert!(!files.is_empty(), "{room} has no file");
        for file in files {
            let text = std::fs::read_to_string(&file).expect("text");
            let knows = |name: &&&str| {
                let uses = |form: String| {
                    text.match_indices(&form).any(|(at, _)| ends_a_name(&text[at + form.len()..]))
                };
                uses(format!("crate::{name}"))
                    || (text.contains("use crate::{") && grouped(&text).any(|one| one == **name))
            };
            let known = above.iter().filter(knows);
            problems.extend(known.map(|name| format!("{} uses crate::{name}, but {reason}", file.display())));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Whether a name has ended where this text begins.
fn ends_a_name(rest: &str) -> bool {
    !rest.starts_with(|one: char| one.is_alphanumeric() || one == '_')
}

/// The rooms that `use crate::{…}` names.
fn grouped(text: &str) -> impl Iterator<Item = &str> {
    let groups = text.split("use crate::{").skip(1).filter_map(|rest| rest.split("};").next());
    groups
        .flat_map(|group| group.split([',', '{']))
        .map(|name| name.trim().split("::").next().unwrap_or_default())
}

#[test]
fn readers_of_datasets_open_nothing_by_themselves() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../coordinator/dataset/src/source");
    let mut readers = Vec::new();
    sources(&root, &mut readers);
    readers.push(root.with_extension("rs"));
    for reader in readers.iter().filter(|path| !path.ends_with("reach.rs")) {
        let text = std::fs::read_to_string(reader).expect("text");
        let ways = [
            "File::open(",
            "File::options(",
            "fs::metadata",
            "fs::read",
            "fs::canonicalize",
            "fs::symlink_metadata",
        ];
        for way in ways {
            let opened = text.match_indices(way).any(|(at, _)| !text[..at].ends_with("Text"));
            assert!(
                !opened,
                "{} opens files with {way}: what lies beyond `--corpora` is kept out in reach.rs alone",
                reader.display()
            );
        }
    }
}

/// Each transfer waits for the device, so a training step has none of its own.
#[test]
fn numbers_come_from_a_device_in_one_place() {
    let trainer = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../worker/trainer/src");
    let mut files = Vec::new();
    sources(&trainer, &mut files);
    let is_test = |path: &std::path::Path| {
        let names = path.strip_prefix(&trainer).expect("below").iter().filter_map(|name| name.to_str());
        names
            .into_iter()
            .any(|name| matches!(name, "tests" | "tests.rs" | "golden.rs" | "interchange.rs" | "transfer.rs"))
    };
    let read: Vec<_> = files.iter().filter(|path| !is_test(path)).collect();
    assert!(read.len() > 30, "only {} files", read.len());
    for file in read {
        let text = std::fs::read_to_string(file).expect("text");
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for way in [".to_vec0", ".to_vec1", ".to_vec2", ".to_vec3", ".to_scalar"] {
            assert!(!text.contains(way), "{} reads a device by {way}, not by transfer.rs", file.display());
        }
    }
}

#[test]
fn every_file_opens_with_its_one_responsibility_and_stays_readable() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut problems = Vec::new();
    for folder in ["proto", "coordinator", "worker", "tests"] {
        visit(&root.join(folder), &mut problems);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Every `file::test` that the page on security names stands in a file of that name.
#[test]
fn every_claim_of_the_page_on_security_names_a_test_that_exists() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/security.md")).expect("the page");
    let mut files = Vec::new();
    for folder in ["proto", "coordinator", "worker", "tests"] {
        sources(&root.join(folder), &mut files);
    }
    let named: Vec<(&str, &str)> = page.split('`').filter_map(|code| code.split_once("::")).collect();
    assert!(named.len() > 30, "only {} tests are named", named.len());
    for (file, test) in named {
        let is_there = |path: &std::path::PathBuf| {
            path.file_stem().is_some_and(|stem| stem == file)
                && std::fs::read_to_string(path).expect("text").contains(&format!("fn {test}("))
        };
        assert!(files.iter().any(is_there), "docs/security.md names {file}::{test}, which is not there");
    }
}

fn sources(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            sources(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
}

fn visit(folder: &std::path::Path, problems: &mut Vec<String>) {
    /// Most lines of a file: beyond it two responsibilities share one room.
    const LINES_MAX: usize = 600;
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            visit(&entry, problems);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&entry).expect("text");
            if !text.starts_with("//! ") {
                problems.push(format!("{} does not open with a //! line", entry.display()));
            }
            if comments_hold_code(&text) {
                problems.push(format!("{} has code in a comment, which no test compiles", entry.display()));
            }
            if text.lines().count() > LINES_MAX {
                problems.push(format!("{} has more than {LINES_MAX} lines", entry.display()));
            }
        }
    }
}

/// Whether a documentation comment opens a block of anything but text. Crates have no doc-tests.
fn comments_hold_code(text: &str) -> bool {
    let comments = text.lines().filter_map(|line| {
        let line = line.trim_start();
        line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))
    });
    let fences = comments.filter_map(|comment| comment.trim().strip_prefix("```"));
    fences.step_by(2).any(|opened| opened != "text")
}

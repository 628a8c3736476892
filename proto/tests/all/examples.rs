//! Every example sweep file that we hand out parses, says what it is, and survives being written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;

use sweep_proto::sweep_file::{parse, parse_bytes};
use sweep_proto::{DataSource, SweepSpec};

fn example(name: &str) -> SweepSpec {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples").join(name);
    let bytes = fs::read(&path).expect("the example is there");
    assert!(bytes.starts_with(b"# "), "{name} begins with what it is");
    let spec = parse_bytes(name, &bytes).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(parse("written.toml", &spec.to_toml()).unwrap_or_else(|errors| panic!("{errors}")), spec);
    spec
}

#[test]
fn every_example_parses() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("Unicode"))
        .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "toml"))
        .collect();
    names.sort();
    for name in
        ["paper-imdb.toml", "paper-nsmc.toml", "quickstart.toml", "search-by-hours.toml", "your-csv.toml"]
    {
        assert!(names.iter().any(|one| one == name), "{name} is missing");
    }
    for name in names {
        let spec = example(&name);
        let has_range = spec.axes.iter().any(|axis| axis.range().is_some());
        assert!(has_range || spec.trial_count().expect("small") > 1, "{name} sweeps something");
    }
}

#[test]
fn the_papers_grid_has_its_axes_in_the_order_of_the_study() {
    for name in ["paper-imdb.toml", "paper-nsmc.toml"] {
        let spec = example(name);
        let swept: Vec<&str> = spec.swept().iter().map(|one| one.name()).collect();
        assert_eq!(swept, ["units", "batch_size", "embedding"]);
        assert_eq!((spec.grid_size(), spec.trial_count()), (Some(64), Some(192)));
    }
}

#[test]
fn the_quickstart_is_small_and_needs_no_download() {
    let spec = example("quickstart.toml");
    assert_eq!(spec.data.source, DataSource::Known { name: "snippets".into(), path: None });
    assert!(spec.trial_count().expect("small") <= 30);
}

#[test]
fn the_search_by_hours_has_every_part_of_a_metered_budget() {
    let budget = example("search-by-hours.toml").search.expect("a search").budget;
    assert!(budget.hours.is_some() && budget.money.is_some() && budget.price_per_hour.is_some());
    assert!(budget.trials.is_none() && budget.epochs.is_none());
}

/// Every block of TOML of a page, with its number.
fn blocks(page: &str) -> Vec<(usize, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let page = fs::read_to_string(path).expect("the page is there");
    let blocks =
        page.split("```toml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0.to_owned()));
    blocks.enumerate().collect()
}

#[test]
fn every_block_shown_in_the_documentation_is_a_sweep_or_a_part_of_one() {
    let mut searches = 0;
    for page in ["README.md", "docs/sweep-file.md"] {
        let blocks = blocks(page);
        assert!(!blocks.is_empty(), "{page} shows no file");
        for (number, block) in blocks {
            let name = if block.contains("name = ") { "" } else { "name = \"part\"\n" };
            let data = if block.contains("[data]") { "" } else { "[data]\ndataset = \"snippets\"\n" };
            let spec = parse(page, &format!("{name}{data}{block}"))
                .unwrap_or_else(|errors| panic!("block {number} of {page}:\n{errors}"));
            searches += usize::from(spec.search.is_some());
        }
    }
    assert!(searches >= 4, "{searches} blocks show a search");
}

#[test]
fn the_file_shown_in_the_documentation_parses() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sweep-file.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let (_, block) = page.split_once("```toml\n").expect("an example");
    let (file, _) = block.split_once("```").expect("its end");
    let spec = parse("docs/sweep-file.md", file).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((spec.grid_size(), spec.trial_count()), (Some(6), Some(18)), "as its comments say");
}

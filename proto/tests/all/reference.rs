//! The reference pages say what the tables say. `UPDATE=1` rewrites them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use sweep_proto::metric::figure::metric_reference;
use sweep_proto::sweep_file::{hyperparameter_reference, setting_reference};

const REMEDY: &str = "run UPDATE=1 cargo test --release -p sweep-proto --test all reference::";

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

fn check(path: &Path, wanted: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, wanted).expect("the page is writable");
    }
    let found = fs::read_to_string(path).expect("the page is there");
    assert!(found == wanted, "{} is not what the tables say: {REMEDY}", path.display());
}

#[test]
fn the_page_of_hyperparameters_is_current() {
    check(&page("hyperparameters.md"), &hyperparameter_reference());
}

#[test]
fn the_page_of_metrics_is_current() {
    check(&page("metrics.md"), &metric_reference());
}

#[test]
fn the_table_of_settings_is_current() {
    let path = page("sweep-file.md");
    let found = fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = found.split_once("<!-- settings: generated -->\n").expect("the opening mark");
    let (_, after) = rest.split_once("<!-- end of settings -->").expect("the closing mark");
    let table = setting_reference();
    let wanted = format!("{before}<!-- settings: generated -->\n{table}<!-- end of settings -->{after}");
    check(&path, &wanted);
}

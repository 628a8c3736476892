//! Encodes a known dataset as a sweep would: `encode imdb|nsmc PATH OUT [train_rows=N test_rows=N name=value …]`.
#![allow(clippy::expect_used, reason = "a tool for measuring; it may end with a panic")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use coordinator_dataset::{NoProgress, prepare};
use sweep_proto::{DataSource, DataSpec, Hyperparameter, Value};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, path, out, options @ ..] = &arguments[..] else {
        eprintln!("give a dataset's name, where it lies, and the file to write");
        return;
    };
    let path = Some(PathBuf::from(path));
    let mut data = DataSpec::new(DataSource::Known { name: name.clone(), path });
    let mut variant = BTreeMap::new();
    for option in options {
        let (name, value) = option.split_once('=').expect("name=value");
        match name {
            "train_rows" => data.train_rows = Some(value.parse().expect("a number")),
            "test_rows" => data.test_rows = Some(value.parse().expect("a number")),
            name => {
                let value = serde_json::from_str(value).unwrap_or_else(|_| Value::Word(value.to_owned()));
                variant.insert(Hyperparameter::from_name(name).expect("a hyperparameter"), value);
            }
        }
    }
    let cache = tempfile::tempdir().expect("a folder");
    let prepared = prepare(&data, &variant, cache.path(), &NoProgress).expect("prepared");
    std::fs::copy(&prepared.path, out).expect("written");
    println!("{} rows, vocabulary {}", prepared.header.splits[0].rows, prepared.header.vocabulary);
}

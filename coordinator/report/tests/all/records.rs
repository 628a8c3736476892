//! What signatures hash of the records stays as it was when they were made.

use crate::fixture::{empty, spec};
use coordinator_report::records::write_records;
use coordinator_report::{Projection, ReportInput, records_digest};
use serde::de::DeserializeOwned;
use sweep_proto::Digest;

/// Records with every field, and one with none that may be absent, as the first program that signed reports wrote them. Their
/// lines are those that it hashed.
const FIRST: [&str; 2] =
    [include_str!("golden/records-1-full.jsonl"), include_str!("golden/records-1-plain.jsonl")];

fn of<T: DeserializeOwned>(lines: &str, what: &str) -> Vec<T> {
    let bodies = lines.lines().filter_map(|line| line.strip_prefix(what));
    bodies.map(|body| serde_json::from_str(body).unwrap()).collect()
}

fn input(lines: &str) -> ReportInput {
    ReportInput {
        sweep: of(lines, "sweep").remove(0),
        trials: of(lines, "trial"),
        attempts: of(lines, "attempt"),
        epochs: of(lines, "epoch"),
        ..empty(spec(Vec::new(), 1))
    }
}

#[test]
fn records_of_the_first_signatures_are_hashed_as_they_were() {
    for lines in FIRST {
        let input = input(lines);
        let mut written = Vec::new();
        write_records(&input, Projection::First, &mut written).unwrap();
        for (found, expected) in String::from_utf8(written).unwrap().lines().zip(lines.lines()) {
            assert_eq!(found, expected);
        }
        let digest = records_digest(&input, Projection::First).unwrap();
        assert_eq!(digest, Digest::of(lines.as_bytes()));
    }
}

#[test]
fn versions_are_found_by_their_numbers() {
    let numbers = Projection::ALL.map(Projection::number);
    assert_eq!(numbers.to_vec(), (1..=numbers.len() as u32).collect::<Vec<_>>());
    for projection in Projection::ALL {
        assert_eq!(Projection::of_number(projection.number()), Some(projection));
    }
    assert_eq!(Projection::ALL.last(), Some(&Projection::NEWEST));
    assert_eq!(Projection::of_number(0), None);
    assert_eq!(Projection::of_number(1_000), None);
}

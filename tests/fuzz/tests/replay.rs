//! Every committed input of every target is read again: what broke once stays mended.
#![allow(clippy::expect_used, reason = "a test's helpers fail the test")]

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::sync::LazyLock;

use sweep_fuzz::corpus::{INPUT_BYTES_MAX, add_seeds, inputs};
use sweep_fuzz::registry::{PLANTED, TARGETS, find};

/// Examples are added before anything is read.
static UPDATED: LazyLock<()> = LazyLock::new(|| {
    if std::env::var_os("UPDATE").is_some() {
        TARGETS.iter().for_each(|target| add_seeds(target).expect("written"));
    }
});

/// After a change of the examples, `UPDATE=1 cargo test --release -p sweep-fuzz` adds those that are new.
#[test]
fn every_corpus_holds_its_targets_examples() {
    LazyLock::force(&UPDATED);
    for target in TARGETS {
        let there: BTreeSet<String> =
            inputs(target).expect("a corpus").into_iter().map(|(name, _)| name).collect();
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no example to start from", target.name);
        for (name, _) in seeds {
            assert!(there.contains(&name), "corpus/{}/{name} is missing; run with UPDATE=1", target.name);
        }
    }
}

#[test]
fn every_input_is_read_as_it_must_be() {
    LazyLock::force(&UPDATED);
    let (mut count, mut broken) = (0, Vec::new());
    for target in TARGETS {
        for (name, bytes) in inputs(target).expect("a corpus") {
            assert!(bytes.len() <= INPUT_BYTES_MAX, "corpus/{}/{name} is too large to keep", target.name);
            count += 1;
            if catch_unwind(|| (target.run)(&bytes)).is_err() {
                broken.push(format!("corpus/{}/{name}", target.name));
            }
        }
    }
    println!("{count} inputs of {} targets", TARGETS.len());
    assert!(broken.is_empty(), "these inputs break their targets: {broken:#?}");
}

#[test]
fn targets_have_names_of_their_own_and_the_planted_bug_is_one() {
    let names: BTreeSet<_> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names.len(), TARGETS.len());
    assert!(!names.contains(PLANTED.name) && find(PLANTED.name).is_some());
    assert!(catch_unwind(|| (PLANTED.run)(b"\xC3bug\x99")).is_err());
    assert!(catch_unwind(|| (PLANTED.run)(b"\xC3bug\x98")).is_ok());
}

//! Figures that follow from the confusion counts, held against scikit-learn (`golden/make.py`), and what messages may tell.

use std::collections::BTreeMap;

use serde::Deserialize;
use sweep_proto::{EpochFigure, TestFigure, TestMetric, wire};

#[derive(Deserialize)]
struct Case {
    name: String,
    confusion: Vec<Vec<u64>>,
    matthews: f64,
}

fn test(confusion: Vec<Vec<u64>>) -> TestMetric {
    TestMetric {
        loss: 0.5,
        accuracy: 0.75,
        macro_f1: 0.7,
        confusion,
        calibration: Vec::new(),
        hardest: Vec::new(),
        more: BTreeMap::new(),
    }
}

#[test]
fn matthews_correlations_are_those_of_scikit_learn() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/figures.json")).unwrap();
    assert!(cases.len() >= 10);
    for case in cases {
        let found = TestFigure::Matthews.of(&test(case.confusion)).unwrap();
        assert!((found - case.matthews).abs() < 1e-12, "{}: {found}, not {}", case.name, case.matthews);
    }
}

#[test]
fn no_counts_make_a_correlation_that_cannot_be() {
    let most = u64::MAX;
    for confusion in [
        vec![],
        vec![vec![0]],
        vec![vec![most]],
        vec![vec![most, 0], vec![0, most]],
        vec![vec![0, most], vec![most, 0]],
        vec![vec![1], vec![]],
    ] {
        let found = TestFigure::Matthews.of(&test(confusion.clone())).unwrap();
        assert!((-1.0..=1.0).contains(&found), "{confusion:?}: {found}");
    }
}

#[test]
fn the_python_client_has_the_figures_of_an_epoch() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("python/src/lstm_sweep/status.py");
    let status = std::fs::read_to_string(path).unwrap();
    let epoch = status.split("class Epoch:").nth(1).unwrap().split("@dataclass").next().unwrap();
    let fields: Vec<_> = epoch.lines().filter_map(|line| line.trim().split_once(": ")).collect();
    let named = fields.iter().filter(|(_, kind)| kind.starts_with("float") || kind.starts_with("int"));
    let names: Vec<_> = named.map(|(name, _)| *name).collect();
    let expected: Vec<_> = std::iter::once("epoch").chain(EpochFigure::ALL.map(EpochFigure::name)).collect();
    assert_eq!(names, expected);
}

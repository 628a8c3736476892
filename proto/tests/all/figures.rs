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
fn results_of_before_have_the_correlation_and_no_area() {
    let stored = r#"{"loss":0.5,"accuracy":0.75,"macro_f1":0.7,"confusion":[[3,1],[1,3]]}"#;
    let read: TestMetric = serde_json::from_str(stored).unwrap();
    assert_eq!(TestFigure::Auc.of(&read), None);
    assert!((TestFigure::Matthews.of(&read).unwrap() - 0.5).abs() < 1e-12);
    assert_eq!(serde_json::to_string(&read).unwrap(), stored);
}

#[test]
fn what_a_message_tells_beside_the_first_figures_is_checked() {
    let figure = |name: &str, value| wire::Figure { name: name.to_owned(), value };
    let with = |more| wire::TestMetric { more, ..test(vec![vec![3, 1], vec![1, 3]]).into() };
    let read = TestMetric::try_from(with(vec![figure("auc", 0.9), figure("of tomorrow", 7.0)])).unwrap();
    assert_eq!(read.more, BTreeMap::from([(TestFigure::Auc, 0.9)]));
    let stored: TestMetric = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(stored, read);
    // The counts say it; whoever tells another number is not believed.
    let told = TestMetric::try_from(with(vec![figure("matthews", 0.99)])).unwrap();
    assert!((TestFigure::Matthews.of(&told).unwrap() - 0.5).abs() < 1e-12);
    for wrong in [1.1, -0.1, f64::NAN, f64::INFINITY] {
        let error = TestMetric::try_from(with(vec![figure("auc", wrong)])).unwrap_err();
        assert!(error.to_string().contains("auc"), "{error}");
    }
    assert!(TestMetric::try_from(with(vec![figure("x", 0.0); 1_000])).is_err());
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

//! The sweep file: every problem has its place, and what is read can be written and read again.

use sweep_proto::sweep_file::{PROBLEMS_MAX, SweepFileErrors, parse_bytes, parse_grid};

use super::seeds;
use crate::registry::Seed;

/// A whole sweep file.
pub(crate) fn file(bytes: &[u8]) {
    let read = parse_bytes("f.toml", bytes);
    match &read {
        Ok(spec) => {
            let written = spec.to_toml();
            let again = parse_bytes("f.toml", written.as_bytes())
                .unwrap_or_else(|errors| panic!("what was written is refused: {errors}\n{written}"));
            assert_eq!(&again, spec, "{written}");
            if spec.search.as_ref().is_none_or(|search| search.is_of_grid()) {
                check_grid(spec);
            }
        }
        Err(errors) => check_problems(&String::from_utf8_lossy(bytes), errors),
    }
}

fn check_grid(spec: &sweep_proto::SweepSpec) {
    let trials = spec.trial_count().expect("the number of trials was checked");
    assert!(trials <= sweep_proto::sweep_spec::TRIALS_MAX, "{trials} trials");
    let last = spec.grid_size().expect("a size") - 1;
    let configuration = spec.configuration(last).expect("the last one");
    assert!(spec.allows(&configuration) && spec.position(&configuration) == Some(last), "{configuration:?}");
    assert_eq!(spec.configuration(last + 1), None);
}

/// The lines by which a sweep is extended.
pub(crate) fn grid(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match parse_grid("f.toml", text) {
        Ok(axes) => {
            assert!(!axes.is_empty());
            for axis in axes {
                if let Some(range) = axis.range() {
                    let is_right = |bound: &sweep_proto::Value| bound.check(axis.hyperparameter).is_ok();
                    assert!(range.bounds().iter().all(is_right), "{axis:?}");
                    continue;
                }
                let mut levels = axis.levels().to_vec();
                levels.sort();
                levels.dedup();
                assert_eq!((levels.is_empty(), levels.len()), (false, axis.levels().len()), "{axis:?}");
                for level in axis.levels() {
                    level.check(axis.hyperparameter).expect("in range");
                }
            }
        }
        Err(errors) => check_problems(text, &errors),
    }
}

/// Every problem lies in the text, in order, and can be shown without steering the terminal.
fn check_problems(text: &str, errors: &SweepFileErrors) {
    assert!((1..=PROBLEMS_MAX).contains(&errors.problems.len()), "{} problems", errors.problems.len());
    let lines: Vec<&str> = text.split('\n').collect();
    for problem in &errors.problems {
        assert!((1..=lines.len()).contains(&problem.line), "{problem:?}");
        let length = lines[problem.line - 1].chars().count();
        assert!((1..=length + 1).contains(&problem.column), "{problem:?}");
        assert!(problem.width >= 1 && problem.column + problem.width <= length + 2, "{problem:?}");
        assert!(problem.source_column <= problem.column, "{problem:?}");
    }
    assert!(errors.problems.is_sorted_by_key(|problem| (problem.line, problem.column)), "{errors:?}");
    let shown = errors.to_string();
    assert!(shown.contains('^') && !shown.contains(['\u{1b}', '\t', '\r']), "{shown:?}");
}

/// Files that are right, and some that are not.
pub(crate) fn file_seeds() -> Vec<Seed> {
    seeds([
        ("quickstart.toml", include_str!("../../../../deploy/examples/quickstart.toml")),
        ("paper-imdb.toml", include_str!("../../../../deploy/examples/paper-imdb.toml")),
        ("your-csv.toml", include_str!("../../../../deploy/examples/your-csv.toml")),
        ("korean.toml", include_str!("../../../../proto/tests/all/broken/korean.toml")),
        ("wrong_types.toml", include_str!("../../../../proto/tests/all/broken/wrong_types.toml")),
        ("search.toml", include_str!("../../../../proto/tests/all/broken/search.toml")),
        ("constraints.toml", include_str!("../../../../proto/tests/all/broken/constraints.toml")),
        (
            "searched",
            "name='s'\ndata.dataset='snippets'\ngrid.layers=[1,2,3]\ngrid.learning_rate={min=3e-4,max=1e-2,log=true}\n\
             grid.dropout={min=0,max=0.5,step=0.1,when={layers=[2,3]}}\ngrid.constraints=['units*layers<=512']\n\
             search={sampler='random',trials=40}",
        ),
        ("misplaced.toml", include_str!("../../../../proto/tests/all/broken/misplaced.toml")),
        ("not_finite.toml", include_str!("../../../../proto/tests/all/broken/not_finite_and_negative.toml")),
        (
            "tests_of_its_own.toml",
            "name='t'\ndata={path='a.jsonl',test_path='b.jsonl',text='t',label='l',train_rows=9}\n\
             grid.learning_rate=[1e-3,0.1]\nmodel.cell=['gru','rnn']\ntrain.replicates=3\ntrain.reuse=false",
        ),
    ])
}

/// Lines that are right.
pub(crate) fn grid_seeds() -> Vec<Seed> {
    seeds([
        ("units", "units = [256, 512]"),
        ("headed", "[grid]\ncell = [\"gru\"]\nlearning_rate = [1e-3, 1]\nbidirectional = [true, false]\n"),
        (
            "ranges",
            "units = { min = 8, max = 64, step = 8 }\ndropout = { levels = [0.1], when = { layers = 2 } }",
        ),
        ("wrong", "units = [1, 1]\nnobody = 3\n[grid"),
    ])
}

//! Sweep files under arbitrary and mutated text: no panic, every place inside the text, and what is
//! written reads as what it was.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use proptest::prelude::*;
use sweep_proto::sweep_file::{parse, parse_bytes, parse_grid};
use sweep_proto::{
    Amount, Axis, Budget, Condition, Configuration, Constraint, Constraints, DataSource, DataSpec,
    FrontObjective, FurtherObjectives, HtmlBreaks, Hyperparameter, Kind, Objective, PrunerName, Range,
    Reading, SamplerName, Search, SweepSpec, Value,
};

const VALID: &[&str] = &[
    include_str!("../../../deploy/examples/quickstart.toml"),
    include_str!("../../../deploy/examples/paper-imdb.toml"),
    include_str!("../../../deploy/examples/your-csv.toml"),
    include_str!("broken/korean.toml"),
    include_str!("broken/wrong_types.toml"),
    include_str!("broken/search.toml"),
    include_str!("broken/constraints.toml"),
    include_str!("broken/constraints_impossible.toml"),
    include_str!("broken/ranges.toml"),
    include_str!("broken/search_idle.toml"),
    include_str!("broken/objective_direction.toml"),
    include_str!("broken/objective_list_twice.toml"),
];

/// Every problem lies in the text, and can be shown.
fn check_places(text: &str) -> Result<(), TestCaseError> {
    let results = [parse("f.toml", text).err(), parse_grid("f.toml", text).err()];
    for problem in results.iter().flatten().flat_map(|errors| &errors.problems) {
        let lines: Vec<&str> = text.split('\n').collect();
        prop_assert!((1..=lines.len()).contains(&problem.line), "{problem:?}");
        let length = lines[problem.line - 1].chars().count();
        prop_assert!((1..=length + 1).contains(&problem.column), "{problem:?}");
        prop_assert!(problem.width >= 1 && problem.column + problem.width <= length + 2, "{problem:?}");
        prop_assert!(problem.source_column <= problem.column);
        let shown = problem.to_string();
        let steers_the_terminal = shown.contains(['\u{1b}', '\t', '\r']);
        prop_assert!(shown.contains('^') && !steers_the_terminal, "{shown:?}");
    }
    for errors in results.iter().flatten() {
        prop_assert!(!errors.problems.is_empty());
        let places: Vec<_> = errors.problems.iter().map(|problem| (problem.line, problem.column)).collect();
        prop_assert!(places.is_sorted());
    }
    Ok(())
}

fn level(hyperparameter: Hyperparameter) -> BoxedStrategy<Value> {
    match hyperparameter.row().kind {
        Kind::Integer { min, max } => {
            prop_oneof![Just(min), Just(max), min..=max].prop_map(Value::Integer).boxed()
        }
        Kind::Real { min, max, above_min } => prop_oneof![Just(max), min..=max]
            .prop_map(move |real| Value::Real(if above_min && real <= min { max } else { real + 0.0 }))
            .boxed(),
        Kind::Flag => any::<bool>().prop_map(Value::Flag).boxed(),
        Kind::Choice(words) => {
            proptest::sample::select(words).prop_map(|word| Value::Word(word.to_owned())).boxed()
        }
    }
}

/// Text that a sweep file may hold: printable and not blank, quotes and backslashes included.
fn shown_text() -> impl Strategy<Value = String> {
    "[a-z가-힣\"'\\\\#= \\[\\]]{0,20}x"
}

fn source() -> impl Strategy<Value = DataSource> {
    let known =
        (proptest::sample::select(vec!["snippets", "imdb", "nsmc"]), proptest::option::of(shown_text()))
            .prop_map(|(name, path)| DataSource::Known { name: name.into(), path: path.map(Into::into) });
    let split = || proptest::option::of(shown_text());
    let file = (shown_text(), any::<bool>(), split(), split(), shown_text(), shown_text()).prop_map(
        |(path, csv, validation_path, test_path, text, label)| DataSource::File {
            path: if csv { format!("{path}.csv") } else { path }.into(),
            validation_path: validation_path.map(|path| format!("{path} to choose by").into()),
            // Not the training file itself, which is refused.
            test_path: test_path.map(|path| format!("{path} for tests").into()),
            text,
            label: format!("{label} of the label"),
        },
    );
    prop_oneof![known, file]
}

/// How rows are read; of a known dataset, and of the columns joined behind a folder's text, only what goes with it.
fn reading(is_file: bool) -> impl Strategy<Value = Reading> {
    let delimiter = proptest::sample::select(vec!["tab", ";", "|"]).prop_map(str::to_owned);
    let breaks = proptest::sample::select(vec![HtmlBreaks::Keep, HtmlBreaks::Space]);
    let named = proptest::collection::btree_map(shown_text(), shown_text(), 0..3);
    let dropped = proptest::collection::btree_set(shown_text().prop_map(|label| label + " too"), 0..3);
    let joined = proptest::collection::btree_set(shown_text().prop_map(|column| column + " joined"), 0..3);
    let option = proptest::option::of::<BoxedStrategy<String>>;
    (
        joined,
        any::<Option<bool>>(),
        option(delimiter.boxed()),
        option(shown_text().boxed()),
        proptest::option::of(breaks),
        named,
        dropped,
    )
        .prop_map(move |(joined, header, delimiter, encoding, html_breaks, labels, labels_dropped)| {
            Reading {
                text_joined: if is_file { joined.into_iter().collect() } else { Vec::new() },
                header: header.filter(|_| is_file),
                delimiter: delimiter.filter(|_| is_file),
                encoding,
                html_breaks,
                labels,
                labels_dropped,
            }
        })
}

fn data() -> impl Strategy<Value = DataSpec> {
    let rows = || proptest::option::of(1_u64..=1_000_000_000);
    let source = source().prop_flat_map(|source| {
        let reading = reading(matches!(source, DataSource::File { .. }));
        (Just(source), reading)
    });
    (source, 0.001_f64..0.5, 0.001_f64..0.49, rows(), rows(), 0.0_f64..=1.0, any::<u64>()).prop_map(
        |(
            (source, reading),
            validation_share,
            test_share,
            train_rows,
            test_rows,
            bad_rows_share_max,
            seed,
        )| DataSpec {
            source,
            validation_share,
            test_share,
            train_rows,
            test_rows,
            bad_rows_share_max,
            seed,
            reading: Box::new(reading),
        },
    )
}

/// An axis of levels, or of a range where the hyperparameter may have one.
fn axis(of: Hyperparameter) -> BoxedStrategy<Axis> {
    let levels = proptest::collection::btree_set(level(of), 1..5)
        .prop_map(move |levels| Axis::of_levels(of, levels.into_iter().rev().collect()));
    let range = (level(of), level(of), any::<bool>(), proptest::option::of(1_u64..9), levels.clone());
    let range = range.prop_map(move |(one, other, log, step, levels)| {
        let step = step.filter(|_| !log).map(|step| match one {
            Value::Real(_) => Value::Real(step as f64 / 64.0),
            _ => Value::Integer(step),
        });
        let bounds = [one.clone().min(other.clone()), one.max(other)];
        Range::new(of, bounds, log, step).map_or(levels, |range| Axis::of_range(of, range))
    });
    prop_oneof![3 => levels, 1 => range].boxed()
}

/// The last axis varies with one level of the first alone, where they can.
fn with_condition(mut axes: Vec<Axis>) -> Vec<Axis> {
    let first = axes.first().filter(|axis| axis.range().is_none()).cloned();
    if let (Some(first), 2..) = (first, axes.len()) {
        let last = axes.len() - 1;
        if Hyperparameter::of_data().all(|one| one != axes[last].hyperparameter) {
            let values = vec![first.levels()[0].clone()];
            axes[last].when = vec![Condition { hyperparameter: first.hyperparameter, values }];
        }
    }
    axes
}

/// What every value of an axis of numbers fulfils.
fn constraint(axis: &Axis) -> Option<Constraint> {
    let name = axis.hyperparameter;
    matches!(name.row().kind, Kind::Integer { .. } | Kind::Real { .. })
        .then(|| format!("2 * ({name} + 1) >= {name} - 0.5").parse().expect("a constraint"))
}

/// A search where one is needed; with a pruner where one has an effect.
fn search(has_range: bool, replicates: u32, is_pruned: bool) -> Option<Box<Search>> {
    let price_per_hour =
        if replicates.is_multiple_of(2) { Amount::of(f64::from(replicates) / 7.0) } else { None };
    let budget = Budget {
        trials: Some(replicates),
        epochs: (replicates > 9).then_some(1_000_000),
        hours: if replicates.is_multiple_of(4) { Amount::of(2.5) } else { None },
        money: price_per_hour.and(Amount::of(1e-3)),
        price_per_hour,
    };
    let random = Search {
        sampler: SamplerName::Random,
        pruner: if is_pruned { PrunerName::Asha } else { PrunerName::None },
        eta: is_pruned.then_some(2),
        min_epochs: None,
        budget,
    };
    match (has_range, replicates % 3) {
        (true, _) => Some(Box::new(random)),
        (false, 0) => Some(Box::new(Search::of_grid())),
        _ => None,
    }
}

fn spec() -> impl Strategy<Value = SweepSpec> {
    let fixed: Vec<_> = Hyperparameter::ALL.iter().map(|one| level(*one)).collect();
    let swept = proptest::sample::subsequence(Hyperparameter::ALL.to_vec(), 0..=4).prop_shuffle();
    let axes = swept.prop_flat_map(|swept| swept.into_iter().map(axis).collect::<Vec<_>>());
    let axes = (axes, any::<bool>(), any::<bool>()).prop_map(|(axes, has_condition, is_constrained)| {
        let axes = if has_condition { with_condition(axes) } else { axes };
        let constraint = axes.iter().find(|_| is_constrained).and_then(constraint);
        (axes, Constraints::from(constraint.into_iter().collect::<Vec<_>>()))
    });
    let train = (1_u32..=1000, any::<u64>(), 1_u32..=100, any::<bool>());
    let further =
        proptest::sample::subsequence(FrontObjective::all().collect::<Vec<_>>(), 0..=2).prop_shuffle();
    let top = (0_u32..=100, proptest::sample::select(Objective::all().collect::<Vec<_>>()), further);
    (shown_text(), data(), fixed, axes, train, top).prop_map(
        |(name, data, values, (axes, constraints), (replicates, seed, failures_max, reuse), top)| {
            let (priority, objective, further) = top;
            let further = further.into_iter().filter(|one| *one != FrontObjective::Metric(objective));
            let further_objectives = FurtherObjectives::of(further).expect("each once");
            let mut fixed = Configuration::default();
            for (one, value) in Hyperparameter::ALL.iter().zip(values) {
                // A swept hyperparameter's own value is not part of a sweep file.
                if axes.iter().all(|axis| axis.hyperparameter != *one || !axis.when.is_empty()) {
                    fixed.set(*one, value).expect("in range");
                }
            }
            let has_range = axes.iter().any(|axis| axis.range().is_some());
            let are_epochs_swept = axes.iter().any(|axis| axis.hyperparameter == Hyperparameter::Epochs);
            let is_pruned = !are_epochs_swept && fixed.epochs() > 1 && further_objectives.is_empty();
            SweepSpec {
                name,
                data,
                fixed,
                axes,
                replicates,
                seed,
                failures_max,
                reuse,
                priority,
                objective,
                further_objectives,
                search: search(has_range, replicates, is_pruned),
                constraints: Box::new(constraints),
            }
        },
    )
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        check_places(&text)?;
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_bytes("f.toml", &bytes);
    }

    #[test]
    fn text_of_tomls_own_words_never_panics(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "[", "]", "[[", "]]", "{", "}", "=", ",", ".", "\n", "\r\n", "\"", "'", "\"\"\"", "#", " ", "\t", "1", "0",
                "-1", "nan", "1e9", "true", "units", "grid", "search", "objective", "metric", "direction", "\"validation_accuracy\"", "min", "max", "when", "levels", "constraints", "\"units < 5\"", "data", "train", "model", "name", "dataset", "path",
                "text", "label", "\"imdb\"", "\"a.csv\"", "seed", "\u{feff}", "감정", "\u{1b}", "2026-01-01", "0x", "_",
            ]),
            0..60,
        ),
    ) {
        check_places(&words.concat())?;
    }

    #[test]
    fn mutated_files_never_panic(
        text in proptest::sample::select(VALID),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..4, "\\PC{0,3}"), 1..5),
    ) {
        let mut characters: Vec<char> = text.chars().collect();
        for (at, removed, inserted) in cuts {
            let at = at.index(characters.len().max(1)).min(characters.len());
            let end = (at + removed).min(characters.len());
            characters.splice(at..end, inserted.chars());
        }
        check_places(&characters.into_iter().collect::<String>())?;
    }

    #[test]
    fn a_sweep_that_is_written_reads_as_itself(spec in spec()) {
        prop_assume!(spec.search.is_some() || spec.trial_count().is_some_and(|trials| (1..=1_000_000).contains(&trials)));
        prop_assume!(!spec.search.as_ref().is_some_and(|search| search.is_of_grid()) || spec.trial_count().is_some_and(|trials| trials <= 1_000_000));
        let file = spec.to_toml();
        match parse("written.toml", &file) {
            Ok(read) => prop_assert_eq!(read, spec),
            Err(errors) => prop_assert!(false, "{}\n{}", errors, file),
        }
    }
}

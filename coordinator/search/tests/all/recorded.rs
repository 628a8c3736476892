//! Tables that somebody else has made, and searches on them where trials are missing or diverged.

use std::fmt::Write as _;

use coordinator_search::replay::recorded::{Columns, Known, Problems, Reader, Recorded, World};
use coordinator_search::replay::{Course, Entrant, Trace};
use proptest::prelude::*;
use sweep_proto::{Hyperparameter, Objective, sweep_file};

/// The critical value of a test, whatever the degrees of freedom.
fn critical(_: usize) -> f64 {
    1.96
}

/// Reads comma-separated text without quotes.
fn read_by(text: &str, objective: Objective) -> Result<Recorded, Problems> {
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<String>>();
    let mut lines = text.lines();
    let header = cells(lines.next().unwrap_or_default());
    let mut reader = Reader::new(Columns::of_epochs(&header, objective)?, objective);
    for (at, line) in lines.enumerate() {
        reader.row(at as u64 + 2, &cells(line).iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    reader.finish()
}

fn read(text: &str) -> Result<Recorded, Problems> {
    read_by(text, Objective::default())
}

fn problems(text: &str) -> String {
    read(text).map(|_| ()).expect_err("refused").to_string()
}

/// Three configurations by two of four replicates each, of two or three epochs.
fn table(replicates: u32) -> String {
    let mut text = "units,learning_rate,replicate,epoch,loss,ms\n".to_owned();
    for units in [16, 32, 64] {
        for rate in ["0.001", "0.01"] {
            for replicate in 0..replicates {
                for epoch in 1..=3_u32 {
                    let loss = 0.6 - 0.001 * f64::from(units) + 0.01 * f64::from(replicate)
                        - 0.02 * f64::from(epoch);
                    writeln!(text, "{units},{rate},{replicate},{epoch},{loss},{}", 10 * units).unwrap();
                }
            }
        }
    }
    text
}

fn world(recorded: &Recorded, judges: Option<usize>) -> World {
    World::new(recorded, &Known::default(), judges, &critical).unwrap()
}

const COURSE: Course = Course { workers: 3, epochs: u64::MAX, patience: 0 };

fn played(entrant: Entrant, world: &World, seed: u64) -> Trace {
    entrant.play(world, COURSE, seed).unwrap_or_else(|problem| panic!("{entrant}: {problem}"))
}

#[test]
fn half_of_four_replicates_judge_and_of_fewer_none_unless_somebody_says_so() {
    let shape = |replicates, judges| {
        let world = world(&read(&table(replicates)).unwrap(), judges);
        (world.table.replicates(), world.judges)
    };
    assert_eq!((shape(5, None), shape(4, None), shape(3, None)), ((3, 2), (2, 2), (3, 0)));
    assert_eq!((shape(3, Some(1)), shape(5, Some(0))), ((2, 1), (5, 0)));
    let none_left = World::new(&read(&table(2)).unwrap(), &Known::default(), Some(2), &critical).unwrap_err();
    assert!(none_left.to_string().contains("leave at least one for the searches"), "{none_left}");
}

#[test]
fn every_search_finds_what_is_best_where_nothing_is_left_to_chance() {
    let recorded = read(&table(4)).unwrap();
    assert_eq!(recorded.axes.len(), 2);
    let world = world(&recorded, None);
    assert_eq!(world.label(world.named_by_grid), "units=64 learning_rate=0.001");
    for entrant in Entrant::all() {
        let trace = played(entrant, &world, 7);
        let (_, named) = trace.named.last().copied().unwrap();
        assert!(world.judge.regret(named) < 1e-9, "{entrant} names {}", world.label(named));
        assert_eq!(trace, played(entrant, &world, 7), "{entrant} is the same again");
        assert_eq!(entrant.to_string().parse(), Ok(entrant));
    }
}

#[test]
fn reports_and_tables_of_others_are_read_alike() {
    let of_others = "units,replicate,epoch,loss,ms\n16,0,1,0.5,1500\n16.0,0,2,0.4,1500\n 32,0,1,0.45,1500\n";
    let of_report = "sweep,trial,state,units,layers,replicate,seed,epoch,validation_loss,validation_accuracy,seconds\n\
        3,0,completed,16,1,0,9,1,0.5,0.8,1.5\n3,0,completed,16,1,0,9,2,0.4,0.7,1.5\n3,1,completed,32,1,0,9,1,0.45,0.9,1.5\n";
    let [others, report] = [of_others, of_report].map(|text| read(text).unwrap());
    assert_eq!((&others.axes, &others.curves), (&report.axes, &report.curves));
    assert_eq!(report.fixed_number(Hyperparameter::Layers), Some(1));
    let accuracy = Objective::from_name("validation_accuracy").unwrap();
    let by_accuracy = read_by(of_report, accuracy).unwrap();
    let scores: Vec<f64> = by_accuracy.curves.values().map(|curve| curve[0].loss).collect();
    assert!((scores[0] - 0.2).abs() < 1e-9 && (scores[1] - 0.1).abs() < 1e-9, "{scores:?}");
}

#[test]
fn what_did_not_end_is_left_out_and_what_diverged_is_no_better_than_guessing() {
    let mut text = "units,replicate,state,epoch,validation_loss,seconds\n".to_owned();
    for (units, state) in
        [(8, "completed"), (16, "completed"), (32, "diverged"), (64, "pruned"), (128, "leased")]
    {
        for replicate in 0..2 {
            writeln!(text, "{units},{replicate},{state},1,0.5,1\n{units},{replicate},{state},2,0.4,1")
                .unwrap();
        }
    }
    let recorded = read(&text).unwrap();
    let notes = recorded.notes.join(" ");
    for told in ["4 trials (2 running, 2 pruned)", "A pruner has ended trials", "2 trials diverged"] {
        assert!(notes.contains(told), "{notes}");
    }
    let world = world(&recorded, None);
    assert_eq!(world.table.configurations(), 3);
    let diverged = (0..3).find(|one| world.label(*one) == "units=32").unwrap();
    assert_eq!(world.table.counted_scores(diverged, world.chance), [Some(std::f64::consts::LN_2); 2]);
    assert!((world.judge.score(diverged) - std::f64::consts::LN_2).abs() < 1e-9);
    for entrant in Entrant::all() {
        let trace = played(entrant, &world, 1);
        assert!(trace.named.iter().all(|(_, named)| *named != diverged), "{entrant}: {trace:?}");
    }
}

/// The trials of a table that have no epoch stand in the other table only.
#[test]
fn a_trial_that_diverged_at_once_is_told_by_the_table_of_trials() {
    let objective = Objective::default();
    let header = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let columns = Columns::of_epochs(&header("units,replicate,state,epoch,loss,ms"), objective).unwrap();
    let mut reader = Reader::new(columns, objective);
    for (line, units) in [(2, "8"), (3, "16")] {
        reader.row(line, &[units, "0", "completed", "1", "0.5", "7"]).unwrap();
    }
    reader.begin_trials(Columns::of_trials(&header("units,replicate,state,key")).unwrap()).unwrap();
    for (line, units, state) in
        [(2, "8", "completed"), (3, "16", "completed"), (4, "32", "diverged"), (5, "64", "failed")]
    {
        reader.trial(line, &[units, "0", state, "k"]);
    }
    let recorded = reader.finish().unwrap();
    assert_eq!(recorded.curves.len(), 3);
    assert!(recorded.notes.join(" ").contains("1 trials (1 failed)"), "{:?}", recorded.notes);
    assert_eq!(world(&recorded, None).table.score(2, 0), Some(f64::INFINITY));
    let other = Columns::of_trials(&header("layers,replicate,state")).unwrap();
    let columns = Columns::of_epochs(&header("units,replicate,epoch,loss"), objective).unwrap();
    let refused = Reader::new(columns, objective).begin_trials(other).unwrap_err();
    assert!(refused.to_string().contains("two files of one report"), "{refused}");
}

#[test]
fn a_trial_that_is_missing_fails_at_once_in_every_search() {
    // One whole configuration and one replicate of another.
    let text: String = table(2)
        .lines()
        .filter(|line| !line.starts_with("64,0.001,") && !line.starts_with("32,0.01,1"))
        .map(|line| format!("{line}\n"))
        .collect();
    let world = world(&read(&text).unwrap(), None);
    assert_eq!((world.table.configurations(), world.table.trials()), (6, 9));
    assert!(world.notes.join(" ").contains("3 of the 12 trials"), "{:?}", world.notes);
    let missing = (0..6).find(|one| world.label(*one) == "units=64 learning_rate=0.001").unwrap();
    for entrant in Entrant::all() {
        let trace = played(entrant, &world, 3);
        assert!(trace.named.iter().all(|(_, named)| *named != missing), "{entrant}");
        if trace.stop.is_none() {
            assert_eq!(trace.failed, 3, "{entrant}");
        }
    }
}

#[test]
fn the_space_of_a_sweep_is_searched_where_the_table_is_of_one() {
    let file = "name = \"some\"\n[data]\ndataset = \"snippets\"\n[grid]\nunits = [16, 32, 64]\nlearning_rate = [0.001, 0.01]\n\
        constraints = [\"units * learning_rate <= 0.5\"]\n";
    let spec = sweep_file::parse("some.toml", file).unwrap();
    let text: String = table(1)
        .lines()
        .filter(|line| !line.starts_with("64,0.01"))
        .map(|line| format!("{line}\n"))
        .collect();
    let recorded = read(&text).unwrap();
    let known = Known { spec: Some(spec), classes: Some(4), ..Known::default() };
    let told = World::new(&recorded, &known, None, &critical).unwrap();
    assert_eq!((told.table.configurations(), told.chance), (5, 4.0_f64.ln()));
    assert_eq!(world(&recorded, None).table.configurations(), 6, "nothing else tells of the constraint");
}

#[test]
fn every_problem_is_told_with_its_place_and_its_cure() {
    for (text, told) in [
        ("", "no column is a hyperparameter"),
        ("unit,replicate,epoch,loss\n", "no column is a hyperparameter"),
        ("units,epoch,loss\n16,1,0.5\n", "no column `replicate`"),
        ("units,replicate,loss\n16,0,0.5\n", "no column `epoch`"),
        ("units,replicate,epoch\n16,0,1\n", "no column `validation_loss` or `loss`"),
        ("units,units,replicate,epoch,loss\n", "`units` stands twice"),
        ("units,replicate,epoch,loss\n16,0,1\n", "line 2: it has 3 cells, the header 4"),
        ("units,replicate,epoch,loss\nmany,0,1,0.5\n", "line 2: units is `many`"),
        ("units,replicate,epoch,loss\n0,0,1,0.5\n", "line 2: units is `0`"),
        ("units,replicate,epoch,loss\n16,-1,1,0.5\n", "line 2: replicate is `-1`"),
        ("units,replicate,epoch,loss\n16,0,0,0.5\n", "line 2: epoch is `0`"),
        ("units,replicate,epoch,loss\n16,0,1,low\n", "line 2: validation_loss is `low`"),
        ("units,replicate,epoch,loss,ms\n16,0,1,0.5,-3\n", "line 2: the time of the epoch is `-3`"),
        ("units,replicate,state,epoch,loss\n16,0,well,1,0.5\n", "line 2: state is `well`"),
        (
            "units,replicate,epoch,loss\n16,0,1,0.5\n16,0,1,0.4\n",
            "line 3: epoch 1 of replicate 0 of units=16 stands twice",
        ),
        ("units,replicate,epoch,loss\n16,0,1,0.5\n16,0,3,0.4\n", "units=16 has epoch 3 and lacks epoch 2"),
        ("units,replicate,epoch,loss\n16,0,2,0.5\n", "has epoch 2 and lacks epoch 1"),
        ("units,replicate,epoch,loss\n", "no trial has ended"),
    ] {
        let problem = problems(text);
        assert!(problem.contains(told), "{text:?}: {problem}");
    }
    let many: String = (0..50).map(|_| "16,0,1,high\n".to_owned()).collect();
    let problem = problems(&format!("units,replicate,epoch,loss\n{many}"));
    assert!(problem.contains("line 11:") && problem.contains("40 more problems"), "{problem}");
    let one = read("units,replicate,epoch,loss\n16,0,1,0.5\n").unwrap();
    let problem = World::new(&one, &Known::default(), None, &critical).unwrap_err().to_string();
    assert!(problem.contains("at least two to choose from"), "{problem}");
    let sparse: String = (1..6).map(|at| format!("{},{at},0,1,0.5\n", 8 * at)).collect();
    let sparse = read(&format!("units,layers,replicate,epoch,loss\n{sparse}")).unwrap();
    let problem = World::new(&sparse, &Known::default(), None, &critical).unwrap_err().to_string();
    assert!(problem.contains("5 of the 25 combinations"), "{problem}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is missing, diverges or ends early, every search ends, and names only what has a score.
    #[test]
    fn every_search_ends_on_every_table(
        cells in prop::collection::vec(prop_oneof![1 => Just(None), 6 => prop::collection::vec(prop_oneof![12 => 0.1..2.0_f64, 1 => Just(f64::NAN)], 1..5).prop_map(Some)], 18),
        seed in 0_u64..100,
        patience in 0_u32..3,
    ) {
        let mut text = "units,layers,replicate,epoch,loss\n".to_owned();
        for (at, losses) in cells.iter().enumerate() {
            let (units, layers, replicate) = (8 << (at / 6), 1 + at / 3 % 2, at % 3);
            for (epoch, loss) in losses.iter().flatten().enumerate() {
                writeln!(text, "{units},{layers},{replicate},{},{loss}", epoch + 1).unwrap();
            }
        }
        let Ok(recorded) = read(&text) else { return Ok(()) };
        let Ok(world) = World::new(&recorded, &Known::default(), Some(1), &critical) else { return Ok(()) };
        for entrant in Entrant::all() {
            let trace = entrant.play(&world, Course { patience, ..COURSE }, seed);
            let trace = trace.map_err(|problem| TestCaseError::fail(format!("{entrant}: {problem}")))?;
            prop_assert!(trace.epochs <= world.table.all_epochs());
            for (_, named) in trace.named {
                // What patience has ended before it would have diverged has a score.
                let has_begun = |replicate| world.table.curve(named, replicate).first().is_some_and(|first| first.loss.is_finite());
                prop_assert!((0..3).any(has_begun) || entrant == Entrant::Auto, "{entrant}");
            }
        }
    }
}

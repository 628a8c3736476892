//! The Pareto front of a sweep with several objectives, held against the exported trials.
#![allow(clippy::unwrap_used, reason = "tests may stop")]

use std::collections::BTreeMap;
use std::time::Instant;

use coordinator_core::{AttemptState, TrialState};
use coordinator_report::{Language, Projection, ReportInput, analyse, records_digest};
use coordinator_statistics::front::{Point, on_front};
use serde_json::Value as Json;
use sweep_proto::{
    FailureKind, FrontObjective, FurtherObjectives, Hyperparameter, Objective, SweepId, TrialId, WorkKind,
};

use crate::fixture::{
    axis, files_in, finished, push_attempt, several_objectives, spec, study, text, without_result,
};

const PARAMETERS: [FrontObjective; 1] = [FrontObjective::Parameters];
const BOTH: [FrontObjective; 2] = [FrontObjective::Parameters, FrontObjective::Seconds];

/// The units of each configuration with the values of these columns of each trial, from the exported trials alone.
fn values(input: &ReportInput, columns: &[&str]) -> BTreeMap<u64, Vec<Vec<f64>>> {
    let text = text(input, "trials.csv");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let at = |name: &str| head.iter().position(|one| *one == name).unwrap();
    let mut trials: BTreeMap<u64, Vec<Vec<f64>>> = BTreeMap::new();
    for line in lines {
        let values = columns.iter().map(|name| line[at(name)].parse().unwrap()).collect();
        trials.entry(line[at("units")].parse().unwrap()).or_default().push(values);
    }
    trials
}

/// The units of each configuration with its means of these columns.
fn means(input: &ReportInput, columns: &[&str]) -> BTreeMap<u64, Vec<f64>> {
    let mean =
        |rows: &Vec<Vec<f64>>, at: usize| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64;
    values(input, columns)
        .iter()
        .map(|(units, rows)| (*units, (0..columns.len()).map(|at| mean(rows, at)).collect()))
        .collect()
}

/// The units of the configurations that no other one beats: higher is better of the first column, lower of the others.
fn front_of(means: &BTreeMap<u64, Vec<f64>>) -> Vec<u64> {
    let is_as_good = |other: &[f64], one: &[f64]| {
        other[0] >= one[0] && other[1..].iter().zip(&one[1..]).all(|(other, one)| other <= one)
    };
    let is_beaten = |one: &Vec<f64>| means.values().any(|other| is_as_good(other, one) && other != one);
    means.iter().filter(|(_, one)| !is_beaten(one)).map(|(units, _)| *units).collect()
}

fn json(input: &ReportInput) -> Json {
    serde_json::from_str(&text(input, "report.json")).unwrap()
}

/// The units of the members that `report.json` tells, in order of size.
fn told(json: &Json) -> Vec<u64> {
    let configurations = json["front"]["configurations"].as_array().unwrap();
    let members = configurations.iter().filter(|one| one["on_front"] == true);
    let mut units: Vec<u64> = members.map(|one| one["values"]["units"].as_u64().unwrap()).collect();
    units.sort_unstable();
    units
}

#[test]
fn the_front_is_that_of_a_plain_computation_over_the_exported_trials() {
    let two = several_objectives(3, &PARAMETERS);
    let three = several_objectives(3, &BOTH);
    let columns = ["validation_accuracy", "parameters", "seconds"];
    let [of_two, of_three] = [(&two, &columns[..2]), (&three, &columns[..])].map(|(input, columns)| {
        let means = means(input, columns);
        let json = json(input);
        assert_eq!(told(&json), front_of(&means));
        for one in json["front"]["configurations"].as_array().unwrap() {
            let own = &means[&one["values"]["units"].as_u64().unwrap()];
            for (told, mean) in one["objectives"].as_array().unwrap().iter().zip(own) {
                assert!((told["mean"].as_f64().unwrap() - mean).abs() < 1e-9, "{one}");
            }
        }
        front_of(&means)
    });
    assert!(
        of_two.len() > 2 && of_two.len() < of_three.len() && of_three.len() < 12,
        "{of_two:?} {of_three:?}"
    );
    // What chooses is the first objective, whatever stands behind it.
    let alone = several_objectives(3, &[]);
    assert_eq!(json(&alone)["answer"]["label"], json(&three)["answer"]["label"]);
    assert!(json(&alone).get("front").is_none() && !text(&alone, "report.md").contains("Pareto"));
    assert_eq!(text(&alone, "trials.csv"), text(&three, "trials.csv"));
}

#[test]
fn members_say_how_sure_their_place_is_and_few_replicates_do_not() {
    let of = |replicates| analyse(&several_objectives(replicates, &PARAMETERS)).front.unwrap();
    let front = of(10);
    assert_eq!(front.bootstrap_draws, Some(2_000));
    for one in &front.configurations {
        let share = one.bootstrap_share_on_front.unwrap();
        assert!((0.0..=1.0).contains(&share));
        assert!(if one.on_front { share > 0.2 } else { share < 0.8 }, "{one:?}");
    }
    // Nothing is smaller than the smallest.
    let smallest = front.configurations.iter().find(|one| one.label == "units=4");
    assert!(
        smallest.is_some_and(|one| one.on_front && one.bootstrap_share_on_front == Some(1.0)),
        "{smallest:?}"
    );
    // 2,000 draws out of 2,000 do not show a share of 100 %.
    let page = text(&several_objectives(10, &PARAMETERS), "report.md");
    assert!(page.contains("that of 2,000 sweeps") && page.contains("| &gt; 99.9 % |"), "{page}");
    assert!(!page.contains("100.0 % |"), "{page}");
    // Nine that agree by luck would give nothing but certainty.
    let few = of(9);
    assert!(few.configurations.iter().all(|one| one.bootstrap_share_on_front.is_none()));
    assert_eq!(few.bootstrap_draws, None);
    assert!(few.cheapest.is_some() && of(2).cheapest.is_none());
    let page = text(&several_objectives(9, &PARAMETERS), "report.md");
    assert!(page.contains("Fewer than ten replicates do not tell how sure"), "{page}");
}

#[test]
fn configurations_without_all_replicates_are_counted_and_not_compared() {
    let mut input = several_objectives(3, &PARAMETERS);
    // The first of the smallest model, which would be on the front, and of the fifth.
    without_result(&mut input, 0, TrialState::Failed);
    without_result(&mut input, 12, TrialState::Diverged);
    let front = analyse(&input).front.unwrap();
    assert_eq!((front.compared, front.left_out, front.replicates), (10, 2, 3));
    assert!(front.configurations.iter().all(|one| one.label != "units=4" && one.label != "units=32"));
    assert!(front.configurations.iter().any(|one| one.label == "units=8" && one.on_front));
    let page = text(&input, "report.md");
    assert!(page.contains("Not compared are 2 configurations"), "{page}");
    // Without its epochs, nobody knows how long a trial trained.
    let mut input = several_objectives(3, &BOTH);
    input.epochs.retain(|epoch| epoch.trial.index >= 3);
    let front = analyse(&input).front.unwrap();
    assert_eq!((front.compared, front.left_out), (11, 1));
}

/// A sweep of accuracy and another objective over two sizes, the larger one first: `accuracy(position, replicate)`.
fn two_sizes(replicates: u32, further: FrontObjective, accuracy: impl Fn(u64, u32) -> f64) -> ReportInput {
    let mut spec = spec(vec![axis(Hyperparameter::Units, &[64, 8])], replicates);
    spec.objective = Objective::from_name("validation_accuracy").unwrap();
    spec.further_objectives = FurtherObjectives::of([further]).unwrap();
    let mut input = finished(spec, 3, |position, replicate| (0.5, accuracy(position, replicate)));
    for trial in &mut input.trials {
        let parameters = if trial.spec.id.index < replicates { 5_000 } else { 700 };
        trial.result.as_mut().unwrap().parameters = parameters;
    }
    input
}

fn conclusion(input: &ReportInput) -> String {
    json(input)["answer"]["conclusion"].as_str().unwrap().to_owned()
}

/// The ranking breaks ties of the first objective by the place in the grid, which looks at nothing else.
#[test]
fn a_best_configuration_that_is_beaten_says_so_and_by_whom() {
    let input = two_sizes(3, FrontObjective::Parameters, |_, replicate| 0.8 + 0.01 * f64::from(replicate));
    let front = analyse(&input).front.unwrap();
    assert_eq!(told(&json(&input)), [8]);
    let by = front.best_is_beaten_by.unwrap();
    assert_eq!((by.label.as_str(), by.objective), ("units=8", FrontObjective::Parameters));
    let said = conclusion(&input);
    assert!(said.contains("units=64: it classifies"), "{said}");
    assert!(
        said.contains(
            "It is not on the Pareto front of validation accuracy, parameters: units=8 is at least as good in each of these, and \
             better in parameters. Configurations on the front: 1. Of the configurations on the front that are shown to be better in \
             parameters and not shown to be worse in validation accuracy, units=8 has the best mean parameters: 700 against 5,000. It \
             is no worse in validation accuracy in any replicate."
        ),
        "{said}"
    );
    let input = two_sizes(3, FrontObjective::Parameters, |position, _| 0.8 - 0.1 * position as f64);
    assert_eq!(analyse(&input).front.unwrap().best_is_beaten_by, None);
}

/// Means of shares near one whose sums are rounded otherwise: how far they are from one is not theirs to four digits.
#[test]
fn means_that_rounding_sets_apart_are_equal_near_one_as_well() {
    let [one, other] = [
        [0.999_999_998_2, 0.999_999_997_1, 0.999_999_995_5],
        [0.999_999_997_1, 0.999_999_995_5, 0.999_999_998_2],
    ];
    let mean = |of: [f64; 3]| of.into_iter().sum::<f64>() / 3.0;
    assert!(mean(one) > mean(other), "rounding sets them apart");
    let input = two_sizes(3, FrontObjective::Parameters, |position, replicate| {
        [one, other][position as usize][replicate as usize]
    });
    assert_eq!(told(&json(&input)), [8]);
}

#[test]
fn nothing_is_said_of_a_front_of_one_that_was_compared_with_nothing() {
    let mut input = two_sizes(3, FrontObjective::Parameters, |position, _| 0.8 - 0.1 * position as f64);
    without_result(&mut input, 4, TrialState::Failed);
    let front = analyse(&input).front.unwrap();
    assert_eq!((front.compared, front.left_out), (1, 1));
    let said = conclusion(&input);
    assert!(!said.contains("front"), "{said}");
    // Of several, the others are counted.
    let mut input = several_objectives(3, &PARAMETERS);
    without_result(&mut input, 0, TrialState::Cancelled);
    let said = conclusion(&input);
    assert!(said.contains("Configurations compared: 11, not compared: 1."), "{said}");
    // Without epochs, nobody knows the seconds of any.
    let mut input = two_sizes(3, FrontObjective::Seconds, |_, _| 0.8);
    input.sweep.spec.objective = Objective::default();
    input.epochs.clear();
    let front = analyse(&input).front.unwrap();
    assert_eq!((front.compared, front.left_out, front.best_is_compared), (0, 2, false));
    let page = text(&input, "report.md");
    assert!(
        page.contains("Not compared are 2 configurations") && !page.contains("On the Pareto front"),
        "{page}"
    );
}

/// A second objective that is measured has noise, too: the better of two means is not better for that.
#[test]
fn another_configuration_is_named_where_it_is_faster_beyond_noise_alone() {
    // Both have the same noise, under other seeds.
    let noise = |trial: u32| f64::from((trial + trial / 4) % 4);
    let of = |faster_by: f64| {
        let mut input = two_sizes(4, FrontObjective::Seconds, |position, replicate| {
            0.8 - 0.001 * position as f64 + 0.01 * noise(4 * position as u32 + replicate)
        });
        for epoch in &mut input.epochs {
            let trial = epoch.trial.index;
            let by = if trial < 4 { 0.0 } else { faster_by };
            epoch.metric.seconds = 4.0 + 0.1 * noise(trial) - by;
        }
        let front = analyse(&input).front.unwrap();
        let members = front.members().count();
        (front.cheapest.unwrap(), members, conclusion(&input))
    };
    let (cheapest, members, said) = of(0.01);
    assert!(cheapest.is_best && members == 2, "{cheapest:?} {said}");
    assert!(said.contains("is not shown to be better in training seconds."), "{said}");
    let (cheapest, members, said) = of(2.0);
    assert!(!cheapest.is_best && members == 2, "{cheapest:?}");
    assert!(said.contains("units=8 has the best mean training seconds:"), "{said}");
}

/// Such a difference has no interval. Three replicates that gain one row each show no more than three that agree by luck.
#[test]
fn no_other_configuration_is_named_for_the_same_gain_in_every_replicate() {
    let of = |seconds: f64| {
        let mut input = two_sizes(3, FrontObjective::Seconds, |position, replicate| {
            0.8 - 0.001 * position as f64 + 0.01 * f64::from((position as u32 + replicate) % 3)
        });
        for epoch in &mut input.epochs {
            epoch.metric.seconds = if epoch.trial.index < 3 { 0.3 } else { seconds };
        }
        analyse(&input).front.unwrap().cheapest.unwrap()
    };
    for seconds in [0.2, 0.1 + 0.2, 0.4] {
        assert!(of(seconds).is_best, "{seconds}");
    }
    let by_loss = |accuracy: fn(u64, u32) -> f64| {
        let mut input = two_sizes(3, FrontObjective::Parameters, accuracy);
        input.sweep.spec.objective = Objective::default();
        let accuracy = FrontObjective::Metric(Objective::from_name("validation_accuracy").unwrap());
        input.sweep.spec.further_objectives = FurtherObjectives::of([accuracy]).unwrap();
        analyse(&input).front.unwrap().cheapest.unwrap()
    };
    let by_a_row = by_loss(|position, replicate| f64::from(800 + 8 * replicate + position as u32) / 1_000.0);
    assert!(by_a_row.is_best, "{by_a_row:?}");
    let by_more = by_loss(|position, replicate| 0.8 + position as f64 * (0.1 + 0.01 * f64::from(replicate)));
    assert_eq!((by_more.is_best, by_more.label.as_str()), (false, "units=8"));
}

#[test]
fn seconds_of_earlier_sweeps_are_told_beside_the_front() {
    let own = several_objectives(3, &BOTH).sweep.id;
    let earlier = SweepId(own.0 - 1);
    let of = |further: &[FrontObjective], reused: usize, origin: SweepId| {
        let mut input = several_objectives(3, further);
        for trial in &mut input.trials[..reused] {
            trial.reused_from = Some(TrialId { sweep: origin, ..trial.spec.id });
        }
        (analyse(&input).front.unwrap().reused, text(&input, "report.md"))
    };
    let told = "Results that were reused from earlier sweeps: 4. Their training seconds were measured in those sweeps.";
    let (reused, page) = of(&BOTH, 4, earlier);
    assert!(reused == 4 && page.contains(told), "{reused} {page}");
    // Trials take results over within their sweep, too.
    for (further, reused, origin) in
        [(&BOTH[..], 0, earlier), (&BOTH[..], 4, own), (&PARAMETERS[..], 4, earlier)]
    {
        let (counted, page) = of(further, reused, origin);
        assert!(counted == 0 && !page.contains("Their training seconds"), "{counted} {page}");
    }
}

#[test]
fn a_sweep_of_one_configuration_says_that_its_front_is_that_one() {
    let mut spec = spec(vec![axis(Hyperparameter::Units, &[8])], 3);
    spec.further_objectives = FurtherObjectives::of(PARAMETERS).unwrap();
    let input = finished(spec, 3, |_, replicate| (0.5 + 0.01 * f64::from(replicate), 0.8));
    let page = text(&input, "report.md");
    let told = "One configuration was compared, so it alone is the Pareto front of validation loss (lower is better), parameters";
    assert!(page.contains(told), "{page}");
    assert!(!conclusion(&input).contains("front"), "{}", conclusion(&input));
}

#[test]
fn devices_are_those_that_trained_the_epochs_that_count() {
    let mut input = two_sizes(3, FrontObjective::Seconds, |position, _| 0.8 - 0.1 * position as f64);
    let mut other = input.workers[0].clone();
    other.id = "00000000-0000-7000-8000-000000000008".parse().unwrap();
    other.profile.devices[0].model = "another cpu".into();
    let id = other.id;
    input.workers.push(other);
    let devices = |input: &ReportInput| analyse(input).front.unwrap().devices;
    let trial = input.trials[1].spec.id;
    // It evaluated one, and failed at another before any epoch.
    for work in [WorkKind::Evaluate, WorkKind::Train] {
        push_attempt(&mut input, trial, AttemptState::Failed, Some(FailureKind::Crashed), None);
        let attempt = input.attempts.last_mut().unwrap();
        (attempt.worker, attempt.work) = (id, work);
    }
    assert_eq!(devices(&input), ["test cpu"]);
    assert!(!text(&input, "report.md").contains("on different devices"));
    let number = input.attempts.last().unwrap().id.number;
    let epoch = input.epochs.iter_mut().rfind(|epoch| epoch.trial == trial).unwrap();
    epoch.attempt = number;
    assert_eq!(devices(&input), ["another cpu", "test cpu"]);
    assert!(text(&input, "report.md").contains("on different devices"));
}

/// Student's t of a two-sided 95 % with five degrees of freedom.
const T_OF_SIX: f64 = 2.570_581_836;

#[test]
fn people_read_the_best_the_front_and_who_is_not_shown_to_be_worse_for_less() {
    let input = several_objectives(6, &PARAMETERS);
    let front = analyse(&input).front.unwrap();
    let cheapest = front.cheapest.clone().unwrap();
    let trials = values(&input, &["validation_accuracy", "parameters"]);
    let best = &front.configurations[0];
    let units = |one: &coordinator_report::model::WeighedConfiguration| {
        one.label.strip_prefix("units=").unwrap().parse::<u64>().unwrap()
    };
    // The interval of each member's difference from the best, by hand.
    let interval = |one: u64| {
        let pairs = trials[&one].iter().zip(&trials[&units(best)]);
        let differences: Vec<f64> = pairs.map(|(one, best)| one[0] - best[0]).collect();
        let mean = differences.iter().sum::<f64>() / 6.0;
        let squares: f64 = differences.iter().map(|one| (one - mean).powi(2)).sum();
        let reach = T_OF_SIX * (squares / 5.0 / 6.0).sqrt();
        [mean - reach, mean + reach]
    };
    let smaller: Vec<u64> = front.members().map(units).filter(|one| *one < units(best)).collect();
    let expected = smaller.iter().filter(|one| interval(**one)[1] >= 0.0).min().unwrap();
    assert!(smaller.iter().any(|one| interval(*one)[1] < 0.0), "one is shown to be worse: {smaller:?}");
    assert!(!cheapest.is_best && cheapest.label == format!("units={expected}"), "{cheapest:?}");
    let told = cheapest.first_difference_interval.unwrap();
    for (told, expected) in [told.low, told.high].iter().zip(interval(*expected)) {
        assert!((told - expected).abs() < 1e-6, "{told}, not {expected}");
    }
    let others = front.members().filter(|one| one.label != best.label).count();
    let said = format!(
        "Others on the Pareto front of validation accuracy, parameters: {others}. Of the configurations on the front that are shown to be \
         better in parameters and not shown to be worse in validation accuracy, {} has the best mean parameters:",
        cheapest.label
    );
    let page = text(&input, "report.md");
    let conclusion = conclusion(&input);
    assert!(conclusion.contains(&said), "{conclusion}");
    assert!(conclusion.contains("95 % interval of the difference"), "{conclusion}");
    assert!(page.contains(&said), "{page}");
    assert!(
        page.contains("## Pareto front")
            && page
                .contains("| rank | configuration | validation accuracy | parameters | share on the front |"),
        "{page}"
    );
    let html = text(&input, "report.html");
    assert!(
        html.contains(r#""scales":["parameters","validation accuracy (%)"]"#)
            && !html.contains(r#""is_apart":true"#)
    );
    let three = text(&several_objectives(3, &BOTH), "report.html");
    assert!(three.contains(r#""is_apart":true"#));
    assert!(three.contains("Front of all objectives, by validation accuracy and parameters"));
    let korean = String::from_utf8(files_in(&input, Language::Korean).remove("report.md").unwrap()).unwrap();
    assert!(korean.contains("## 파레토 최적선"), "{korean}");
}

#[test]
fn a_signature_holds_the_objectives_and_those_of_one_objective_stay_as_they_were() {
    let digest = |input: &ReportInput, projection| records_digest(input, projection).unwrap();
    for projection in Projection::ALL {
        let mut input = study();
        let before = digest(&input, projection);
        input.sweep.spec.further_objectives = FurtherObjectives::of(PARAMETERS).unwrap();
        assert_ne!(digest(&input, projection), before);
        input.sweep.spec.further_objectives = FurtherObjectives::default();
        assert_eq!(digest(&input, projection), before);
    }
}

/// Fronts that pymoo's non-dominated sorting found: see `golden/front.py`.
#[test]
fn fronts_are_those_of_pymoo() {
    let golden: Json = serde_json::from_str(include_str!("golden/front.json")).unwrap();
    let cases = golden.as_array().unwrap();
    assert!(cases.len() >= 6);
    for case in cases {
        let numbers = |value: &Json| {
            value.as_array().unwrap().iter().map(|one| one.as_f64().unwrap()).collect::<Vec<_>>()
        };
        let points: Vec<Point> = case["points"]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| {
                let mut scores = Point::default();
                scores.iter_mut().zip(numbers(point)).for_each(|(score, number)| *score = number);
                scores
            })
            .collect();
        let places = on_front(&points);
        let found: Vec<f64> = (0..points.len()).filter(|at| places[*at]).map(|at| at as f64).collect();
        assert_eq!(found, numbers(&case["front"]), "{}", case["name"]);
    }
}

/// Ten thousand configurations of three objectives, most of them on the front, are looked at in bounded work: the shares, too.
#[test]
fn ten_thousand_configurations_are_looked_at_quickly() {
    let spread = |at: usize| {
        let angle = at as f64 / 10_000.0 * std::f64::consts::FRAC_PI_2;
        [angle.cos(), angle.sin(), (at % 7) as f64]
    };
    let points: Vec<Point> = (0..10_000).map(spread).collect();
    let began = Instant::now();
    let members = on_front(&points).into_iter().filter(|is_on| *is_on).count();
    let front = began.elapsed();
    let rows: Vec<Vec<Point>> = points.iter().map(|point| vec![*point; 10]).collect();
    let shares = coordinator_statistics::front::shares_on_front(&rows).unwrap();
    println!("{members} of 10,000 on the front in {front:?}; shares after {:?}", began.elapsed());
    assert!(shares.iter().all(|share| *share == 1.0 || *share == 0.0));
    assert_eq!(shares.iter().filter(|share| **share == 1.0).count(), members);
}

//! The Pareto front of a sweep with several objectives, held against the exported trials.
#![allow(clippy::unwrap_used, reason = "tests may stop")]

use std::collections::BTreeMap;
use std::time::Instant;

use coordinator_core::TrialState;
use coordinator_report::{Language, Projection, ReportInput, analyse, records_digest};
use coordinator_statistics::front::{Point, on_front};
use serde_json::Value as Json;
use sweep_proto::{FrontObjective, FurtherObjectives};

use crate::fixture::{files_in, several_objectives, study, text, without_result};

const PARAMETERS: [FrontObjective; 1] = [FrontObjective::Parameters];
const BOTH: [FrontObjective; 2] = [FrontObjective::Parameters, FrontObjective::Seconds];

/// The units of each configuration with its means of these columns, from the exported trials alone.
fn means(input: &ReportInput, columns: &[&str]) -> BTreeMap<u64, Vec<f64>> {
    let text = text(input, "trials.csv");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let at = |name: &str| head.iter().position(|one| *one == name).unwrap();
    let mut trials: BTreeMap<u64, Vec<Vec<f64>>> = BTreeMap::new();
    for line in lines {
        let values = columns.iter().map(|name| line[at(name)].parse().unwrap()).collect();
        trials.entry(line[at("units")].parse().unwrap()).or_default().push(values);
    }
    let mean =
        |rows: &Vec<Vec<f64>>, at: usize| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64;
    trials
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
    let front = of(6);
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
    let few = of(2);
    assert!(few.configurations.iter().all(|one| one.bootstrap_share_on_front.is_none()));
    assert!(few.noise.is_none() && few.cheapest.is_none());
    let page = text(&several_objectives(2, &PARAMETERS), "report.md");
    assert!(page.contains("With fewer than three replicates nothing tells"), "{page}");
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

#[test]
fn people_read_the_best_the_front_and_who_is_as_good_for_less() {
    let input = several_objectives(6, &PARAMETERS);
    let front = analyse(&input).front.unwrap();
    let (noise, cheapest) = (front.noise.unwrap(), front.cheapest.clone().unwrap());
    let accuracy = |label: &str| {
        front.configurations.iter().find(|one| one.label == label).map(|one| one.objectives[0].mean).unwrap()
    };
    let best = &front.configurations[0];
    assert!(!cheapest.is_best && accuracy(&cheapest.label) >= best.objectives[0].mean - noise);
    for other in front.members().filter(|one| one.objectives[0].mean >= best.objectives[0].mean - noise) {
        assert!(other.objectives[1].mean >= cheapest.mean, "{other:?}");
    }
    let others = front.members().filter(|one| one.label != best.label).count();
    let said = format!(
        "Others on the Pareto front of validation accuracy, parameters: {others}. As good in validation accuracy"
    );
    let page = text(&input, "report.md");
    let conclusion = json(&input)["answer"]["conclusion"].as_str().unwrap().to_owned();
    assert!(
        conclusion.contains(&said) && conclusion.contains(&format!("in parameters: {},", cheapest.label)),
        "{conclusion}"
    );
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
    assert!(text(&several_objectives(3, &BOTH), "report.html").contains(r#""is_apart":true"#));
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
    let rows: Vec<Vec<Point>> = points.iter().map(|point| vec![*point; 3]).collect();
    let shares = coordinator_statistics::front::shares_on_front(&rows).unwrap();
    println!("{members} of 10,000 on the front in {front:?}; shares after {:?}", began.elapsed());
    assert!(shares.iter().all(|share| *share == 1.0 || *share == 0.0));
    assert_eq!(shares.iter().filter(|share| **share == 1.0).count(), members);
}

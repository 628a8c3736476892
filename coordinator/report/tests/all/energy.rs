//! Energy in the report: where it is known, of what it is known, and nowhere else.
#![allow(clippy::unwrap_used, clippy::float_cmp, clippy::panic, reason = "a test may stop")]

use crate::fixture;

use coordinator_report::analyse;
use fixture::{study, text};

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn energy_is_told_of_the_worker_whose_device_tells_it() {
    let mut input = study();
    let silent = text(&input, "report.md");
    assert!(!silent.contains("energy") && !text(&input, "report.json").contains("energy"));
    assert!(text(&input, "trials.csv").lines().next().unwrap().contains(",energy_joules,"));

    let mut other = input.workers[0].clone();
    other.id = "00000000-0000-7000-8000-000000000008".parse().unwrap();
    other.profile.name = "rack".into();
    other.profile.devices[0].model = "Test H100".into();
    input.workers.push(other.clone());
    // Two trials on the other machine: it tells all epochs of the first, and all but one of the second.
    for (at, known) in [(0, 10), (1, 9)] {
        input.attempts[at].worker = other.id;
        let trial = input.attempts[at].id.trial;
        let of_trial = input.epochs.iter_mut().filter(|epoch| epoch.trial == trial);
        of_trial.take(known).for_each(|epoch| epoch.metric.energy_joules = Some(360.0));
    }
    let cost = analyse(&input).cost;
    let [desk, rack] = &cost.by_worker[..] else { panic!("two workers") };
    assert_eq!((desk.energy, rack.epochs), (None, 20));
    let energy = rack.energy.unwrap();
    near(energy.watt_hours, 1.9);
    assert_eq!(energy.epochs, 19);
    assert_eq!(cost.by_device.iter().find(|one| one.name == "Test H100").unwrap().energy, Some(energy));
    let known: Vec<f64> = cost.configurations.iter().filter_map(|one| one.energy_joules).collect();
    assert_eq!(known, [3_600.0], "only of the trial of which it is known whole");

    let page = text(&input, "report.md");
    assert!(page.contains("1.9 Wh in 19 epochs") && page.contains("1.0 Wh"), "{page}");
    let told = |name: &str| {
        let csv = text(&input, name);
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let at = reader.headers().unwrap().iter().position(|one| one == "energy_joules").unwrap();
        // An unknown one is empty.
        reader.records().filter_map(|row| row.unwrap()[at].parse().ok()).collect::<Vec<f64>>()
    };
    assert_eq!(told("trials.csv"), [3_600.0]);
    assert_eq!(told("epochs.csv"), vec![360.0; 19]);
}

//! Sweeps that are ranked by other metrics than the validation loss.

use std::collections::BTreeMap;

use sweep_proto::{
    Configuration, Hyperparameter, Objective, PrunerName, Search, SweepId, SweepSpec, TrialId, Value,
};

use coordinator_core::{Command, SweepState};

use crate::support::lab::Lab;
use crate::support::values;

fn spec(name: &str, objective: Objective) -> SweepSpec {
    SweepSpec { objective, ..values::spec(name, &[8, 16, 24, 32], 2, 4) }
}

/// The configurations of a sweep, best first, from its epochs alone: in each trial the value of the epoch with the lowest validation loss.
fn ranked(lab: &Lab, sweep: SweepId, objective: Objective) -> Vec<(Configuration, f64)> {
    let mut values: BTreeMap<Configuration, Vec<f64>> = BTreeMap::new();
    for trial in lab.engine.tables().trials_of(sweep) {
        let of = trial.reused_from.unwrap_or(trial.spec.id);
        let epochs = lab.engine.tables().epochs_of(of).map(|epoch| &epoch.metric);
        let kept = epochs.min_by(|one, other| one.validation_loss.total_cmp(&other.validation_loss)).unwrap();
        let value = objective.figure().of(kept).unwrap();
        values.entry(trial.spec.configuration.clone()).or_default().push(value);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut ranked: Vec<_> = values.iter().map(|(one, values)| (one.clone(), mean(values))).collect();
    let is_maximised = objective.direction() == "maximize";
    ranked.sort_by(
        |(_, one), (_, other)| if is_maximised { other.total_cmp(one) } else { one.total_cmp(other) },
    );
    ranked
}

fn finish(lab: &mut Lab, worker: sweep_proto::WorkerId, sweep: SweepId) {
    while lab.state(sweep) != SweepState::Finished {
        let granted = lab.ask_one(worker);
        match granted.work {
            sweep_proto::WorkKind::Train => lab.train(&granted),
            sweep_proto::WorkKind::Evaluate => lab.evaluate(&granted),
        }
    }
}

#[test]
fn each_objective_chooses_what_a_plain_computation_over_the_epochs_chooses() {
    let (mut lab, worker) = Lab::with_worker(2);
    let mut chosen = Vec::new();
    for objective in Objective::all() {
        let sweep = lab.launch(spec(objective.name(), objective));
        finish(&mut lab, worker, sweep);
        let ranked = ranked(&lab, sweep, objective);
        let told = lab.engine.configurations(sweep);
        assert_eq!(told.len(), ranked.len());
        for (told, (configuration, value)) in told.iter().zip(&ranked) {
            assert_eq!(told.configuration, *configuration, "{objective}");
            assert!((objective.value(told.score) - value).abs() < 1e-12, "{objective}: {told:?} {value}");
        }
        let record = lab.engine.sweep(sweep).unwrap();
        assert_eq!(record.chosen.as_ref(), Some(&ranked[0].0), "{objective}");
        let lowest = lab.engine.lowest_trial(sweep).unwrap();
        let scores = lab.engine.tables().trials_of(sweep).filter_map(coordinator_core::TrialRecord::score);
        assert_eq!(lowest.score(), scores.min_by(f64::total_cmp));
        assert_eq!(lab.engine.audit(), Vec::<String>::new());
        chosen.push(ranked[0].0.clone());
    }
    // The first sweep was trained, the others took its results over: the objective is no part of a trial's key.
    let reused = |sweep| lab.engine.tables().trials_of(sweep).all(|trial| trial.reused_from.is_some());
    assert!(!reused(SweepId(1)) && reused(SweepId(2)) && reused(SweepId(3)));
    assert!(chosen.iter().any(|one| *one != chosen[0]), "all objectives agree, so this shows nothing");
}

#[test]
fn a_row_without_another_objective_is_that_of_an_earlier_program() {
    let (mut lab, worker) = Lab::with_worker(2);
    let sweep = lab.launch(spec("loss", Objective::default()));
    finish(&mut lab, worker, sweep);
    let row = serde_json::to_string(lab.engine.sweep(sweep).unwrap()).unwrap();
    assert!(!row.contains("objective"), "{row}");
    let trial = serde_json::to_string(lab.trial(sweep, 0)).unwrap();
    assert!(!trial.contains("objective"), "{trial}");
    let by_f1 = Objective::from_name("validation_macro_f1").unwrap();
    let sweep = lab.launch(spec("macro F1", by_f1));
    let row = serde_json::to_string(lab.engine.sweep(sweep).unwrap()).unwrap();
    assert!(row.contains(r#""objective":"validation_macro_f1""#), "{row}");
}

#[test]
fn rungs_are_ranked_by_the_objective() {
    for objective in Objective::all() {
        let (mut lab, worker) = Lab::with_worker(3);
        let mut spec = SweepSpec { objective, ..values::spec("pruned", &[8, 16, 24], 1, 5) };
        spec.fixed.set(Hyperparameter::Patience, Value::Integer(0)).unwrap();
        let asha =
            Search { pruner: PrunerName::Asha, eta: Some(3), min_epochs: Some(2), ..Search::of_grid() };
        spec.search = Some(Box::new(asha));
        let sweep = lab.launch(spec);
        for granted in lab.ask(worker, 3) {
            (1..=2).for_each(|epoch| lab.report(granted.token, &granted.spec, epoch));
        }
        let score = |index: u32| {
            let epochs = lab.engine.tables().epochs_of(TrialId { sweep, index }).map(|epoch| &epoch.metric);
            let kept = epochs.min_by(|one, other| one.validation_loss.total_cmp(&other.validation_loss));
            objective.score_of(kept.unwrap()).unwrap()
        };
        let best = (0..3).min_by(|one, other| score(*one).total_cmp(&score(*other))).unwrap();
        while lab.engine.is_behind() {
            lab.run(&Command::Follow);
        }
        let [promoted] = &lab.ask(worker, 3)[..] else { panic!("one in three is promoted") };
        assert_eq!(promoted.spec.id.index, best, "{objective}");
    }
}

//! Steered searches: their trials are made, paused and promoted as the search answers, and it comes to its end with what it names.

use coordinator_core::{
    Command, ConclusionReason, Granted, Reply, SearchEvent, Steering, SweepState, TrialState,
};
use sweep_proto::{AttemptOutcome, Budget, SamplerName, Search, SweepId, SweepSpec, TrialId, WorkerId};

use crate::support::lab::Lab;
use crate::support::values;

/// Six widths with two replicates of four epochs each.
fn spec(budget: Budget) -> SweepSpec {
    let mut spec = values::spec("steered", &[8, 16, 24, 32, 40, 48], 2, 4);
    spec.search = Some(Box::new(Search { sampler: SamplerName::Auto, budget, ..Search::of_grid() }));
    spec
}

fn events(lab: &Lab, sweep: SweepId) -> Vec<SearchEvent> {
    lab.engine.tables().search_events_of(sweep).map(|event| event.event).collect()
}

/// Everything that a sweep still has to do is done.
fn finish(lab: &mut Lab, worker: WorkerId, sweep: SweepId) {
    for _ in 0..200 {
        lab.propose();
        if lab.state(sweep).is_ended() {
            return;
        }
        lab.run(&Command::Follow);
        for granted in lab.ask(worker, 1) {
            match lab.state(sweep) {
                SweepState::Evaluating => lab.evaluate(&granted),
                _ => train(lab, &granted),
            }
        }
    }
    panic!("sweep {sweep} does not end: {:?}", lab.engine.sweep(sweep));
}

/// Trains until the trial has come to its end or its search has called it back.
fn train(lab: &mut Lab, granted: &Granted) {
    let first = granted.checkpoint.map_or(1, |checkpoint| checkpoint.epoch + 1);
    for epoch in first..=values::epochs(&granted.spec) {
        lab.report(granted.token, &granted.spec, epoch);
        lab.propose();
        if lab.engine.lease_holder(granted.token).is_none() {
            return;
        }
    }
    lab.complete(granted.token, AttemptOutcome::Trained(values::result(&granted.spec)));
}

#[test]
fn a_steered_search_names_a_configuration_and_ends() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(spec(Budget::default()));
    finish(&mut lab, worker, sweep);
    let record = lab.engine.sweep(sweep).unwrap();
    assert_eq!(record.state, SweepState::Finished);
    let conclusion = record.conclusion.as_deref().unwrap();
    assert!(conclusion.named.configuration.is_some());
    assert_eq!(record.chosen, conclusion.named.configuration);
    let trials: Vec<_> = lab.engine.tables().trials_of(sweep).collect();
    assert!(trials.len() <= 12, "{}", trials.len());
    assert!(matches!(events(&lab, sweep)[0], SearchEvent::Asked { count: 1, workers: 1 }));
}

#[test]
fn a_budget_of_epochs_is_kept_and_the_best_so_far_is_named() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(spec(Budget { epochs: Some(9), ..Budget::default() }));
    finish(&mut lab, worker, sweep);
    let record = lab.engine.sweep(sweep).unwrap();
    let conclusion = record.conclusion.as_deref().unwrap();
    assert_eq!(conclusion.reason, ConclusionReason::Budget);
    assert!(conclusion.named.configuration.is_some() && record.chosen == conclusion.named.configuration);
    let trained = lab.engine.tables().epochs.len();
    assert!(trained <= 9, "{trained} epochs");
}

/// The first trial has one epoch.
fn begun() -> (Lab, WorkerId, SweepId, Granted) {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(spec(Budget::default()));
    lab.ask(worker, 1);
    lab.propose();
    let granted = lab.ask_one(worker);
    lab.report(granted.token, &granted.spec, 1);
    (lab, worker, sweep, granted)
}

/// The first trial has one epoch when its search lets it wait.
fn paused() -> (Lab, WorkerId, SweepId, Granted) {
    let (mut lab, worker, sweep, granted) = begun();
    pause(&mut lab, sweep, 0, 1);
    (lab, worker, sweep, granted)
}

fn pause(lab: &mut Lab, sweep: SweepId, trial: u32, epoch: u32) {
    let version = lab.engine.sweep(sweep).unwrap().search.unwrap().version;
    let answer = Ok(Steering { chosen: None, pauses: vec![(trial, epoch)] });
    lab.run(&Command::Steer { sweep, version, answer });
}

#[test]
fn a_paused_trial_keeps_its_checkpoint_and_its_worker_is_told() {
    let (mut lab, worker, sweep, granted) = paused();
    let trial = lab.trial(sweep, 0);
    assert_eq!((trial.state, trial.rung(), trial.until_epoch), (TrialState::Paused, Some(1), Some(1)));
    let (standing, _) = lab.heartbeat(worker, &[granted.token]);
    assert_eq!(standing.len(), 1);
    assert!(lab.engine.lease_holder(granted.token).is_none());
    assert_eq!(events(&lab, sweep).last(), Some(&SearchEvent::Asked { count: 1, workers: 1 }));
    finish(&mut lab, worker, sweep);
    assert!(lab.trial(sweep, 0).state.is_terminal());
}

#[test]
fn a_pause_that_comes_too_late_changes_nothing() {
    let (mut lab, _, sweep, granted) = begun();
    lab.report(granted.token, &granted.spec, 2);
    let version = lab.engine.sweep(sweep).unwrap().search.unwrap().version;
    let late = |pauses| Command::Steer { sweep, version, answer: Ok(Steering { chosen: None, pauses }) };
    lab.changes_nothing(&late(vec![(0, 1)]));
    lab.changes_nothing(&late(vec![(7, 1)]));
    for epoch in 3..=4 {
        lab.report(granted.token, &granted.spec, epoch);
    }
    // It has come to its end, and only its result is lacking.
    lab.changes_nothing(&late(vec![(0, 4)]));
    let old = Command::Steer { sweep, version: version - 1, answer: Err("old".into()) };
    lab.changes_nothing(&old);
}

#[test]
fn a_search_that_fails_holds_its_sweep_and_goes_on_when_it_is_resumed() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(spec(Budget::default()));
    lab.ask(worker, 1);
    let version = lab.engine.sweep(sweep).unwrap().search.unwrap().version;
    lab.run(&Command::Steer { sweep, version, answer: Err("it has a fault".into()) });
    let held = lab.engine.sweep(sweep).unwrap().held.clone().unwrap();
    assert!(held.contains("it has a fault") && held.contains("resume"), "{held}");
    lab.run(&Command::Resume(sweep));
    finish(&mut lab, worker, sweep);
}

#[test]
fn a_longer_budget_lets_an_ended_search_go_on() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(spec(Budget { trials: Some(2), ..Budget::default() }));
    finish(&mut lab, worker, sweep);
    assert_eq!(lab.engine.made(sweep), 2);
    let more = coordinator_core::Extension {
        budget: Budget { trials: Some(6), ..Budget::default() },
        ..coordinator_core::Extension::default()
    };
    let extend = Command::Extend { sweep, more, datasets: Vec::new(), caller: None, quota: Box::default() };
    assert_eq!(lab.run(&extend), Reply::Done);
    assert!(lab.engine.sweep(sweep).unwrap().conclusion.is_none());
    finish(&mut lab, worker, sweep);
    assert!(lab.engine.made(sweep) > 2);
    assert!(lab.engine.sweep(sweep).unwrap().conclusion.is_some());
}

#[test]
fn a_deleted_sweep_takes_its_log_along() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(spec(Budget { trials: Some(2), ..Budget::default() }));
    finish(&mut lab, worker, sweep);
    lab.run(&Command::Delete(sweep));
    while lab.engine.is_behind() {
        lab.run(&Command::Follow);
    }
    assert!(events(&lab, sweep).is_empty());
    assert!(lab.engine.tables().trials.get(&TrialId { sweep, index: 0 }).is_none());
}

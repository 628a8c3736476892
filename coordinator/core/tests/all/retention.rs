//! What is not kept for ever: what goes when, in which parts, and what stays because somebody needs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use coordinator_core::limits::{KEEP_STEPS_MS, KEEP_UNUSED_MS};
use coordinator_core::{
    Command, Engine, Extension, Keep, Key, Mutation, Rejection, Retried, SweepState, TrialState, Waste,
    WorkerState,
};
use sweep_proto::{SweepId, Timestamp, TrialId, WorkKind, WorkerId};

use support::lab::{Lab, operator};
use support::values;

/// Everything goes at once, for ever kept otherwise.
const NOTHING: Keep = Keep { unused_ms: None, steps_ms: None, models_ms: None };

/// Trains and evaluates everything there is.
fn finish(lab: &mut Lab, worker: WorkerId) {
    while let Some(granted) = lab.ask(worker, 1).pop() {
        match granted.work {
            WorkKind::Train => lab.train(&granted),
            WorkKind::Evaluate => lab.evaluate(&granted),
        }
    }
}

/// A lab that is restarted from its rows, with slices of that size.
fn restarted(lab: &mut Lab, slice: usize) {
    lab.engine = Engine::restore(lab.engine.tables().clone(), lab.now).with_slice(slice);
}

/// A finished sweep of four configurations with two replicates each.
fn finished() -> (Lab, WorkerId, SweepId) {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("old", &[8, 16, 24, 32], 2, 2));
    finish(&mut lab, worker);
    assert_eq!(lab.state(sweep), SweepState::Finished);
    (lab, worker, sweep)
}

/// Trials whose model is there.
fn with_models(lab: &Lab, sweep: SweepId) -> Vec<u32> {
    let trials = lab.engine.tables().trials_of(sweep);
    trials
        .filter(|trial| trial.result.is_some() && trial.blobs().next().is_some())
        .map(|one| one.spec.id.index)
        .collect()
}

#[test]
fn step_metrics_go_long_after_the_end_of_their_sweep_once_and_in_parts() {
    let (mut lab, worker, sweep) = finished();
    let open = lab.launch(values::spec("open", &[40], 1, 1));
    let keep = Keep::default();
    let later = Timestamp(lab.now.0 + KEEP_STEPS_MS);
    assert!(lab.engine.waste(Timestamp(later.0 - 1), &keep).is_nothing(), "not yet");
    let due = lab.engine.waste(later, &keep);
    assert_eq!((due.trials_with_steps(), due.models), (8, 0), "of the sweep that has ended, and no model");
    lab.now = later;
    restarted(&mut lab, 3);
    let decision = lab.decide(&Command::Forget { keep, by: operator() }).unwrap();
    let removed = decision.mutations.iter().filter_map(|mutation| match mutation {
        Mutation::Remove(Key::Steps(trial)) => Some(*trial),
        _ => None,
    });
    let first = (0..3).map(|index| TrialId { sweep, index });
    assert!(removed.eq(first), "{:?}", decision.mutations);
    let parts: Vec<u64> = lab.forget(keep).iter().map(Waste::trials_with_steps).collect();
    assert_eq!(parts, [3, 3, 2]);
    assert_eq!(lab.forget(keep), [], "once");
    restarted(&mut lab, 3);
    assert_eq!(lab.forget(keep), [], "over a restart, too");
    // What is added later has step metrics of its own.
    restarted(&mut lab, 250);
    lab.run(&Command::Extend {
        sweep,
        more: Extension { replicates: Some(3), ..Extension::default() },
        datasets: Vec::new(),
        caller: None,
        quota: Box::default(),
    });
    lab.run(&values::register(worker, 1, true));
    finish(&mut lab, worker);
    assert_eq!((lab.state(sweep), lab.state(open)), (SweepState::Finished, SweepState::Finished));
    lab.now = Timestamp(lab.now.0 + KEEP_STEPS_MS);
    assert_eq!(lab.engine.waste(lab.now, &keep).trials_with_steps(), 12 + 1);
}

#[test]
fn models_go_but_those_of_the_best_configuration_and_then_nothing_is_chosen_again() {
    let (mut lab, worker, sweep) = finished();
    let before = with_models(&lab, sweep);
    let best: Vec<u32> = lab.engine.trials_of_choice(sweep).map(|trial| trial.spec.id.index).collect();
    let report = lab.engine.configurations(sweep);
    let keep = Keep { models_ms: Some(5), ..NOTHING };
    assert_eq!(lab.forget(keep), [], "not yet");
    lab.now = Timestamp(lab.now.0 + 5);
    restarted(&mut lab, 3);
    let due = lab.engine.waste(lab.now, &keep);
    assert_eq!(due.models as usize, before.len() - best.len());
    let gone: u64 = lab.forget(keep).iter().map(|part| part.models).sum();
    assert_eq!(gone, due.models);
    assert_eq!(with_models(&lab, sweep), best);
    assert_eq!(lab.engine.named_blobs().len(), best.len() + 1, "these models, and the dataset");
    assert_eq!(lab.engine.configurations(sweep), report, "what was found stays");
    restarted(&mut lab, 3);
    assert_eq!(lab.forget(keep), []);
    let extend = Command::Extend {
        sweep,
        more: Extension { replicates: Some(3), ..Extension::default() },
        datasets: Vec::new(),
        caller: None,
        quota: Box::default(),
    };
    let retry = Command::Retry {
        sweep,
        which: Retried::Every { failed: true, diverged: true },
        caller: None,
        quota: Box::default(),
    };
    for again in [extend, retry] {
        let refused = lab.refused(&again).to_string();
        assert!(
            refused.contains("launch its file again") && refused.contains("--keep-models-days"),
            "{refused}"
        );
    }
    // A result without a model stands in for nothing: another sweep may have to measure it.
    restarted(&mut lab, 250);
    let next = lab.launch(values::spec("next", &[8, 16, 24, 32], 2, 2));
    let reused: Vec<u32> =
        lab.engine.tables().trials_of(next).filter_map(|trial| Some(trial.reused_from?.index)).collect();
    assert_eq!(reused, best);
    finish(&mut lab, worker);
    assert_eq!(lab.state(next), SweepState::Finished);
}

#[test]
fn of_a_cancelled_sweep_the_models_stay_of_what_was_best_so_far() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("cut", &[8, 16, 24, 32], 1, 2));
    for _ in 0..3 {
        let granted = lab.ask_one(worker);
        lab.train(&granted);
    }
    lab.run(&Command::Cancel(sweep));
    lab.now = Timestamp(lab.now.0 + 1);
    lab.forget(Keep { models_ms: Some(0), ..NOTHING });
    let best = lab.engine.lowest_trial(sweep).unwrap().spec.id.index;
    assert_eq!(with_models(&lab, sweep), [best]);
}

#[test]
fn a_model_that_the_choice_needs_is_missed() {
    let (mut lab, _, sweep) = finished();
    let mut chosen = lab.engine.trials_of_choice(sweep).next().unwrap().clone();
    chosen.model_is_removed = true;
    lab.engine.evolve(&Mutation::Trial(chosen));
    let problems = lab.engine.audit();
    assert!(problems.iter().any(|one| one.contains("lacks 1 models that it needs")), "{problems:?}");
}

#[test]
fn the_days_of_a_worker_that_left_go_on_over_a_restart() {
    let (mut lab, worker) = Lab::with_worker(1);
    lab.pass(5_000);
    let left = lab.now;
    lab.run(&Command::Deregister(worker));
    assert_eq!(lab.engine.tables().workers[&worker].left_at, Some(left));
    let days = |lab: &Lab, ms| lab.engine.waste(Timestamp(left.0 + ms), &Keep::default()).workers;
    lab.now = Timestamp(left.0 + KEEP_UNUSED_MS / 2);
    restarted(&mut lab, 250);
    assert_eq!((days(&lab, KEEP_UNUSED_MS - 1), days(&lab, KEEP_UNUSED_MS)), (0, 1));
    // One that comes back has not left.
    lab.run(&values::register(worker, 1, true));
    assert_eq!(lab.engine.tables().workers[&worker].left_at, None);
    lab.now = Timestamp(lab.now.0 + 200_000);
    lab.run(&Command::Tick);
    lab.pass(200_000);
    assert_eq!(lab.engine.tables().workers[&worker].state, WorkerState::Lost);
    assert!(lab.engine.tables().workers[&worker].left_at.is_some());
}

#[test]
fn what_is_kept_for_ever_is_kept_for_ever() {
    let (mut lab, worker, sweep) = finished();
    lab.run(&Command::Deregister(worker));
    lab.now = Timestamp(u64::MAX / 2);
    assert!(lab.engine.waste(lab.now, &NOTHING).is_nothing());
    assert_eq!(lab.forget(NOTHING), []);
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Completed);
    assert!(matches!(lab.refused(&Command::Delete(SweepId(9))), Rejection::UnknownSweep(_)));
}

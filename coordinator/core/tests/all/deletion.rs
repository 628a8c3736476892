//! Deletion: what goes, what stays because a later sweep rests on it, and how little of it happens at one time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use coordinator_core::{Command, Engine, Key, Mutation, Rejection, SweepState, TrialRecord, TrialState};
use sweep_proto::{SweepId, TrialId, WorkKind, WorkerId};

use support::lab::Lab;
use support::values;

/// Trains and evaluates everything there is.
fn finish(lab: &mut Lab, worker: WorkerId) {
    while let Some(granted) = lab.ask(worker, 1).pop() {
        match granted.work {
            WorkKind::Train => lab.train(&granted),
            WorkKind::Evaluate => lab.evaluate(&granted),
        }
    }
}

/// Lets everything follow; how many commands that took.
fn follow(lab: &mut Lab) -> usize {
    let mut steps = 0;
    while lab.engine.is_behind() {
        lab.run(&Command::Follow);
        steps += 1;
    }
    steps
}

/// A lab that is restarted from its rows, in which that number of trials at one time follows what is decided of their sweep.
fn in_slices(mut lab: Lab, trials: usize) -> Lab {
    lab.engine = Engine::restore(lab.engine.tables().clone(), lab.now).with_slice(trials);
    lab
}

/// A finished sweep of four trials, and a later one that has taken over its first two.
fn with_a_later_sweep() -> (Lab, WorkerId, SweepId, SweepId) {
    let (mut lab, worker) = Lab::with_worker(1);
    let first = lab.launch(values::spec("first", &[8, 16, 24, 32], 1, 2));
    finish(&mut lab, worker);
    let second = lab.launch(values::spec("second", &[8, 16], 1, 2));
    finish(&mut lab, worker);
    assert_eq!((lab.state(first), lab.state(second)), (SweepState::Finished, SweepState::Finished));
    assert_eq!(lab.engine.ledger(second).reused, 2);
    (lab, worker, first, second)
}

#[test]
fn a_deleted_sweep_leaves_nothing_and_its_number_stays_taken() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("gone", &[8, 16], 2, 2));
    finish(&mut lab, worker);
    assert!(!lab.engine.named_blobs().is_empty());
    let token = lab.engine.tables().attempts.values().next().unwrap().token;
    lab.run(&Command::Delete(sweep));
    assert_eq!(follow(&mut lab), 0, "few trials go at once");
    let tables = lab.engine.tables();
    assert!(tables.sweeps.is_empty() && tables.trials.is_empty());
    assert!(tables.attempts.is_empty() && tables.epochs.is_empty());
    assert!(lab.engine.named_blobs().is_empty());
    assert_eq!((lab.engine.resolve("gone"), lab.engine.resolve("1")), (None, None));
    assert_eq!(lab.refused(&Command::Delete(sweep)), Rejection::UnknownSweep(sweep));
    let late =
        Command::Complete { token, outcome: sweep_proto::AttemptOutcome::Released { checkpoint: None } };
    assert!(matches!(lab.refused(&late), Rejection::LeaseLost { .. }));
    // Over a restart, too.
    let mut lab = in_slices(lab, 250);
    assert_eq!(lab.launch(values::spec("next", &[8], 1, 2)), SweepId(2));
}

#[test]
fn only_ended_sweeps_are_deleted() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("open", &[8, 16], 1, 2));
    let refused = |lab: &Lab| lab.refused(&Command::Delete(sweep)).to_string();
    assert!(refused(&lab).contains("cancel it first (`sweep cancel 1`)"), "{}", refused(&lab));
    lab.run(&Command::Pause(sweep));
    assert!(refused(&lab).contains("is paused"));
    lab.run(&Command::Resume(sweep));
    let granted = lab.ask_one(worker);
    lab.run(&Command::Cancel(sweep));
    lab.run(&Command::Delete(sweep));
    assert!(lab.engine.sweep(sweep).is_none());
    let late = support::lab::report(granted.token, &granted.spec, 1);
    assert!(matches!(lab.refused(&late), Rejection::LeaseLost { .. }));
}

#[test]
fn what_a_later_sweep_has_taken_over_stays_with_its_curve_until_that_one_goes() {
    let (mut lab, _, first, second) = with_a_later_sweep();
    let before: Vec<_> = (0..2)
        .map(|index| {
            let (trial, origin) = (TrialId { sweep: second, index }, TrialId { sweep: first, index });
            let tables = lab.engine.tables();
            assert_eq!(tables.trials[&trial].reused_from, Some(origin), "the origin is named");
            let attempts: Vec<_> = tables.attempts_of(origin).cloned().collect();
            let epochs: Vec<_> = tables.epochs_of(origin).cloned().collect();
            assert_eq!((attempts.is_empty(), epochs.len()), (false, 2));
            (tables.trials[&trial].clone(), tables.trials[&origin].clone(), attempts, epochs)
        })
        .collect();
    lab.run(&Command::Delete(first));
    follow(&mut lab);
    let tables = lab.engine.tables();
    for (trial, origin, attempts, epochs) in before {
        assert_eq!(tables.trials[&trial.spec.id], trial);
        // Its number in a sweep that is gone is all that it may lose.
        let configuration_index = tables.trials[&origin.spec.id].configuration_index;
        assert_eq!(tables.trials[&origin.spec.id], TrialRecord { configuration_index, ..origin.clone() });
        assert_eq!(configuration_index, origin.configuration_index, "a deletion touches no row that stays");
        assert!(tables.attempts_of(origin.spec.id).eq(attempts.iter()));
        assert!(tables.epochs_of(origin.spec.id).eq(epochs.iter()));
    }
    assert_eq!(tables.trials.len(), 4, "the other two are gone");
    assert_eq!(lab.engine.sweeps().count(), 1);
    assert_eq!(lab.engine.resolve("first"), None);
    let record = &tables.sweeps[&first];
    assert!(record.file_text.is_empty() && record.datasets.is_empty());
    lab.run(&Command::Delete(second));
    follow(&mut lab);
    assert!(lab.engine.tables().sweeps.is_empty() && lab.engine.tables().trials.is_empty());
    assert!(lab.engine.named_blobs().is_empty());
}

#[test]
fn what_was_deleted_is_trained_again_unless_others_rest_on_it() {
    let (mut lab, _, first, _) = with_a_later_sweep();
    lab.run(&Command::Delete(first));
    follow(&mut lab);
    let third = lab.launch(values::spec("third", &[8, 24], 1, 2));
    let states: Vec<_> =
        lab.engine.tables().trials_of(third).map(|one| (one.state, one.reused_from)).collect();
    let kept = TrialId { sweep: first, index: 0 };
    assert_eq!(states, [(TrialState::Completed, Some(kept)), (TrialState::Pending, None)]);
}

#[test]
fn a_deletion_takes_many_steps_shows_at_once_and_goes_on_after_a_restart() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("large", &[8, 16, 24, 32], 2, 1));
    finish(&mut lab, worker);
    let mut lab = in_slices(lab, 3);
    lab.run(&Command::Delete(sweep));
    assert_eq!(lab.engine.tables().trials.len(), 5);
    assert_eq!(
        (lab.engine.resolve("large"), lab.engine.sweeps().count()),
        (None, 0),
        "nobody sees it any more"
    );
    let mut lab = in_slices(lab, 3);
    assert_eq!(follow(&mut lab), 2);
    assert!(lab.engine.tables().sweeps.is_empty());
}

#[test]
fn new_trials_come_before_old_ones_go() {
    let (mut lab, worker) = Lab::with_worker(1);
    let old = lab.launch(values::spec("old", &[8, 16, 24, 32], 1, 1));
    finish(&mut lab, worker);
    let mut lab = in_slices(lab, 1);
    lab.run(&Command::Delete(old));
    let new = lab.launch(values::spec("new", &[40, 48, 56], 1, 1));
    lab.run(&Command::Follow);
    lab.run(&Command::Follow);
    assert_eq!(lab.engine.unmade(new), 0);
    assert_eq!(lab.engine.tables().trials_of(old).count(), 3, "nobody waits for what goes away");
    assert_eq!(follow(&mut lab), 3);
}

#[test]
fn a_row_that_a_result_needs_is_missed() {
    let (mut lab, _, first, _) = with_a_later_sweep();
    lab.engine.evolve(&Mutation::Remove(Key::Trial(TrialId { sweep: first, index: 0 })));
    let problems = lab.engine.audit();
    assert!(problems.iter().any(|one| one.contains("reused from one unlike it")), "{problems:?}");
}

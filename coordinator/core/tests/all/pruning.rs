//! Trials that wait at rungs, are promoted and pruned; and whose result stands in for one that may train further.

use coordinator_core::{
    AttemptState, Command, Engine, Extension, Rejection, Reply, SweepState, TrialRecord, TrialState,
};
use proptest::prelude::*;
use sweep_proto::{
    AttemptOutcome, Axis, Budget, Hyperparameter, PrunerName, SamplerName, Search, SweepId, SweepSpec,
    TrialId, TrialSpec, Value, WorkerId,
};

use crate::support::lab::{Lab, report};
use crate::support::values;

/// A sweep of trials that train all their epochs.
fn spec(pruner: PrunerName, trials: u64, epochs: u64) -> SweepSpec {
    let units: Vec<u64> = (1..=trials).map(|one| one * 8).collect();
    let mut spec = values::spec("pruned", &units, 1, epochs);
    spec.search = Some(Box::new(Search { pruner, eta: Some(3), min_epochs: Some(1), ..Search::of_grid() }));
    spec
}

/// A trial's lowest loss up to an epoch.
fn best(spec: &TrialSpec, epoch: u32) -> f64 {
    (1..=epoch).map(|one| values::metric(spec, one).validation_loss).fold(f64::INFINITY, f64::min)
}

fn follow(lab: &mut Lab) {
    while lab.engine.is_behind() {
        lab.run(&Command::Follow);
    }
}

fn trials(lab: &Lab, sweep: SweepId) -> Vec<TrialRecord> {
    lab.engine.tables().trials_of(sweep).cloned().collect()
}

#[test]
fn a_trial_waits_at_its_rung_and_the_best_goes_on_from_its_checkpoint() {
    let (mut lab, worker) = Lab::with_worker(3);
    let sweep = lab.launch(spec(PrunerName::Asha, 3, 5));
    let granted = lab.ask(worker, 3);
    assert!(granted.iter().all(|one| one.until_epoch == Some(1)), "{granted:?}");
    for one in &granted {
        let answer = lab.run(&report(one.token, &one.spec, 1));
        assert!(
            matches!(&answer, Reply::AttemptEnded(why) if why.contains("waits at its rung")),
            "{answer:?}"
        );
        // The worker may not have heard it.
        let again = lab.decide(&report(one.token, &one.spec, 1)).unwrap();
        assert_eq!((again.reply, again.mutations.len()), (answer, 0));
        // A slot that stopped by itself tells so: nothing new.
        let reached = AttemptOutcome::Reached { epoch: 1 };
        lab.changes_nothing(&Command::Complete { token: one.token, outcome: reached });
        // The token is worth nothing any more.
        for stale in [
            report(one.token, &one.spec, 2),
            Command::Complete {
                token: one.token,
                outcome: AttemptOutcome::Trained(values::result(&one.spec)),
            },
        ] {
            assert!(matches!(lab.refused(&stale), Rejection::LeaseLost { .. }), "{stale:?}");
        }
    }
    let waiting = trials(&lab, sweep);
    assert!(waiting.iter().all(|trial| trial.rung() == Some(1) && trial.checkpoint.is_some()));
    assert_eq!(lab.state(sweep), SweepState::Open);
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Paused), 3);
    assert!(lab.ask(worker, 3).is_empty(), "nobody is promoted yet");

    follow(&mut lab);
    let lowest = waiting.iter().min_by(|a, b| best(&a.spec, 1).total_cmp(&best(&b.spec, 1))).unwrap();
    let [promoted] = &lab.ask(worker, 3)[..] else { panic!("one in three is promoted") };
    assert_eq!(promoted.spec, lowest.spec);
    assert_eq!((promoted.checkpoint, promoted.until_epoch), (lowest.checkpoint, Some(3)));
    for epoch in 2..=3 {
        lab.report(promoted.token, &promoted.spec, epoch);
    }
    // All wait: the leader goes on, to its end, and then the others are pruned.
    follow(&mut lab);
    let last = lab.ask_one(worker);
    assert_eq!((&last.spec, last.until_epoch), (&lowest.spec, None));
    assert_eq!(last.checkpoint.map(|one| one.epoch), Some(3));
    lab.train(&last);
    follow(&mut lab);
    let states: Vec<_> = trials(&lab, sweep).iter().map(|trial| trial.state).collect();
    assert_eq!(states.iter().filter(|state| **state == TrialState::Pruned).count(), 2, "{states:?}");
    for pruned in trials(&lab, sweep).iter().filter(|trial| trial.state == TrialState::Pruned) {
        assert!(pruned.checkpoint.is_none() && pruned.result.is_none() && pruned.ended_at.is_some());
        assert_eq!(lab.engine.tables().epochs_of(pruned.spec.id).count(), 1, "what it has shown stays");
    }
    assert_eq!(lab.state(sweep), SweepState::Evaluating);
    let measured = lab.ask_one(worker);
    lab.evaluate(&measured);
    assert_eq!(lab.state(sweep), SweepState::Finished);
    let progress = lab.engine.progress(sweep);
    assert_eq!((progress.done, progress.planned), (7, 7), "five epochs of one, one of each other");
}

#[test]
fn proposed_trials_wait_at_their_rungs_too() {
    let (mut lab, worker) = Lab::with_worker(3);
    let mut searched = spec(PrunerName::Asha, 1, 9);
    searched.axes = vec![values::range(Hyperparameter::Units, 8, 64)];
    let budget = Budget { trials: Some(27), ..Budget::default() };
    let search = Search { sampler: SamplerName::Random, budget, ..*searched.search.unwrap() };
    searched.search = Some(Box::new(search));
    let sweep = lab.launch(searched);
    work_off(&mut lab, sweep, worker, 3, |_| {});
    let trials = trials(&lab, sweep);
    assert_eq!(trials.len(), 27);
    let pruned = trials.iter().filter(|trial| trial.state == TrialState::Pruned).count();
    assert!(pruned >= 18, "two of three wait at each rung: {pruned} of 27");
    let epochs = lab.engine.progress(sweep).done;
    assert!(epochs < 27 * 9 / 2, "{epochs} epochs");
}

/// Works on what a sweep hands out, some trials at one time, until it has ended; looks at it after every round.
fn work_off(lab: &mut Lab, sweep: SweepId, worker: WorkerId, at_a_time: u32, mut look: impl FnMut(&Lab)) {
    while !lab.state(sweep).is_ended() {
        lab.propose();
        follow(lab);
        for granted in lab.ask(worker, at_a_time) {
            if granted.model.is_some() {
                lab.evaluate(&granted);
                continue;
            }
            let first = granted.checkpoint.map_or(1, |checkpoint| checkpoint.epoch + 1);
            let epochs = values::epochs(&granted.spec).min(granted.until_epoch.unwrap_or(u32::MAX));
            for epoch in first..=epochs {
                lab.report(granted.token, &granted.spec, epoch);
            }
            if lab.engine.tables().trials[&granted.spec.id].lease.is_some() {
                lab.complete(granted.token, AttemptOutcome::Trained(values::result(&granted.spec)));
            }
        }
        look(lab);
    }
}

/// A search by asha within a budget of epochs alone.
fn within_epochs(budget: u64, (epochs, eta, min_epochs): (u64, u32, u32)) -> SweepSpec {
    let mut searched = spec(PrunerName::Asha, 1, epochs);
    searched.axes = vec![values::range(Hyperparameter::Units, 8, 4_096)];
    let budget = Budget { epochs: Some(budget), ..Budget::default() };
    let (eta, min_epochs) = (Some(eta), Some(min_epochs));
    let search =
        Search { sampler: SamplerName::Random, budget, eta, min_epochs, ..*searched.search.unwrap() };
    searched.search = Some(Box::new(search));
    searched
}

/// A trial at its rung counts with what it has trained, so a budget of epochs ranks as many as it pays for.
#[test]
fn a_budget_of_epochs_is_used_by_many_trials() {
    let (mut lab, worker) = Lab::with_worker(4);
    let sweep = lab.launch(within_epochs(540, (27, 3, 1)));
    work_off(&mut lab, sweep, worker, 4, |lab| {
        let done = lab.engine.progress(sweep).done;
        assert!(done <= 540, "{done} of 540 epochs");
    });
    let (made, done) = (trials(&lab, sweep).len(), lab.engine.progress(sweep).done);
    assert!(made >= 100, "{made} trials; with all their epochs 20 would have had room");
    assert!(done > 540 - 27, "{done} of 540 epochs");
    assert!(trials(&lab, sweep).iter().any(|trial| trial.state == TrialState::Completed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the rungs and however many train at one time, and whatever restarts in between.
    #[test]
    fn no_budget_of_epochs_is_overspent(
        of_trial in 2_u64..20, eta in 2_u32..5, min_epochs in 1_u32..6, more in 0_u64..80, at_a_time in 1_u32..9,
    ) {
        prop_assume!(u64::from(min_epochs) < of_trial);
        let budget = of_trial + more;
        let (mut lab, worker) = Lab::with_worker(at_a_time);
        let sweep = lab.launch(within_epochs(budget, (of_trial, eta, min_epochs)));
        work_off(&mut lab, sweep, worker, at_a_time, |lab| {
            let done = lab.engine.progress(sweep).done;
            assert!(done <= budget, "{done} of {budget} epochs");
            let restored = Engine::restore(lab.engine.tables().clone(), lab.now);
            assert_eq!(restored.audit(), Vec::<String>::new());
            let decided = |engine: &Engine| engine.decide(lab.now, &Command::Follow).unwrap().mutations;
            assert_eq!(decided(&restored), decided(&lab.engine));
        });
        let ended = trials(&lab, sweep);
        prop_assert!(ended.iter().any(|trial| trial.state == TrialState::Completed), "nothing has a result");
        let done = lab.engine.progress(sweep).done;
        prop_assert!(done + of_trial > budget, "another trial had room: {done} of {budget} epochs");
    }
}

#[test]
fn epochs_are_not_swept_beside_rungs() {
    let (mut lab, _) = Lab::with_worker(1);
    let swept = [3, 9].map(Value::Integer).to_vec();
    let extension = |lab: &Lab, sweep: SweepId| {
        let datasets = values::datasets(&lab.engine.sweep(sweep).unwrap().spec);
        let axes = vec![Axis::of_levels(Hyperparameter::Epochs, swept.clone())];
        let more = Extension { axes, ..Extension::default() };
        Command::Extend { sweep, more, datasets, caller: None, quota: Box::default() }
    };
    let with_rungs = lab.launch(spec(PrunerName::Asha, 3, 5));
    let Rejection::Invalid(problem) = lab.refused(&extension(&lab, with_rungs)) else { panic!("epochs") };
    assert!(problem.contains("the pruner asha decides how far each trial trains"), "{problem}");
    let mut launched = spec(PrunerName::Asha, 3, 5);
    launched.axes.push(Axis::of_levels(Hyperparameter::Epochs, swept.clone()));
    assert!(matches!(lab.refused(&values::launch(launched)), Rejection::Invalid(_)));

    let mut median = spec(PrunerName::Median, 3, 5);
    median.name = "median".into();
    let without_rungs = lab.launch(median);
    lab.run(&extension(&lab, without_rungs));
}

#[test]
fn a_pause_of_the_sweep_leaves_trials_at_their_rungs() {
    let (mut lab, worker) = Lab::with_worker(3);
    let sweep = lab.launch(spec(PrunerName::Asha, 4, 5));
    let granted = lab.ask(worker, 2);
    lab.report(granted[0].token, &granted[0].spec, 1);
    lab.run(&Command::Pause(sweep));
    lab.run(&Command::Resume(sweep));
    follow(&mut lab);
    let first = lab.trial(sweep, granted[0].spec.id.index);
    assert_eq!((first.state, first.rung()), (TrialState::Paused, Some(1)));
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Pending), 2);
    lab.run(&Command::Cancel(sweep));
    follow(&mut lab);
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Cancelled), 4);
}

#[test]
fn a_restart_finds_the_same_trials_at_the_same_rungs() {
    let (mut lab, worker) = Lab::with_worker(6);
    let sweep = lab.launch(spec(PrunerName::Asha, 6, 9));
    for one in lab.ask(worker, 6) {
        lab.report(one.token, &one.spec, 1);
        let restored = Engine::restore(lab.engine.tables().clone(), lab.now);
        assert_eq!(restored.audit(), Vec::<String>::new());
        let decided = |engine: &Engine| engine.decide(lab.now, &Command::Follow).unwrap().mutations;
        assert_eq!(decided(&restored), decided(&lab.engine));
    }
    follow(&mut lab);
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Pending), 2, "two of six are promoted");
}

#[test]
fn the_median_ends_an_attempt_with_the_answer_to_its_epoch() {
    let (mut lab, worker) = Lab::with_worker(12);
    let sweep = lab.launch(spec(PrunerName::Median, 12, 5));
    let granted = lab.ask(worker, 12);
    assert!(granted.iter().all(|one| one.until_epoch.is_none()));
    let mut shown: Vec<f64> = Vec::new();
    let mut pruned = 0;
    for one in &granted {
        let own = best(&one.spec, 1);
        let mut others = shown.clone();
        others.sort_by(f64::total_cmp);
        let (low, high) = (others.len().saturating_sub(1) / 2, others.len() / 2);
        let is_worse = others.len() >= 5 && own > f64::midpoint(others[low], others[high]);
        let answer = lab.run(&report(one.token, &one.spec, 1));
        assert_eq!(matches!(answer, Reply::AttemptEnded(_)), is_worse, "{own} among {others:?}");
        let trial = lab.trial(sweep, one.spec.id.index);
        assert_eq!(trial.state == TrialState::Pruned, is_worse);
        if is_worse {
            pruned += 1;
            let attempt = lab.engine.tables().attempts_of(one.spec.id).next().unwrap();
            assert_eq!((attempt.state, attempt.lost_ms()), (AttemptState::Pruned, 0));
        }
        shown.push(own);
    }
    assert!(pruned > 0 && pruned < 12, "{pruned}");
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Pruned), pruned);
}

/// Trains every trial of a sweep to its end, and measures what is chosen.
fn finish(lab: &mut Lab, worker: WorkerId, sweep: SweepId) {
    while !lab.state(sweep).is_ended() {
        let granted = lab.ask_one(worker);
        if granted.model.is_some() {
            lab.evaluate(&granted);
        } else if let Some(epoch) = values::diverges(&granted.spec) {
            lab.complete(granted.token, AttemptOutcome::Diverged { epoch, message: "NaN".into() });
        } else {
            lab.train(&granted);
        }
    }
}

#[test]
fn a_sweep_of_many_trials_that_goes_on_counts_them_in_slices_before_more_are_handed_out() {
    let (mut lab, worker) = Lab::with_worker(1);
    let spec = spec(PrunerName::Median, 6, 1);
    let sweep = lab.launch(spec.clone());
    finish(&mut lab, worker, sweep);
    lab.engine = lab.engine.clone().with_slice(2);
    let more = Extension { replicates: Some(2), ..Extension::default() };
    let datasets = values::datasets(&spec);
    lab.run(&Command::Extend { sweep, more, datasets, caller: None, quota: Box::default() });
    for uncounted in [6, 4, 2] {
        assert_eq!(
            lab.engine.uncounted(),
            uncounted,
            "of the six, and of the two that came with the extension"
        );
        assert!(lab.engine.is_behind());
        assert_eq!(lab.ask(worker, 1), [], "its pruner does not know them all");
        assert_eq!(lab.engine.audit(), Vec::<String>::new());
        let counted = lab.decide(&Command::Follow).unwrap();
        assert!(counted.mutations.is_empty());
        lab.run(&Command::Follow);
    }
    assert_eq!(lab.engine.uncounted(), 0);
    follow(&mut lab);
    assert_eq!(lab.engine.audit(), Vec::<String>::new());
    lab.ask_one(worker);
}

fn reused(lab: &Lab, sweep: SweepId) -> Vec<(u32, Option<TrialId>)> {
    let trials = trials(lab, sweep);
    trials.iter().map(|trial| (trial.spec.id.index, trial.reused_from)).collect()
}

#[test]
fn a_result_stands_in_only_where_more_epochs_would_have_changed_nothing() {
    let (mut lab, worker) = Lab::with_worker(1);
    let units: Vec<u64> = (1..=12).map(|one| one * 8).collect();
    let spec = |name, epochs| values::impatient(values::spec(name, &units, 1, epochs), 1);
    let first = lab.launch(spec("short", 3));
    finish(&mut lab, worker, first);
    for older_program in [false, true] {
        if older_program {
            // Rows of an earlier program hold keys of the other form.
            let mut tables = lab.engine.tables().clone();
            for trial in tables.trials.values_mut().filter(|trial| trial.spec.id.sweep == first) {
                trial.set_key(trial.spec.key_with_epochs());
            }
            lab.engine = Engine::restore(tables, lab.now);
            assert_eq!(lab.engine.audit(), Vec::<String>::new());
        }
        let same = lab.launch(spec("again", 3));
        for (index, origin) in reused(&lab, same) {
            let trial = lab.trial(first, index);
            let completed = trial.state == TrialState::Completed;
            assert_eq!(origin, completed.then_some(trial.spec.id), "as far as before");
        }
        if !lab.state(same).is_ended() {
            lab.run(&Command::Cancel(same));
        }
    }
    // Of the earlier program only what is of equal epochs is found: its key tells how far a trial might train.
    let mut tables = lab.engine.tables().clone();
    for trial in tables.trials.values_mut() {
        trial.set_key(trial.spec.key());
    }
    lab.engine = Engine::restore(tables, lab.now);
    let longer = lab.launch(spec("long", 6));
    let mut stood_in = 0;
    for (index, origin) in reused(&lab, longer) {
        let trial = lab.trial(first, index);
        let ended_early = trial.result.as_ref().is_some_and(|result| result.early_stopped);
        assert_eq!(
            origin,
            ended_early.then_some(trial.spec.id),
            "it ran out of patience, or may train further"
        );
        stood_in += u32::from(ended_early);
    }
    assert!(stood_in > 0, "no trial ran out of patience");
}

//! Trials that a spent budget stops, and trials that go on: nothing that was trained is lost, and views tell what becomes of them.

use coordinator_core::{
    Command, Engine, Granted, Ledger, Mutation, Rejection, Retried, SearchRecord, SweepRecord, SweepState,
    TrialRecord, TrialState,
};
use sweep_proto::{
    AttemptOutcome, Budget, EpochMetric, FailureKind, SweepId, TrialId, TrialResult, WorkKind, WorkerId,
};

use crate::support::lab::Lab;
use crate::support::metered::{
    SECOND, change, count, follow, halved, hours, spec, spend, spend_all_but_what_is_kept, spend_at_rungs,
    spent, work,
};
use crate::support::values;

fn raise(seconds: f64) -> Budget {
    Budget { hours: hours(seconds), ..Budget::default() }
}

fn search(lab: &Lab, sweep: SweepId) -> SearchRecord {
    lab.engine.sweep(sweep).unwrap().search.unwrap()
}

/// The worker dies, and another process takes its place: no lease lives on.
fn lose_all(lab: &mut Lab, worker: WorkerId, slots: u32) {
    lab.run(&values::register(worker, slots, true));
}

fn evaluate_all(lab: &mut Lab, worker: WorkerId) {
    while lab.engine.has_pending_work() {
        let granted = lab.ask_one(worker);
        assert_eq!(granted.work, WorkKind::Evaluate);
        lab.evaluate(&granted);
    }
}

#[test]
fn a_trial_whose_result_was_lost_is_handed_out_for_it_though_the_budget_is_spent() {
    let (mut lab, worker, sweep, granted) = spend(spec(36.0));
    (1..=2).for_each(|epoch| lab.report(granted[0].token, &granted[0].spec, epoch));
    lab.report(granted[1].token, &granted[1].spec, 1);
    lose_all(&mut lab, worker, 2);
    let told = [TrialState::Pending, TrialState::Pruned].map(|state| count(&lab, sweep, state));
    assert_eq!(told, [1, 1], "told before they have followed");
    follow(&mut lab);
    lab.run(&Command::Pause(sweep));
    follow(&mut lab);
    assert_eq!(lab.trial(sweep, granted[0].spec.id.index).state, TrialState::Paused);
    lab.run(&Command::Resume(sweep));
    follow(&mut lab);
    let reported = lab.engine.tables().epochs.len();
    let again = lab.ask_one(worker);
    assert_eq!((again.spec.id, again.checkpoint.map(|one| one.epoch)), (granted[0].spec.id, Some(2)));
    assert!(lab.ask(worker, 1).is_empty(), "nothing else begins");
    lab.train(&again);
    assert_eq!(lab.engine.tables().epochs.len(), reported, "it took no epoch");
    follow(&mut lab);
    evaluate_all(&mut lab, worker);
    let record = lab.engine.sweep(sweep).unwrap();
    assert_eq!((record.state, record.chosen.is_some()), (SweepState::Finished, true));
    assert_eq!((lab.engine.shelved(sweep), count(&lab, sweep, TrialState::Completed)), (1, 1));
}

/// Four trials of an impatient search with rungs, of which three come to the first rung and the fourth runs on. The best of the three
/// is promoted, and comes to its end with its second epoch.
fn promoted(lab: &mut Lab, worker: WorkerId, seconds: f64) -> (SweepId, Granted, Granted) {
    let sweep = lab.launch(values::impatient(halved(seconds), 1));
    lab.propose();
    let granted = lab.ask(worker, 4);
    work(lab, worker, SECOND);
    for one in &granted[..3] {
        lab.report(one.token, &one.spec, 1);
    }
    follow(lab);
    let promoted = lab.ask_one(worker);
    assert_eq!((promoted.until_epoch, values::epochs(&promoted.spec)), (Some(3), 2));
    (sweep, promoted, granted[3].clone())
}

#[test]
fn patience_that_has_ended_before_the_next_rung_is_an_end_too() {
    let (mut lab, worker) = Lab::with_worker(4);
    let (sweep, promoted, _) = promoted(&mut lab, worker, 40.0);
    lab.report(promoted.token, &promoted.spec, 2);
    work(&mut lab, worker, 40 * SECOND);
    assert!(spent(&lab, sweep).is_some());
    lose_all(&mut lab, worker, 4);
    follow(&mut lab);
    assert_eq!(lab.trial(sweep, promoted.spec.id.index).state, TrialState::Pending);
    assert_eq!(search(&lab, sweep).finalist, None, "nobody need be trained to an end");
    let again = lab.ask_one(worker);
    assert_eq!(again.spec.id, promoted.spec.id);
    lab.train(&again);
    follow(&mut lab);
    evaluate_all(&mut lab, worker);
    assert_eq!((lab.state(sweep), lab.engine.shelved(sweep)), (SweepState::Finished, 2));
}

/// An epoch with a loss that the test chooses.
fn with_loss(granted: &Granted, epoch: u32, loss: f64) -> Command {
    Command::ReportEpoch {
        token: granted.token,
        metric: EpochMetric { validation_loss: loss, ..values::metric(&granted.spec, epoch) },
        checkpoint: values::checkpoint(&granted.spec, epoch),
    }
}

/// A trial of a search of that many seconds whose patience ended with its second rung, and whose result was lost with its worker.
fn ended_at_its_second_rung(seconds: f64) -> (Lab, WorkerId, SweepId, TrialId) {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::impatient(halved(seconds), 1));
    lab.propose();
    let first = lab.ask_one(worker);
    lab.run(&with_loss(&first, 1, 0.5));
    // It leaves its first rung, and comes to its end at the second.
    let mut row = TrialRecord { state: TrialState::Pending, ..lab.trial(sweep, first.spec.id.index).clone() };
    row.until_epoch = Some(3);
    lab.engine.evolve(&Mutation::Trial(row));
    let second = lab.ask_one(worker);
    assert_eq!(second.spec.id, first.spec.id);
    lab.run(&with_loss(&second, 2, 0.4));
    lab.run(&with_loss(&second, 3, 0.45));
    work(&mut lab, worker, 40 * SECOND);
    lose_all(&mut lab, worker, 1);
    follow(&mut lab);
    (lab, worker, sweep, first.spec.id)
}

/// The trial's row as an earlier program left it: its second rung counts, not its end.
fn left_at_its_rung(lab: &mut Lab, id: TrialId, state: TrialState) {
    let ended_at = state.is_terminal().then_some(lab.now);
    let mut row = TrialRecord { state, ..lab.trial(id.sweep, id.index).clone() };
    (row.until_epoch, row.ended_at) = (Some(3), ended_at);
    lab.engine.evolve(&Mutation::Trial(row));
}

/// It waits at no rung, and the worker that gets it tells its result without an epoch.
fn only_tells_its_result(lab: &mut Lab, worker: WorkerId, id: TrialId) {
    let trial = lab.trial(id.sweep, id.index);
    assert_eq!((trial.state, trial.until_epoch), (TrialState::Pending, None), "it waits at no rung");
    let granted = lab.ask_one(worker);
    assert_eq!((granted.spec.id, granted.until_epoch), (id, None));
    assert_eq!(granted.checkpoint.map(|checkpoint| checkpoint.epoch), Some(3));
    let next = with_loss(&granted, 4, 0.3);
    assert!(
        matches!(lab.refused(&next), Rejection::Invalid(problem) if problem.contains("its end with epoch 3"))
    );
    let best = lab.engine.tables().epochs_of(id).nth(1).unwrap().metric.clone();
    let result = TrialResult {
        best_epoch: 2,
        epochs: 3,
        early_stopped: true,
        score: best.validation_loss,
        accuracy: best.validation_accuracy,
        ..values::result(&granted.spec)
    };
    lab.complete(granted.token, AttemptOutcome::Trained(result));
    assert_eq!(lab.trial(id.sweep, id.index).state, TrialState::Completed);
}

#[test]
fn a_trial_that_an_earlier_program_shelved_after_its_end_only_tells_its_result() {
    let (mut lab, worker, sweep, trial) = ended_at_its_second_rung(36.0);
    left_at_its_rung(&mut lab, trial, TrialState::Pruned);
    assert_eq!(lab.engine.shelved(sweep), 1);
    lab.run(&change(sweep, raise(1e5)));
    follow(&mut lab);
    only_tells_its_result(&mut lab, worker, trial);
}

#[test]
fn a_trial_that_an_earlier_program_left_at_a_rung_after_its_end_only_tells_its_result() {
    for (seconds, is_paused) in [(1e5, false), (1e5, true), (36.0, false), (36.0, true)] {
        let (mut lab, worker, sweep, trial) = ended_at_its_second_rung(seconds);
        assert_eq!(spent(&lab, sweep).is_some(), seconds < 40.0);
        if is_paused {
            lab.run(&Command::Pause(sweep));
            follow(&mut lab);
        }
        left_at_its_rung(&mut lab, trial, TrialState::Paused);
        assert_eq!(lab.engine.audit(), Vec::<String>::new(), "nothing is lost");
        let expected = told(&lab, sweep);
        let followed = lab.engine.followed(lab.trial(sweep, trial.index));
        assert_eq!(followed.rung(), None);
        follow(&mut lab);
        assert_eq!((lab.trial(sweep, trial.index), told(&lab, sweep)), (&followed, expected));
        if is_paused {
            lab.run(&Command::Resume(sweep));
            follow(&mut lab);
        }
        assert_eq!(search(&lab, sweep).finalist, None, "it is its sweep's answer");
        only_tells_its_result(&mut lab, worker, trial);
    }
}

/// Two trials run while a raised budget lets the others go on, of which five follow at one time.
fn in_the_middle() -> (Lab, WorkerId, SweepId) {
    let (mut lab, worker, sweep, _) = spend(spec(36.0));
    follow(&mut lab);
    lab.engine = lab.engine.clone().with_slice(5);
    lab.run(&change(sweep, raise(60.0)));
    assert!(search(&lab, sweep).revives_from.is_some_and(|from| from > 0));
    (lab, worker, sweep)
}

#[test]
fn a_budget_is_not_spent_before_all_trials_go_on() {
    let (mut lab, worker, sweep) = in_the_middle();
    work(&mut lab, worker, 20 * SECOND);
    assert!(lab.engine.held_ms(sweep) > 60 * SECOND);
    assert!(spent(&lab, sweep).is_none() && lab.engine.sweep(sweep).unwrap().is_reviving());
    follow(&mut lab);
    assert_eq!(count(&lab, sweep, TrialState::Cancelled), 0);
    lab.run(&Command::Tick);
    assert!(spent(&lab, sweep).is_some());
}

#[test]
fn no_trial_is_proposed_or_handed_out_before_all_go_on() {
    let (mut lab, worker, sweep, granted) = spend(spec(36.0));
    follow(&mut lab);
    // Each end lets the search run one trial further ahead.
    granted.iter().for_each(|one| lab.train(one));
    evaluate_all(&mut lab, worker);
    lab.engine = lab.engine.clone().with_slice(1);
    lab.run(&change(sweep, raise(1e5)));
    assert!(search(&lab, sweep).revives_from.is_some_and(|from| from > 0));
    let states = lab.engine.tables().trials_of(sweep).map(|trial| trial.state);
    assert!(states.into_iter().all(|state| matches!(state, TrialState::Completed | TrialState::Cancelled)));
    assert!(lab.engine.wanting().next().is_none());
    assert!(lab.ask(worker, 1).is_empty() && lab.engine.has_open_trials(sweep));
    let usage = lab.engine.usage(|_| true);
    follow(&mut lab);
    assert_eq!(lab.engine.usage(|_| true), usage, "those that were to follow counted as open");
    lab.ask_one(worker);
}

#[test]
fn a_sweep_goes_on_as_soon_as_one_has_completed() {
    let (mut lab, worker) = Lab::with_worker(4);
    let (sweep, promoted, other) = promoted(&mut lab, worker, 48.0);
    while spent(&lab, sweep).is_none() {
        work(&mut lab, worker, SECOND);
    }
    assert!(lab.engine.held_ms(sweep) < 48 * SECOND, "a part is kept");
    lab.train(&promoted);
    assert_eq!(lab.trial(sweep, other.spec.id.index).state, TrialState::Leased, "it runs on");
    assert_eq!((lab.state(sweep), spent(&lab, sweep)), (SweepState::Open, None));
    follow(&mut lab);
    lab.ask_one(worker);
}

#[test]
fn a_raised_budget_has_its_finalists_again() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = spend_all_but_what_is_kept(&mut lab, worker);
    let finalist = lab.ask_one(worker);
    lab.train(&finalist);
    assert_eq!((spent(&lab, sweep), search(&lab, sweep).finalists), (None, 1));
    lab.run(&change(sweep, raise(400.0)));
    assert_eq!(search(&lab, sweep).finalists, 0);
}

/// What is told of a sweep's trials by number.
fn told(lab: &Lab, sweep: SweepId) -> (Ledger, u64, u64) {
    (lab.engine.ledger(sweep), lab.engine.at_rungs(sweep), lab.engine.shelved(sweep))
}

#[test]
fn trials_that_go_on_are_told_as_what_they_are_going_to_be() {
    let (mut lab, worker) = Lab::with_worker(7);
    let sweep = lab.launch(halved(36.0));
    lab.propose();
    let granted = lab.ask(worker, 7);
    granted[..6].iter().for_each(|one| lab.report(one.token, &one.spec, 1));
    follow(&mut lab);
    // Two of six are promoted, and are handed back between two rungs.
    let promoted = lab.ask(worker, 2);
    assert!(promoted.iter().all(|one| one.until_epoch == Some(3)));
    promoted.iter().for_each(|one| lab.report(one.token, &one.spec, 2));
    work(&mut lab, worker, 40 * SECOND);
    promoted.iter().for_each(|one| lab.complete(one.token, AttemptOutcome::Released { checkpoint: None }));
    lab.report(granted[6].token, &granted[6].spec, 1);
    follow(&mut lab);
    let finalist = lab.ask_one(worker);
    lab.train(&finalist);
    follow(&mut lab);
    evaluate_all(&mut lab, worker);
    assert_eq!((lab.state(sweep), lab.engine.shelved(sweep)), (SweepState::Finished, 6));
    lab.engine = lab.engine.clone().with_slice(2);
    lab.run(&change(sweep, raise(1e5)));
    let expected = told(&lab, sweep);
    assert_eq!(
        (expected.0.of(TrialState::Cancelled), expected.0.of(TrialState::Pruned), expected.2),
        (0, 0, 0)
    );
    let followed: Vec<TrialRecord> =
        lab.engine.tables().trials_of(sweep).map(|trial| lab.engine.followed(trial)).collect();
    let states: Vec<TrialState> =
        lab.engine.tables().trials_of(sweep).map(|one| lab.engine.state_of(one)).collect();
    while lab.engine.sweep(sweep).unwrap().is_reviving() {
        assert_eq!(told(&lab, sweep), expected);
        lab.run(&Command::Follow);
    }
    assert_eq!(told(&lab, sweep), expected);
    assert!(lab.engine.tables().trials_of(sweep).eq(&followed));
    assert!(followed.iter().map(|trial| trial.state).eq(states));
    let between = promoted.iter().map(|one| lab.trial(sweep, one.spec.id.index));
    let goes_on = |trial: &TrialRecord| (trial.state, trial.until_epoch) == (TrialState::Pending, Some(3));
    assert_eq!(between.filter(|trial| goes_on(trial)).count(), 1, "the other one was the finalist");
}

/// What an audit says where a sweep's row is another one.
fn audit_with(lab: &Lab, sweep: SweepId, change: impl FnOnce(&mut SweepRecord)) -> String {
    let mut engine = lab.engine.clone();
    let mut row = engine.sweep(sweep).unwrap().clone();
    change(&mut row);
    engine.evolve(&Mutation::Sweep(row));
    engine.audit().join("\n")
}

#[test]
fn an_audit_finds_trials_that_are_left_behind_where_their_sweep_goes_on() {
    let (lab, _, sweep) = in_the_middle();
    let revives_from = |from: Option<u32>| {
        let change = |row: &mut SweepRecord| row.search.as_mut().unwrap().revives_from = from;
        audit_with(&lab, sweep, change)
    };
    let from = search(&lab, sweep).revives_from.unwrap();
    assert_eq!(revives_from(Some(from)), "");
    for lost in [Some(from + 1), None] {
        assert!(revives_from(lost).contains("leaves behind"), "{lost:?}: {}", revives_from(lost));
    }
}

#[test]
fn an_audit_finds_shelved_trials_that_have_lost_their_checkpoints() {
    let (mut lab, worker) = Lab::with_worker(3);
    let (sweep, trials) = spend_at_rungs(&mut lab, worker);
    let finalist = lab.ask_one(worker);
    lab.train(&finalist);
    follow(&mut lab);
    evaluate_all(&mut lab, worker);
    let mut row = lab.trial(sweep, trials[1]).clone();
    row.checkpoint = None;
    lab.engine.evolve(&Mutation::Trial(row));
    let problems = lab.engine.audit().join("\n");
    assert!(problems.contains("not those that are numbered"), "{problems}");
}

#[test]
fn measuring_again_lets_no_search_go_on_that_ended_with_a_part_of_its_budget() {
    let (mut lab, worker) = Lab::with_worker(3);
    let (sweep, _) = spend_at_rungs(&mut lab, worker);
    let finalist = lab.ask_one(worker);
    lab.train(&finalist);
    follow(&mut lab);
    let measured = lab.ask_one(worker);
    let failed = AttemptOutcome::Failed { kind: FailureKind::Rejected, message: "no".into() };
    lab.complete(measured.token, failed);
    assert_eq!(lab.state(sweep), SweepState::Finished);
    // The first program that kept a part of a budget ended sweeps without having spent it.
    let mut row = lab.engine.sweep(sweep).unwrap().clone();
    row.spec.search.as_mut().unwrap().budget.hours = hours(1e5);
    lab.engine.evolve(&Mutation::Sweep(row));
    lab.engine = Engine::restore(lab.engine.tables().clone(), lab.now);
    let which = Retried::Every { failed: true, diverged: false };
    lab.run(&Command::Retry { sweep, which, caller: None, quota: Box::default() });
    assert_eq!((lab.state(sweep), spent(&lab, sweep).is_some()), (SweepState::Evaluating, true));
    lab.run(&values::register(worker, 3, true));
    evaluate_all(&mut lab, worker);
    assert_eq!((lab.state(sweep), lab.engine.shelved(sweep)), (SweepState::Finished, 2));
    let result: Option<&TrialResult> = lab.trial(sweep, finalist.spec.id.index).result.as_ref();
    assert!(result.is_some() && lab.trial(sweep, finalist.spec.id.index).test.is_some());
}

//! Budgets of hours and money: what attempts spend by holding their slots, and what becomes of a search whose budget is spent.

use coordinator_core::{
    AttemptState, Command, Engine, Extension, Granted, Keep, Mutation, Retried, SweepState, TrialState,
};
use proptest::prelude::*;
use sweep_proto::{
    Amount, AttemptOutcome, Budget, FailureKind, Hyperparameter, MeteredPart, SweepId, Timestamp, WorkKind,
};

use crate::support::lab::{Lab, operator};
use crate::support::metered::{
    SECOND, change, count, follow, halved, hours, says, spec, spend, spend_all_but_what_is_kept,
    spend_at_rungs, spend_with, spent, work,
};
use crate::support::values;

#[test]
fn when_its_hours_are_spent_no_trial_begins_and_what_runs_goes_on() {
    let (mut lab, worker, sweep, granted) = spend(spec(36.0));
    assert_eq!(spent(&lab, sweep), Some(MeteredPart::Hours));
    let made = lab.engine.ledger(sweep).planned;
    assert_eq!(count(&lab, sweep, TrialState::Cancelled), made - 2, "told before they have followed");
    assert!(lab.ask(worker, 2).is_empty() && lab.engine.wanting().next().is_none());
    follow(&mut lab);
    assert_eq!(count(&lab, sweep, TrialState::Leased), 2);
    assert_eq!((lab.state(sweep), lab.engine.unmade(sweep)), (SweepState::Open, 0));
    granted.iter().for_each(|one| lab.train(one));
    assert_eq!(lab.state(sweep), SweepState::Evaluating);
    let measured = lab.ask_one(worker);
    assert_eq!(measured.work, WorkKind::Evaluate, "the answer is measured all the same");
    lab.evaluate(&measured);
    assert_eq!(lab.state(sweep), SweepState::Finished);
    let ended = [TrialState::Completed, TrialState::Cancelled].map(|state| count(&lab, sweep, state));
    assert_eq!((ended, lab.engine.ledger(sweep).planned), ([2, made - 2], made));
    let restored = Engine::restore(lab.engine.tables().clone(), lab.now);
    assert_eq!(restored.held_ms(sweep), lab.engine.held_ms(sweep), "it follows from the rows");
}

#[test]
fn money_is_hours_at_their_price() {
    let mut priced = spec(100.0);
    let budget = &mut priced.search.as_mut().unwrap().budget;
    (budget.money, budget.price_per_hour) = (Amount::of(0.036), Amount::of(3.6));
    let (mut lab, _, sweep, _) = spend(priced.clone());
    assert_eq!(spent(&lab, sweep), Some(MeteredPart::Money));
    lab.run(&change(sweep, Budget { money: Amount::of(0.08), ..Budget::default() }));
    assert_eq!(spent(&lab, sweep), None);
    priced.search.as_mut().unwrap().budget.price_per_hour = None;
    says(&lab, &values::launch(priced), &["money needs price_per_hour"]);
}

#[test]
fn a_raised_budget_lets_what_was_cancelled_wait_again() {
    let (mut lab, worker, sweep, granted) = spend(spec(36.0));
    follow(&mut lab);
    let failed = AttemptOutcome::Failed { kind: FailureKind::Crashed, message: "crashed".into() };
    lab.complete(granted[0].token, failed);
    follow(&mut lab);
    lab.train(&granted[1]);
    let measured = lab.ask_one(worker);
    lab.evaluate(&measured);
    assert_eq!(lab.state(sweep), SweepState::Finished);
    assert_eq!(
        count(&lab, sweep, TrialState::Cancelled),
        63,
        "the one that would have been tried again, too"
    );
    let more = |seconds: f64| change(sweep, Budget { hours: hours(seconds), ..Budget::default() });
    says(&lab, &more(35.0), &["cannot lower it"]);
    says(&lab, &more(37.0), &["is spent", "--hours 0.02"]);
    lab.run(&more(3_600.0));
    assert_eq!((lab.state(sweep), spent(&lab, sweep)), (SweepState::Open, None));
    assert_eq!(count(&lab, sweep, TrialState::Pending), lab.engine.ledger(sweep).planned - 1);
    let again = lab.ask_one(worker);
    lab.train(&again);
    lab.run(&Command::Cancel(sweep));
    follow(&mut lab);
}

#[test]
fn the_leading_trial_is_trained_to_its_end_when_the_budget_is_spent_and_the_others_are_shelved() {
    let (mut lab, worker) = Lab::with_worker(3);
    let (sweep, trials) = spend_at_rungs(&mut lab, worker);
    assert_eq!(lab.engine.sweep(sweep).unwrap().finalist(), Some(trials[0]));
    lab.run(&Command::Pause(sweep));
    follow(&mut lab);
    assert_eq!((lab.trial(sweep, trials[0]).state, lab.engine.shelved(sweep)), (TrialState::Paused, 0));
    lab.run(&Command::Resume(sweep));
    follow(&mut lab);
    let finalist = lab.ask_one(worker);
    assert_eq!((finalist.spec.id.index, finalist.until_epoch), (trials[0], None));
    lab.engine = Engine::restore(lab.engine.tables().clone(), lab.now);
    lab.train(&finalist);
    follow(&mut lab);
    assert_eq!(lab.state(sweep), SweepState::Evaluating);
    let measured = lab.ask_one(worker);
    lab.evaluate(&measured);
    let record = lab.engine.sweep(sweep).unwrap();
    assert_eq!((record.state, record.chosen.is_some()), (SweepState::Finished, true), "there is an answer");
    assert_eq!((count(&lab, sweep, TrialState::Pruned), lab.engine.shelved(sweep)), (2, 2));
    for trial in &trials[1..] {
        let digest = lab.trial(sweep, *trial).checkpoint.expect("a checkpoint").artifact.digest;
        assert!(lab.engine.is_named(digest), "it would be removed");
    }
}

#[test]
fn shelved_trials_go_on_from_their_checkpoints_when_the_budget_is_raised() {
    let (mut lab, worker) = Lab::with_worker(3);
    let (sweep, trials) = spend_at_rungs(&mut lab, worker);
    let finalist = lab.ask_one(worker);
    lab.train(&finalist);
    follow(&mut lab);
    let measured = lab.ask_one(worker);
    lab.evaluate(&measured);
    lab.run(&change(sweep, Budget { hours: hours(1e5), ..Budget::default() }));
    follow(&mut lab);
    assert_eq!((lab.state(sweep), lab.engine.shelved(sweep)), (SweepState::Open, 0));
    let rungs: Vec<_> = trials[1..].iter().map(|trial| lab.trial(sweep, *trial).rung()).collect();
    // One in three of those that have come to the first rung goes on: the finalist was that one.
    assert_eq!(rungs, [Some(1), Some(1)]);
    // Three more come to the rung, so that the second best is among the best third.
    let mut best: Vec<(f64, u32)> = Vec::new();
    for granted in lab.ask(worker, 3) {
        lab.report(granted.token, &granted.spec, 1);
    }
    follow(&mut lab);
    for trial in lab.engine.tables().trials_of(sweep).filter(|trial| trial.spec.id.index != trials[0]) {
        if lab.engine.tables().epochs_of(trial.spec.id).next().is_some() {
            best.push((values::metric(&trial.spec, 1).validation_loss, trial.spec.id.index));
        }
    }
    best.sort_by(|one, other| one.0.total_cmp(&other.0));
    let promoted = lab.trial(sweep, best[0].1);
    assert_eq!((promoted.state, promoted.until_epoch), (TrialState::Pending, Some(3)));
    lab.run(&Command::Cancel(sweep));
    follow(&mut lab);
    assert!(lab.engine.tables().trials_of(sweep).all(|trial| trial.checkpoint.is_none()));
}

#[test]
fn what_the_leading_trial_is_expected_to_take_is_kept_until_one_has_completed() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = spend_all_but_what_is_kept(&mut lab, worker);
    let finalist = lab.ask_one(worker);
    assert_eq!(finalist.until_epoch, None);
    work(&mut lab, worker, 8 * SECOND);
    lab.train(&finalist);
    follow(&mut lab);
    assert!(lab.engine.held_ms(sweep) < 46 * SECOND, "it came to its end within the budget");
    let record = lab.engine.sweep(sweep).unwrap();
    assert_eq!((record.state, record.spent(), record.finalist()), (SweepState::Open, None, None));
    assert_eq!(count(&lab, sweep, TrialState::Cancelled), 0, "they wait again");
    let next = lab.ask_one(worker);
    work(&mut lab, worker, 5 * SECOND);
    assert_eq!(spent(&lab, sweep), Some(MeteredPart::Hours), "nothing is kept where there is an answer");
    lab.report(next.token, &next.spec, 1);
    follow(&mut lab);
    assert_eq!(lab.state(sweep), SweepState::Evaluating);
    assert_eq!((lab.engine.shelved(sweep), count(&lab, sweep, TrialState::Completed)), (2, 1));
}

#[test]
fn no_more_than_a_quarter_of_a_budget_is_kept_back() {
    let (mut lab, worker) = Lab::with_worker(1);
    let mut long = halved(120.0);
    long.fixed.set(Hyperparameter::Epochs, sweep_proto::Value::Integer(200)).unwrap();
    let sweep = lab.launch(values::impatient(long, 3));
    lab.propose();
    let first = lab.ask_one(worker);
    work(&mut lab, worker, 2 * SECOND);
    lab.report(first.token, &first.spec, 1);
    follow(&mut lab);
    // 199 epochs would take 298 seconds; patience leaves few of them.
    lab.ask_one(worker);
    work(&mut lab, worker, 86 * SECOND);
    assert_eq!(spent(&lab, sweep), None, "88 of 120 seconds are spent, and 30 kept back");
    work(&mut lab, worker, 4 * SECOND);
    assert_eq!(spent(&lab, sweep), Some(MeteredPart::Hours));
}

#[test]
fn where_the_finalist_fails_the_next_leading_trial_is_trained_to_its_end() {
    let (mut lab, worker) = Lab::with_worker(3);
    let (sweep, trials) = spend_at_rungs(&mut lab, worker);
    let failed = AttemptOutcome::Failed { kind: FailureKind::Rejected, message: "no".into() };
    let diverged = AttemptOutcome::Diverged { epoch: 2, message: "loss is NaN".into() };
    for (index, outcome) in trials.iter().zip([failed, diverged]) {
        let finalist = lab.ask_one(worker);
        assert_eq!((finalist.spec.id.index, finalist.until_epoch), (*index, None));
        lab.complete(finalist.token, outcome);
        follow(&mut lab);
    }
    let finalist = lab.ask_one(worker);
    lab.train(&finalist);
    follow(&mut lab);
    let measured = lab.ask_one(worker);
    lab.evaluate(&measured);
    let record = lab.engine.sweep(sweep).unwrap();
    assert_eq!((record.state, record.chosen.is_some()), (SweepState::Finished, true));
}

#[test]
fn a_sweep_ends_when_three_finalists_have_failed() {
    let (mut lab, worker) = Lab::with_worker(4);
    let (sweep, _) = spend_with(&mut lab, worker, 4);
    for _ in 0..3 {
        let finalist = lab.ask_one(worker);
        let failed = AttemptOutcome::Failed { kind: FailureKind::Rejected, message: "no".into() };
        lab.complete(finalist.token, failed);
        follow(&mut lab);
    }
    assert_eq!((lab.state(sweep), lab.engine.shelved(sweep)), (SweepState::Finished, 1));
}

#[test]
fn a_budget_that_is_not_raised_stays_spent() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = spend_all_but_what_is_kept(&mut lab, worker);
    let finalist = lab.engine.sweep(sweep).unwrap().finalist();
    lab.run(&change(sweep, Budget { hours: hours(47.0), ..Budget::default() }));
    assert_eq!(spent(&lab, sweep), Some(MeteredPart::Hours));
    assert!(finalist.is_some() && lab.engine.sweep(sweep).unwrap().finalist() == finalist);
    lab.run(&change(sweep, Budget { hours: hours(400.0), ..Budget::default() }));
    assert_eq!(spent(&lab, sweep), None);
}

#[test]
fn trials_that_were_to_be_shelved_go_on_when_the_budget_is_raised() {
    let (mut lab, worker) = Lab::with_worker(3);
    let (sweep, trials) = spend_at_rungs(&mut lab, worker);
    let finalist = lab.ask_one(worker);
    lab.train(&finalist);
    // Nobody has let the others follow yet.
    lab.run(&change(sweep, Budget { hours: hours(1e5), ..Budget::default() }));
    follow(&mut lab);
    assert_eq!(count(&lab, sweep, TrialState::Pruned), 0);
    assert!(trials[1..].iter().all(|trial| lab.trial(sweep, *trial).rung() == Some(1)));
}

#[test]
fn what_waits_at_rungs_is_not_pruned_by_an_extension_that_brings_more_trials() {
    let (mut lab, worker) = Lab::with_worker(3);
    let mut counted = halved(1e6);
    counted.search.as_mut().unwrap().budget.trials = Some(3);
    let sweep = lab.launch(counted);
    lab.propose();
    for granted in lab.ask(worker, 3) {
        lab.report(granted.token, &granted.spec, 1);
    }
    while count(&lab, sweep, TrialState::Completed) == 0 {
        follow(&mut lab);
        let granted = lab.ask_one(worker);
        let Some(until) = granted.until_epoch else {
            lab.train(&granted);
            break;
        };
        for epoch in granted.checkpoint.map_or(1, |one| one.epoch + 1)..=until {
            lab.report(granted.token, &granted.spec, epoch);
        }
    }
    assert!(lab.engine.lags(sweep), "the others are to be pruned");
    lab.run(&change(sweep, Budget { trials: Some(9), ..Budget::default() }));
    follow(&mut lab);
    assert_eq!(count(&lab, sweep, TrialState::Pruned), 0);
}

#[test]
fn trials_go_on_in_slices_when_a_budget_is_raised() {
    let (mut lab, worker, sweep, granted) = spend(spec(36.0));
    follow(&mut lab);
    granted.iter().for_each(|one| lab.train(one));
    let measured = lab.ask_one(worker);
    lab.evaluate(&measured);
    lab.engine = lab.engine.clone().with_slice(10);
    let raised = change(sweep, Budget { hours: hours(3_600.0), ..Budget::default() });
    let mutations = lab.decide(&raised).unwrap().mutations;
    let touched = mutations.iter().filter(|one| matches!(one, Mutation::Trial(_))).count();
    assert!((1..=10).contains(&touched), "{touched} trials in one decision");
    lab.run(&raised);
    assert!(lab.engine.lags(sweep));
    lab.engine = Engine::restore(lab.engine.tables().clone(), lab.now).with_slice(10);
    follow(&mut lab);
    assert_eq!((lab.state(sweep), count(&lab, sweep, TrialState::Cancelled)), (SweepState::Open, 0));
    assert_eq!(count(&lab, sweep, TrialState::Pending), lab.engine.ledger(sweep).planned - 2);
}

#[test]
fn a_promoted_trial_that_has_not_begun_may_still_lead_when_the_budget_is_spent() {
    let (mut lab, worker) = Lab::with_worker(4);
    let sweep = lab.launch(halved(40.0));
    lab.propose();
    let granted = lab.ask(worker, 4);
    for one in &granted[..3] {
        lab.report(one.token, &one.spec, 1);
    }
    follow(&mut lab);
    let is_promoted = |index: &u32| lab.trial(sweep, *index).until_epoch == Some(3);
    let promoted = granted.iter().map(|one| one.spec.id.index).find(is_promoted).unwrap();
    work(&mut lab, worker, 42 * SECOND);
    follow(&mut lab);
    assert_eq!(lab.trial(sweep, promoted).rung(), Some(1), "it waits with the others");
    let failed = AttemptOutcome::Failed { kind: FailureKind::Rejected, message: "no".into() };
    lab.complete(granted[3].token, failed);
    follow(&mut lab);
    assert_eq!(lab.ask_one(worker).spec.id.index, promoted);
}

#[test]
fn checkpoints_of_shelved_trials_go_with_the_models_of_their_sweep() {
    let (mut lab, worker) = Lab::with_worker(3);
    let (sweep, _) = spend_at_rungs(&mut lab, worker);
    let finalist = lab.ask_one(worker);
    lab.train(&finalist);
    follow(&mut lab);
    let measured = lab.ask_one(worker);
    lab.evaluate(&measured);
    let keep = Keep { unused_ms: None, steps_ms: None, models_ms: Some(0) };
    let mutations = lab.decide(&Command::Forget { keep, by: operator() }).unwrap().mutations;
    let subject = mutations.iter().find_map(|mutation| match mutation {
        Mutation::Audit(entry) => Some(entry.note.subject.as_str()),
        _ => None,
    });
    assert_eq!(subject, Some("2 shelved trials' checkpoints"));
    let went = lab.forget(keep);
    assert_eq!(went.iter().map(|part| (part.models, part.shelved)).collect::<Vec<_>>(), [(0, 2)]);
    assert_eq!((lab.engine.shelved(sweep), count(&lab, sweep, TrialState::Pruned)), (0, 2));
    says(&lab, &change(sweep, Budget { hours: hours(1e5), ..Budget::default() }), &["models"]);
}

#[test]
fn the_time_after_a_worker_died_spends_nothing() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(spec(60.0));
    lab.propose();
    lab.ask_one(worker);
    work(&mut lab, worker, 10 * SECOND);
    // The coordinator and the worker die; in the morning the coordinator is started again.
    lab.now = lab.now.plus_ms(36_000 * SECOND);
    lab.engine = Engine::restore(lab.engine.tables().clone(), lab.now);
    lab.pass(120 * SECOND);
    assert_eq!(spent(&lab, sweep), None);
    assert!(lab.engine.held_ms(sweep) <= 10 * SECOND, "{}", lab.engine.held_ms(sweep));
}

#[test]
fn failed_trials_of_a_spent_budget_are_not_tried_again() {
    let (mut lab, worker, sweep, granted) = spend(spec(36.0));
    follow(&mut lab);
    let failed = AttemptOutcome::Failed { kind: FailureKind::Rejected, message: "no".into() };
    lab.complete(granted[0].token, failed);
    lab.train(&granted[1]);
    let measured = lab.ask_one(worker);
    lab.evaluate(&measured);
    let which = Retried::Every { failed: true, diverged: false };
    let retry = Command::Retry { sweep, which, caller: None, quota: Box::default() };
    says(&lab, &retry, &["budget of hours", "is spent", "sweep extend 1 --hours"]);
    lab.run(&change(sweep, Budget { hours: hours(1e4), ..Budget::default() }));
    lab.run(&retry);
}

#[test]
fn a_paused_sweep_whose_budget_is_spent_ends_when_it_is_resumed() {
    let (mut lab, _, sweep, granted) = spend(spec(36.0));
    lab.run(&Command::Pause(sweep));
    follow(&mut lab);
    for one in granted {
        lab.complete(one.token, AttemptOutcome::Released { checkpoint: None });
    }
    follow(&mut lab);
    assert_eq!((lab.state(sweep), lab.engine.has_open_trials(sweep)), (SweepState::Paused, false));
    lab.run(&Command::Resume(sweep));
    assert_eq!(lab.state(sweep), SweepState::Finished);
}

#[test]
fn a_budget_is_lowered_to_what_is_made_and_the_search_ends_with_that() {
    let (mut lab, worker) = Lab::with_worker(1);
    let mut counted = spec(1e6);
    counted.search.as_mut().unwrap().budget = Budget { trials: Some(200), ..Budget::default() };
    let sweep = lab.launch(counted);
    lab.propose();
    let made = lab.engine.tables().trials_of(sweep).count() as u32;
    let trials = |trials| change(sweep, Budget { trials: Some(trials), ..Budget::default() });
    says(&lab, &trials(made - 1), &["budget of 200 trials already", "cannot lower it"]);
    lab.run(&trials(made));
    assert!(lab.engine.wanting().next().is_none() && lab.engine.unmade(sweep) == 0);
    for _ in 0..made {
        let granted = lab.ask_one(worker);
        lab.train(&granted);
    }
    assert_eq!(lab.state(sweep), SweepState::Evaluating);
}

#[test]
fn levels_that_a_constraint_forbids_are_not_added() {
    let mut lab = Lab::new();
    let mut constrained = spec(1e6);
    constrained.axes = vec![values::axis(Hyperparameter::Units, &[8, 16, 24])];
    *constrained.constraints = vec!["units <= 24".parse().unwrap()].into();
    constrained.search.as_mut().unwrap().budget = Budget { trials: Some(9), ..Budget::default() };
    let searched = lab.launch(constrained.clone());
    (constrained.search, constrained.name) = (None, "grid".into());
    let grid = lab.launch(constrained);
    for sweep in [searched, grid] {
        let more = |levels: &[u64]| {
            let more =
                Extension { axes: vec![values::axis(Hyperparameter::Units, levels)], ..Extension::default() };
            Command::Extend { sweep, more, datasets: Vec::new(), caller: None, quota: Box::default() }
        };
        says(&lab, &more(&[32, 64]), &["units <= 24", "forbids what is added to units"]);
        lab.run(&more(&[4, 64]));
    }
}

/// For how long attempts held their slots at a moment, as if they were heard then.
fn held_at(lab: &Lab, sweep: SweepId, at: Timestamp) -> u64 {
    let attempts = lab.engine.tables().attempts.values().filter(|one| one.id.trial.sweep == sweep);
    attempts.map(|one| one.ended_at.map_or(at, |end| end.min(at)).since_ms(one.started_at.min(at))).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// However long trials take: none begins once the budget is spent, so that nothing but the attempts that run then exceeds it.
    #[test]
    fn no_more_than_what_runs_exceeds_a_budget(
        slots in 1_u32..5, budget in 1_u64..200, takes in prop::collection::vec(1_u64..90, 1..12),
    ) {
        let (mut lab, worker) = Lab::with_worker(slots);
        let sweep = lab.launch(spec(budget as f64));
        let mut running: Vec<(Timestamp, Granted)> = Vec::new();
        let mut takes = takes.into_iter().cycle();
        let mut spent_at = None;
        while !lab.state(sweep).is_ended() {
            lab.propose();
            follow(&mut lab);
            for granted in lab.ask(worker, slots) {
                let takes = takes.next().unwrap();
                running.push((lab.now.plus_ms(takes * SECOND), granted));
            }
            if spent_at.is_none() && spent(&lab, sweep).is_some() {
                spent_at = Some(lab.now);
            }
            work(&mut lab, worker, SECOND);
            let now = lab.now;
            for (_, granted) in running.extract_if(.., |(due, _)| *due <= now) {
                if granted.model.is_some() { lab.evaluate(&granted) } else { lab.train(&granted) }
            }
        }
        let spent_at = spent_at.expect("random widths do not end before");
        let attempts = lab.engine.tables().attempts.values();
        let began: Vec<_> = attempts.filter(|one| one.work == WorkKind::Train).collect();
        prop_assert!(began.iter().all(|one| one.started_at <= spent_at && one.state == AttemptState::Succeeded));
        // A second passes between two looks, in which each slot spends one.
        prop_assert!(held_at(&lab, sweep, spent_at) <= (budget + 2 * u64::from(slots)) * SECOND);
        prop_assert_eq!(count(&lab, sweep, TrialState::Completed), began.len() as u64);
    }
}

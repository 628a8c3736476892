//! Many trials and many users: launches, pauses and cancellations in slices, and the totals that bound them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use coordinator_core::{Command, Engine, Extension, Quota, Retried, SweepState, Totals, TrialState};
use sweep_proto::{
    AttemptOutcome, Axis, FailureKind, Hyperparameter, SweepId, SweepSpec, TrialSpec, WorkKind, WorkerId,
};

use support::lab::Lab;
use support::values::{self, axis};

/// Trains and evaluates everything there is.
fn finish(lab: &mut Lab, worker: WorkerId) {
    while let Some(granted) = lab.ask(worker, 1).pop() {
        match granted.work {
            WorkKind::Train => lab.train(&granted),
            WorkKind::Evaluate => lab.evaluate(&granted),
        }
    }
}

fn extend(sweep: SweepId, spec: &SweepSpec, axes: Vec<Axis>, replicates: Option<u32>) -> Command {
    let mut wanted = spec.clone();
    wanted.axes.extend(axes.iter().cloned());
    let (datasets, quota) = (values::datasets(&wanted), Box::default());
    let more = Extension { axes, replicates, ..Extension::default() };
    Command::Extend { sweep, more, datasets, caller: None, quota }
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

/// A lab in which that number of trials at one time follows what is decided of their sweep.
fn in_slices(mut lab: Lab, trials: usize) -> Lab {
    lab.engine = Engine::restore(lab.engine.tables().clone(), lab.now).with_slice(trials);
    lab
}

/// A lab in which that number of trials of a sweep are made ahead.
fn stocked(mut lab: Lab, trials: usize) -> Lab {
    lab.engine = Engine::restore(lab.engine.tables().clone(), lab.now).with_slice(trials).with_stock(trials);
    lab
}

fn trial_specs(lab: &Lab, sweep: SweepId) -> Vec<TrialSpec> {
    lab.engine.tables().trials_of(sweep).map(|trial| trial.spec.clone()).collect()
}

#[test]
fn the_points_of_a_cancelled_grid_are_not_counted_again_at_a_start() {
    let mut lab = stocked(Lab::new(), 3);
    let mut spec = values::spec("restricted", &[8, 16, 24, 32, 40], 2, 1);
    *spec.constraints = vec!["units <= 32".parse().unwrap()].into();
    let sweep = lab.launch(spec);
    lab.run(&Command::Cancel(sweep));
    follow(&mut lab);
    assert_eq!((lab.engine.ledger(sweep).planned, lab.engine.tables().trials.len()), (8, 3));
    // Whoever counted them would find none now.
    let mut tables = lab.engine.tables().clone();
    let row = tables.sweeps.get_mut(&sweep).unwrap();
    *row.spec.constraints = vec!["units <= 4".parse().unwrap()].into();
    let restored = Engine::restore(tables, lab.now);
    let ledger = restored.ledger(sweep);
    assert_eq!((ledger.planned, ledger.of(TrialState::Cancelled)), (8, 8));
}

#[test]
fn a_large_launch_is_made_in_slices_and_worked_on_meanwhile() {
    let (lab, worker) = Lab::with_worker(1);
    let mut lab = in_slices(lab, 3);
    let spec = values::spec("large", &[8, 16, 24, 32, 40], 2, 1);
    let sweep = lab.launch(spec.clone());
    assert_eq!(lab.engine.tables().trials.len(), 3);
    let ledger = lab.engine.ledger(sweep);
    assert_eq!((ledger.planned, ledger.of(TrialState::Pending)), (10, 10), "the rest is on its way");
    finish(&mut lab, worker);
    assert_eq!(lab.state(sweep), SweepState::Open, "no choice before all trials are there");

    // A coordinator that is killed in between goes on from its rows alone.
    let mut lab = in_slices(lab, 3);
    assert_eq!(follow(&mut lab), 3);
    finish(&mut lab, worker);
    assert_eq!(lab.state(sweep), SweepState::Finished);

    let mut at_once = Lab::new();
    let same = at_once.launch(spec);
    assert_eq!(trial_specs(&lab, sweep), trial_specs(&at_once, same));
}

#[test]
fn a_sweep_larger_than_the_stock_is_made_as_it_runs_replicate_by_replicate() {
    let (lab, worker) = Lab::with_worker(1);
    let mut lab = stocked(lab, 4);
    let spec = values::spec("large", &[8, 16, 24, 32, 40, 48], 3, 1);
    let sweep = lab.launch(spec.clone());
    follow(&mut lab);
    let made = lab.engine.tables().trials.len();
    assert!((4..8).contains(&made), "{made} trials were made ahead");
    let ledger = lab.engine.ledger(sweep);
    assert_eq!((ledger.planned, ledger.of(TrialState::Pending)), (18, 18), "all of them wait, made or not");
    assert_eq!(lab.engine.usage(|_| true).open_trials, 18, "and all of them count");
    assert_eq!(lab.engine.progress(sweep).planned, 18);

    let mut replicates = Vec::new();
    for _ in 0..8 {
        let granted = lab.ask_one(worker);
        replicates.push(granted.spec.replicate);
        lab.train(&granted);
        follow(&mut lab);
    }
    assert_eq!(replicates, [0, 0, 0, 0, 0, 0, 1, 1]);

    // It is extended before all its trials are made, and again while none of the extension's is; a restart in between changes nothing.
    lab.run(&extend(sweep, &spec, vec![axis(Hyperparameter::Units, &[56])], Some(4)));
    let grown = lab.engine.sweep(sweep).unwrap().spec.clone();
    let mut lab = stocked(lab, 4);
    lab.run(&extend(sweep, &grown, vec![], Some(5)));
    let grown = lab.engine.sweep(sweep).unwrap().spec.clone();
    assert_eq!(lab.engine.sweep(sweep).unwrap().extended_from.as_deref(), Some(&spec));
    assert_eq!(lab.engine.ledger(sweep).planned, 35);
    // Where some are made, the others come first.
    while lab.engine.tables().trials.len() <= 18 {
        let granted = lab.ask_one(worker);
        lab.train(&granted);
        follow(&mut lab);
    }
    let again = lab.refused(&extend(sweep, &grown, vec![], Some(6))).to_string();
    assert!(again.contains("last extension"), "{again}");
    while lab.state(sweep) == SweepState::Open {
        let granted = lab.ask_one(worker);
        lab.train(&granted);
        follow(&mut lab);
    }
    finish(&mut lab, worker);
    assert_eq!(lab.state(sweep), SweepState::Finished);
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Completed), 35);
    assert_eq!(lab.engine.sweep(sweep).unwrap().extended_from, None);
    lab.run(&extend(sweep, &grown, vec![], Some(6)));
}

#[test]
fn extensions_before_any_trial_of_theirs_is_made_come_to_the_same_trials_as_one() {
    let first = values::spec("large", &[8, 16, 24, 32, 40, 48], 3, 1);
    let grow = |steps: &[(&[Axis], Option<u32>)]| {
        let (lab, worker) = Lab::with_worker(1);
        let mut lab = stocked(lab, 4);
        let sweep = lab.launch(first.clone());
        for (axes, replicates) in steps {
            let spec = lab.engine.sweep(sweep).unwrap().spec.clone();
            lab.run(&extend(sweep, &spec, axes.to_vec(), *replicates));
            follow(&mut lab);
        }
        while lab.state(sweep) == SweepState::Open {
            let granted = lab.ask_one(worker);
            lab.train(&granted);
            follow(&mut lab);
        }
        trial_specs(&lab, sweep)
    };
    let (units, length) = (axis(Hyperparameter::Units, &[56]), axis(Hyperparameter::MaxLength, &[50]));
    let trials = grow(&[
        (std::slice::from_ref(&units), None),
        (&[], Some(5)),
        (std::slice::from_ref(&length), Some(6)),
    ]);
    assert_eq!(trials.len(), 7 * 2 * 6);
    assert_eq!(trials, grow(&[(&[units, length], Some(6))]));
}

#[test]
fn pausing_resuming_and_cancelling_many_trials_takes_many_steps_and_shows_at_once() {
    let mut lab = in_slices(Lab::new(), 2);
    let sweep = lab.launch(values::spec("large", &[8, 16, 24, 32], 2, 1));
    lab.run(&Command::Pause(sweep));
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Paused), 8);
    assert!(!lab.engine.has_pending_work(), "nothing of a paused sweep is handed out");
    assert!(follow(&mut lab) > 1);
    lab.run(&Command::Resume(sweep));
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Pending), 8);
    lab.run(&Command::Cancel(sweep));
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Cancelled), 8);
    assert!(follow(&mut lab) > 1);
    let ends: Vec<_> = lab.engine.tables().trials_of(sweep).map(|one| (one.state, one.ended_at)).collect();
    assert_eq!(ends, [(TrialState::Cancelled, lab.engine.sweep(sweep).unwrap().ended_at); 8]);
}

#[test]
fn cancelling_a_sweep_that_is_being_made_makes_no_more_of_it() {
    let mut lab = in_slices(Lab::new(), 2);
    let sweep = lab.launch(values::spec("large", &[8, 16, 24, 32], 2, 1));
    lab.run(&Command::Cancel(sweep));
    follow(&mut lab);
    assert_eq!(lab.engine.tables().trials.len(), 2);
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Cancelled), 8);
}

#[test]
fn an_extension_in_slices_makes_the_same_trials_as_one_at_once() {
    let first = values::spec("grown", &[8, 16], 2, 1);
    let grow = |mut lab: Lab| {
        let sweep = lab.launch(first.clone());
        follow(&mut lab);
        let axes = vec![axis(Hyperparameter::Units, &[24]), axis(Hyperparameter::MaxLength, &[50])];
        lab.run(&extend(sweep, &first, axes, Some(3)));
        if lab.engine.is_behind() {
            let again = lab.refused(&extend(sweep, &first, vec![], Some(4))).to_string();
            assert!(again.contains("in a moment"), "{again}");
            lab = in_slices(lab, 3);
        }
        follow(&mut lab);
        assert_eq!(lab.engine.sweep(sweep).unwrap().extended_from, None);
        trial_specs(&lab, sweep)
    };
    let trials = grow(in_slices(Lab::new(), 3));
    assert_eq!(trials, grow(Lab::new()));
    assert_eq!(trials.len(), 3 * 2 * 3);
}

#[test]
fn totals_are_checked_before_anything_is_made_and_the_refusal_names_the_limit() {
    let mut lab = Lab::new();
    let quota = Quota::of(Totals { open_trials: 8, ..Quota::default().all });
    let launch = |name: &str, levels: &[u64], owner: Option<&str>| {
        let mut command = values::launch(values::spec(name, levels, 1, 1));
        let Command::Launch { owner: of, quota: given, .. } = &mut command else { unreachable!() };
        *of = owner.map(Into::into);
        **given = quota;
        command
    };
    lab.run(&launch("a", &[8, 16, 24], Some("ann")));
    let refused = lab.refused(&launch("b", &[8, 16], Some("ann"))).to_string();
    for part in ["5 open trials", "one user may have 4", "3 now", "sweep cancel"] {
        assert!(refused.contains(part), "{refused:?} does not say {part:?}");
    }
    lab.run(&launch("c", &[8, 16, 24], Some("bob")));
    let refused = lab.refused(&launch("d", &[8, 16, 24], None)).to_string();
    for part in ["9 open trials", "all sweeps together may have 8", "--max-open-trials"] {
        assert!(refused.contains(part), "{refused:?} does not say {part:?}");
    }
    lab.run(&Command::Cancel(SweepId(1)));
    lab.run(&launch("d", &[8, 16, 24], None));
    let more = Command::Extend {
        sweep: SweepId(2),
        more: Extension { replicates: Some(3), ..Extension::default() },
        datasets: vec![],
        caller: None,
        quota: Box::new(quota),
    };
    assert!(lab.refused(&more).to_string().contains("open trials"));
}

#[test]
fn what_a_sweep_grows_by_fits_its_owners_share_and_that_of_whoever_asks() {
    let (mut lab, worker) = Lab::with_worker(4);
    let quota = Quota::of(Totals { open_trials: 8, ..Quota::default().all });
    let launch = |name: &str, levels: &[u64], owner: Option<&str>| {
        let mut command = values::launch(values::spec(name, levels, 1, 1));
        let Command::Launch { owner: of, quota: given, .. } = &mut command else { unreachable!() };
        *of = owner.map(Into::into);
        **given = quota;
        command
    };
    let grow = |sweep, replicates, caller: Option<&str>| Command::Extend {
        sweep,
        more: Extension { replicates: Some(replicates), ..Extension::default() },
        datasets: vec![],
        caller: caller.map(Into::into),
        quota: Box::new(quota),
    };
    let is_too_much = |lab: &Lab, command: &Command| {
        let refused = lab.refused(command).to_string();
        assert!(refused.contains("one user may have 4"), "{refused}");
    };
    let [of_ann, of_bob, nobodys] = [SweepId(1), SweepId(2), SweepId(3)];
    lab.run(&launch("a", &[8], Some("ann")));
    lab.run(&launch("b", &[8, 16, 24], Some("bob")));
    lab.run(&launch("c", &[8], None));
    // Bob has three of four open: he adds one to Ann's sweep, and not two.
    is_too_much(&lab, &grow(of_ann, 3, Some("bob")));
    lab.decide(&grow(of_ann, 3, Some("ann"))).expect("it fits her share");
    lab.decide(&grow(of_ann, 2, Some("bob"))).expect("it fits both shares");
    // Ann has room, and Bob, whose sweep it is, has none.
    is_too_much(&lab, &grow(of_bob, 2, Some("ann")));
    // What is nobody's grows by the share of whoever asks, also in small steps.
    is_too_much(&lab, &grow(nobodys, 2, Some("bob")));
    lab.run(&grow(nobodys, 2, Some("ann")));
    lab.run(&grow(nobodys, 3, Some("ann")));
    is_too_much(&lab, &grow(nobodys, 4, Some("ann")));
    lab.decide(&grow(nobodys, 4, None)).expect("the operator has all there is");

    // What is tried again is open again.
    for granted in lab.ask(worker, 1) {
        assert_eq!(granted.spec.id.sweep, of_ann);
        let outcome = AttemptOutcome::Failed { kind: FailureKind::Rejected, message: "no".into() };
        lab.complete(granted.token, outcome);
    }
    let retry = |caller: &str| Command::Retry {
        sweep: of_ann,
        which: Retried::Every { failed: true, diverged: false },
        caller: Some(caller.into()),
        quota: Box::new(quota),
    };
    lab.decide(&retry("bob")).expect("he has three open, and this is the fourth");
    lab.run(&launch("d", &[8], Some("bob")));
    is_too_much(&lab, &retry("bob"));
    lab.run(&retry("ann"));
}

/// What waits to be made takes the epochs of the grown spec, too: an extension is refused just where it would exceed a limit.
#[test]
fn an_extension_is_charged_for_the_longer_trials_that_are_yet_to_be_made() {
    let grown = |limit: u64| {
        let mut lab = stocked(Lab::new(), 4);
        let levels: Vec<u64> = (1..=40).collect();
        let spec = values::spec("large", &levels, 1, 1);
        let sweep = lab.launch(spec.clone());
        follow(&mut lab);
        assert!(lab.engine.tables().trials.len() < 40, "some are yet to be made");
        let mut command = extend(sweep, &spec, vec![axis(Hyperparameter::Epochs, &[500])], None);
        let Command::Extend { quota, .. } = &mut command else { unreachable!() };
        **quota = Quota::of(Totals { memory_bytes: limit, ..Quota::default().all });
        let decided = lab.decide(&command).map(|_| ());
        if decided.is_ok() {
            lab.run(&command);
        }
        (decided, lab.engine.usage(|_| true))
    };
    let (_, free) = grown(u64::MAX);
    assert_eq!(free.open_trials, 80);
    grown(free.memory_bytes).0.expect("just as much as there may be");
    let (refused, _) = grown(free.memory_bytes - 1);
    let refused = refused.expect_err("one byte less").to_string();
    assert!(refused.contains("bytes of memory"), "{refused}");
}

#[test]
fn every_total_has_a_limit_of_its_own() {
    type Limit = fn(&mut Totals);
    let lab = Lab::new();
    let limits: [(&str, Limit); 6] = [
        ("sweeps", |all| all.sweeps = 0),
        ("stored trials", |all| all.stored_trials = 1),
        ("open trials", |all| all.open_trials = 1),
        ("bytes of sweep files", |all| all.text_bytes = 5),
        ("bytes of datasets", |all| all.artifact_bytes = 5),
        ("bytes of memory", |all| all.memory_bytes = 5_000),
    ];
    for (what, limit) in limits {
        let mut all = Quota::default().all;
        limit(&mut all);
        let mut command = values::launch(values::spec("one", &[8, 16], 1, 100));
        let Command::Launch { quota, .. } = &mut command else { unreachable!() };
        **quota = Quota::of(all);
        let refused = lab.refused(&command).to_string();
        assert!(refused.contains(what), "{refused:?} does not say {what:?}");
    }
}

#[test]
fn four_files_of_a_thousand_replicates_stay_below_what_there_may_be() {
    let mut lab = Lab::new();
    let levels: Vec<u64> = (1..=1_000).collect();
    for _ in 0..4 {
        let refused = lab.refused(&values::launch(values::spec("huge", &levels, 1_000, 1))).to_string();
        assert!(refused.contains("1000000 open trials"), "{refused}");
    }
    assert_eq!(lab.engine.usage(|_| true), Totals::default());
    lab.launch(values::spec("small", &[8, 16], 2, 1));
    let usage = lab.engine.usage(|_| true);
    assert_eq!((usage.sweeps, usage.stored_trials, usage.open_trials), (1, 4, 4));
}

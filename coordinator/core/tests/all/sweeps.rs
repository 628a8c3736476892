//! A sweep's way through its states: launch, choice, evaluation, reuse, pause, cancel, extend.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use std::path::PathBuf;

use coordinator_core::command::LeaseStanding;
use coordinator_core::{
    AttemptState, Command, Extension, Quota, Rejection, Reply, SweepState, Totals, TrialState,
};
use sweep_proto::{
    AttemptId, AttemptOutcome, Axis, DataSource, Digest, FailureKind, Hyperparameter, SweepId, SweepSpec,
    Timestamp, Value, WorkKind, WorkerId, sweep_file,
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

fn replicates(count: u32) -> Extension {
    Extension { replicates: Some(count), ..Extension::default() }
}

fn extend(sweep: SweepId, spec: &SweepSpec, axes: Vec<Axis>, replicates: Option<u32>) -> Command {
    let mut wanted = spec.clone();
    wanted.axes.extend(axes.iter().cloned());
    let (datasets, quota) = (values::datasets(&wanted), Box::default());
    let more = Extension { axes, replicates, ..Extension::default() };
    Command::Extend { sweep, more, datasets, caller: None, quota }
}

#[test]
fn launch_lays_out_every_grid_point_with_every_replicate() {
    let mut lab = Lab::new();
    let mut spec = values::spec("grid", &[8, 16], 3, 2);
    spec.axes.push(axis(Hyperparameter::MaxLength, &[50, 100]));
    let sweep = lab.launch(spec.clone());
    let trials: Vec<_> = lab.engine.tables().trials_of(sweep).collect();
    assert_eq!(trials.len(), 12);
    for trial in trials {
        let position = spec.position(&trial.spec.configuration).unwrap();
        assert_eq!(u64::from(trial.spec.id.index), position * 3 + u64::from(trial.spec.replicate));
        let dataset = values::dataset(trial.spec.configuration.data_variant());
        assert_eq!(*trial.spec.dataset, dataset.artifact.digest);
    }
    let (first, last) = (lab.trial(sweep, 0), lab.trial(sweep, 9));
    assert_eq!(first.spec.seed, last.spec.seed, "replicates are paired");
    let newest = lab.launch(spec);
    assert_eq!(lab.engine.resolve("grid"), Some(newest));
    assert_eq!(lab.engine.resolve("1"), Some(sweep));
    assert_eq!(lab.engine.resolve("other"), None);
    assert_eq!(lab.engine.resolve("grid-1"), Some(sweep), "the name of its report's folder");
    assert_eq!(lab.engine.resolve("grid-9"), None);
    let dashed = lab.launch(values::spec("grid-1", &[8], 1, 2));
    assert_eq!(lab.engine.resolve("grid-1"), Some(dashed), "a name of its own comes first");
    let spaced = lab.launch(values::spec("감성 분석", &[8], 1, 2));
    assert_eq!(lab.engine.resolve("감성-분석"), Some(spaced));
}

#[test]
fn who_attaches_finds_the_sweep_that_goes_on() {
    let mut lab = Lab::new();
    let spec = values::spec("grid", &[8], 1, 2);
    let mut attach = values::launch(spec);
    let Command::Launch { attach: attaches, .. } = &mut attach else { unreachable!() };
    *attaches = true;
    let Reply::Launched(first) = lab.run(&attach) else { panic!("not launched") };
    lab.changes_nothing(&attach);
    assert_eq!(lab.run(&attach), Reply::Launched(first), "pressed twice, launched once");
    let changed = |change: &dyn Fn(&mut SweepSpec, &mut String)| {
        let Command::Launch { mut spec, mut file_text, datasets, .. } = attach.clone() else {
            unreachable!()
        };
        change(&mut spec, &mut file_text);
        Command::Launch { spec, file_text, datasets, attach: true, owner: None, quota: Box::default() }
    };
    let moved = PathBuf::from("/moved/rows.csv");
    let source = DataSource::Known { name: "snippets".into(), path: Some(moved) };
    let elsewhere = changed(&|spec, text| {
        spec.data.source = source.clone();
        text.insert_str(0, "# a note\n");
    });
    lab.changes_nothing(&elsewhere);
    assert_eq!(lab.run(&elsewhere), Reply::Launched(first), "a comment was added, and the folder renamed");
    let other = changed(&|spec, text| {
        spec.replicates += 1;
        text.push_str("\nreplicates = 2\n");
    });
    assert_ne!(lab.run(&other), Reply::Launched(first), "something else is asked for");
    lab.run(&Command::Cancel(first));
    assert_ne!(lab.run(&attach), Reply::Launched(first), "a cancelled sweep is launched again");
}

/// A launch that takes a sweep that is there, with another dataset where `data` says so.
fn attach_to(spec: &SweepSpec, data: &[u8]) -> Command {
    let mut datasets = values::datasets(spec);
    if !data.is_empty() {
        datasets.iter_mut().for_each(|dataset| dataset.artifact.digest = Digest::of(data));
    }
    let (spec, file_text, quota) = (spec.clone(), String::new(), Box::default());
    Command::Launch { spec, file_text, datasets, attach: true, owner: None, quota }
}

#[test]
fn a_finished_sweep_of_the_same_file_and_data_is_found_unless_all_shall_be_trained() {
    let (mut lab, worker) = Lab::with_worker(1);
    let spec = values::spec("again", &[8, 16], 1, 2);
    let Reply::Launched(first) = lab.run(&attach_to(&spec, b"")) else { panic!("not launched") };
    finish(&mut lab, worker);
    assert_eq!(lab.state(first), SweepState::Finished);
    let mut by_another = attach_to(&spec, b"");
    let Command::Launch { file_text, owner, .. } = &mut by_another else { unreachable!() };
    (*file_text, *owner) = ("# a note of somebody else\n".into(), Some("bob".into()));
    lab.changes_nothing(&by_another);
    assert_eq!(lab.run(&by_another), Reply::Launched(first), "signed reports of it still hold");
    let without_reuse = SweepSpec { reuse: false, ..spec.clone() };
    let Reply::Launched(second) = lab.run(&attach_to(&without_reuse, b"")) else { panic!("not launched") };
    assert_ne!(second, first, "everything is to be trained");
    lab.run(&Command::Cancel(second));
    let other = values::datasets(&spec);
    assert_eq!(lab.engine.same_on_other_data(&spec, "", &other), None);
    let Command::Launch { datasets: changed, .. } = attach_to(&spec, b"changed") else { unreachable!() };
    assert_eq!(lab.engine.same_on_other_data(&spec, "", &changed), Some(second));
    let Reply::Launched(third) = lab.run(&attach_to(&spec, b"changed")) else { panic!("not launched") };
    assert_ne!(third, first, "the data has changed");
}

#[test]
fn a_sweep_some_of_whose_trials_failed_is_not_taken_for_the_answer() {
    let (mut lab, worker) = Lab::with_worker(1);
    let spec = values::spec("failed", &[8], 2, 2);
    let Reply::Launched(first) = lab.run(&attach_to(&spec, b"")) else { panic!("not launched") };
    let granted = lab.ask_one(worker);
    let refused = AttemptOutcome::Failed { kind: FailureKind::Rejected, message: "no".into() };
    lab.complete(granted.token, refused);
    finish(&mut lab, worker);
    assert_eq!(lab.state(first), SweepState::Finished);
    assert_ne!(lab.run(&attach_to(&spec, b"")), Reply::Launched(first));
}

#[test]
fn choices_that_were_measured_are_remembered_when_a_sweep_goes_on() {
    let (mut lab, worker) = Lab::with_worker(1);
    let spec = values::spec("seen", &[8, 16], 1, 2);
    let sweep = lab.launch(spec.clone());
    finish(&mut lab, worker);
    let record = |lab: &Lab| lab.engine.sweep(sweep).unwrap().clone();
    let chosen = record(&lab).chosen.unwrap();
    assert!(record(&lab).earlier_choices.is_empty());
    assert_eq!(record(&lab).tests_so_far(true), 1);
    let ended = record(&lab).ended_at.unwrap();
    lab.now = Timestamp(lab.now.0 + 5_000);
    lab.run(&extend(sweep, &spec, Vec::new(), Some(2)));
    let earlier = record(&lab).earlier_choices;
    assert_eq!(earlier.len(), 1);
    assert_eq!((&earlier[0].configuration, earlier[0].at, earlier[0].trials), (&chosen, ended, 2));
    let tested = lab.engine.tables().trials_of(sweep).find_map(|trial| trial.test.as_ref()).unwrap();
    assert!((earlier[0].accuracy - tested.accuracy).abs() < 1e-12);
    lab.run(&extend(sweep, &record(&lab).spec, Vec::new(), Some(3)));
    assert_eq!(record(&lab).earlier_choices.len(), 1, "nothing was measured between the two");
    finish(&mut lab, worker);
    assert_eq!(record(&lab).tests_so_far(true), 2);
}

#[test]
fn a_sweep_that_grew_is_found_by_the_meaning_of_its_file() {
    let text = "name = \"grown\"\n[data]\ndataset = \"snippets\"\n[grid]\nunits = [8, 16]\n";
    let spec = sweep_file::parse("", text).unwrap();
    let datasets = values::datasets(&spec);
    let attach = |spec: &SweepSpec, text: &str| Command::Launch {
        spec: spec.clone(),
        file_text: text.into(),
        datasets: datasets.clone(),
        attach: true,
        owner: None,
        quota: Box::default(),
    };
    let mut lab = Lab::new();
    let Reply::Launched(first) = lab.run(&attach(&spec, text)) else { panic!("not launched") };
    lab.run(&extend(first, &spec, Vec::new(), Some(2)));
    let commented = format!("# two replicates were added by `sweep extend`\n{text}");
    assert_eq!(lab.run(&attach(&spec, &commented)), Reply::Launched(first));
    assert_eq!(lab.engine.sweep(first).unwrap().spec.replicates, 2, "what was added stays");
}

#[test]
fn senseless_sweeps_are_refused_by_name() {
    let lab = Lab::new();
    let good = values::spec("bad", &[8, 16], 1, 2);
    let refused = |change: &dyn Fn(&mut SweepSpec), says: &str| {
        let mut spec = good.clone();
        change(&mut spec);
        let datasets = values::datasets(&good);
        let (file_text, quota) = (String::new(), Box::default());
        let command = Command::Launch { spec, file_text, datasets, attach: false, owner: None, quota };
        let error = lab.refused(&command).to_string();
        assert!(error.contains(says), "{error:?} does not say {says:?}");
    };
    refused(&|spec| spec.replicates = 0, "replicate");
    refused(&|spec| spec.failures_max = 0, "failures_max");
    let units = |levels: &[u64]| axis(Hyperparameter::Units, levels);
    refused(&|spec| spec.axes[0] = units(&[]), "units");
    refused(&|spec| spec.axes[0] = units(&[8, 16, 8]), "level 8 twice");
    refused(&|spec| spec.axes[0] = units(&[8, 16, 0]), "not 0");
    refused(&|spec| spec.axes.push(axis(Hyperparameter::Units, &[32])), "swept twice");
    refused(&|spec| spec.replicates = 600_000, "1200000 trials");
    refused(&|spec| spec.axes.push(axis(Hyperparameter::MaxLength, &[7])), "max_length=7");
    let reals = Axis::of_levels(Hyperparameter::LearningRate, vec![Value::Real(1.0), Value::Integer(1)]);
    refused(&|spec| spec.axes.push(reals.clone()), "level 1.0 twice");
}

#[test]
fn the_lowest_mean_score_is_chosen_and_measured_once() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("choice", &[8, 16, 24], 2, 3));
    for _ in 0..6 {
        let granted = lab.ask_one(worker);
        assert_eq!(granted.work, WorkKind::Train);
        lab.train(&granted);
    }
    assert_eq!(lab.state(sweep), SweepState::Evaluating);
    let means = lab.engine.configurations(sweep);
    assert!(means.windows(2).all(|pair| pair[0].score <= pair[1].score));
    assert_eq!(lab.engine.sweep(sweep).unwrap().chosen.as_ref(), Some(&means[0].configuration));
    for _ in 0..2 {
        let granted = lab.ask_one(worker);
        assert_eq!((granted.work, granted.attempt), (WorkKind::Evaluate, 2));
        assert_eq!(granted.spec.configuration, means[0].configuration);
        assert_eq!(granted.model, Some(values::result(&granted.spec).model));
        let outcome = AttemptOutcome::Evaluated(values::test_metric(&granted.spec));
        lab.complete(granted.token, outcome.clone());
        lab.changes_nothing(&Command::Complete { token: granted.token, outcome });
    }
    assert_eq!(lab.state(sweep), SweepState::Finished);
    assert_eq!(lab.engine.tables().trials_of(sweep).filter(|trial| trial.test.is_some()).count(), 2);
    assert!(!lab.engine.has_pending_work());
}

#[test]
fn a_configuration_with_a_failed_replicate_never_beats_a_covered_one() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("cover", &[8, 16, 24], 2, 1));
    let best = |lab: &Lab| lab.engine.configurations(sweep).first().map(|mean| mean.configuration.clone());
    // Whichever is best after the first replicates fails in its second one.
    for _ in 0..3 {
        let granted = lab.ask_one(worker);
        lab.train(&granted);
    }
    let lucky = best(&lab).unwrap();
    for _ in 0..3 {
        let granted = lab.ask_one(worker);
        if granted.spec.configuration == lucky {
            let message = "refused".into();
            lab.complete(granted.token, AttemptOutcome::Failed { kind: FailureKind::Rejected, message });
        } else {
            lab.train(&granted);
        }
    }
    let chosen = lab.engine.sweep(sweep).unwrap().chosen.clone();
    assert!(chosen.is_some() && chosen != Some(lucky));
    assert_eq!(chosen, best(&lab));
}

#[test]
fn an_evaluation_that_fails_for_good_ends_the_sweep_without_a_measurement() {
    for (kind, tries) in [(FailureKind::Crashed, 3), (FailureKind::Rejected, 1)] {
        let (mut lab, worker) = Lab::with_worker(1);
        let sweep = lab.launch(values::spec("no test", &[8], 1, 1));
        let granted = lab.ask_one(worker);
        lab.train(&granted);
        for _ in 0..tries {
            assert_eq!(lab.state(sweep), SweepState::Evaluating);
            let granted = lab.ask_one(worker);
            lab.complete(granted.token, AttemptOutcome::Failed { kind, message: "broke".into() });
        }
        assert_eq!(lab.state(sweep), SweepState::Finished);
        let trial = lab.trial(sweep, 0);
        assert_eq!((trial.state, trial.failures), (TrialState::Completed, 0));
        assert_eq!((trial.test.as_ref(), trial.last_error.as_deref()), (None, Some("broke")));
    }
}

#[test]
fn a_second_launch_is_all_reuse_and_finished_at_once() {
    let (mut lab, worker) = Lab::with_worker(2);
    let spec = values::spec("reuse", &[8, 16], 2, 2);
    let first = lab.launch(spec.clone());
    finish(&mut lab, worker);
    let second = lab.launch(spec.clone());
    assert_eq!(lab.state(second), SweepState::Finished);
    assert_eq!(lab.engine.ledger(second).reused, 4);
    for (trial, origin) in lab.engine.tables().trials_of(second).zip(lab.engine.tables().trials_of(first)) {
        assert_eq!(trial.reused_from, Some(origin.spec.id));
        assert_eq!((&trial.result, &trial.test), (&origin.result, &origin.test));
    }
    let third = lab.launch(spec.clone());
    assert_eq!(lab.trial(third, 0).reused_from.unwrap().sweep, first, "the origin, not the copy");
    let fourth = lab.launch(SweepSpec { reuse: false, ..spec });
    assert_eq!(lab.engine.ledger(fourth).of(TrialState::Pending), 4);
}

#[test]
fn the_test_split_is_measured_only_for_what_is_chosen() {
    let (mut lab, worker) = Lab::with_worker(1);
    let spec = values::spec("wide", &[8, 16], 1, 1);
    let wide = lab.launch(spec);
    finish(&mut lab, worker);
    let chosen = lab.engine.sweep(wide).unwrap().chosen.clone().unwrap();
    let other = if chosen.units() == 8 { 16 } else { 8 };
    let narrow = lab.launch(values::spec("narrow", &[other], 1, 1));
    assert_eq!(lab.state(narrow), SweepState::Evaluating, "reused, but never tested before");
    finish(&mut lab, worker);
    assert!(lab.trial(narrow, 0).test.is_some() && lab.trial(narrow, 0).reused_from.is_some());
}

#[test]
fn a_pending_trial_is_taken_over_when_another_sweep_has_trained_it() {
    let (mut lab, worker) = Lab::with_worker(1);
    let first = lab.launch(values::spec("one", &[8], 1, 1));
    let second = lab.launch(values::spec("two", &[8, 16], 1, 1));
    let granted = lab.ask_one(worker);
    assert_eq!(granted.spec.id.sweep, first);
    lab.train(&granted);
    let granted = lab.ask_one(worker);
    assert_eq!(granted.work, WorkKind::Evaluate);
    lab.evaluate(&granted);
    let granted = lab.ask_one(worker);
    assert_eq!((granted.spec.id.sweep, granted.spec.id.index), (second, 1));
    assert_eq!(lab.trial(second, 0).reused_from, Some(sweep_proto::TrialId { sweep: first, index: 0 }));
}

#[test]
fn pause_calls_back_what_runs_and_resume_hands_it_out_again() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("pause", &[8, 16], 1, 2));
    let granted = lab.ask_one(worker);
    lab.report(granted.token, &granted.spec, 1);
    lab.run(&Command::Pause(sweep));
    lab.changes_nothing(&Command::Pause(sweep));
    assert_eq!(lab.trial(sweep, 1).state, TrialState::Paused);
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Leased);
    let (standing, drain) = lab.heartbeat(worker, &[granted.token]);
    assert!(matches!(standing[0], LeaseStanding::Release(_)) && !drain);
    lab.complete(granted.token, AttemptOutcome::Released { checkpoint: granted.checkpoint });
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Paused);
    assert!(lab.ask(worker, 1).is_empty());
    lab.run(&Command::Resume(sweep));
    lab.changes_nothing(&Command::Resume(sweep));
    let again = lab.ask_one(worker);
    assert_eq!((again.spec.id.index, again.checkpoint.map(|one| one.epoch)), (0, Some(1)));
}

#[test]
fn what_completes_while_paused_waits_for_resume_to_be_chosen() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("late", &[8], 1, 1));
    let granted = lab.ask_one(worker);
    lab.run(&Command::Pause(sweep));
    lab.train(&granted);
    assert_eq!(lab.state(sweep), SweepState::Paused);
    lab.run(&Command::Resume(sweep));
    assert_eq!(lab.state(sweep), SweepState::Evaluating);
}

#[test]
fn cancel_ends_every_open_trial_and_revokes_leases() {
    let (mut lab, worker) = Lab::with_worker(2);
    let sweep = lab.launch(values::spec("cancel", &[8, 16, 24], 1, 1));
    let granted = lab.ask(worker, 2);
    lab.train(&granted[0]);
    lab.run(&Command::Cancel(sweep));
    lab.changes_nothing(&Command::Cancel(sweep));
    let ledger = lab.engine.ledger(sweep);
    assert_eq!((ledger.of(TrialState::Completed), ledger.of(TrialState::Cancelled)), (1, 2));
    assert_eq!(ledger.ended(), ledger.planned);
    let (standing, _) = lab.heartbeat(worker, &[granted[1].token]);
    assert!(
        matches!(&standing[0], LeaseStanding::Drop(reason) if reason.contains("revoked")),
        "{standing:?}"
    );
    let late = Command::Complete {
        token: granted[1].token,
        outcome: AttemptOutcome::Trained(values::result(&granted[1].spec)),
    };
    assert!(matches!(lab.refused(&late), Rejection::LeaseLost { .. }));
}

#[test]
fn cancel_while_evaluating_keeps_what_completed() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("cancel", &[8], 1, 1));
    let granted = lab.ask_one(worker);
    lab.train(&granted);
    let evaluation = lab.ask_one(worker);
    lab.run(&Command::Cancel(sweep));
    assert_eq!(lab.trial(sweep, 0).state, TrialState::Completed);
    let attempt = &lab.engine.tables().attempts[&AttemptId { trial: evaluation.spec.id, number: 2 }];
    assert_eq!(attempt.state, AttemptState::Revoked);
}

#[test]
fn each_verb_is_refused_in_the_states_that_do_not_know_it() {
    let (mut lab, worker) = Lab::with_worker(1);
    let open = lab.launch(values::spec("open", &[8], 1, 1));
    let finished = open;
    finish(&mut lab, worker);
    let cancelled = lab.launch(values::spec("cancelled", &[16], 1, 1));
    lab.run(&Command::Cancel(cancelled));
    let evaluating = lab.launch(values::spec("evaluating", &[24], 1, 1));
    let granted = lab.ask_one(worker);
    lab.train(&granted);
    assert_eq!(lab.state(evaluating), SweepState::Evaluating);
    let spec = values::spec("cancelled", &[16], 1, 1);
    let wrong = [
        Command::Cancel(finished),
        Command::Pause(finished),
        Command::Resume(finished),
        Command::Pause(cancelled),
        Command::Resume(cancelled),
        extend(cancelled, &spec, vec![], Some(2)),
        Command::Pause(evaluating),
    ];
    for command in wrong {
        assert!(matches!(lab.refused(&command), Rejection::WrongState { .. }), "{command:?}");
    }
    let nowhere = SweepId(99);
    let unknown = [
        Command::Cancel(nowhere),
        Command::Pause(nowhere),
        Command::Resume(nowhere),
        extend(nowhere, &spec, vec![], None),
    ];
    for command in unknown {
        assert_eq!(lab.refused(&command), Rejection::UnknownSweep(nowhere));
    }
}

#[test]
fn extending_keeps_every_trial_and_adds_only_what_is_new() {
    let (mut lab, worker) = Lab::with_worker(1);
    let spec = values::spec("extend", &[8, 16], 1, 1);
    let sweep = lab.launch(spec.clone());
    finish(&mut lab, worker);
    let before: Vec<_> = lab.engine.tables().trials_of(sweep).cloned().collect();
    lab.run(&extend(sweep, &spec, vec![axis(Hyperparameter::MaxLength, &[50])], Some(2)));
    assert_eq!(lab.state(sweep), SweepState::Open);
    let record = lab.engine.sweep(sweep).unwrap();
    assert_eq!((record.chosen.as_ref(), record.ended_at), (None, None));
    assert_eq!(
        record.spec.axes[1].levels(),
        [Value::Integer(200), Value::Integer(50)],
        "the fixed value first"
    );
    let after: Vec<_> = lab.engine.tables().trials_of(sweep).cloned().collect();
    assert_eq!(after[..2], before[..]);
    assert_eq!(after.len(), 8);
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Pending), 6);
    finish(&mut lab, worker);
    assert_eq!(lab.state(sweep), SweepState::Finished);
    let trained = lab.engine.tables().attempts.values().filter(|one| one.work == WorkKind::Train).count();
    assert_eq!(trained, 8, "nothing was trained twice");
}

#[test]
fn extending_while_evaluating_calls_the_evaluation_back() {
    let (mut lab, worker) = Lab::with_worker(1);
    let spec = values::spec("reopen", &[8], 1, 1);
    let sweep = lab.launch(spec.clone());
    let granted = lab.ask_one(worker);
    lab.train(&granted);
    let evaluation = lab.ask_one(worker);
    lab.run(&extend(sweep, &spec, vec![axis(Hyperparameter::Units, &[16])], None));
    assert_eq!(lab.state(sweep), SweepState::Open);
    let (standing, _) = lab.heartbeat(worker, &[evaluation.token]);
    assert!(matches!(standing[0], LeaseStanding::Drop(_)));
    finish(&mut lab, worker);
    assert_eq!(lab.state(sweep), SweepState::Finished);
}

#[test]
fn senseless_extensions_are_refused() {
    let mut lab = Lab::new();
    let spec = values::spec("extend", &[8, 16], 2, 1);
    let sweep = lab.launch(spec.clone());
    let refused = |axes: Vec<Axis>, replicates, says: &str| {
        let error = lab.refused(&extend(sweep, &spec, axes, replicates)).to_string();
        assert!(error.contains(says), "{error:?} does not say {says:?}");
    };
    refused(vec![], None, "nothing new");
    refused(vec![], Some(2), "nothing new");
    refused(vec![], Some(1), "cannot lower");
    refused(vec![axis(Hyperparameter::Units, &[16])], None, "already has the level 16");
    refused(vec![axis(Hyperparameter::MaxLength, &[200])], None, "already has the level 200");
    refused(vec![axis(Hyperparameter::Units, &[])], None, "no level");
    refused(vec![], Some(10_000_000), "20000000 trials");
    let no_data = Command::Extend {
        sweep,
        more: Extension { axes: vec![axis(Hyperparameter::MaxLength, &[50])], ..Extension::default() },
        datasets: vec![],
        caller: None,
        quota: Box::default(),
    };
    assert!(lab.refused(&no_data).to_string().contains("max_length=50"));
    let mut changed = values::datasets(&spec);
    changed[0].artifact = values::artifact("other bytes");
    let quota = Box::default();
    let command = Command::Extend { sweep, more: replicates(3), datasets: changed, caller: None, quota };
    assert!(lab.refused(&command).to_string().contains("changed"));
}

#[test]
fn a_paused_sweep_stays_paused_when_it_is_extended() {
    let mut lab = Lab::new();
    let spec = values::spec("paused", &[8], 1, 1);
    let sweep = lab.launch(spec.clone());
    lab.run(&Command::Pause(sweep));
    lab.run(&extend(sweep, &spec, vec![], Some(3)));
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Paused), 3);
    assert!(!lab.engine.has_pending_work());
    lab.run(&Command::Resume(sweep));
    assert_eq!(lab.engine.ledger(sweep).of(TrialState::Pending), 3);
}

#[test]
fn an_extension_beyond_a_total_is_refused_before_it_has_any_data() {
    let (mut lab, _) = Lab::with_worker(1);
    let sweep = lab.launch(values::spec("small", &[8], 1, 1));
    let lengths: Vec<u64> = (201..=1_200).collect();
    let axes = vec![values::axis(Hyperparameter::MaxLength, &lengths)];
    let more = Extension { axes, ..Extension::default() };
    let quota = |open_trials| Quota::of(Totals { open_trials, ..Quota::default().all });
    let check = |quota: &Quota| lab.engine.check_extension(sweep, &more, (None, quota)).map(drop);
    let refused = check(&quota(500)).unwrap_err();
    assert!(matches!(&refused, Rejection::TooMuch(why) if why.contains("open trials")), "{refused}");
    assert_eq!(check(&quota(5_000)), Ok(()));
    let unknown = lab.engine.check_extension(SweepId(9), &more, (None, &Quota::default())).map(drop);
    assert_eq!(unknown, Err(Rejection::UnknownSweep(SweepId(9))));
}

#[test]
fn a_priority_is_bounded_for_users_and_not_for_the_operator() {
    let (mut lab, _) = Lab::with_worker(1);
    let urgent = |priority, quota| {
        let mut spec = values::spec("urgent", &[8], 1, 1);
        spec.priority = priority;
        match values::launch(spec) {
            Command::Launch { spec, file_text, datasets, attach, owner, .. } => {
                Command::Launch { spec, file_text, datasets, attach, owner, quota: Box::new(quota) }
            }
            other => other,
        }
    };
    let bounded = Quota { priority: 5, ..Quota::default() };
    let refused = lab.refused(&urgent(6, bounded)).to_string();
    assert!(refused.contains("priority 6") && refused.contains("5 at most"), "{refused}");
    lab.run(&urgent(5, bounded));
    lab.run(&urgent(100, bounded.for_operator()));
}

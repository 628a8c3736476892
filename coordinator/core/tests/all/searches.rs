//! Searched sweeps: proposed within their budget, and extended.

use coordinator_core::{Command, Engine, Extension, Rejection, Reply, SweepState, TrialState};
use proptest::prelude::*;
use sweep_proto::{
    AttemptOutcome, Axis, Budget, Configuration, FailureKind, Hyperparameter, PrunerName, SamplerName,
    Search, SweepId, SweepSpec, Value, WorkerId,
};

use crate::support::lab::{Lab, report};
use crate::support::values;

/// Four trials over widths from 8 to 64.
fn spec() -> SweepSpec {
    let mut spec = values::spec("searched", &[8], 1, 1);
    spec.axes = vec![values::range(Hyperparameter::Units, 8, 64)];
    let budget = Budget { trials: Some(4), ..Budget::default() };
    spec.search = Some(Box::new(Search { sampler: SamplerName::Random, budget, ..Search::of_grid() }));
    spec
}

fn extend(lab: &Lab, sweep: SweepId, axis: Axis) -> Command {
    let spec = &lab.engine.sweep(sweep).unwrap().spec;
    let (datasets, quota) = (values::datasets(spec), Box::default());
    let more = Extension { axes: vec![axis], ..Extension::default() };
    Command::Extend { sweep, more, datasets, caller: None, quota }
}

fn raise(sweep: SweepId, trials: Option<u32>, epochs: Option<u64>) -> Command {
    let more = Extension { budget: Budget { trials, epochs, ..Budget::default() }, ..Extension::default() };
    Command::Extend { sweep, more, datasets: Vec::new(), caller: None, quota: Box::default() }
}

/// Everything that a sweep still has to do is done.
fn finish(lab: &mut Lab, worker: WorkerId, sweep: SweepId) {
    while !lab.state(sweep).is_ended() {
        lab.propose();
        let granted = lab.ask_one(worker);
        match lab.state(sweep) {
            SweepState::Evaluating => lab.evaluate(&granted),
            _ => lab.train(&granted),
        }
    }
}

/// The trials of a sweep in the order in which they were made.
fn trials(lab: &Lab, sweep: SweepId) -> Vec<(Configuration, u32)> {
    let trials = lab.engine.tables().trials_of(sweep);
    trials.map(|trial| (trial.spec.configuration.clone(), trial.spec.replicate)).collect()
}

#[test]
fn a_wider_range_is_for_what_is_yet_to_be_proposed() {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(spec());
    let same = extend(&lab, sweep, values::range(Hyperparameter::Units, 8, 64));
    let Rejection::Invalid(problem) = lab.refused(&same) else { panic!("an extension by nothing") };
    assert!(problem.contains("nothing new"), "{problem}");

    let wider = extend(&lab, sweep, values::range(Hyperparameter::Units, 8, 128));
    lab.run(&wider);
    while lab.state(sweep) == SweepState::Open {
        lab.propose();
        let granted = lab.ask_one(worker);
        lab.train(&granted);
    }
    assert_eq!(lab.engine.tables().trials_of(sweep).count(), 4, "the budget is what it was");

    let spent = extend(&lab, sweep, values::range(Hyperparameter::Units, 8, 256));
    let Rejection::Invalid(problem) = lab.refused(&spent) else { panic!("no trial would come of it") };
    assert!(problem.contains("the budget of its search is spent"), "{problem}");
    assert!(problem.contains("--trials 8"), "what to do is not told: {problem}");
}

#[test]
fn a_budget_is_raised_and_nothing_else() {
    let (mut lab, worker) = Lab::with_worker(1);
    let mut spec = spec();
    spec.fixed = spec.fixed.with(Hyperparameter::Epochs, sweep_proto::Value::Integer(2)).unwrap();
    let budget = &mut spec.search.as_mut().unwrap().budget;
    (budget.trials, budget.epochs) = (Some(4), Some(8));
    let sweep = lab.launch(spec);
    finish(&mut lab, worker, sweep);
    let says = |command: &Command, parts: &[&str]| {
        let Rejection::Invalid(problem) = lab.refused(command) else { panic!("{command:?}") };
        assert!(parts.iter().all(|part| problem.contains(part)), "{problem} does not say {parts:?}");
    };
    says(&raise(sweep, Some(3), None), &["budget of 4 trials already", "cannot lower it to 3"]);
    says(&raise(sweep, None, Some(7)), &["budget of 8 epochs already", "cannot lower it to 7"]);
    says(&raise(sweep, Some(4), Some(8)), &["nothing new"]);
    says(&raise(sweep, Some(u32::MAX), None), &["at most 1000000 trials"]);
    says(&raise(sweep, None, Some(u64::MAX)), &["at most 1000000000000 epochs"]);
    // What it has trained leaves no room for the epochs of a further trial.
    says(&raise(sweep, Some(8), None), &["is spent", "--epochs 16"]);
    says(&raise(sweep, None, Some(80)), &["is spent", "--trials 8"]);
    lab.run(&raise(sweep, Some(6), Some(80)));
    assert_eq!(lab.state(sweep), SweepState::Open, "it goes on");
    finish(&mut lab, worker, sweep);
    assert_eq!(trials(&lab, sweep).len(), 6);
    // Twelve of its 80 epochs are used: fewer are left of fewer, and none of its trials.
    let Rejection::Invalid(problem) = lab.refused(&raise(sweep, None, Some(13))) else { panic!("lower") };
    assert!(problem.contains("lower budget changes nothing"), "{problem}");
    assert!(problem.contains("--trials 12") && problem.contains("--epochs 160"), "{problem}");

    let grid = lab.launch(values::spec("grid", &[8, 16], 1, 1));
    let Rejection::Invalid(problem) = lab.refused(&raise(grid, Some(9), None)) else { panic!("a grid") };
    assert!(problem.contains("no budget to raise") && problem.contains("add levels"), "{problem}");
    let mut of_trials = self::spec();
    of_trials.name = "of trials".into();
    let of_trials = lab.launch(of_trials);
    let Rejection::Invalid(problem) = lab.refused(&raise(of_trials, None, Some(9))) else {
        panic!("a bound")
    };
    assert!(problem.contains("no budget of epochs to raise"), "{problem}");
}

#[test]
fn a_space_that_is_used_up_needs_more_than_a_budget() {
    let (mut lab, worker) = Lab::with_worker(1);
    let mut spec = spec();
    spec.axes = vec![values::axis(Hyperparameter::Units, &[8, 16, 24])];
    let sweep = lab.launch(spec);
    finish(&mut lab, worker, sweep);
    let Rejection::Invalid(problem) = lab.refused(&raise(sweep, Some(9), None)) else {
        panic!("three levels")
    };
    assert!(problem.contains("every trial of its space") && problem.contains("add levels"), "{problem}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whether its budget was there from the beginning or was raised in steps, at its end or on its way, a search makes the same trials.
    #[test]
    fn a_budget_that_is_raised_in_steps_gives_the_trials_of_one_that_was_there_at_once(
        sampler in prop::sample::select(vec![
            SamplerName::Grid, SamplerName::ShuffledGrid, SamplerName::Random, SamplerName::Sobol,
        ]),
        steps in proptest::collection::vec((1_u32..6, 0_usize..6), 1..4), replicates in 1_u32..3, seed in 0_u64..50,
    ) {
        let (mut lab, worker) = Lab::with_worker(1);
        let launched = |name: &str, budget: u32| {
            let mut spec = spec();
            (spec.name, spec.replicates, spec.seed, spec.reuse) = (name.into(), replicates, seed, false);
            let units: Vec<u64> = (1..=20).map(|one| one * 8).collect();
            spec.axes = vec![values::axis(Hyperparameter::Units, &units)];
            let budget = Budget { trials: Some(budget), ..Budget::default() };
            spec.search = Some(Box::new(Search { sampler, budget, ..Search::of_grid() }));
            spec
        };
        let whole: u32 = steps.iter().map(|(more, _)| more).sum();
        let at_once = lab.launch(launched("at once", whole));
        finish(&mut lab, worker, at_once);
        let mut budget = steps[0].0;
        let raised = lab.launch(launched("raised", budget));
        for (more, early) in &steps[1..] {
            // It may be raised while trials wait, run, or have all ended.
            for _ in 0..*early {
                lab.propose();
                if lab.state(raised) == SweepState::Open {
                    let granted = lab.ask_one(worker);
                    lab.train(&granted);
                }
            }
            budget += more;
            lab.run(&raise(raised, Some(budget), None));
        }
        finish(&mut lab, worker, raised);
        prop_assert_eq!(trials(&lab, raised).len(), whole as usize);
        prop_assert_eq!(trials(&lab, raised), trials(&lab, at_once));
    }
}

/// A search by TPE whose trials are pruned: its sampler is told how good they were.
#[test]
fn a_sampler_is_told_what_pruned_trials_have_shown() {
    let (mut lab, worker) = Lab::with_worker(1);
    let mut spec = values::spec("searched", &[8], 1, 3);
    spec.axes = vec![values::range(Hyperparameter::Units, 8, 4_096)];
    let budget = Budget { trials: Some(30), ..Budget::default() };
    let pruner = PrunerName::Median;
    spec.search = Some(Box::new(Search { sampler: SamplerName::Tpe, pruner, budget, ..Search::of_grid() }));
    let sweep = lab.launch(spec);
    let request = loop {
        lab.propose();
        let granted = lab.ask_one(worker);
        let is_pruned = (1..=3).any(|epoch| {
            let answer = lab.run(&report(granted.token, &granted.spec, epoch));
            matches!(answer, Reply::AttemptEnded(_))
        });
        if !is_pruned {
            lab.complete(granted.token, AttemptOutcome::Trained(values::result(&granted.spec)));
        }
        if lab.engine.tables().trials_of(sweep).count() >= 20
            && let Some(asked) = lab.engine.proposal_request(sweep)
        {
            break asked.request;
        }
    };
    let seen = request.history.seen(u64::MAX);
    let mut times = [0, 0];
    for (configuration, _, ended) in seen.ended() {
        let mut trials = lab.engine.tables().trials_of(sweep);
        let trial = trials.find(|trial| trial.spec.configuration == *configuration).unwrap();
        let is_pruned = ended.state == TrialState::Pruned;
        let losses = (1..=ended.epochs).map(|epoch| values::metric(&trial.spec, epoch).validation_loss);
        let lowest = losses.min_by(f64::total_cmp);
        assert_eq!(ended.score, if is_pruned { lowest } else { trial.score() }, "{ended:?}");
        assert_eq!(ended.epochs < 3, is_pruned, "{ended:?}");
        times[usize::from(is_pruned)] += 1;
    }
    assert!(times[0] >= 5 && times[1] >= 3, "{times:?}");
}

/// A copy of the history arrives in parts and is complete in the end. After an extension of the space it starts again.
#[test]
fn a_history_is_told_in_parts_and_from_the_beginning_after_an_extension() {
    let (mut lab, worker) = Lab::with_worker(1);
    let mut spec = spec();
    spec.axes = vec![values::range(Hyperparameter::Units, 8, 4_096)];
    spec.search.as_mut().unwrap().budget.trials = Some(200);
    let sweep = lab.launch(spec);
    lab.propose();
    for _ in 0..50 {
        let granted = lab.ask_one(worker);
        lab.train(&granted);
    }
    let whole = lab.engine.proposal_request(sweep).unwrap();
    let (mut known, mut copy) = (None, None);
    let mut parts = 0;
    loop {
        let question = lab.engine.question(sweep, known, 7).unwrap();
        assert_eq!(question.begun.is_some(), known.is_none());
        assert!(question.news.made.len() + question.news.ended.len() <= 7);
        (known, parts) = (Some(question.known), parts + 1);
        let is_asked = question.count > 0;
        copy = question.put(copy);
        if is_asked {
            break;
        }
    }
    assert_eq!(parts, (64_u32 + 50).div_ceil(7));
    assert_eq!(copy.unwrap().request.history, whole.request.history);
    lab.run(&extend(&lab, sweep, values::range(Hyperparameter::Units, 8, 8_000)));
    let question = lab.engine.question(sweep, known, usize::MAX).unwrap();
    assert!(question.begun.is_some(), "its space is another one");
    assert_eq!((question.news.made.len(), question.news.ended.len()), (64, 50));
}

/// A trial that ends early gives a budget of epochs some back, so whoever has a copy of the history keeps it until all have ended.
#[test]
fn a_search_goes_on_while_a_trial_may_leave_epochs_to_others() {
    let (mut lab, worker) = Lab::with_worker(1);
    let mut spec = spec();
    spec.fixed.set(Hyperparameter::Epochs, Value::Integer(2)).unwrap();
    spec.search.as_mut().unwrap().budget = Budget { epochs: Some(8), ..Budget::default() };
    let sweep = lab.launch(spec);
    lab.propose();
    assert_eq!((trials(&lab, sweep).len(), lab.engine.unmade(sweep)), (4, 0), "the budget is spent");
    assert!(lab.engine.is_searched_on(sweep));
    finish(&mut lab, worker, sweep);
    assert!(!lab.engine.is_searched_on(sweep));
}

/// Lets each trial of a search fail after this number of epochs. Returns the number of trials.
fn fail_all(spec: SweepSpec, epochs: u32, budget: u64) -> usize {
    let (mut lab, worker) = Lab::with_worker(1);
    let sweep = lab.launch(spec);
    while !lab.state(sweep).is_ended() {
        lab.propose();
        let granted = lab.ask_one(worker);
        assert!(u64::from(granted.spec.id.index) < budget, "it fails on and on");
        for epoch in 1..=epochs {
            lab.report(granted.token, &granted.spec, epoch);
        }
        let outcome = AttemptOutcome::Failed { kind: FailureKind::Rejected, message: "no".into() };
        lab.complete(granted.token, outcome);
        let done = lab.engine.progress(sweep).done;
        assert!(done <= budget, "{done} of {budget} epochs");
        // What a failed trial counts with stands in its row.
        let restored = Engine::restore(lab.engine.tables().clone(), lab.now);
        assert_eq!(restored.ledger(sweep), lab.engine.ledger(sweep));
        assert_eq!(restored.audit(), Vec::<String>::new());
    }
    trials(&lab, sweep).len()
}

#[test]
fn a_search_whose_trials_all_fail_spends_its_budget_of_epochs() {
    let mut spec = spec();
    spec.axes = vec![values::range(Hyperparameter::Units, 8, 4_096)];
    spec.fixed.set(Hyperparameter::Epochs, Value::Integer(4)).unwrap();
    let budget = Budget { epochs: Some(40), ..Budget::default() };
    let search = Search { budget, ..*spec.search.clone().unwrap() };
    spec.search = Some(Box::new(search.clone()));
    // The next trial may take all its four epochs: it begins while at most 36 are spent.
    assert_eq!(fail_all(spec.clone(), 0, 40), 37, "each counts with one epoch, and had none");
    assert_eq!(fail_all(spec.clone(), 1, 40), 37);
    assert_eq!(fail_all(spec.clone(), 3, 40), 13, "12 of them had 36 epochs");
    let rungs = Search { pruner: PrunerName::Asha, eta: Some(2), min_epochs: Some(2), ..search };
    spec.search = Some(Box::new(rungs));
    let of_rungs = fail_all(spec, 0, 40);
    assert!((10..=20).contains(&of_rungs), "each counts with its rung of two epochs: {of_rungs}");
}

/// Where a sampler goes on looking is part of the row, and another space is looked at from the beginning.
#[test]
fn where_a_sampler_goes_on_survives_a_restart_but_no_extension() {
    let (mut lab, _) = Lab::with_worker(1);
    let mut spec = spec();
    spec.axes.push(values::range(Hyperparameter::BatchSize, 1, 64));
    *spec.constraints = vec!["units + batch_size <= 20".parse().unwrap()].into();
    spec.search.as_mut().unwrap().sampler = SamplerName::ShuffledGrid;
    let sweep = lab.launch(spec);
    lab.propose();
    let from = |engine: &Engine| engine.sweep(sweep).unwrap().search.unwrap().from;
    assert!(from(&lab.engine) > 4, "four of a few of many places were found");
    let restored = Engine::restore(lab.engine.tables().clone(), lab.now);
    assert_eq!(from(&restored), from(&lab.engine));
    let mut spec = self::spec();
    spec.search.as_mut().unwrap().budget.trials = Some(80);
    spec.search.as_mut().unwrap().sampler = SamplerName::ShuffledGrid;
    let sweep = lab.launch(spec);
    lab.propose();
    let from = |lab: &Lab| lab.engine.sweep(sweep).unwrap().search.unwrap().from;
    assert_eq!(from(&lab), 57, "each place was of use");
    lab.run(&extend(&lab, sweep, values::range(Hyperparameter::Units, 8, 128)));
    assert_eq!(from(&lab), 0);
}

#[test]
fn a_grid_that_takes_too_long_to_look_at_is_refused() {
    let lab = Lab::new();
    let levels: Vec<u64> = (1..=1_000).collect();
    let mut spec = values::spec("large", &levels, 1, 1);
    spec.axes
        .push(Axis::of_levels(Hyperparameter::BatchSize, levels.into_iter().map(Value::Integer).collect()));
    let long = "units + units + units + units + units + units + units + units + units >= units";
    *spec.constraints = vec![long.parse().unwrap(); 11].into();
    let Rejection::Invalid(problem) = lab.refused(&values::launch(spec)) else { panic!("a long look") };
    assert!(problem.contains("110 terms, which makes 110_000_000"), "{problem}");
}

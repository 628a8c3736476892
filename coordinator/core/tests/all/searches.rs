//! Searched sweeps: proposed within their budget, and extended.

use coordinator_core::{Command, Engine, Rejection, SweepState};
use sweep_proto::{Axis, Budget, Hyperparameter, SamplerName, Search, SweepId, SweepSpec, Value};

use crate::support::lab::Lab;
use crate::support::values;

/// Four trials over widths from 8 to 64.
fn spec() -> SweepSpec {
    let mut spec = values::spec("searched", &[8], 1, 1);
    spec.axes = vec![values::range(Hyperparameter::Units, 8, 64)];
    let budget = Budget { trials: Some(4), epochs: None };
    spec.search = Some(Box::new(Search { sampler: SamplerName::Random, budget, ..Search::of_grid() }));
    spec
}

fn extend(lab: &Lab, sweep: SweepId, axis: Axis) -> Command {
    let spec = &lab.engine.sweep(sweep).unwrap().spec;
    let (datasets, quota) = (values::datasets(spec), Box::default());
    Command::Extend { sweep, axes: vec![axis], replicates: None, datasets, caller: None, quota }
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
}

/// A copy that is told little at one time knows the same in the end, and is begun anew where what it rests on has changed.
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

//! Searches with a budget of hours or money that some trials spend.

use coordinator_core::{Command, Extension, Granted, Rejection, TrialState};
use sweep_proto::{
    Amount, Budget, Hyperparameter, LeaseToken, MeteredPart, PrunerName, SamplerName, Search, SweepId,
    SweepSpec, TrialSpec, WorkerId,
};

use super::lab::Lab;
use super::values;

pub const SECOND: u64 = 1_000;

/// Hours of seconds.
pub fn hours(seconds: f64) -> Option<Amount> {
    Amount::of(seconds / 3_600.0)
}

/// A random search over widths whose budget is that many seconds of slots.
pub fn spec(seconds: f64) -> SweepSpec {
    let mut spec = values::spec("metered", &[8], 1, 2);
    spec.axes = vec![values::range(Hyperparameter::Units, 8, 8_000)];
    let budget = Budget { hours: hours(seconds), ..Budget::default() };
    spec.search = Some(Box::new(Search { sampler: SamplerName::Random, budget, ..Search::of_grid() }));
    spec
}

pub fn change(sweep: SweepId, budget: Budget) -> Command {
    let more = Extension { budget, ..Extension::default() };
    Command::Extend { sweep, more, datasets: Vec::new(), caller: None, quota: Box::default() }
}

pub fn says(lab: &Lab, command: &Command, parts: &[&str]) {
    let problem = match lab.refused(command) {
        Rejection::Invalid(problem) | Rejection::NothingToRetry(problem) => problem,
        other => panic!("{other:?}"),
    };
    assert!(parts.iter().all(|part| problem.contains(part)), "{problem} does not say {parts:?}");
}

/// Time passes while a worker is heard each second.
pub fn work(lab: &mut Lab, worker: WorkerId, ms: u64) {
    let end = lab.now.plus_ms(ms);
    while lab.now < end {
        let held: Vec<LeaseToken> = lab.engine.leases_of(worker).collect();
        lab.pass(SECOND.min(end.since_ms(lab.now)));
        lab.heartbeat(worker, &held);
    }
}

pub fn follow(lab: &mut Lab) {
    while lab.engine.is_behind() {
        lab.run(&Command::Follow);
    }
}

pub fn spent(lab: &Lab, sweep: SweepId) -> Option<MeteredPart> {
    lab.engine.sweep(sweep).unwrap().spent()
}

pub fn count(lab: &Lab, sweep: SweepId, state: TrialState) -> u64 {
    lab.engine.ledger(sweep).of(state)
}

/// Two trials run until a budget of that many seconds is spent.
pub fn spend(spec: SweepSpec) -> (Lab, WorkerId, SweepId, Vec<Granted>) {
    let (mut lab, worker) = Lab::with_worker(2);
    let sweep = lab.launch(spec);
    lab.propose();
    let granted = lab.ask(worker, 2);
    assert_eq!(granted.len(), 2);
    work(&mut lab, worker, 17 * SECOND);
    assert_eq!(spent(&lab, sweep), None, "34 of 36 seconds");
    work(&mut lab, worker, 2 * SECOND);
    lab.run(&Command::Tick);
    (lab, worker, sweep, granted)
}

/// A search whose trials train nine epochs and wait at the first and the third, with a budget of that many seconds.
pub fn halved(seconds: f64) -> SweepSpec {
    let mut halved = spec(seconds);
    halved.fixed = halved.fixed.with(Hyperparameter::Epochs, sweep_proto::Value::Integer(9)).unwrap();
    halved.search.as_mut().unwrap().pruner = PrunerName::Asha;
    halved
}

/// Three trials of a search with rungs, of which the first waits at its rung when the budget is spent, and the others come to theirs
/// after that. The trial with the lowest loss comes first, then the others.
pub fn spend_at_rungs(lab: &mut Lab, worker: WorkerId) -> (SweepId, Vec<u32>) {
    spend_with(lab, worker, 3)
}

/// The same with another number of trials.
pub fn spend_with(lab: &mut Lab, worker: WorkerId, trials: u32) -> (SweepId, Vec<u32>) {
    let sweep = lab.launch(halved(36.0));
    lab.propose();
    let granted = lab.ask(worker, trials);
    lab.report(granted[0].token, &granted[0].spec, 1);
    assert_eq!(lab.trial(sweep, granted[0].spec.id.index).rung(), Some(1));
    work(lab, worker, 20 * SECOND);
    assert_eq!(spent(lab, sweep), Some(MeteredPart::Hours));
    follow(lab);
    for one in &granted[1..] {
        assert!(lab.ask(worker, 1).is_empty(), "nobody leads before all have come to their rungs");
        lab.report(one.token, &one.spec, 1);
    }
    follow(lab);
    let mut trials: Vec<_> = granted.iter().map(|one| one.spec.clone()).collect();
    let loss = |spec: &TrialSpec| values::metric(spec, 1).validation_loss;
    trials.sort_by(|one, other| loss(one).total_cmp(&loss(other)));
    (sweep, trials.iter().map(|spec| spec.id.index).collect())
}

/// A search of 48 seconds that are spent but for the 12 that are kept for a first result. Two trials wait at their first rung.
pub fn spend_all_but_what_is_kept(lab: &mut Lab, worker: WorkerId) -> SweepId {
    // An epoch takes 1.5 seconds of the two for which it holds its slot, and eight are left.
    let sweep = lab.launch(halved(48.0));
    lab.propose();
    let first = lab.ask_one(worker);
    work(lab, worker, 2 * SECOND);
    lab.report(first.token, &first.spec, 1);
    follow(lab);
    let second = lab.ask_one(worker);
    work(lab, worker, 33 * SECOND);
    assert_eq!(spent(lab, sweep), None, "35 of 48 seconds are spent, and 12 kept back");
    work(lab, worker, 2 * SECOND);
    assert_eq!(spent(lab, sweep), Some(MeteredPart::Hours), "36 are spent, and 12 kept back");
    lab.report(second.token, &second.spec, 1);
    follow(lab);
    sweep
}

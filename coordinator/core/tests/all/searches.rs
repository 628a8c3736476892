//! Searched sweeps: proposed within their budget, and extended.

use coordinator_core::{Command, Rejection, SweepState};
use sweep_proto::{Axis, Budget, Hyperparameter, SamplerName, Search, SweepId, SweepSpec};

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

//! Groups: trials that are granted into one slot, and what becomes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use coordinator_core::limits::{LEASE_TTL_MS, RETRY_FIRST_MS, WORKERS_LOST_MAX};
use coordinator_core::{AttemptState, Command, Engine, Granted, Reply, TrialRecord, TrialState};
use proptest::prelude::*;
use sweep_proto::{AttemptOutcome, FailureKind, Hyperparameter, SweepId, SweepSpec, WorkKind, WorkerId};

use support::lab::Lab;
use support::values;

/// A lab with a worker whose slots train up to `group` trials together.
fn lab(slots: u32, group: u32) -> (Lab, WorkerId) {
    let mut lab = Lab::new();
    let worker = values::worker_id(1);
    lab.run(&values::register_groups(worker, slots, group, true));
    (lab, worker)
}

fn sizes(groups: &[Vec<Granted>]) -> Vec<usize> {
    groups.iter().map(Vec::len).collect()
}

fn trial<'a>(lab: &'a Lab, granted: &Granted) -> &'a TrialRecord {
    &lab.engine.tables().trials[&granted.spec.id]
}

fn trials(lab: &Lab, sweep: SweepId) -> Vec<TrialRecord> {
    lab.engine.tables().trials_of(sweep).cloned().collect()
}

fn failed(kind: FailureKind) -> AttemptOutcome {
    AttemptOutcome::Failed { kind, message: "its slot is gone".into() }
}

#[test]
fn a_slot_gets_a_group_of_one_sweep_and_slots_bound_groups() {
    let (mut lab, worker) = lab(2, 4);
    lab.launch(values::spec("one", &[1, 2, 3, 4, 5, 6], 1, 1));
    lab.launch(values::spec("other", &[11, 12], 1, 1));
    let groups = lab.ask_groups(worker, 8, 4);
    assert_eq!(sizes(&groups), [4, 2]);
    for group in &groups {
        assert!(group.iter().all(|one| one.spec.id.sweep == group[0].spec.id.sweep));
    }
    assert!(lab.ask_groups(worker, 8, 4).is_empty(), "both slots hold a group");
    // A slot is free once all of its members have ended.
    for granted in &groups[1] {
        lab.complete(granted.token, failed(FailureKind::Rejected));
    }
    assert_eq!(sizes(&lab.ask_groups(worker, 8, 4)), [2]);
}

#[test]
fn a_group_is_no_larger_than_the_worker_has_said_at_any_time() {
    let (mut lab, worker) = lab(1, 2);
    lab.launch(values::spec("one", &[1, 2, 3, 4], 1, 1));
    assert_eq!(sizes(&lab.ask_groups(worker, 1, 64)), [2], "the profile says two");
    let (mut lab, worker) = self::lab(1, 4);
    lab.launch(values::spec("one", &[1, 2, 3, 4], 1, 1));
    assert_eq!(sizes(&lab.ask_groups(worker, 1, 0)), [1], "a worker before 1.2 does not say");
}

#[test]
fn members_have_one_dataset_though_the_grid_changes_it_from_trial_to_trial() {
    let (mut lab, worker) = lab(2, 3);
    let mut spec = values::spec("lengths", &[1, 2, 3], 1, 1);
    spec.axes.push(values::axis(Hyperparameter::MaxLength, &[50, 200]));
    lab.launch(SweepSpec { ..spec });
    let groups = lab.ask_groups(worker, 2, 3);
    assert_eq!(sizes(&groups), [3, 3]);
    for group in &groups {
        assert!(group.iter().all(|one| one.dataset == group[0].dataset));
    }
    assert_ne!(groups[0][0].dataset, groups[1][0].dataset);
}

#[test]
fn a_repeated_request_gets_the_same_groups_without_those_that_have_ended() {
    let (mut lab, worker) = lab(2, 3);
    lab.launch(values::spec("one", &[1, 2, 3, 4, 5, 6], 1, 1));
    let ask = Command::AskWork { worker, request_id: "a".into(), slots: 2, group: 3 };
    let Reply::Grants(groups) = lab.run(&ask) else { panic!("no grants") };
    assert_eq!(sizes(&groups), [3, 3]);
    assert_eq!(lab.run(&ask), Reply::Grants(groups.clone()));
    // The first of a group has ended: the others are still one.
    lab.complete(groups[0][0].token, failed(FailureKind::Rejected));
    let left = vec![groups[0][1..].to_vec(), groups[1].clone()];
    assert_eq!(lab.run(&ask), Reply::Grants(left.clone()));
    lab.engine = Engine::restore(lab.engine.tables().clone(), lab.now);
    assert_eq!(lab.run(&ask), Reply::Grants(left), "what the rows tell is enough");
}

#[test]
fn an_evaluation_is_alone() {
    let (mut lab, worker) = lab(4, 4);
    let sweep = lab.launch(values::spec("one", &[8], 3, 1));
    let groups = lab.ask_groups(worker, 4, 4);
    assert_eq!(sizes(&groups), [3]);
    groups[0].iter().for_each(|granted| lab.train(granted));
    let completed = trials(&lab, sweep).iter().filter(|one| one.state == TrialState::Completed).count();
    let groups = lab.ask_groups(worker, 4, 4);
    assert_eq!(sizes(&groups), vec![1; completed]);
    assert!(groups.iter().flatten().all(|one| one.work == WorkKind::Evaluate));
}

#[test]
fn members_of_a_slot_that_failed_are_tried_alone_at_no_cost() {
    for kind in [FailureKind::Crashed, FailureKind::OutOfMemory, FailureKind::Stalled] {
        let (mut lab, worker) = lab(1, 3);
        let sweep = lab.launch(SweepSpec { failures_max: 1, ..values::spec("one", &[1, 2, 3], 1, 1) });
        let groups = lab.ask_groups(worker, 1, 3);
        groups[0].iter().for_each(|granted| lab.complete(granted.token, failed(kind)));
        for trial in trials(&lab, sweep) {
            let costs = (trial.state, trial.failures, trial.out_of_memory, trial.outgrown_bytes);
            assert_eq!(costs, (TrialState::Pending, 0, 0, None), "{kind:?}");
        }
        assert!(lab.engine.tables().workers[&worker].troubles.trials.is_empty(), "one slot is one failure");
        lab.pass(RETRY_FIRST_MS);
        for _ in 0..3 {
            let alone = lab.ask_groups(worker, 1, 3);
            assert_eq!(sizes(&alone), [1], "{kind:?}");
            // Alone it is the trial's own failure.
            lab.complete(alone[0][0].token, failed(FailureKind::Crashed));
            assert_eq!(trial(&lab, &alone[0][0]).state, TrialState::Failed);
        }
    }
}

#[test]
fn one_members_own_end_leaves_the_others_leases_alone() {
    let (mut lab, worker) = lab(1, 4);
    lab.launch(values::spec("one", &[1, 2, 3, 4], 1, 1));
    let groups = lab.ask_groups(worker, 1, 4);
    let [diverged, broken, released, trained] = &groups[0][..] else { panic!("{groups:?}") };
    lab.complete(diverged.token, AttemptOutcome::Diverged { epoch: 1, message: "NaN".into() });
    lab.complete(broken.token, failed(FailureKind::Data));
    assert_eq!(trial(&lab, broken).failures, 1, "its data are its own");
    lab.complete(released.token, AttemptOutcome::Released { checkpoint: None });
    assert_eq!(trial(&lab, trained).state, TrialState::Leased);
    assert!(lab.ask_groups(worker, 1, 4).is_empty(), "its slot still works");
}

#[test]
fn a_group_that_takes_its_workers_down_is_taken_apart_before_all_its_members_are_given_up() {
    let (mut lab, worker) = lab(1, 2);
    let sweep = lab.launch(values::spec("one", &[1, 2], 1, 1));
    for lost in 0..WORKERS_LOST_MAX / 2 {
        assert_eq!(sizes(&lab.ask_groups(worker, 1, 2)), [2], "after {lost} losses");
        lab.pass(LEASE_TTL_MS + 1);
    }
    let alone = lab.ask_groups(worker, 1, 2);
    assert_eq!(sizes(&alone), [1]);
    lab.train(&alone[0][0]);
    assert!(trial(&lab, &alone[0][0]).state.is_terminal());
    let given_up = trials(&lab, sweep).iter().filter(|one| one.state == TrialState::Failed).count();
    assert_eq!(given_up, 0);
    let attempts = lab.engine.tables().attempts.values();
    let expired = attempts.filter(|one| one.state == AttemptState::Expired).count();
    assert_eq!(expired, WORKERS_LOST_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_trial_is_granted_once_in_whatever_groups(
        sweeps in prop::collection::vec((1_u64..8, 1_u32..4), 1..4),
        slots in 1_u32..5,
        group in 1_u32..6,
        asks in prop::collection::vec(0_u32..6, 0..20),
    ) {
        let (mut lab, worker) = lab(slots, group);
        let mut planned = 0;
        for (number, (configurations, replicates)) in (1..).zip(&sweeps) {
            let units: Vec<u64> = (0..*configurations).map(|level| number * 100 + level).collect();
            lab.launch(values::spec(&format!("sweep {number}"), &units, *replicates, 1));
            planned += configurations * u64::from(*replicates);
        }
        let mut granted = std::collections::BTreeSet::new();
        for wanted in asks.into_iter().chain(std::iter::repeat_n(slots, planned as usize)) {
            let groups = lab.ask_groups(worker, wanted, group);
            prop_assert!(groups.len() as u32 <= wanted.min(slots));
            for one in groups.iter().flatten() {
                prop_assert!(granted.insert(one.spec.id), "{} was granted twice", one.spec.id);
            }
            for members in &groups {
                prop_assert!(members.len() as u32 <= group);
                for one in members {
                    lab.complete(one.token, failed(FailureKind::Rejected));
                }
            }
        }
        prop_assert_eq!(granted.len() as u64, planned);
    }
}

//! Properties of the scheduler: nothing granted twice, everything granted, shares that are fair.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sweep_proto::{AttemptOutcome, FailureKind, SweepId};

use support::lab::Lab;
use support::values;

/// Sweeps of these sizes (configurations, replicates) and workers of these slots, all registered.
/// Keys differ between the sweeps, so that nothing is reused.
fn lab(sweeps: &[(u64, u32)], slots: &[u32]) -> Lab {
    let mut lab = Lab::new();
    for (number, (configurations, replicates)) in (1..).zip(sweeps) {
        let units: Vec<u64> = (0..*configurations).map(|level| number * 100 + level).collect();
        lab.launch(values::spec(&format!("sweep {number}"), &units, *replicates, 1));
    }
    for (number, slots) in (1..).zip(slots) {
        lab.run(&values::register(values::worker_id(number), *slots, true));
    }
    lab
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn every_trial_is_granted_once_replicate_by_replicate(
        sweeps in prop::collection::vec((1_u64..6, 1_u32..4), 1..4),
        slots in prop::collection::vec(1_u32..5, 1..4),
        asks in prop::collection::vec((0_usize..4, 0_u32..6), 0..40),
    ) {
        let mut lab = lab(&sweeps, &slots);
        let planned: u64 = sweeps.iter().map(|(configurations, replicates)| configurations * u64::from(*replicates)).sum();
        let mut granted = BTreeSet::new();
        let mut replicate: BTreeMap<SweepId, u32> = BTreeMap::new();
        let rest = std::iter::repeat_n((0, 8), 200);
        for (worker, wanted) in asks.into_iter().chain(rest) {
            let number = worker % slots.len();
            let worker = values::worker_id(number as u64 + 1);
            let grants = lab.ask(worker, wanted);
            prop_assert!(grants.len() as u32 <= wanted.min(slots[number]));
            for one in grants {
                prop_assert!(granted.insert(one.spec.id), "{} was granted twice", one.spec.id);
                let last = replicate.entry(one.spec.id.sweep).or_default();
                prop_assert!(one.spec.replicate >= *last, "replicates came out of order");
                *last = one.spec.replicate;
                // It fails for good, so that its slot is free and nothing is evaluated.
                let message = "for good".into();
                lab.complete(one.token, AttemptOutcome::Failed { kind: FailureKind::Rejected, message });
            }
        }
        prop_assert_eq!(granted.len() as u64, planned);
        prop_assert!(!lab.engine.has_pending_work());
    }

    #[test]
    fn sweeps_with_enough_to_do_share_the_slots_to_within_one(
        sweeps in 2_usize..5,
        slots in prop::collection::vec(1_u32..9, 1..5),
        wanted in 1_u32..9,
    ) {
        let mut lab = lab(&vec![(50, 1); sweeps], &slots);
        for _ in 0..8 {
            for number in 1..=slots.len() as u64 {
                lab.ask(values::worker_id(number), wanted);
                let shares: Vec<_> = (1..=sweeps as u64).map(|id| lab.engine.running(SweepId(id)).count()).collect();
                let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
                prop_assert!(most - least <= 1, "{:?}", shares);
            }
        }
    }
}

#[test]
fn a_higher_priority_comes_first_and_equal_ones_share() {
    let mut lab = Lab::new();
    let mut launch = |name: &str, first: u64, priority| {
        let units: Vec<u64> = (first..first + 3).collect();
        lab.launch(sweep_proto::SweepSpec { priority, ..values::spec(name, &units, 1, 1) })
    };
    let (low, one, other) = (launch("low", 10, 0), launch("one", 20, 7), launch("other", 30, 7));
    let worker = values::worker_id(1);
    lab.run(&values::register(worker, 9, true));
    let order: Vec<_> = lab.ask(worker, 9).into_iter().map(|granted| granted.spec.id.sweep).collect();
    assert_eq!(order, [one, other, one, other, one, other, low, low, low]);
}

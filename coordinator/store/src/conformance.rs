//! What every store must hold: the suite that each of them passes.
//!
//! A test makes a [`Fixture`] for its store and calls [`run`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test suite says by panicking what does not hold"
)]

mod rows;

pub use rows::one_of_each;

use coordinator_core::{AttemptState, AuditHead, AuditSeal, Key, Mutation, SweepState, Tables, TrialState};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sweep_proto::{StepMetric, SweepId};

use crate::{StepBatch, Store, StoreError};

/// Random sequences tried for each property.
const CASES: u32 = 48;

/// A place in which one store lives.
pub trait Fixture {
    /// Opens the store, the first time or again. What was opened before may have been dropped, never closed.
    fn open(&self) -> Box<dyn Store>;
}

/// Runs the whole suite; `make` gives a fixture of an empty store each time.
pub fn run<F: Fixture>(make: impl Fn() -> F) {
    empty_at_first(&make());
    every_kind_of_row_is_read_back(&make());
    an_orphan_fails_the_whole_commit(&make());
    truncation_is_exact(&make());
    tokens_never_go_back(&make());
    what_is_removed_takes_what_is_below_it(&make());
    numbers_of_removed_sweeps_stay_taken(&make());
    what_goes_and_comes_again_in_one_commit_is_new(&make());
    steps_are_stored_once_and_without_gap(&make());
    the_audit_log_is_read_back_in_order(&make());
    old_entries_of_the_audit_log_go_and_its_marks_stay(&make());
    readers_work_beside_the_writer(&make());
    load_is_the_fold(&make);
}

fn fold(mutations: &[Mutation]) -> Tables {
    let mut tables = Tables::default();
    for mutation in mutations {
        tables.apply(mutation);
    }
    tables
}

fn empty_at_first(fixture: &impl Fixture) {
    assert_eq!(fixture.open().load().unwrap(), Tables::default());
}

fn every_kind_of_row_is_read_back(fixture: &impl Fixture) {
    let mutations = rows::one_of_each();
    fixture.open().commit(&mutations).unwrap();
    // Another connection: nothing is only remembered.
    assert_eq!(fixture.open().load().unwrap(), fold(&mutations));
    fixture.open().commit(&mutations).unwrap();
    assert_eq!(fixture.open().load().unwrap(), fold(&mutations), "a repeated commit changed something");
}

fn an_orphan_fails_the_whole_commit(fixture: &impl Fixture) {
    let mut store = fixture.open();
    let before = rows::parents();
    store.commit(&before).unwrap();
    for orphan in rows::orphans() {
        let batch = [rows::worker(7, 1), orphan, rows::worker(8, 1)];
        assert!(matches!(store.commit(&batch), Err(StoreError::NotFound(_))), "{batch:?}");
        assert_eq!(store.load().unwrap(), fold(&before), "a failed commit changed something");
    }
    // A parent may follow its child within one commit.
    let mut reversed = rows::one_of_each();
    reversed.reverse();
    store.commit(&reversed).unwrap();
}

fn truncation_is_exact(fixture: &impl Fixture) {
    let mut store = fixture.open();
    let mut all = rows::parents();
    for trial in 0..2 {
        all.extend((1..=4).map(|epoch| rows::epoch(trial, epoch, 0.5)));
    }
    all.push(Mutation::TruncateEpochs { trial: rows::trial_id(0), epoch: 2 });
    all.push(rows::epoch(0, 3, 0.25));
    store.commit(&all).unwrap();
    let loaded = store.load().unwrap();
    assert_eq!(loaded, fold(&all));
    assert_eq!(loaded.epochs_of(rows::trial_id(0)).count(), 3);
    assert_eq!(loaded.epochs_of(rows::trial_id(1)).count(), 4);
}

fn tokens_never_go_back(fixture: &impl Fixture) {
    let mut store = fixture.open();
    store.commit(&[Mutation::LastToken(5)]).unwrap();
    store.commit(&[Mutation::LastToken(3)]).unwrap();
    assert_eq!(fixture.open().load().unwrap().last_token, 5);
}

fn what_is_removed_takes_what_is_below_it(fixture: &impl Fixture) {
    let mut store = fixture.open();
    let mut all = rows::one_of_each();
    store.commit(&all).unwrap();
    let (one, other) = (rows::attempt_id(0, 1), rows::attempt_id(0, 2));
    let batch = |attempt| StepBatch { attempt, points: (0..3).map(rows::step).collect() };
    store.append_steps(&[batch(one), batch(other)]).unwrap();
    let mut remove = |store: &mut Box<dyn Store>, keys: &[Key]| {
        let removals: Vec<_> = keys.iter().copied().map(Mutation::Remove).collect();
        store.commit(&removals).unwrap();
        store.commit(&removals).unwrap();
        all.extend(removals);
        assert_eq!(store.load().unwrap(), fold(&all), "{keys:?}");
    };
    let bytes = |store: &mut Box<dyn Store>, index| store.step_bytes(rows::trial_id(index)).unwrap();
    assert!(bytes(&mut store, 0) > 0);
    assert_eq!(bytes(&mut store, 1), 0, "of the trials from this one on");
    remove(&mut store, &[Key::Steps(rows::trial_id(0))]);
    assert_eq!(bytes(&mut store, 0), 0);
    for attempt in [one, other] {
        assert_eq!(store.read_steps(attempt, 0, 9).unwrap(), [], "its step metrics are gone, and only they");
    }
    assert_eq!(store.append_steps(&[batch(one)]).unwrap(), [3]);
    remove(&mut store, &rows::keys_of_access());
    assert!(store.load().unwrap().workers.is_empty());
    remove(&mut store, &[Key::Trial(rows::trial_id(0))]);
    let trial = rows::trial(rows::trial_id(0), TrialState::Pending, 0.0);
    let attempt = rows::attempt(one, AttemptState::Running);
    store.commit(&[trial, attempt]).unwrap();
    assert_eq!(fixture.open().read_steps(one, 0, 9).unwrap(), [], "no step metric outlives its trial");
    store.append_steps(&[batch(one)]).unwrap();
    store.commit(&[Mutation::Remove(Key::Sweep(SweepId(1)))]).unwrap();
    let left = fixture.open().load().unwrap();
    assert!(
        left.sweeps.is_empty()
            && left.trials.is_empty()
            && left.attempts.is_empty()
            && left.epochs.is_empty()
            && left.search_events.is_empty()
    );
    store.commit(&rows::one_of_each()).unwrap();
    assert_eq!(fixture.open().read_steps(one, 0, 9).unwrap(), [], "no step metric outlives its sweep");
}

fn numbers_of_removed_sweeps_stay_taken(fixture: &impl Fixture) {
    let mut store = fixture.open();
    let sweep = |id| rows::sweep(id, SweepState::Finished);
    store.commit(&[sweep(1), sweep(7), sweep(3)]).unwrap();
    assert_eq!(fixture.open().load().unwrap().last_sweep, 7);
    store.commit(&[Mutation::Remove(Key::Sweep(SweepId(7)))]).unwrap();
    store.commit(&[Mutation::Remove(Key::Sweep(SweepId(3)))]).unwrap();
    let tables = fixture.open().load().unwrap();
    assert_eq!((tables.sweeps.len(), tables.last_sweep), (1, 7));
    // What is written into an empty store from these rows knows it, too.
    assert_eq!(fold(&tables.mutations().collect::<Vec<_>>()).last_sweep, 7);
}

fn what_goes_and_comes_again_in_one_commit_is_new(fixture: &impl Fixture) {
    let mut store = fixture.open();
    let mut all = rows::one_of_each();
    store.commit(&all).unwrap();
    let again = [
        rows::epoch(0, 3, 0.5),
        Mutation::Remove(Key::Trial(rows::trial_id(0))),
        rows::trial(rows::trial_id(0), TrialState::Pending, 0.0),
        rows::epoch(0, 1, 0.25),
        rows::worker(1, 9),
        Mutation::Remove(Key::Sweep(SweepId(2))),
        rows::sweep(2, SweepState::Open),
    ];
    store.commit(&again).unwrap();
    all.extend(again);
    let loaded = fixture.open().load().unwrap();
    assert_eq!(loaded, fold(&all));
    assert_eq!(loaded.attempts_of(rows::trial_id(0)).count(), 0);
    assert_eq!(loaded.epochs_of(rows::trial_id(0)).count(), 1);
    // What lies below a removed row is an orphan.
    let orphaned = [Mutation::Remove(Key::Trial(rows::trial_id(1))), rows::epoch(1, 1, 0.5)];
    assert!(matches!(store.commit(&orphaned), Err(StoreError::NotFound(_))));
    assert_eq!(store.load().unwrap(), fold(&all));
}

fn steps_are_stored_once_and_without_gap(fixture: &impl Fixture) {
    let mut store = fixture.open();
    store.commit(&rows::one_of_each()).unwrap();
    let attempt = rows::attempt_id(0, 1);
    let batch = |from: u64, to: u64| StepBatch { attempt, points: (from..to).map(rows::step).collect() };
    let mut append = |batches: &[StepBatch]| store.append_steps(batches).unwrap();
    assert_eq!(append(&[batch(0, 3)]), [3]);
    assert_eq!(append(&[batch(0, 3)]), [3], "a repetition");
    assert_eq!(append(&[batch(1, 5)]), [5], "an overlap");
    assert_eq!(append(&[batch(6, 9)]), [5], "after a gap");
    assert_eq!(append(&[batch(5, 6), batch(6, 7)]), [6, 7], "two batches at once");
    let torn = StepBatch { attempt, points: vec![rows::step(7), rows::step(9)] };
    assert_eq!(append(&[torn]), [8], "a gap within");
    assert_eq!(append(&[StepBatch { attempt, points: Vec::new() }]), [8], "nothing");
    let nobody = StepBatch { attempt: rows::attempt_id(0, 99), points: vec![rows::step(0)] };
    assert!(matches!(store.append_steps(&[batch(8, 9), nobody]), Err(StoreError::NotFound(_))));
    let mut again = fixture.open();
    let expected: Vec<StepMetric> = (0..8).map(rows::step).collect();
    assert_eq!(again.read_steps(attempt, 0, 100).unwrap(), expected);
    assert_eq!(again.read_steps(attempt, 2, 4).unwrap(), expected[2..6]);
    assert_eq!(again.read_steps(attempt, 8, 4).unwrap(), []);
    assert_eq!(again.read_steps(rows::attempt_id(1, 1), 0, 4).unwrap(), []);
}

fn old_entries_of_the_audit_log_go_and_its_marks_stay(fixture: &impl Fixture) {
    let mut store = fixture.open();
    assert_eq!(store.read_seal().unwrap(), None);
    for number in 1..6 {
        store.commit(&[rows::audit(number)]).unwrap();
    }
    let entries = store.read_audit(1, 100).unwrap();
    let seal = |head| AuditSeal { head, key: "key".into(), signature: "signature".into() };
    let (base, last) = (entries[2].head(), entries[4].head());
    store.commit(&[Mutation::AuditSeal(seal(base))]).unwrap();
    assert_eq!(store.read_seal().unwrap(), Some(seal(base)));
    store.commit(&[Mutation::AuditBase(base), Mutation::AuditSeal(seal(last))]).unwrap();
    drop(store);
    let mut store = fixture.open();
    assert_eq!(store.read_audit(0, 100).unwrap(), entries[3..]);
    assert_eq!(store.reader().unwrap().read_seal().unwrap(), Some(seal(last)));
    let tables = store.load().unwrap();
    assert_eq!((tables.audit, tables.audit_base), (last, base));
}

fn the_audit_log_is_read_back_in_order(fixture: &impl Fixture) {
    let mut store = fixture.open();
    assert_eq!(store.read_audit(0, 10).unwrap(), []);
    for number in 1..=5 {
        store.commit(&[rows::audit(number)]).unwrap();
        store.commit(&[rows::audit(number)]).unwrap();
    }
    let mut head = AuditHead::default();
    let entries = fixture.open().read_audit(1, 100).unwrap();
    assert_eq!(entries.len(), 5, "a repeated entry is stored once");
    entries.iter().for_each(|entry| head.advance(entry).unwrap());
    assert_eq!(fixture.open().load().unwrap().audit, head);
    assert_eq!(fixture.open().read_audit(4, 1).unwrap(), entries[3..4]);
    assert_eq!(fixture.open().reader().unwrap().read_audit(6, 1).unwrap(), []);
}

fn readers_work_beside_the_writer(fixture: &impl Fixture) {
    let mut store = fixture.open();
    let mutations = rows::one_of_each();
    let mut reader = store.reader().unwrap();
    assert_eq!(reader.load().unwrap(), Tables::default());
    let commits = 50_u64;
    let handle = std::thread::spawn(move || {
        let mut seen = Vec::new();
        while seen.last() != Some(&commits) {
            let tables = reader.load().unwrap();
            // Both rows come in one commit: whoever sees one sees the other.
            let workers = tables.workers.len() as u64;
            assert!(workers == tables.last_token, "{workers} {}", tables.last_token);
            seen.push(tables.last_token);
        }
        assert!(seen.is_sorted());
    });
    for number in 1..=commits {
        store.commit(&[rows::worker(number, 1), Mutation::LastToken(number)]).unwrap();
    }
    handle.join().unwrap();
    store.commit(&mutations).unwrap();
}

fn load_is_the_fold<F: Fixture>(make: &impl Fn() -> F) {
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let commits = prop::collection::vec(prop::collection::vec(rows::any_mutations(), 0..12), 0..8);
    runner
        .run(&commits, |commits| {
            let fixture = make();
            let mut store = fixture.open();
            let mut all = rows::parents();
            store.commit(&all).unwrap();
            for commit in commits {
                let commit = commit.concat();
                store.commit(&commit).unwrap();
                all.extend(commit);
            }
            prop_assert_eq!(&store.load().unwrap(), &fold(&all));
            drop(store);
            prop_assert_eq!(&fixture.open().load().unwrap(), &fold(&all));
            Ok(())
        })
        .unwrap();
}

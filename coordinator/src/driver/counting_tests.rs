//! A sweep of many trials that has ended goes on: nothing is handed out until all are counted, and then idle workers are woken.

use std::sync::Arc;
use std::time::Duration;

use coordinator_core::{
    Command, Engine, EpochRecord, Extension, Mutation, SweepState, TrialRecord, TrialState,
};
use coordinator_store::{MemoryStore, Store};
use sweep_proto::{EpochMetric, Hyperparameter, PrunerName, Search, SweepId, Timestamp, Value};

use super::Driver;
use super::step_tests::launch;
use crate::artifacts::Artifacts;
use crate::clock::Clock;

/// Epochs of each of fifty trials: rows that are counted in several slices.
const EPOCHS: u32 = 250;

fn epoch(trial: &TrialRecord, epoch: u32) -> Mutation {
    let metric = EpochMetric {
        epoch,
        train_loss: 0.5,
        train_accuracy: 0.5,
        validation_loss: 1.0 / f64::from(epoch),
        validation_accuracy: 0.5,
        validation_macro_f1: 0.5,
        seconds: 1.0,
        examples_per_second: 1.0,
        peak_memory_bytes: 1,
        energy_joules: None,
    };
    Mutation::Epoch(EpochRecord { trial: trial.spec.id, attempt: 1, metric })
}

/// A store with a sweep whose trials have all diverged in their last epoch. It has a pruner.
fn ended() -> MemoryStore {
    let mut command = launch();
    let Command::Launch { spec, .. } = &mut command else { panic!("it launches") };
    spec.search = Some(Box::new(Search { pruner: PrunerName::Median, ..Search::of_grid() }));
    let epochs = Value::Integer(u64::from(EPOCHS) + 1);
    spec.fixed = spec.fixed.clone().with(Hyperparameter::Epochs, epochs).expect("a value");
    let mut engine = Engine::default();
    let decision = engine.decide(Timestamp(0), &command).expect("it launches");
    engine.fold(&decision);
    let mut rows = decision.mutations;
    for trial in engine.tables().trials.values() {
        rows.extend((1..=EPOCHS).map(|number| epoch(trial, number)));
        let mut trial = TrialRecord { state: TrialState::Diverged, ..trial.clone() };
        (trial.ended_at, trial.diverged_epoch) = (Some(Timestamp(1)), Some(EPOCHS + 1));
        rows.push(Mutation::Trial(trial));
    }
    for mut sweep in engine.tables().sweeps.values().cloned() {
        (sweep.state, sweep.ended_at) = (SweepState::Finished, Some(Timestamp(1)));
        rows.push(Mutation::Sweep(sweep));
    }
    let mut store = MemoryStore::default();
    store.commit(&rows).expect("written");
    store
}

#[tokio::test]
async fn idle_workers_are_woken_when_the_last_trials_of_a_sweep_are_counted() {
    let store = ended();
    let open = Box::new(move || Ok(Box::new(store.clone()) as Box<dyn Store>));
    let artifacts = Arc::new(Artifacts::objects(Arc::new(object_store::memory::InMemory::new())));
    let (driver, _task) = Driver::start_as_task(open, artifacts, Clock::start()).expect("starts");
    let mut work = driver.notices().of_work();
    let more = Extension { replicates: Some(2), ..Extension::default() };
    let (datasets, quota) = (Vec::new(), Box::default());
    let extend = Command::Extend { sweep: SweepId(1), more, datasets, caller: None, quota };
    driver.command(extend).await.expect("it goes on");
    let mut told = None;
    loop {
        let work = work.clone();
        let look = move |engine: &Engine, _| {
            let is_counting = !engine.counting().is_empty();
            assert!(!is_counting || !engine.has_pending_work(), "handed out before all are counted");
            (is_counting, *work.borrow())
        };
        let (is_counting, notices) = driver.read(look).await.expect("it reads");
        if !is_counting {
            break;
        }
        told = Some(notices);
    }
    let told = told.expect("somebody looks between two slices");
    // Whoever has asked until then was given nothing, and asks again when told.
    let woken = tokio::time::timeout(Duration::from_mins(1), work.wait_for(|notices| *notices > told)).await;
    woken.expect("nobody is told").expect("the driver lives");
    assert!(driver.read(|engine, _| engine.has_pending_work()).await.expect("it reads"));
}

//! A sweep of many trials that has ended goes on: whoever extends it is answered.
#![allow(clippy::unwrap_used, reason = "tests say so by panicking")]

use std::path::Path;
use std::time::Duration;

use coordinator_core::{EpochRecord, Mutation, SweepState, TrialRecord, TrialState};
use coordinator_store::{SqliteStore, Store, StoreReader};
use sweep_proto::{EpochMetric, wire};

use crate::support::{SWEEP, User, start};

/// Epochs of each of the 200 trials: rows that a pruner counts in some twenty slices, between which somebody looks.
const EPOCHS: u32 = 250;

fn epoch(trial: &TrialRecord, epoch: u32) -> Mutation {
    let loss = 1.0 / f64::from(epoch);
    let metric = EpochMetric {
        epoch,
        train_loss: loss,
        train_accuracy: 0.5,
        validation_loss: loss,
        validation_accuracy: 0.5,
        validation_macro_f1: 0.5,
        seconds: 1.0,
        examples_per_second: 1.0,
        peak_memory_bytes: 1,
        energy_joules: None,
    };
    Mutation::Epoch(EpochRecord { trial: trial.spec.id, attempt: 1, metric })
}

/// Every trial of every sweep has diverged after all its epochs but one, and so the sweeps have ended.
fn end_all(directory: &Path) {
    let mut store = SqliteStore::open(&directory.join("sweep.db")).unwrap();
    let tables = store.load().unwrap();
    let mut rows = Vec::new();
    for mut sweep in tables.sweeps.into_values() {
        sweep.state = SweepState::Finished;
        sweep.ended_at = Some(sweep.created_at);
        rows.push(Mutation::Sweep(sweep));
    }
    for mut trial in tables.trials.values().cloned() {
        trial.state = TrialState::Diverged;
        (trial.ended_at, trial.diverged_epoch) = (Some(sweep_proto::Timestamp(1)), Some(EPOCHS + 1));
        let epochs: Vec<Mutation> = (1..=EPOCHS).map(|number| epoch(&trial, number)).collect();
        rows.push(Mutation::Trial(trial));
        rows.extend(epochs);
    }
    store.commit(&rows).unwrap();
}

/// That the last trials of a sweep are counted changes no row, and yet somebody waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_extends_an_ended_sweep_of_many_trials_is_answered_once_its_pruner_knows_them() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    let text = SWEEP.replace("[8, 16]", "[8]").replace("replicates = 2", "replicates = 200");
    let text =
        text.replace("epochs = 2", &format!("epochs = {}", EPOCHS + 1)) + "[search]\npruner = \"median\"\n";
    user.launch(&text, false).await.unwrap();
    server.stop().await.unwrap();
    end_all(directory.path());

    let server = start(directory.path()).await;
    let mut user = User::of(&server).await;
    assert_eq!(user.get("1").await.unwrap().state, "finished");
    let more = wire::ExtendRequest { sweep: "1".into(), replicates: 201, ..wire::ExtendRequest::default() };
    // No worker is there, and so no other row changes.
    let answer = tokio::time::timeout(Duration::from_mins(1), user.0.extend(more)).await;
    let ledger = answer.unwrap().unwrap().into_inner().ledger.unwrap();
    assert_eq!((ledger.planned, ledger.pending, ledger.diverged), (201, 1, 200));
    server.stop().await.unwrap();
}

//! A sweep of about 100,000 trials, most of which have ended and 200 of which run: made by a real launch, then filled in in
//! the database while no coordinator has it open.

use std::path::Path;

use anyhow::{Context, Result};
use coordinator_core::{
    AttemptRecord, AttemptState, Command, Engine, EpochRecord, LeaseRecord, Mutation, TrialRecord,
    TrialState, WorkerRecord, WorkerState,
};
use coordinator_store::{SqliteStore, Store as _, StoreReader as _};
use sweep_proto::{
    ArtifactRef, AttemptId, Device, DeviceKind, Digest, EpochMetric, LeaseToken, Timestamp, TrialResult,
    WorkKind, WorkerId, WorkerProfile,
};

use crate::processes::Cluster;
use crate::tools::shell;

/// Trials that run.
pub const RUNNING: usize = 200;

/// Epochs that these have done.
const EPOCHS_RUNNING: u32 = 30;

/// Epochs that ended trials have done.
const EPOCHS_ENDED: u32 = 3;

/// 32 × 32 × 32 configurations with three seeds each: 98,304 trials.
fn sweep_file() -> String {
    let levels: Vec<String> = (1..=32).map(|level| (level * 8).to_string()).collect();
    let levels = levels.join(", ");
    format!(
        "name = \"large\"\n[data]\ndataset = \"snippets\"\nmax_length = 10\ntrain_rows = 200\ntest_rows = 100\n\
         [grid]\nunits = [{levels}]\nembedding = [{levels}]\nbatch_size = [{levels}]\n\
         [train]\nepochs = 40\nreplicates = 3\n"
    )
}

/// A coordinator with that sweep as its first; how many trials it has.
///
/// # Errors
/// Where it cannot be made.
pub fn cluster() -> Result<(Cluster, usize)> {
    let mut cluster = Cluster::start()?;
    let file = cluster.write("large.toml", &sweep_file())?;
    cluster.sweep(&["launch", &file.to_string_lossy()])?;
    let old = cluster.directory().join("old-data");
    let mut count = 0;
    cluster.replace_data(|data| {
        shell(&format!("cp -a '{}' '{data}'", old.display()))?;
        count = fill(&Path::new(data).join("sweep.db"))?;
        Ok(())
    })?;
    Ok((cluster, count))
}

/// Lets all trials but the last few have ended, and some of those run.
fn fill(database: &Path) -> Result<usize> {
    let mut store = SqliteStore::open(database)?;
    let tables = store.load()?;
    let now = tables.sweeps.values().next().context("a sweep")?.created_at;
    // The coordinator has made the first of the trials; here are the others.
    let mut engine = Engine::restore(tables, now).with_stock(usize::MAX);
    while engine.is_behind() {
        let decision = engine.decide(now, &Command::Follow)?;
        store.commit(&decision.mutations)?;
        engine.fold(&decision);
    }
    let mut trials: Vec<TrialRecord> = engine.tables().trials.values().cloned().collect();
    let count = trials.len();
    let worker = WorkerId::generate();
    store.commit(&[Mutation::Worker(worker_record(worker, now))])?;
    let running = trials.split_off(count - RUNNING);
    for some in trials.chunks(2_000) {
        store.commit(&some.iter().flat_map(|trial| ended(trial, now)).collect::<Vec<_>>())?;
    }
    for (trial, token) in running.iter().zip(1..) {
        store.commit(&begun(trial, worker, LeaseToken(token), now))?;
    }
    store.commit(&[Mutation::LastToken(RUNNING as u64)])?;
    Ok(count)
}

fn worker_record(id: WorkerId, now: Timestamp) -> WorkerRecord {
    let device = Device { kind: DeviceKind::Cpu, ordinal: 0, model: "imagined".to_owned(), memory_bytes: 0 };
    WorkerRecord {
        id,
        profile: WorkerProfile {
            name: "imagined".to_owned(),
            build: "0".to_owned(),
            slots: RUNNING as u32,
            devices: vec![device],
            group: 1,
        },
        state: WorkerState::Ready,
        registered_at: now,
        answered: None,
        troubles: Default::default(),
        process: Default::default(),
        left_at: None,
    }
}

/// A loss that differs from trial to trial.
fn loss(trial: &TrialRecord, epoch: u32) -> f64 {
    let draw = f64::from(trial.spec.id.index.wrapping_mul(2_654_435_761) >> 8) / f64::from(1_u32 << 24);
    0.4 + 0.2 * draw + 0.3 / f64::from(epoch)
}

fn epochs(trial: &TrialRecord, count: u32) -> impl Iterator<Item = Mutation> {
    (1..=count).map(|epoch| {
        let loss = loss(trial, epoch);
        Mutation::Epoch(EpochRecord {
            trial: trial.spec.id,
            attempt: 1,
            metric: EpochMetric {
                epoch,
                train_loss: 0.9 * loss,
                train_accuracy: 1.0 - 0.4 * loss,
                validation_loss: loss,
                validation_accuracy: 1.0 - 0.5 * loss,
                validation_macro_f1: 1.0 - 0.5 * loss,
                seconds: 1.0,
                examples_per_second: 200.0,
                peak_memory_bytes: 1 << 20,
                energy_joules: None,
            },
        })
    })
}

fn ended(trial: &TrialRecord, now: Timestamp) -> Vec<Mutation> {
    let score = loss(trial, EPOCHS_ENDED);
    let result = TrialResult {
        best_epoch: EPOCHS_ENDED,
        epochs: EPOCHS_ENDED,
        early_stopped: true,
        score,
        accuracy: 1.0 - 0.5 * score,
        parameters: 1_000,
        model: ArtifactRef { digest: Digest::of(b"imagined"), bytes: 8 },
    };
    let mut record = trial.clone();
    (record.state, record.attempts) = (TrialState::Completed, 1);
    (record.result, record.ended_at) = (Some(result), Some(now));
    let mut rows: Vec<_> = epochs(trial, EPOCHS_ENDED).collect();
    rows.push(Mutation::Trial(record));
    rows
}

fn begun(trial: &TrialRecord, worker: WorkerId, token: LeaseToken, now: Timestamp) -> Vec<Mutation> {
    let lease = LeaseRecord { token, attempt: 1, worker, work: WorkKind::Train, group: None };
    let attempt = AttemptRecord {
        id: AttemptId { trial: trial.spec.id, number: 1 },
        work: WorkKind::Train,
        worker,
        worker_name: "imagined".into(),
        token,
        started_at: now,
        first_epoch: 1,
        state: AttemptState::Running,
        ended_at: None,
        failure: None,
        error: None,
        heard_at: None,
        kept_at: None,
        members: 1,
    };
    let mut record = trial.clone();
    (record.state, record.lease, record.attempts) = (TrialState::Leased, Some(lease), 1);
    let mut rows = vec![Mutation::Trial(record), Mutation::Attempt(attempt)];
    rows.extend(epochs(trial, EPOCHS_RUNNING));
    rows
}

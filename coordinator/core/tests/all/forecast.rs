//! Forecasts held against sweeps that real trainers have run.
//!
//! `durations/NAME.json` are such sweeps: what was launched, and when each trial began and ended. To record others:
//! `sweep run NAME.toml --data-dir DIR/NAME --no-reuse` for each, alone on its machine, then
//! `RECORD=DIR cargo test --release -p coordinator-core --test all forecast::`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};

use coordinator_core::forecast::{DataSize, Measured, Past, Rates, TRIALS_CHECKED, Work};
use coordinator_core::{
    AttemptRecord, AttemptState, DatasetRecord, EpochRecord, GridOrder, SweepRecord, SweepState, Tables,
    TrialRecord, TrialState, WorkerRecord, WorkerState,
};
use coordinator_store::{SqliteStore, StoreReader as _};
use serde::{Deserialize, Serialize};
use sweep_proto::{
    ArtifactRef, AttemptId, Configuration, ConfigurationIndex, DeviceKind, EpochMetric, LeaseToken,
    SweepSpec, Timestamp, TrialId, TrialResult, TrialSpec, WorkKind, WorkerId, WorkerProfile,
};

/// Largest error of a forecast from the tenth completed trial on, relative to the time that is left.
const ERROR_MAX: f64 = 0.25;

/// Largest error of the time of a grid that two measured configurations tell: the bounds of `sweep plan`.
const PLAN_ERROR_MAX: f64 = 0.35;

/// A sweep that was run, without what its times do not depend on.
#[derive(Serialize, Deserialize)]
struct Recorded {
    spec: SweepSpec,
    datasets: Vec<DatasetRecord>,
    worker: WorkerProfile,
    trials: Vec<RecordedTrial>,
}

/// `replicate`, position in the grid, beginning and end in milliseconds since the first trial began, and of each epoch
/// the seconds and the validation loss.
#[derive(Serialize, Deserialize)]
struct RecordedTrial(u32, u64, u64, u64, Vec<(f64, f64)>);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/durations")
}

fn recorded() -> Vec<(String, Recorded)> {
    if let Some(from) = std::env::var_os("RECORD") {
        for entry in std::fs::read_dir(from).expect("a folder of data folders").flatten() {
            let mut store = SqliteStore::open(&entry.path().join("sweep.db")).expect("a data folder");
            let recorded = record(&store.load().expect("rows"));
            let file = folder().join(entry.file_name()).with_extension("json");
            std::fs::write(file, serde_json::to_string(&recorded).expect("serialises")).expect("written");
        }
    }
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder()).expect("there").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let read = |file: PathBuf| {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, serde_json::from_slice(&std::fs::read(&file).expect("read")).expect("a recorded sweep"))
    };
    files.into_iter().map(read).collect()
}

/// The newest sweep of a store.
fn record(tables: &Tables) -> Recorded {
    let sweep = tables.sweeps.values().next_back().expect("a sweep");
    let begins = |trial: &TrialRecord| {
        tables
            .attempts_of(trial.spec.id)
            .find(|one| one.work == WorkKind::Train)
            .expect("trained")
            .started_at
            .0
    };
    let first = tables.trials_of(sweep.id).map(begins).min().expect("a trial");
    let trials = tables.trials_of(sweep.id).map(|trial| {
        let position = sweep.spec.position(&trial.spec.configuration).expect("in the grid");
        let metrics = tables.epochs_of(trial.spec.id).map(|epoch| &epoch.metric);
        let round = |number: f64| (number * 1e4).round() / 1e4;
        let epochs = metrics.map(|metric| (round(metric.seconds), round(metric.validation_loss))).collect();
        let ends = trial.ended_at.expect("ended").0;
        RecordedTrial(trial.spec.replicate, position, begins(trial) - first, ends - first, epochs)
    });
    let worker = tables.workers.values().next_back().expect("a worker").profile.clone();
    Recorded { spec: sweep.spec.clone(), datasets: sweep.datasets.clone(), worker, trials: trials.collect() }
}

/// The rows of a recorded sweep.
struct Rows {
    sweep: SweepRecord,
    trials: Vec<TrialRecord>,
    attempts: Vec<AttemptRecord>,
    epochs: Vec<EpochRecord>,
    workers: Vec<WorkerRecord>,
}

impl Rows {
    fn new(recorded: &Recorded) -> Self {
        let id = sweep_proto::SweepId(1);
        let worker: WorkerId = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        let sweep = SweepRecord {
            id,
            spec: recorded.spec.clone(),
            file_text: String::new(),
            state: SweepState::Finished,
            created_at: Timestamp(0),
            ended_at: None,
            datasets: recorded.datasets.clone(),
            chosen: None,
            owner: None,
            held: None,
            extended_from: None,
            order: GridOrder::ByConfiguration,
            earlier_choices: Vec::new(),
            search: None,
            conclusion: None,
            deleted_at: None,
            cleared: Default::default(),
            planned: None,
        };
        let workers = vec![WorkerRecord {
            id: worker,
            profile: recorded.worker.clone(),
            state: WorkerState::Departed,
            registered_at: Timestamp(0),
            answered: None,
            troubles: Default::default(),
            process: Default::default(),
            left_at: None,
        }];
        let mut rows = Self { sweep, trials: Vec::new(), attempts: Vec::new(), epochs: Vec::new(), workers };
        for (index, one) in recorded.trials.iter().enumerate() {
            rows.add(recorded, TrialId { sweep: id, index: index as u32 }, worker, one);
        }
        rows
    }

    fn add(&mut self, recorded: &Recorded, id: TrialId, worker: WorkerId, one: &RecordedTrial) {
        let RecordedTrial(replicate, position, began, ended, epochs) = one;
        let configuration = recorded.spec.configuration(*position).expect("in the grid");
        let dataset = recorded.datasets[0].artifact;
        let spec =
            TrialSpec { id, configuration, replicate: *replicate, seed: 0, dataset: dataset.digest.into() };
        let result = TrialResult {
            best_epoch: 1,
            epochs: epochs.len() as u32,
            early_stopped: false,
            score: 0.0,
            accuracy: 0.0,
            parameters: 0,
            model: ArtifactRef { digest: dataset.digest, bytes: 0 },
        };
        let mut trial = TrialRecord::new(spec, ConfigurationIndex::default());
        (trial.state, trial.attempts) = (TrialState::Completed, 1);
        (trial.result, trial.ended_at) = (Some(result), Some(Timestamp(*ended)));
        self.trials.push(trial);
        self.attempts.push(AttemptRecord {
            id: AttemptId { trial: id, number: 1 },
            work: WorkKind::Train,
            worker,
            worker_name: "".into(),
            token: LeaseToken(u64::from(id.index) + 1),
            started_at: Timestamp(*began),
            first_epoch: 1,
            state: AttemptState::Succeeded,
            ended_at: Some(Timestamp(*ended)),
            failure: None,
            error: None,
            heard_at: None,
            kept_at: None,
            members: 1,
        });
        self.epochs.extend(epochs.iter().zip(1..).map(|((seconds, loss), epoch)| EpochRecord {
            trial: id,
            attempt: 1,
            metric: EpochMetric {
                epoch,
                train_loss: *loss,
                train_accuracy: 0.5,
                validation_loss: *loss,
                validation_accuracy: 0.5,
                validation_macro_f1: 0.5,
                seconds: *seconds,
                examples_per_second: 1.0,
                peak_memory_bytes: 0,
                energy_joules: None,
            },
        }));
    }

    fn past(&self) -> Past<'_> {
        let Self { sweep, trials, attempts, epochs, workers } = self;
        Past { sweep, trials, attempts, epochs, workers }
    }
}

#[test]
fn the_time_left_is_within_a_quarter_from_the_tenth_trial_on() {
    let all = recorded();
    assert!(all.len() >= 3, "sweeps of different kinds are recorded");
    let mut too_far = Vec::new();
    for (name, recorded) in &all {
        let rows = Rows::new(recorded);
        let busy: u64 = recorded.trials.iter().map(|one| one.3 - one.2).sum();
        let trial_seconds = busy as f64 / 1e3 / recorded.trials.len() as f64;
        for completed in TRIALS_CHECKED..recorded.trials.len() {
            let Some(check) = rows.past().check(completed) else { continue };
            let told = check.forecast.seconds;
            let off = (told - check.seconds).abs();
            // Which of the last trials ends last is chance: a trial's time is allowed beside.
            let beside = if completed > TRIALS_CHECKED { trial_seconds } else { 0.0 };
            let allowed = ERROR_MAX * check.seconds + beside;
            if completed == TRIALS_CHECKED {
                println!(
                    "{name}: after {completed} of {} trials {:.1} s forecast, {:.1} s taken ({:+.0} %)",
                    recorded.trials.len(),
                    told,
                    check.seconds,
                    (told / check.seconds - 1.0) * 100.0
                );
            }
            if off > allowed {
                too_far
                    .push(format!("{name} after {completed}: {told:.1} s instead of {:.1} s", check.seconds));
            }
        }
    }
    assert!(too_far.is_empty(), "{}", too_far.join("\n"));
}

#[test]
fn nine_of_ten_intervals_hold_the_end() {
    let (mut made, mut held) = (0, 0);
    for (name, recorded) in recorded() {
        let rows = Rows::new(&recorded);
        let past = rows.past();
        let of_sweep = past.held();
        let checks = (TRIALS_CHECKED..recorded.trials.len()).filter_map(|completed| past.check(completed));
        let widths: Vec<f64> = checks
            .map(|check| (check.forecast.high_seconds - check.forecast.low_seconds) / check.forecast.seconds)
            .collect();
        println!(
            "{name}: {} of {} intervals held the end; after {TRIALS_CHECKED} trials one was {:.0} % wide",
            of_sweep.1,
            of_sweep.0,
            widths.first().copied().unwrap_or(0.0) * 100.0
        );
        // An interval of everything would hold every end.
        assert!(widths[0] < 1.0, "{name}: {widths:?}");
        (made, held) = (made + of_sweep.0, held + of_sweep.1);
    }
    println!("together {held} of {made}");
    assert!(made >= 40 && held as f64 >= 0.9 * made as f64, "{held} of {made}");
}

/// Seconds of an epoch of each configuration of a recorded sweep: the median over its epochs.
fn epoch_seconds(recorded: &Recorded) -> Vec<(Configuration, Measured)> {
    let mut all = Vec::new();
    for position in 0..recorded.spec.grid_size().expect("small") {
        let mut seconds: Vec<f64> = recorded
            .trials
            .iter()
            .filter(|one| one.1 == position)
            .flat_map(|one| one.4.iter().map(|epoch| epoch.0))
            .collect();
        seconds.sort_by(f64::total_cmp);
        let Some(median) = seconds.get(seconds.len() / 2) else { continue };
        let configuration = recorded.spec.configuration(position).expect("in the grid");
        let length = configuration.max_length();
        let record =
            recorded.datasets.iter().find(|one| one.variant == configuration.data_variant()).expect("there");
        let work = Work::of_epoch(&configuration, &DataSize::of_record(record, length));
        all.push((configuration, Measured { work, seconds: *median }));
    }
    all
}

#[test]
fn the_cheapest_and_the_dearest_configuration_tell_the_time_of_a_grid() {
    for (name, recorded) in recorded() {
        let all = epoch_seconds(&recorded);
        let by = |left: &&(Configuration, Measured), right: &&(Configuration, Measured)| {
            left.1.seconds.total_cmp(&right.1.seconds)
        };
        let [cheapest, dearest] =
            [all.iter().min_by(by), all.iter().max_by(by)].map(|one| one.expect("a trial").1);
        let rates = Rates::fit(DeviceKind::Cpu, &[cheapest, dearest]).expect("measured");
        let told: f64 = all.iter().map(|(_, one)| rates.seconds(&one.work)).sum();
        let taken: f64 = all.iter().map(|(_, one)| one.seconds).sum();
        println!(
            "{name}: an epoch of each of {} configurations {told:.1} s told, {taken:.1} s taken",
            all.len()
        );
        assert!((told / taken - 1.0).abs() < PLAN_ERROR_MAX, "{name}: {told} instead of {taken}");
    }
}

#[test]
fn the_fitted_rates_of_each_recorded_sweep() {
    let reference = Rates::reference(DeviceKind::Cpu);
    for (name, recorded) in recorded() {
        let measured: Vec<Measured> = epoch_seconds(&recorded).into_iter().map(|(_, one)| one).collect();
        let rates = Rates::fit(DeviceKind::Cpu, &measured).expect("measured");
        let error = rates.error.expect("many configurations");
        println!("{name}: {rates:?}");
        assert!(error < 0.25, "{name}: the model misses by {error:.2}");
        let off = measured.iter().map(|one| reference.seconds(&one.work) / one.seconds).collect::<Vec<_>>();
        println!("{name}: the reference tells {off:.2?} of what was measured");
    }
}

//! What a sweep of a million trials takes of the engine: seconds to launch it, memory, and the time of what a status reads,
//! as it is launched, with every trial made, with every trial ended, and with an attempt and eight epochs of each:
//! `cargo run --release -p coordinator-core --example million [TRIALS [REPLICATES]]`.

use std::error::Error;
use std::time::Instant;

use coordinator_core::{
    AttemptRecord, AttemptState, Command, DatasetRecord, Engine, EpochRecord, Mutation, Quota, Tables,
    Totals, TrialRecord, TrialState,
};
use sweep_proto::{
    ArtifactRef, AttemptId, Axis, Configuration, DataSource, DataSpec, Digest, EpochMetric, Hyperparameter,
    LeaseToken, SweepId, SweepSpec, Timestamp, TrialId, TrialResult, Value, WorkKind, WorkerId,
};

/// Epochs of each trial.
const EPOCHS: u32 = 8;

/// A grid of that many trials.
fn spec(trials: u64, replicates: u32) -> SweepSpec {
    let levels = |count: u64| (1..=count).map(Value::Integer).collect();
    let axis = |hyperparameter, count| Axis::of_levels(hyperparameter, levels(count));
    let side = trials / u64::from(replicates) / 400;
    SweepSpec {
        name: "million".into(),
        data: DataSpec::new(DataSource::Known { name: "snippets".into(), path: None }),
        fixed: Configuration::default(),
        axes: vec![
            axis(Hyperparameter::Units, side),
            axis(Hyperparameter::BatchSize, 20),
            axis(Hyperparameter::Embedding, 20),
        ],
        replicates,
        seed: 0,
        failures_max: 3,
        reuse: true,
        priority: 0,
        constraints: Box::default(),
        search: None,
    }
}

fn launch(spec: SweepSpec) -> Command {
    let dataset = |variant| DatasetRecord {
        variant,
        artifact: ArtifactRef { digest: Digest::of(b"data"), bytes: 4 },
        classes: vec!["no".into(), "yes".into()],
        vocabulary: 10,
        rows: [8, 1, 1],
        account: None,
    };
    let datasets = spec.data_variants().into_iter().map(dataset).collect();
    let most = u64::MAX;
    let quota = Quota::of(Totals {
        sweeps: most,
        stored_trials: most,
        open_trials: most,
        text_bytes: most,
        artifact_bytes: most,
        memory_bytes: most,
    });
    let (file_text, quota) = (String::new(), Box::new(quota));
    Command::Launch { spec, file_text, datasets, attach: false, owner: None, quota }
}

/// Resident memory of this process, in bytes.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1_024
}

/// Launches, and makes as many trials as are made ahead.
fn launched(stock: usize, spec: &SweepSpec) -> Result<Engine, Box<dyn Error>> {
    let mut engine = Engine::restore(Tables::default(), Timestamp(0)).with_stock(stock);
    let decision = engine.decide(Timestamp(0), &launch(spec.clone()))?;
    engine.fold(&decision);
    while engine.is_behind() {
        let decision = engine.decide(Timestamp(0), &Command::Follow)?;
        engine.fold(&decision);
    }
    Ok(engine)
}

fn completed(trial: &TrialRecord) -> TrialRecord {
    let number = trial.spec.id.index;
    let result = TrialResult {
        best_epoch: EPOCHS - 1,
        epochs: EPOCHS,
        early_stopped: true,
        score: 0.3 + f64::from(number % 9_973) / 1e5,
        accuracy: 0.9,
        parameters: 1_000,
        model: ArtifactRef { digest: Digest::of(&number.to_le_bytes()), bytes: 4 },
    };
    let mut trial = trial.clone();
    trial.state = TrialState::Completed;
    (trial.result, trial.ended_at) = (Some(result), Some(Timestamp(1)));
    trial
}

/// The attempt and the epochs of a trial that ended.
fn trained(trial: TrialId, token: u64, worker: WorkerId) -> Vec<Mutation> {
    let attempt = AttemptRecord {
        id: AttemptId { trial, number: 1 },
        work: WorkKind::Train,
        worker,
        worker_name: "node-17.example.org".into(),
        token: LeaseToken(token),
        started_at: Timestamp(token),
        first_epoch: 1,
        state: AttemptState::Succeeded,
        ended_at: Some(Timestamp(token + 500)),
        failure: None,
        error: None,
        heard_at: Some(Timestamp(token + 500)),
        kept_at: Some(Timestamp(token + 400)),
        members: 1,
    };
    let epoch = |epoch| EpochRecord {
        trial,
        attempt: 1,
        metric: EpochMetric {
            epoch,
            train_loss: 0.5,
            train_accuracy: 0.8,
            validation_loss: 0.6,
            validation_accuracy: 0.7,
            validation_macro_f1: 0.7,
            seconds: 0.05,
            examples_per_second: 20_000.0,
            peak_memory_bytes: 50_000_000,
            energy_joules: None,
        },
    };
    let epochs = (1..=EPOCHS).map(epoch).map(Mutation::Epoch);
    std::iter::once(Mutation::Attempt(attempt)).chain(epochs).collect()
}

/// Everything that a status reads of the engine's rows and indices.
fn look(engine: &Engine, sweep: SweepId) -> u64 {
    let best = engine.best_configurations(sweep, 10).len() as u64;
    let outlook = engine.outlook(sweep).map_or(0, |outlook| outlook.name().len() as u64);
    let forecast = engine.forecast(sweep).map_or(0, |forecast| forecast.seconds as u64);
    let lowest = engine.lowest_trial(sweep).map_or(0, |trial| u64::from(trial.spec.id.index));
    let tests = engine.trials_of_choice(sweep).count() as u64;
    engine.ledger(sweep).planned
        + engine.progress(sweep).planned
        + engine.still_learning(sweep).0
        + engine.ran_ms(sweep, Timestamp(1))
        + [best, outlook, forecast, lowest, tests, engine.away(sweep)].iter().sum::<u64>()
}

#[allow(clippy::print_stdout, reason = "what an example is for")]
fn show(what: &str, engine: &Engine, bytes: u64, trials: u64, seconds: f64) {
    let sweep = SweepId(1);
    let looks: u32 = 100;
    let began = Instant::now();
    let seen: u64 = (0..looks).map(|_| std::hint::black_box(look(engine, sweep))).sum();
    let each = began.elapsed() / looks;
    let rows = engine.tables().trials.len();
    println!(
        "{what}: {seconds:.2} s, {rows} rows, {} KiB, {:.1} bytes for each trial; a look takes {each:.1?} ({seen})",
        bytes / 1_024,
        bytes as f64 / trials as f64,
    );
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let trials = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let spec = spec(trials, arguments.next().map_or(Ok(10), |text| text.parse())?);
    let before = resident_bytes();
    let began = Instant::now();
    let engine = launched(coordinator_core::limits::STOCK_TRIALS, &spec)?;
    show("launched", &engine, resident_bytes() - before, trials, began.elapsed().as_secs_f64());
    drop(engine);

    let before = resident_bytes();
    let began = Instant::now();
    let mut engine = launched(usize::MAX, &spec)?;
    show("all made", &engine, resident_bytes() - before, trials, began.elapsed().as_secs_f64());

    let began = Instant::now();
    let ids: Vec<_> = engine.tables().trials.keys().collect();
    for id in &ids {
        let ended = engine.tables().trials.get(id).map(completed);
        if let Some(trial) = ended {
            engine.evolve(&Mutation::Trial(trial));
        }
    }
    show("all ended", &engine, resident_bytes() - before, trials, began.elapsed().as_secs_f64());

    let began = Instant::now();
    let worker = WorkerId::generate();
    for (id, token) in ids.into_iter().zip(1..) {
        trained(id, token, worker).iter().for_each(|mutation| engine.evolve(mutation));
    }
    let seconds = began.elapsed().as_secs_f64();
    show("with attempts and epochs", &engine, resident_bytes() - before, trials, seconds);
    Ok(())
}

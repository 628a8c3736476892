//! Sweeps of many trials for the examples: launched without bounds, and ended without training.

use std::error::Error;

use coordinator_core::{
    AttemptRecord, AttemptState, Command, DatasetRecord, Decision, Engine, EpochRecord, Mutation, Quota,
    Reply, SharedText, Totals, TrialRecord, TrialState,
};
use sweep_proto::{
    ArtifactRef, AttemptId, Axis, Configuration, DataSource, DataSpec, Digest, EpochMetric, Hyperparameter,
    LeaseToken, SweepSpec, Timestamp, TrialId, TrialResult, Value, WorkKind, WorkerId,
};

/// A grid over these axes.
pub(crate) fn spec(name: &str, axes: Vec<Axis>, replicates: u32) -> SweepSpec {
    SweepSpec {
        name: name.into(),
        data: DataSpec::new(DataSource::Known { name: "snippets".into(), path: None }),
        fixed: Configuration::default(),
        axes,
        replicates,
        seed: 0,
        failures_max: 3,
        reuse: true,
        priority: 0,
        objective: sweep_proto::Objective::default(),
        further_objectives: sweep_proto::FurtherObjectives::default(),
        constraints: Box::default(),
        search: None,
    }
}

/// An axis of the levels 1 to `count`.
pub(crate) fn axis(hyperparameter: Hyperparameter, count: u64) -> Axis {
    Axis::of_levels(hyperparameter, (1..=count).map(Value::Integer).collect())
}

/// Totals without bounds.
pub(crate) fn quota() -> Quota {
    let most = u64::MAX;
    Quota::of(Totals {
        sweeps: most,
        stored_trials: most,
        open_trials: most,
        text_bytes: most,
        artifact_bytes: most,
        memory_bytes: most,
    })
}

/// The datasets of a sweep.
pub(crate) fn datasets(spec: &SweepSpec) -> Vec<DatasetRecord> {
    let dataset = |variant| DatasetRecord {
        variant,
        artifact: ArtifactRef { digest: Digest::of(b"data"), bytes: 4 },
        classes: vec!["no".into(), "yes".into()],
        vocabulary: 10,
        rows: [8, 1, 1],
        account: None,
    };
    spec.data_variants().into_iter().map(dataset).collect()
}

pub(crate) fn launch(spec: SweepSpec) -> Command {
    let datasets = datasets(&spec);
    Command::Launch {
        spec,
        file_text: String::new(),
        datasets,
        attach: false,
        owner: None,
        quota: Box::new(quota()),
    }
}

/// Does a command, in memory.
pub(crate) fn fold(engine: &mut Engine, command: &Command) -> Result<Reply, Box<dyn Error>> {
    let decision: Decision = engine.decide(Timestamp(0), command)?;
    engine.fold(&decision);
    Ok(decision.reply)
}

/// A trial that has completed with that many epochs, each with another score and model.
pub(crate) fn completed(trial: &TrialRecord, epochs: u32) -> TrialRecord {
    let number = trial.spec.id.index;
    let mut trial = trial.clone();
    trial.state = TrialState::Completed;
    trial.ended_at = Some(Timestamp(1));
    trial.result = Some(TrialResult {
        best_epoch: epochs,
        epochs,
        early_stopped: true,
        score: score(number),
        accuracy: 0.9,
        parameters: 1_000,
        model: ArtifactRef { digest: Digest::of(&number.to_le_bytes()), bytes: 4 },
    });
    trial
}

fn score(number: u32) -> f64 {
    0.3 + f64::from(number % 9_973) / 1e5
}

/// The epochs of a trial, which come down to its score.
pub(crate) fn epochs(trial: TrialId, count: u32) -> impl Iterator<Item = Mutation> {
    let epoch = move |epoch| EpochRecord {
        trial,
        attempt: 1,
        metric: EpochMetric {
            epoch,
            train_loss: 0.5,
            train_accuracy: 0.8,
            validation_loss: score(trial.index) + f64::from(count - epoch) / 100.0,
            validation_accuracy: 0.7,
            validation_macro_f1: 0.7,
            seconds: 0.05,
            examples_per_second: 20_000.0,
            peak_memory_bytes: 50_000_000,
            energy_joules: None,
        },
    };
    (1..=count).map(epoch).map(Mutation::Epoch)
}

/// The attempt in which a trial completed.
pub(crate) fn attempt(trial: TrialId, token: u64, (worker, name): (WorkerId, &SharedText)) -> Mutation {
    Mutation::Attempt(AttemptRecord {
        id: AttemptId { trial, number: 1 },
        work: WorkKind::Train,
        worker,
        worker_name: name.clone(),
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
    })
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1_024
}

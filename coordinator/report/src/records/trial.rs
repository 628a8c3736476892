//! A trial, its attempts and epochs as they are hashed for signatures.
//!
//! Each record is taken apart by all its fields, so that whoever adds one decides here from which version on it is hashed.

use std::collections::BTreeMap;

use coordinator_core::{
    AttemptRecord, AttemptState, EpochRecord, TrialCourse, TrialExtra, TrialPast, TrialRecord, TrialState,
};
use serde::Serialize;
use sweep_proto::{
    AttemptId, ConfidenceBin, EpochMetric, FailureKind, HardExample, TestMetric, TrialId, TrialResult,
    TrialSpec, WorkKind,
};

use super::Projection;
use super::sweep::{Artifact, Values};

#[derive(Serialize)]
pub(super) struct Trial<'a> {
    spec: Spec,
    key: String,
    state: &'static str,
    attempts: u32,
    failures: u32,
    out_of_memory: u32,
    outgrown_bytes: Nothing,
    lease: Nothing,
    checkpoint: Nothing,
    underway: Nothing,
    result: Option<ResultRow>,
    diverged_epoch: Option<u32>,
    last_error: Option<&'a str>,
    test: Option<Test<'a>>,
    reused_from: Option<Id>,
    ended_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forgiven: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_number: Option<u64>,
}

/// What is forgotten once a trial has ended, and was told as absent by the first version.
type Nothing = ();

impl<'a> Trial<'a> {
    pub(super) fn of(record: &'a TrialRecord, projection: Projection) -> Self {
        let TrialRecord { spec, configuration_index: _, key_form: _, state, past } = record;
        let TrialPast { attempts, result, ended_at, model_is_removed: _, course } = &**past;
        let TrialCourse {
            ended_number,
            until_epoch: _,
            // It follows from the epochs and the objective of the sweep.
            objective_score: _,
            reused_from,
            extra,
        } = &**course;
        let TrialExtra {
            failures,
            out_of_memory,
            outgrown_bytes: _,
            diverged_epoch,
            last_error,
            forgiven,
            test,
            other_key: _,
            work: _,
        } = &**extra;
        Self {
            spec: Spec::of(spec),
            key: record.key().to_string(),
            state: trial_state(*state),
            attempts: *attempts,
            failures: *failures,
            out_of_memory: *out_of_memory,
            outgrown_bytes: (),
            lease: (),
            checkpoint: (),
            underway: (),
            result: result.as_ref().map(ResultRow::of),
            diverged_epoch: *diverged_epoch,
            last_error: last_error.as_deref(),
            test: test.as_ref().map(|test| Test::of(test, projection)),
            reused_from: reused_from.map(Id::of),
            ended_at: ended_at.map(|at| at.0),
            forgiven: Some(*forgiven).filter(|count| *count > 0),
            ended_number: *ended_number,
        }
    }
}

fn trial_state(state: TrialState) -> &'static str {
    match state {
        TrialState::Pending => "pending",
        TrialState::Leased => "leased",
        TrialState::Paused => "paused",
        TrialState::Completed => "completed",
        TrialState::Pruned => "pruned",
        TrialState::Diverged => "diverged",
        TrialState::Failed => "failed",
        TrialState::Cancelled => "cancelled",
    }
}

#[derive(Serialize)]
struct Spec {
    id: Id,
    configuration: Values,
    replicate: u32,
    seed: u64,
    dataset: String,
}

impl Spec {
    fn of(spec: &TrialSpec) -> Self {
        let TrialSpec { id, configuration, replicate, seed, dataset } = spec;
        Self {
            id: Id::of(*id),
            configuration: Values::of(configuration),
            replicate: *replicate,
            seed: *seed,
            dataset: dataset.to_string(),
        }
    }
}

#[derive(Serialize)]
struct Id {
    sweep: u64,
    index: u32,
}

impl Id {
    fn of(id: TrialId) -> Self {
        Self { sweep: id.sweep.0, index: id.index }
    }
}

#[derive(Serialize)]
struct ResultRow {
    best_epoch: u32,
    epochs: u32,
    early_stopped: bool,
    score: f64,
    accuracy: f64,
    parameters: u64,
    model: Artifact,
}

impl ResultRow {
    fn of(result: &TrialResult) -> Self {
        let TrialResult { best_epoch, epochs, early_stopped, score, accuracy, parameters, model } = result;
        Self {
            best_epoch: *best_epoch,
            epochs: *epochs,
            early_stopped: *early_stopped,
            score: *score,
            accuracy: *accuracy,
            parameters: *parameters,
            model: Artifact::of(model),
        }
    }
}

#[derive(Serialize)]
struct Test<'a> {
    loss: f64,
    accuracy: f64,
    macro_f1: f64,
    confusion: &'a [Vec<u64>],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calibration: Vec<Bin>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hardest: Vec<Hard>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    more: BTreeMap<&'static str, f64>,
}

impl<'a> Test<'a> {
    fn of(test: &'a TestMetric, projection: Projection) -> Self {
        let TestMetric { loss, accuracy, macro_f1, confusion, calibration, hardest, more } = test;
        let more = more.iter().filter(|_| projection >= Projection::Second);
        Self {
            loss: *loss,
            accuracy: *accuracy,
            macro_f1: *macro_f1,
            confusion,
            calibration: calibration.iter().map(Bin::of).collect(),
            hardest: hardest.iter().map(Hard::of).collect(),
            more: more.map(|(figure, value)| (figure.name(), *value)).collect(),
        }
    }
}

#[derive(Serialize)]
struct Bin {
    rows: u64,
    correct: u64,
    confidence: f64,
}

impl Bin {
    fn of(bin: &ConfidenceBin) -> Self {
        let ConfidenceBin { rows, correct, confidence } = *bin;
        Self { rows, correct, confidence }
    }
}

#[derive(Serialize)]
struct Hard {
    row: u64,
    truth: u32,
    predicted: u32,
    probability: f64,
    loss: f64,
}

impl Hard {
    fn of(example: &HardExample) -> Self {
        let HardExample { row, truth, predicted, probability, loss } = *example;
        Self { row, truth, predicted, probability, loss }
    }
}

#[derive(Serialize)]
pub(super) struct Attempt<'a> {
    id: Try,
    work: &'static str,
    worker: String,
    worker_name: &'a str,
    token: u64,
    started_at: u64,
    first_epoch: u32,
    state: &'static str,
    ended_at: Option<u64>,
    failure: Option<&'static str>,
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heard_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_at: Option<u64>,
    /// Where it shared its slot. In no record of a program without groups, so every version may have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<u32>,
}

#[derive(Serialize)]
struct Try {
    trial: Id,
    number: u32,
}

impl<'a> Attempt<'a> {
    pub(super) fn of(record: &'a AttemptRecord) -> Self {
        let AttemptRecord {
            id,
            work,
            worker,
            worker_name,
            token,
            started_at,
            first_epoch,
            state,
            ended_at,
            failure,
            error,
            heard_at,
            kept_at,
            members,
        } = record;
        let AttemptId { trial, number } = *id;
        Self {
            id: Try { trial: Id::of(trial), number },
            work: match work {
                WorkKind::Train => "train",
                WorkKind::Evaluate => "evaluate",
            },
            worker: worker.to_string(),
            worker_name,
            token: token.0,
            started_at: started_at.0,
            first_epoch: *first_epoch,
            state: attempt_state(*state),
            ended_at: ended_at.map(|at| at.0),
            failure: failure.map(failure_kind),
            error: error.as_deref(),
            heard_at: heard_at.map(|at| at.0),
            kept_at: kept_at.map(|at| at.0),
            members: Some(*members).filter(|members| *members > 1),
        }
    }
}

fn attempt_state(state: AttemptState) -> &'static str {
    match state {
        AttemptState::Running => "running",
        AttemptState::Succeeded => "succeeded",
        AttemptState::Reached => "reached",
        AttemptState::Pruned => "pruned",
        AttemptState::Diverged => "diverged",
        AttemptState::Failed => "failed",
        AttemptState::Released => "released",
        AttemptState::Expired => "expired",
        AttemptState::Revoked => "revoked",
    }
}

fn failure_kind(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Crashed => "crashed",
        FailureKind::OutOfMemory => "out_of_memory",
        FailureKind::Data => "data",
        FailureKind::Device => "device",
        FailureKind::Rejected => "rejected",
        FailureKind::Stalled => "stalled",
    }
}

#[derive(Serialize)]
pub(super) struct Epoch {
    trial: Id,
    attempt: u32,
    metric: Measured,
}

#[derive(Serialize)]
struct Measured {
    epoch: u32,
    train_loss: f64,
    train_accuracy: f64,
    validation_loss: f64,
    validation_accuracy: f64,
    validation_macro_f1: f64,
    seconds: f64,
    examples_per_second: f64,
    peak_memory_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    energy_joules: Option<f64>,
}

impl Epoch {
    pub(super) fn of(record: &EpochRecord) -> Self {
        let EpochRecord { trial, attempt, metric } = record;
        let EpochMetric {
            epoch,
            train_loss,
            train_accuracy,
            validation_loss,
            validation_accuracy,
            validation_macro_f1,
            seconds,
            examples_per_second,
            peak_memory_bytes,
            energy_joules,
        } = *metric;
        let metric = Measured {
            epoch,
            train_loss,
            train_accuracy,
            validation_loss,
            validation_accuracy,
            validation_macro_f1,
            seconds,
            examples_per_second,
            peak_memory_bytes,
            energy_joules,
        };
        Self { trial: Id::of(*trial), attempt: *attempt, metric }
    }
}

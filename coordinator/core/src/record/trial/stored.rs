//! The row of a trial as stores keep it: flat, whatever its parts are in memory, and byte for byte as earlier programs wrote it.

use serde::{Deserialize, Serialize};
use sweep_proto::left_out::is_default;
use sweep_proto::{
    CheckpointRef, ConfigurationIndex, TestMetric, Timestamp, TrialId, TrialKey, TrialResult, TrialSpec,
};

use super::{KeyForm, TrialCourse, TrialExtra, TrialPast, TrialRecord, TrialWork};
use crate::rare::Rare;
use crate::record::{LeaseRecord, TrialState};

/// The fields of a [`TrialRecord`] and of all that is below it, in the order of the first programs.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredTrial {
    spec: TrialSpec,
    key: TrialKey,
    state: TrialState,
    attempts: u32,
    failures: u32,
    #[serde(default)]
    out_of_memory: u32,
    #[serde(default)]
    outgrown_bytes: Option<u64>,
    lease: Option<LeaseRecord>,
    checkpoint: Option<CheckpointRef>,
    #[serde(default)]
    underway: Option<CheckpointRef>,
    result: Option<TrialResult>,
    diverged_epoch: Option<u32>,
    last_error: Option<String>,
    test: Option<Box<TestMetric>>,
    reused_from: Option<TrialId>,
    ended_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_default")]
    forgiven: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    model_is_removed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_number: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until_epoch: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    objective_score: Option<f64>,
}

impl From<StoredTrial> for TrialRecord {
    fn from(row: StoredTrial) -> Self {
        let work = TrialWork { lease: row.lease, checkpoint: row.checkpoint, underway: row.underway };
        let extra = TrialExtra {
            failures: row.failures,
            out_of_memory: row.out_of_memory,
            outgrown_bytes: row.outgrown_bytes,
            diverged_epoch: row.diverged_epoch,
            last_error: row.last_error,
            forgiven: row.forgiven,
            test: row.test,
            other_key: None,
            work: Rare::of(work),
        };
        let course = TrialCourse {
            ended_number: row.ended_number,
            until_epoch: row.until_epoch,
            objective_score: row.objective_score,
            reused_from: row.reused_from,
            extra: Rare::of(extra),
        };
        let past = TrialPast {
            attempts: row.attempts,
            result: row.result,
            ended_at: row.ended_at,
            model_is_removed: row.model_is_removed,
            course: Rare::of(course),
        };
        let mut trial = Self {
            spec: row.spec,
            configuration_index: ConfigurationIndex::default(),
            key_form: KeyForm::Present,
            state: row.state,
            past: Rare::of(past),
        };
        trial.set_key(row.key);
        trial
    }
}

impl From<TrialRecord> for StoredTrial {
    fn from(trial: TrialRecord) -> Self {
        let key = trial.key();
        let TrialRecord { spec, configuration_index: _, key_form: _, state, past } = trial;
        let TrialPast { attempts, result, ended_at, model_is_removed, course } = past.into_inner();
        let TrialCourse { ended_number, until_epoch, objective_score, reused_from, extra } =
            course.into_inner();
        let TrialExtra {
            failures,
            out_of_memory,
            outgrown_bytes,
            diverged_epoch,
            last_error,
            forgiven,
            test,
            other_key: _,
            work,
        } = extra.into_inner();
        let TrialWork { lease, checkpoint, underway } = work.into_inner();
        Self {
            spec,
            key,
            state,
            attempts,
            failures,
            out_of_memory,
            outgrown_bytes,
            lease,
            checkpoint,
            underway,
            result,
            diverged_epoch,
            last_error,
            test,
            reused_from,
            ended_at,
            forgiven,
            model_is_removed,
            ended_number,
            until_epoch,
            objective_score,
        }
    }
}

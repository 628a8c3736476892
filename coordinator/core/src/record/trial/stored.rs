//! The row of a trial as stores keep it: flat, whatever its parts are in memory, and byte for byte as earlier programs wrote it.

use serde::{Deserialize, Serialize};
use sweep_proto::left_out::is_default;
use sweep_proto::{
    CheckpointRef, ConfigurationIndex, TestMetric, Timestamp, TrialId, TrialKey, TrialResult, TrialSpec,
};

use super::{TrialExtra, TrialPast, TrialRecord, TrialWork};
use crate::rare::Rare;
use crate::record::{LeaseRecord, TrialState};

/// The fields of a [`TrialRecord`], [`TrialPast`], [`TrialExtra`] and [`TrialWork`], in the order of the first programs.
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
            reused_from: row.reused_from,
            objective_score: row.objective_score,
            work: Rare::of(work),
        };
        let past = TrialPast {
            attempts: row.attempts,
            result: row.result,
            ended_at: row.ended_at,
            ended_number: row.ended_number,
            until_epoch: row.until_epoch,
            model_is_removed: row.model_is_removed,
            extra: Rare::of(extra),
        };
        let configuration_index = ConfigurationIndex::default();
        Self { spec: row.spec, configuration_index, key: row.key, state: row.state, past: Rare::of(past) }
    }
}

impl From<TrialRecord> for StoredTrial {
    fn from(trial: TrialRecord) -> Self {
        let TrialRecord { spec, configuration_index: _, key, state, past } = trial;
        let TrialPast { attempts, result, ended_at, ended_number, until_epoch, model_is_removed, extra } =
            past.into_inner();
        let TrialExtra {
            failures,
            out_of_memory,
            outgrown_bytes,
            diverged_epoch,
            last_error,
            forgiven,
            test,
            reused_from,
            objective_score,
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

//! What is durable: one record type per table. The states that records go through are listed in `sweep_proto::state`.

#[cfg(test)]
pub(crate) mod examples;
mod search_log;
mod trial;

use std::collections::BTreeMap;
use std::fmt;

use coordinator_search::Lead;
use serde::{Deserialize, Serialize};
use sweep_proto::left_out::{is_default, is_one, one};
pub use sweep_proto::state::{AttemptState, SweepState, TrialState, WorkerState};
use sweep_proto::{
    ArtifactRef, AttemptId, Configuration, DataAccount, EpochMetric, FailureKind, Hyperparameter, LeaseToken,
    MeteredPart, SweepId, SweepSpec, Timestamp, TrialId, Value, WorkKind, WorkerId, WorkerProfile,
};
use uuid::Uuid;

pub use self::search_log::{AskingRecord, Conclusion, ConclusionReason, SearchEventRecord};
pub use self::trial::{KeyForm, TrialCourse, TrialExtra, TrialPast, TrialRecord, TrialWork};
use crate::limits::{INSTANCES_REMEMBERED_MAX, REQUESTS_REMEMBERED_MAX};
use crate::shared_text::SharedText;
use crate::source;
use crate::view::waiting_state;

/// In which order the trials of a grid are made, and numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GridOrder {
    /// All replicates of a configuration together.
    #[default]
    ByConfiguration,
    /// All first replicates before all second ones: of a sweep so large that its trials are made while it runs, so that
    /// early answers are broad.
    ByReplicate,
}

/// One sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepRecord {
    /// Its number.
    pub id: SweepId,
    /// What was launched, with everything that `extend` added.
    pub spec: SweepSpec,
    /// The sweep file's text, for the reproduction command and to attach to a running sweep.
    pub file_text: String,
    /// Where it stands.
    pub state: SweepState,
    /// When it was launched.
    pub created_at: Timestamp,
    /// When it reached its present end.
    pub ended_at: Option<Timestamp>,
    /// The encoded datasets, one per data variant.
    pub datasets: Vec<DatasetRecord>,
    /// The configuration with the lowest mean score over its completed replicates, once all trials ended.
    pub chosen: Option<Configuration>,
    /// Who launched it: they may change it, and it counts among their totals. `None` where an older program did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Why the coordinator itself holds it. It is paused meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// The spec before the extension whose trials are still being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_from: Option<Box<SweepSpec>>,
    /// The order in which its trials are made.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: GridOrder,
    /// Choices that were measured on the test split before the sweep was extended or retried, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_choices: Vec<EarlierChoice>,
    /// How far its search has come, where its trials are proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchRecord>,
    /// What its search has found, where that was steered and has come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<Box<Conclusion>>,
    /// When it was deleted. Nobody sees it from then on; what later sweeps have taken over from it stays, and the rest is removed
    /// a bounded number of trials at a time (`decide/delete.rs`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// How much of what its trials left behind was removed since it ended, because it was kept for long enough.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cleared: Cleared,
    /// Trials that its grid had, where it was cancelled: nobody counts its points again. Absent in rows of versions that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<u64>,
}

/// How far the trials of an ended sweep were gone through to remove what is not kept for ever (`retention.rs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    /// Trials from the first on whose step metrics are gone.
    pub steps: u32,
    /// Trials from the first on whose models are gone, but for those of the best configuration.
    pub models: u32,
}

/// How far the search of a sweep has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchRecord {
    /// Raised whenever what proposals rest on changes otherwise than by trials that end: those that were asked for before are worth
    /// nothing.
    pub version: u64,
    /// How many trials may be made, and what each is chosen from.
    pub lead: Lead,
    /// Whether the space holds no further trial.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_exhausted: bool,
    /// Where the sampler's own sequence goes on: what stands before is made or forbidden, and need not be looked at again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub from: u64,
    /// The part of its budget that attempts have spent by holding their slots, or of which only what is kept for a first result is
    /// left. No trial begins any more; what waits is shelved or cancelled (`decide/shelve.rs`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<MeteredPart>,
    /// The trial that is trained to its end although the budget is spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalist: Option<u32>,
    /// How many trials have been the finalist since the sweep was launched or its budget raised.
    #[serde(default, skip_serializing_if = "is_default")]
    pub finalists: u32,
    /// The first trial that has yet to go on where the sweep does after its budget was spent: those before it have followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revives_from: Option<u32>,
    /// How far the questions have come, where the search is steered.
    #[serde(default, skip_serializing_if = "is_default")]
    pub asking: AskingRecord,
}

impl SearchRecord {
    /// The search as it goes on after its budget was spent: its trials that were shelved or cancelled are to follow.
    pub(crate) fn unspent(self) -> Self {
        Self { spent: None, finalist: None, revives_from: Some(0), ..self }
    }
}

/// A choice that was measured on the test split and is not the last one: whoever knows the measurement may have gone on because
/// of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlierChoice {
    /// What was chosen.
    pub configuration: Configuration,
    /// When the sweep ended with it; when the sweep went on, where it had not ended.
    pub at: Timestamp,
    /// Completed trials that it was chosen from.
    pub trials: u64,
    /// Its test accuracy, the mean over its replicates; a fraction.
    pub accuracy: f64,
}

/// An encoded dataset of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// The data hyperparameters that it was encoded with.
    pub variant: BTreeMap<Hyperparameter, Value>,
    /// Its blob.
    pub artifact: ArtifactRef,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Distinct tokens, padding and unknown included.
    pub vocabulary: u32,
    /// Rows of train, validation and test.
    pub rows: [u64; 3],
    /// What its preparation found; absent in rows of versions that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<DataAccount>,
}

impl DatasetRecord {
    /// Whether it holds the same bytes for the same choice of the data hyperparameters.
    pub fn is_same_data(&self, other: &Self) -> bool {
        self.variant == other.variant && self.artifact == other.artifact
    }
}

impl SweepRecord {
    /// Whether somebody has deleted it.
    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// The part of its budget that is spent, where no trial of it begins any more because of that.
    pub fn spent(&self) -> Option<MeteredPart> {
        self.search?.spent
    }

    /// Whether nobody knows how many trials it comes to: as many as its hours or money allow.
    pub fn is_open_ended(&self) -> bool {
        source::is_open_ended(&self.spec) && self.search.is_some_and(|search| !search.is_exhausted)
    }

    /// The trial that is trained to its end although the budget is spent.
    pub fn finalist(&self) -> Option<u32> {
        self.search?.finalist
    }

    /// Whether trials that were shelved or cancelled when its budget was spent have yet to go on. None does where it was cancelled.
    pub fn is_reviving(&self) -> bool {
        self.state != SweepState::Cancelled && self.search.is_some_and(|search| search.revives_from.is_some())
    }

    /// The state of its trials that wait and have completed no epoch; `None` where none can wait.
    pub fn waiting_state(&self) -> Option<TrialState> {
        waiting_state(self.state)
            .map(|state| if self.spent().is_some() { TrialState::Cancelled } else { state })
    }

    /// How many choices were measured on the test split, with the present one where it `is_measured`.
    pub fn tests_so_far(&self, is_measured: bool) -> u64 {
        self.earlier_choices.len() as u64 + u64::from(is_measured)
    }

    /// The dataset that its answer is about: that of the chosen configuration, before the choice the first one.
    pub fn told_dataset(&self) -> Option<&DatasetRecord> {
        let chosen = self.chosen.as_ref().map(Configuration::data_variant);
        let of_chosen = chosen.and_then(|variant| self.datasets.iter().find(|one| one.variant == variant));
        of_chosen.or_else(|| self.datasets.first())
    }
}

/// A live lease. Its expiry is not durable: a restarted coordinator gives every lease a fresh term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// The fencing token.
    pub token: LeaseToken,
    /// Which attempt of the trial it covers.
    pub attempt: u32,
    /// Who holds it.
    pub worker: WorkerId,
    /// What is done under it.
    pub work: WorkKind,
    /// The first token of its group, where several trials were granted into one slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<LeaseToken>,
}

impl LeaseRecord {
    /// What names its slot among those of its worker: leases of one group have the same.
    pub(crate) fn slot(&self) -> LeaseToken {
        self.group.unwrap_or(self.token)
    }
}

/// One try of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Which try of which trial.
    pub id: AttemptId,
    /// What was done.
    pub work: WorkKind,
    /// By whom.
    pub worker: WorkerId,
    /// The worker's name at that time.
    pub worker_name: SharedText,
    /// Under which token.
    pub token: LeaseToken,
    /// When the lease was granted.
    pub started_at: Timestamp,
    /// The first epoch that it trains: 1, or the one after its checkpoint.
    pub first_epoch: u32,
    /// How it stands.
    pub state: AttemptState,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What kind of failure, where failed.
    pub failure: Option<FailureKind>,
    /// What its worker said when it failed or diverged.
    pub error: Option<Box<str>>,
    /// The last sign of life under the lease, where it ended without its worker's word; of a running one the newest that is
    /// durable. Absent in rows of versions that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
    /// When the newest checkpoint was stored from which the trial goes on: what was done until then is not done again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_at: Option<Timestamp>,
    /// Trials that were granted into its slot together, itself among them. One in rows of versions without groups.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub members: u32,
}

/// One epoch of a trial, in the lineage that leads to its result: no gap, no duplicate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The trial.
    pub trial: TrialId,
    /// The attempt that trained it.
    pub attempt: u32,
    /// What was measured; `metric.epoch` is the key within the trial.
    pub metric: EpochMetric,
}

/// One worker process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerRecord {
    /// Its identity.
    pub id: WorkerId,
    /// What it said of itself.
    pub profile: WorkerProfile,
    /// Where it stands.
    pub state: WorkerState,
    /// When it first registered.
    pub registered_at: Timestamp,
    /// The newest request that got it any lease. Durable, because the answer may be lost with the
    /// coordinator that gave it: the repeated request must find its leases, or they would idle until
    /// they run out.
    pub answered: Option<AnsweredRequest>,
    /// What went wrong on it lately.
    #[serde(default)]
    pub troubles: Troubles,
    /// Which process speaks for it.
    #[serde(default)]
    pub process: ProcessRecord,
    /// When it left, or was last heard before it fell silent. Absent while it is there, and in rows of versions that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Timestamp>,
}

/// The name that a worker's process gives itself. It tells processes apart that have the same identity: a
/// restarted one, or one that runs from a copy of the state directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(pub Uuid);

impl fmt::Display for InstanceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The process that speaks for a worker, and what is remembered of the past so that late messages from there mean
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// The process; `None` where its build names none.
    pub instance: Option<InstanceId>,
    /// Processes that others took the place of, newest last; a few.
    pub replaced: Vec<InstanceId>,
    /// Requests for work that got leases before the newest one did, newest last; a few.
    pub answered_before: Vec<String>,
}

impl ProcessRecord {
    /// Another process takes the place of this one.
    pub(crate) fn replace(&mut self, instance: Option<InstanceId>) {
        self.replaced.extend(self.instance);
        keep_last(&mut self.replaced, INSTANCES_REMEMBERED_MAX);
        self.instance = instance;
    }

    /// A request is no longer the newest one.
    pub(crate) fn remember(&mut self, answered: Option<AnsweredRequest>) {
        self.answered_before.extend(answered.map(|answered| answered.request_id));
        keep_last(&mut self.answered_before, REQUESTS_REMEMBERED_MAX);
    }
}

fn keep_last<T>(all: &mut Vec<T>, most: usize) {
    all.drain(..all.len().saturating_sub(most));
}

/// Failures on one worker since its last success.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Troubles {
    /// Different trials that failed, newest last; a few.
    pub trials: Vec<TrialId>,
    /// Rests since the last success.
    pub rests: u32,
    /// Until when it gets no work, as long as another worker can do it.
    pub rests_until: Option<Timestamp>,
}

/// A request for work, and what it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweredRequest {
    /// As the worker named it.
    pub request_id: String,
    /// The leases granted, some of which may have ended since. Which of them are a group stands in the leases.
    pub tokens: Vec<LeaseToken>,
}

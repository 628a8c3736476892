//! The row of a trial. A million of them are in memory, so what most trials do not have stands apart.

mod stored;

use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sweep_proto::{
    CheckpointRef, ConfigurationIndex, TestMetric, Timestamp, TrialId, TrialKey, TrialResult, TrialSpec,
};

use self::stored::StoredTrial;
use super::{LeaseRecord, TrialState};
use crate::rare::{Blank, Rare};

/// One trial. A lease stands in it while one is live. The fields of its past are read and set as its own, and are stored so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredTrial", into = "StoredTrial")]
pub struct TrialRecord {
    /// What is trained.
    pub spec: TrialSpec,
    /// Its configuration's number in the sweep. Not stored: it follows from the rows
    /// ([`number_configurations`](crate::Tables::number_configurations)).
    pub configuration_index: ConfigurationIndex,
    /// Its content address.
    pub key: TrialKey,
    /// Where it stands.
    pub state: TrialState,
    /// What has become of it since it was made.
    pub past: Rare<TrialPast>,
}

/// What has become of a trial that somebody has worked on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrialPast {
    /// Attempts begun, of either kind.
    pub attempts: u32,
    /// What it left behind, where completed.
    pub result: Option<TrialResult>,
    /// When it became terminal.
    pub ended_at: Option<Timestamp>,
    /// Its number among the ended trials of a searched sweep, from 1, in the order in which their ends were decided.
    pub ended_number: Option<u64>,
    /// How far it may train now, in epochs; `None`: to its end. There it waits with its checkpoint until it is promoted. Of
    /// a pruned trial: the epochs that it trained. Of a failed one: the epochs with which it counts in a budget.
    pub until_epoch: Option<u32>,
    /// Whether the model that its result names was removed, because its sweep ended long ago.
    pub model_is_removed: bool,
    /// What only some trials have.
    pub extra: Rare<TrialExtra>,
}

/// What only some of the trials have that somebody has worked on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrialExtra {
    /// Attempts that failed by their own fault; limited by `failures_max`.
    pub failures: u32,
    /// Attempts for which a slot's memory did not suffice; they have a budget of their own.
    pub out_of_memory: u32,
    /// The largest memory of a slot that did not suffice, in bytes, as far as workers told it.
    pub outgrown_bytes: Option<u64>,
    /// The epoch in which it diverged, where diverged.
    pub diverged_epoch: Option<u32>,
    /// Why the last failed or diverged attempt ended.
    pub last_error: Option<String>,
    /// Attempts before it was last tried again by a person's command: their failures no longer count.
    pub forgiven: u32,
    /// Its test measurement, where it belongs to the chosen configuration.
    pub test: Option<Box<TestMetric>>,
    /// The finished trial whose result, curves and test metric stand in for it.
    pub reused_from: Option<TrialId>,
    /// Where it has a result and its sweep has another objective than the validation loss: its score by that objective.
    pub objective_score: Option<f64>,
    /// What holds it, and what it goes on from.
    pub work: Rare<TrialWork>,
}

/// What holds a trial, and what it goes on from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrialWork {
    /// The lease on it, of either kind, while one is live.
    pub lease: Option<LeaseRecord>,
    /// The newest epoch's, from where the next attempt goes on.
    pub checkpoint: Option<CheckpointRef>,
    /// What an attempt that was stopped in mid-epoch handed over: goes before `checkpoint`, which stays in case that
    /// this one cannot be read.
    pub underway: Option<CheckpointRef>,
}

impl TrialRecord {
    /// A trial that nobody has worked on.
    pub fn new(spec: TrialSpec, configuration_index: ConfigurationIndex) -> Self {
        let key = spec.key();
        Self { spec, configuration_index, key, state: TrialState::Pending, past: Rare::default() }
    }

    /// What its configuration is ranked by, lower being better; `None` without a result.
    pub fn score(&self) -> Option<f64> {
        let result = self.result.as_ref()?;
        Some(self.objective_score.unwrap_or(result.score))
    }

    /// Whether it was pruned because the budget of its sweep was spent. It keeps its checkpoint, and goes on from there where the
    /// budget is raised.
    pub fn is_shelved(&self) -> bool {
        self.state == TrialState::Pruned && self.checkpoint.is_some()
    }

    /// The rung at which it waits to be promoted: it has trained as far as it may, and not to its end.
    pub fn rung(&self) -> Option<u32> {
        let checkpoint = self.checkpoint.filter(|_| self.state == TrialState::Paused)?;
        self.until_epoch.is_some_and(|until| checkpoint.epoch >= until).then_some(checkpoint.epoch)
    }
}

impl Deref for TrialRecord {
    type Target = TrialPast;

    fn deref(&self) -> &TrialPast {
        &self.past
    }
}

impl DerefMut for TrialRecord {
    fn deref_mut(&mut self) -> &mut TrialPast {
        &mut self.past
    }
}

impl Deref for TrialPast {
    type Target = TrialExtra;

    fn deref(&self) -> &TrialExtra {
        &self.extra
    }
}

impl DerefMut for TrialPast {
    fn deref_mut(&mut self) -> &mut TrialExtra {
        &mut self.extra
    }
}

impl Deref for TrialExtra {
    type Target = TrialWork;

    fn deref(&self) -> &TrialWork {
        &self.work
    }
}

impl DerefMut for TrialExtra {
    fn deref_mut(&mut self) -> &mut TrialWork {
        &mut self.work
    }
}

impl Blank for TrialPast {
    fn blank() -> &'static Self {
        static BLANK: LazyLock<TrialPast> = LazyLock::new(TrialPast::default);
        &BLANK
    }
}

impl Blank for TrialExtra {
    fn blank() -> &'static Self {
        static BLANK: LazyLock<TrialExtra> = LazyLock::new(TrialExtra::default);
        &BLANK
    }
}

impl Blank for TrialWork {
    fn blank() -> &'static Self {
        static BLANK: LazyLock<TrialWork> = LazyLock::new(TrialWork::default);
        &BLANK
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use sweep_proto::{Configuration, Digest, SweepId};

    use super::*;

    fn trial() -> TrialRecord {
        let spec = TrialSpec {
            id: TrialId { sweep: SweepId(1), index: 2 },
            configuration: Configuration::default(),
            replicate: 0,
            seed: 3,
            dataset: Digest::of(b"data").into(),
        };
        TrialRecord::new(spec, ConfigurationIndex(0))
    }

    /// A row as earlier programs wrote it, without its spec and its key.
    fn written(past: &str) -> String {
        let spec = serde_json::to_string(&trial().spec).unwrap();
        format!(r#"{{"spec":{spec},"key":"{}","state":"pending",{past}}}"#, trial().key)
    }

    #[test]
    fn a_row_is_stored_as_ever() {
        let nothing = r#""attempts":0,"failures":0,"out_of_memory":0,"outgrown_bytes":null,"lease":null,"checkpoint":null,"underway":null,"result":null,"diverged_epoch":null,"last_error":null,"test":null,"reused_from":null,"ended_at":null"#;
        assert_eq!(serde_json::to_string(&trial()).unwrap(), written(nothing));
        let mut all = trial();
        (all.attempts, all.outgrown_bytes, all.forgiven, all.until_epoch) = (2, Some(u64::MAX), 1, Some(4));
        all.underway =
            Some(CheckpointRef::after(3, sweep_proto::ArtifactRef { digest: Digest::of(b"c"), bytes: 4 }));
        let underway = format!(r#"{{"epoch":3,"artifact":{{"digest":"{}","bytes":4}}}}"#, Digest::of(b"c"));
        let some = nothing
            .replace(r#""attempts":0"#, r#""attempts":2"#)
            .replace(r#""outgrown_bytes":null"#, r#""outgrown_bytes":18446744073709551615"#)
            .replace(r#""underway":null"#, &format!(r#""underway":{underway}"#));
        let row = written(&format!(r#"{some},"forgiven":1,"until_epoch":4"#));
        assert_eq!(serde_json::to_string(&all).unwrap(), row);
        assert_eq!(serde_json::from_str::<TrialRecord>(&row).unwrap(), all);
        // The first programs knew less of it.
        let first = r#""attempts":0,"failures":0,"lease":null,"checkpoint":null,"result":null,"diverged_epoch":null,"last_error":null,"test":null,"reused_from":null,"ended_at":null"#;
        assert_eq!(serde_json::from_str::<TrialRecord>(&written(first)).unwrap(), trial());
        let lacks_failures = written(r#""attempts":0"#);
        assert!(
            serde_json::from_str::<TrialRecord>(&lacks_failures)
                .unwrap_err()
                .to_string()
                .contains("failures")
        );
    }

    #[test]
    fn what_most_trials_lack_takes_no_memory() {
        let bytes = [size_of::<TrialRecord>(), size_of::<TrialPast>(), size_of::<TrialExtra>()];
        let most = [96, 136, 120];
        assert!(bytes.iter().zip(most).all(|(bytes, most)| *bytes <= most), "{bytes:?}, of {most:?}");
        let mut changed = trial();
        changed.lease = None;
        assert_eq!(changed, trial());
        assert!(format!("{:?}", changed.past) == format!("{:?}", trial().past));
    }
}

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
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "StoredTrial", into = "StoredTrial")]
pub struct TrialRecord {
    /// What is trained.
    pub spec: TrialSpec,
    /// Its configuration's number in the sweep. Not stored, and no part of what makes rows equal: it follows from the rows
    /// ([`number_configurations`](crate::Tables::number_configurations)).
    pub configuration_index: ConfigurationIndex,
    /// Which form of its content address is stored, see [`key`](Self::key).
    pub key_form: KeyForm,
    /// Where it stands.
    pub state: TrialState,
    /// What has become of it since it was made.
    pub past: Rare<TrialPast>,
}

/// The form of a stored content address. One that follows from the trial itself takes no memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyForm {
    /// [`TrialSpec::key`].
    #[default]
    Present,
    /// [`TrialSpec::key_with_epochs`], as earlier programs wrote it.
    WithEpochs,
    /// Neither: [`TrialExtra::other_key`]. An audit tells of it.
    Other,
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
    /// Whether the model that its result names was removed, because its sweep ended long ago.
    pub model_is_removed: bool,
    /// What only trials of some sweeps have.
    pub course: Rare<TrialCourse>,
}

/// What trials of searched sweeps have, those that took a result over, and those that are ranked by another figure than the loss.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrialCourse {
    /// Its number among the ended trials of a searched sweep, from 1, in the order in which their ends were decided.
    pub ended_number: Option<u64>,
    /// How far it may train now, in epochs; `None`: to its end. There it waits with its checkpoint until it is promoted. Of
    /// a pruned trial: the epochs that it trained. Of a failed one: the epochs with which it counts in a budget.
    pub until_epoch: Option<u32>,
    /// Where it has a result and its sweep has another objective than the validation loss: its score by that objective.
    pub objective_score: Option<f64>,
    /// The finished trial whose result, curves and test metric stand in for it.
    pub reused_from: Option<TrialId>,
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
    /// Its stored content address where that is of no known form.
    pub other_key: Option<Box<TrialKey>>,
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
        let (key_form, past) = (KeyForm::Present, Rare::default());
        Self { spec, configuration_index, key_form, state: TrialState::Pending, past }
    }

    /// Its content address, as it is stored.
    pub fn key(&self) -> TrialKey {
        match self.key_form {
            KeyForm::Present => self.spec.key(),
            KeyForm::WithEpochs => self.spec.key_with_epochs(),
            KeyForm::Other => self.other_key.as_deref().copied().unwrap_or_else(|| self.spec.key()),
        }
    }

    /// Lets a content address be the one that is stored.
    pub fn set_key(&mut self, key: TrialKey) {
        self.key_form = match key {
            key if key == self.spec.key() => KeyForm::Present,
            key if key == self.spec.key_with_epochs() => KeyForm::WithEpochs,
            _ => KeyForm::Other,
        };
        let other = (self.key_form == KeyForm::Other).then(|| Box::new(key));
        if self.other_key != other {
            self.other_key = other;
        }
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

/// Rows are equal where what is stored of them is.
impl PartialEq for TrialRecord {
    fn eq(&self, other: &Self) -> bool {
        let Self { spec, configuration_index: _, key_form, state, past } = self;
        (spec, key_form, state, past) == (&other.spec, &other.key_form, &other.state, &other.past)
    }
}

impl Deref for TrialPast {
    type Target = TrialCourse;

    fn deref(&self) -> &TrialCourse {
        &self.course
    }
}

impl DerefMut for TrialPast {
    fn deref_mut(&mut self) -> &mut TrialCourse {
        &mut self.course
    }
}

impl Deref for TrialCourse {
    type Target = TrialExtra;

    fn deref(&self) -> &TrialExtra {
        &self.extra
    }
}

impl DerefMut for TrialCourse {
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

impl Blank for TrialCourse {
    fn blank() -> &'static Self {
        static BLANK: LazyLock<TrialCourse> = LazyLock::new(TrialCourse::default);
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
        written_as(trial().key(), past)
    }

    fn written_as(key: TrialKey, past: &str) -> String {
        let spec = serde_json::to_string(&trial().spec).unwrap();
        format!(r#"{{"spec":{spec},"key":"{key}","state":"pending",{past}}}"#)
    }

    const NOTHING: &str = r#""attempts":0,"failures":0,"out_of_memory":0,"outgrown_bytes":null,"lease":null,"checkpoint":null,"underway":null,"result":null,"diverged_epoch":null,"last_error":null,"test":null,"reused_from":null,"ended_at":null"#;

    #[test]
    fn whatever_key_is_stored_stays() {
        let spec = trial().spec;
        let other = TrialKey(Digest::of(b"of another program"));
        let forms = [
            (spec.key(), KeyForm::Present),
            (spec.key_with_epochs(), KeyForm::WithEpochs),
            (other, KeyForm::Other),
        ];
        for (key, form) in forms {
            let row = written_as(key, NOTHING);
            let read: TrialRecord = serde_json::from_str(&row).unwrap();
            assert_eq!((read.key(), read.key_form), (key, form));
            assert_eq!(serde_json::to_string(&read).unwrap(), row);
            let mut set = trial();
            set.set_key(other);
            set.set_key(key);
            assert_eq!(set, read);
        }
    }

    #[test]
    fn a_row_is_stored_as_ever() {
        assert_eq!(serde_json::to_string(&trial()).unwrap(), written(NOTHING));
        let mut all = trial();
        (all.attempts, all.outgrown_bytes, all.forgiven, all.until_epoch) = (2, Some(u64::MAX), 1, Some(4));
        all.underway =
            Some(CheckpointRef::after(3, sweep_proto::ArtifactRef { digest: Digest::of(b"c"), bytes: 4 }));
        let underway = format!(r#"{{"epoch":3,"artifact":{{"digest":"{}","bytes":4}}}}"#, Digest::of(b"c"));
        let some = NOTHING
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
        let bytes = [
            size_of::<TrialRecord>(),
            size_of::<TrialPast>(),
            size_of::<TrialCourse>(),
            size_of::<TrialExtra>(),
        ];
        let most = [64, 112, 72, 88];
        assert!(bytes.iter().zip(most).all(|(bytes, most)| *bytes <= most), "{bytes:?}, of {most:?}");
        let mut changed = trial();
        changed.lease = None;
        assert_eq!(changed, trial());
        assert!(format!("{:?}", changed.past) == format!("{:?}", trial().past));
    }
}

//! What is removed by itself once it was kept for long enough: the one place that says what, and after how long.
//!
//! | what | while | kept for |
//! |---|---|---|
//! | workers that left or fell silent, and that no attempt names | nobody needs them in a report | [`Keep::unused_ms`] |
//! | certificates and tokens that are worth nothing | no worker that is let in joined by them | [`Keep::unused_ms`] |
//! | step metrics of an ended sweep | they draw curves and nothing else | [`Keep::steps_ms`] |
//! | models of an ended sweep that are not of its best configuration, and checkpoints of its shelved trials | it is not extended or retried any more | [`Keep::models_ms`] |
//!
//! Other checkpoints of trials that have ended need no rule: their rows let go of them at once.

use std::collections::BTreeSet;

use sweep_proto::{ConfigurationIndex, SweepId, Timestamp, TrialId};

use crate::access::{AuditNote, CertificateRecord, TokenRecord};
use crate::command::{Decision, Rejection, Reply};
use crate::decide::access::record;
use crate::draft::Draft;
use crate::engine::Engine;
use crate::index::SweepIndex;
use crate::limits::{KEEP_STEPS_MS, KEEP_UNUSED_MS};
use crate::mutation::Key;
use crate::record::{Cleared, SweepRecord, TrialRecord, WorkerRecord, WorkerState};

/// For how long what is kept, in milliseconds; `None`: for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Workers that left without having worked, certificates and tokens that are worth nothing.
    pub unused_ms: Option<u64>,
    /// Step metrics, from the end of their sweep on.
    pub steps_ms: Option<u64>,
    /// Models that are not of the best configuration, and checkpoints of shelved trials, from the end of their sweep on.
    pub models_ms: Option<u64>,
}

impl Default for Keep {
    fn default() -> Self {
        Self { unused_ms: Some(KEEP_UNUSED_MS), steps_ms: Some(KEEP_STEPS_MS), models_ms: None }
    }
}

/// What was kept for long enough, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waste {
    /// Workers.
    pub workers: u64,
    /// Certificates.
    pub certificates: u64,
    /// Tokens.
    pub tokens: u64,
    /// Trials whose step metrics go, by the sweep and the first of them.
    pub steps: Vec<(TrialId, u64)>,
    /// Models.
    pub models: u64,
    /// Shelved trials whose checkpoints go.
    pub shelved: u64,
    /// Bytes of the models and checkpoints, as their workers told them; blobs that others need, too, stay.
    pub model_bytes: u64,
}

impl Waste {
    /// Whether there is nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Trials whose step metrics go.
    pub fn trials_with_steps(&self) -> u64 {
        self.steps.iter().map(|(_, trials)| trials).sum()
    }

    /// Adds what another part of it was.
    pub fn add(&mut self, more: Self) {
        self.workers += more.workers;
        self.certificates += more.certificates;
        self.tokens += more.tokens;
        self.steps.extend(more.steps);
        self.models += more.models;
        self.shelved += more.shelved;
        self.model_bytes = self.model_bytes.saturating_add(more.model_bytes);
    }

    fn count(&mut self, key: Key) {
        match key {
            Key::Worker(_) => self.workers += 1,
            Key::Certificate(_) => self.certificates += 1,
            Key::Token(_) => self.tokens += 1,
            Key::Sweep(_) | Key::Trial(_) | Key::Steps(_) => {}
        }
    }

    /// Counts what a trial of an ended sweep keeps for the case that the sweep goes on: its model, or where it is shelved its checkpoints.
    /// Whether there is something.
    fn count_spare(&mut self, trial: &TrialRecord, best: Option<ConfigurationIndex>) -> bool {
        let bytes = if trial.is_shelved() {
            self.shelved += 1;
            trial.blobs().map(|blob| blob.bytes).fold(0, u64::saturating_add)
        } else {
            let Some(bytes) = spare_model(trial, best) else { return false };
            self.models += 1;
            bytes
        };
        self.model_bytes = self.model_bytes.saturating_add(bytes);
        true
    }

    fn in_words(&self) -> String {
        let amounts = [
            (self.workers, "workers"),
            (self.certificates, "certificates"),
            (self.tokens, "tokens"),
            (self.trials_with_steps(), "trials' step metrics"),
            (self.models, "models"),
            (self.shelved, "shelved trials' checkpoints"),
        ];
        let there = amounts.iter().filter(|(count, _)| *count > 0);
        there.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
    }
}

/// What goes next: rows, and what a sweep's next trials left behind.
enum Part {
    Rows(Vec<Key>),
    Steps(SweepId),
    Models(SweepId),
}

impl Engine {
    /// Everything that was kept for long enough.
    pub fn waste(&self, now: Timestamp, keep: &Keep) -> Waste {
        let mut waste = Waste::default();
        self.unused(now, keep).for_each(|key| waste.count(key));
        for sweep in self.due(now, keep.steps_ms, |cleared| cleared.steps) {
            let trials = self.left_by(sweep, sweep.cleared.steps).filter(|trial| has_steps(trial)).count();
            if trials > 0 {
                waste.steps.push((TrialId { sweep: sweep.id, index: sweep.cleared.steps }, trials as u64));
            }
        }
        for sweep in self.due(now, keep.models_ms, |cleared| cleared.models) {
            let best = self.best_of(sweep);
            self.left_by(sweep, sweep.cleared.models).for_each(|trial| _ = waste.count_spare(trial, best));
        }
        waste
    }

    /// Rows that may go.
    fn unused(&self, now: Timestamp, keep: &Keep) -> impl Iterator<Item = Key> {
        let is_old = is_older(now, keep.unused_ms);
        let workers = self.tables.workers.values().filter(move |worker| self.is_gone(worker, is_old));
        let (old, kept): (Vec<&CertificateRecord>, Vec<_>) =
            self.tables.certificates.values().partition(|certificate| is_old(certificate.expires_at));
        // The workers that joined by a token are found by their certificates.
        let named: BTreeSet<_> = kept.iter().map(|certificate| certificate.token).collect();
        let tokens = self.tables.tokens.values();
        let tokens = tokens
            .filter(move |token| !named.contains(&token.id) && worthless_since(token).is_some_and(is_old));
        let workers = workers.map(|worker| Key::Worker(worker.id));
        let certificates = old.into_iter().map(|certificate| Key::Certificate(certificate.id));
        workers.chain(certificates).chain(tokens.map(|token| Key::Token(token.id)))
    }

    fn is_gone(&self, worker: &WorkerRecord, is_old: impl Fn(Timestamp) -> bool) -> bool {
        let has_left = matches!(worker.state, WorkerState::Departed | WorkerState::Lost);
        let heard = self.heard_at(worker.id).or(worker.left_at).unwrap_or(worker.registered_at);
        // Reports tell the devices of those who have worked.
        has_left && is_old(heard.max(worker.registered_at)) && !self.index.worked.contains_key(&worker.id)
    }

    /// Sweeps that ended long enough ago, of whose trials some were not gone through.
    fn due(
        &self,
        now: Timestamp,
        keep_ms: Option<u64>,
        done: fn(&Cleared) -> u32,
    ) -> impl Iterator<Item = &SweepRecord> {
        let is_old = is_older(now, keep_ms);
        self.sweeps().filter(move |sweep| {
            let made = self.index_of(sweep.id).map_or(0, SweepIndex::made);
            // What has yet to follow a cancellation still changes.
            sweep.ended_at.is_some_and(is_old)
                && u64::from(done(&sweep.cleared)) < made
                && !self.lags(sweep.id)
        })
    }

    /// The trials of a sweep from a number on.
    fn left_by(&self, sweep: &SweepRecord, from: u32) -> impl Iterator<Item = &TrialRecord> {
        let range = TrialId { sweep: sweep.id, index: from }..=TrialId { sweep: sweep.id, index: u32::MAX };
        self.tables.trials.range(range)
    }

    /// The configuration whose models an ended sweep keeps: the chosen one, or the best so far of one that was cancelled.
    pub(crate) fn best_of(&self, sweep: &SweepRecord) -> Option<ConfigurationIndex> {
        self.chosen(sweep).or_else(|| self.best_configuration(sweep.id))
    }

    fn next_part(&self, now: Timestamp, keep: &Keep) -> Option<Part> {
        let rows: Vec<Key> = self.unused(now, keep).take(self.slice.0).collect();
        if !rows.is_empty() {
            return Some(Part::Rows(rows));
        }
        let steps = self.due(now, keep.steps_ms, |cleared| cleared.steps).map(|sweep| Part::Steps(sweep.id));
        let models =
            self.due(now, keep.models_ms, |cleared| cleared.models).map(|sweep| Part::Models(sweep.id));
        steps.chain(models).next()
    }
}

/// Whether something has been so for longer than it is kept.
fn is_older(now: Timestamp, keep_ms: Option<u64>) -> impl Fn(Timestamp) -> bool + Copy {
    move |since| keep_ms.is_some_and(|keep_ms| now.since_ms(since) >= keep_ms)
}

/// When a token became worth nothing, as far as its row tells; `None` where it is still worth something. A used-up one may have been
/// used at any time since it was made.
fn worthless_since(token: &TokenRecord) -> Option<Timestamp> {
    let used_up = (token.uses_left == Some(0)).then_some(token.created_at);
    token.revoked_at.into_iter().chain(token.expires_at).chain(used_up).min()
}

/// Whether a trial may have step metrics of its own.
fn has_steps(trial: &TrialRecord) -> bool {
    trial.attempts > 0
}

/// The bytes of a trial's model, where the model is there and not of the best configuration.
fn spare_model(trial: &TrialRecord, best: Option<ConfigurationIndex>) -> Option<u64> {
    let result = trial.result.as_ref()?;
    (!trial.model_is_removed && Some(trial.configuration_index) != best).then_some(result.model.bytes)
}

/// Refuses to let a sweep choose once more whose models are gone.
pub(crate) fn check_models(sweep: &SweepRecord) -> Result<(), Rejection> {
    if sweep.cleared.models == 0 {
        return Ok(());
    }
    let id = sweep.id;
    Err(Rejection::Invalid(format!(
        "only the models of sweep {id}'s best configuration are still kept, so another choice could not be measured on the test \
         split; launch its file again (the operator sets how long models are kept: `sweep serve --keep-models-days`)"
    )))
}

/// Removes the next part of what was kept for long enough, and writes down what that was. Where there is nothing, nothing is written.
pub(crate) fn forget(engine: &Engine, now: Timestamp, keep: &Keep, by: &AuditNote) -> Decision {
    let mut draft = Draft::new(engine, now);
    let waste = match engine.next_part(now, keep) {
        None => return Decision { reply: Reply::Forgotten(None), ..Decision::default() },
        Some(Part::Rows(rows)) => draft.forget_rows(rows),
        Some(Part::Steps(sweep)) => draft.forget_steps(sweep),
        Some(Part::Models(sweep)) => draft.forget_models(sweep),
    };
    let subject = waste.in_words();
    let mut decision = draft.finish(Reply::Forgotten(Some(waste)));
    if !subject.is_empty() {
        decision.mutations.extend(record(engine, now, &AuditNote { subject, ..by.clone() }).mutations);
    }
    decision
}

impl Draft<'_> {
    fn forget_rows(&mut self, rows: Vec<Key>) -> Waste {
        let mut waste = Waste::default();
        for key in rows {
            waste.count(key);
            self.remove(key);
        }
        waste
    }

    fn forget_steps(&mut self, id: SweepId) -> Waste {
        let engine = self.engine;
        let Some(sweep) = engine.sweep(id) else { return Waste::default() };
        let first = sweep.cleared.steps;
        let (mut gone, mut next) = (0, first);
        for trial in engine.left_by(sweep, first).take(engine.slice.0) {
            next = trial.spec.id.index + 1;
            if has_steps(trial) {
                gone += 1;
                self.remove(Key::Steps(trial.spec.id));
            }
        }
        let cleared = Cleared { steps: next, ..sweep.cleared };
        self.set_sweep(SweepRecord { cleared, ..sweep.clone() });
        Waste { steps: vec![(TrialId { sweep: id, index: first }, gone)], ..Waste::default() }
    }

    fn forget_models(&mut self, id: SweepId) -> Waste {
        let engine = self.engine;
        let Some(sweep) = engine.sweep(id) else { return Waste::default() };
        let best = engine.best_of(sweep);
        let mut next = sweep.cleared.models;
        let mut waste = Waste::default();
        for trial in engine.left_by(sweep, next).take(engine.slice.0) {
            next = trial.spec.id.index + 1;
            if !waste.count_spare(trial, best) {
                continue;
            }
            if trial.is_shelved() {
                self.forget_shelved(trial.spec.id);
            } else {
                let mut trial = trial.clone();
                trial.model_is_removed = true;
                self.set_trial(trial);
            }
        }
        let cleared = Cleared { models: next, ..sweep.cleared };
        self.set_sweep(SweepRecord { cleared, ..sweep.clone() });
        waste
    }
}

//! What of the work under a lease is known to have been done, and what of it is kept.

use sweep_proto::{LeaseToken, Timestamp, TrialId};

use crate::draft::Draft;
use crate::limits::LEASE_TTL_MS;
use crate::record::{AttemptRecord, AttemptState};

impl Draft<'_> {
    /// Makes it durable that an attempt lives, once a term: a coordinator that dies with its workers knows how far they came.
    pub(super) fn sign_of_life(&mut self, token: LeaseToken) {
        let attempts = &self.engine.tables.attempts;
        let attempt = self.engine.index.attempts.get(token).and_then(|id| attempts.get(&id));
        let Some(attempt) = attempt.filter(|one| one.state == AttemptState::Running) else { return };
        let known = attempt.heard_at.unwrap_or(attempt.started_at);
        if self.now.since_ms(known) >= LEASE_TTL_MS {
            self.set_attempt(AttemptRecord { heard_at: Some(self.now), ..attempt.clone() });
        }
    }

    /// When an attempt that has just ended was last heard of; `None` where its worker told of the end.
    pub(crate) fn last_sign_of_life(&self, attempt: &AttemptRecord) -> Option<Timestamp> {
        let is_silent = matches!(attempt.state, AttemptState::Expired | AttemptState::Revoked);
        is_silent.then(|| self.engine.last_heard_of(attempt))
    }

    /// A trial begins again: what its attempts did so far is done once more.
    pub(crate) fn nothing_is_kept(&mut self, trial: TrialId) {
        let kept: Vec<AttemptRecord> = self
            .attempts_of(trial)
            .filter(|one| one.kept_at.is_some() && one.state != AttemptState::Succeeded)
            .cloned()
            .collect();
        for attempt in kept {
            self.set_attempt(AttemptRecord { kept_at: None, ..attempt });
        }
    }

    /// The checkpoint of a mid-epoch stop cannot be used: who left it did in vain what came after its last epoch.
    pub(super) fn underway_is_lost(&mut self, trial: TrialId) {
        let left_it = self
            .attempts_of(trial)
            .filter(|one| one.state == AttemptState::Released && one.kept_at == one.ended_at)
            .last();
        let Some(attempt) = left_it.cloned() else { return };
        let epochs = self.engine.tables.epochs_of(trial).filter(|one| one.attempt == attempt.id.number);
        let seconds: f64 = epochs.map(|epoch| epoch.metric.seconds).filter(|one| one.is_finite()).sum();
        let kept_at = attempt.started_at.plus_ms((seconds * 1e3) as u64).min(self.now);
        self.set_attempt(AttemptRecord { kept_at: Some(kept_at), ..attempt });
    }
}

//! An attempt ends: its outcome decides what becomes of the trial.

use sweep_proto::{
    AttemptOutcome, CheckpointRef, FailureKind, LeaseToken, TestFigure, TestMetric, Timestamp, TrialId,
    TrialResult, WorkKind,
};

use super::{Decided, live_lease};
use crate::command::{Rejection, Reply, Touch};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::limits::{OUT_OF_MEMORY_MAX, RETRY_FIRST_MS, RETRY_MAX_MS};
use crate::record::{AttemptRecord, AttemptState, TrialRecord, TrialState};

pub(crate) fn complete(
    engine: &Engine,
    now: Timestamp,
    token: LeaseToken,
    outcome: &AttemptOutcome,
) -> Decided {
    let mut draft = Draft::new(engine, now);
    let (trial, attempt) = match live_lease(engine, token) {
        Ok(live) => live,
        Err(_) if is_repetition(engine, token, outcome) => return Ok(draft.finish(Reply::Done)),
        Err(lost) => return Err(lost),
    };
    if let Some(worker) = engine.tables.workers.get(&attempt.worker) {
        draft.hear(worker);
    }
    let id = trial.spec.id;
    match (outcome, attempt.work) {
        (AttemptOutcome::Trained(result), WorkKind::Train) => {
            check_result(engine, trial, result)?;
            draft.trained(id, result);
        }
        (AttemptOutcome::Evaluated(test), WorkKind::Evaluate) => {
            check_test(trial, test)?;
            draft.evaluated(id, test);
        }
        (AttemptOutcome::Diverged { epoch, message }, WorkKind::Train) => {
            check_divergence(engine, trial, *epoch)?;
            draft.diverged(id, *epoch, message);
        }
        (AttemptOutcome::Diverged { message, .. }, WorkKind::Evaluate) => {
            // The weights will not change: another try would diverge alike.
            draft.failed_evaluation(id, FailureKind::Rejected, message);
        }
        (AttemptOutcome::Failed { kind, message }, WorkKind::Train) => draft.failed(id, *kind, message),
        (AttemptOutcome::Failed { kind, message }, WorkKind::Evaluate) => {
            draft.failed_evaluation(id, *kind, message);
        }
        (AttemptOutcome::Released { checkpoint }, _) => {
            draft.keep_underway(trial, attempt, *checkpoint);
            draft.take_back(id, AttemptState::Released);
        }
        // The report of that epoch ends the attempt. Where it has not, the trial has come to its end, and the next attempt says so.
        (AttemptOutcome::Reached { .. }, WorkKind::Train) => draft.take_back(id, AttemptState::Released),
        (AttemptOutcome::Reached { .. } | AttemptOutcome::Trained(_), WorkKind::Evaluate)
        | (AttemptOutcome::Evaluated(_), WorkKind::Train) => {
            let problem = format!(
                "the outcome does not fit lease {token} of trial {id}: it is of the other kind of work"
            );
            return Err(Rejection::Invalid(problem));
        }
    }
    Ok(draft.finish(Reply::Done))
}

/// Whether an ended attempt ended by just this outcome, so that its worker may hear it once more.
fn is_repetition(engine: &Engine, token: LeaseToken, outcome: &AttemptOutcome) -> bool {
    let attempt = engine.index.attempts.get(token).and_then(|id| engine.tables.attempts.get(&id));
    let Some(attempt) = attempt else { return false };
    let Some(trial) = engine.tables.trials.get(&attempt.id.trial) else { return false };
    let said = |message: &String| attempt.error.as_deref() == Some(message.as_str());
    match (attempt.state, outcome) {
        (AttemptState::Succeeded, AttemptOutcome::Trained(result)) => {
            attempt.work == WorkKind::Train && trial.result.as_ref() == Some(result)
        }
        (AttemptState::Succeeded, AttemptOutcome::Evaluated(test)) => {
            attempt.work == WorkKind::Evaluate && trial.test.as_deref() == Some(test)
        }
        (AttemptState::Diverged, AttemptOutcome::Diverged { epoch, message }) => {
            trial.diverged_epoch == Some(*epoch) && said(message)
        }
        (AttemptState::Failed, AttemptOutcome::Diverged { message, .. }) => {
            attempt.work == WorkKind::Evaluate && said(message)
        }
        (AttemptState::Failed, AttemptOutcome::Failed { kind, message }) => {
            attempt.failure == Some(*kind) && said(message)
        }
        (AttemptState::Reached | AttemptState::Released, AttemptOutcome::Reached { .. }) => true,
        (AttemptState::Released, AttemptOutcome::Released { .. }) => true,
        _ => false,
    }
}

fn check_result(engine: &Engine, trial: &TrialRecord, result: &TrialResult) -> Result<(), Rejection> {
    let id = trial.spec.id;
    let refuse = |problem: String| Err(Rejection::Invalid(format!("the result of trial {id} {problem}")));
    let recorded = engine.tables.epochs_recorded(id);
    let planned = trial.spec.configuration.epochs();
    let Some(last) = engine.tables.epochs.get(&(id, recorded)).filter(|_| result.epochs == recorded) else {
        return refuse(format!("counts {} epochs, but {recorded} were reported", result.epochs));
    };
    if !engine.tables.is_over(trial, &last.metric) {
        return refuse(format!("has {recorded} of {planned} epochs, and patience has not run out"));
    }
    let is_short = u64::from(recorded) < planned;
    if result.early_stopped != is_short {
        let told = if result.early_stopped { "stopped early" } else { "did not stop early" };
        return refuse(format!("says that it {told}, with {recorded} of {planned} epochs"));
    }
    let Some(best) = engine.tables.epochs.get(&(id, result.best_epoch)) else {
        return refuse(format!("names epoch {} as its best, which was not reported", result.best_epoch));
    };
    let same = |left: f64, right: f64| left.total_cmp(&right).is_eq();
    if !same(best.metric.validation_loss, result.score)
        || !same(best.metric.validation_accuracy, result.accuracy)
    {
        return refuse(format!(
            "does not have the figures that epoch {} was reported with",
            result.best_epoch
        ));
    }
    if engine.tables.epochs_of(id).any(|epoch| epoch.metric.validation_loss < result.score) {
        return refuse(format!(
            "names epoch {} as its best, but another has a lower loss",
            result.best_epoch
        ));
    }
    let most = engine.parameters_of(trial).unwrap_or(u64::MAX);
    if result.parameters > most {
        return refuse(format!("counts {} trained numbers, but its model has {most}", result.parameters));
    }
    Ok(())
}

/// A trial diverges in the epoch that it trains: the one after those that were reported, and none that it may not train.
fn check_divergence(engine: &Engine, trial: &TrialRecord, epoch: u32) -> Result<(), Rejection> {
    let id = trial.spec.id;
    let recorded = engine.tables.epochs_recorded(id);
    let until = trial.until_epoch.map_or(trial.spec.configuration.epochs(), u64::from);
    let refuse = |problem: String| Err(Rejection::Invalid(format!("trial {id} cannot diverge in {problem}")));
    if u64::from(epoch) != u64::from(recorded) + 1 {
        return refuse(format!("epoch {epoch}: {recorded} epochs were reported, so the next one is meant"));
    }
    if u64::from(epoch) > until {
        return refuse(format!("epoch {epoch}: it trains until epoch {until}"));
    }
    if let Some(end) = engine.tables.end_epoch(trial) {
        return refuse(format!("epoch {epoch}: it has come to its end with epoch {end}"));
    }
    Ok(())
}

fn check_test(trial: &TrialRecord, test: &TestMetric) -> Result<(), Rejection> {
    let scores = TestFigure::ALL.into_iter().filter_map(|figure| figure.of(test));
    let confidences = test.calibration.iter().map(|bin| bin.confidence);
    let examples = test.hardest.iter().flat_map(|one| [one.probability, one.loss]);
    if scores.chain(confidences).chain(examples).all(f64::is_finite) {
        return Ok(());
    }
    Err(Rejection::Invalid(format!("the test measurement of trial {} is not finite", trial.spec.id)))
}

/// Whether an attempt that began from a checkpoint reported nothing beyond it.
fn resumed_without_progress(trial: &TrialRecord, attempt: &AttemptRecord) -> bool {
    trial.underway.or(trial.checkpoint).is_some_and(|checkpoint| checkpoint.epoch < attempt.first_epoch)
}

impl Draft<'_> {
    /// A worker that stopped in mid-epoch says how far it came. Without that the trial goes on from where it did, or
    /// from its last epoch.
    fn keep_underway(
        &mut self,
        trial: &TrialRecord,
        attempt: &AttemptRecord,
        checkpoint: Option<CheckpointRef>,
    ) {
        let recorded = self.engine.tables.epochs_recorded(trial.spec.id);
        let fits = |one: &CheckpointRef| one.batches > 0 && one.epoch == recorded;
        if let Some(checkpoint) = checkpoint.filter(fits)
            && attempt.work == WorkKind::Train
            // A slot that got no further gives back what it was given.
            && trial.underway != Some(checkpoint)
        {
            self.set_attempt(AttemptRecord { kept_at: Some(self.now), ..attempt.clone() });
            let mut trial = trial.clone();
            trial.underway = Some(checkpoint);
            self.set_trial(trial);
        }
    }

    fn trained(&mut self, id: TrialId, result: &TrialResult) {
        if let Some((mut trial, attempt)) = self.end_attempt(id, AttemptState::Succeeded) {
            self.absolve(attempt.worker);
            trial.result = Some(result.clone());
            // Most trials have none, and no memory for it.
            if let Some(score) = self.objective_score(id.sweep, id, result) {
                trial.objective_score = Some(score);
            }
            self.end_trial(trial, TrialState::Completed);
        }
    }

    fn evaluated(&mut self, id: TrialId, test: &TestMetric) {
        if let Some((mut trial, attempt)) = self.end_attempt(id, AttemptState::Succeeded) {
            self.absolve(attempt.worker);
            trial.test = Some(Box::new(test.clone()));
            self.set_trial(trial);
        }
    }

    fn diverged(&mut self, id: TrialId, epoch: u32, message: &str) {
        if let Some((mut trial, attempt)) = self.end_attempt(id, AttemptState::Diverged) {
            // That it diverges is what it found out: nobody does it again.
            let kept_at = Some(self.now);
            self.set_attempt(AttemptRecord { error: Some(message.into()), kept_at, ..attempt });
            trial.diverged_epoch = Some(epoch);
            trial.last_error = Some(message.to_owned());
            self.end_trial(trial, TrialState::Diverged);
        }
    }

    fn failed(&mut self, id: TrialId, kind: FailureKind, message: &str) {
        let Some((mut trial, attempt)) = self.end_attempt(id, AttemptState::Failed) else { return };
        trial.last_error = Some(message.to_owned());
        let failed = AttemptRecord { failure: Some(kind), error: Some(message.into()), ..attempt.clone() };
        if failed.failed_with_its_slot() {
            // Which member is to blame, nobody knows: each is tried alone, at no cost.
            self.set_attempt(failed);
            self.touch(Touch::NotBefore(id, self.now.plus_ms(RETRY_FIRST_MS)));
            self.requeue(trial);
            return;
        }
        if kind.is_retryable() {
            self.blame(attempt.worker, id);
        }
        let is_spent = if kind == FailureKind::OutOfMemory {
            self.outgrew(&mut trial, attempt.worker);
            trial.out_of_memory >= OUT_OF_MEMORY_MAX
        } else {
            trial.failures += 1;
            trial.failures >= self.sweep(id.sweep).map_or(0, |sweep| sweep.spec.failures_max)
        };
        let stuck = kind == FailureKind::Data && resumed_without_progress(&trial, &attempt);
        self.set_attempt(failed);
        if !kind.is_retryable() || is_spent {
            self.end_trial(trial, TrialState::Failed);
            return;
        }
        if stuck && trial.underway.take().is_some() {
            self.underway_is_lost(id);
        } else if stuck {
            // It read its checkpoint and got no further: the checkpoint itself may be what is broken.
            trial.checkpoint = None;
        }
        if trial.checkpoint.is_none() {
            self.forget_epochs(id);
        }
        let earlier = (trial.failures + trial.out_of_memory).saturating_sub(1);
        let pause_ms = (RETRY_FIRST_MS << earlier.min(16)).min(RETRY_MAX_MS);
        self.touch(Touch::NotBefore(id, self.now.plus_ms(pause_ms)));
        self.requeue(trial);
    }

    fn failed_evaluation(&mut self, id: TrialId, kind: FailureKind, message: &str) {
        if let Some((mut trial, attempt)) = self.end_attempt(id, AttemptState::Failed) {
            self.set_attempt(AttemptRecord { failure: Some(kind), error: Some(message.into()), ..attempt });
            trial.last_error = Some(message.to_owned());
            self.set_trial(trial);
        }
    }
}

//! A worker reports an epoch with its checkpoint.

use sweep_proto::{AttemptId, CheckpointRef, EpochMetric, LeaseToken, Timestamp, WorkKind};

use super::prune::Course;
use super::{Decided, live_lease};
use crate::command::{Decision, Rejection, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{AttemptRecord, AttemptState, EpochRecord, TrialRecord};

pub(crate) fn report_epoch(
    engine: &Engine,
    now: Timestamp,
    token: LeaseToken,
    metric: &EpochMetric,
    checkpoint: CheckpointRef,
) -> Decided {
    let (trial, attempt) = match live_lease(engine, token) {
        Ok(live) => live,
        Err(lost) => return repeated(engine, token, metric).ok_or(lost),
    };
    let id = trial.spec.id;
    if attempt.work != WorkKind::Train {
        return Err(Rejection::Invalid(format!("trial {id} is evaluated under lease {token}, not trained")));
    }
    let mut draft = Draft::new(engine, now);
    draft.renew(token, attempt.worker);
    let record = EpochRecord { trial: id, attempt: attempt.id.number, metric: metric.clone() };
    if engine.tables.epochs.get(&(id, metric.epoch)) == Some(&record) {
        return Ok(draft.finish(Reply::Done));
    }
    let expected = engine.tables.epochs_recorded(id) + 1;
    if metric.epoch != expected {
        return Err(Rejection::EpochOutOfOrder { trial: id, expected, got: metric.epoch });
    }
    check(trial, metric, checkpoint)?;
    if let Some(end) = engine.tables.end_epoch(trial) {
        return Err(Rejection::Invalid(format!("trial {id} has come to its end with epoch {end}")));
    }
    draft.add_epoch(record);
    draft.set_attempt(AttemptRecord { heard_at: Some(now), kept_at: Some(now), ..attempt.clone() });
    // One that comes to its end is not held at a rung that it has just reached.
    let is_over = engine.tables.is_over(trial, metric);
    let course = if is_over { Course::GoOn } else { engine.course(trial, metric) };
    let until_epoch = trial.until_epoch.filter(|_| !is_over);
    let mut trial = trial.clone();
    (trial.checkpoint, trial.underway) = (Some(checkpoint), None);
    trial.until_epoch = until_epoch;
    draft.set_trial(trial);
    match course {
        Course::GoOn => return Ok(draft.finish(Reply::Done)),
        Course::Wait => draft.wait_at_rung(id),
        Course::Prune => draft.prune_running(id),
    }
    let ended = ended_by_report(attempt.id, course == Course::Prune);
    Ok(draft.finish(Reply::AttemptEnded(ended)))
}

/// The answer to the report that ended its attempt, once more: the worker may not have heard it.
fn repeated(engine: &Engine, token: LeaseToken, metric: &EpochMetric) -> Option<Decision> {
    let attempt = engine.tables.attempts.get(&engine.index.attempts.get(token)?)?;
    if !matches!(attempt.state, AttemptState::Reached | AttemptState::Pruned) {
        return None;
    }
    let mut known = engine.tables.epochs_of(attempt.id.trial).filter(|one| one.attempt == attempt.id.number);
    let last = known.next_back().filter(|last| last.metric == *metric);
    let ended = ended_by_report(attempt.id, attempt.state == AttemptState::Pruned);
    last.map(|_| Decision { reply: Reply::AttemptEnded(ended), ..Decision::default() })
}

fn ended_by_report(attempt: AttemptId, is_pruned: bool) -> String {
    let why = if is_pruned { "its trial is pruned" } else { "its trial waits at its rung" };
    format!("attempt {attempt} has ended: {why}")
}

fn check(trial: &TrialRecord, metric: &EpochMetric, checkpoint: CheckpointRef) -> Result<(), Rejection> {
    let id = trial.spec.id;
    let epochs = trial.spec.configuration.epochs();
    if u64::from(metric.epoch) > epochs {
        return Err(Rejection::Invalid(format!("trial {id} has {epochs} epochs, not {}", metric.epoch)));
    }
    if let Some(until) = trial.until_epoch.filter(|until| metric.epoch > *until) {
        let problem = format!("trial {id} was to train until epoch {until}, not to {}", metric.epoch);
        return Err(Rejection::Invalid(problem));
    }
    if checkpoint.epoch != metric.epoch {
        let problem = format!(
            "epoch {} of trial {id} came with a checkpoint of epoch {}",
            metric.epoch, checkpoint.epoch
        );
        return Err(Rejection::Invalid(problem));
    }
    if !(metric.train_loss.is_finite() && metric.validation_loss.is_finite()) {
        let problem = format!("epoch {} of trial {id} has no finite loss: it diverged", metric.epoch);
        return Err(Rejection::Invalid(problem));
    }
    Ok(())
}

//! A worker reports an epoch with its checkpoint.

use sweep_proto::{CheckpointRef, EpochMetric, LeaseToken, Timestamp, WorkKind};

use super::{Outcome, live_lease};
use crate::command::{Rejection, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{AttemptRecord, EpochRecord, TrialRecord};

pub(crate) fn report_epoch(
    engine: &Engine,
    now: Timestamp,
    token: LeaseToken,
    metric: &EpochMetric,
    checkpoint: CheckpointRef,
) -> Outcome {
    let (trial, attempt) = live_lease(engine, token)?;
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
    draft.add_epoch(record);
    draft.set_attempt(AttemptRecord { heard_at: Some(now), kept_at: Some(now), ..attempt.clone() });
    draft.set_trial(TrialRecord { checkpoint: Some(checkpoint), underway: None, ..trial.clone() });
    Ok(draft.finish(Reply::Done))
}

fn check(trial: &TrialRecord, metric: &EpochMetric, checkpoint: CheckpointRef) -> Result<(), Rejection> {
    let id = trial.spec.id;
    let epochs = trial.spec.configuration.epochs();
    if u64::from(metric.epoch) > epochs {
        return Err(Rejection::Invalid(format!("trial {id} has {epochs} epochs, not {}", metric.epoch)));
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

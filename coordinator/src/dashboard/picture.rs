//! What the page of a sweep shows, copied from the engine. No route, no text, no clock but the engine's.

use coordinator_core::{AttemptRecord, AttemptState, Engine, TrialRecord, TrialState};
use sweep_proto::{AttemptId, EpochMetric, SweepId, Timestamp, TrialId, WorkKind};

use crate::attempt_logs::AttemptLogs;
use crate::json::Sweep;
use crate::view::SweepView;

/// Curves of running trials on one page.
pub(super) const CURVES_MAX: usize = 200;

/// Points of all curves of one page together, thinned evenly: more than a screen has columns of pixels for.
const POINTS_MAX: usize = 6_000;

/// Failures on one page, newest first; the report has all of them.
const FAILURES_MAX: usize = 50;

/// A sweep at one moment.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    /// As `sweep status` tells it.
    pub(super) status: Sweep,
    /// Every trial, in order.
    pub(super) trials: Vec<Cell>,
    /// Of trials that run, in order; at most [`CURVES_MAX`].
    pub(super) curves: Vec<Curve>,
    /// The newest attempts without a result, newest first; at most [`FAILURES_MAX`].
    pub(super) failures: Vec<Failure>,
    /// How many there are.
    pub(super) failures_count: u64,
}

/// One trial on the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) state: TrialState,
    /// Its score by the objective, lower being better, where completed.
    pub(super) score: Option<f64>,
}

/// The epochs of one trial, some left out where there are many.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub(super) trial: TrialId,
    /// Swept values and replicate.
    pub(super) label: String,
    pub(super) epochs: Vec<EpochMetric>,
}

/// An attempt that brought no result.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) trial: TrialId,
    pub(super) attempt: u32,
    pub(super) label: String,
    pub(super) worker: String,
    pub(super) state: &'static str,
    pub(super) at: Option<Timestamp>,
    pub(super) reason: String,
}

/// The picture of a sweep; `None` where there is none.
pub(super) fn of(engine: &Engine, id: SweepId, now: Timestamp, logs: &AttemptLogs) -> Option<Picture> {
    let status = Sweep::from(SweepView::of(engine, id, now, logs)?);
    let cell = |trial: &TrialRecord| Cell {
        state: engine.state_of(trial),
        score: trial.score().filter(|score| score.is_finite()),
    };
    let (failures, failures_count) = failures(engine, id);
    Some(Picture {
        status,
        trials: engine.tables().trials_of(id).map(cell).collect(),
        curves: curves(engine, id),
        failures,
        failures_count,
    })
}

/// Swept values and replicate of a trial, in words.
pub(super) fn label(engine: &Engine, trial: &TrialRecord) -> String {
    let swept = engine.sweep(trial.spec.id.sweep).map(|sweep| sweep.spec.swept()).unwrap_or_default();
    let values = trial.spec.configuration.label(&swept);
    format!("{values} replicate={}", trial.spec.replicate).trim_start().to_owned()
}

fn curves(engine: &Engine, id: SweepId) -> Vec<Curve> {
    let trains = |trial: &&TrialRecord| trial.lease.is_some_and(|lease| lease.work == WorkKind::Train);
    let running: Vec<_> = engine.running(id).filter(trains).take(CURVES_MAX).collect();
    let points = POINTS_MAX / running.len().max(1);
    let curve = |trial: &&TrialRecord| {
        let epochs = engine.tables().epochs_of(trial.spec.id).map(|epoch| epoch.metric.clone());
        Curve { trial: trial.spec.id, label: label(engine, trial), epochs: thinned(epochs.collect(), points) }
    };
    running.iter().map(curve).filter(|curve| !curve.epochs.is_empty()).collect()
}

/// At most about so many, evenly apart, the last one among them.
pub(super) fn thinned<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let (count, stride) = (all.len(), all.len().div_ceil(most.max(1)).max(1));
    all.into_iter()
        .enumerate()
        .filter(|(at, _)| (count - 1 - at).is_multiple_of(stride))
        .map(|(_, one)| one)
        .collect()
}

fn failures(engine: &Engine, sweep: SweepId) -> (Vec<Failure>, u64) {
    let first = AttemptId { trial: TrialId { sweep, index: 0 }, number: 0 };
    let last = AttemptId { trial: TrialId { sweep, index: u32::MAX }, number: u32::MAX };
    let attempts = engine.tables().attempts.range(first..=last);
    let mut failed: Vec<_> = attempts.filter(|attempt| name_of_failure(attempt).is_some()).collect();
    let count = failed.len() as u64;
    failed.sort_by_key(|attempt| std::cmp::Reverse((attempt.ended_at, attempt.id)));
    let failure = |attempt: &AttemptRecord| Failure {
        trial: attempt.id.trial,
        attempt: attempt.id.number,
        label: engine
            .tables()
            .trials
            .get(&attempt.id.trial)
            .map(|trial| label(engine, trial))
            .unwrap_or_default(),
        worker: attempt.worker_name.to_string(),
        state: name_of_failure(attempt).unwrap_or_default(),
        at: attempt.ended_at,
        reason: attempt.error.as_deref().unwrap_or_default().to_owned(),
    };
    (failed.into_iter().take(FAILURES_MAX).map(failure).collect(), count)
}

fn name_of_failure(attempt: &AttemptRecord) -> Option<&'static str> {
    match attempt.state {
        AttemptState::Failed => Some(attempt.failure.map_or("failed", |kind| kind.name())),
        AttemptState::Diverged | AttemptState::Expired => Some(attempt.state.words()),
        // Handed back, called back or ended by its pruner is not failed.
        AttemptState::Running
        | AttemptState::Succeeded
        | AttemptState::Reached
        | AttemptState::Pruned
        | AttemptState::Released
        | AttemptState::Revoked => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_points_become_few_that_end_where_they_ended() {
        assert_eq!(thinned((0..10).collect(), 20), (0..10).collect::<Vec<_>>());
        assert_eq!(thinned((0..10).collect(), 4), [0, 3, 6, 9]);
        assert_eq!(thinned((0..11).collect(), 1), [10]);
        assert!(thinned(Vec::<u8>::new(), 3).is_empty());
    }
}

//! Every attempt that brought no result: who, why, and what followed from it.

use std::collections::BTreeMap;

use coordinator_core::{AttemptRecord, AttemptState, TrialState};
use sweep_proto::text::inert_lines;
use sweep_proto::{MeteredPart, TrialId, WorkKind};

use crate::input::ReportInput;
use crate::model::{Consequence, FailedAttempt};
use crate::table::{Table, TrialRow};

/// The attempts by id.
pub fn failures(input: &ReportInput, table: &Table) -> Vec<FailedAttempt> {
    let trials: BTreeMap<TrialId, &TrialRow> = table.trials.iter().map(|trial| (trial.id, trial)).collect();
    let mut attempts: Vec<_> =
        input.attempts.iter().filter(|attempt| outcome(attempt.state).is_some()).collect();
    attempts.sort_by_key(|attempt| attempt.id);
    let rows = attempts.into_iter().filter_map(|attempt| {
        let trial = *trials.get(&attempt.id.trial)?;
        Some(FailedAttempt {
            attempt: attempt.id.to_string(),
            label: table.label(trial.configuration),
            replicate: trial.replicate,
            work: match attempt.work {
                WorkKind::Train => "train",
                WorkKind::Evaluate => "evaluate",
            },
            worker: attempt.worker_name.to_string(),
            outcome: outcome(attempt.state)?,
            kind: attempt.failure.map(sweep_proto::FailureKind::name),
            // Rows that were stored before messages were made inert where they enter.
            reason: attempt.error.as_deref().map(inert_lines),
            // A lease outlives a dead worker: its seconds are those that the hours charge.
            seconds: attempt.ended_at.map(|_| attempt.charged_ms() as f64 / 1_000.0),
            consequence: consequence(attempt, trial, input.sweep.spent()),
        })
    });
    rows.collect()
}

fn outcome(state: AttemptState) -> Option<&'static str> {
    match state {
        AttemptState::Running | AttemptState::Succeeded => None,
        state => Some(state.name()),
    }
}

fn consequence(attempt: &AttemptRecord, trial: &TrialRow, spent: Option<MeteredPart>) -> Consequence {
    if attempt.work == WorkKind::Evaluate {
        return match trial.test {
            Some(_) => Consequence::MeasuredAgain,
            None => Consequence::NotMeasured,
        };
    }
    match trial.state {
        TrialState::Completed => Consequence::CompletedAgain,
        TrialState::Diverged => Consequence::Diverged(trial.diverged_epoch),
        TrialState::Failed => Consequence::TriesSpent,
        TrialState::Cancelled if spent.is_some() => Consequence::BudgetSpent,
        TrialState::Cancelled => Consequence::SweepCancelled,
        TrialState::Pruned => Consequence::StoppedEarly,
        TrialState::Pending | TrialState::Leased | TrialState::Paused => Consequence::ToBeTriedAgain,
    }
}

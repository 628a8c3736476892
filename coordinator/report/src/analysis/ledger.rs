//! The ledger: proof that every planned trial is accounted for exactly once.

use std::collections::{BTreeMap, BTreeSet};

use coordinator_core::{AttemptState, SweepState, TrialRecord, TrialState, planned_trials, waiting_state};
use sweep_proto::TrialId;

use crate::input::ReportInput;
use crate::model::TrialAccount;
use crate::table::Table;

/// Counts trials and attempts. `planned` comes from the specification, the states from the records.
pub fn ledger(input: &ReportInput, table: &Table) -> TrialAccount {
    let mut states: BTreeMap<&'static str, u64> =
        TrialState::ALL.iter().map(|state| (state.name(), 0)).collect();
    let mut seen = BTreeSet::new();
    let (mut duplicates, mut without_result, mut reused) = (0, 0, 0);
    for trial in &table.trials {
        *states.entry(trial.state.name()).or_default() += 1;
        duplicates += u64::from(!seen.insert((trial.configuration, trial.replicate)));
        let completed = trial.state == TrialState::Completed;
        without_result += u64::from(completed && trial.outcome.is_none());
        reused += u64::from(completed && trial.reused_from.is_some());
    }
    let planned = planned_trials(&input.sweep, input.trials.iter());
    let recorded = table.trials.len() as u64;
    let mut unmade = 0;
    // A large sweep's trials are made while it runs: those that are yet to be made stand as what they are going to be.
    if let Some(state) = waiting_state(input.sweep.state) {
        unmade = planned.map_or(0, |planned| planned.saturating_sub(recorded));
        *states.entry(state.name()).or_default() += unmade;
    }
    let own: BTreeSet<TrialId> = table.trials.iter().map(|trial| trial.id).collect();
    let attempts: Vec<_> = input.attempts.iter().filter(|attempt| own.contains(&attempt.id.trial)).collect();
    let count = |state| attempts.iter().filter(|attempt| attempt.state == state).count() as u64;
    TrialAccount {
        planned,
        states,
        recorded,
        unmade,
        duplicates,
        without_result,
        balanced: planned.is_none_or(|planned| planned == recorded + unmade)
            && duplicates == 0
            && without_result == 0,
        reused,
        shelved: shelved(input),
        attempts: attempts.len() as u64,
        failed_attempts: count(AttemptState::Failed),
        diverged_attempts: count(AttemptState::Diverged),
        lost_leases: count(AttemptState::Expired),
        released_attempts: count(AttemptState::Released),
        revoked_attempts: count(AttemptState::Revoked),
    }
}

/// Trials that the spent budget of a sweep stopped. Those that the pruner ended have a number among the ended ones. Whether checkpoints
/// are still kept counts for nothing: a report tells what held at the end of its sweep.
fn shelved(input: &ReportInput) -> u64 {
    let sweep = &input.sweep;
    if sweep.spent().is_none() || sweep.state == SweepState::Cancelled {
        return 0;
    }
    let is_shelved = |trial: &&TrialRecord| trial.state == TrialState::Pruned && trial.ended_number.is_none();
    input.trials.iter().filter(is_shelved).count() as u64
}

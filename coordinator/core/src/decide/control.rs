//! Cancel, pause and resume.

use sweep_proto::{SweepId, Timestamp, TrialId};

use super::{Decided, known_sweep};
use crate::command::{Decision, Rejection, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{AttemptState, SweepRecord, SweepState, TrialState};

pub(crate) fn cancel(engine: &Engine, now: Timestamp, id: SweepId) -> Decided {
    let sweep = known_sweep(engine, id)?;
    match sweep.state {
        SweepState::Cancelled => return Ok(Decision::default()),
        SweepState::Finished => return Err(wrong_state(sweep, "cancelled")),
        SweepState::Open | SweepState::Paused | SweepState::Evaluating => {}
    }
    let mut draft = Draft::new(engine, now);
    draft.set_sweep(SweepRecord {
        state: SweepState::Cancelled,
        ended_at: Some(now),
        held: None,
        extended_from: None,
        // Trials of a search come to no fixed number.
        planned: sweep.search.is_none().then(|| draft.made(id) + engine.unmade(id)),
        ..sweep.clone()
    });
    let Some(index) = engine.index.sweeps.get(&id) else { return Ok(draft.finish(Reply::Done)) };
    for trial in &index.leased {
        let trial = TrialId { sweep: id, index: *trial };
        if let Some((trial, _)) = draft.end_attempt(trial, AttemptState::Revoked) {
            if trial.state.is_terminal() {
                draft.set_trial(trial);
            } else {
                draft.end_trial(trial, TrialState::Cancelled);
            }
        }
    }
    draft.let_trials_follow(id)?;
    Ok(draft.finish(Reply::Done))
}

/// What runs goes on until its worker's next heartbeat, which asks for it back.
pub(crate) fn pause(engine: &Engine, now: Timestamp, id: SweepId) -> Decided {
    let sweep = known_sweep(engine, id)?;
    match sweep.state {
        SweepState::Paused => return Ok(Decision::default()),
        SweepState::Open => {}
        SweepState::Evaluating | SweepState::Finished | SweepState::Cancelled => {
            return Err(wrong_state(sweep, "paused"));
        }
    }
    let mut draft = Draft::new(engine, now);
    draft.set_sweep(SweepRecord { state: SweepState::Paused, ..sweep.clone() });
    draft.let_trials_follow(id)?;
    Ok(draft.finish(Reply::Done))
}

pub(crate) fn resume(engine: &Engine, now: Timestamp, id: SweepId) -> Decided {
    let sweep = known_sweep(engine, id)?;
    match sweep.state {
        SweepState::Paused => {}
        SweepState::Open | SweepState::Evaluating => return Ok(Decision::default()),
        SweepState::Finished | SweepState::Cancelled => return Err(wrong_state(sweep, "resumed")),
    }
    let mut draft = Draft::new(engine, now);
    draft.set_sweep(SweepRecord { state: SweepState::Open, held: None, ..sweep.clone() });
    draft.let_trials_follow(id)?;
    Ok(draft.finish(Reply::Done))
}

fn wrong_state(sweep: &SweepRecord, verb: &'static str) -> Rejection {
    Rejection::WrongState { sweep: sweep.id, state: sweep.state, verb }
}

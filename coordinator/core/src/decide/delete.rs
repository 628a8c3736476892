//! Delete: an ended sweep goes, a bounded number of trials at one time.
//!
//! From the command on nobody sees it. What a later sweep has taken over from it stays as it is, under the same number, because
//! that sweep's report is made from it: the trial that was trained, with its attempts and epochs. It goes with the last trial that
//! rests on it, and the sweep's row with its last trial.

use sweep_proto::{SweepId, Timestamp, TrialId};

use super::{Decided, known_sweep};
use crate::command::{Rejection, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::limits::ROWS_PER_TRIAL_OF_SLICE;
use crate::mutation::Key;
use crate::record::SweepRecord;

pub(crate) fn delete(engine: &Engine, now: Timestamp, id: SweepId) -> Decided {
    let sweep = known_sweep(engine, id)?;
    if !sweep.state.is_ended() {
        return Err(Rejection::NotEnded { sweep: id, state: sweep.state });
    }
    let mut draft = Draft::new(engine, now);
    draft.set_sweep(SweepRecord {
        // Nothing of a deleted sweep is read any more but the trials that others rest on, which count as its owner's.
        file_text: String::new(),
        datasets: Vec::new(),
        chosen: None,
        earlier_choices: Vec::new(),
        deleted_at: Some(now),
        ..sweep.clone()
    });
    draft.clear_away(id);
    Ok(draft.finish(Reply::Done))
}

impl Draft<'_> {
    /// Removes the next trials of a deleted sweep that nobody rests on, and its row after the last one.
    pub(super) fn clear_away(&mut self, id: SweepId) {
        let engine = self.engine;
        let Some(index) = engine.index.sweeps.get(&id) else { return };
        let rows_max = engine.slice.0.saturating_mul(ROWS_PER_TRIAL_OF_SLICE);
        let (mut trials, mut rows) = (0, 0);
        for trial in free_trials(engine, id).take(engine.slice.0) {
            if rows > rows_max {
                break;
            }
            rows += engine.tables.attempts_of(trial).count() + engine.tables.epochs_of(trial).count();
            trials += 1;
            self.remove(Key::Trial(trial));
        }
        if trials == index.made() {
            self.remove(Key::Sweep(id));
        }
    }
}

/// The trials of a sweep whose result nobody has taken over, in order.
fn free_trials(engine: &Engine, id: SweepId) -> impl Iterator<Item = TrialId> {
    let mut kept = engine.index.sweeps.get(&id).into_iter().flat_map(|index| &index.origins).peekable();
    engine.tables.trials_of(id).map(|trial| trial.spec.id).filter(move |trial| {
        while kept.next_if(|origin| **origin < trial.index).is_some() {}
        kept.peek().is_none_or(|origin| **origin != trial.index)
    })
}

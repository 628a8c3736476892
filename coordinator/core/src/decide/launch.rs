//! Launch: a new sweep with all its trials.

use sweep_proto::{SweepId, SweepSpec, Timestamp};

use super::{Outcome, grid};
use crate::command::Reply;
use crate::draft::Draft;
use crate::engine::Engine;
use crate::record::{DatasetRecord, SweepRecord, SweepState, TrialRecord};

pub(crate) fn launch(
    engine: &Engine,
    now: Timestamp,
    spec: &SweepSpec,
    file_text: &str,
    datasets: &[DatasetRecord],
    attach: bool,
) -> Outcome {
    if attach && let Some(running) = running_with(engine, spec, file_text, datasets) {
        return Ok(Draft::new(engine, now).finish(Reply::Launched(running)));
    }
    let spec = grid::checked(spec.clone())?;
    grid::check_datasets(&spec, datasets)?;
    let id = SweepId(engine.tables.sweeps.last_key_value().map_or(1, |(last, _)| last.0 + 1));
    let mut draft = Draft::new(engine, now);
    for (index, (configuration, replicate)) in grid::points(&spec).enumerate() {
        let trial =
            grid::new_trial(grid::trial_id(id, index), configuration, replicate, spec.seed, datasets)?;
        draft.add_trial(trial, spec.reuse);
    }
    draft.set_sweep(SweepRecord {
        id,
        spec,
        file_text: file_text.to_owned(),
        state: SweepState::Open,
        created_at: now,
        ended_at: None,
        datasets: datasets.to_vec(),
        chosen: None,
    });
    Ok(draft.finish(Reply::Launched(id)))
}

/// The newest sweep of the same text and the same data that has not ended.
fn running_with(
    engine: &Engine,
    spec: &SweepSpec,
    file_text: &str,
    datasets: &[DatasetRecord],
) -> Option<SweepId> {
    let same = |sweep: &&SweepRecord| {
        !sweep.state.is_ended()
            && sweep.file_text == file_text
            && sweep.spec.data == spec.data
            && datasets.iter().all(|dataset| sweep.datasets.iter().any(|known| known.is_same_data(dataset)))
    };
    engine.tables.sweeps.values().rev().find(same).map(|sweep| sweep.id)
}

impl Draft<'_> {
    /// Adds a trial: completed at once where a trained one of the same key may stand in for it.
    pub(crate) fn add_trial(&mut self, trial: TrialRecord, reuse: bool) {
        let engine = self.engine;
        let origin = engine.index.trained.get(&trial.key).filter(|_| reuse);
        match origin.and_then(|origin| engine.tables.trials.get(origin)) {
            Some(origin) => self.reuse(trial, origin),
            None => self.set_trial(trial),
        }
    }
}

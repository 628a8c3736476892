//! Launch: a new sweep with all its trials.

use sweep_proto::{DataSource, SweepId, SweepSpec, Timestamp, sweep_file};

use super::{Outcome, grid};
use crate::command::{Decision, Reply};
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
        return Ok(attach_to(engine, now, running, spec, file_text));
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

/// The newest sweep that has not ended and asks for the same on the same data. Only meaning is compared: comments may
/// be added to the file, and the folder of the data renamed; the digests say whether the data is the same.
fn running_with<'e>(
    engine: &'e Engine,
    spec: &SweepSpec,
    file_text: &str,
    datasets: &[DatasetRecord],
) -> Option<&'e SweepRecord> {
    let asked = meaning(spec);
    let same = |sweep: &&SweepRecord| {
        !sweep.state.is_ended()
            && datasets.iter().all(|dataset| sweep.datasets.iter().any(|known| known.is_same_data(dataset)))
            && (meaning(&sweep.spec) == asked || launched_as(sweep, file_text, &asked))
    };
    engine.tables.sweeps.values().rev().find(same)
}

/// Whether the sweep was launched from a file of that meaning: it may have been extended since.
fn launched_as(sweep: &SweepRecord, file_text: &str, asked: &SweepSpec) -> bool {
    sweep.file_text == file_text
        || sweep_file::parse("", &sweep.file_text).is_ok_and(|launched| meaning(&launched) == *asked)
}

/// A sweep without where its data lies and whether it takes over results: neither changes what it is to find.
fn meaning(spec: &SweepSpec) -> SweepSpec {
    let mut meaning = spec.clone();
    meaning.data.source = DataSource::Known { name: String::new(), path: None };
    meaning.reuse = true;
    meaning
}

/// Goes on with a sweep, which keeps what it was launched from as it stands now: a later extension reads the data there.
fn attach_to(
    engine: &Engine,
    now: Timestamp,
    running: &SweepRecord,
    spec: &SweepSpec,
    file_text: &str,
) -> Decision {
    let mut draft = Draft::new(engine, now);
    if running.spec.data.source != spec.data.source || running.file_text != file_text {
        let mut sweep = running.clone();
        sweep.spec.data.source = spec.data.source.clone();
        file_text.clone_into(&mut sweep.file_text);
        draft.set_sweep(sweep);
    }
    draft.finish(Reply::Launched(running.id))
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

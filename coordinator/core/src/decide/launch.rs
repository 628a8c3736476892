//! Launch: a new sweep, and the first of its trials.

use sweep_proto::{DataSource, SweepId, SweepSpec, Timestamp, sweep_file};

use super::{Outcome, grid};
use crate::command::{Decision, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::quota::{self, Quota, Totals};
use crate::record::{DatasetRecord, SweepRecord, SweepState, TrialRecord};

/// What is launched, and by whom.
pub(crate) struct Launch<'a> {
    pub(crate) spec: &'a SweepSpec,
    pub(crate) file_text: &'a str,
    pub(crate) datasets: &'a [DatasetRecord],
    pub(crate) owner: Option<&'a str>,
    pub(crate) quota: &'a Quota,
}

pub(crate) fn launch(engine: &Engine, now: Timestamp, launch: &Launch<'_>, attach: bool) -> Outcome {
    let Launch { spec, file_text, datasets, owner, quota } = *launch;
    if attach && let Some(running) = running_with(engine, spec, file_text, datasets) {
        return Ok(attach_to(engine, now, running, spec, file_text));
    }
    let spec = grid::checked(spec.clone())?;
    grid::check_datasets(&spec, datasets)?;
    let mut more = Totals::of_trials(&spec, spec.trial_count().unwrap_or(u64::MAX));
    more.add(Totals::of_sweep(file_text, datasets));
    quota::check(engine, quota, owner, more)?;
    let id = SweepId(engine.tables.sweeps.last_key_value().map_or(1, |(last, _)| last.0 + 1));
    let mut draft = Draft::new(engine, now);
    draft.set_sweep(SweepRecord {
        id,
        spec,
        file_text: file_text.to_owned(),
        state: SweepState::Open,
        created_at: now,
        ended_at: None,
        datasets: datasets.to_vec(),
        chosen: None,
        owner: owner.map(ToOwned::to_owned),
        held: None,
        extended_from: None,
    });
    draft.let_trials_follow(id)?;
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

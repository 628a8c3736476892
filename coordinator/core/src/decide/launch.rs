//! Launch: a new sweep, and the first of its trials.

use sweep_proto::{DataSource, SweepId, SweepSpec, Timestamp, sweep_file};

use super::{Decided, grid};
use crate::command::{Decision, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::quota::{self, Quota, Totals};
use crate::record::{
    Cleared, DatasetRecord, GridOrder, KeyForm, SweepRecord, SweepState, TrialRecord, TrialState,
};
use crate::{search, source};

/// What is launched, and by whom.
pub(crate) struct Launch<'a> {
    pub(crate) spec: &'a SweepSpec,
    pub(crate) file_text: &'a str,
    pub(crate) datasets: &'a [DatasetRecord],
    pub(crate) owner: Option<&'a str>,
    pub(crate) quota: &'a Quota,
}

pub(crate) fn launch(engine: &Engine, now: Timestamp, launch: &Launch<'_>, attach: bool) -> Decided {
    let Launch { spec, file_text, datasets, owner, quota } = *launch;
    if attach && let Some(same) = same_as(engine, spec, file_text, datasets) {
        // Found, and not touched, whoever asks: its row is what signed reports are held against.
        return Ok(Decision { reply: Reply::Launched(same.id), ..Decision::default() });
    }
    let spec = grid::checked(spec.clone())?;
    grid::check_datasets(&spec, datasets)?;
    quota::check_priority(quota, spec.priority)?;
    let search = search::launched(&spec);
    let count = source::of_spec(&spec).target();
    let mut more = Totals::of_trials(&spec, count);
    more.add(Totals::of_sweep(file_text, datasets));
    quota::check(engine, quota, owner, more)?;
    let id = SweepId(engine.tables.last_sweep + 1);
    let is_large = count > engine.index.stock.0 as u64;
    let order = if is_large { GridOrder::ByReplicate } else { GridOrder::ByConfiguration };
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
        order,
        earlier_choices: Vec::new(),
        search,
        conclusion: None,
        deleted_at: None,
        cleared: Cleared::default(),
        planned: None,
    });
    draft.let_trials_follow(id)?;
    Ok(draft.finish(Reply::Launched(id)))
}

/// The newest sweep that asks for the same on the same data: one that has not ended, or else one that has finished with nothing
/// left to train. Only meaning is compared: comments may be added to the file, and the folder of the data renamed; the digests
/// say whether the data is the same.
fn same_as<'e>(
    engine: &'e Engine,
    spec: &SweepSpec,
    file_text: &str,
    datasets: &[DatasetRecord],
) -> Option<&'e SweepRecord> {
    let asked = meaning(spec);
    let newest = |is_eligible: fn(SweepState) -> bool| {
        // What is cheap to tell is told first.
        let is_same = |sweep: &&SweepRecord| {
            is_eligible(sweep.state) && has_data(sweep, datasets) && asks_for(sweep, file_text, &asked)
        };
        engine.sweeps().rev().find(is_same)
    };
    let running = newest(|state| !state.is_ended());
    // `reuse = false` asks to train everything again, so an earlier result is not an answer.
    if running.is_some() || !spec.reuse {
        return running;
    }
    newest(|state| state == SweepState::Finished).filter(|sweep| is_complete(engine, sweep))
}

/// Whether every trial has a result that this program would give, too: another version may train to other numbers.
fn is_complete(engine: &Engine, sweep: &SweepRecord) -> bool {
    let ledger = engine.ledger(sweep.id);
    let first = engine.tables.trials_of(sweep.id).next();
    ledger.of(TrialState::Completed) == ledger.planned
        && first.is_some_and(|trial| trial.key_form != KeyForm::Other)
}

impl Engine {
    /// The newest sweep that asks for the same as a sweep file, where it is of other data than this: the data has changed since.
    pub fn same_on_other_data(
        &self,
        spec: &SweepSpec,
        file_text: &str,
        datasets: &[DatasetRecord],
    ) -> Option<SweepId> {
        let asked = meaning(spec);
        let newest = self
            .sweeps()
            .rev()
            .find(|sweep| sweep.spec.data.source == spec.data.source && asks_for(sweep, file_text, &asked))?;
        (!has_data(newest, datasets)).then_some(newest.id)
    }
}

fn has_data(sweep: &SweepRecord, datasets: &[DatasetRecord]) -> bool {
    datasets.iter().all(|dataset| sweep.datasets.iter().any(|known| known.is_same_data(dataset)))
}

fn asks_for(sweep: &SweepRecord, file_text: &str, asked: &SweepSpec) -> bool {
    meaning(&sweep.spec) == *asked || launched_as(sweep, file_text, asked)
}

/// Whether the sweep was launched from a file of that meaning: it may have been extended since.
fn launched_as(sweep: &SweepRecord, file_text: &str, asked: &SweepSpec) -> bool {
    sweep.file_text == file_text
        || sweep_file::parse_launched(&sweep.file_text).is_ok_and(|launched| meaning(&launched) == *asked)
}

/// A sweep without where its data lies, whether it takes over results and how urgent it is: none of that changes what it is to
/// find.
fn meaning(spec: &SweepSpec) -> SweepSpec {
    let mut meaning = spec.clone();
    meaning.data.source = DataSource::Known { name: String::new(), path: None };
    meaning.reuse = true;
    meaning.priority = 0;
    meaning
}

impl Draft<'_> {
    /// Adds a trial, which may train to its first rung: completed at once where a trained one of the same key may stand in for it.
    pub(crate) fn add_trial(&mut self, mut trial: TrialRecord, reuse: bool) {
        trial.until_epoch = self.first_rung(&trial);
        // Its key is a hash: asked for only where somebody wants to know.
        let origin = if reuse { self.engine.trained_as(&trial.spec) } else { None };
        match origin {
            Some(origin) => self.reuse(trial, origin),
            None => self.set_trial(trial),
        }
    }
}

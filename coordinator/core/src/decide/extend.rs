//! Extend: more levels, more axes, more replicates or a larger budget for a sweep that exists.

use std::fmt;

use sweep_proto::search::BUDGET_EPOCHS_MAX;
use sweep_proto::sweep_spec::TRIALS_MAX;
use sweep_proto::{Budget, SweepId, SweepSpec, Timestamp};

use super::{Decided, grid, known_sweep};
use crate::command::{Extension, Rejection, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::index::SweepIndex;
use crate::quota::{self, Quota, Totals};
use crate::record::{DatasetRecord, SearchRecord, SweepRecord, SweepState};
use crate::rungs::RungBudget;
use crate::source::{self, Tally};
use crate::{retention, search};

pub(crate) fn extend(
    engine: &Engine,
    now: Timestamp,
    id: SweepId,
    (more, datasets): (&Extension, &[DatasetRecord]),
    (caller, quota): (Option<&str>, &Quota),
) -> Decided {
    let (sweep, spec, mut added) = growth(engine, id, more)?;
    added.add(Totals::of_datasets(datasets));
    let datasets = merged_datasets(&sweep.datasets, datasets)?;
    grid::check_datasets(&spec, &datasets)?;
    quota::check_growth(engine, quota, sweep, caller, added)?;

    let mut draft = Draft::new(engine, now);
    let extended_from = match sweep.search {
        Some(_) => None,
        None => Some(grown_from(sweep, draft.made(id))?),
    };
    draft.revoke_evaluation(id);
    let mut reopened = draft.reopened(sweep);
    reopened.search = reopened.search.map(|search| widened(search, sweep, &spec));
    if !more.axes.is_empty() {
        // What was looked at stands elsewhere in another space.
        reopened.search = reopened.search.map(|search| SearchRecord { from: 0, ..search });
    }
    draft.set_sweep(SweepRecord { spec, datasets, extended_from, ..reopened });
    draft.let_trials_follow(id)?;
    Ok(draft.finish(Reply::Done))
}

/// The sweep, its spec as it would become, and what it takes more than now.
fn growth<'e>(
    engine: &'e Engine,
    id: SweepId,
    more: &Extension,
) -> Result<(&'e SweepRecord, SweepSpec, Totals), Rejection> {
    let sweep = known_sweep(engine, id)?;
    if sweep.state == SweepState::Cancelled {
        return Err(Rejection::WrongState { sweep: id, state: sweep.state, verb: "extended" });
    }
    retention::check_models(sweep)?;
    let spec = grid::checked(grown_spec(&sweep.spec, more)?)?;
    let search = sweep.search.map(|search| widened(search, sweep, &spec));
    let grown = SweepRecord { spec: spec.clone(), search, state: SweepState::Open, ..sweep.clone() };
    let tally = engine.index.sweeps.get(&id).map_or(Tally::default(), SweepIndex::tally);
    let target = source::of(sweep, tally).target();
    let grown_target = source::of(&grown, tally).target();
    let fresh = grown_target.saturating_sub(target);
    // What a search has yet to make comes from the wider space.
    let has_effect = sweep.search.is_some() && spec != sweep.spec && tally.made < target;
    if fresh == 0 && !has_effect {
        return Err(Rejection::Invalid(no_trial_comes(sweep, &spec, tally)));
    }
    // Trials that are yet to be made become those of the grown spec, whose epochs may be more. An ended sweep counts none of them.
    let unmade = if sweep.state.is_ended() { 0 } else { target.saturating_sub(tally.made) };
    let after = Totals::of_trials(&spec, grown_target.saturating_sub(tally.made));
    let added = after.without(Totals::of_trials(&sweep.spec, unmade));
    Ok((sweep, spec, added))
}

impl Engine {
    /// The spec of a sweep as it would become. How many points its grid has is found by whoever asks, before [`Self::check_extension`],
    /// which finds that again: to look at all points takes up to half a second.
    ///
    /// # Errors
    /// The refusal of what there is too much of to look at, and of what cannot be added.
    pub fn grown_spec(&self, id: SweepId, more: &Extension) -> Result<SweepSpec, Rejection> {
        let grown = grown_spec(&known_sweep(self, id)?.spec, more)?;
        grid::check_effort(&grown)?;
        Ok(grown)
    }

    /// The sweep, and its spec as it would become. Asked before any data is read for an extension.
    ///
    /// # Errors
    /// The refusal of an extension that would be refused whatever its data is.
    pub fn check_extension(
        &self,
        id: SweepId,
        more: &Extension,
        (caller, quota): (Option<&str>, &Quota),
    ) -> Result<(&SweepRecord, SweepSpec), Rejection> {
        let (sweep, spec, added) = growth(self, id, more)?;
        quota::check_growth(self, quota, sweep, caller, added)?;
        Ok((sweep, spec))
    }
}

/// A search in the space that its sweep would have: what was used up is not where there is more of it. A larger budget adds none.
fn widened(search: SearchRecord, sweep: &SweepRecord, spec: &SweepSpec) -> SearchRecord {
    let is_wider = spec.axes != sweep.spec.axes || spec.replicates != sweep.spec.replicates;
    SearchRecord { is_exhausted: search.is_exhausted && !is_wider, ..search }
}

/// Why no trial would come of an extension, and what to do.
fn no_trial_comes(sweep: &SweepRecord, extended: &SweepSpec, tally: Tally) -> String {
    let Some(search) = search::of(extended).filter(|_| *extended != sweep.spec) else {
        return "nothing new: the sweep has all these trials already".to_owned();
    };
    let Budget { trials, epochs } = search.budget;
    let next_epochs = RungBudget::of(extended).map_or_else(
        || tally.epochs.saturating_add(quota::epochs_max(extended).max(1)),
        |budget| budget.for_next(tally),
    );
    let trials = trials.filter(|trials| tally.made >= u64::from(*trials));
    let epochs = epochs.filter(|epochs| next_epochs > *epochs);
    let trials = trials.map(|trials| format!(" --trials {}", trials.saturating_mul(2)));
    let epochs = epochs.map(|epochs| format!(" --epochs {}", epochs.saturating_mul(2).max(next_epochs)));
    if trials.is_none() && epochs.is_none() {
        return "the sweep has every trial of its space that its sampler finds: add levels, a wider range or replicates, too"
            .to_owned();
    }
    let raised: String = trials.into_iter().chain(epochs).collect();
    format!("the budget of its search is spent; raise it in the same extension, as with{raised}")
}

/// The spec whose trials come before those of the extension. While no trial of an earlier extension is made, both are one. Where
/// some are, their places in the grid would move before the rest is made.
fn grown_from(sweep: &SweepRecord, made: u64) -> Result<Box<SweepSpec>, Rejection> {
    match &sweep.extended_from {
        None => Ok(Box::new(sweep.spec.clone())),
        Some(before) if before.trial_count().is_some_and(|count| made <= count) => Ok(before.clone()),
        Some(_) => Err(Rejection::Invalid(format!(
            "some trials of the last extension of sweep {} are made, and others are still to be made; extend it again in a \
             moment, or, where it is large, when more of its trials have ended",
            sweep.id
        ))),
    }
}

fn grown_spec(spec: &SweepSpec, more: &Extension) -> Result<SweepSpec, Rejection> {
    let Extension { axes, replicates, budget } = more;
    let mut extended = spec.clone();
    if let Some(replicates) = *replicates {
        if replicates < spec.replicates {
            let problem = format!(
                "the sweep has {} replicates already; extending cannot lower them to {replicates}",
                spec.replicates
            );
            return Err(Rejection::Invalid(problem));
        }
        extended.replicates = replicates;
    }
    raise_budget(&mut extended, *budget)?;
    for axis in axes {
        let hyperparameter = axis.hyperparameter;
        let added = grid::checked_axis(axis)?;
        if let Some(present) = extended.axes.iter_mut().find(|one| one.hyperparameter == hyperparameter) {
            present.grow(&added).map_err(Rejection::Invalid)?;
        } else {
            extended.axes.push(added.from_fixed(spec.fixed.get(hyperparameter)).map_err(Rejection::Invalid)?);
        }
    }
    Ok(extended)
}

fn raise_budget(spec: &mut SweepSpec, more: Budget) -> Result<(), Rejection> {
    if more.is_unlimited() {
        return Ok(());
    }
    let Some(search) = spec.search.as_deref_mut().filter(|search| !search.is_of_grid()) else {
        let problem = "the sweep trains every configuration of its grid: it has no budget to raise; add levels or replicates";
        return Err(Rejection::Invalid(problem.into()));
    };
    let trials_max = u32::try_from(TRIALS_MAX).unwrap_or(u32::MAX);
    raise("trials", &mut search.budget.trials, more.trials, trials_max)?;
    raise("epochs", &mut search.budget.epochs, more.epochs, BUDGET_EPOCHS_MAX)
}

fn raise<N: Copy + Ord + fmt::Display>(
    what: &str,
    present: &mut Option<N>,
    more: Option<N>,
    most: N,
) -> Result<(), Rejection> {
    let Some(more) = more else { return Ok(()) };
    match *present {
        _ if more > most => Err(Rejection::Invalid(format!("a budget is at most {most} {what}, not {more}"))),
        None => Err(Rejection::Invalid(format!(
            "the search has no budget of {what} to raise; raise the one that it has (`sweep status` tells it)"
        ))),
        Some(now) if more < now => Err(Rejection::Invalid(format!(
            "the search has a budget of {now} {what} already; extending cannot lower it to {more}"
        ))),
        Some(_) => {
            *present = Some(more);
            Ok(())
        }
    }
}

fn merged_datasets(
    present: &[DatasetRecord],
    given: &[DatasetRecord],
) -> Result<Vec<DatasetRecord>, Rejection> {
    let mut merged = present.to_vec();
    for dataset in given {
        match merged.iter().find(|one| one.variant == dataset.variant) {
            None => merged.push(dataset.clone()),
            Some(known) if known.artifact.digest == dataset.artifact.digest => {}
            Some(known) => {
                let problem = format!(
                    "the dataset changed since the sweep was launched: it was {}, it is {}; launch a new sweep",
                    known.artifact.digest.short(),
                    dataset.artifact.digest.short()
                );
                return Err(Rejection::Invalid(problem));
            }
        }
    }
    Ok(merged)
}

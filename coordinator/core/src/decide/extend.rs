//! Extend: more levels, more axes, more replicates or another budget for a sweep that exists.

use sweep_proto::{Constraint, Domain, SweepId, SweepSpec, Timestamp, Value};

use super::budget::{Used, change_budget, no_trial_comes};
use super::{Decided, grid, known_sweep};
use crate::command::{Extension, Rejection, Reply};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::quota::{self, Quota, Totals};
use crate::record::{DatasetRecord, SearchRecord, SweepRecord, SweepState};
use crate::{retention, search, source};

pub(crate) fn extend(
    engine: &Engine,
    now: Timestamp,
    id: SweepId,
    (more, datasets): (&Extension, &[DatasetRecord]),
    (caller, quota): (Option<&str>, &Quota),
) -> Decided {
    let (sweep, spec, mut added) = growth(engine, id, more)?;
    let used = Used::of(engine, sweep);
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
    reopened.search = reopened.search.map(|search| widened(search, sweep, &spec, &used));
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
    let used = Used::of(engine, sweep);
    let spec = grid::checked(grown_spec(&sweep.spec, more, &used)?)?;
    let search = sweep.search.map(|search| widened(search, sweep, &spec, &used));
    let grown = SweepRecord { spec: spec.clone(), search, state: SweepState::Open, ..sweep.clone() };
    let tally = used.tally;
    // Nothing is looked at for it: the points of an ended grid are not kept.
    let target = tally.made + engine.unmade(id);
    let grown_target = source::of(&grown, tally).target();
    let fresh = grown_target.saturating_sub(target);
    // What was cancelled or shelved when the budget was spent waits again.
    let goes_on_again = sweep.conclusion.is_some() || sweep.spent().is_some();
    let again = if goes_on_again && grown.spent().is_none() { used.stopped } else { 0 };
    // What a search has yet to make comes from the wider space, and its open trials are held for other hours and money.
    let metered =
        |spec: &SweepSpec| search::of(spec).map(|search| (search.budget.hours, search.budget.money));
    // Of a budget that is spent but for what was kept back, the rest may be for them, too.
    let has_rest = sweep.spent().is_some() && spec.metered_ms().is_some_and(|(_, most)| used.held_ms < most);
    let is_changed = has_rest || metered(&spec) != metered(&sweep.spec);
    let goes_on = tally.made < target || !sweep.state.is_ended() && is_changed;
    let has_effect = sweep.search.is_some() && spec != sweep.spec && goes_on;
    let excluded = excluded(&sweep.spec, &spec);
    if fresh + again == 0 && !has_effect || excluded.is_some() {
        return Err(Rejection::Invalid(excluded.unwrap_or_else(|| no_trial_comes(sweep, &spec, &used))));
    }
    // Trials that are yet to be made become those of the grown spec, whose epochs may be more. An ended sweep counts none of them.
    let unmade = if sweep.state.is_ended() { 0 } else { target.saturating_sub(tally.made) };
    let after = Totals::of_trials(&spec, grown_target.saturating_sub(tally.made));
    let mut added = after.without(Totals::of_trials(&sweep.spec, unmade));
    added.add(Totals::of_trials_again(&spec, again));
    Ok((sweep, spec, added))
}

impl Engine {
    /// The spec of a sweep as it would become. How many points its grid has is found by whoever asks, before [`Self::check_extension`],
    /// which finds that again: to look at all points takes up to half a second.
    ///
    /// # Errors
    /// The refusal of what there is too much of to look at, and of what cannot be added.
    pub fn grown_spec(&self, id: SweepId, more: &Extension) -> Result<SweepSpec, Rejection> {
        let sweep = known_sweep(self, id)?;
        let grown = grown_spec(&sweep.spec, more, &Used::of(self, sweep))?;
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

/// A search in the space and with the budget that its sweep would have: what was used up is not where there is more of it. A larger
/// budget adds nothing to a space. One that is not raised stays spent.
fn widened(search: SearchRecord, sweep: &SweepRecord, spec: &SweepSpec, used: &Used) -> SearchRecord {
    let is_wider = spec.axes != sweep.spec.axes || spec.replicates != sweep.spec.replicates;
    let [before_ms, most_ms] = [&sweep.spec, spec].map(|spec| spec.metered_ms().map_or(0, |(_, ms)| ms));
    let search = SearchRecord {
        is_exhausted: search.is_exhausted && !is_wider && !search::is_steered(spec),
        ..search
    };
    if most_ms <= before_ms || most_ms <= used.held_ms {
        return search;
    }
    let search = SearchRecord { finalists: 0, ..search };
    if search.spent.is_some() { search.unspent() } else { search }
}

/// Why constraints forbid every configuration with one of the added levels; `None` where some may be allowed. Nothing is looked at
/// point by point.
fn excluded(before: &SweepSpec, grown: &SweepSpec) -> Option<String> {
    if grown.replicates != before.replicates || grown.search != before.search {
        return None;
    }
    let mut reason = None;
    for (at, axis) in grown.axes.iter().enumerate() {
        let known = before.axes.iter().find(|one| one.hyperparameter == axis.hyperparameter);
        if known == Some(axis) {
            continue;
        }
        let fixed = before.fixed.get(axis.hyperparameter);
        let Domain::Levels(levels) = &axis.domain else { return None };
        let is_new = |level: &&Value| known.map_or(**level != fixed, |known| !known.contains(level));
        let mut axes = grown.axes.clone();
        axes[at].domain = Domain::Levels(levels.iter().filter(is_new).cloned().collect());
        let why = |constraint: &Constraint| {
            let why = constraint.impossibility(&axes, &grown.fixed)?;
            Some(format!(
                "the constraint {constraint} forbids what is added to {}: {why}",
                axis.hyperparameter
            ))
        };
        let why = grown.constraints.iter().find_map(why)?;
        reason.get_or_insert(why);
    }
    reason
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

fn grown_spec(spec: &SweepSpec, more: &Extension, used: &Used) -> Result<SweepSpec, Rejection> {
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
    change_budget(&mut extended, *budget, used)?;
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

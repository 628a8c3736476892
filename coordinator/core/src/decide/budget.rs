//! The budget of a search that is extended: what is used of it, how it may change, and what is told where nothing would come of that.

use std::fmt;

use sweep_proto::search::{AMOUNT_MAX, BUDGET_EPOCHS_MAX, hours_of};
use sweep_proto::sweep_spec::TRIALS_MAX;
use sweep_proto::{Amount, Budget, MeteredPart, SweepSpec};

use crate::command::Rejection;
use crate::engine::Engine;
use crate::index::SweepIndex;
use crate::quota::epochs_max;
use crate::record::{SweepRecord, TrialState};
use crate::rungs::RungBudget;
use crate::search;
use crate::source::Tally;

/// What a sweep has used of its budget.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    /// What was made of it.
    pub(super) tally: Tally,
    /// For how long attempts held their slots.
    pub(super) held_ms: u64,
    /// Trials that were cancelled or shelved.
    pub(super) stopped: u64,
}

impl Used {
    /// As far as is known now.
    pub(super) fn of(engine: &Engine, sweep: &SweepRecord) -> Self {
        let index = engine.index.sweeps.get(&sweep.id);
        let mut tally = index.map_or(Tally::default(), SweepIndex::tally);
        if let Some(index) = index.filter(|_| sweep.conclusion.is_some()) {
            // What a steered search cancelled at its end begins again where it goes on.
            let cancelled = index.counts[TrialState::Cancelled as usize];
            tally.epochs = tally.epochs.saturating_add(cancelled.saturating_mul(epochs_max(&sweep.spec)));
        }
        let stopped = index.map_or(0, SweepIndex::stopped);
        Self { tally, held_ms: engine.held_ms(sweep.id), stopped }
    }
}

/// Raises a budget, or lowers it as far as what is used of it.
pub(super) fn change_budget(spec: &mut SweepSpec, more: Budget, used: &Used) -> Result<(), Rejection> {
    if more.is_unlimited() {
        return Ok(());
    }
    let Some(search) = spec.search.as_deref_mut().filter(|search| !search.is_of_grid()) else {
        let problem = "the sweep trains every configuration of its grid: it has no budget to raise; add levels or replicates";
        return Err(Rejection::Invalid(problem.into()));
    };
    let trials_max = u32::try_from(TRIALS_MAX).unwrap_or(u32::MAX);
    let made = u32::try_from(used.tally.made).unwrap_or(u32::MAX);
    let held = hours_of(used.held_ms);
    let costs = search.budget.price_per_hour.map_or(0.0, |price| price.get() * held);
    // What is used is told with three digits, and not as less than it is.
    let told = |used: f64| Amount::of(format!("{:.2e}", 1.005 * used).parse().unwrap_or(used));
    let amounts = |used: f64| (told(used), Amount::of(AMOUNT_MAX));
    let budget = &mut search.budget;
    change("trials", &mut budget.trials, more.trials, (Some(made), Some(trials_max)))?;
    change("epochs", &mut budget.epochs, more.epochs, (Some(used.tally.epochs), Some(BUDGET_EPOCHS_MAX)))?;
    change(MeteredPart::Hours.name(), &mut budget.hours, more.hours, amounts(held))?;
    change(MeteredPart::Money.name(), &mut budget.money, more.money, amounts(costs))?;
    budget.too_little_money().map_or(Ok(()), |problem| Err(Rejection::Invalid(problem)))
}

/// Changes a part of a budget, from what is used of it to the most that there may be.
fn change<N: Copy + Ord + fmt::Display>(
    what: &str,
    present: &mut Option<N>,
    more: Option<N>,
    (used, most): (Option<N>, Option<N>),
) -> Result<(), Rejection> {
    let Some(more) = more else { return Ok(()) };
    match *present {
        _ if most.is_some_and(|most| more > most) => {
            let most = most.map(|most| most.to_string()).unwrap_or_default();
            Err(Rejection::Invalid(format!("a budget is at most {most} {what}, not {more}")))
        }
        None => Err(Rejection::Invalid(format!(
            "the search has no budget of {what} to raise; raise the one that it has (`sweep status` tells it)"
        ))),
        Some(now) if more < now && used.is_some_and(|used| more < used) => {
            let used = used.map(|used| used.to_string()).unwrap_or_default();
            Err(Rejection::Invalid(format!(
                "the search has a budget of {now} {what} already, of which {used} are used or reserved; extending cannot lower it \
                 to {more}"
            )))
        }
        Some(_) => {
            *present = Some(more);
            Ok(())
        }
    }
}

/// Why no trial would come of an extension, and what to do.
pub(super) fn no_trial_comes(sweep: &SweepRecord, extended: &SweepSpec, used: &Used) -> String {
    let Some(search) = search::of(extended).filter(|_| *extended != sweep.spec) else {
        return "nothing new: the sweep has all these trials already".to_owned();
    };
    // What is suggested is twice what there was, whatever was asked for.
    let present = search::of(&sweep.spec).map_or(search.budget, |search| search.budget);
    let Budget { trials, epochs, hours, money, price_per_hour } = search.budget;
    let tally = used.tally;
    let next_epochs = RungBudget::of(extended).map_or_else(
        || tally.epochs.saturating_add(epochs_max(extended).max(1)),
        |budget| budget.for_next(tally),
    );
    let trials = trials.filter(|trials| tally.made >= u64::from(*trials));
    let epochs = epochs.filter(|epochs| next_epochs > *epochs);
    let trials = trials.map(|trials| trials.max(present.trials.unwrap_or(0)).saturating_mul(2));
    let trials = trials.map(|trials| format!(" --trials {trials}"));
    let epochs = epochs.map(|epochs| epochs.max(present.epochs.unwrap_or(0)).saturating_mul(2));
    let epochs = epochs.map(|epochs| format!(" --epochs {}", epochs.max(next_epochs)));
    let held = hours_of(used.held_ms);
    // Two digits are enough of what is twice as much.
    let told = |amount: f64| format!("{amount:.1e}").parse().unwrap_or(amount);
    let hours = hours.filter(|hours| hours.get() <= held).map(|_| format!(" --hours {}", told(2.0 * held)));
    let costs = price_per_hour.map_or(0.0, |price| price.get() * held);
    let money = money.filter(|money| money.get() <= costs).map(|_| format!(" --money {}", told(2.0 * costs)));
    let more: Vec<String> = [trials, epochs, hours, money].into_iter().flatten().collect();
    if more.is_empty() {
        return "the sweep has every trial of its space that its sampler finds: add levels, a wider range or replicates, too"
            .to_owned();
    }
    let (before, after) = (present, search.budget);
    let is_raised = after.trials > before.trials
        || after.epochs > before.epochs
        || after.hours > before.hours
        || after.money > before.money;
    if sweep.state.is_ended() && after != before && !is_raised {
        return format!(
            "a lower budget changes nothing of a search that has ended; to go on, raise it, as with{}",
            more.concat()
        );
    }
    format!("the budget of its search is spent; raise it in the same extension, as with{}", more.concat())
}
